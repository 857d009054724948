//! `/signatures/new` and `…/edit`: applying for a signature, and mending a rejected one.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use crate::app::App;
use crate::db::applications;
use crate::db::files::{self, File};
use crate::db::reviewed::{self as rows, Row};
use crate::db::signatures::{self, Signature};
use crate::domain::finding::Finding;
use crate::domain::ids::{ApplicationId, FileId};
use crate::domain::review::Subject;
use crate::domain::signature::{RequiredFiles, SignatureApplication, SignatureKind};
use crate::domain::text;
use crate::ops::apply::{self, Form as SubmittedForm, Submission};
use crate::ops::files::{self as file_ops, FileError};
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
use crate::web::upload::{Upload, Uploaded};

/// What the form posts. Every field may be missing or wrong.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Fields {
    content: String,
    sig_type: String,
    purpose: String,
    certificate_type: String,
    description: String,
    international: String,
    qualification_id: String,
    scene: String,
    /// Files that came with an earlier press.
    certificate_id: String,
    proxy_id: String,
    /// The one-time token.
    form_token: String,
    /// The person's yes to what a reviewer may not like.
    confirm: Option<String>,
}

impl Fields {
    fn application(&self) -> SignatureApplication {
        SignatureApplication {
            content: self.content.trim().to_owned(),
            kind: SignatureKind::read(&self.sig_type).unwrap_or(SignatureKind::Company),
            on_behalf: matches!(self.purpose.as_str(), "1" | "on_behalf"),
            description: self.description.trim().to_owned(),
            international: matches!(self.international.as_str(), "1" | "true" | "on"),
            qualification_id: self.qualification_id.trim().to_owned(),
            scene: self.scene.trim().to_owned(),
        }
    }

    /// What the form says that no check of the application can see.
    fn check(&self) -> Vec<Finding> {
        let wrong = |field, key| Finding { field, key, about: String::new(), blocks: true };
        let mut found = Vec::new();
        let kind = SignatureKind::read(&self.sig_type);
        if kind.is_none() && !self.sig_type.is_empty() {
            found.push(wrong("sig_type", "signature-kind-unknown"));
        }
        let certificate = SignatureKind::read(&self.certificate_type);
        if !self.certificate_type.is_empty() && certificate != kind {
            found.push(wrong("certificate_type", "certificate-type-other"));
        }
        found
    }

    fn of(form: &SignatureApplication) -> Self {
        Self {
            content: form.content.clone(),
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

/// The address may name an application to begin from: one that did not arrive.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Start {
    from: Option<ApplicationId>,
}

#[derive(Template)]
#[template(path = "review/signature_form.html")]
struct FormPage {
    l: Layout,
    /// What is mended; `None` for a first application.
    known: Option<Signature>,
    standing: Option<Standing>,
    form: SignatureApplication,
    token: Uuid,
    certificate_type: String,
    certificate: Option<File>,
    proxy: Option<File>,
    findings: FieldFindings,
    /// What the vendor answered to the last press.
    outcome: Option<Outcome>,
    changed: Vec<Changed>,
}

impl FormPage {
    fn action(&self) -> String {
        match &self.known {
            Some(known) => self.l.urls.signature_part(&known.sig_id, "edit"),
            None => self.l.urls.signature("new"),
        }
    }

    fn preview_action(&self) -> String {
        match &self.known {
            Some(known) => self.l.urls.signature_part(&known.sig_id, "preview"),
            None => self.l.urls.signature("preview"),
        }
    }

    fn shown(&self) -> String {
        text::bracketed(&self.form.content, self.form.international)
    }
}

#[derive(Template)]
#[template(path = "review/signature_preview.html")]
struct PreviewPart {
    l: Layout,
    form: SignatureApplication,
    changed: Vec<Changed>,
}

impl PreviewPart {
    fn shown(&self) -> String {
        text::bracketed(&self.form.content, self.form.international)
    }
}

/// The empty form, or one that begins from an application that did not arrive.
pub async fn new_form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    start: web::Query<Start>,
) -> Result<HttpResponse, WebError> {
    let fields = match start.from {
        Some(id) => begun(&app, &member, id).await?,
        None => Fields::default(),
    };
    show(&app, &member, &request, None, fields, FieldFindings::default(), None).await
}

/// What an application that did not arrive had.
async fn begun(app: &App, member: &Member, id: ApplicationId) -> Result<Fields, WebError> {
    let found = applications::find(&app.db, member.project.id, id).await?;
    from_application(&found.ok_or(WebError::NotFound)?)
}

fn from_application(found: &applications::Application) -> Result<Fields, WebError> {
    let form: SignatureApplication =
        serde_json::from_value(found.content.clone()).map_err(|_| WebError::NotFound)?;
    let written = |id: Option<FileId>| id.map(|id| id.to_string()).unwrap_or_default();
    Ok(Fields {
        certificate_id: written(found.certificate_id),
        proxy_id: written(found.proxy_id),
        ..Fields::of(&form)
    })
}

/// The form filled with what was handed in last, the reason on top.
pub async fn edit_form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    start: web::Query<Start>,
) -> Result<HttpResponse, WebError> {
    let known = super::find(&app, &member, &path.1).await?;
    if !apply::signature_can_change(&known) {
        return locked(&app, &member, &request, &known, None).await;
    }
    let fields = match (start.from, last_handed_in(&app, &known).await?) {
        (Some(id), _) => begun(&app, &member, id).await?,
        (None, Some(last)) => from_application(&last)?,
        (None, None) => Fields::of(&described(&known)),
    };
    show(&app, &member, &request, Some(known), fields, FieldFindings::default(), None).await
}

