//! `/signatures/new` and `…/edit`: applying for a signature, and resubmitting a rejected one.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use crate::app::App;
use crate::db::review::applications;
use crate::db::review::files::{self, File};
use crate::db::review::reviewed::{self as rows, Row};
use crate::db::review::signatures::{self, Signature};
use crate::domain::ids::{ApplicationId, FileId};
use crate::domain::review::Subject;
use crate::domain::review::finding::{Document, Finding};
use crate::domain::review::signature::{RequiredFiles, SignatureApplication, SignatureKind};
use crate::domain::text;
use crate::ops::review::apply::{self, Form as SubmittedForm, Submission};
use crate::ops::review::files::{self as file_ops, FileError};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::upload::{Upload, Uploaded};
use crate::web::http::{page, typed};
use crate::web::pages::review::Standing;
use crate::web::pages::review::applications::{self as application_pages, Done, Outcome};
use crate::web::pages::review::compare::{self, Changed, DiffSegment};
use crate::web::pages::review::findings::FieldFindings;
use crate::web::pages::review::locked::{self, Locked};
use crate::web::ui::layout::{Layout, Section};

/// The fields of the form. Each may be missing or invalid.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct SignatureFields {
    content: String,
    full_name: String,
    sig_type: String,
    purpose: String,
    certificate_type: String,
    description: String,
    international: String,
    qualification_id: String,
    scene: String,
    /// Application files that were stored when the form was posted before.
    certificate_id: String,
    proxy_id: String,
    /// The content that the form of a change was opened with.
    seen: Option<String>,
    /// The one-time token.
    form_token: String,
    /// The confirmed warnings.
    confirm: Option<String>,
}

impl SignatureFields {
    fn application(&self) -> SignatureApplication {
        SignatureApplication {
            content: self.content.trim().to_owned(),
            full_name: self.full_name.trim().to_owned(),
            kind: SignatureKind::read(&self.sig_type).unwrap_or(SignatureKind::Company),
            on_behalf: matches!(self.purpose.as_str(), "1" | "on_behalf"),
            description: self.description.trim().to_owned(),
            international: matches!(self.international.as_str(), "1" | "true" | "on"),
            qualification_id: self.qualification_id.trim().to_owned(),
            scene: self.scene.trim().to_owned(),
        }
    }

    /// Returns the findings that concern only the form, not the application.
    fn check(&self) -> Vec<Finding> {
        let document = Some(Document::CreateSignature);
        let wrong =
            |field, key| Finding { field, key, about: String::new(), blocks: true, document };
        let mut findings = Vec::new();
        let kind = SignatureKind::read(&self.sig_type);
        if kind.is_none() && !self.sig_type.is_empty() {
            findings.push(wrong("sig_type", "signature-kind-unknown"));
        }
        let certificate = SignatureKind::read(&self.certificate_type);
        if !self.certificate_type.is_empty() && certificate != kind {
            findings.push(wrong("certificate_type", "certificate-type-other"));
        }
        findings
    }

    fn of(form: &SignatureApplication) -> Self {
        Self {
            content: form.content.clone(),
            full_name: form.full_name.clone(),
            sig_type: form.kind.number().to_string(),
            purpose: u8::from(form.on_behalf).to_string(),
            description: form.description.clone(),
            international: form.international.to_string(),
            qualification_id: form.qualification_id.clone(),
            scene: form.scene.clone(),
            ..Self::default()
        }
    }
}

/// The query parameters: an application to start from, if one did not reach the vendor.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SignatureStart {
    from: Option<ApplicationId>,
}

#[derive(Template)]
#[template(path = "pages/review/signatures/apply/form.html")]
struct SignatureFormPage {
    l: Layout,
    /// The rejected signature; `None` for a first application.
    existing: Option<Signature>,
    standing: Option<Standing>,
    form: SignatureApplication,
    token: Uuid,
    certificate_type: String,
    certificate: Option<File>,
    proxy: Option<File>,
    findings: FieldFindings,
    /// The problem with the last submission.
    outcome: Option<Outcome>,
    changed: Vec<Changed>,
}

