//! A console as people meet it: the real HTTP server, a real PostgreSQL of its own, the sandbox
//! behind a real socket, and one type of client per actor.
#![allow(dead_code, missing_docs)]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Method, StatusCode, header};
use scraper::{Html, Selector};
use secrecy::{SecretSlice, SecretString};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use usms_console::app::{App, Pace, Wake};
use usms_console::clock::Clock;
use usms_console::config::DefaultProject;
use usms_console::courier::{Courier, MailSettings};
use usms_console::db::projects;
use usms_console::domain::ids::ProjectId;
use usms_console::domain::role::Role;
use usms_console::keyring::Keyring;
use usms_console::ops::accounts::{self, Standing};
use usms_console::ops::{projects as project_ops, review};
use usms_console::sandbox::{self, Sandbox, Seeds, SignatureSeed, TemplateSeed};
use usms_console::{usms, web, worker};

pub const PASSWORD: &str = "a password of tests";
pub const CODE_TEMPLATE: &str = "UTA0001";
pub const MARKETING_TEMPLATE: &str = "UTM0001";

/// A running console with its sandbox.
pub struct House {
    pub app: App,
    pub sandbox: Sandbox,
    pub address: SocketAddr,
    pub project: ProjectId,
    pub hook_path: String,
    stop: CancellationToken,
}

/// How a house differs from the usual one.
pub struct Ways {
    pub call_timeout: Duration,
    pub receipt_after: Duration,
    pub review_after: Duration,
    pub mail: Option<MailSettings>,
    pub pushes: bool,
    pub workers: bool,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            call_timeout: Duration::from_secs(20),
            receipt_after: Duration::from_millis(100),
            review_after: Duration::from_secs(3),
            mail: None,
            pushes: true,
            workers: true,
        }
    }
}

impl House {
    pub async fn open(db: &PgPool) -> Self {
        Self::with(db, Ways::default()).await
    }

