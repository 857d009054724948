//! Pushes: receipts that are due and replies, POSTed to the push URL.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::actions::receipts;
use super::state::journal::Entry;
use super::state::records::Reply;
use super::{Shared, now_ms, phone};

/// The largest number of receipts in a push.
const MAX_RECEIPTS: usize = 100;
/// How many pushes may run at the same time.
const CONCURRENCY: usize = 8;
/// How often a push is tried: once, and three more times.
const TRIES: u32 = 4;
/// The pause between tries.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How often the pusher looks for receipts that are due.
const TICK: Duration = Duration::from_millis(100);
/// How long the customer may take to respond.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The `MsgType` of a push of replies.
const REPLIES: u8 = 0;
/// The `MsgType` of a push of receipts.
const RECEIPTS: u8 = 2;

/// Creates the client that pushes.
pub(super) fn client() -> io::Result<reqwest::Client> {
    // Fails if the process has a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build().map_err(io::Error::other)
}

/// Pushes receipts as they become due, forever.
pub(super) async fn run(shared: Arc<Shared>) {
    let slots = Arc::new(Semaphore::new(CONCURRENCY));
    loop {
        while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
            let Some((url, receipts)) = next(&shared) else { break };
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                if let Some(url) = url {
                    deliver(&shared, &url, RECEIPTS, receipts).await;
                }
                drop(slot);
            });
        }
        tokio::time::sleep(TICK).await;
    }
}

/// Takes the next receipts that are due, and returns them with the push URL. Without a push URL
/// they are lost.
fn next(shared: &Shared) -> Option<(Option<String>, Vec<Value>)> {
    let now = now_ms();
    let mut world = shared.world();
    let due = world.take_due(now, MAX_RECEIPTS);
    if due.is_empty() {
        return None;
    }
    let receipts = due.iter().filter_map(|due| receipts::report(&world, due.1, now)).collect();
    Some((world.push_to.clone(), receipts))
}

/// Sends a reply from a phone. Returns whether there is a push URL to push it to.
pub(super) fn reply(shared: &Arc<Shared>, phone: &str, content: &str) -> bool {
    let key = phone::parse(phone).unwrap_or_else(|| phone.to_owned());
    let at = now_ms();
    let mut world = shared.world();
    let mut data = Map::new();
    data.insert("Phone".into(), Value::from(key.as_str()));
    data.insert("ReplyContent".into(), Value::from(content));
    data.insert("ReplyTime".into(), Value::from(at / 1000));
    if let Some(message) = world.last_of_phone(&key, 1).first() {
        data.insert("Phone".into(), Value::from(&*message.phone));
        let optional = [("ExtendCode", &message.extend_code), ("UserId", &message.user_id)];
        for (name, text) in optional.into_iter().filter(|(_, text)| !text.is_empty()) {
            data.insert(name.into(), Value::from(&**text));
        }
    }
    world.record(Entry::Replied(Reply { phone: key, content: content.to_owned(), at }));
    let Some(url) = world.push_to.clone() else { return false };
    drop(world);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        deliver(&shared, &url, REPLIES, vec![Value::Object(data)]).await;
    });
    true
}

/// Pushes `data`, with retries.
async fn deliver(shared: &Shared, url: &str, kind: u8, data: Vec<Value>) {
    let body = json!({"MsgType": kind, "Data": data});
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        if push(shared, url, &body).await {
            shared.world().counts.pushes_accepted += 1;
            return;
        }
    }
    shared.world().counts.pushes_given_up += 1;
}

/// Pushes once. Returns whether the customer responded with `{"code": 0, …}`.
async fn push(shared: &Shared, url: &str, body: &Value) -> bool {
    let Ok(response) = shared.http.post(url).json(body).send().await else { return false };
    if !response.status().is_success() {
        return false;
    }
    response.json::<Value>().await.is_ok_and(|answer| answer.get("code") == Some(&json!(0)))
}
