//! Outbound notifications: webhooks, email and group robots. This module does not know what they say.

mod chat;
mod destination;
mod mail;
mod webhook;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use destination::Destinations;

pub use chat::{ChatKind, ChatMessage};
pub use mail::{MailSettings, is_email};

/// How long to wait for a webhook or a mail server.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Sends webhooks, email and messages of group robots. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbound {
    http: reqwest::Client,
    /// Calls only what the settings name, so it may call anything.
    own_http: reqwest::Client,
    destinations: Destinations,
    mail: Option<mail::Mailer>,
}

/// Why an [`Outbound`] cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum OutboundBuildError {
    /// The URL of the mail server is invalid.
    #[error("CONSOLE_SMTP_URL must be a URL like smtps://user:password@mail.example.test")]
    Server,
    /// A password would be sent to the mail server without encryption.
    #[error(
        "CONSOLE_SMTP_URL would send its password unencrypted; write smtps://… or add ?tls=required"
    )]
    Unencrypted,
    /// The sender is not an email address.
    #[error("CONSOLE_MAIL_FROM is not an email address")]
    From,
    /// The HTTP client cannot be built.
    #[error("cannot build the HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

/// Why a webhook or an email was not delivered. Its `Display` names no secret.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// No mail server is configured.
    #[error("no mail server configured (CONSOLE_SMTP_URL)")]
    NoMail,
    /// A recipient, the subject or the text is invalid.
    #[error("{0}")]
    Message(String),
    /// The mail server could not be reached, or refused the message.
    #[error("mail server error: {0}")]
    Mail(String),
    /// The webhook could not be reached.
    #[error("cannot reach the webhook: {0}")]
    Unreachable(String),
    /// The webhook is in a private network that the settings do not allow.
    #[error("the webhook is in a private network (CONSOLE_OUTBOUND_ALLOW)")]
    NotPublic,
    /// The webhook responded with a status other than 2xx. What else it said is not read: it may be
    /// anything, and of any length.
    #[error("webhook responded with HTTP {0}")]
    HttpStatus(u16),
    /// A group robot answered with an error code.
    #[error("the robot answered {code}: {said}")]
    Robot {
        /// The code, which is not 0.
        code: i64,
        /// What it said.
        said: String,
    },
}

impl Outbound {
    /// Builds the HTTP client and, if `mail` is set, the SMTP client. Connects to nothing. Webhooks
    /// may lead anywhere, unless [`Outbound::only_public`] restricts them.
    ///
    /// # Errors
    ///
    /// [`OutboundBuildError`] says which setting is invalid.
    pub fn new(mail: Option<&MailSettings>) -> Result<Self, OutboundBuildError> {
        // The provider may have been installed by another part of the process; that is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = http().build()?;
        let mail = mail.map(mail::Mailer::new).transpose()?;
        Ok(Self { http: http.clone(), own_http: http, destinations: Destinations::Any, mail })
    }

    /// Refuses webhooks in private networks, except at addresses that are `allowed`.
    ///
    /// # Errors
    ///
    /// [`OutboundBuildError::Http`] if the HTTP client cannot be built.
    pub fn only_public(
        self,
        allowed: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
    ) -> Result<Self, OutboundBuildError> {
        let destinations = Destinations::public_and(allowed);
        let http = http().dns_resolver(Arc::new(destinations.clone())).build()?;
        Ok(Self { http, destinations, ..self })
    }

    /// Returns whether a mail server is configured.
    pub fn has_mail(&self) -> bool {
        self.mail.is_some()
    }
}

fn http() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
}
