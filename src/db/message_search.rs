//! The log: every message of a project, its own and those of other programs, newest first.
//!
//! However many messages there are, a page reads few rows. Each question has one driving index
//! that yields candidates in the order of their ids; what it does not answer is looked up for one
//! candidate after another until the page is full. When few candidates fit, that ends after a
//! bounded number of them, and the page says how far it came. SQL is put together here and nowhere
//! else; whatever a person typed is bound.

mod filter;
mod keys;
mod plan;
mod remembered;
mod rows;
mod table;
mod window;

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use remembered::Remembered;
pub use rows::{ExternalMessage, FoundMessage};
use rows::{Found, Shared};

use crate::domain::ids::{BatchId, MessageId, ProjectId, SignatureId, TemplateId};
use crate::domain::message::MessageState;
use crate::domain::receipt_codes::Category;
use plan::Plan;
use window::{Start, Window};

/// Phones that are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phones {
    /// This one, in the vendor's spelling.
    Whole(String),
    /// All that end in these four digits.
    LastFour(String),
}

/// Which messages are wanted. What is not set is not asked.
#[derive(Debug, Clone, Default)]
pub struct MessageQuery {
    /// To these phones.
    pub phone: Option<Phones>,
    /// Of this session number.
    pub session: Option<String>,
    /// Of this batch.
    pub batch: Option<BatchId>,
    /// Made from this template.
    pub template: Option<TemplateId>,
    /// Under this signature.
    pub signature: Option<SignatureId>,
    /// In this state.
    pub state: Option<MessageState>,
    /// With this code of a receipt or a refusal, in any case.
    pub code: Option<String>,
    /// With a code that stands for this cause.
    pub cause: Option<Category>,
    /// Ordered, or heard of, at this time or later.
    pub since: Option<OffsetDateTime>,
    /// Ordered, or heard of, before this time.
    pub until: Option<OffsetDateTime>,
    /// With these words in a value or in the template's text, in any case.
    pub text: Option<String>,
}

/// What follows behind a page, further in the direction in which it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    End,
    /// More of them, behind this id.
    After(MessageId),
    /// The page is not full, but so many candidates were looked at that it ends here. More may
    /// follow behind this id.
    LookFurther(MessageId),
}

impl Next {
    /// Where the next page begins.
    pub fn after(self) -> Option<MessageId> {
        match self {
            Self::End => None,
            Self::After(id) | Self::LookFurther(id) => Some(id),
        }
    }
}

/// A page of the log.
#[derive(Debug)]
pub struct Page {
    /// The messages, newest first.
    pub messages: Vec<FoundMessage>,
    /// What follows.
    pub next: Next,
}

/// Connections that read the log. How many rows a range of ids holds is not known when a statement is
/// planned once for all of them: where an index has the order, no plan may read all of a large batch
/// and sort it for one page.
#[derive(Debug, Clone)]
pub struct Reader {
    db: PgPool,
    known: Arc<Known>,
}

/// What pages ask for again and again.
#[derive(Debug)]
struct Known {
    used: Remembered<ProjectId, Arc<RecentlyUsed>>,
    /// Where the piece before that of the present begins.
    lately: Remembered<(), i64>,
    shared: Shared,
}

/// What was used of late is asked again after so long.
const USED_AGAIN: Duration = Duration::from_secs(3);
/// Where the last month but one begins is asked again after so long.
const LATELY_AGAIN: Duration = Duration::from_secs(60);

impl Reader {
    /// A reader of the same database over a pool of its own.
    pub fn new(db: &PgPool, pool: PgPoolOptions) -> Self {
        let options = db.connect_options().as_ref().clone().options([
            ("enable_sort", "off"),
            ("enable_bitmapscan", "off"),
            ("jit", "off"),
        ]);
        let known = Known {
            used: Remembered::lasting(USED_AGAIN),
            lately: Remembered::lasting(LATELY_AGAIN),
            shared: Shared::default(),
        };
        Self { db: pool.connect_lazy_with(options), known: Arc::new(known) }
    }

    /// Its connections.
    pub fn pool(&self) -> &PgPool {
        &self.db
    }

    /// What the project used of late, as it was some seconds ago at most.
    pub async fn recently_used(&self, project: ProjectId) -> sqlx::Result<Arc<RecentlyUsed>> {
        if let Some(used) = self.known.used.get(&project) {
            return Ok(used);
        }
        let used = Arc::new(recently_used(&self.db, project).await?);
        self.known.used.keep(project, used.clone());
        Ok(used)
    }

    /// Where the piece before that of the present begins.
    async fn lately(&self, db: &mut PgConnection) -> sqlx::Result<i64> {
        if let Some(from) = self.known.lately.get(&()) {
            return Ok(from);
        }
        let from = super::partitions::lately(db).await?;
        self.known.lately.keep((), from);
        Ok(from)
    }

