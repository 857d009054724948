//! `/send`: one text to a few phones: fill in, check, confirm. Nothing is stored before the
//! confirmation, and a confirmation counts once.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use time::OffsetDateTime;

use crate::app::App;
use crate::db::accounts::stand_ins;
use crate::db::projects;
use crate::db::review::signatures::Signature;
use crate::db::review::sms_templates::SmsTemplate;
use crate::db::sending::repeats::Repeat;
use crate::domain::ids::BatchId;
use crate::domain::phone::Phone;
use crate::domain::review::Purpose;
use crate::domain::sending::batch::{BatchState, may_leave};
use crate::domain::sending::budget::{Amount, Budget};
use crate::domain::sending::outgoing::{Content, MAX_PHONES};
use crate::domain::sending::price::Estimate;
use crate::domain::sending::version::{Part, Version};
use crate::ops::sending::budgets as budget_ops;
use crate::ops::sending::order::{self, Order, OrderError, Ordered};
use crate::ops::sending::prices as price_ops;
use crate::ops::sending::repeats;
use crate::web::http::error::WebError;
use crate::web::http::flash;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::{page, typed};
use crate::web::ui::changes::Shown;
use crate::web::ui::choices::{Choices, WITHOUT_SIGNATURE};
use crate::web::ui::figures::budget_lines::{self, BudgetLine};
use crate::web::ui::figures::costs::{self, CostText};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::proposed_destination::ProposedDestination;

mod draft;
pub mod fields;
pub mod start;
pub mod view;

use draft::{Draft, SendProblem};
use fields::SendFields;
use start::{SendStart, start_fields};
use view::Preview;

#[derive(Template)]
#[template(path = "pages/send/form.html")]
struct SendFormPage {
    l: Layout,
    signatures: Vec<Signature>,
    templates: Vec<SmsTemplate>,
    may_go_without_signature: bool,
    draft: Draft,
    preview: Option<Preview>,
    problems: Vec<SendProblem>,
    proposed: Option<ProposedDestination>,
    max_phones: usize,
    /// Whether it begins with an earlier batch whose values are hidden, and so left out.
    without_hidden_values: bool,
    /// Whether it is marketing, and nobody else may approve it.
    needs_second_person: bool,
}

impl SendFormPage {
    fn problems_at(&self, field: &str) -> Vec<&SendProblem> {
        self.problems.iter().filter(|problem| problem.field == field).collect()
    }

    fn has(&self, field: &str) -> bool {
        self.problems.iter().any(|problem| problem.field == field)
    }

    /// Returns the ids of what describes the field of a variable: the hint, its error.
    fn described_by(&self, field: &str) -> String {
        let hint = self.draft.takes_codes().then(|| "params-hint".to_owned());
        let hidden = self.without_hidden_values.then(|| "params-hidden".to_owned());
        let error = self.has(field).then(|| format!("{field}-error"));
        hint.into_iter().chain(hidden).chain(error).collect::<Vec<_>>().join(" ")
    }
}

#[derive(Template)]
#[template(path = "pages/send/preview.html")]
struct SendPreviewPart {
    l: Layout,
    preview: Option<Preview>,
}

#[derive(Template)]
#[template(path = "pages/send/check.html")]
struct CheckPage {
    l: Layout,
    draft: Draft,
    preview: Preview,
    /// What it is expected to cost.
    cost: CostText,
    /// What may go wrong with the values.
    warnings: Vec<SendProblem>,
    proposed: Option<ProposedDestination>,
    template: SmsTemplate,
    /// The phones that are sent to, if confirmed as shown.
    recipients: Vec<Phone>,
    /// The number of phones that are not repeats.
    without_repeats: usize,
    repeats: Vec<Repeat>,
    /// Whether repeats are sent to as well.
    again: bool,
    needs_approval: bool,
    /// The budgets that it counts for.
    budgets: Vec<BudgetLine>,
    /// Whether it waits for the end of the quiet hours.
    waits: bool,
    /// Whether the number of repeats changed since the check page was shown.
    changed: bool,
    /// What else has changed since then.
    changed_parts: Vec<String>,
    version: Version,
}

