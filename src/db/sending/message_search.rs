//! Message search: every message of a project, its own and external ones, newest first.
//!
//! However many messages there are, a page reads few rows. For each query one driving index yields
//! candidates in the order of their ids. Filters that the index does not cover are checked by
//! looking up rows for one candidate after another until the page is full. If few candidates match,
//! that stops after a bounded number of them, and the page reports how far it got.
//!
//! This is the only place that composes SQL; whatever a person typed is bound.

mod filter;
mod keys;
mod phones;
mod plan;
mod remembered;
mod rows;
mod sent;
mod table;
mod values;
mod window;

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

pub use phones::Phones;
use remembered::Remembered;
pub use rows::{ExternalMessage, FoundMessage};
use rows::{Found, Shared};
pub use values::SearchedValues;

use crate::domain::ids::{BatchId, MessageId, ProjectId, SignatureId, TemplateId};
use crate::domain::limits::{EXPORT_TIMEOUT, LIST_TIMEOUT};
use crate::domain::receipt_codes::Category;
use crate::domain::sending::message::MessageState;
use plan::Plan;
use sent::SentRange;
use window::{Start, Window};

/// Who sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The console.
    Own,
    /// Another program of the account.
    Other,
}

impl Source {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Own, Self::Other];

    /// Returns the name used in URLs, files and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Other => "other",
        }
    }
}

/// The filters of a message search. Unset filters match everything.
#[derive(Debug, Clone, Default)]
pub struct MessageQuery {
    /// Messages to these phones.
    pub phone: Option<Phones>,
    /// Messages of this session number.
    pub session: Option<String>,
    /// Messages of this batch.
    pub batch: Option<BatchId>,
    /// Messages made from this template.
    pub template: Option<TemplateId>,
    /// Messages with this signature.
    pub signature: Option<SignatureId>,
    /// Messages in this state.
    pub state: Option<MessageState>,
    /// Messages with this receipt code or RetCode, in upper or lower case.
    pub code: Option<String>,
    /// Messages with a code of this cause.
    pub cause: Option<Category>,
    /// Messages that were ordered, or first reported if external, at this time or later.
    pub since: Option<OffsetDateTime>,
    /// Messages that were ordered, or first reported if external, before this time.
    pub until: Option<OffsetDateTime>,
    /// Messages whose call left, or whose receipt is of this time if they are external, at this time or
    /// later: the time by which statistics count them.
    pub sent_since: Option<OffsetDateTime>,
    /// Messages whose call left, or whose receipt is of this time if they are external, before this
    /// time.
    pub sent_until: Option<OffsetDateTime>,
    /// Messages of this source.
    pub source: Option<Source>,
    /// Messages with this text in a value or in their template, in upper or lower case.
    pub text: Option<String>,
    /// The values in which the text is searched.
    pub values: SearchedValues,
}

/// What follows a page, in the direction in which it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    End,
    /// More messages, after this id.
    After(MessageId),
    /// The search stopped after a bounded number of candidates, before the page was full. More
    /// messages may follow after this id.
    LookFurther(MessageId),
}

impl Next {
    /// Returns where the next page begins.
    pub fn after(self) -> Option<MessageId> {
        match self {
            Self::End => None,
            Self::After(id) | Self::LookFurther(id) => Some(id),
        }
    }
}

/// A page of found messages.
#[derive(Debug)]
pub struct Page {
    /// The messages, newest first.
    pub messages: Vec<FoundMessage>,
    /// What follows the page.
    pub next: Next,
}

/// A connection pool for searches.
///
/// Statements are planned once for all ranges of ids, when the number of rows in a range is not
/// known. Sorting is disabled on these connections, so that wherever an index has the order, no
/// plan reads all of a large batch and sorts it for one page.
#[derive(Debug, Clone)]
pub struct MessageSearch {
    db: PgPool,
    /// The same with time for the many rows that are fetched for a file.
    patient: PgPool,
    caches: Arc<Caches>,
}

/// What pages read again and again.
#[derive(Debug)]
struct Caches {
    recently_used: Remembered<ProjectId, Arc<RecentlyUsed>>,
    /// The first id of the partition before the present one.
    previous_partition: Remembered<(), i64>,
    shared: Shared,
}

/// How long recently used templates and signatures are cached.
const RECENTLY_USED_TTL: Duration = Duration::from_secs(3);
/// How long the first id of the previous partition is cached.
const PREVIOUS_PARTITION_TTL: Duration = Duration::from_secs(60);

