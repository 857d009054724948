//! The door of a project's pushes: showing its address, replacing its secret, saying who may come,
//! and trying whether it opens. Each step is audited.

use std::time::Duration as Wait;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use crate::app::App;
use crate::db::push_url::{self, NewSecret};
use crate::db::{audit, report_pulls};
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::network::Network;
use crate::keyring::CannotOpen;
use crate::outbound::OutboundError;

/// A secret that was replaced works on for so long: support needs days to change an address.
pub const OVERLAP: Duration = Duration::days(7);
/// A test push is known as one for so long.
const TEST_VALID: i64 = 120;
/// A worker settles a test push within this long, or there is none.
const SETTLES_WITHIN: Duration = Duration::seconds(5);
/// How often a test push is looked after.
const LOOK: Wait = Wait::from_millis(50);

/// Who asks for a step, and where.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// The project.
    pub project: ProjectId,
    /// The person.
    pub user: UserId,
    /// Their address.
    pub address: &'a str,
}

/// Why a step of the door cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The installation's secret key changed.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The path of the newest push address.
pub async fn path(app: &App, project: ProjectId) -> Result<String, HookError> {
    let door = push_url::door(&app.db, project).await?;
    let secret = app.keyring.open(&door.secret_sealed)?;
    Ok(format!("/hooks/{}", secret.expose_secret()))
}

/// The path of the newest push address, shown to a person.
pub async fn reveal(app: &App, by: Actor<'_>) -> Result<String, HookError> {
    let path = path(app, by.project).await?;
    let mut tx = app.db.begin().await?;
    record(app, &mut tx, by, "hook_revealed", json!({})).await?;
    tx.commit().await?;
    Ok(path)
}

/// Makes a new push address; the one before works on for [`OVERLAP`]. Answers false when one before
/// that still works: a second press must not cut off the address that support knows.
pub async fn rotate(app: &App, by: Actor<'_>) -> Result<bool, HookError> {
    let secret = hex::encode(rand::random::<[u8; 32]>());
    let now = app.clock.now();
    let new = NewSecret {
        sealed: &app.keyring.seal(&SecretString::from(secret.clone()))?,
        hash: &Sha256::digest(secret.as_bytes()),
        old_until: now + OVERLAP,
    };
    let mut tx = app.db.begin().await?;
    if !push_url::rotate(&mut tx, by.project, &new, now).await? {
        return Ok(false);
    }
    record(app, &mut tx, by, "hook_rotated", json!({ "old_until": new.old_until.to_string() }))
        .await?;
    tx.commit().await?;
    Ok(true)
}

/// Ends the former push address before its time. Answers whether it still worked.
pub async fn end_old(app: &App, by: Actor<'_>) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    if !push_url::end_old(&mut tx, by.project, app.clock.now()).await? {
        return Ok(false);
    }
    record(app, &mut tx, by, "hook_old_ended", json!({})).await?;
    tx.commit().await?;
    Ok(true)
}

/// Changes from where pushes may come, and whether reports are pulled as well.
pub async fn keep(app: &App, by: Actor<'_>, networks: &[Network], pulls: bool) -> sqlx::Result<()> {
    let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
    let mut tx = app.db.begin().await?;
    let before = push_url::keep_networks(&mut tx, by.project, &networks).await?;
    if before != networks {
        let detail = json!({ "before": before, "after": networks });
        record(app, &mut tx, by, "hook_networks_changed", detail).await?;
    }
    if report_pulls::set(&mut tx, by.project, pulls, app.clock.now()).await? {
        record(app, &mut tx, by, "pulling_changed", json!({ "on": pulls })).await?;
    }
    tx.commit().await
}

async fn record(
    app: &App,
    db: &mut PgConnection,
    by: Actor<'_>,
    action: &str,
    detail: Value,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        project: Some(by.project),
        user: Some(by.user),
        action,
        subject: &by.project.to_string(),
        detail,
        address: by.address,
    };
    audit::record(db, &entry, app.clock.now()).await
}