    /// One message of the project, own or another program's.
    pub async fn find(
        &self,
        project: ProjectId,
        id: MessageId,
    ) -> sqlx::Result<Option<FoundMessage>> {
        let mut db = self.db.acquire().await?;
        let found = rows::find_one(&mut db, project, id).await?;
        let found = self.known.shared.complete(&mut db, found.as_slice()).await?;
        Ok(found.into_iter().next())
    }

    /// The messages of `project` that are wanted, newest first, at most `limit`, behind `after`.
    pub async fn page(
        &self,
        project: ProjectId,
        wanted: &MessageQuery,
        after: Option<MessageId>,
        limit: usize,
    ) -> sqlx::Result<Page> {
        let start = after.map_or(Start::Newest, Start::Below);
        self.read(project, wanted, Window::of(wanted, start), limit).await
    }

    /// The ones before that page: at most `limit` of those that are newer than `before` and closest to
    /// it, newest first. What follows is newer.
    pub async fn page_before(
        &self,
        project: ProjectId,
        wanted: &MessageQuery,
        before: MessageId,
        limit: usize,
    ) -> sqlx::Result<Page> {
        self.read(project, wanted, Window::of(wanted, Start::Above(before)), limit).await
    }

    /// Where many fit, a page is full with what lies near its beginning, and other months are not even
    /// opened.
    async fn read(
        &self,
        project: ProjectId,
        wanted: &MessageQuery,
        window: Window,
        limit: usize,
    ) -> sqlx::Result<Page> {
        let mut db = self.db.acquire().await?;
        let mut seen = None;
        if wanted.is_broad() {
            let near = window.near(self.lately(&mut db).await?);
            let looked = look(&mut db, project, wanted, near, limit).await?;
            seen = Some(looked).filter(|(found, _)| near == window || found.len() == limit);
        }
        let (mut found, edge) = match seen {
            Some(seen) => seen,
            None => look(&mut db, project, wanted, window, limit).await?,
        };
        let next = match (found.last(), edge) {
            (Some(last), _) if found.len() == limit => Next::After(MessageId(last.id)),
            (_, Some(edge)) => Next::LookFurther(MessageId(edge)),
            (_, None) => Next::End,
        };
        if !window.is_downward() {
            found.reverse();
        }
        Ok(Page { messages: self.known.shared.complete(&mut db, &found).await?, next })
    }
}

/// The messages of a page in the order in which `span` is gone through, and how far was looked, if
/// not through all of it.
///
/// The project's own are asked for first. Another program's message that turns out to be ours in
/// between is then seen on one side at most: it is gone from the other.
async fn look(
    db: &mut PgConnection,
    project: ProjectId,
    wanted: &MessageQuery,
    window: Window,
    limit: usize,
) -> sqlx::Result<(Vec<Found>, Option<i64>)> {
    let (mut all, mut edge) = (Vec::new(), None);
    for plan in Plan::all(&mut *db, project, wanted, window, limit).await? {
        let found = plan.find(&mut *db).await?;
        if found.len() < limit {
            edge = window.nearer(edge, plan.edge(&mut *db).await?);
        }
        all.extend(found);
    }
    // What lies beyond the point up to which everything was looked at waits for the next page:
    // something nearer may still be found beside it.
    let reached = window.as_far_as(edge);
    all.retain(|one| reached.has(one.id));
    all.sort_unstable_by_key(|one| one.id);
    if window.is_downward() {
        all.reverse();
    }
    all.truncate(limit);
    Ok((all, edge))
}

impl MessageQuery {
    /// Whether messages of any time may be many.
    fn is_broad(&self) -> bool {
        self.phone.is_none()
            && self.session.is_none()
            && self.batch.is_none()
            && self.text.is_none()
    }
}

/// Templates and signatures that were used of late, to choose from.
#[derive(Debug, Default)]
pub struct RecentlyUsed {
    /// Templates.
    pub templates: Vec<Named>,
    /// Signatures.
    pub signatures: Vec<Named>,
}

impl RecentlyUsed {
    /// The template with this id of the vendor.
    pub fn template(&self, vendor_id: &str) -> Option<&Named> {
        self.templates.iter().find(|one| one.vendor_id == vendor_id)
    }

    /// The signature with this id of the vendor.
    pub fn signature(&self, vendor_id: &str) -> Option<&Named> {
        self.signatures.iter().find(|one| one.vendor_id == vendor_id)
    }
}

/// Batches that are looked at for what was used of late.
const LATELY: i64 = 300;

/// What the newest batches of the project were made of, by name.
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
        LATELY,
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

/// A template or signature by the vendor's id, by ours, or by a signature's content: our id, the
/// vendor's and its name.
#[derive(Debug, Clone)]
pub struct Named {
    /// Our id.
    pub id: i64,
    /// The vendor's id.
    pub vendor_id: String,
    /// Its name or content.
    pub name: String,
}

/// The template that is called so.
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

/// The signature that is called so.
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
