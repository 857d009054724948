//! `/templates/new` and `…/edit`: applying for an SMS template, resubmitting a rejected one, and
//! renaming an approved one.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use crate::app::App;
use crate::db::review::applications;
use crate::db::review::reviewed as rows;
use crate::db::review::signatures;
use crate::db::review::sms_templates::SmsTemplate;
use crate::domain::ids::ApplicationId;
use crate::domain::replies::opt_out;
use crate::domain::review::finding::{Document, Finding};
use crate::domain::review::sms_template::{
    Lengths, TemplateApplication, UNSUBSCRIBE, read_instruction, write_instruction,
};
use crate::domain::review::{Purpose, Subject};
use crate::domain::text::{self, TemplateText};
use crate::ops::review::apply::{
    Form as SubmittedForm, Submission, TemplateChange, template_change,
};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::upload::Upload;
use crate::web::http::{page, typed};
use crate::web::pages::review::Standing;
use crate::web::pages::review::applications::{self as application_pages, Done, Outcome};
use crate::web::pages::review::compare::{self, Changed, DiffSegment};
use crate::web::pages::review::findings::FieldFindings;
use crate::web::pages::review::locked::{self, Locked};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::segments::{Segment, segments_of};

/// The fields of the form. Each may be missing or invalid.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct TemplateFields {
    name: String,
    purpose: String,
    text: Option<String>,
    international: String,
    /// Missing when only the name can be changed, like the meanings of variables.
    remark: Option<String>,
    /// Only of a new template.
    unsubscribe: Option<String>,
    /// The meaning of each variable, in order.
    instruction: Vec<String>,
    /// The text that the form of a change was opened with.
    seen: Option<String>,
    /// The one-time token.
    form_token: String,
    /// Appends this variable to the text, without submitting anything.
    insert: Option<usize>,
    /// The confirmed warnings.
    confirm: Option<String>,
}

