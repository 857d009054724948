//! Benchmarks of the lists of signatures and templates, with 5,000 and 50,000 rows, over HTTP: the
//! time to the first byte of each kind of page at 50 requests per second. Run by `scripts/bench`,
//! which provides the database.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/harness/mod.rs"]
mod harness;

use std::time::{Duration, Instant};

use sqlx::postgres::PgPoolOptions;
use sqlx::{Executor, PgPool};
use tokio::task::JoinSet;

use harness::{TestClient, TestConsole, TestOptions};

/// The number of requests per second.
const PER_SECOND: u64 = 50;
/// The number of requests for each page.
const REQUESTS: usize = 500;

#[tokio::main]
async fn main() {
    let url = std::env::var("DATABASE_URL").expect("run scripts/bench, which sets DATABASE_URL");
    // The same options as those of `serve`.
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let options = options.options([("timezone", "UTC"), ("plan_cache_mode", "force_generic_plan")]);
    let db = PgPoolOptions::new().max_connections(16).connect_with(options).await.unwrap();
    sqlx::migrate!().run(&db).await.unwrap();
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let operator = console.operator().await;
    fill(&db).await;
    println!("{:<58} {:>8} {:>8} {:>8}", "page", "p50 ms", "p99 ms", "most ms");
    for page in [
        "signatures",
        "signatures?review=rejected",
        "signatures?q=4711",
        "signatures?q=nobody-is-called-so",
        "templates",
        "templates?review=rejected",
        "templates?review=approved&purpose=marketing",
        "templates?q=47110",
        "templates?q=编号 31",
        "templates?q=nobody-is-called-so",
        "templates?after=1700000000000000-1",
        "templates/UTBENCH30000",
        "templates/new",
    ] {
        measure(&operator, page).await;
    }
    // A page far down the list.
    let mut path = "/p/default/templates".to_owned();
    for _ in 0..20 {
        path = operator.get(&path).await.attr("a[rel=next]", "href");
    }
    measure(&operator, path.trim_start_matches("/p/default/")).await;
}

/// Inserts the rows. A tenth is rejected and a hundredth under review; half of the templates were
/// used this month.
async fn fill(db: &PgPool) {
    db.execute(
        "insert into signatures (id, project_id, sig_id, content, international, status, reason,
           checked_at, changed_at, next_check_at)
         select new_id(now()), p.id, 'SIGBENCH' || n, '签名' || n, n % 7 = 0,
           case when n % 10 = 0 then 'rejected' when n % 100 = 1 then 'waiting' else 'approved'
             end::review_status,
           case when n % 10 = 0 then '资质文件不清晰，请重新上传' else '' end,
           now(), now() - n * interval '7 minutes', now() + interval '1 day'
         from projects p, generate_series(1, 5000) n;
         insert into sms_templates (id, project_id, template_id, name, purpose, text, unsubscribe,
           international, status, reason, checked_at, changed_at, next_check_at)
         select new_id(now()), p.id, 'UTBENCH' || n, '模板' || n,
           (array['verification', 'notice', 'marketing'])[n % 3 + 1]::purpose,
           '您好{1}，您的订单{2}编号 ' || n || ' 已由{3}发出，预计{4}送达，请留意查收，如有疑问请联系客服。',
           '', n % 7 = 0,
           case when n % 10 = 0 then 'rejected' when n % 100 = 1 then 'waiting' else 'approved'
             end::review_status,
           case when n % 10 = 0 then '模板中含有链接，不予通过' else '' end,
           now(), now() - n * interval '1 minute', now() + interval '1 day'
         from projects p, generate_series(1, 50000) n;
         insert into batches (id, project_id, name, state, signature_id, template_id, sig_content,
           vendor_template_id, template_text, purpose, international, total, parts, ordered_by,
           form_token)
         select new_id(now() - (n % 29) * interval '1 day'), t.project_id, t.name, 'done', s.id, t.id,
           s.content, t.template_id, t.text, t.purpose, false, 1000, 1000, u.id, gen_random_uuid()
         from generate_series(1, 25000) n
         join sms_templates t on t.template_id = 'UTBENCH' || n
         join signatures s on s.sig_id = 'SIGBENCH' || (n % 5000 + 1)
         cross join users u;
         insert into submissions (id, project_id, batch_id, state, n, delivered, next_try_at, sent_at,
           complete)
         select new_id(now()), b.project_id, b.id, 'accepted', 1000, 1000, now(), now(), true
         from batches b",
    )
    .await
    .unwrap();
    db.execute("analyze").await.unwrap();
}

/// Requests a page [`PER_SECOND`] times a second, without waiting for responses, and prints the
/// times.
async fn measure(client: &TestClient, page: &str) {
    let path = format!("/p/default/{page}");
    for _ in 0..20 {
        assert!(client.get(&path).await.status.is_success(), "{page}");
    }
    let mut tick = tokio::time::interval(Duration::from_millis(1_000 / PER_SECOND));
    let mut requests = JoinSet::new();
    for _ in 0..REQUESTS {
        tick.tick().await;
        let request = client.request_to(&path);
        requests.spawn(async move {
            let started = Instant::now();
            // The headers arrive with the first bytes.
            let response = request.send().await.unwrap();
            let time = started.elapsed();
            assert!(response.status().is_success());
            response.bytes().await.unwrap();
            time
        });
    }
    let mut times = requests.join_all().await;
    times.sort_unstable();
    let ms = |index: usize| times[index.min(times.len() - 1)].as_secs_f64() * 1_000.0;
    let (p50, p99, most) = (ms(times.len() / 2), ms(times.len() * 99 / 100), ms(times.len()));
    println!("{page:<58} {p50:>8.1} {p99:>8.1} {most:>8.1}");
}