/// How a test push went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    /// It was taken and settled, after so many milliseconds each.
    Settled {
        /// Until the door answered.
        taken: i64,
        /// Until a worker had settled it.
        settled: i64,
    },
    /// It was taken, but no worker settled it in time.
    NotSettled,
    /// Something answered as a door would, but the push is not here.
    Elsewhere,
    /// It was answered with this HTTP status.
    Answered(u16),
    /// There was no answer.
    Unreachable(String),
}

/// Pushes an empty status report to our own door at `base`, over the network as the vendor would,
/// and sees whether it is taken and settled. It names no message, so it leaves nothing behind in the
/// log; it is not counted, and what was kept of it is removed.
pub async fn test(app: &App, by: Actor<'_>, base: &str) -> Result<Tested, HookError> {
    let began = app.clock.now();
    let mark = test_mark(app, by.project)?;
    let url = format!("{base}{}?test={mark}", path(app, by.project).await?);
    let body = json!({ "MsgType": 2, "Data": [], "ConsoleTest": Uuid::new_v4() }).to_string();
    let key = SecretString::from("test");
    let posted = app.outbound.post(&url, &key, began.unix_timestamp(), body.clone()).await;
    let tested = match posted {
        Ok(()) => follow(app, by.project, body.as_bytes(), began).await?,
        Err(OutboundError::Answer(status, _)) => Tested::Answered(status),
        Err(error) => Tested::Unreachable(error.to_string()),
    };
    let mut tx = app.db.begin().await?;
    record(app, &mut tx, by, "hook_tested", json!({ "went": format!("{tested:?}") })).await?;
    tx.commit().await?;
    Ok(tested)
}

/// Waits until a test push is settled, and removes it.
async fn follow(
    app: &App,
    project: ProjectId,
    body: &[u8],
    began: time::OffsetDateTime,
) -> sqlx::Result<Tested> {
    let taken = app.clock.now();
    // Ids are times of whoever kept it: another process may have another clock.
    let from = began - Duration::minutes(1);
    let until = std::time::Instant::now() + SETTLES_WITHIN.unsigned_abs();
    let mut found = None;
    while std::time::Instant::now() < until {
        found = push_url::find_push(&app.db, project, body, from).await?;
        match found {
            None => break,
            Some((id, Some(_))) => {
                push_url::remove_push(&app.db, id).await?;
                let millis =
                    |period: Duration| i64::try_from(period.whole_milliseconds()).unwrap_or(0);
                let settled = millis(app.clock.now() - began);
                return Ok(Tested::Settled { taken: millis(taken - began), settled });
            }
            Some((_, None)) => tokio::time::sleep(LOOK).await,
        }
    }
    match found {
        Some((id, _)) => {
            push_url::remove_push(&app.db, id).await?;
            Ok(Tested::NotSettled)
        }
        None => Ok(Tested::Elsewhere),
    }
}

/// What marks a push as a test of ours: nobody without the installation's key can make it.
fn test_mark(app: &App, project: ProjectId) -> Result<String, CannotOpen> {
    let words = format!("{} {project}", app.clock.now().unix_timestamp());
    app.keyring.seal(&SecretString::from(words)).map(hex::encode)
}

/// Whether `mark` marks a test push of `project` that was made a moment ago.
pub fn is_test(app: &App, project: ProjectId, mark: &str) -> bool {
    let opened = hex::decode(mark).ok().and_then(|sealed| app.keyring.open(&sealed).ok());
    let now = app.clock.now().unix_timestamp();
    opened.is_some_and(|words| {
        words.expose_secret().split_once(' ').is_some_and(|(at, of)| {
            let recent = at.parse().is_ok_and(|at: i64| (now - at).abs() <= TEST_VALID);
            recent && of == project.to_string()
        })
    })
}