async fn last_handed_in(
    app: &App,
    known: &Signature,
) -> Result<Option<applications::Application>, WebError> {
    Ok(applications::of(&app.db, Row::Signature(known.id)).await?.into_iter().next())
}

/// What is known of one that was imported.
fn described(known: &Signature) -> SignatureApplication {
    SignatureApplication {
        content: known.content.clone(),
        kind: known.kind.unwrap_or(SignatureKind::Company),
        on_behalf: false,
        description: String::new(),
        international: known.international,
        qualification_id: String::new(),
        scene: String::new(),
    }
}

/// Checks and hands in a first application.
pub async fn submit_new(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Upload<Fields>,
) -> Result<HttpResponse, WebError> {
    let (fields, files) = form.into_inner();
    submit(&app, &member, &request, None, fields, files).await
}

/// Checks and hands in a rejected one again.
pub async fn resubmit(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Upload<Fields>,
) -> Result<HttpResponse, WebError> {
    let known = super::find(&app, &member, &path.1).await?;
    let (fields, files) = form.into_inner();
    submit(&app, &member, &request, Some(known), fields, files).await
}

async fn submit(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    known: Option<Signature>,
    mut fields: Fields,
    files: Vec<Uploaded>,
) -> Result<HttpResponse, WebError> {
    if let Some(there) = application_pages::submitted(app, member, &fields.form_token).await? {
        return Ok(page::see_other(&there));
    }
    if let Some(known) = known.as_ref().filter(|known| !apply::signature_can_change(known)) {
        return locked(app, member, request, known, Some(&fields)).await;
    }
    let mut findings = fields.check();
    for file in files {
        findings.extend(keep_file(app, member, &mut fields, file).await?);
    }
    let application = fields.application();
    let certificate = kept(app, member, &fields.certificate_id).await?;
    let proxy = kept(app, member, &fields.proxy_id).await?;
    let files = RequiredFiles {
        certificate: certificate.is_some() || findings.iter().any(|one| one.field == "certificate"),
        proxy: proxy.is_some() || findings.iter().any(|one| one.field == "proxy"),
    };
    let on_behalf = application.on_behalf;
    let words = rows::sensitive_words(&app.db, member.project.id).await?;
    findings.extend(application.check(files, &words));
    if known.is_none() {
        findings.extend(twice(app, member, &application.content).await?);
    }
    let findings =
        FieldFindings::of(&member.layout(app, request, Section::Signatures).await?, &findings);
    if !findings.let_through(fields.confirm.as_deref()) {
        return show(app, member, request, known, fields, findings, None).await;
    }
    let submission = Submission {
        project: member.project.id,
        by: member.person.id,
        address: peer_address(request),
        form_token: fields.form_token.parse().unwrap_or_else(|_| Uuid::new_v4()),
        form: match known.clone() {
            Some(known) => SubmittedForm::ResubmittedSignature(Box::new(known), application),
            None => SubmittedForm::Signature(application),
        },
        certificate: certificate.map(|file| file.id),
        // A letter that was brought for somebody else's name does not go along with one's own.
        proxy: proxy.filter(|_| on_behalf).map(|file| file.id),
    };
    let done = Done { subject: Subject::Signature, key: "apply-done-signature" };
    match application_pages::submit(app, member, request, submission, done).await? {
        Ok(response) => Ok(response),
        Err(outcome) => {
            fields.form_token = Uuid::new_v4().to_string();
            show(app, member, request, known, fields, findings, Some(outcome)).await
        }
    }
}

