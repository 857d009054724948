//! How people outside of the pages are told: webhooks and e-mail. Knows nothing of what it carries.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Neither a webhook nor a mail server is waited for any longer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// So much of an answer is kept.
const ANSWER_LETTERS: usize = 200;

/// Carries messages out. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbound {
    http: reqwest::Client,
    mail: Option<Mail>,
}

#[derive(Debug, Clone)]
struct Mail {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Where mail goes out.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// `smtp://…` or `smtps://…`, with name and password if the server wants them.
    pub url: SecretString,
    /// The sender, like `USMS Console <console@example.test>`.
    pub from: String,
}

/// Why no courier can be built.
#[derive(Debug, thiserror::Error)]
pub enum OutboundBuildError {
    /// The mail server's address.
    #[error("CONSOLE_SMTP_URL must be a URL like smtps://user:password@mail.example.test")]
    Server,
    /// The sender.
    #[error("CONSOLE_MAIL_FROM is not an email address")]
    From,
    /// The HTTP client.
    #[error("cannot build the HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

/// Why something was not carried. Its text names no secret.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// No mail server is set.
    #[error("no mail server configured (CONSOLE_SMTP_URL)")]
    NoMail,
    /// An address, or the text.
    #[error("{0}")]
    Message(String),
    /// The mail server.
    #[error("mail server error: {0}")]
    Mail(String),
    /// The webhook could not be reached.
    #[error("cannot reach the webhook: {0}")]
    Unreachable(String),
    /// The webhook answered something else than 2xx.
    #[error("webhook responded with HTTP {0}: {1}")]
    Answer(u16, String),
}

impl Outbound {
    /// A courier, with a mail server if one is set.
    pub fn new(mail: Option<&MailSettings>) -> Result<Self, OutboundBuildError> {
        // Another part of the process may have installed it: then this changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let mail = match mail {
            None => None,
            Some(settings) => {
                let server =
                    AsyncSmtpTransport::<Tokio1Executor>::from_url(settings.url.expose_secret())
                        .map_err(|_| OutboundBuildError::Server)?
                        .timeout(Some(TIMEOUT))
                        .build();
                let from = settings.from.parse().map_err(|_| OutboundBuildError::From)?;
                Some(Mail { server, from })
            }
        };
        Ok(Self { http, mail })
    }

    /// Whether mail can go out.
    pub fn has_mail(&self) -> bool {
        self.mail.is_some()
    }

    /// POSTs `body` as JSON. Its header `X-Console-Signature` is `sha256=` and the HMAC-SHA256 in hex
    /// of the header `X-Console-Timestamp`, a full stop and the body, under `key`.
    pub async fn post(
        &self,
        url: &str,
        key: &SecretString,
        timestamp: i64,
        body: String,
    ) -> Result<(), OutboundError> {
        let signature = sign(key, timestamp, &body);
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .header("x-console-timestamp", timestamp.to_string())
            .header("x-console-signature", format!("sha256={signature}"))
            .body(body);
        let answer = request.send().await.map_err(|error| {
            // The address may hold a token.
            OutboundError::Unreachable(error.without_url().to_string())
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let words = answer.text().await.unwrap_or_default();
        let words = words.chars().take(ANSWER_LETTERS).collect();
        Err(OutboundError::Answer(status.as_u16(), words))
    }

    /// Sends a plain text to all of `to` in one mail.
    pub async fn mail(
        &self,
        to: &[String],
        subject: &str,
        text: &str,
    ) -> Result<(), OutboundError> {
        let mail = self.mail.as_ref().ok_or(OutboundError::NoMail)?;
        let wrong = |error: &dyn std::fmt::Display| OutboundError::Message(error.to_string());
        let mut message = Message::builder().from(mail.from.clone()).subject(subject);
        for address in to {
            message = message.to(address.parse().map_err(|error| wrong(&error))?);
        }
        let message = message
            .header(ContentType::TEXT_PLAIN)
            .body(text.to_owned())
            .map_err(|error| wrong(&error))?;
        let sent = mail.server.send(message).await;
        sent.map(drop).map_err(|error| OutboundError::Mail(error.to_string()))
    }
}

/// Whether `address` can be written to.
pub fn is_address(address: &str) -> bool {
    address.parse::<Mailbox>().is_ok_and(|mailbox| mailbox.name.is_none())
}

fn sign(key: &SecretString, timestamp: i64, body: &str) -> String {
    #[allow(clippy::expect_used)]
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(format!("{timestamp}.{body}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_signed_over_its_time_and_body() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac key
        let signature = sign(&SecretString::from("key"), 1_700_000_000, "{\"a\":1}");
        assert_eq!(signature, "a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03");
    }

    #[test]
    fn addresses_are_plain() {
        assert!(is_address("mei@example.test"));
        for wrong in ["", "mei", "a b@example.test", "Mei <mei@example.test>", "a@b\r\nBcc: c@d"] {
            assert!(!is_address(wrong), "{wrong}");
        }
    }
}
