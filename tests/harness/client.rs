//! Somebody who looks at pages and presses buttons, and what they get to see.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::wait::{MAX_WAIT, until, waited};
use reqwest::{Method, StatusCode, header};
use scraper::{Html, Selector};

pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(MAX_WAIT * 3)
        .build()
        .unwrap()
}

/// A browser without scripts: keeps cookies, follows nothing by itself.
pub struct TestClient {
    base: String,
    cookies: Mutex<BTreeMap<String, String>>,
    http: reqwest::Client,
}

impl TestClient {
    /// Somebody whom the console has never seen.
    pub fn new(base: String) -> Self {
        Self { base, cookies: Mutex::default(), http: http() }
    }

    /// The same person in another process of the console.
    pub fn at(&self, base: String) -> Self {
        let cookies = self.cookies.lock().unwrap().clone();
        Self { base, cookies: Mutex::new(cookies), http: http() }
    }

    /// Asks until somebody answers there.
    pub async fn wait_for_answer(&self) {
        let healthy = format!("{}/healthz", self.base);
        until(&format!("somebody answers at {}", self.base), async || {
            self.http.get(&healthy).send().await.is_ok()
        })
        .await;
    }

    pub async fn get(&self, address: &str) -> Page {
        self.request(Method::GET, address, &[], None).await
    }

    pub async fn get_in(&self, language: &str, address: &str) -> Page {
        self.cookies.lock().unwrap().insert("lang".to_owned(), language.to_owned());
        self.get(address).await
    }

    /// Posts `fields` as a page of ours would.
    pub async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Page {
        self.request(Method::POST, address, &[("sec-fetch-site", "same-origin")], Some(fields))
            .await
    }

