//! Repeats: the same template, values and phone twice within [`WINDOW`]. What counts is when the two
//! leave, not when they were ordered, so that scheduled messages count on both sides.

use time::{Duration, OffsetDateTime};

use crate::app::App;
use crate::db::sending::batches::Batch;
use crate::db::sending::repeats::{self, Repeat, Span, TemplateQuery};
use crate::db::sending::resends;
use crate::domain::ids::{BatchId, ProjectId, TemplateId};
use crate::domain::phone::Phone;
use crate::domain::sending::outgoing::Content;

/// Two messages that leave within this time of each other are a repeat, which a person has to
/// confirm.
pub const WINDOW: Duration = Duration::hours(24);

/// Returns when other messages leave that a message repeats. `schedule_at` is when it is to be sent,
/// if not at once.
pub fn span(app: &App, schedule_at: Option<OffsetDateTime>) -> Span {
    let now = app.clock.now();
    let at = schedule_at.map_or(now, |at| at.max(now));
    Span { after: at - WINDOW, before: at + WINDOW, now }
}

/// Returns those of `phones` to which the same text leaves within [`WINDOW`] of `schedule_at`, or of
/// now.
pub async fn of_content(
    app: &App,
    project: ProjectId,
    content: &Content,
    phones: &[Phone],
    schedule_at: Option<OffsetDateTime>,
) -> sqlx::Result<Vec<Repeat>> {
    let phones: Vec<&str> = phones.iter().map(Phone::as_str).collect();
    let template = content.wording().template().id;
    let span = span(app, schedule_at);
    repeats::of_phones(&app.db, project, template, content.params(), &phones, span).await
}

/// Returns how many messages of a batch that has not started would repeat others if it left at `at`,
/// or now. The failed messages of the batches that it sends again do not count.
pub async fn of_batch(
    app: &App,
    project: ProjectId,
    batch: &Batch,
    at: Option<OffsetDateTime>,
) -> sqlx::Result<i64> {
    let mut db = app.db.acquire().await?;
    let sources = resends::sources(&mut db, batch.id).await?;
    let (template, span) = (batch.template_id, span(app, at));
    let query = TemplateQuery { project, template, own: Some(batch.id), sources, span };
    repeats::count_of_batch(&mut db, batch.id, &query).await
}

/// Calls `each` with the phone and values of every message of a template that a batch repeats if it
/// leaves at `schedule_at`, or now. The failed messages of the batches that it sends again, `sources`,
/// are left out.
pub async fn for_each(
    app: &App,
    project: ProjectId,
    template: TemplateId,
    sources: Vec<BatchId>,
    schedule_at: Option<OffsetDateTime>,
    each: impl FnMut(&str, &[String]),
) -> sqlx::Result<()> {
    let span = span(app, schedule_at);
    let query = TemplateQuery { project, template, own: None, sources, span };
    repeats::for_each(&app.db, query, each).await
}
