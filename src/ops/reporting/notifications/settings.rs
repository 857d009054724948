//! Where the notifications of a project go.

use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::error::NotificationError;
use crate::app::App;
use crate::db::audit;
use crate::db::reporting::notifications::{self, NotificationSettings};
use crate::domain::ids::{ProjectId, UserId};
use crate::keyring::{CannotOpen, Secret};
use crate::outbound;

/// The most email addresses of a project.
const MAX_EMAILS: usize = 20;

/// The notification settings of a project, decrypted for its administrators.
#[derive(Debug, Clone, Default)]
pub struct NotificationForm {
    /// The URL of the webhook; empty if there is none.
    pub webhook: String,
    /// The key that webhooks are signed with; empty if there is no webhook.
    pub webhook_key: String,
    /// The email addresses.
    pub emails: Vec<String>,
    /// The language of emails.
    pub language: String,
}

/// What is wrong with notification settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationProblem {
    /// The webhook is not an http or https URL.
    Webhook,
    /// The webhook is in a private network.
    WebhookNotPublic,
    /// One of the email addresses is invalid.
    Email,
    /// There are too many email addresses.
    ManyEmails,
}

/// Loads the settings of `project`.
///
/// # Errors
///
/// [`NotificationError::Sealed`] if they cannot be decrypted.
pub async fn settings(
    app: &App,
    project: ProjectId,
) -> Result<NotificationForm, NotificationError> {
    let stored = notifications::settings(&app.db, project).await?;
    let open = |what, sealed: &Option<Vec<u8>>| -> Result<String, CannotOpen> {
        let Some(sealed) = sealed else { return Ok(String::new()) };
        Ok(app.keyring.open(what, project, sealed)?.expose_secret().to_owned())
    };
    Ok(NotificationForm {
        webhook: open(Secret::Webhook, &stored.webhook_sealed)?,
        webhook_key: open(Secret::WebhookKey, &stored.webhook_key_sealed)?,
        emails: stored.emails,
        language: stored.language,
    })
}

/// Returns what is wrong with these settings, if anything is.
fn problem(form: &NotificationForm) -> Option<NotificationProblem> {
    let is_http = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    let clean = |url: &str| url.len() > 10 && !url.contains(char::is_whitespace);
    let valid = |url: &str| url.is_empty() || is_http(url) && clean(url);
    if !valid(&form.webhook) {
        Some(NotificationProblem::Webhook)
    } else if form.emails.len() > MAX_EMAILS {
        Some(NotificationProblem::ManyEmails)
    } else if !form.emails.iter().all(|email| outbound::is_email(email)) {
        Some(NotificationProblem::Email)
    } else {
        None
    }
}

/// Returns what is wrong with these settings, if anything is: also where the webhook leads.
pub async fn find_problem(app: &App, form: &NotificationForm) -> Option<NotificationProblem> {
    match problem(form) {
        None if !form.webhook.is_empty() && !app.outbound.may_call(&form.webhook).await => {
            Some(NotificationProblem::WebhookNotPublic)
        }
        found => found,
    }
}

/// Saves settings. A new or changed webhook gets a new key.
pub async fn save_settings(
    app: &App,
    project: ProjectId,
    form: &NotificationForm,
    by: UserId,
    ip: &str,
) -> Result<(), NotificationError> {
    let before = settings(app, project).await?;
    let key = if form.webhook == before.webhook && !before.webhook_key.is_empty() {
        before.webhook_key
    } else {
        hex::encode(rand::rng().random::<[u8; 32]>())
    };
    let seal = |what, text: &str| -> Result<Option<Vec<u8>>, CannotOpen> {
        if form.webhook.is_empty() {
            return Ok(None);
        }
        app.keyring.seal(what, project, &SecretString::from(text)).map(Some)
    };
    let sealed = NotificationSettings {
        webhook_sealed: seal(Secret::Webhook, &form.webhook)?,
        webhook_key_sealed: seal(Secret::WebhookKey, &key)?,
        emails: form.emails.clone(),
        language: form.language.clone(),
    };
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    notifications::update_settings(&mut tx, project, &sealed).await?;
    let entry = audit::Entry {
        project: Some(project),
        user: Some(by),
        action: "notifications_changed",
        subject: &project.to_string(),
        detail: json!({ "webhook": !form.webhook.is_empty(), "emails": form.emails.len() }),
        ip,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let form = |webhook: &str, emails: &[&str]| NotificationForm {
            webhook: webhook.to_owned(),
            emails: emails.iter().map(|email| (*email).to_owned()).collect(),
            ..NotificationForm::default()
        };
        assert_eq!(problem(&form("", &[])), None);
        assert_eq!(problem(&form("https://hooks.example.test/x", &["a@example.test"])), None);
        for wrong in ["ftp://x.example", "https://", "javascript:1", "https://a b.example"] {
            assert_eq!(problem(&form(wrong, &[])), Some(NotificationProblem::Webhook), "{wrong}");
        }
        assert_eq!(problem(&form("", &["nobody"])), Some(NotificationProblem::Email));
        assert_eq!(problem(&form("", &["a@b.test"; 21])), Some(NotificationProblem::ManyEmails));
    }
}