    pub async fn request(
        &self,
        method: Method,
        address: &str,
        headers: &[(&str, &str)],
        fields: Option<&[(&str, &str)]>,
    ) -> Page {
        let mut request = self.http.request(method, format!("{}{address}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(fields) = fields {
            request = request.form(fields);
        }
        self.answered(request).await
    }

    /// A GET with this visitor's cookies, to be sent by whoever measures.
    pub fn request_to(&self, address: &str) -> reqwest::RequestBuilder {
        let request = self.http.get(format!("{}{address}", self.base));
        request.header(header::COOKIE, self.cookie_header())
    }

    fn cookie_header(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        let cookies: Vec<String> =
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    async fn answered(&self, mut request: reqwest::RequestBuilder) -> Page {
        request = request.header(header::COOKIE, self.cookie_header());
        let answer = request.send().await.unwrap();
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = cookie.split_once('=').unwrap();
            self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
        }
        Page {
            status: answer.status(),
            headers: answer.headers().clone(),
            bytes: 0,
            text: String::new(),
        }
        .read(answer.bytes().await.unwrap().to_vec())
    }

    /// Posts a form with files: field, name and content of each.
    pub async fn upload(
        &self,
        address: &str,
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
        let request = self.http.post(format!("{}{address}", self.base)).multipart(form);
        self.answered(request.header("sec-fetch-site", "same-origin")).await
    }

    /// Uploads a list for a template and waits until every row has its verdict. Answers the address
    /// of its preview.
    pub async fn upload_list(&self, template: &str, name: &str, content: &[u8]) -> String {
        let form = self.get("/p/default/batches/new").await;
        let mut fields = form.whole_form("form[data-upload]");
        let chosen = form.option_saying("#template option", template);
        fields.retain(|(name, _)| name != "template_id");
        fields.push(("template_id".to_owned(), chosen));
        let files = [("recipients", name, content)];
        let answer = self.upload("/p/default/batches/new", &fields, &files).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let preview = answer.leads_to();
        self.read(&preview).await;
        preview
    }

    /// Waits until a list has been read, and answers its preview.
    pub async fn read(&self, preview: &str) -> Page {
        let read = waited(async || {
            let page = self.get(preview).await;
            (!page.has("[data-watch]")).then_some(page)
        });
        match read.await {
            Some(page) => page,
            None => panic!("the list is never read: {}", self.get(preview).await.text),
        }
    }

    /// Gives the yes to a list as its preview stands, with more fields, and answers its batch.
    pub async fn confirm_list(&self, preview: &str, more: &[(&str, &str)]) -> String {
        let page = self.get(preview).await;
        let mut fields = page.whole_form("form#yes");
        for (name, value) in more {
            fields.retain(|(known, _)| known != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        fields.push(("confirm".to_owned(), "valid".to_owned()));
        let answer = self.post_owned(&preview.replace("/preview", "/confirm"), &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        answer.leads_to()
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

    /// The fields of the send form as it stands, with the template and phones filled in.
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
            ("template_id".to_owned(), form.option_saying("#template option", template)),
            ("phones".to_owned(), phones.to_owned()),
        ];
        fields.extend(params.iter().map(|value| ("params".to_owned(), (*value).to_owned())));
        fields
    }

    pub async fn post_owned(&self, address: &str, fields: &[(String, String)]) -> Page {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(address, &fields).await
    }

    /// Checks and confirms a send, and answers where it leads.
    pub async fn send(&self, template: &str, params: &[&str], phones: &str) -> String {
        let fields = self.send_fields(template, params, phones).await;
        let check = self.post_owned("/p/default/send", &fields).await;
        assert_eq!(check.status, StatusCode::OK, "{}", check.text);
        let sent = self.post_owned("/p/default/send", &check.form_fields("confirm")).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        sent.leads_to()
    }
}

/// An answer.
pub struct Page {
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    /// Of the body, as it travelled.
    pub bytes: usize,
    /// The body; of a packed one there is none.
    pub text: String,
}

impl Page {
    fn read(self, body: Vec<u8>) -> Self {
        let bytes = body.len();
        Self { bytes, text: String::from_utf8(body).unwrap_or_default(), ..self }
    }

    pub fn html(&self) -> Html {
        Html::parse_document(&self.text)
    }

    pub fn has(&self, selector: &str) -> bool {
        self.html().select(&Selector::parse(selector).unwrap()).next().is_some()
    }

    /// The text of each element, spaces folded.
    pub fn all(&self, selector: &str) -> Vec<String> {
        self.html()
            .select(&Selector::parse(selector).unwrap())
            .map(|one| {
                one.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    pub fn one(&self, selector: &str) -> String {
        self.all(selector)
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no {selector} in {}", self.text))
    }

    pub fn attr(&self, selector: &str, name: &str) -> String {
        let html = self.html();
        let selector_of = Selector::parse(selector).unwrap();
        let found =
            html.select(&selector_of).next().and_then(|one| one.attr(name).map(str::to_owned));
        found.unwrap_or_else(|| panic!("no {selector} in {}", self.text))
    }

    pub fn value(&self, selector: &str) -> String {
        self.attr(selector, "value")
    }

    pub fn csrf(&self) -> String {
        self.value("input[name=csrf]")
    }

    pub fn option_saying(&self, selector: &str, words: &str) -> String {
        let html = self.html();
        let selector = Selector::parse(selector).unwrap();
        let found =
            html.select(&selector).find(|one| one.text().collect::<String>().contains(words));
        found.unwrap().attr("value").unwrap().to_owned()
    }

    /// Everything that a press on the plain button of the form at `selector` would post: hidden
    /// fields, texts, what is chosen.
    pub fn whole_form(&self, selector: &str) -> Vec<(String, String)> {
        let html = self.html();
        let all = Selector::parse(&format!("{selector} :is(input, textarea, select)")).unwrap();
        let chosen = Selector::parse("option[selected]").unwrap();
        let option = Selector::parse("option").unwrap();
        let mut fields = Vec::new();
        for one in html.select(&all) {
            let Some(name) = one.attr("name") else { continue };
            let value = match (one.value().name(), one.attr("type").unwrap_or("text")) {
                ("textarea", _) => {
                    one.text().collect::<String>().trim_start_matches('\n').to_owned()
                }
                ("select", _) => one
                    .select(&chosen)
                    .chain(one.select(&option))
                    .next()
                    .and_then(|option| option.attr("value"))
                    .unwrap_or("")
                    .to_owned(),
                (_, "file") => continue,
                (_, "radio" | "checkbox") if one.attr("checked").is_none() => continue,
                _ => one.attr("value").unwrap_or("").to_owned(),
            };
            fields.push((name.to_owned(), value));
        }
        fields
    }

    /// The hidden fields of the page's form, with a press on the button called `button`.
    pub fn form_fields(&self, button: &str) -> Vec<(String, String)> {
        let html = self.html();
        let selector = Selector::parse("main form input[type=hidden]").unwrap();
        let mut fields: Vec<(String, String)> = html
            .select(&selector)
            .map(|one| {
                let attr = |name: &str| one.attr(name).unwrap_or("").to_owned();
                (attr("name"), attr("value"))
            })
            .collect();
        fields.push((button.to_owned(), "1".to_owned()));
        fields
    }

    pub fn leads_to(&self) -> String {
        self.headers[header::LOCATION].to_str().unwrap().to_owned()
    }
}
