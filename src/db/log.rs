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
mod rows;
mod span;

use std::collections::BTreeMap;

use sqlx::PgPool;
use time::OffsetDateTime;

use rows::rows;
pub use rows::{Foreign, Logged};

use crate::domain::ids::{BatchId, MessageId, ProjectId, SignatureId, TemplateId};
use crate::domain::message::MessageState;
use crate::domain::receipt_codes::Category;
use plan::Plan;
use span::{Span, Start};

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
pub struct Wanted {
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
    pub messages: Vec<Logged>,
    /// What follows.
    pub next: Next,
}

/// How many rows a range of ids holds is not known when a statement is planned once for all of them.
/// Where an index has the order, no plan may read all of a large batch and sort it for one page. The
/// snapshot is one: a receipt that turns out to be ours is not seen on both sides.
const READ_IN_ORDER: &str = "set transaction isolation level repeatable read, read only;
    set local enable_sort = off; set local enable_bitmapscan = off; set local jit = off";

/// The messages of `project` that are wanted, newest first, at most `limit`, behind `after`.
pub async fn page(
    db: &PgPool,
    project: ProjectId,
    wanted: &Wanted,
    after: Option<MessageId>,
    limit: usize,
) -> sqlx::Result<Page> {
    let start = after.map_or(Start::Newest, Start::Below);
    read(db, project, wanted, Span::of(wanted, start), limit).await
}

/// The ones before that page: at most `limit` of those that are newer than `before` and closest to
/// it, newest first. What follows is newer.
pub async fn page_before(
    db: &PgPool,
    project: ProjectId,
    wanted: &Wanted,
    before: MessageId,
    limit: usize,
) -> sqlx::Result<Page> {
    read(db, project, wanted, Span::of(wanted, Start::Above(before)), limit).await
}

async fn read(
    db: &PgPool,
    project: ProjectId,
    wanted: &Wanted,
    span: Span,
    limit: usize,
) -> sqlx::Result<Page> {
    let mut tx = db.begin().await?;
    sqlx::raw_sql(READ_IN_ORDER).execute(&mut *tx).await?;
    let (mut found, mut edge) = (BTreeMap::new(), None);
    for plan in Plan::all(&mut tx, project, wanted, span, limit).await? {
        let ids = plan.ids(&mut tx).await?;
        if ids.len() < limit {
            edge = span.nearer(edge, plan.edge(&mut tx).await?);
        }
        found.extend(ids.into_iter().map(|id| (id, plan.is_own())));
    }
    // What lies beyond the point up to which everything was looked at waits for the next page:
    // something nearer may still be found beside it.
    let reached = span.as_far_as(edge);
    let mut found: Vec<(i64, bool)> =
        found.into_iter().filter(|(id, _)| reached.has(*id)).collect();
    if span.is_downward() {
        found.reverse();
    }
    found.truncate(limit);
    let next = match (found.last(), edge) {
        (Some((last, _)), _) if found.len() == limit => Next::After(MessageId(*last)),
        (_, Some(edge)) => Next::LookFurther(MessageId(edge)),
        (_, None) => Next::End,
    };
    if !span.is_downward() {
        found.reverse();
    }
    let messages = rows(&mut tx, project, &found).await?;
    tx.commit().await?;
    Ok(Page { messages, next })
}

/// One message of the project, own or another program's.
pub async fn find(db: &PgPool, project: ProjectId, id: MessageId) -> sqlx::Result<Option<Logged>> {
    let mut db = db.acquire().await?;
    let either = rows(&mut db, project, &[(id.0, true), (id.0, false)]).await?;
    Ok(either.into_iter().next())
}

/// Templates and signatures that were used of late, to choose from: id of the vendor and name.
#[derive(Debug, Default)]
pub struct UsedLately {
    /// Templates.
    pub templates: Vec<(String, String)>,
    /// Signatures.
    pub signatures: Vec<(String, String)>,
}

/// Batches that are looked at for what was used of late.
const LATELY: i64 = 300;

/// What the newest batches of the project were made of, by name.
pub async fn used_lately(db: &PgPool, project: ProjectId) -> sqlx::Result<UsedLately> {
    let rows = sqlx::query!(
        r#"with lately as materialized (
             select template_id, signature_id from batches
             where project_id = $1 order by id desc limit $2
           )
           select true as "template!", template_id as "id!", name as "name!"
           from sms_templates where id in (select template_id from lately)
           union all
           select false, sig_id, content
           from signatures where id in (select signature_id from lately)
           order by 3"#,
        project.0,
        LATELY,
    )
    .fetch_all(db)
    .await?;
    let mut used = UsedLately::default();
    for row in rows {
        let list = if row.template { &mut used.templates } else { &mut used.signatures };
        list.push((row.id, row.name));
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
