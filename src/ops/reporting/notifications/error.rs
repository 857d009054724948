//! Why a notification was not delivered.

use crate::keyring::CannotOpen;
use crate::outbound::OutboundError;

/// Why a notification was not delivered, or its settings cannot be loaded or saved.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// The channel was removed from the settings meanwhile.
    #[error("channel is no longer configured")]
    NotConfigured,
    /// The stored notification cannot be parsed.
    #[error("cannot read the stored notification")]
    Unreadable,
    /// The webhook or the mail server did not accept it.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The settings cannot be decrypted: the installation's secret key was changed.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl NotificationError {
    /// Returns how it is stored: a key that pages translate, a space, and the remote error message,
    /// if there is one.
    pub(super) fn stored(&self) -> String {
        let (key, message) = match self {
            Self::NotConfigured => ("not-configured", String::new()),
            Self::Unreadable => ("unreadable", String::new()),
            Self::Sealed(_) => ("sealed", String::new()),
            Self::Database(_) => ("database", String::new()),
            Self::Outbound(OutboundError::NoMail) => ("no-mail", String::new()),
            Self::Outbound(OutboundError::Message(text)) => ("message", text.clone()),
            Self::Outbound(OutboundError::Mail(text)) => ("mail", text.clone()),
            Self::Outbound(OutboundError::Unreachable(text)) => ("unreachable", text.clone()),
            Self::Outbound(OutboundError::NotPublic) => ("not-public", String::new()),
            Self::Outbound(OutboundError::Robot { code, said }) => {
                ("robot", format!("{code} {said}").trim_end().to_owned())
            }
            Self::Outbound(OutboundError::HttpStatus(status)) => {
                ("answer", format!("HTTP {status}"))
            }
        };
        format!("{key} {message}")
    }

    /// Returns whether a robot says that it was called too often: 45009 of WeCom, 130101 of DingTalk, 11232
    /// of Feishu.
    pub(super) fn is_limit(&self) -> bool {
        let Self::Outbound(OutboundError::Robot { code, .. }) = self else { return false };
        matches!(code, 45_009 | 130_101 | 11_232)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::{Language, Texts};

    #[test]
    fn every_error_has_a_text() {
        let outbound = [
            OutboundError::NoMail,
            OutboundError::Message(String::new()),
            OutboundError::Mail(String::new()),
            OutboundError::Unreachable(String::new()),
            OutboundError::HttpStatus(500),
            OutboundError::NotPublic,
            OutboundError::Robot { code: 310_000, said: String::new() },
        ];
        let mut all: Vec<NotificationError> =
            outbound.into_iter().map(NotificationError::Outbound).collect();
        all.extend([
            NotificationError::NotConfigured,
            NotificationError::Unreadable,
            NotificationError::Sealed(CannotOpen),
            NotificationError::Database(sqlx::Error::PoolTimedOut),
        ]);
        for error in all {
            let stored = error.stored();
            let (key, _) = stored.split_once(' ').unwrap();
            let key = format!("notification-error-{key}");
            assert!(Texts(Language::En).try_t(&key).is_some(), "{key}");
        }
    }
}
