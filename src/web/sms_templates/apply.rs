//! `/templates/new` and `…/edit`: applying for an SMS template, mending a rejected one, renaming an
//! approved one.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use crate::app::App;
use crate::db::applications;
use crate::db::reviewed as rows;
use crate::db::signatures;
use crate::db::sms_templates::SmsTemplate;
use crate::domain::finding::Finding;
use crate::domain::ids::ApplicationId;
use crate::domain::review::{Purpose, Subject};
use crate::domain::sms_template::{
    Lengths, TemplateApplication, UNSUBSCRIBE, read_instruction, write_instruction,
};
use crate::domain::text::{self, TemplateText};
use crate::ops::apply::{Form as SubmittedForm, Submission, TemplateChange, template_change};
use crate::web::applications::{self as application_pages, Done, Outcome};
use crate::web::error::WebError;
use crate::web::form::{Form, peer_address};
use crate::web::layout::{Layout, Section};
use crate::web::member::Member;
use crate::web::page;
use crate::web::reviewed::Standing;
use crate::web::reviewed::compare::{self, Changed, Piece};
use crate::web::reviewed::findings::FieldFindings;
use crate::web::reviewed::locked::{self, Locked};
use crate::web::send::view::{self, parts_of};
use crate::web::upload::Upload;

/// What the form posts. Every field may be missing or wrong.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Fields {
    name: String,
    purpose: String,
    text: Option<String>,
    international: String,
    /// Missing where only the name can be changed; so are the two below.
    remark: Option<String>,
    unsubscribe: Option<String>,
    /// What each variable means, in their order.
    instruction: Vec<String>,
    /// The one-time token.
    form_token: String,
    /// Puts a variable behind the text, hands nothing in.
    insert: Option<usize>,
    /// The person's yes to what a reviewer may not like.
    confirm: Option<String>,
}

impl Fields {
    /// The application; of a change, what cannot be changed is as it was.
    fn application(&self, known: Option<&SmsTemplate>) -> TemplateApplication {
        let purpose = known.map(|known| known.purpose).or_else(|| Purpose::read(&self.purpose));
        let purpose = purpose.unwrap_or(Purpose::Notification);
        let typed = matches!(self.international.as_str(), "1" | "true" | "on");
        let international = known.map_or(typed, |known| known.international);
        let text = self.text.as_deref().unwrap_or_default().trim().replace("\r\n", "\n");
        let ends = purpose == Purpose::Marketing && !international;
        let unsubscribe = match &self.unsubscribe {
            Some(typed) => typed.trim().to_owned(),
            None => known.map_or_else(|| UNSUBSCRIBE.to_owned(), |one| one.unsubscribe.clone()),
        };
        TemplateApplication {
            name: self.name.trim().to_owned(),
            purpose,
            text: match known {
                Some(known) if self.text.is_none() => known.text.clone(),
                _ => text,
            },
            international,
            remark: match (&self.remark, known) {
                (None, Some(known)) => known.remark.clone(),
                (typed, _) => typed.as_deref().unwrap_or_default().trim().to_owned(),
            },
            unsubscribe: if ends { unsubscribe } else { String::new() },
            instruction: match known {
                Some(known) if self.instruction.is_empty() => known.instruction.clone(),
                _ => write_instruction(&self.instruction),
            },
        }
    }

    fn of(form: &TemplateApplication) -> Self {
        let variables = TemplateText::parse(&form.text).variables();
        Self {
            name: form.name.clone(),
            purpose: form.purpose.key().to_owned(),
            text: Some(form.text.clone()),
            international: form.international.to_string(),
            remark: Some(form.remark.clone()),
            unsubscribe: Some(form.unsubscribe.clone()),
            instruction: read_instruction(&form.instruction, variables),
            ..Self::default()
        }
    }
}

fn described(known: &SmsTemplate) -> TemplateApplication {
    TemplateApplication {
        name: known.name.clone(),
        purpose: known.purpose,
        text: known.text.clone(),
        international: known.international,
        remark: known.remark.clone(),
        unsubscribe: known.unsubscribe.clone(),
        instruction: known.instruction.clone(),
    }
}

/// The address may name an application to begin from, or a template to copy.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Start {
    from: Option<ApplicationId>,
    copy: Option<String>,
}

/// What the text becomes.
struct Preview {
    signature: String,
    pieces: Vec<view::Piece>,
    lengths: Lengths,
    changed: Vec<Changed>,
}

#[derive(Template)]
#[template(path = "review/template_form.html")]
struct FormPage {
    l: Layout,
    /// What is changed; `None` for a first application.
    known: Option<SmsTemplate>,
    standing: Option<Standing>,
    change: TemplateChange,
    form: TemplateApplication,
    meanings: Vec<(usize, String)>,
    token: Uuid,
    findings: FieldFindings,
    outcome: Option<Outcome>,
    preview: Preview,
    /// The vendor takes templates only after a signature was approved.
    signature_missing: bool,
}

impl FormPage {
    fn action(&self) -> String {
        match &self.known {
            Some(known) => self.l.urls.template_part(&known.template_id, "edit"),
            None => self.l.urls.template("new"),
        }
    }

