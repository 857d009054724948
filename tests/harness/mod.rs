//! A console as people meet it: the real HTTP server, a real PostgreSQL of its own, the sandbox
//! behind a real socket, and one type of client per actor.
#![allow(dead_code, missing_docs)]

mod client;
mod wait;

use std::future::ready;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use secrecy::{SecretSlice, SecretString};
use serde_json::{Value, json};
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgPool, Postgres};
use tokio_util::sync::CancellationToken;
use usms_console::app::{App, Pace, UploadLimits, Wake};
use usms_console::backpressure::Backpressure;
use usms_console::clock::Clock;
use usms_console::config::DefaultProject;
use usms_console::db::message_search::Reader;
use usms_console::db::projects;
use usms_console::domain::ids::ProjectId;
use usms_console::domain::role::Role;
use usms_console::keyring::Keyring;
use usms_console::ops::accounts::{self, Standing};
use usms_console::ops::{projects as project_ops, push_inbox, review};
use usms_console::outbound::{MailSettings, Outbound};
use usms_console::sandbox::{self, Sandbox, Seeds, SignatureSeed, TemplateSeed};
use usms_console::{usms, web, worker};

pub use client::{Page, TestClient, http};
pub use wait::{MAX_WAIT, until, waited};

pub const PASSWORD: &str = "a password of tests";
pub const CODE_TEMPLATE: &str = "UTA0001";
pub const MARKETING_TEMPLATE: &str = "UTM0001";

/// A running console with its sandbox.
pub struct TestConsole {
    pub app: App,
    pub sandbox: Sandbox,
    pub address: SocketAddr,
    pub project: ProjectId,
    pub hook_path: String,
    stop: CancellationToken,
    /// Held until the house's own connections are closed: until then its database cannot be removed.
    open: Option<PoolConnection<Postgres>>,
}

/// How a house differs from the usual one.
pub struct TestOptions {
    pub call_timeout: Duration,
    pub receipt_after: Duration,
    pub review_after: Duration,
    pub mail: Option<MailSettings>,
    pub pushes: bool,
    pub workers: bool,
}

impl Default for TestOptions {
    fn default() -> Self {
        Self {
            call_timeout: Duration::from_secs(70),
            receipt_after: Duration::from_millis(100),
            review_after: Duration::from_secs(3),
            mail: None,
            pushes: true,
            workers: true,
        }
    }
}

impl TestConsole {
    pub async fn start(db: &PgPool) -> Self {
        Self::start_with(db, TestOptions::default()).await
    }

    pub async fn start_with(db: &PgPool, options: TestOptions) -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let settings = sandbox::Settings {
            receipt_after: options.receipt_after,
            review_after: options.review_after,
            ..sandbox::Settings::on(anywhere)
        };
        let sandbox = Sandbox::start(settings).unwrap();
        sandbox.seed(seeds());
        let outbound = Outbound::new(options.mail.as_ref()).unwrap();
        let own = for_threads(db);
        let app = App {
            outbound,
            ..app(own.as_ref().unwrap_or(db), &sandbox.url(), options.call_timeout)
        };
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
        if options.workers {
            tokio::spawn(worker::run(app.clone(), stop.clone()));
        }
        let all = projects::all(&app.db).await.unwrap();
        let hook_path = project_ops::hook_path(&app, &all[0]).unwrap();
        let open = if own.is_some() { Some(db.acquire().await.unwrap()) } else { None };
        let console = Self { app, sandbox, address, project, hook_path, stop, open };
        if options.pushes {
            let url = format!("http://{address}{}", console.hook_path);
            console.admin(Method::POST, "push", json!({ "url": url })).await;
        }
        console
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
    pub async fn accepted(&self) -> (i64, i64) {
        let counts = self.admin(Method::GET, "counts", Value::Null).await;
        let number = |name: &str| counts[name].as_i64().unwrap();
        (number("taken"), number("phones_taken_twice"))
    }

    pub fn signed_out(&self) -> TestClient {
        TestClient::new(format!("http://{}", self.address))
    }

    pub async fn account(&self, name: &str, role: Role) {
        let standing = Standing::Member(self.project, role);
        accounts::create(&self.app, name, SecretString::from(PASSWORD), standing).await.unwrap();
    }

