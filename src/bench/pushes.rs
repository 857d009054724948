//! Pushes: how fast they are taken in and settled, beside bare inserts of the same receipts.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::task::JoinSet;

use super::bare_inserts::{Bare, SEARCHED, TWO_INDEXES};
use super::load::Times;
use super::processes::Process;
use super::{Table, count, past};
use crate::domain::ids::MessageId;

/// Receipts of one push.
const OF_A_PUSH: usize = 200;
/// Connections that push, and that insert.
const PUSHERS: usize = 8;
/// Receipts that come in each second while pages are asked for.
const MEANWHILE: u64 = 2_000;

/// Pushes of another program's receipts, so many a second, until it is ended.
pub(super) async fn push_on(hook: String) -> anyhow::Result<()> {
    let http = reqwest::Client::new();
    let a_second = MEANWHILE / OF_A_PUSH as u64;
    let mut tick = tokio::time::interval(Duration::from_secs(1) / u32::try_from(a_second)?);
    let begun = uuid::Uuid::new_v4();
    for n in 0_usize.. {
        tick.tick().await;
        let answer = http.post(&hook).json(&body(&of_another(begun, n))).send().await?;
        ensure!(answer.status().is_success(), "a push: {}", answer.status());
    }
    Ok(())
}

/// What a receipt names.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) session_no: String,
    pub(super) phone: String,
    user_id: String,
}

/// The receipts of another program's `n`-th call.
fn of_another(begun: uuid::Uuid, n: usize) -> Vec<Named> {
    let one = |phone| Named {
        session_no: format!("{begun}-{n}"),
        // Numbers that are not in order, and come again after ten million.
        phone: format!("1860{:07}", (n * OF_A_PUSH + phone) * 7_654_321 % 10_000_000),
        user_id: "another-program".to_owned(),
    };
    (0..OF_A_PUSH).map(one).collect()
}

/// A push, as the vendor would make it.
fn body(receipts: &[Named]) -> Value {
    let item = |one: &Named| {
        json!({ "SessionNo": one.session_no, "Phone": one.phone, "CostCount": 1,
            "ReceiptTime": 1_790_000_000, "ReceiptResult": "发送成功", "ReceiptCode": "DELIVRD",
            "ReceiptDesc": "用户接收成功", "UserId": one.user_id })
    };
    json!({ "MsgType": 2, "Data": receipts.iter().map(item).collect::<Vec<_>>() })
}

/// Receipts of our own messages and of others, as fast as they are taken, beside bare inserts.
#[allow(clippy::cast_precision_loss)]
pub(super) async fn measure(
    table: &mut Table,
    db: &PgPool,
    hook: &str,
    console: &Process,
    (stored, pushed): (i64, i64),
) -> anyhow::Result<()> {
    let receipts = receipts(db, pushed).await?;
    let bare = bare(table, db, &receipts, stored).await?;
    let items = receipts.len() * OF_A_PUSH;
    let bodies: Vec<Vec<u8>> =
        receipts.iter().map(|push| serde_json::to_vec(&body(push))).collect::<Result<_, _>>()?;
    drop(receipts);
    console.forget_peak()?;
    let before = console.memory()?;
    let began = Instant::now();
    let times = push_all(hook, bodies).await?;
    let taken = items as f64 / began.elapsed().as_secs_f64();
    let shares = |pace: f64| {
        let [plain, crowd, searched] = bare.map(|of| pace * 100.0 / of);
        format!("{pace:.0} a second: {plain:.0}, {crowd:.0}, {searched:.0} % of these")
    };
    let what = format!("{items} receipts in pushes of {OF_A_PUSH}: taken in durably");
    table.add(&what, shares(taken), "> 100 % of bare");
    table.add("answer, p99", format!("{:.1} ms", times.percentile(99)), "< 50 ms");
    until_settled(db).await?;
    let settled = items as f64 / began.elapsed().as_secs_f64();
    table.add("settled into the log", shares(settled), "≥ 50 % of bare");
    let memory = format!("{before:.0} → {:.0} MB", console.peak_memory()?);
    table.add("memory meanwhile", memory, "");
    let waiting = "select count(*) from submissions where state = 'accepted' and not complete";
    let waiting = count(db, waiting).await?;
    table.add("sessions left without all of their receipts", waiting.to_string(), "0");
    Ok(())
}

