//! Importing phones to suppress from a file: at once if all of it is understood. Otherwise the file
//! waits for a person, who chooses columns, adds the good phones or discards it. The rows that are
//! left can be downloaded for a day.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::json;
use time::Duration;

use super::list_file::{self, Examined, FileProblem, PhoneColumn};
use super::places::Place;
use super::{INSERT_SIZE, Suppress, insert, record};
use crate::app::App;
use crate::db::replies::suppression_imports::{self, NewSuppressionImport, SuppressionImport};
use crate::db::replies::suppressions;
use crate::domain::ids::{ProjectId, SuppressionImportId, UserId, first_number_at};
use crate::domain::limits::{MAX_LIST_WAIT, MAX_OPT_OUT_FILES};
use crate::domain::phone::Phone;
use crate::domain::replies::suppression::{SuppressionReason, SuppressionScope};
use crate::ops::actor::Actor;

/// How long a file is kept.
pub const RETENTION: Duration = Duration::days(1);
/// The most characters of a file name.
const MAX_NAME_LENGTH: usize = 120;

/// Why a file cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Nothing can be read from it.
    #[error(transparent)]
    File(#[from] FileProblem),
    /// So many are read at once, or for this person, that it would wait too long.
    #[error("too many lists are read at once")]
    Busy,
    /// The person has as many files as one may.
    #[error("too many files")]
    TooMany,
    /// It was discarded, or deleted after a day.
    #[error("file no longer exists")]
    Gone,
    /// A person has to choose the columns of the phones first.
    #[error("columns are not chosen")]
    Undecided,
    /// Reading failed.
    #[error("reading failed: {0}")]
    Reading(#[from] tokio::task::JoinError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// An uploaded file of phones to suppress.
#[derive(Debug)]
pub struct Upload<'a> {
    /// The file name on the person's computer.
    pub file_name: &'a str,
    /// The file.
    pub content: Vec<u8>,
    /// Phones that were typed beside the file.
    pub typed: Vec<Phone>,
    /// Why its phones are suppressed.
    pub reason: SuppressionReason,
    /// What is not sent to them.
    pub scope: SuppressionScope,
    /// A note that is stored with them; if it is empty, the name of the file is.
    pub note: &'a str,
}

/// How many phones were added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    /// Phones that were not suppressed before.
    pub added: u64,
    /// Phones that were.
    pub already: u64,
    /// Phones that were in the file again.
    pub duplicates: u64,
}

/// The result of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uploaded {
    /// Everything was understood and added.
    Added(Added),
    /// Nothing was added: the file waits for a person.
    Waits(SuppressionImportId),
}

/// The result of adding the good phones of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Import {
    /// They were added. The file is gone if no row is left.
    Added(Added, Rest),
    /// They were added before; nothing was added again.
    Already,
}

/// What is left of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Nothing.
    None,
    /// Rows that can be downloaded.
    Rows,
}

/// Imports a file if every row is understood, or stores it for a person to decide.
///
/// # Errors
///
/// [`ImportError::File`] if nothing can be read from it, [`ImportError::TooMany`] if it would have to
/// wait and the person has too many that do.
pub async fn upload(
    app: &App,
    actor: Actor<'_>,
    upload: Upload<'_>,
) -> Result<Uploaded, ImportError> {
    let _place = Place::take(actor.user).ok_or(ImportError::Busy)?;
    let content = Arc::new(upload.content);
    let examined = examine(app, content.clone(), Vec::new()).await?;
    let file_name = clean_name(upload.file_name);
    // Without a note, the entries say which file they are from.
    let note = if upload.note.is_empty() { &file_name } else { upload.note };
    if examined.is_certain() {
        let found = Found::new(examined, upload.typed);
        let how = Suppress { reason: upload.reason, scope: upload.scope, note };
        let source = Source { file_name: &file_name, how };
        let mut tx = app.db.begin().await?;
        let added = add(&mut tx, app, actor, &found, &source).await?;
        tx.commit().await?;
        return Ok(Uploaded::Added(added));
    }
    let typed: Vec<String> = upload.typed.iter().map(|phone| phone.as_str().to_owned()).collect();
    let import = NewSuppressionImport {
        project: actor.project,
        by: actor.user,
        file_name: &file_name,
        content: &content,
        typed: &typed,
        reason: upload.reason,
        scope: upload.scope,
        note,
    };
    let mut tx = app.db.begin().await?;
    let kept = suppression_imports::lock(&mut tx, actor.project, actor.user).await?;
    if kept >= MAX_OPT_OUT_FILES {
        return Err(ImportError::TooMany);
    }
    let id = suppression_imports::insert(&mut tx, &import, app.clock.now()).await?;
    tx.commit().await?;
    Ok(Uploaded::Waits(id))
}

/// Returns what a file that waits has, read from the chosen columns, and how many of its good phones
/// are suppressed already.
///
/// # Errors
///
/// [`ImportError::Gone`] if it was deleted.
pub async fn look(
    app: &App,
    project: ProjectId,
    person: UserId,
    import: &SuppressionImport,
    chosen: &[PhoneColumn],
) -> Result<(Examined, i64), ImportError> {
    let _place = Place::take(person).ok_or(ImportError::Busy)?;
    let content = suppression_imports::content(&app.db, project, import.id).await?;
    let mut examined =
        examine(app, Arc::new(content.ok_or(ImportError::Gone)?), chosen.to_vec()).await?;
    let Some(reading) = &mut examined.reading else { return Ok((examined, 0)) };
    let typed = import.typed.iter().filter_map(|phone| Phone::parse(phone).ok());
    reading.duplicates += join(&mut reading.phones, typed);
    let mut known = 0;
    for chunk in reading.phones.chunks(INSERT_SIZE) {
        let chunk: Vec<&str> = chunk.iter().map(Phone::as_str).collect();
        known += suppressions::count_known(&app.db, project, &chunk, import.scope).await?;
    }
    Ok((examined, known))
}

