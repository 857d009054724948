//! Benchmarks of pushes: how fast they are stored and processed, compared with bare inserts of the
//! same receipts.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::task::JoinSet;

use super::bare_inserts::{ALL_INDEXES, BareTable, ReceiptKey, TWO_INDEXES};
use super::load::Times;
use super::processes::Process;
use super::{Table, count, past};
use crate::domain::ids::MessageId;

/// The number of receipts in a push.
const RECEIPTS_PER_PUSH: usize = 200;
/// The number of connections that push or insert.
const CONNECTIONS: usize = 8;
/// The number of receipts per second that come while pages are measured.
const BACKGROUND_RATE: u64 = 2_000;

/// Pushes [`BACKGROUND_RATE`] external receipts per second, until the task is aborted.
pub(super) async fn push_in_background(push_url: String) -> anyhow::Result<()> {
    let http = reqwest::Client::new();
    let per_second = BACKGROUND_RATE / RECEIPTS_PER_PUSH as u64;
    let mut tick = tokio::time::interval(Duration::from_secs(1) / u32::try_from(per_second)?);
    let run = uuid::Uuid::new_v4();
    for n in 0_usize.. {
        tick.tick().await;
        let response = http.post(&push_url).json(&body(&external(run, n))).send().await?;
        ensure!(response.status().is_success(), "a push: {}", response.status());
    }
    Ok(())
}

/// Returns the receipts of the `n`-th call of another program.
fn external(run: uuid::Uuid, n: usize) -> Vec<ReceiptKey> {
    let key = |phone| ReceiptKey {
        session_no: format!("{run}-{n}"),
        // Phones in no order, which repeat after ten million.
        phone: format!("1860{:07}", (n * RECEIPTS_PER_PUSH + phone) * 7_654_321 % 10_000_000),
        user_id: "another-program".to_owned(),
    };
    (0..RECEIPTS_PER_PUSH).map(key).collect()
}

/// Returns the body of a push.
fn body(receipts: &[ReceiptKey]) -> Value {
    let item = |key: &ReceiptKey| {
        json!({ "SessionNo": key.session_no, "Phone": key.phone, "CostCount": 1,
            "ReceiptTime": 1_790_000_000, "ReceiptResult": "发送成功", "ReceiptCode": "DELIVRD",
            "ReceiptDesc": "用户接收成功", "UserId": key.user_id })
    };
    json!({ "MsgType": 2, "Data": receipts.iter().map(item).collect::<Vec<_>>() })
}

/// Pushes receipts of own and external messages as fast as possible, and compares that with bare
/// inserts.
#[allow(clippy::cast_precision_loss)]
pub(super) async fn measure(
    table: &mut Table,
    db: &PgPool,
    push_url: &str,
    console: &Process,
    (stored, pushed): (i64, i64),
) -> anyhow::Result<()> {
    let receipts = receipts(db, pushed).await?;
    let bare = bare(table, db, &receipts, stored).await?;
    let items = receipts.len() * RECEIPTS_PER_PUSH;
    let bodies: Vec<Vec<u8>> =
        receipts.iter().map(|push| serde_json::to_vec(&body(push))).collect::<Result<_, _>>()?;
    drop(receipts);
    console.reset_peak()?;
    let before = console.memory()?;
    let started = Instant::now();
    let times = push_all(push_url, bodies).await?;
    let stored_rate = items as f64 / started.elapsed().as_secs_f64();
    let compared = |rate: f64| {
        let [single, concurrent, indexed] = bare.map(|bare_rate| rate * 100.0 / bare_rate);
        format!("{rate:.0} a second: {single:.0}, {concurrent:.0}, {indexed:.0} % of these")
    };
    let what = format!("{items} receipts in pushes of {RECEIPTS_PER_PUSH}: taken in durably");
    table.add(&what, compared(stored_rate), "> 100 % of bare");
    table.add("answer, p99", format!("{:.1} ms", times.percentile(99)), "< 50 ms");
    until_processed(db).await?;
    let processed_rate = items as f64 / started.elapsed().as_secs_f64();
    table.add("processed into messages", compared(processed_rate), "≥ 50 % of bare");
    let memory = format!("{before:.0} → {:.0} MB", console.peak_memory()?);
    table.add("memory meanwhile", memory, "");
    let waiting = "select count(*) from submissions where state = 'accepted' and not complete";
    let waiting = count(db, waiting).await?;
    table.add("sessions left without all of their receipts", waiting.to_string(), "0");
    Ok(())
}

