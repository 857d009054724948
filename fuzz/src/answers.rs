//! Answers of the vendor, as a server of HTTP on this machine gives them.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use time::macros::date;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use usms_console::usms::{
    CallError, Client, Credentials, SendBatch, SendMessage, Target, TargetGroup,
};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
    static VENDOR: Vendor = Vendor::start();
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// The body of an answer, behind a byte that chooses the call and whether HTTP reports an error.
pub fn answer(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    VENDOR.with(|vendor| {
        *vendor.answer.lock().unwrap() = (choice & 0x80 != 0, body.to_vec());
        block_on(vendor.call(choice & 0x7f));
    });
}

struct Vendor {
    client: Client,
    keys: Credentials,
    /// Whether the answer is one of HTTP status 502, and its body.
    answer: Arc<Mutex<(bool, Vec<u8>)>>,
}

impl Vendor {
    fn start() -> Self {
        let answer = Arc::<Mutex<(bool, Vec<u8>)>>::default();
        let listener = block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = Arc::clone(&answer);
        RUNTIME.with(|runtime| {
            runtime.spawn(async move {
                while let Ok((connection, _)) = listener.accept().await {
                    tokio::spawn(serve(connection, Arc::clone(&answers)));
                }
            })
        });
        let client = Client::new(&url, Duration::from_secs(10)).unwrap();
        let keys = Credentials {
            public_key: "key".to_owned(),
            private_key: "secret".to_owned().into(),
            project_id: None,
        };
        Self { client, keys, answer }
    }

    async fn call(&self, which: u8) {
        let (client, keys) = (&self.client, &self.keys);
        match which % 8 {
            0 => {
                let phones = ["18500001234".to_owned()];
                let send = SendMessage {
                    phones: &phones,
                    template_id: "t",
                    sig_content: "s",
                    params: &[],
                    user_id: "usmsc-c-1",
                };
                if let Some(sent) = usable(client.send_message(keys, &send).await) {
                    assert!(!sent.session_no.is_empty());
                }
            }
            1 => {
                let batch = batch();
                if let Some(sent) = usable(client.send_batch(keys, &batch).await) {
                    assert!(sent.session_no.is_some() || !sent.failures.is_empty());
                }
            }
            2 => {
                let receipts = usable(client.get_send_receipt(keys, &["a"]).await);
                for receipt in receipts.unwrap_or_default() {
                    assert!(!receipt.session_no.is_empty() && !receipt.phone.is_empty());
                }
            }
            3 => {
                let days = (date!(2026 - 11 - 01), date!(2026 - 11 - 30));
                let days = client.get_send_statistics(keys, days.0, days.1, true).await;
                assert!(usable(days).unwrap_or_default().iter().all(|day| day.sent >= 0));
            }
            4 => drop(usable(client.query_signature(keys, Some("s"), None).await)),
            5 => drop(usable(client.query_template(keys, "t").await)),
            6 => drop(usable(client.add_to_blacklist(keys, &["18500001234"], "").await)),
            _ => drop(usable(client.pull_reports(keys, 200).await)),
        }
    }
}

/// Returns what a call returned. It has reached the server, so that only a RetCode can say that it was not
/// accepted.
fn usable<T>(result: Result<T, CallError>) -> Option<T> {
    let not_sent = matches!(result, Err(CallError::NotSent { ret_code: None, .. }));
    assert!(!not_sent, "{:?}", result.err());
    result.ok()
}

fn batch() -> SendBatch {
    let target = |phone: &str, user_id: &str| Target {
        phone: phone.to_owned(),
        params: Vec::new(),
        user_id: user_id.to_owned(),
    };
    let targets = vec![target("18500001234", "usmsc-m-1"), target("18500001235", "usmsc-m-2")];
    let group = TargetGroup { template_id: "t".to_owned(), sig_content: "s".to_owned(), targets };
    SendBatch { groups: vec![group] }
}

/// Answers each request of a connection.
async fn serve(connection: TcpStream, answer: Arc<Mutex<(bool, Vec<u8>)>>) -> io::Result<()> {
    let mut connection = BufReader::new(connection);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut request = vec![0; length];
        connection.read_exact(&mut request).await?;
        let (is_error, body) = answer.lock().unwrap().clone();
        let status = if is_error { "502 Bad Gateway" } else { "200 OK" };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
        connection.write_all(&[head.as_bytes(), &body].concat()).await?;
    }
}