/// Adds the good phones of a file that waits, once.
///
/// # Errors
///
/// [`ImportError::Gone`] if it was deleted, [`ImportError::Undecided`] if it is not certain which
/// columns have the phones.
pub async fn add_good(
    app: &App,
    actor: Actor<'_>,
    id: SuppressionImportId,
    chosen: &[PhoneColumn],
) -> Result<Import, ImportError> {
    let import = suppression_imports::find(&app.db, actor.project, id).await?;
    let import = import.ok_or(ImportError::Gone)?;
    if import.added_at.is_some() {
        return Ok(Import::Already);
    }
    let _place = Place::take(actor.user).ok_or(ImportError::Busy)?;
    let content = suppression_imports::content(&app.db, actor.project, id).await?;
    let examined =
        examine(app, Arc::new(content.ok_or(ImportError::Gone)?), chosen.to_vec()).await?;
    if examined.reading.is_none() {
        return Err(ImportError::Undecided);
    }
    let columns: Vec<String> = chosen.iter().map(ToString::to_string).collect();
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if !suppression_imports::begin_adding(&mut tx, actor.project, id, &columns, now).await? {
        return Ok(Import::Already);
    }
    let rest = if examined.is_certain() { Rest::None } else { Rest::Rows };
    let typed = import.typed.iter().filter_map(|phone| Phone::parse(phone).ok()).collect();
    let found = Found::new(examined, typed);
    let how = Suppress { reason: import.reason, scope: import.scope, note: &import.note };
    let source = Source { file_name: &import.file_name, how };
    let added = add(&mut tx, app, actor, &found, &source).await?;
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    match rest {
        Rest::None => drop(suppression_imports::delete(&mut tx, actor.project, id).await?),
        Rest::Rows => {
            let (added, already) = (count(added.added), count(added.already));
            suppression_imports::record_added(&mut tx, id, added, already).await?;
        }
    }
    tx.commit().await?;
    Ok(Import::Added(added, rest))
}

/// Deletes a file. Returns false if there was none.
pub async fn discard(app: &App, actor: Actor<'_>, id: SuppressionImportId) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    let deleted = suppression_imports::delete(&mut tx, actor.project, id).await?;
    tx.commit().await?;
    Ok(deleted)
}

/// Deletes files that were uploaded more than a day ago. Returns how many.
pub async fn delete_old(app: &App) -> sqlx::Result<u64> {
    suppression_imports::delete_old(&app.db, first_number_at(app.clock.now() - RETENTION)).await
}

/// Reads a file as soon as there is room for it, and as long as somebody waits for it.
async fn examine(
    app: &App,
    content: Arc<Vec<u8>>,
    chosen: Vec<PhoneColumn>,
) -> Result<Examined, ImportError> {
    let max_rows = app.uploads.rows;
    let room = tokio::time::timeout(MAX_LIST_WAIT, list_file::room_for(&content));
    let process = room.await.map_err(|_| ImportError::Busy)?;
    let _stop_reading = process.stop_on_drop();
    let examine = move || list_file::examine(content, process, &chosen, max_rows);
    let reading = tokio::task::spawn_blocking(examine);
    Ok(reading.await??)
}

/// Good phones, typed ones included, and what else was in the file.
struct Found {
    phones: Vec<Phone>,
    duplicates: u64,
    wrong: u64,
}

impl Found {
    fn new(examined: Examined, typed: Vec<Phone>) -> Self {
        let reading = examined.reading.unwrap_or_default();
        let mut phones = reading.phones;
        let duplicates = reading.duplicates + join(&mut phones, typed);
        Self { phones, duplicates, wrong: reading.wrong_count }
    }
}

/// Adds phones to a list. Returns how many were on it already.
fn join(phones: &mut Vec<Phone>, more: impl IntoIterator<Item = Phone>) -> u64 {
    let mut more = more.into_iter().peekable();
    if more.peek().is_none() {
        return 0;
    }
    let mut seen: HashSet<Phone> = phones.iter().cloned().collect();
    let mut again = 0;
    for phone in more {
        if seen.insert(phone.clone()) {
            phones.push(phone);
        } else {
            again += 1;
        }
    }
    again
}

/// Where phones are from.
struct Source<'a> {
    file_name: &'a str,
    how: Suppress<'a>,
}

async fn add(
    db: &mut sqlx::PgConnection,
    app: &App,
    actor: Actor<'_>,
    found: &Found,
    source: &Source<'_>,
) -> sqlx::Result<Added> {
    let added = insert(db, app, actor, &found.phones, source.how).await?;
    let already = (found.phones.len() as u64).saturating_sub(added);
    let detail = json!({
        "phones": added,
        "reason": source.how.reason.key(),
        "scope": source.how.scope.key(),
        "note": source.how.note,
        "file": source.file_name,
        "already": already,
        "duplicates": found.duplicates,
        "rejected_rows": found.wrong,
    });
    record(db, actor, "suppressions_added", "", detail, app).await?;
    Ok(Added { added, already, duplicates: found.duplicates })
}

/// Returns the last part of a path without control characters.
fn clean_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String =
        name.chars().filter(|letter| !letter.is_control()).take(MAX_NAME_LENGTH).collect();
    if name.is_empty() { "file".to_owned() } else { name }
}
