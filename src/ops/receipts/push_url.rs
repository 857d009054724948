//! The push URL of a project: showing it, rotating its secret, restricting its networks, and
//! testing it. Every action is audited.

use std::time::Duration as Wait;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use crate::app::App;
use crate::db::audit;
use crate::db::receipts::push_url::{self, NewSecret};
use crate::db::receipts::report_pulls;
use crate::domain::ids::ProjectId;
use crate::domain::network::Network;
use crate::keyring::{CannotOpen, Secret};
use crate::ops::actor::Actor;
use crate::outbound::OutboundError;

/// How long a replaced secret stays valid: UCloud's support needs days to change a push URL.
pub const OVERLAP: Duration = Duration::days(7);
/// How long the mark of a test push is valid, in seconds.
const TEST_MARK_SECONDS: i64 = 120;
/// How long to wait until a worker has processed a test push.
const PROCESSING_TIMEOUT: Duration = Duration::seconds(5);
/// How often the inbox is checked for a test push.
const CHECK_INTERVAL: Wait = Wait::from_millis(50);

/// Why an action on a push URL failed.
#[derive(Debug, thiserror::Error)]
pub enum PushUrlError {
    /// A secret cannot be decrypted: the installation's secret key was changed.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Returns the path of the current push URL.
///
/// # Errors
///
/// [`PushUrlError::Sealed`] if its secret cannot be decrypted.
pub async fn path(app: &App, project: ProjectId) -> Result<String, PushUrlError> {
    let endpoint = push_url::endpoint(&app.db, project).await?;
    let secret = app.keyring.open(Secret::PushSecret, project, &endpoint.secret_sealed)?;
    Ok(format!("/hooks/{}", secret.expose_secret()))
}

/// Returns the path of the current push URL to a person, which is audited.
///
/// # Errors
///
/// [`PushUrlError::Sealed`] if its secret cannot be decrypted.
pub async fn reveal(app: &App, actor: Actor<'_>) -> Result<String, PushUrlError> {
    let path = path(app, actor.project).await?;
    let mut tx = app.db.begin().await?;
    record(app, &mut tx, actor, "hook_revealed", json!({})).await?;
    tx.commit().await?;
    Ok(path)
}

/// Creates a new push URL; the current one stays valid for [`OVERLAP`]. Returns false if an older
/// one is still valid: rotating twice must not cut off the URL that the vendor uses.
///
/// # Errors
///
/// [`PushUrlError::Sealed`] if the new secret cannot be encrypted.
pub async fn rotate(app: &App, actor: Actor<'_>) -> Result<bool, PushUrlError> {
    let secret = hex::encode(rand::random::<[u8; 32]>());
    let now = app.clock.now();
    let new = NewSecret {
        sealed: &app.keyring.seal(
            Secret::PushSecret,
            actor.project,
            &SecretString::from(secret.clone()),
        )?,
        hash: &Sha256::digest(secret.as_bytes()),
        old_until: now + OVERLAP,
    };
    let mut tx = app.db.begin().await?;
    if !push_url::rotate(&mut tx, actor.project, &new, now).await? {
        return Ok(false);
    }
    record(app, &mut tx, actor, "hook_rotated", json!({ "old_until": new.old_until.to_string() }))
        .await?;
    tx.commit().await?;
    Ok(true)
}

/// Invalidates the previous push URL early. Returns false if it was not valid any more.
pub async fn end_old(app: &App, actor: Actor<'_>) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    if !push_url::end_old(&mut tx, actor.project, app.clock.now()).await? {
        return Ok(false);
    }
    record(app, &mut tx, actor, "hook_old_ended", json!({})).await?;
    tx.commit().await?;
    Ok(true)
}

/// Saves the networks from which pushes are accepted, and whether reports are pulled as well.
pub async fn save(
    app: &App,
    actor: Actor<'_>,
    networks: &[Network],
    pulls: bool,
) -> sqlx::Result<()> {
    let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
    let mut tx = app.db.begin().await?;
    let before = push_url::set_networks(&mut tx, actor.project, &networks).await?;
    if before != networks {
        let detail = json!({ "before": before, "after": networks });
        record(app, &mut tx, actor, "hook_networks_changed", detail).await?;
    }
    if report_pulls::set(&mut tx, actor.project, pulls, app.clock.now()).await? {
        record(app, &mut tx, actor, "pulling_changed", json!({ "on": pulls })).await?;
    }
    tx.commit().await
}