impl SignatureFormPage {
    fn action(&self) -> String {
        match &self.existing {
            Some(existing) => self.l.urls.signature_part(&existing.sig_id, "edit"),
            None => self.l.urls.signature("new"),
        }
    }

    fn preview_action(&self) -> String {
        match &self.existing {
            Some(existing) => self.l.urls.signature_part(&existing.sig_id, "preview"),
            None => self.l.urls.signature("preview"),
        }
    }

    fn bracketed(&self) -> String {
        text::bracketed(&self.form.content, self.form.international)
    }
}

#[derive(Template)]
#[template(path = "pages/review/signatures/apply/preview.html")]
struct SignaturePreviewPart {
    l: Layout,
    form: SignatureApplication,
    changed: Vec<Changed>,
}

impl SignaturePreviewPart {
    fn bracketed(&self) -> String {
        text::bracketed(&self.form.content, self.form.international)
    }
}

/// Shows an empty form, or one filled in from an application that did not reach the vendor.
pub async fn new_form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    start: web::Query<SignatureStart>,
) -> Result<HttpResponse, WebError> {
    let fields = match start.from {
        Some(id) => fields_of(&app, &member, id).await?,
        None => SignatureFields::default(),
    };
    let fields = typed::take(&app, &request).unwrap_or(fields);
    show(&app, &member, &request, None, fields, FieldFindings::default(), None).await
}

/// Returns the form fields of an application.
async fn fields_of(
    app: &App,
    member: &Member,
    id: ApplicationId,
) -> Result<SignatureFields, WebError> {
    let application = applications::find(&app.db, member.project.id, id).await?;
    from_application(&application.ok_or(WebError::NotFound)?)
}

fn from_application(application: &applications::Application) -> Result<SignatureFields, WebError> {
    let form: SignatureApplication =
        serde_json::from_value(application.content.clone()).map_err(|_| WebError::NotFound)?;
    let to_text = |id: Option<FileId>| id.map(|id| id.to_string()).unwrap_or_default();
    Ok(SignatureFields {
        certificate_id: to_text(application.certificate_id),
        proxy_id: to_text(application.proxy_id),
        ..SignatureFields::of(&form)
    })
}

/// Shows the form filled in from the last application, with the reason of the rejection on top.
pub async fn edit_form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    start: web::Query<SignatureStart>,
) -> Result<HttpResponse, WebError> {
    let existing = super::find(&app, &member, &path.1).await?;
    if !apply::signature_can_change(&existing) {
        return locked(&app, &member, &request, &existing, None).await;
    }
    let fields = match (start.from, last_application(&app, &existing).await?) {
        (Some(id), _) => fields_of(&app, &member, id).await?,
        (None, Some(last)) => from_application(&last)?,
        (None, None) => SignatureFields::of(&from_signature(&existing)),
    };
    let fields = typed::take(&app, &request).unwrap_or(fields);
    show(&app, &member, &request, Some(existing), fields, FieldFindings::default(), None).await
}

async fn last_application(
    app: &App,
    existing: &Signature,
) -> Result<Option<applications::Application>, WebError> {
    Ok(applications::of(&app.db, Row::Signature(existing.id)).await?.into_iter().next())
}

/// Returns what is known of an imported signature as an application.
fn from_signature(existing: &Signature) -> SignatureApplication {
    SignatureApplication {
        content: existing.content.clone(),
        full_name: String::new(),
        kind: existing.kind.unwrap_or(SignatureKind::Company),
        on_behalf: false,
        description: String::new(),
        international: existing.international,
        qualification_id: String::new(),
        scene: String::new(),
    }
}

/// Checks and submits a first application.
pub async fn submit_new(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Upload<SignatureFields>,
) -> Result<HttpResponse, WebError> {
    let (fields, files) = form.into_inner();
    submit(&app, &member, &request, None, fields, files).await
}

/// Checks and resubmits a rejected application.
pub async fn resubmit(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Upload<SignatureFields>,
) -> Result<HttpResponse, WebError> {
    let existing = super::find(&app, &member, &path.1).await?;
    let (fields, files) = form.into_inner();
    submit(&app, &member, &request, Some(existing), fields, files).await
}