impl MessageSearch {
    /// Creates a reader with its own pool for the same database.
    pub fn new(db: &PgPool, pool: PgPoolOptions) -> Self {
        let options = db.connect_options().as_ref().clone().options([
            ("enable_sort", "off"),
            ("enable_bitmapscan", "off"),
            ("jit", "off"),
        ]);
        let within = |limit: time::Duration| {
            let limit = limit.whole_milliseconds().to_string();
            pool.clone().connect_lazy_with(options.clone().options([("statement_timeout", limit)]))
        };
        let caches = Caches {
            recently_used: Remembered::new(RECENTLY_USED_TTL),
            previous_partition: Remembered::new(PREVIOUS_PARTITION_TTL),
            shared: Shared::default(),
        };
        Self { db: within(LIST_TIMEOUT), patient: within(EXPORT_TIMEOUT), caches: Arc::new(caches) }
    }

    /// Returns a search for files, whose statements may run for longer.
    pub fn patient(&self) -> Self {
        Self { db: self.patient.clone(), ..self.clone() }
    }

    /// Closes its connections.
    pub async fn close(&self) {
        self.db.close().await;
        self.patient.close().await;
    }

    /// Returns its connection pool.
    pub fn pool(&self) -> &PgPool {
        &self.db
    }

    /// Returns what the project used recently, at most some seconds old.
    pub async fn recently_used(&self, project: ProjectId) -> sqlx::Result<Arc<RecentlyUsed>> {
        if let Some(recently_used) = self.caches.recently_used.get(&project) {
            return Ok(recently_used);
        }
        let recently_used = Arc::new(recently_used(&self.db, project).await?);
        self.caches.recently_used.insert(project, recently_used.clone());
        Ok(recently_used)
    }

    /// Returns the first id of the partition before the present one.
    async fn previous_partition(&self, db: &mut PgConnection) -> sqlx::Result<i64> {
        if let Some(from) = self.caches.previous_partition.get(&()) {
            return Ok(from);
        }
        let from = crate::db::retention::partitions::previous_from(db).await?;
        self.caches.previous_partition.insert((), from);
        Ok(from)
    }

    /// Returns a message of the project, its own or an external one.
    pub async fn find(
        &self,
        project: ProjectId,
        id: MessageId,
    ) -> sqlx::Result<Option<FoundMessage>> {
        let mut db = self.db.acquire().await?;
        let found = rows::find_one(&mut db, project, id).await?;
        let found = self.caches.shared.complete(&mut db, found.as_slice()).await?;
        Ok(found.into_iter().next())
    }

    /// Returns at most `limit` messages of `project` that match the query, after `after`, newest
    /// first.
    pub async fn page(
        &self,
        project: ProjectId,
        query: &MessageQuery,
        after: Option<MessageId>,
        limit: usize,
    ) -> sqlx::Result<Page> {
        let start = after.map_or(Start::Newest, Start::Below);
        self.read(project, query, Window::of(query, start), limit).await
    }

    /// Returns the preceding page: at most `limit` messages that are newer than `before` and
    /// closest to it, newest first. What follows the page is newer.
    pub async fn page_before(
        &self,
        project: ProjectId,
        query: &MessageQuery,
        before: MessageId,
        limit: usize,
    ) -> sqlx::Result<Page> {
        self.read(project, query, Window::of(query, Start::Above(before)), limit).await
    }

    /// Reads a page. If a query matches many messages, the page can usually be filled from near its
    /// beginning, without opening the partitions of other months.
    async fn read(
        &self,
        project: ProjectId,
        query: &MessageQuery,
        window: Window,
        limit: usize,
    ) -> sqlx::Result<Page> {
        let mut db = self.db.acquire().await?;
        let mut result = None;
        if query.is_broad() {
            let may_match = SentRange::of(query).map_or((0, i64::MAX), SentRange::ids);
            let near = window.near(may_match, self.previous_partition(&mut db).await?);
            let near_result = search(&mut db, project, query, near, limit).await?;
            result = Some(near_result).filter(|(found, _)| near == window || found.len() == limit);
        }
        let (mut found, edge) = match result {
            Some(result) => result,
            None => search(&mut db, project, query, window, limit).await?,
        };
        let next = match (found.last(), edge) {
            (Some(last), _) if found.len() == limit => Next::After(MessageId(last.id)),
            (_, Some(edge)) => Next::LookFurther(MessageId(edge)),
            (_, None) => Next::End,
        };
        if !window.is_downward() {
            found.reverse();
        }
        Ok(Page { messages: self.caches.shared.complete(&mut db, &found).await?, next })
    }
}