async fn record(
    app: &App,
    db: &mut PgConnection,
    actor: Actor<'_>,
    action: &str,
    detail: Value,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action,
        subject: &actor.project.to_string(),
        detail,
        ip: actor.ip,
    };
    audit::record(db, &entry, app.clock.now()).await
}

/// The result of a test push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    /// It was stored and processed.
    Processed {
        /// Milliseconds until the push endpoint responded.
        stored: i64,
        /// Milliseconds until a worker had processed it.
        processed: i64,
    },
    /// It was stored, but no worker processed it in time.
    NotProcessed,
    /// Something responded like a push endpoint, but the push is not in this console's inbox.
    Elsewhere,
    /// The response had this HTTP status.
    Answered(u16),
    /// There was no response, for this reason.
    Unreachable(String),
}

/// Pushes an empty status report to the push URL below `base`, over the network as the vendor
/// would, and checks whether it is stored and processed. It names no message, is not counted, and
/// is removed from the inbox afterwards.
///
/// # Errors
///
/// [`PushUrlError::Sealed`] if the secret cannot be decrypted; what goes wrong with the push is in the
/// result.
pub async fn test(app: &App, actor: Actor<'_>, base: &str) -> Result<Tested, PushUrlError> {
    let began = app.clock.now();
    let mark = test_mark(app, actor.project)?;
    let url = format!("{base}{}?test={mark}", path(app, actor.project).await?);
    let body = json!({ "MsgType": 2, "Data": [], "ConsoleTest": Uuid::new_v4() }).to_string();
    let key = SecretString::from("test");
    let posted = app.outbound.post_to_own(&url, &key, began.unix_timestamp(), body.clone()).await;
    let tested = match posted {
        Ok(_) => follow(app, actor.project, body.as_bytes(), began).await?,
        Err(OutboundError::HttpStatus(status)) => Tested::Answered(status),
        Err(error) => Tested::Unreachable(error.to_string()),
    };
    let mut tx = app.db.begin().await?;
    record(app, &mut tx, actor, "hook_tested", json!({ "went": format!("{tested:?}") })).await?;
    tx.commit().await?;
    Ok(tested)
}

/// Waits until a test push is processed, and removes it.
async fn follow(
    app: &App,
    project: ProjectId,
    body: &[u8],
    began: time::OffsetDateTime,
) -> sqlx::Result<Tested> {
    let stored = app.clock.now();
    // Push ids contain the time of the process that stored it, whose clock may differ.
    let from = began - Duration::minutes(1);
    let until = std::time::Instant::now() + PROCESSING_TIMEOUT.unsigned_abs();
    let mut found = None;
    while std::time::Instant::now() < until {
        found = push_url::find_push(&app.db, project, body, from).await?;
        match found {
            None => break,
            Some((id, Some(_))) => {
                push_url::remove_push(&app.db, id).await?;
                let millis =
                    |period: Duration| i64::try_from(period.whole_milliseconds()).unwrap_or(0);
                let processed = millis(app.clock.now() - began);
                return Ok(Tested::Processed { stored: millis(stored - began), processed });
            }
            Some((_, None)) => tokio::time::sleep(CHECK_INTERVAL).await,
        }
    }
    match found {
        Some((id, _)) => {
            push_url::remove_push(&app.db, id).await?;
            Ok(Tested::NotProcessed)
        }
        None => Ok(Tested::Elsewhere),
    }
}

/// Returns the mark of a test push, which only the installation's key can create.
fn test_mark(app: &App, project: ProjectId) -> Result<String, CannotOpen> {
    let content = SecretString::from(app.clock.now().unix_timestamp().to_string());
    app.keyring.seal(Secret::TestMark, project, &content).map(hex::encode)
}

/// Returns whether `mark` is a valid mark of a test push of `project`.
pub fn is_test(app: &App, project: ProjectId, mark: &str) -> bool {
    let open = |sealed: Vec<u8>| app.keyring.open(Secret::TestMark, project, &sealed).ok();
    let at = hex::decode(mark).ok().and_then(open);
    let at = at.and_then(|at| at.expose_secret().parse::<i64>().ok());
    let now = app.clock.now().unix_timestamp();
    at.is_some_and(|at| (now - at).abs() <= TEST_MARK_SECONDS)
}