/// Returns the version of the check page. Phones and values are among the fields of its form; the
/// prices of `estimate` are those of all its phones.
fn version_of(draft: &Draft, template: &SmsTemplate, estimate: &Estimate) -> Version {
    let text = format!("{} {}", template.template_id, order::body(template));
    Version::default()
        .with(Part::Template, &text)
        .with(Part::Signature, order::content_of(draft.signature.as_ref()))
        .with(Part::Price, &estimate.prices_text())
        .with(Part::Time, &format!("{:?}", draft.schedule_at.map(|at| at.unix_timestamp())))
}

impl CheckPage {
    const SHOWN: usize = 20;

    fn shown(&self) -> &[Phone] {
        &self.recipients[..self.recipients.len().min(Self::SHOWN)]
    }

    fn repeat_title(&self) -> String {
        let phone = self.repeats.first().map(|repeat| repeat.phone.clone()).unwrap_or_default();
        let count = self.repeats.len();
        self.l.with("send-repeat-title", &[("count", count.into()), ("phone", phone.into())])
    }

    fn repeat_line(&self, repeat: &Repeat) -> String {
        self.l.with(
            "send-repeat-line",
            &[
                ("phone", repeat.phone.as_str().into()),
                ("when", self.l.ago(repeat.leaves_at).into()),
                ("person", repeat.orderer.as_str().into()),
                ("state", self.l.state_label(repeat.state).into()),
            ],
        )
    }

    fn shown_repeats(&self) -> &[Repeat] {
        &self.repeats[..self.repeats.len().min(Self::SHOWN)]
    }

    fn total(&self) -> usize {
        self.preview.parts * self.recipients.len()
    }

    fn more(&self) -> usize {
        self.recipients.len().saturating_sub(Self::SHOWN)
    }
}

/// Shows an empty form, or one filled in from an earlier batch.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    start: web::Query<SendStart>,
) -> Result<HttpResponse, WebError> {
    let (fields, without_hidden_values) = match typed::take::<SendFields>(&app, &request) {
        Some(typed) => (typed, false),
        None => start_fields(&app, &member, start.into_inner()).await?,
    };
    let choices = Choices::load(&app, &member, &fields.signature_id, &fields.template_id).await?;
    if let Some(nothing) = choices.nothing(&app, &member, &request).await? {
        return Ok(nothing);
    }
    let draft = Draft::read(fields, &choices.signatures, &choices.templates, app.clock.now());
    let form = form_page(choices, &app, &member, &request, draft, Vec::new()).await?;
    page::ok(&SendFormPage { without_hidden_values, ..form })
}

/// Shows the check page, shows another template's variables, or sends.
pub async fn order(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<SendFields>,
) -> Result<HttpResponse, WebError> {
    check_or_place(&app, &member, &request, form.into_inner()).await
}