    fn preview_action(&self) -> String {
        match &self.known {
            Some(known) => self.l.urls.template_part(&known.template_id, "preview"),
            None => self.l.urls.template("preview"),
        }
    }

    /// Variables that a button puts into the text: those it has, and the next one.
    fn insertable(&self) -> std::ops::RangeInclusive<usize> {
        1..=self.preview.lengths.variables + 1
    }

    /// Whether the whole text can be changed.
    fn whole(&self) -> bool {
        self.change == TemplateChange::All
    }
}

#[derive(Template)]
#[template(path = "review/template_preview.html")]
struct PreviewPart {
    l: Layout,
    preview: Preview,
}

/// The empty form, or one that begins from an application that did not arrive or from a template.
pub async fn new_form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    start: web::Query<Start>,
) -> Result<HttpResponse, WebError> {
    let mut fields =
        Fields { purpose: Purpose::Notification.key().to_owned(), ..Fields::default() };
    if let Some(id) = start.from {
        fields = begun(&app, &member, id).await?;
    } else if let Some(template_id) = &start.copy {
        fields = Fields::of(&described(&super::find(&app, &member, template_id).await?));
    }
    show(&app, &member, &request, None, fields, FieldFindings::default(), None).await
}

/// What an application that did not arrive had.
async fn begun(app: &App, member: &Member, id: ApplicationId) -> Result<Fields, WebError> {
    let found = applications::find(&app.db, member.project.id, id).await?;
    let found = found.ok_or(WebError::NotFound)?;
    let form = serde_json::from_value(found.content).map_err(|_| WebError::NotFound)?;
    Ok(Fields::of(&form))
}

/// The form filled with what stands, the reason on top.
pub async fn edit_form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    start: web::Query<Start>,
) -> Result<HttpResponse, WebError> {
    let known = super::find(&app, &member, &path.1).await?;
    if template_change(&known) == TemplateChange::Nothing {
        return locked(&app, &member, &request, &known, None).await;
    }
    let fields = match start.from {
        Some(id) => begun(&app, &member, id).await?,
        None => Fields::of(&described(&known)),
    };
    show(&app, &member, &request, Some(known), fields, FieldFindings::default(), None).await
}

/// Checks and hands in a first application.
pub async fn submit_new(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Upload<Fields>,
) -> Result<HttpResponse, WebError> {
    submit(&app, &member, &request, None, form.into_inner().0).await
}

/// Checks and hands in a change.
pub async fn resubmit(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Upload<Fields>,
) -> Result<HttpResponse, WebError> {
    let known = super::find(&app, &member, &path.1).await?;
    submit(&app, &member, &request, Some(known), form.into_inner().0).await
}

async fn submit(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    known: Option<SmsTemplate>,
    mut fields: Fields,
) -> Result<HttpResponse, WebError> {
    if let Some(there) = application_pages::submitted(app, member, &fields.form_token).await? {
        return Ok(page::see_other(&there));
    }
    let nothing = |known: &&SmsTemplate| template_change(known) == TemplateChange::Nothing;
    if let Some(known) = known.as_ref().filter(nothing) {
        return locked(app, member, request, known, Some(&fields)).await;
    }
    if let Some(n) = fields.insert.take() {
        let text = fields.text.unwrap_or_default();
        fields.text = Some(format!("{text}{{{n}}}"));
        return show(app, member, request, known, fields, FieldFindings::default(), None).await;
    }
    let application = fields.application(known.as_ref());
    let words = rows::sensitive_words(&app.db, member.project.id).await?;
    let mut findings = application.check(known.is_some(), &words);
    findings.extend(unknown_purpose(&fields, known.as_ref()));
    findings.extend(known.as_ref().and_then(|known| against(known, &application)));
    if known.as_ref().is_some_and(|known| template_change(known) == TemplateChange::Name) {
        // An approved text was reviewed as it is: only what can be changed is checked.
        findings.retain(|one| one.field == "name" || one.key == "text-locked");
    }
    let findings =
        FieldFindings::of(&member.layout(app, request, Section::Templates).await?, &findings);
    if !findings.let_through(fields.confirm.as_deref()) {
        return show(app, member, request, known, fields, findings, None).await;
    }
    let renamed = known.as_ref().is_some_and(|known| known.text == application.text);
    let submission = Submission {
        project: member.project.id,
        by: member.person.id,
        address: peer_address(request),
        form_token: fields.form_token.parse().unwrap_or_else(|_| Uuid::new_v4()),
        form: match known.clone() {
            Some(known) => SubmittedForm::ResubmittedTemplate(Box::new(known), application),
            None => SubmittedForm::Template(application),
        },
        certificate: None,
        proxy: None,
    };
    let key = if renamed { "apply-done-renamed" } else { "apply-done-template" };
    let done = Done { subject: Subject::Template, key };
    match application_pages::submit(app, member, request, submission, done).await? {
        Ok(response) => Ok(response),
        Err(outcome) => {
            fields.form_token = Uuid::new_v4().to_string();
            show(app, member, request, known, fields, findings, Some(outcome)).await
        }
    }
}