async fn submit(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    existing: Option<Signature>,
    mut fields: SignatureFields,
    files: Vec<Uploaded>,
) -> Result<HttpResponse, WebError> {
    if let Some(href) = application_pages::submitted(app, member, &fields.form_token).await? {
        return Ok(page::see_other(&href));
    }
    let is_outdated = |existing: &&Signature| {
        let seen = fields.seen.as_deref();
        !apply::signature_can_change(existing) || seen.is_some_and(|seen| seen != existing.content)
    };
    if let Some(existing) = existing.as_ref().filter(is_outdated) {
        return locked(app, member, request, existing, Some(&fields)).await;
    }
    let mut findings = fields.check();
    for file in files {
        findings.extend(save_file(app, member, &mut fields, file).await?);
    }
    let application = fields.application();
    let certificate = find_file(app, member, &fields.certificate_id).await?;
    let proxy = find_file(app, member, &fields.proxy_id).await?;
    let files = RequiredFiles {
        certificate: certificate.is_some()
            || findings.iter().any(|finding| finding.field == "certificate"),
        proxy: proxy.is_some() || findings.iter().any(|finding| finding.field == "proxy"),
    };
    let on_behalf = application.on_behalf;
    let sensitive_words = rows::sensitive_words(&app.db, member.project.id).await?;
    findings.extend(application.check(files, &sensitive_words));
    if existing.is_none() {
        findings.extend(same_name(app, member, &application.content).await?);
    }
    let findings = FieldFindings::of(
        &Layout::in_project(member, app, request, Section::Signatures).await?,
        &findings,
    );
    if !findings.may_submit(fields.confirm.as_deref()) {
        return show(app, member, request, existing, fields, findings, None).await;
    }
    let submission = Submission {
        project: member.project.id,
        by: member.person.id,
        ip: peer_ip(request),
        form_token: fields.form_token.parse().unwrap_or_else(|_| Uuid::new_v4()),
        form: match existing.clone() {
            Some(existing) => SubmittedForm::ResubmittedSignature(Box::new(existing), application),
            None => SubmittedForm::Signature(application),
        },
        certificate: certificate.map(|file| file.id),
        // A letter of authority is submitted only for a signature on behalf of somebody else.
        proxy: proxy.filter(|_| on_behalf).map(|file| file.id),
    };
    let done = Done { subject: Subject::Signature, key: "apply-done-signature" };
    match application_pages::submit(app, member, request, submission, done).await? {
        Ok(response) => Ok(response),
        Err(outcome) => {
            fields.form_token = Uuid::new_v4().to_string();
            show(app, member, request, existing, fields, findings, Some(outcome)).await
        }
    }
}

/// Stores a file and puts its id into the form, so that it need not be uploaded again.
async fn save_file(
    app: &App,
    member: &Member,
    fields: &mut SignatureFields,
    file: Uploaded,
) -> Result<Option<Finding>, WebError> {
    let (id_field, field) = match file.field.as_str() {
        "certificate" => (&mut fields.certificate_id, "certificate"),
        "proxy" => (&mut fields.proxy_id, "proxy"),
        _ => return Ok(None),
    };
    let (project, person) = (member.project.id, member.person.id);
    let about = file.name;
    match file_ops::store(app, project, person, &about, &file.content).await {
        Ok(id) => {
            *id_field = id.to_string();
            Ok(None)
        }
        Err(FileError::Problem(problem)) => {
            let (key, document) = (problem.key(), problem.document());
            Ok(Some(Finding { field, key, about, blocks: true, document }))
        }
        Err(FileError::TooMany) => {
            Ok(Some(Finding { field, key: "file-many", about, blocks: true, document: None }))
        }
        Err(error) => Err(application_pages::file_error(error)),
    }
}

/// Returns a file that is not deleted.
async fn find_file(app: &App, member: &Member, id: &str) -> Result<Option<File>, WebError> {
    let Ok(id) = id.parse::<FileId>() else { return Ok(None) };
    let file = files::find(&app.db, member.project.id, id).await?;
    Ok(file.filter(|file| file.deleted_at.is_none()))
}