async fn check_or_place(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    fields: SendFields,
) -> Result<HttpResponse, WebError> {
    let choices = Choices::load(app, member, &fields.signature_id, &fields.template_id).await?;
    if let Some(nothing) = choices.nothing(app, member, request).await? {
        return Ok(nothing);
    }
    let draft =
        Draft::read(fields.clone(), &choices.signatures, &choices.templates, app.clock.now());
    if fields.confirm.is_some()
        && let Some(batch) = find_ordered(app, member, &draft).await?
    {
        return Ok(done(app, member, request, &draft, Ordered::Already(batch), 0));
    }
    if fields.choose.is_some() {
        return respond(&form_page(choices, app, member, request, draft, Vec::new()).await?);
    }
    let problems = draft.problems();
    if !problems.is_empty() {
        return respond(&form_page(choices, app, member, request, draft, problems).await?);
    }
    let (Some(template), Some(content)) = (draft.template.clone(), draft.content()) else {
        return Err(WebError::BadRequest);
    };
    let phones = &draft.phones.phones;
    let repeats =
        repeats::of_content(app, member.project.id, &content, phones, draft.schedule_at).await?;
    let again = fields.again.is_some();
    let recipients = draft.recipients(&repeats, again);
    let confirmed = fields.confirm.is_some();
    // The check page showed how many phones are not repeats. If that changed, the person has to
    // confirm again.
    let without_repeats = draft.recipients(&repeats, false).len();
    let as_checked =
        again || fields.checked.map_or(repeats.is_empty(), |count| count == without_repeats);
    let policy = projects::policy(&mut *app.db.acquire().await?, member.project.id).await?;
    let prices = price_ops::today(app, member.project.id).await?;
    let parts = content.size().parts;
    let all_phones = order::estimate(&prices, &template, phones, parts);
    let version = version_of(&draft, &template, &all_phones);
    let posted = Some(fields.version.as_str()).filter(|posted| confirmed && !posted.is_empty());
    let changes = posted.map_or_else(Vec::new, |posted| version.changes_since(posted));
    if confirmed && as_checked && changes.is_empty() && !recipients.is_empty() {
        let count = recipients.len();
        let shown = order::estimate(&prices, &template, &recipients, parts);
        return match place(app, member, request, &draft, content, recipients, &shown).await {
            Ok(Some(ordered)) => Ok(done(app, member, request, &draft, ordered, count)),
            // The page is drawn anew, and says what it costs now.
            Ok(None) => Box::pin(check_or_place(app, member, request, fields)).await,
            Err(problem) => {
                let problems = vec![problem?];
                respond(&form_page(choices, app, member, request, draft, problems).await?)
            }
        };
    }
    // The other request of a double click may have been stored in the meantime.
    if confirmed && let Some(batch) = find_ordered(app, member, &draft).await? {
        return Ok(done(app, member, request, &draft, Ordered::Already(batch), 0));
    }
    let now = app.clock.now();
    let total = i32::try_from(recipients.len()).unwrap_or(i32::MAX);
    let l = Layout::in_project(member, app, request, Section::Send).await?;
    let text = order::body(&template);
    let proposed = ProposedDestination::of_template(app, &l, &template).await?;
    let estimate = order::estimate(&prices, &template, &recipients, parts);
    let amount = Amount { messages: total, cost: estimate.known_cost() };
    let budgets = budgets_of(app, member, &draft, template.purpose).await?;
    let needs_approval = policy.needs_approval(template.purpose, total, &estimate)
        || budget_lines::asks(&budgets, amount);
    let shown = Shown {
        recipients: i64::from(total),
        template: &text,
        signature: draft.bracketed(),
        estimate: all_phones,
        time: draft.schedule_at,
    };
    let page = CheckPage {
        cost: costs::expected(&l, &estimate),
        budgets: budget_lines::lines(&l, &budgets, amount),
        changed_parts: shown.sentences(&l, &changes),
        version,
        l,
        preview: Preview::of(&draft, &template),
        warnings: draft.warnings(),
        proposed,
        needs_approval,
        waits: draft.schedule_at.is_none() && !may_leave(template.purpose, now),
        changed: confirmed && changes.is_empty(),
        draft: if confirmed { draft } else { draft.with_unused_token(app, member).await? },
        template,
        recipients,
        without_repeats,
        repeats,
        again,
    };
    if changes.is_empty() { page::ok(&page) } else { page::unprocessable(&page) }
}

/// Returns the budgets that an order of a draft counts for.
async fn budgets_of(
    app: &App,
    member: &Member,
    draft: &Draft,
    purpose: Purpose,
) -> Result<Vec<Budget>, WebError> {
    let day = budget_ops::leaving_day(purpose, draft.schedule_at, app.clock.now());
    Ok(budget_ops::outlook(app, member.project.id, member.person.id, day, None).await?)
}