fn unknown_purpose(fields: &Fields, known: Option<&SmsTemplate>) -> Option<Finding> {
    let wrong = known.is_none() && Purpose::read(&fields.purpose).is_none();
    wrong.then(|| Finding {
        field: "purpose",
        key: "purpose-missing",
        about: String::new(),
        blocks: true,
    })
}

/// What a change finds against the template as it stands.
fn against(known: &SmsTemplate, form: &TemplateApplication) -> Option<Finding> {
    let about = String::new();
    match template_change(known) {
        TemplateChange::Name if known.text != form.text => {
            Some(Finding { field: "text", key: "text-locked", about, blocks: true })
        }
        TemplateChange::All if known.text == form.text => {
            Some(Finding { field: "text", key: "text-unchanged", about, blocks: false })
        }
        TemplateChange::Name | TemplateChange::All | TemplateChange::Nothing => None,
    }
}

async fn show(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    known: Option<SmsTemplate>,
    fields: Fields,
    findings: FieldFindings,
    outcome: Option<Outcome>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(app, request, Section::Templates).await?;
    let form = fields.application(known.as_ref());
    let preview = preview_of(app, member, &l, known.as_ref(), &form).await?;
    let variables = preview.lengths.variables.max(1);
    let mut meanings = fields.instruction;
    meanings.resize(variables.max(meanings.len()), String::new());
    let bad = !findings.blocking().is_empty() || outcome.is_some();
    let approved = signatures::approved(&app.db, member.project.id, 1).await?;
    let page = FormPage {
        standing: known.as_ref().map(|known| super::standing(&l, known)),
        change: known.as_ref().map_or(TemplateChange::All, template_change),
        meanings: (1..).zip(meanings).collect(),
        token: fields.form_token.parse().unwrap_or_else(|_| Uuid::new_v4()),
        signature_missing: approved.is_empty(),
        preview,
        known,
        form,
        findings,
        outcome,
        l,
    };
    if bad { page::unprocessable(&page) } else { page::ok(&page) }
}

/// An approved signature's name, to show the text with.
pub(super) async fn sample_signature(
    app: &App,
    member: &Member,
    international: bool,
) -> Result<String, WebError> {
    let approved = signatures::approved(&app.db, member.project.id, 20).await?;
    let fitting = approved.into_iter().find(|one| one.international == international);
    Ok(fitting.map_or_else(|| member.project.name.clone(), |one| one.content))
}

async fn preview_of(
    app: &App,
    member: &Member,
    l: &Layout,
    known: Option<&SmsTemplate>,
    form: &TemplateApplication,
) -> Result<Preview, WebError> {
    let signature = sample_signature(app, member, form.international).await?;
    let body = form.body();
    let changed = known.map_or_else(Vec::new, |known| {
        let fields = [
            compare::text(l.t("apply-name"), &known.name, &form.name),
            compare::text(l.t("templates-text"), &known.text, &form.text),
            compare::text(l.t("apply-unsubscribe"), &known.unsubscribe, &form.unsubscribe),
            compare::text(l.t("apply-remark"), &known.remark, &form.remark),
        ];
        fields.into_iter().flatten().collect()
    });
    Ok(Preview {
        pieces: parts_of(&body, &[]),
        lengths: Lengths::of(&body, &signature, form.international),
        signature: text::bracketed(&signature, form.international),
        changed,
    })
}

/// Why it cannot be changed; with what was typed, if something was.
async fn locked(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    known: &SmsTemplate,
    typed: Option<&Fields>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(app, request, Section::Templates).await?;
    let why = if known.deleted_at.is_some() { "deleted" } else { known.status.key() };
    let typed = typed.map_or_else(Vec::new, |fields| {
        vec![
            ("apply-name", fields.name.clone()),
            ("templates-text", fields.text.clone().unwrap_or_default()),
            ("apply-instruction", write_instruction(&fields.instruction)),
            ("apply-remark", fields.remark.clone().unwrap_or_default()),
        ]
    });
    let locked = Locked {
        subject: Subject::Template,
        vendor_id: known.template_id.clone(),
        name: known.name.clone(),
        standing: super::standing(&l, known),
        why: why.to_owned(),
        typed,
    };
    locked::show(app, member, request, locked).await
}

/// The text as it will arrive, while it is being written.
pub async fn preview(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<Fields>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Templates).await?;
    let form = form.into_inner().application(None);
    let preview = preview_of(&app, &member, &l, None, &form).await?;
    page::ok(&PreviewPart { l, preview })
}

/// The same, with what changed against the template as it stands.
pub async fn preview_change(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<Fields>,
) -> Result<HttpResponse, WebError> {
    let known = super::find(&app, &member, &path.1).await?;
    let l = member.layout(&app, &request, Section::Templates).await?;
    let form = form.into_inner().application(Some(&known));
    let preview = preview_of(&app, &member, &l, Some(&known), &form).await?;
    page::ok(&PreviewPart { l, preview })
}