/// The same receipts by bare inserts into tables that hold `stored` receipts: how many a second, in
/// three ways.
async fn bare(
    table: &mut Table,
    db: &PgPool,
    receipts: &[Vec<Named>],
    stored: i64,
) -> anyhow::Result<[f64; 3]> {
    let all: Vec<Named> = receipts.iter().flatten().cloned().collect();
    let thousands: Vec<Vec<Named>> = all.chunks(1_000).map(<[Named]>::to_vec).collect();
    let mut two_indexes = Bare::with(db, TWO_INDEXES, stored).await?;
    let plain = two_indexes.write(&thousands, 1).await?;
    table.add("bare inserts: two indexes, 1,000 a statement", format!("{plain:.0} rows/s"), "");
    let crowd = two_indexes.write(receipts, PUSHERS).await?;
    let what = format!("the same, a statement for each push, {PUSHERS} connections");
    table.add(&what, format!("{crowd:.0} rows/s"), "");
    two_indexes.end().await?;
    let mut indexed = Bare::with(db, SEARCHED, stored).await?;
    let searched = indexed.write(receipts, PUSHERS).await?;
    let what = "the same with the indexes that the log is searched by";
    table.add(what, format!("{searched:.0} rows/s"), "");
    indexed.end().await?;
    Ok([plain, crowd, searched])
}

/// Receipts in pushes as the vendor would make them: six of ten are of our own messages.
async fn receipts(db: &PgPool, receipts: i64) -> anyhow::Result<Vec<Vec<Named>>> {
    let own = receipts * 6 / 10 / OF_A_PUSH as i64 * OF_A_PUSH as i64;
    let mut waiting = past::waiting(db, own).await?.into_iter().map(|(session_no, phone, id)| {
        Named { session_no, phone, user_id: MessageId(id).vendor_user_id() }
    });
    let mut pushes = Vec::new();
    loop {
        let push: Vec<Named> = waiting.by_ref().take(OF_A_PUSH).collect();
        if push.is_empty() {
            break;
        }
        pushes.push(push);
    }
    let others = usize::try_from(receipts - own)? / OF_A_PUSH;
    let begun = uuid::Uuid::new_v4();
    for n in 0..others {
        // Between our own, as they come.
        pushes.insert(n * pushes.len() / others, of_another(begun, n));
    }
    Ok(pushes)
}

async fn push_all(hook: &str, bodies: Vec<Vec<u8>>) -> anyhow::Result<Times> {
    let mut shares: Vec<Vec<Vec<u8>>> = vec![Vec::new(); PUSHERS];
    for (n, body) in bodies.into_iter().enumerate() {
        shares[n % PUSHERS].push(body);
    }
    let mut under_way = JoinSet::new();
    for share in shares {
        let (hook, http) = (hook.to_owned(), reqwest::Client::new());
        under_way.spawn(async move {
            let mut times = Vec::with_capacity(share.len());
            for body in share {
                let began = Instant::now();
                let push = http.post(&hook).header("content-type", "application/json").body(body);
                let answer = push.send().await?;
                ensure!(answer.status().is_success(), "a push: {}", answer.status());
                times.push(began.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    let mut all = Vec::new();
    for one in under_way.join_all().await {
        all.extend(one?);
    }
    Ok(Times::new(all))
}

async fn until_settled(db: &PgPool) -> anyhow::Result<()> {
    let began = Instant::now();
    while count(db, "select count(*) from inbox where processed_at is null").await? > 0 {
        if began.elapsed() > Duration::from_secs(600) {
            bail!("pushes are never settled");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