/// Shows the live preview of the form: the text as it would arrive.
pub async fn preview(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<SendFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let choices = Choices::load(&app, &member, &fields.signature_id, &fields.template_id).await?;
    let draft = Draft::read(fields, &choices.signatures, &choices.templates, app.clock.now());
    let preview = Preview::from_draft(&draft);
    let l = Layout::in_project(&member, &app, &request, Section::Send).await?;
    page::ok(&SendPreviewPart { l, preview })
}

async fn form_page(
    choices: Choices,
    app: &App,
    member: &Member,
    request: &HttpRequest,
    draft: Draft,
    problems: Vec<SendProblem>,
) -> Result<SendFormPage, WebError> {
    let preview = Preview::from_draft(&draft);
    let needs_second_person = draft.is_marketing()
        && !stand_ins::others_may_approve(
            &app.db,
            member.project.id,
            member.person.id,
            app.clock.now(),
        )
        .await?;
    let l = Layout::in_project(member, app, request, Section::Send).await?;
    let proposed = match &draft.template {
        Some(template) => ProposedDestination::of_template(app, &l, template).await?,
        None => None,
    };
    Ok(SendFormPage {
        l,
        proposed,
        may_go_without_signature: choices.may_go_without_signature(),
        signatures: choices.signatures,
        templates: choices.templates,
        preview,
        draft,
        max_phones: MAX_PHONES,
        problems,
        without_hidden_values: false,
        needs_second_person,
    })
}

fn respond(form: &SendFormPage) -> Result<HttpResponse, WebError> {
    if form.problems.is_empty() { page::ok(form) } else { page::unprocessable(form) }
}

/// Places the order at the prices that the person was shown. Returns `None` if they have changed.
async fn place(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    draft: &Draft,
    content: Content,
    phones: Vec<Phone>,
    shown: &Estimate,
) -> Result<Option<Ordered>, Result<SendProblem, WebError>> {
    let outgoing = content.to(phones).map_err(|problem| Ok(SendProblem::of_recipients(problem)))?;
    let order = Order {
        project: member.project.id,
        ordered_by: member.person.id,
        outgoing,
        schedule_at: draft.schedule_at,
        form_token: draft.form_token,
    };
    match order::place_as_shown(app, &order, shown, &peer_ip(request)).await {
        Err(OrderError::PriceChanged) => Ok(None),
        placed => placed.map(Some).map_err(SendProblem::from_order_error),
    }
}

/// Returns the batch that this form has ordered before: after a double click, a reload, the back
/// button.
async fn find_ordered(
    app: &App,
    member: &Member,
    draft: &Draft,
) -> Result<Option<BatchId>, WebError> {
    let mut db = app.db.acquire().await?;
    let (project, person) = (member.project.id, member.person.id);
    let found =
        crate::db::sending::batches::by_form_token(&mut db, project, person, draft.form_token);
    Ok(found.await?)
}

/// Redirects to the batch, with a message. `count` is the number of messages that were ordered.
fn done(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    draft: &Draft,
    ordered: Ordered,
    count: usize,
) -> HttpResponse {
    let texts = member.texts(request);
    let (batch, message) = match ordered {
        Ordered::Already(batch) => (batch, texts.t("send-already")),
        Ordered::New(batch, BatchState::AwaitingApproval) => (batch, texts.t("send-done-approval")),
        Ordered::New(batch, BatchState::Scheduled) => {
            let when = draft.schedule_at.unwrap_or_else(|| app.clock.now());
            (batch, texts.with("send-done-scheduled", &[("when", shown(when).into())]))
        }
        Ordered::New(batch, _) => (batch, texts.with("send-done", &[("count", count.into())])),
    };
    flash::say(request, &message);
    page::see_other(&member.urls().batch(batch))
}

fn shown(at: OffsetDateTime) -> String {
    crate::web::ui::layout::full_time(at)
}
