//! A console as people use it: the real HTTP server with a PostgreSQL database of its own, the
//! sandbox behind a real socket, and a client for each account.
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
use usms_console::db::sending::message_search::MessageSearch;
use usms_console::db::{invariants, projects};
use usms_console::domain::accounts::role::Role;
use usms_console::domain::ids::ProjectId;
use usms_console::keyring::Keyring;
use usms_console::ops::accounts::{self, Standing};
use usms_console::ops::receipts::push_inbox;
use usms_console::ops::{projects as project_ops, review};
use usms_console::outbound::{MailSettings, Outbound};
use usms_console::sandbox::{self, Sandbox, Seeds, SignatureSeed, TemplateSeed};
use usms_console::{usms, web, worker};

pub use client::{Page, TestClient, http};
pub use wait::{MAX_WAIT, eventually, until};

pub const PASSWORD: &str = "a password of tests";
/// The name of the template [`CODE_TEMPLATE`], which has a code and its minutes.
pub const CODE: &str = "登录验证码";
pub const CODE_TEMPLATE: &str = "UTA0001";
pub const MARKETING_TEMPLATE: &str = "UTM0001";
/// The name of the template that [`TestConsole::add_notice_template`] adds.
pub const NOTICE: &str = "到货提醒";

/// A running console with its sandbox.
pub struct TestConsole {
    pub app: App,
    pub sandbox: Sandbox,
    pub address: SocketAddr,
    pub project: ProjectId,
    pub hook_path: String,
    stop: CancellationToken,
    /// A connection of the test's pool, held until the console's own pool is closed: only then can
    /// the database be dropped.
    db_in_use: Option<PoolConnection<Postgres>>,
}

/// How a console differs from the usual one.
pub struct TestOptions {
    pub call_timeout: Duration,
    pub receipt_after: Duration,
    pub review_after: Duration,
    pub mail: Option<MailSettings>,
    pub pushes: bool,
    pub workers: bool,
    pub clock: Clock,
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
            clock: Clock::System,
        }
    }
}

impl TestConsole {
    pub async fn start(db: &PgPool) -> Self {
        Self::start_with(db, TestOptions::default()).await
    }

    pub async fn start_with(db: &PgPool, options: TestOptions) -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let settings = sandbox::Settings {
            receipt_after: options.receipt_after,
            review_after: options.review_after,
            ..sandbox::Settings::on(any_port)
        };
        let sandbox = Sandbox::start(settings).unwrap();
        sandbox.seed(seeds());
        let outbound = Outbound::new(options.mail.as_ref()).unwrap();
        let own_pool = own_pool(db);
        let app = App {
            outbound,
            clock: options.clock,
            ..app(own_pool.as_ref().unwrap_or(db), &sandbox.url(), options.call_timeout)
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
        let settings = web::Settings { listen: any_port, public_url: None, trust_proxy: false };
        let (server, address) = web::start(app.clone(), settings, None).unwrap();
        tokio::spawn(server);
        let stop = CancellationToken::new();
        if options.workers {
            tokio::spawn(worker::run(app.clone(), stop.clone()));
        }
        let all = projects::all(&app.db).await.unwrap();
        let hook_path = project_ops::hook_path(&app, &all[0]).unwrap();
        let db_in_use = if own_pool.is_some() { Some(db.acquire().await.unwrap()) } else { None };
        let console = Self { app, sandbox, address, project, hook_path, stop, db_in_use };
        if options.pushes {
            let url = format!("http://{address}{}", console.hook_path);
            console.admin(Method::POST, "push", json!({ "url": url })).await;
        }
        console
    }

    /// Calls the sandbox's own interface for tests at `path`.
    pub async fn admin(&self, method: Method, path: &str, body: Value) -> Value {
        let response = http()
            .request(method, format!("{}/_admin/{path}", self.sandbox.url()))
            .json(&body)
            .send()
            .await
            .unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.json().await.unwrap_or(Value::Null)
    }