/// Keeps a file and names it in the form, so that another press need not bring it again.
async fn keep_file(
    app: &App,
    member: &Member,
    fields: &mut Fields,
    file: Uploaded,
) -> Result<Option<Finding>, WebError> {
    let (place, field) = match file.field.as_str() {
        "certificate" => (&mut fields.certificate_id, "certificate"),
        "proxy" => (&mut fields.proxy_id, "proxy"),
        _ => return Ok(None),
    };
    match file_ops::keep(app, member.project.id, member.person.id, &file.name, &file.content).await
    {
        Ok(id) => {
            *place = id.to_string();
            Ok(None)
        }
        Err(FileError::Problem(problem)) => {
            Ok(Some(Finding { field, key: problem.key(), about: file.name, blocks: true }))
        }
        Err(error) => Err(application_pages::file_error(error)),
    }
}

/// A file that is still there.
async fn kept(app: &App, member: &Member, id: &str) -> Result<Option<File>, WebError> {
    let Ok(id) = id.parse::<FileId>() else { return Ok(None) };
    let file = files::find(&app.db, member.project.id, id).await?;
    Ok(file.filter(|file| file.deleted_at.is_none()))
}

/// Another with the same name, which may be a mistake.
async fn twice(app: &App, member: &Member, content: &str) -> Result<Option<Finding>, WebError> {
    let other = signatures::same_content(&app.db, member.project.id, content).await?;
    Ok(other.map(|sig_id| Finding {
        field: "content",
        key: "signature-exists",
        about: sig_id,
        blocks: false,
    }))
}

async fn show(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    known: Option<Signature>,
    fields: Fields,
    findings: FieldFindings,
    outcome: Option<Outcome>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(app, request, Section::Signatures).await?;
    let form = fields.application();
    let bad = !findings.blocking().is_empty() || outcome.is_some();
    let page = FormPage {
        changed: changed(app, &l, known.as_ref(), &form).await?,
        standing: known.as_ref().map(|known| super::standing(&l, known)),
        certificate: kept(app, member, &fields.certificate_id).await?,
        proxy: kept(app, member, &fields.proxy_id).await?,
        token: fields.form_token.parse().unwrap_or_else(|_| Uuid::new_v4()),
        certificate_type: fields.certificate_type,
        known,
        form,
        findings,
        outcome,
        l,
    };
    if bad { page::unprocessable(&page) } else { page::ok(&page) }
}

/// The fields that differ from what was rejected.
async fn changed(
    app: &App,
    l: &Layout,
    known: Option<&Signature>,
    form: &SignatureApplication,
) -> Result<Vec<Changed>, WebError> {
    let Some(known) = known else { return Ok(Vec::new()) };
    let before = match last_handed_in(app, known).await? {
        Some(last) => serde_json::from_value(last.content).unwrap_or_else(|_| described(known)),
        None => described(known),
    };
    let kind = |one: &SignatureApplication| l.t(&format!("signature-kind-{}", one.kind.key()));
    let purpose = |one: &SignatureApplication| {
        l.t(if one.on_behalf { "apply-on-behalf" } else { "apply-own" })
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

/// Why it cannot be changed; with what was typed, if something was.
async fn locked(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    known: &Signature,
    typed: Option<&Fields>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(app, request, Section::Signatures).await?;
    let why = if known.deleted_at.is_some() { "deleted" } else { known.status.key() };
    let typed = typed.map_or_else(Vec::new, |fields| {
        vec![
            ("signatures-content", fields.content.clone()),
            ("apply-description", fields.description.clone()),
            ("apply-scene", fields.scene.clone()),
        ]
    });
    let locked = Locked {
        subject: Subject::Signature,
        vendor_id: known.sig_id.clone(),
        name: text::bracketed(&known.content, known.international),
        standing: super::standing(&l, known),
        why: why.to_owned(),
        typed,
    };
    locked::show(app, member, request, locked).await
}

/// The name as it will stand in front of a text, while it is being written.
pub async fn preview(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<Fields>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Signatures).await?;
    page::ok(&PreviewPart { l, form: form.into_inner().application(), changed: Vec::new() })
}

/// The same, with what changed against the rejected one.
pub async fn preview_change(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<Fields>,
) -> Result<HttpResponse, WebError> {
    let known = super::find(&app, &member, &path.1).await?;
    let l = member.layout(&app, &request, Section::Signatures).await?;
    let form = form.into_inner().application();
    let changed = changed(&app, &l, Some(&known), &form).await?;
    page::ok(&PreviewPart { l, form, changed })
}