impl TemplateFields {
    /// Returns the application. What cannot be changed comes from the existing template.
    fn application(&self, existing: Option<&SmsTemplate>) -> TemplateApplication {
        let purpose =
            existing.map(|existing| existing.purpose).or_else(|| Purpose::read(&self.purpose));
        let purpose = purpose.unwrap_or(Purpose::Notice);
        let typed = matches!(self.international.as_str(), "1" | "true" | "on");
        let international = existing.map_or(typed, |existing| existing.international);
        let text = self.text.as_deref().unwrap_or_default().trim().replace("\r\n", "\n");
        let needs_unsubscribe = opt_out::is_needed(purpose, international);
        // UpdateUSMSTemplate has no parameter for it.
        let unsubscribe = match (existing, &self.unsubscribe) {
            (Some(existing), _) => existing.unsubscribe.clone(),
            (None, Some(typed)) => typed.trim().to_owned(),
            (None, None) => UNSUBSCRIBE.to_owned(),
        };
        TemplateApplication {
            name: self.name.trim().to_owned(),
            purpose,
            text: match existing {
                Some(existing) if self.text.is_none() => existing.text.clone(),
                _ => text,
            },
            international,
            remark: match (&self.remark, existing) {
                (None, Some(existing)) => existing.remark.clone(),
                (typed, _) => typed.as_deref().unwrap_or_default().trim().to_owned(),
            },
            unsubscribe: if needs_unsubscribe { unsubscribe } else { String::new() },
            instruction: match existing {
                Some(existing) if self.instruction.is_empty() => existing.instruction.clone(),
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

fn from_template(existing: &SmsTemplate) -> TemplateApplication {
    TemplateApplication {
        name: existing.name.clone(),
        purpose: existing.purpose,
        text: existing.text.clone(),
        international: existing.international,
        remark: existing.remark.clone(),
        unsubscribe: existing.unsubscribe.clone(),
        instruction: existing.instruction.clone(),
    }
}

/// The query parameters: an application to start from, or a template to copy.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TemplateStart {
    from: Option<ApplicationId>,
    copy: Option<String>,
}

/// The text as it will arrive, with its lengths and what changed.
struct Preview {
    signature: String,
    segments: Vec<Segment>,
    /// The end of the text that UCloud may add.
    added_opt_out: String,
    lengths: Lengths,
    changed: Vec<Changed>,
}

#[derive(Template)]
#[template(path = "pages/review/sms_templates/apply/form.html")]
struct TemplateFormPage {
    l: Layout,
    /// The template that is changed; `None` for a first application.
    existing: Option<SmsTemplate>,
    standing: Option<Standing>,
    change: TemplateChange,
    form: TemplateApplication,
    meanings: Vec<(usize, String)>,
    token: Uuid,
    findings: FieldFindings,
    outcome: Option<Outcome>,
    preview: Preview,
    /// The project has no approved signature, without which the vendor accepts no templates.
    signature_missing: bool,
}

impl TemplateFormPage {
    fn action(&self) -> String {
        match &self.existing {
            Some(existing) => self.l.urls.template_part(&existing.template_id, "edit"),
            None => self.l.urls.template("new"),
        }
    }

    fn preview_action(&self) -> String {
        match &self.existing {
            Some(existing) => self.l.urls.template_part(&existing.template_id, "preview"),
            None => self.l.urls.template("preview"),
        }
    }

    /// Returns the variables that have a button: those in the text, and the next one.
    fn insertable(&self) -> std::ops::RangeInclusive<usize> {
        1..=self.preview.lengths.variables + 1
    }

    /// Returns whether the text can be changed, not only the name.
    fn can_change_text(&self) -> bool {
        self.change == TemplateChange::All
    }
}

#[derive(Template)]
#[template(path = "pages/review/sms_templates/apply/preview.html")]
struct TemplatePreviewPart {
    l: Layout,
    preview: Preview,
}

/// Shows an empty form, or one filled in from an application that did not reach the vendor or from
/// a template.
pub async fn new_form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    start: web::Query<TemplateStart>,
) -> Result<HttpResponse, WebError> {
    let mut fields =
        TemplateFields { purpose: Purpose::Notice.key().to_owned(), ..TemplateFields::default() };
    if let Some(id) = start.from {
        fields = fields_of(&app, &member, id).await?;
    } else if let Some(template_id) = &start.copy {
        fields =
            TemplateFields::of(&from_template(&super::find(&app, &member, template_id).await?));
    }
    let fields = typed::take(&app, &request).unwrap_or(fields);
    show(&app, &member, &request, None, fields, FieldFindings::default(), None).await
}

/// Returns the form fields of an application.
async fn fields_of(
    app: &App,
    member: &Member,
    id: ApplicationId,
) -> Result<TemplateFields, WebError> {
    let application = applications::find(&app.db, member.project.id, id).await?;
    let application = application.ok_or(WebError::NotFound)?;
    let form = serde_json::from_value(application.content).map_err(|_| WebError::NotFound)?;
    Ok(TemplateFields::of(&form))
}

/// Shows the form filled in from the template, with the reason of a rejection on top.
pub async fn edit_form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    start: web::Query<TemplateStart>,
) -> Result<HttpResponse, WebError> {
    let existing = super::find(&app, &member, &path.1).await?;
    if template_change(&existing) == TemplateChange::Nothing {
        return locked(&app, &member, &request, &existing, None).await;
    }
    let fields = match start.from {
        Some(id) => fields_of(&app, &member, id).await?,
        None => TemplateFields::of(&from_template(&existing)),
    };
    let fields = typed::take(&app, &request).unwrap_or(fields);
    show(&app, &member, &request, Some(existing), fields, FieldFindings::default(), None).await
}

/// Checks and submits a first application.
pub async fn submit_new(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Upload<TemplateFields>,
) -> Result<HttpResponse, WebError> {
    submit(&app, &member, &request, None, form.into_inner().0).await
}

/// Checks and submits a change.
pub async fn resubmit(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Upload<TemplateFields>,
) -> Result<HttpResponse, WebError> {
    let existing = super::find(&app, &member, &path.1).await?;
    submit(&app, &member, &request, Some(existing), form.into_inner().0).await
}

async fn submit(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    existing: Option<SmsTemplate>,
    mut fields: TemplateFields,
) -> Result<HttpResponse, WebError> {
    if let Some(href) = application_pages::submitted(app, member, &fields.form_token).await? {
        return Ok(page::see_other(&href));
    }
    let is_outdated = |existing: &&SmsTemplate| {
        let seen = fields.seen.as_ref().map(|seen| seen.replace("\r\n", "\n"));
        template_change(existing) == TemplateChange::Nothing
            || seen.is_some_and(|seen| seen != existing.text)
    };
    if let Some(existing) = existing.as_ref().filter(is_outdated) {
        return locked(app, member, request, existing, Some(&fields)).await;
    }
    if let Some(n) = fields.insert.take() {
        let text = fields.text.unwrap_or_default();
        fields.text = Some(format!("{text}{{{n}}}"));
        return show(app, member, request, existing, fields, FieldFindings::default(), None).await;
    }
    let application = fields.application(existing.as_ref());
    let sensitive_words = rows::sensitive_words(&app.db, member.project.id).await?;
    let mut findings = application.check(existing.is_some(), &sensitive_words);
    findings.extend(unknown_purpose(&fields, existing.as_ref()));
    findings.extend(existing.as_ref().and_then(|existing| check_change(existing, &application)));
    if existing.as_ref().is_some_and(|existing| template_change(existing) == TemplateChange::Name) {
        // An approved text has passed the review: only what can be changed is checked.
        findings.retain(|finding| finding.field == "name" || finding.key == "text-locked");
    }
    let findings = FieldFindings::of(
        &Layout::in_project(member, app, request, Section::Templates).await?,
        &findings,
    );
    if !findings.may_submit(fields.confirm.as_deref()) {
        return show(app, member, request, existing, fields, findings, None).await;
    }
    let is_renaming = existing.as_ref().is_some_and(|existing| existing.text == application.text);
    let submission = Submission {
        project: member.project.id,
        by: member.person.id,
        ip: peer_ip(request),
        form_token: fields.form_token.parse().unwrap_or_else(|_| Uuid::new_v4()),
        form: match existing.clone() {
            Some(existing) => SubmittedForm::ResubmittedTemplate(Box::new(existing), application),
            None => SubmittedForm::Template(application),
        },
        certificate: None,
        proxy: None,
    };
    let key = if is_renaming { "apply-done-renamed" } else { "apply-done-template" };
    let done = Done { subject: Subject::Template, key };
    match application_pages::submit(app, member, request, submission, done).await? {
        Ok(response) => Ok(response),
        Err(outcome) => {
            fields.form_token = Uuid::new_v4().to_string();
            show(app, member, request, existing, fields, findings, Some(outcome)).await
        }
    }
}

fn unknown_purpose(fields: &TemplateFields, existing: Option<&SmsTemplate>) -> Option<Finding> {
    let is_missing = existing.is_none() && Purpose::read(&fields.purpose).is_none();
    is_missing.then(|| Finding {
        field: "purpose",
        key: "purpose-missing",
        about: String::new(),
        blocks: true,
        document: Some(Document::CreateTemplate),
    })
}

/// Checks a change against the existing template.
fn check_change(existing: &SmsTemplate, form: &TemplateApplication) -> Option<Finding> {
    let document = Some(Document::UpdateTemplate);
    let about_text =
        |key, blocks| Finding { field: "text", key, about: String::new(), blocks, document };
    match template_change(existing) {
        TemplateChange::Name if existing.text != form.text => Some(about_text("text-locked", true)),
        TemplateChange::All if existing.text == form.text => {
            Some(about_text("text-unchanged", false))
        }
        TemplateChange::Name | TemplateChange::All | TemplateChange::Nothing => None,
    }
}

async fn show(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    existing: Option<SmsTemplate>,
    fields: TemplateFields,
    findings: FieldFindings,
    outcome: Option<Outcome>,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(member, app, request, Section::Templates).await?;
    let form = fields.application(existing.as_ref());
    let preview = preview_of(app, member, &l, existing.as_ref(), &form).await?;
    let variables = preview.lengths.variables.max(1);
    let mut meanings = fields.instruction;
    meanings.resize(variables.max(meanings.len()), String::new());
    let is_wrong = !findings.errors().is_empty() || outcome.is_some();
    let approved = signatures::approved(&app.db, member.project.id, 1).await?;
    let page = TemplateFormPage {
        standing: existing.as_ref().map(|existing| super::standing(&l, existing)),
        change: existing.as_ref().map_or(TemplateChange::All, template_change),
        meanings: (1..).zip(meanings).collect(),
        token: fields.form_token.parse().unwrap_or_else(|_| Uuid::new_v4()),
        signature_missing: approved.is_empty(),
        preview,
        existing,
        form,
        findings,
        outcome,
        l,
    };
    if is_wrong { page::unprocessable(&page) } else { page::ok(&page) }
}

/// Returns the name of an approved signature for the preview, or the project's name. International
/// texts go without one.
pub(super) async fn sample_signature(
    app: &App,
    member: &Member,
    international: bool,
) -> Result<String, WebError> {
    let approved = signatures::approved(&app.db, member.project.id, 20).await?;
    let signature = approved.into_iter().find(|signature| signature.international == international);
    Ok(match signature {
        Some(signature) => signature.content,
        None if international => String::new(),
        None => member.project.name.clone(),
    })
}

async fn preview_of(
    app: &App,
    member: &Member,
    l: &Layout,
    existing: Option<&SmsTemplate>,
    form: &TemplateApplication,
) -> Result<Preview, WebError> {
    let signature = sample_signature(app, member, form.international).await?;
    let body = form.body();
    let changed = existing.map_or_else(Vec::new, |existing| {
        let fields = [
            compare::text(l.t("apply-name"), &existing.name, &form.name),
            compare::text(l.t("templates-text"), &existing.text, &form.text),
            compare::text(l.t("apply-remark"), &existing.remark, &form.remark),
        ];
        fields.into_iter().flatten().collect()
    });
    Ok(Preview {
        segments: segments_of(&TemplateText::parse(&body), &[]),
        lengths: Lengths::of(&body, &signature, form.international),
        signature: text::bracketed(&signature, form.international),
        added_opt_out: form.added_opt_out().to_owned(),
        changed,
    })
}

/// Shows why it cannot be changed, with what was typed, if a form was posted.
async fn locked(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    existing: &SmsTemplate,
    typed: Option<&TemplateFields>,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(member, app, request, Section::Templates).await?;
    let why = if existing.deleted_at.is_some() { "deleted" } else { existing.status.key() };
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
        vendor_id: existing.template_id.clone(),
        name: existing.name.clone(),
        standing: super::standing(&l, existing),
        why: why.to_owned(),
        typed,
    };
    locked::show(app, member, request, locked).await
}

/// Shows the live preview of the text.
pub async fn preview(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<TemplateFields>,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(&member, &app, &request, Section::Templates).await?;
    let form = form.into_inner().application(None);
    let preview = preview_of(&app, &member, &l, None, &form).await?;
    page::ok(&TemplatePreviewPart { l, preview })
}

/// Shows the live preview with the differences from the existing template.
pub async fn preview_change(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<TemplateFields>,
) -> Result<HttpResponse, WebError> {
    let existing = super::find(&app, &member, &path.1).await?;
    let l = Layout::in_project(&member, &app, &request, Section::Templates).await?;
    let form = form.into_inner().application(Some(&existing));
    let preview = preview_of(&app, &member, &l, Some(&existing), &form).await?;
    page::ok(&TemplatePreviewPart { l, preview })
}