/// Returns a warning if another signature has the same name, which may be a mistake.
async fn same_name(app: &App, member: &Member, content: &str) -> Result<Option<Finding>, WebError> {
    let other = signatures::same_content(&app.db, member.project.id, content).await?;
    Ok(other.map(|sig_id| Finding {
        field: "content",
        key: "signature-exists",
        about: sig_id,
        blocks: false,
        document: None,
    }))
}

async fn show(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    existing: Option<Signature>,
    fields: SignatureFields,
    findings: FieldFindings,
    outcome: Option<Outcome>,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(member, app, request, Section::Signatures).await?;
    let form = fields.application();
    let is_wrong = !findings.errors().is_empty() || outcome.is_some();
    let page = SignatureFormPage {
        changed: changed(app, &l, existing.as_ref(), &form).await?,
        standing: existing.as_ref().map(|existing| super::standing(&l, existing)),
        certificate: find_file(app, member, &fields.certificate_id).await?,
        proxy: find_file(app, member, &fields.proxy_id).await?,
        token: fields.form_token.parse().unwrap_or_else(|_| Uuid::new_v4()),
        certificate_type: fields.certificate_type,
        existing,
        form,
        findings,
        outcome,
        l,
    };
    if is_wrong { page::unprocessable(&page) } else { page::ok(&page) }
}

/// Returns the fields that differ from the rejected application.
async fn changed(
    app: &App,
    l: &Layout,
    existing: Option<&Signature>,
    form: &SignatureApplication,
) -> Result<Vec<Changed>, WebError> {
    let Some(existing) = existing else { return Ok(Vec::new()) };
    let before = match last_application(app, existing).await? {
        Some(last) => {
            serde_json::from_value(last.content).unwrap_or_else(|_| from_signature(existing))
        }
        None => from_signature(existing),
    };
    let kind = |form: &SignatureApplication| l.t(&format!("signature-kind-{}", form.kind.key()));
    let purpose = |form: &SignatureApplication| {
        l.t(if form.on_behalf { "apply-on-behalf" } else { "apply-own" })
    };
    let fields = [
        compare::text(l.t("signatures-content"), &before.content, &form.content),
        compare::choice(l.t("apply-kind"), kind(&before), kind(form)),
        compare::choice(l.t("apply-purpose"), purpose(&before), purpose(form)),
        compare::text(l.t("apply-description"), &before.description, &form.description),
        compare::text(l.t("apply-scene"), &before.scene, &form.scene),
    ];
    Ok(fields.into_iter().flatten().collect())
}

/// Shows why it cannot be changed, with what was typed, if a form was posted.
async fn locked(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    existing: &Signature,
    typed: Option<&SignatureFields>,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(member, app, request, Section::Signatures).await?;
    let why = if existing.deleted_at.is_some() { "deleted" } else { existing.status.key() };
    let typed = typed.map_or_else(Vec::new, |fields| {
        vec![
            ("signatures-content", fields.content.clone()),
            ("apply-description", fields.description.clone()),
            ("apply-scene", fields.scene.clone()),
        ]
    });
    let locked = Locked {
        subject: Subject::Signature,
        vendor_id: existing.sig_id.clone(),
        name: text::bracketed(&existing.content, existing.international),
        standing: super::standing(&l, existing),
        why: why.to_owned(),
        typed,
    };
    locked::show(app, member, request, locked).await
}

/// Shows the live preview: the signature in front of a sample text.
pub async fn preview(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<SignatureFields>,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(&member, &app, &request, Section::Signatures).await?;
    page::ok(&SignaturePreviewPart {
        l,
        form: form.into_inner().application(),
        changed: Vec::new(),
    })
}

/// Shows the live preview with the differences from the rejected application.
pub async fn preview_change(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<SignatureFields>,
) -> Result<HttpResponse, WebError> {
    let existing = super::find(&app, &member, &path.1).await?;
    let l = Layout::in_project(&member, &app, &request, Section::Signatures).await?;
    let form = form.into_inner().application();
    let changed = changed(&app, &l, Some(&existing), &form).await?;
    page::ok(&SignaturePreviewPart { l, form, changed })
}
