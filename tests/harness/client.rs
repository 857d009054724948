//! A client that opens pages and submits forms, and the pages that it gets.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::wait::{MAX_WAIT, eventually, until};
use reqwest::{Method, StatusCode, header};
use scraper::{Html, Selector};

pub fn http() -> reqwest::Client {
    http_builder().build().unwrap()
}

fn http_builder() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        // A connection that was idle may be closed by the server as the next request begins.
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(MAX_WAIT * 3)
}

/// A browser without scripts: it keeps cookies and follows no redirects.
pub struct TestClient {
    base: String,
    cookies: Mutex<BTreeMap<String, String>>,
    http: reqwest::Client,
}

impl TestClient {
    /// A client without cookies.
    pub fn new(base: String) -> Self {
        Self { base, cookies: Mutex::default(), http: http() }
    }

    /// A client without cookies that connects from an address of its own: any of 127.0.0.0/8.
    pub fn from_address(base: String, address: std::net::Ipv4Addr) -> Self {
        let http = http_builder().local_address(std::net::IpAddr::V4(address)).build().unwrap();
        Self { base, cookies: Mutex::default(), http }
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    /// Sets a cookie, as somebody would who has copied or made it.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// The same client, with its cookies, at another process of the console.
    pub fn at(&self, base: String) -> Self {
        let cookies = self.cookies.lock().unwrap().clone();
        Self { base, cookies: Mutex::new(cookies), http: http() }
    }

    /// Waits until the process responds.
    pub async fn until_up(&self) {
        let health = format!("{}/healthz", self.base);
        until(&format!("{} responds", self.base), async || {
            self.http.get(&health).send().await.is_ok()
        })
        .await;
    }

    pub async fn get(&self, path: &str) -> Page {
        self.request(Method::GET, path, &[], None).await
    }

    pub async fn get_in(&self, language: &str, path: &str) -> Page {
        self.cookies.lock().unwrap().insert("lang".to_owned(), language.to_owned());
        self.get(path).await
    }

    /// Posts `fields` as a form of our own pages would.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.request(Method::POST, path, &[("sec-fetch-site", "same-origin")], Some(fields)).await
    }

    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        fields: Option<&[(&str, &str)]>,
    ) -> Page {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(fields) = fields {
            request = request.form(fields);
        }
        self.execute(request).await
    }

    /// Posts `body` as it is, as this kind of content.
    pub async fn post_body(&self, path: &str, kind: &str, body: &[u8]) -> Page {
        let request = self.http.post(format!("{}{path}", self.base)).body(body.to_vec());
        let request = request.header("sec-fetch-site", "same-origin");
        self.execute(request.header(header::CONTENT_TYPE, kind)).await
    }

    /// Returns a GET request with this client's cookies, for tests that send it themselves.
    pub fn request_to(&self, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.get(format!("{}{path}", self.base));
        request.header(header::COOKIE, self.cookie_header())
    }

    fn cookie_header(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        let cookies: Vec<String> =
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    async fn execute(&self, mut request: reqwest::RequestBuilder) -> Page {
        request = request.header(header::COOKIE, self.cookie_header());
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = cookie.split_once('=').unwrap();
            self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
        }
        Page {
            status: response.status(),
            headers: response.headers().clone(),
            bytes: 0,
            text: String::new(),
        }
        .with_body(response.bytes().await.unwrap().to_vec())
    }

    /// Posts a form with files. Each file is its field, its name and its content.
    pub async fn upload(
        &self,
        path: &str,
        fields: &[(String, String)],
        files: &[(&str, &str, &[u8])],
    ) -> Page {
        let mut form = reqwest::multipart::Form::new();
        for (name, value) in fields {
            form = form.text(name.clone(), value.clone());
        }
        for (field, name, content) in files {
            let part =
                reqwest::multipart::Part::bytes(content.to_vec()).file_name(name.to_string());
            form = form.part(field.to_string(), part);
        }
        let request = self.http.post(format!("{}{path}", self.base)).multipart(form);
        self.execute(request.header("sec-fetch-site", "same-origin")).await
    }

    /// Uploads a list for a template and waits until every row has its verdict. Returns the path
    /// of its preview.
    pub async fn upload_list(&self, template: &str, name: &str, content: &[u8]) -> String {
        let form = self.get("/p/default/batches/new").await;
        let mut fields = form.whole_form("form[data-upload]");
        let chosen = form.option_containing("#template option", template);
        fields.retain(|(name, _)| name != "template_id");
        fields.push(("template_id".to_owned(), chosen));
        let files = [("recipients", name, content)];
        let response = self.upload("/p/default/batches/new", &fields, &files).await;
        assert_eq!(response.status, StatusCode::SEE_OTHER, "{}", response.text);
        let preview = response.leads_to();
        self.until_imported(&preview).await;
        preview
    }

    /// Waits until a list has been imported, and returns its preview.
    pub async fn until_imported(&self, preview: &str) -> Page {
        let imported = eventually(async || {
            let page = self.get(preview).await;
            (!page.has("[data-watch]")).then_some(page)
        });
        match imported.await {
            Some(page) => page,
            None => panic!("the list is not imported: {}", self.get(preview).await.text),
        }
    }

    /// Confirms a list as its preview stands, with more fields, and returns the path of its batch.
    pub async fn confirm_list(&self, preview: &str, more: &[(&str, &str)]) -> String {
        let page = self.get(preview).await;
        let mut fields = page.whole_form("form#yes");
        for (name, value) in more {
            fields.retain(|(field, _)| field != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        fields.push(("confirm".to_owned(), "valid".to_owned()));
        let response = self.post_owned(&preview.replace("/preview", "/confirm"), &fields).await;
        assert_eq!(response.status, StatusCode::SEE_OTHER, "{}", response.text);
        response.leads_to()
    }

    pub async fn sign_in(&self, name: &str, password: &str, next: &str) -> Page {
        let form = self.get("/login").await;
        let fields = [
            ("csrf", form.csrf().as_str()),
            ("username", name),
            ("password", password),
            ("next", next),
        ]
        .map(|(name, value)| (name, value.to_owned()));
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.post("/login", &fields).await
    }

    /// Returns the fields of the send form, with the template, its values and the phones filled in.
    pub async fn send_fields(
        &self,
        template: &str,
        params: &[&str],
        phones: &str,
    ) -> Vec<(String, String)> {
        let form = self.get("/p/default/send").await;
        let mut fields = vec![
            ("csrf".to_owned(), form.csrf()),
            ("form_token".to_owned(), form.value("input[name=form_token]")),
            ("signature_id".to_owned(), form.value("#signature option")),
            ("template_id".to_owned(), form.option_containing("#template option", template)),
            ("phones".to_owned(), phones.to_owned()),
        ];
        fields.extend(params.iter().map(|value| ("params".to_owned(), (*value).to_owned())));
        fields
    }

    /// Resumes a paused batch, as its page offers it.
    pub async fn resume(&self, batch: &str) -> Page {
        let form = self.get(batch).await.whole_form("form[action$=resume]");
        self.post_owned(&format!("{batch}/resume"), &form).await
    }

    pub async fn post_owned(&self, path: &str, fields: &[(String, String)]) -> Page {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(path, &fields).await
    }

    /// Checks and confirms a send, and returns the path of its batch.
    pub async fn send(&self, template: &str, params: &[&str], phones: &str) -> String {
        let fields = self.send_fields(template, params, phones).await;
        let check = self.post_owned("/p/default/send", &fields).await;
        assert_eq!(check.status, StatusCode::OK, "{}", check.text);
        let sent = self.post_owned("/p/default/send", &check.form_fields("confirm")).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        sent.leads_to()
    }
}

/// A response with its body.
pub struct Page {
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    /// The size of the body as it was transferred.
    pub bytes: usize,
    /// The body as text; empty if it is compressed.
    pub text: String,
}

impl Page {
    fn with_body(self, body: Vec<u8>) -> Self {
        let bytes = body.len();
        Self { bytes, text: String::from_utf8(body).unwrap_or_default(), ..self }
    }

    pub fn html(&self) -> Html {
        Html::parse_document(&self.text)
    }

    pub fn has(&self, selector: &str) -> bool {
        self.html().select(&Selector::parse(selector).unwrap()).next().is_some()
    }

    /// Returns the text of each element, with runs of white space folded into one space.
    pub fn all(&self, selector: &str) -> Vec<String> {
        self.html()
            .select(&Selector::parse(selector).unwrap())
            .map(|element| {
                element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    /// Returns the text of the first element.
    pub fn one(&self, selector: &str) -> String {
        self.all(selector)
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no {selector} in {}", self.text))
    }

    pub fn attr(&self, selector: &str, name: &str) -> String {
        let html = self.html();
        let selector_of = Selector::parse(selector).unwrap();
        let found = html
            .select(&selector_of)
            .next()
            .and_then(|element| element.attr(name).map(str::to_owned));
        found.unwrap_or_else(|| panic!("no {selector} in {}", self.text))
    }

    pub fn value(&self, selector: &str) -> String {
        self.attr(selector, "value")
    }

    pub fn csrf(&self) -> String {
        self.value("input[name=csrf]")
    }

    /// Returns the value of the first option whose text contains `text`.
    pub fn option_containing(&self, selector: &str, text: &str) -> String {
        let html = self.html();
        let selector = Selector::parse(selector).unwrap();
        let found =
            html.select(&selector).find(|option| option.text().collect::<String>().contains(text));
        found.unwrap().attr("value").unwrap().to_owned()
    }

    /// Returns everything that the plain button of the form at `selector` would post: hidden
    /// fields, texts and choices.
    pub fn whole_form(&self, selector: &str) -> Vec<(String, String)> {
        let html = self.html();
        let all = Selector::parse(&format!("{selector} :is(input, textarea, select)")).unwrap();
        let chosen = Selector::parse("option[selected]").unwrap();
        let option = Selector::parse("option").unwrap();
        let mut fields = Vec::new();
        for field in html.select(&all) {
            let Some(name) = field.attr("name") else { continue };
            let value = match (field.value().name(), field.attr("type").unwrap_or("text")) {
                ("textarea", _) => {
                    field.text().collect::<String>().trim_start_matches('\n').to_owned()
                }
                ("select", _) => field
                    .select(&chosen)
                    .chain(field.select(&option))
                    .next()
                    .and_then(|option| option.attr("value"))
                    .unwrap_or("")
                    .to_owned(),
                (_, "file") => continue,
                (_, "radio" | "checkbox") if field.attr("checked").is_none() => continue,
                _ => field.attr("value").unwrap_or("").to_owned(),
            };
            fields.push((name.to_owned(), value));
        }
        fields
    }

    /// Returns the hidden fields of the page's form, with a click on the button named `button`.
    pub fn form_fields(&self, button: &str) -> Vec<(String, String)> {
        let html = self.html();
        let selector = Selector::parse("main form input[type=hidden]").unwrap();
        let mut fields: Vec<(String, String)> = html
            .select(&selector)
            .map(|input| {
                let attr = |name: &str| input.attr(name).unwrap_or("").to_owned();
                (attr("name"), attr("value"))
            })
            .collect();
        fields.push((button.to_owned(), "1".to_owned()));
        fields
    }

    /// Returns where a redirect leads.
    pub fn leads_to(&self) -> String {
        self.headers[header::LOCATION].to_str().unwrap().to_owned()
    }
}
