//! Email over SMTP.

use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::{Outbound, OutboundBuildError, OutboundError, TIMEOUT};

/// The media type of an Excel workbook.
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The mail server and the sender.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// `smtp://…` or `smtps://…`, with user name and password if the server requires them.
    pub url: SecretString,
    /// The sender, like `USMS Console <console@example.test>`.
    pub from: String,
}

#[derive(Debug, Clone)]
pub(super) struct Mailer {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    pub(super) fn new(settings: &MailSettings) -> Result<Self, OutboundBuildError> {
        let url = settings.url.expose_secret();
        if sends_password_unencrypted(url) {
            return Err(OutboundBuildError::Unencrypted);
        }
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_| OutboundBuildError::Server)?
            .timeout(Some(TIMEOUT))
            .build();
        let from = settings.from.parse().map_err(|_| OutboundBuildError::From)?;
        Ok(Self { server, from })
    }
}

/// Returns whether a password would leave this machine without encryption.
fn sends_password_unencrypted(url: &str) -> bool {
    let Ok(url) = url.parse::<Url>() else { return false };
    let requires_tls = url.scheme() == "smtps"
        || url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
    let is_near = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.password().is_some() && !requires_tls && !is_near
}

impl Outbound {
    /// Sends one plain-text email to all addresses in `to`. Returns what the mail server answered.
    ///
    /// # Errors
    ///
    /// [`OutboundError::NoMail`] if no mail server is configured, [`OutboundError::Message`] if an
    /// address or the text is invalid, [`OutboundError::Mail`] if the server did not take it.
    pub async fn mail(
        &self,
        to: &[String],
        subject: &str,
        text: &str,
    ) -> Result<String, OutboundError> {
        self.mail_with(to, subject, text, None).await
    }

    /// Like [`mail`](Self::mail), with an Excel workbook: its name and content.
    ///
    /// # Errors
    ///
    /// As for [`mail`](Self::mail).
    pub async fn mail_with(
        &self,
        to: &[String],
        subject: &str,
        text: &str,
        workbook: Option<(&str, &[u8])>,
    ) -> Result<String, OutboundError> {
        let mailer = self.mail.as_ref().ok_or(OutboundError::NoMail)?;
        let invalid = |error: &dyn std::fmt::Display| OutboundError::Message(error.to_string());
        let mut message = Message::builder().from(mailer.from.clone()).subject(subject);
        for email in to {
            message = message.to(email.parse().map_err(|error| invalid(&error))?);
        }
        let message = match workbook {
            None => message.header(ContentType::TEXT_PLAIN).body(text.to_owned()),
            Some((name, content)) => {
                let kind = ContentType::parse(XLSX).map_err(|error| invalid(&error))?;
                let file = Attachment::new(name.to_owned()).body(content.to_vec(), kind);
                let text = SinglePart::plain(text.to_owned());
                message.multipart(MultiPart::mixed().singlepart(text).singlepart(file))
            }
        };
        let message = message.map_err(|error| invalid(&error))?;
        let sent = mailer.server.send(message).await;
        let answer = sent.map_err(|error| OutboundError::Mail(error.to_string()))?;
        Ok(format!("{} {}", answer.code(), answer.first_line().unwrap_or_default()))
    }
}

/// Returns whether `text` is a plain email address, without a display name.
pub fn is_email(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok_and(|mailbox| mailbox.name.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_sent_without_encryption() {
        for (url, refused) in [
            ("smtps://mei:secret@mail.example.test", false),
            ("smtp://mei:secret@mail.example.test?tls=required", false),
            ("smtp://mail.example.test", false),
            ("smtp://mei:secret@localhost:1025", false),
            ("smtp://mei:secret@mail.example.test", true),
            ("smtp://mei:secret@mail.example.test?tls=opportunistic", true),
        ] {
            assert_eq!(sends_password_unencrypted(url), refused, "{url}");
        }
    }

    #[test]
    fn only_plain_email_addresses_are_accepted() {
        assert!(is_email("mei@example.test"));
        for wrong in ["", "mei", "a b@example.test", "Mei <mei@example.test>", "a@b\r\nBcc: c@d"] {
            assert!(!is_email(wrong), "{wrong}");
        }
    }
}