    /// Adds the template [`NOTICE`]. Its two values may be any text, unlike those of [`CODE`].
    pub async fn add_notice_template(&self) {
        let template = TemplateSeed {
            template_id: "UTN0001".to_owned(),
            name: NOTICE.to_owned(),
            text: "您的订单号是{1}，预计{2}天后到货。".to_owned(),
            ..TemplateSeed::default()
        };
        self.sandbox.seed(Seeds { templates: vec![template], ..Seeds::default() });
        review::look_up_template(&self.app, self.project, "UTN0001", None).await.unwrap();
    }

    pub async fn fault(&self, body: Value) {
        self.admin(Method::POST, "faults", body).await;
    }

    pub async fn clear_faults(&self) {
        self.admin(Method::DELETE, "faults", Value::Null).await;
    }

    /// Returns how many messages the sandbox accepted, and how many of them twice.
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

    /// Processes all pushes. One that the console's own worker has claimed is waited for.
    pub async fn process_pushes(&self) {
        until("all pushes are processed", async || {
            while push_inbox::process_next(&self.app).await.unwrap() {}
            self.waiting_pushes().await == 0
        })
        .await;
    }

    /// Waits until the workers have processed all pushes.
    pub async fn until_pushes_processed(&self) {
        until("the workers have processed all pushes", async || self.waiting_pushes().await == 0)
            .await;
    }

    async fn waiting_pushes(&self) -> i64 {
        let waiting = "select count(*) from inbox where processed_at is null";
        sqlx::query_scalar(waiting).fetch_one(&self.app.db).await.unwrap()
    }

    /// Waits until every message of the batch has its final outcome, and returns its page.
    pub async fn until_complete(&self, client: &TestClient, batch: &str) -> Page {
        let complete = eventually(async || {
            let page = client.get(batch).await;
            (!page.has("[data-live]")).then_some(page)
        });
        match complete.await {
            Some(page) => page,
            None => panic!("the batch does not complete: {}", client.get(batch).await.text),
        }
    }

    /// Waits until the page at `path` has `selector`, and returns it.
    pub async fn until(&self, client: &TestClient, path: &str, selector: &str) -> Page {
        let found = eventually(async || {
            let page = client.get(path).await;
            page.has(selector).then_some(page)
        });
        match found.await {
            Some(page) => page,
            None => panic!("no {selector} on {}", client.get(path).await.text),
        }
    }
}

impl Drop for TestConsole {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(connection) = self.db_in_use.take() {
            let db = self.app.db.clone();
            tokio::spawn(async move {
                db.close().await;
                drop(connection);
            });
        }
    }
}

/// Returns a pool for the console, if the test's own pool looks for idle connections every second:
/// that can spin forever when the threads of the server use it as well (launchbadge/sqlx#3645).
fn own_pool(db: &PgPool) -> Option<PgPool> {
    let options = db.options();
    let looks_often =
        options.get_idle_timeout().is_some_and(|after| after < Duration::from_secs(60));
    let pool = || {
        pool_without_maintenance()
            .max_connections(options.get_max_connections())
            .acquire_timeout(MAX_WAIT)
            .connect_lazy_with(db.connect_options().as_ref().clone())
    };
    looks_often.then(pool)
}

fn pool_without_maintenance() -> PgPoolOptions {
    PgPoolOptions::new().idle_timeout(None).max_lifetime(None)
}

pub fn app(db: &PgPool, api_url: &str, call_timeout: Duration) -> App {
    App {
        db: db.clone(),
        // Message search keeps no idle connection: the database of a test could not be dropped.
        message_search: MessageSearch::new(
            db,
            pool_without_maintenance().after_release(|_, _| Box::pin(ready(Ok(false)))),
        ),
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
            // Outside of review hours checks are rarer; tests run at all hours.
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

/// Asserts that every invariant holds over the whole database, as `doctor` does.
pub async fn assert_sound(db: &PgPool) {
    for (invariant, breaches) in invariants::broken(db).await.unwrap().by_name() {
        assert_eq!(breaches, 0, "{invariant}");
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
                name: CODE.to_owned(),
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
