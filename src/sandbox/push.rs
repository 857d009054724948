//! Pushes: receipts whose time has come and replies, POSTed to the customer's address.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::journal::Entry;
use super::store::Reply;
use super::{Shared, now_ms, phone, receipts};

/// How many receipts one push carries.
const GROUP: usize = 100;
/// How many pushes are under way at a time.
const AT_A_TIME: usize = 8;
/// How often a push is tried: once, and three times more.
const TRIES: u32 = 4;
/// The pause between tries.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the pusher looks at the time.
const TICK: Duration = Duration::from_millis(100);
/// How long the customer may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A push of replies.
const REPLIES: u8 = 0;
/// A push of receipts.
const RECEIPTS: u8 = 2;

/// The client that pushes.
pub(super) fn client() -> io::Result<reqwest::Client> {
    // Somebody else in the process may have installed one before; either will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().map_err(io::Error::other)
}

/// Pushes receipts as they fall due, for ever.
pub(super) async fn run(shared: Arc<Shared>) {
    let slots = Arc::new(Semaphore::new(AT_A_TIME));
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

/// The next group of receipts and where to push it; they are lost when there is no address.
fn next(shared: &Shared) -> Option<(Option<String>, Vec<Value>)> {
    let now = now_ms();
    let mut world = shared.world();
    let due = world.take_due(now, GROUP);
    if due.is_empty() {
        return None;
    }
    let receipts = due.iter().filter_map(|due| receipts::report(&world, due.1, now)).collect();
    Some((world.push_to.clone(), receipts))
}

/// Lets a phone answer. Gives whether there is an address to push the reply to.
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

/// Pushes until it is taken or given up.
async fn deliver(shared: &Shared, url: &str, kind: u8, data: Vec<Value>) {
    let body = json!({"MsgType": kind, "Data": data});
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        if taken(shared, url, &body).await {
            shared.world().counts.pushes_taken += 1;
            return;
        }
    }
    shared.world().counts.pushes_given_up += 1;
}

/// Whether the customer answered `{"code": 0, …}`.
async fn taken(shared: &Shared, url: &str, body: &Value) -> bool {
    let Ok(response) = shared.http.post(url).json(body).send().await else { return false };
    if !response.status().is_success() {
        return false;
    }
    response.json::<Value>().await.is_ok_and(|answer| answer.get("code") == Some(&json!(0)))
}
