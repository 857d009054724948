//! `/templates`: reviewed texts with variables, where their review is, and their whole story.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::components::{Copy, Drawing};
use super::error::WebError;
use super::layout::{Layout, Section};
use super::member::Member;
use super::moment::Moment;
use super::page;
use super::reviewed::{self, A_PAGE, OpenOne, Standing, Tab, TimelineEntry, Wanted};
use super::send::view::{Piece, parts_of};
use super::signatures::SENT_WITHIN;
use crate::app::App;
use crate::db::reviewed as rows;
use crate::db::reviewed::{Dependent, Row};
use crate::db::sms_templates::{self, SmsTemplate};
use crate::domain::ids::first_number_at;
use crate::domain::review::{Purpose, ReviewStatus, Subject};
use crate::domain::role::Permission;
use crate::domain::sms_template::{Lengths, read_instruction};
use crate::ops::apply::{TemplateChange, template_change};
use crate::ops::order;

pub mod apply;

struct Line {
    standing: Standing,
    changed: Moment,
    copy: Copy,
    sent: i64,
    pieces: Vec<Piece>,
    template: SmsTemplate,
}

#[derive(Template)]
#[template(path = "review/templates.html")]
struct ListPage {
    l: Layout,
    tabs: Vec<Tab>,
    lines: Vec<Line>,
    wanted: Wanted,
    open: Vec<OpenOne>,
    first: Option<String>,
    next: Option<String>,
    /// Something on this page is under review: the page looks again by itself.
    watch: bool,
    may_send: bool,
}

#[derive(Template)]
#[template(path = "review/template.html")]
struct OnePage {
    l: Layout,
    template: SmsTemplate,
    pieces: Vec<Piece>,
    lengths: Lengths,
    meanings: Vec<(usize, String)>,
    standing: Standing,
    changed: Moment,
    checked: Moment,
    sent: i64,
    timeline: Vec<TimelineEntry>,
    dependents: Vec<Dependent>,
    change: TemplateChange,
    can_send: bool,
    may_send: bool,
}

/// The list.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Templates).await?;
    let project = member.project.id;
    let wanted = wanted.into_inner();
    let found = sms_templates::list(&app.db, project, &wanted.filter(), &wanted.purposes()).await?;
    let ids: Vec<i64> = found.iter().map(|one| one.id.0).collect();
    let since = first_number_at(app.clock.now() - SENT_WITHIN);
    let sent = rows::sent_since(&app.db, Subject::Template, &ids, since).await?;
    let address = l.urls.templates();
    let counts = rows::counts(&app.db, project, Subject::Template).await?;
    let last = page::full(&found, A_PAGE).map(|one| (one.changed_at, one.id.0));
    let page = ListPage {
        tabs: reviewed::tabs(&l, &address, &counts, &wanted),
        open: reviewed::open_ones(&app, &member, &l, Subject::Template).await?,
        first: (!wanted.after.is_empty()).then(|| wanted.first(&address)),
        next: wanted.next(&address, last),
        watch: found.iter().any(|one| one.status.is_open() && one.deleted_at.is_none()),
        lines: found
            .into_iter()
            .zip(sent)
            .map(|(one, sent)| Line {
                standing: standing(&l, &one),
                changed: l.moment(one.changed_at),
                copy: l.copy(&one.template_id),
                sent,
                pieces: parts_of(&order::body(&one), &[]),
                template: one,
            })
            .collect(),
        wanted,
        may_send: member.may(Permission::Send),
        l,
    };
    page::ok(&page)
}

fn standing(l: &Layout, one: &SmsTemplate) -> Standing {
    Standing::of(l, one.status, one.missing_since.is_some(), one.deleted_at.is_some())
}

/// One signature of the project.
pub(super) async fn find(
    app: &App,
    member: &Member,
    template_id: &str,
) -> Result<SmsTemplate, WebError> {
    sms_templates::by_template_id(&app.db, member.project.id, template_id)
        .await?
        .ok_or(WebError::NotFound)
}

/// One, with its story.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let template = find(&app, &member, &path.1).await?;
    let l = member.layout(&app, &request, Section::Templates).await?;
    let row = Row::Template(template.id);
    let since = first_number_at(app.clock.now() - SENT_WITHIN);
    let sent = rows::sent_since(&app.db, Subject::Template, &[template.id.0], since).await?;
    let may_send = member.may(Permission::Send);
    let body = order::body(&template);
    let signature = apply::sample_signature(&app, &member, template.international).await?;
    let lengths = Lengths::of(&body, &signature, template.international);
    let page = OnePage {
        standing: standing(&l, &template),
        pieces: parts_of(&body, &[]),
        meanings: (1..)
            .zip(read_instruction(&template.instruction, lengths.variables))
            .filter(|(_, meaning)| !meaning.is_empty())
            .collect(),
        lengths,
        changed: l.moment(template.changed_at),
        checked: l.moment(template.checked_at),
        sent: sent.first().copied().unwrap_or(0),
        timeline: reviewed::timeline(&app, &l, row).await?,
        dependents: rows::dependents(&app.db, row).await?,
        change: if may_send { template_change(&template) } else { TemplateChange::Nothing },
        can_send: may_send
            && template.status == ReviewStatus::Approved
            && template.missing_since.is_none()
            && template.deleted_at.is_none(),
        may_send,
        template,
        l,
    };
    page::ok(&page)
}
