//! `/templates`: the SMS templates, their review status and their timelines.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::destination::Destination;
use super::signatures::SENT_PERIOD;
use crate::app::App;
use crate::db::review::destinations;
use crate::db::review::reviewed as rows;
use crate::db::review::reviewed::{Dependent, Row};
use crate::db::review::sms_templates::{self, SmsTemplate};
use crate::domain::accounts::role::Permission;
use crate::domain::ids::first_number_at;
use crate::domain::review::sms_template::{Lengths, read_instruction};
use crate::domain::review::{Purpose, ReviewStatus, Subject};
use crate::ops::review::apply::{TemplateChange, template_change};
use crate::ops::sending::order;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::pages::review::{self, A_PAGE, ListQuery, Standing, Tab, TimelineEntry};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::Moment;
use crate::web::ui::open_applications::{OpenApplication, open_applications};
use crate::web::ui::segments::{Segment, segments_of};
use crate::web::ui::status::{Copy, Drawing};

pub mod apply;

struct TemplateLine {
    standing: Standing,
    changed: Moment,
    copy: Copy,
    sent: i64,
    segments: Vec<Segment>,
    /// Whether all of it can be changed, not only its name.
    can_change: bool,
    /// Whether nobody has confirmed its destination.
    is_proposed: bool,
    template: SmsTemplate,
}

#[derive(Template)]
#[template(path = "pages/review/sms_templates/list.html")]
struct TemplateListPage {
    l: Layout,
    tabs: Vec<Tab>,
    lines: Vec<TemplateLine>,
    query: ListQuery,
    open: Vec<OpenApplication>,
    first: Option<String>,
    next: Option<String>,
    /// Some row of this page is under review: the page reloads itself.
    watch: bool,
    may_send: bool,
}

#[derive(Template)]
#[template(path = "pages/review/sms_templates/show.html")]
struct TemplatePage {
    l: Layout,
    template: SmsTemplate,
    segments: Vec<Segment>,
    lengths: Lengths,
    destination: Destination,
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

impl TemplatePage {
    /// Returns the end of the text that UCloud may add.
    fn added_opt_out(&self) -> &str {
        order::added_opt_out(&self.template)
    }
}

/// Shows the list.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(&member, &app, &request, Section::Templates).await?;
    let project = member.project.id;
    let query = query.into_inner();
    let found = sms_templates::list(&app.db, project, &query.filter(), &query.purposes()).await?;
    let ids: Vec<i64> = found.iter().map(|template| template.id.0).collect();
    let since = first_number_at(app.clock.now() - SENT_PERIOD);
    let sent = rows::sent_since(&app.db, Subject::Template, &ids, since).await?;
    let proposed = destinations::proposed(&app.db, Subject::Template, &ids).await?;
    let href = l.urls.templates();
    let counts = rows::counts(&app.db, project, Subject::Template).await?;
    let last = page::full(&found, A_PAGE).map(|last| (last.changed_at, last.id.0));
    let page = TemplateListPage {
        tabs: review::tabs(&l, &href, &counts, &query),
        open: open_applications(&app, &member, &l, Subject::Template).await?,
        first: (!query.after.is_empty()).then(|| query.first(&href)),
        next: query.next(&href, last),
        watch: found
            .iter()
            .any(|template| template.status.is_open() && template.deleted_at.is_none()),
        lines: found
            .into_iter()
            .zip(sent)
            .map(|(template, sent)| TemplateLine {
                standing: standing(&l, &template),
                changed: l.moment(template.changed_at),
                copy: l.copy(&template.template_id),
                sent,
                segments: segments_of(&order::text(&template), &[]),
                can_change: template_change(&template) == TemplateChange::All,
                is_proposed: proposed.contains(&template.id.0),
                template,
            })
            .collect(),
        query,
        may_send: member.may(Permission::Send),
        l,
    };
    page::ok(&page)
}

fn standing(l: &Layout, template: &SmsTemplate) -> Standing {
    let (missing, deleted) = (template.missing_since.is_some(), template.deleted_at.is_some());
    Standing::of(l, template.status, missing, deleted)
}

/// Returns an SMS template of the project by the vendor's id.
pub(in crate::web) async fn find(
    app: &App,
    member: &Member,
    template_id: &str,
) -> Result<SmsTemplate, WebError> {
    sms_templates::by_template_id(&app.db, member.project.id, template_id)
        .await?
        .ok_or(WebError::NotFound)
}

/// Shows an SMS template with its timeline.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let template = find(&app, &member, &path.1).await?;
    let l = Layout::in_project(&member, &app, &request, Section::Templates).await?;
    let row = Row::Template(template.id);
    let since = first_number_at(app.clock.now() - SENT_PERIOD);
    let sent = rows::sent_since(&app.db, Subject::Template, &[template.id.0], since).await?;
    let may_send = member.may(Permission::Send);
    let body = order::body(&template);
    let signature = apply::sample_signature(&app, &member, template.international).await?;
    let lengths = Lengths::of(&body, &signature, template.international);
    let page = TemplatePage {
        standing: standing(&l, &template),
        segments: segments_of(&order::text(&template), &[]),
        meanings: (1..)
            .zip(read_instruction(&template.instruction, lengths.variables))
            .filter(|(_, meaning)| !meaning.is_empty())
            .collect(),
        lengths,
        destination: Destination::load(
            &app,
            &member,
            Row::Template(template.id),
            &template.template_id,
            template.international,
        )
        .await?,
        changed: l.moment(template.changed_at),
        checked: l.moment(template.checked_at),
        sent: sent.first().copied().unwrap_or(0),
        timeline: review::timeline(&app, &l, row).await?,
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