/// Writes the same receipts with bare inserts into tables of `stored` receipts. Returns the
/// receipts per second of three variants.
async fn bare(
    table: &mut Table,
    db: &PgPool,
    receipts: &[Vec<ReceiptKey>],
    stored: i64,
) -> anyhow::Result<[f64; 3]> {
    let all: Vec<ReceiptKey> = receipts.iter().flatten().cloned().collect();
    let thousands: Vec<Vec<ReceiptKey>> = all.chunks(1_000).map(<[ReceiptKey]>::to_vec).collect();
    let mut two_indexes = BareTable::create(db, TWO_INDEXES, stored).await?;
    let single = two_indexes.write(&thousands, 1).await?;
    table.add("bare inserts: two indexes, 1,000 a statement", format!("{single:.0} rows/s"), "");
    let concurrent = two_indexes.write(receipts, CONNECTIONS).await?;
    let what = format!("the same, a statement for each push, {CONNECTIONS} connections");
    table.add(&what, format!("{concurrent:.0} rows/s"), "");
    two_indexes.drop_table().await?;
    let mut all_indexes = BareTable::create(db, ALL_INDEXES, stored).await?;
    let indexed = all_indexes.write(receipts, CONNECTIONS).await?;
    let what = "the same with the indexes that the log is searched by";
    table.add(what, format!("{indexed:.0} rows/s"), "");
    all_indexes.drop_table().await?;
    Ok([single, concurrent, indexed])
}

/// Returns receipts grouped into pushes; six of ten are of own messages.
async fn receipts(db: &PgPool, receipts: i64) -> anyhow::Result<Vec<Vec<ReceiptKey>>> {
    let own = receipts * 6 / 10 / RECEIPTS_PER_PUSH as i64 * RECEIPTS_PER_PUSH as i64;
    let mut waiting =
        past::insert_waiting(db, own).await?.into_iter().map(|(session_no, phone, id)| {
            ReceiptKey { session_no, phone, user_id: MessageId(id).vendor_user_id() }
        });
    let mut pushes = Vec::new();
    loop {
        let push: Vec<ReceiptKey> = waiting.by_ref().take(RECEIPTS_PER_PUSH).collect();
        if push.is_empty() {
            break;
        }
        pushes.push(push);
    }
    let others = usize::try_from(receipts - own)? / RECEIPTS_PER_PUSH;
    let run = uuid::Uuid::new_v4();
    for n in 0..others {
        pushes.insert(n * pushes.len() / others, external(run, n));
    }
    Ok(pushes)
}

/// Sends all pushes over several connections, and returns the response times.
async fn push_all(push_url: &str, bodies: Vec<Vec<u8>>) -> anyhow::Result<Times> {
    let mut shares: Vec<Vec<Vec<u8>>> = vec![Vec::new(); CONNECTIONS];
    for (n, body) in bodies.into_iter().enumerate() {
        shares[n % CONNECTIONS].push(body);
    }
    let mut workers = JoinSet::new();
    for share in shares {
        let (push_url, http) = (push_url.to_owned(), reqwest::Client::new());
        workers.spawn(async move {
            let mut times = Vec::with_capacity(share.len());
            for body in share {
                let started = Instant::now();
                let push =
                    http.post(&push_url).header("content-type", "application/json").body(body);
                let response = push.send().await?;
                ensure!(response.status().is_success(), "a push: {}", response.status());
                times.push(started.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    let mut all = Vec::new();
    for times in workers.join_all().await {
        all.extend(times?);
    }
    Ok(Times::new(all))
}

/// Waits until all pushes are processed.
async fn until_processed(db: &PgPool) -> anyhow::Result<()> {
    let started = Instant::now();
    while count(db, "select count(*) from inbox where processed_at is null").await? > 0 {
        if started.elapsed() > Duration::from_secs(600) {
            bail!("pushes are never processed");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