    pub async fn with(db: &PgPool, ways: Ways) -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let settings = sandbox::Settings {
            receipt_after: ways.receipt_after,
            review_after: ways.review_after,
            ..sandbox::Settings::on(anywhere)
        };
        let sandbox = Sandbox::start(settings).unwrap();
        sandbox.seed(seeds());
        let courier = Courier::new(ways.mail.as_ref()).unwrap();
        let app = App { courier, ..app(db, &sandbox.url(), ways.call_timeout) };
        let keys = DefaultProject {
            public_key: sandbox::PUBLIC_KEY.to_owned(),
            private_key: SecretString::from(sandbox::PRIVATE_KEY),
            ucloud_project_id: sandbox::PROJECT_ID.to_owned(),
        };
        let project = project_ops::ensure(&app, "default", "Default", &keys).await.unwrap();
        review::look_up_signature(&app, project, "SIG0001", None).await.unwrap();
        for id in [CODE_TEMPLATE, MARKETING_TEMPLATE] {
            review::look_up_template(&app, project, id, None).await.unwrap();
        }
        let settings = web::Settings { listen: anywhere, public_url: None, trust_proxy: false };
        let (server, address) = web::start(app.clone(), settings, None).unwrap();
        tokio::spawn(server);
        let stop = CancellationToken::new();
        if ways.workers {
            tokio::spawn(worker::run(app.clone(), stop.clone()));
        }
        let all = projects::all(&app.db).await.unwrap();
        let hook_path = project_ops::hook_path(&app, &all[0]).unwrap();
        let house = Self { app, sandbox, address, project, hook_path, stop };
        if ways.pushes {
            let url = format!("http://{address}{}", house.hook_path);
            house.admin(Method::POST, "push", json!({ "url": url })).await;
        }
        house
    }

    /// Orders the sandbox about.
    pub async fn admin(&self, method: Method, what: &str, body: Value) -> Value {
        let answer = http()
            .request(method, format!("{}/_admin/{what}", self.sandbox.url()))
            .json(&body)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{what}: {}", answer.status());
        answer.json().await.unwrap_or(Value::Null)
    }

    pub async fn fault(&self, body: Value) {
        self.admin(Method::POST, "faults", body).await;
    }

    pub async fn clear_faults(&self) {
        self.admin(Method::DELETE, "faults", Value::Null).await;
    }

    /// What the sandbox has taken: messages, and how many of them twice.
    pub async fn taken(&self) -> (i64, i64) {
        let counts = self.admin(Method::GET, "counts", Value::Null).await;
        let number = |name: &str| counts[name].as_i64().unwrap();
        (number("taken"), number("phones_taken_twice"))
    }

    pub fn signed_out(&self) -> Visitor {
        Visitor {
            base: format!("http://{}", self.address),
            cookies: Mutex::default(),
            http: http(),
        }
    }

    pub async fn account(&self, name: &str, role: Role) {
        let standing = Standing::Member(self.project, role);
        accounts::create(&self.app, name, SecretString::from(PASSWORD), standing).await.unwrap();
    }

    pub async fn operator(&self) -> Visitor {
        self.member("operator", Role::Operator).await
    }

    pub async fn viewer(&self) -> Visitor {
        self.member("viewer", Role::Viewer).await
    }

    pub async fn approver(&self) -> Visitor {
        self.member("approver", Role::Approver).await
    }

    /// A new account with this role, signed in.
    pub async fn member(&self, name: &str, role: Role) -> Visitor {
        self.account(name, role).await;
        let visitor = self.signed_out();
        let landed = visitor.sign_in(name, PASSWORD, "/").await;
        assert_eq!(landed.status, StatusCode::SEE_OTHER, "{}", landed.text);
        visitor
    }

    /// Waits until every message of the batch is final, and answers its page.
    pub async fn settled(&self, visitor: &Visitor, batch: &str) -> Page {
        for _ in 0..900 {
            let page = visitor.get(batch).await;
            if !page.has("[data-live]") {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the batch does not settle: {}", visitor.get(batch).await.text);
    }

    /// Waits until the page of the batch has `selector`.
    pub async fn until(&self, visitor: &Visitor, address: &str, selector: &str) -> Page {
        for _ in 0..900 {
            let page = visitor.get(address).await;
            if page.has(selector) {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no {selector} on {}", visitor.get(address).await.text);
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub fn app(db: &PgPool, api_url: &str, call_timeout: Duration) -> App {
    App {
        // The test's own pool: when the test ends it is closed, and its database can be removed.
        db: db.clone(),
        usms: usms::Client::new(api_url, call_timeout).unwrap(),
        clock: Clock::System,
        keyring: Arc::new(Keyring::derive(&SecretSlice::from(vec![7; 32]))),
        pace: Pace {
            concurrency: 4,
            calls_per_second: 500,
            call_timeout: time::Duration::try_from(call_timeout).unwrap(),
            first_receipt_poll: time::Duration::milliseconds(300),
            // Outside of review hours looks are rarer; tests run at all hours.
            review_poll: time::Duration::milliseconds(40),
        },
        wake: Wake::default(),
        courier: Courier::new(None).unwrap(),
        public_url: Some("https://console.example.test".to_owned()),
        calls: tokio_util::task::TaskTracker::new(),
    }
}

pub fn seeds() -> Seeds {
    Seeds {
        signatures: vec![SignatureSeed {
            sig_id: "SIG0001".to_owned(),
            content: "云帆书店".to_owned(),
            ..SignatureSeed::default()
        }],
        templates: vec![
            TemplateSeed {
                template_id: CODE_TEMPLATE.to_owned(),
                name: "登录验证码".to_owned(),
                purpose: 1,
                text: "您的验证码是{1}，{2}分钟内有效。".to_owned(),
                ..TemplateSeed::default()
            },
            TemplateSeed {
                template_id: MARKETING_TEMPLATE.to_owned(),
                name: "新书".to_owned(),
                purpose: 3,
                text: "{1}，本周新书已上架。".to_owned(),
                unsubscribe: "拒收请回复R".to_owned(),
                ..TemplateSeed::default()
            },
        ],
    }
}

pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}

/// A browser without scripts: keeps cookies, follows nothing by itself.
pub struct Visitor {
    base: String,
    cookies: Mutex<BTreeMap<String, String>>,
    http: reqwest::Client,
}

impl Visitor {
    /// The same person in another process of the console.
    pub fn at(&self, base: String) -> Self {
        let cookies = self.cookies.lock().unwrap().clone();
        Self { base, cookies: Mutex::new(cookies), http: http() }
    }

    /// Asks until somebody answers there.
    pub async fn wait_for_answer(&self) {
        for _ in 0..200 {
            if self.http.get(format!("{}/healthz", self.base)).send().await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nobody answers at {}", self.base);
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
        let mut fields = Vec::new();
        for one in html.select(&all) {
            let Some(name) = one.attr("name") else { continue };
            let value = match (one.value().name(), one.attr("type").unwrap_or("text")) {
                ("textarea", _) => {
                    one.text().collect::<String>().trim_start_matches('\n').to_owned()
                }
                ("select", _) => one
                    .select(&chosen)
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
