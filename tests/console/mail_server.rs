//! A mail server on the loopback that takes everything.

use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use usms_console::outbound::MailSettings;

pub struct MailServer {
    port: u16,
    received: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let all = received.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, all.clone()));
            }
        });
        Self { port, received }
    }

    pub fn settings(&self) -> MailSettings {
        MailSettings {
            url: SecretString::from(format!("smtp://127.0.0.1:{}", self.port)),
            from: "USMS Console <console@example.test>".to_owned(),
        }
    }

    pub fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

/// Speaks SMTP (RFC 5321) with one client.
async fn talk(stream: TcpStream, all: Arc<Mutex<Vec<String>>>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let _ = write.write_all(b"220 mail.example.test\r\n").await;
    while let Ok(Some(line)) = lines.next_line().await {
        let answer: &[u8] = match line.get(..4).unwrap_or_default() {
            "DATA" => {
                let _ = write.write_all(b"354 go ahead\r\n").await;
                let mut mail = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    mail.push_str(&line);
                    mail.push('\n');
                }
                all.lock().unwrap().push(mail);
                b"250 taken\r\n"
            }
            "QUIT" => {
                let _ = write.write_all(b"221 bye\r\n").await;
                return;
            }
            _ => b"250 mail.example.test\r\n",
        };
        if write.write_all(answer).await.is_err() {
            return;
        }
    }
}
