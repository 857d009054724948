//! Erasing the data of one phone on request (Personal Information Protection Law of the PRC, article 47).
//! Counts stay, since they say nothing about a person. An opt-out stays as a keyed hash, so that it is
//! honoured if the phone comes again.

use std::collections::HashSet;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use sqlx::PgConnection;

use crate::app::App;
use crate::db::audit::{self, Entry};
use crate::db::projects;
use crate::db::retention::erasure::{self, Found};
use crate::domain::ids::ProjectId;
use crate::domain::phone::Phone;
use crate::domain::review::Purpose;
use crate::keyring::{CannotOpen, Secret};
use crate::ops::accounts::Manager;

/// What stands in the place of a phone that was erased, after the code of its country.
const ERASED: &str = "***********";

/// Why a phone could not be erased, or its opt-out not be looked for.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// The key of the hashes cannot be decrypted.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<ErasureError> for sqlx::Error {
    fn from(error: ErasureError) -> Self {
        match error {
            ErasureError::Database(error) => error,
            error @ ErasureError::Sealed(_) => Self::Protocol(error.to_string()),
        }
    }
}

/// Returns what all projects together have of a phone.
pub async fn find(app: &App, phone: &Phone) -> sqlx::Result<Found> {
    let mut sum = Found::default();
    for project in projects::all(&app.db).await? {
        let found = erasure::find(&app.db, project.id, phone.as_str()).await?;
        sum.messages += found.messages;
        sum.waiting += found.waiting;
        sum.external += found.external;
        sum.replies += found.replies;
        sum.opt_outs += found.opt_outs;
        sum.rows += found.rows;
        sum.draft_rows += found.draft_rows;
    }
    Ok(sum)
}

/// Erases a phone in all projects. The audit log has the counts, and not the phone. Returns what was
/// found, of which `waiting` and `draft_rows` are still there.
///
/// # Errors
///
/// [`ErasureError::Sealed`] if an opt-out cannot be kept, since its key cannot be decrypted.
pub async fn erase(app: &App, by: Manager<'_>, phone: &Phone) -> Result<Found, ErasureError> {
    let found = find(app, phone).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    for project in projects::all(&app.db).await? {
        let project = project.id;
        if let Some(scope) = erasure::take_opt_out(&mut tx, project, phone.as_str()).await? {
            let key = key_for(app, &mut tx, project).await?;
            let hash = hash(&key, phone.as_str());
            erasure::insert_opt_out(&mut tx, project, &hash, scope, now).await?;
        }
        erasure::erase(&mut tx, project, phone.as_str(), &erased(phone)).await?;
    }
    let entry = Entry {
        project: None,
        user: by.user,
        action: "phone_erased",
        subject: "",
        detail: json!({
            "messages": found.messages, "external": found.external, "replies": found.replies,
            "opt_outs": found.opt_outs, "rows": found.rows, "waiting": found.waiting,
        }),
        ip: by.ip,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await?;
    Ok(found)
}

fn erased(phone: &Phone) -> String {
    let country = phone.as_str().find(')').map_or("", |end| &phone.as_str()[..=end]);
    format!("{country}{ERASED}")
}

/// Returns the key of a project's hashes, and makes it if there is none.
async fn key_for(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
) -> Result<Vec<u8>, ErasureError> {
    if let Some(sealed) = erasure::lock_key(db, project).await? {
        return Ok(app.keyring.open_bytes(Secret::ErasureKey, project, &sealed)?);
    }
    let key = rand::random::<[u8; 32]>().to_vec();
    let sealed = app.keyring.seal_bytes(Secret::ErasureKey, project, &key)?;
    erasure::set_key(db, project, &sealed).await?;
    Ok(key)
}

#[allow(clippy::expect_used)]
fn hash(key: &[u8], phone: &str) -> Vec<u8> {
    let mut hmac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    hmac.update(phone.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}

/// The opt-outs of phones that were erased.
#[derive(Clone)]
pub struct ErasedOptOuts {
    key: Vec<u8>,
    hashes: HashSet<Vec<u8>>,
}

impl ErasedOptOuts {
    /// Loads those of a project that apply to a purpose; `None` if there are none.
    ///
    /// # Errors
    ///
    /// [`ErasureError::Sealed`] if their key cannot be decrypted: nothing may be sent then.
    pub async fn load(
        app: &App,
        db: &mut PgConnection,
        project: ProjectId,
        purpose: Purpose,
    ) -> Result<Option<Self>, ErasureError> {
        let marketing = purpose == Purpose::Marketing;
        let hashes = erasure::opt_outs(db, project, marketing).await?;
        let sealed = if hashes.is_empty() { None } else { erasure::key(db, project).await? };
        let Some(sealed) = sealed else { return Ok(None) };
        let key = app.keyring.open_bytes(Secret::ErasureKey, project, &sealed)?;
        Ok(Some(Self { key, hashes: hashes.into_iter().collect() }))
    }

    /// Returns whether a phone has opted out.
    pub fn contains(&self, phone: &str) -> bool {
        self.hashes.contains(&hash(&self.key, phone))
    }
}

impl fmt::Debug for ErasedOptOuts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ErasedOptOuts({})", self.hashes.len())
    }
}