/// Returns the messages of a page in the direction of `window`, and how far the search got if it
/// did not cover all of it.
///
/// The project's own messages are read first. An external message that turns out to be one of ours
/// in between is then seen at most once, since it is no longer among the external ones.
async fn search(
    db: &mut PgConnection,
    project: ProjectId,
    query: &MessageQuery,
    window: Window,
    limit: usize,
) -> sqlx::Result<(Vec<Found>, Option<i64>)> {
    let (mut messages, mut edge) = (Vec::new(), None);
    for plan in Plan::all(&mut *db, project, query, window, limit).await? {
        let found = plan.find(&mut *db).await?;
        if found.len() < limit {
            edge = window.nearer(edge, plan.edge(&mut *db).await?);
        }
        messages.extend(found);
    }
    // Messages beyond the point that all plans have reached wait for the next page: something
    // nearer may still be found.
    let reached = window.as_far_as(edge);
    messages.retain(|found| reached.has(found.id));
    messages.sort_unstable_by_key(|found| found.id);
    if window.is_downward() {
        messages.reverse();
    }
    messages.truncate(limit);
    Ok((messages, edge))
}

impl MessageQuery {
    /// Returns whether the query may match many messages of any time.
    fn is_broad(&self) -> bool {
        self.phone.is_none()
            && self.session.is_none()
            && self.batch.is_none()
            && self.text.is_none()
    }
}

/// Recently used templates and signatures, for filters to choose from.
#[derive(Debug, Default)]
pub struct RecentlyUsed {
    /// The templates.
    pub templates: Vec<Named>,
    /// The signatures.
    pub signatures: Vec<Named>,
}

impl RecentlyUsed {
    /// Returns the template with the vendor's id.
    pub fn template(&self, vendor_id: &str) -> Option<&Named> {
        self.templates.iter().find(|template| template.vendor_id == vendor_id)
    }

    /// Returns the signature with the vendor's id.
    pub fn signature(&self, vendor_id: &str) -> Option<&Named> {
        self.signatures.iter().find(|signature| signature.vendor_id == vendor_id)
    }
}

/// The number of newest batches considered as recent.
const RECENT_BATCHES: i64 = 300;

/// Returns the templates and signatures of the project's newest batches, by name.
async fn recently_used(db: &PgPool, project: ProjectId) -> sqlx::Result<RecentlyUsed> {
    let rows = sqlx::query!(
        r#"with lately as materialized (
             select template_id, signature_id from batches
             where project_id = $1 order by id desc limit $2
           )
           select true as "template!", id as "id!", template_id as "vendor_id!", name as "name!"
           from sms_templates where id in (select template_id from lately)
           union all
           select false, id, sig_id, content
           from signatures where id in (select signature_id from lately)
           order by 4"#,
        project.0,
        RECENT_BATCHES,
    )
    .fetch_all(db)
    .await?;
    let mut used = RecentlyUsed::default();
    for row in rows {
        let list = if row.template { &mut used.templates } else { &mut used.signatures };
        list.push(Named { id: row.id, vendor_id: row.vendor_id, name: row.name });
    }
    Ok(used)
}

/// A template or signature with its ids and name.
#[derive(Debug, Clone)]
pub struct Named {
    /// Our id.
    pub id: i64,
    /// The vendor's id.
    pub vendor_id: String,
    /// The template's name or the signature's content.
    pub name: String,
}

/// Returns a template by the vendor's id or by ours.
pub async fn template(
    db: &PgPool,
    project: ProjectId,
    vendor_id: &str,
    id: Option<TemplateId>,
) -> sqlx::Result<Option<Named>> {
    sqlx::query_as!(
        Named,
        r#"select id, template_id as vendor_id, name from sms_templates
           where project_id = $1 and (template_id = $2 or id = $3) limit 1"#,
        project.0,
        vendor_id,
        id.map(|id| id.0),
    )
    .fetch_optional(db)
    .await
}

/// Returns a signature by the vendor's id, by ours, or by its content.
pub async fn signature(
    db: &PgPool,
    project: ProjectId,
    vendor_id: &str,
    id: Option<SignatureId>,
) -> sqlx::Result<Option<Named>> {
    sqlx::query_as!(
        Named,
        r#"select id, sig_id as vendor_id, content as name from signatures
           where project_id = $1 and (sig_id = $2 or id = $3 or content = $2)
           order by sig_id = $2 desc, id desc limit 1"#,
        project.0,
        vendor_id,
        id.map(|id| id.0),
    )
    .fetch_optional(db)
    .await
}