    pub async fn operator(&self) -> TestClient {
        self.member("operator", Role::Operator).await
    }

    pub async fn viewer(&self) -> TestClient {
        self.member("viewer", Role::Viewer).await
    }

    pub async fn approver(&self) -> TestClient {
        self.member("approver", Role::Approver).await
    }

    /// A new account with this role, signed in.
    pub async fn member(&self, name: &str, role: Role) -> TestClient {
        self.account(name, role).await;
        let client = self.signed_out();
        let landed = client.sign_in(name, PASSWORD, "/").await;
        assert_eq!(landed.status, StatusCode::SEE_OTHER, "{}", landed.text);
        client
    }

    /// Settles what was pushed. A push that the house's own worker holds is waited for.
    pub async fn process_pushes(&self) {
        until("what was pushed is settled", async || {
            while push_inbox::process_next(&self.app).await.unwrap() {}
            self.waiting_pushes().await == 0
        })
        .await;
    }

    /// Waits until the workers have settled every push.
    pub async fn pushes_processed(&self) {
        until("the workers settle what was pushed", async || self.waiting_pushes().await == 0)
            .await;
    }

    async fn waiting_pushes(&self) -> i64 {
        let waiting = "select count(*) from inbox where processed_at is null";
        sqlx::query_scalar(waiting).fetch_one(&self.app.db).await.unwrap()
    }

    /// Waits until every message of the batch is final, and answers its page.
    pub async fn closed(&self, client: &TestClient, batch: &str) -> Page {
        let closed = waited(async || {
            let page = client.get(batch).await;
            (!page.has("[data-live]")).then_some(page)
        });
        match closed.await {
            Some(page) => page,
            None => panic!("the batch does not settle: {}", client.get(batch).await.text),
        }
    }

    /// Waits until the page of the batch has `selector`.
    pub async fn until(&self, client: &TestClient, address: &str, selector: &str) -> Page {
        let found = waited(async || {
            let page = client.get(address).await;
            page.has(selector).then_some(page)
        });
        match found.await {
            Some(page) => page,
            None => panic!("no {selector} on {}", client.get(address).await.text),
        }
    }
}

impl Drop for TestConsole {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(open) = self.open.take() {
            let db = self.app.db.clone();
            tokio::spawn(async move {
                db.close().await;
                drop(open);
            });
        }
    }
}

/// A test's connections look for old ones among themselves every second, which can spin for ever when
/// the threads of the server use them as well (launchbadge/sqlx#3645): it gets connections of its own.
fn for_threads(db: &PgPool) -> Option<PgPool> {
    let options = db.options();
    let looks = options.get_idle_timeout().is_some_and(|after| after < Duration::from_secs(60));
    let own = || {
        without_looks()
            .max_connections(options.get_max_connections())
            .acquire_timeout(MAX_WAIT)
            .connect_lazy_with(db.connect_options().as_ref().clone())
    };
    looks.then(own)
}

fn without_looks() -> PgPoolOptions {
    PgPoolOptions::new().idle_timeout(None).max_lifetime(None)
}

pub fn app(db: &PgPool, api_url: &str, call_timeout: Duration) -> App {
    App {
        db: db.clone(),
        // No connection of the log is kept: the database of a test could not be removed.
        log: Reader::new(db, without_looks().after_release(|_, _| Box::pin(ready(Ok(false))))),
        usms: usms::Client::new(api_url, call_timeout).unwrap(),
        clock: Clock::System,
        keyring: Arc::new(Keyring::derive(&SecretSlice::from(vec![7; 32]))),
        process: uuid::Uuid::new_v4(),
        uploads: UploadLimits { bytes: 20 << 20, rows: 200_000 },
        pace: Pace {
            concurrency: 4,
            calls_per_second: 500,
            call_timeout: time::Duration::try_from(call_timeout).unwrap(),
            first_receipt_poll: time::Duration::milliseconds(300),
            // Outside of review hours looks are rarer; tests run at all hours.
            review_poll: time::Duration::milliseconds(40),
        },
        in_hand: Arc::default(),
        wake: Wake::default(),
        backpressure: Backpressure::default(),
        outbound: Outbound::new(None).unwrap(),
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
