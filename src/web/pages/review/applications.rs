//! `/applications/{id}`: an application as it was submitted, and what is known of the call. Also
//! submits applications for the forms of signatures and templates.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::compare::{self, Changed, DiffSegment};
use crate::app::App;
use crate::db::review::applications::{self, Application, ApplicationState};
use crate::db::review::reviewed::Row;
use crate::db::review::{signatures, sms_templates};
use crate::domain::accounts::role::Permission;
use crate::domain::ids::ApplicationId;
use crate::domain::review::Subject;
use crate::domain::sending::call_problem::CallProblem;
use crate::ops::credentials::CredentialsError;
use crate::ops::review::apply::in_doubt::{self, CheckOutcome};
use crate::ops::review::apply::{self, ApplyError, Submission, SubmitOutcome};
use crate::ops::review::files::FileError;
use crate::ops::sending::slots::Patience;
use crate::web::http::error::WebError;
use crate::web::http::flash::redirect_with_flash;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::{flash, page};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::Moment;
use crate::web::ui::open_applications::name_of;

/// Why an application was not accepted, as shown above its form.
#[derive(Debug)]
pub struct Outcome {
    /// What happened, in one line.
    pub title: String,
    /// What to do.
    pub advice: String,
    /// A link with its label, if there is more to see.
    pub link: Option<(String, String)>,
}

/// The flash message after the vendor has accepted an application.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// What was applied for.
    pub subject: Subject,
    /// The text key of the message.
    pub key: &'static str,
}

/// Submits an application. Returns where to go next, or what to show above the form.
///
/// # Errors
///
/// [`WebError::FormExpired`] if another application was already submitted with this form.
pub async fn submit(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    submission: Submission,
    done: Done,
) -> Result<Result<HttpResponse, Outcome>, WebError> {
    let texts = member.texts(request);
    let urls = member.urls();
    let plain = |title: &str, advice: &str| Outcome {
        title: texts.t(title),
        advice: texts.t(advice),
        link: None,
    };
    Ok(match apply::submit(app, submission).await {
        Ok(SubmitOutcome::Taken(vendor_id)) => Ok(redirect_with_flash(
            request,
            member,
            done.key,
            &urls.reviewed(done.subject, &vendor_id),
        )),
        Ok(SubmitOutcome::Already(id)) => Ok(redirect_with_flash(
            request,
            member,
            "apply-already",
            &application_href(app, member, id).await?,
        )),
        Ok(SubmitOutcome::InDoubt(id)) => Ok(page::see_other(&urls.application(id))),
        Ok(SubmitOutcome::Refused { ret_code, words: vendor_message }) => {
            let advice = texts
                .try_t(&format!("ret-{ret_code}-do"))
                .unwrap_or_else(|| texts.t("apply-refused-advice"));
            let values = [("words", vendor_message.into()), ("code", ret_code.to_string().into())];
            Err(Outcome { title: texts.with("import-refused", &values), advice, link: None })
        }
        Ok(SubmitOutcome::NotTaken(why)) => Err(Outcome {
            title: problem_text(texts, &why),
            ..plain("apply-not-taken", "apply-again")
        }),
        Err(ApplyError::NotNow) => Err(plain("apply-not-now", "apply-not-now-advice")),
        Err(ApplyError::Halted) => Err(plain("apply-halted", "apply-halted-advice")),
        Err(ApplyError::Doubtful(id)) => Err(Outcome {
            link: Some((urls.application(id), texts.t("apply-in-doubt-check"))),
            ..plain("apply-in-doubt", "apply-in-doubt-advice")
        }),
        Err(ApplyError::Credentials(CredentialsError::Sealed(_))) => {
            Err(plain("apply-not-taken", "import-sealed"))
        }
        Err(ApplyError::FormUsed) => return Err(WebError::FormExpired),
        Err(ApplyError::AttachedFile(error)) => return Err(file_error(error)),
        Err(
            ApplyError::Credentials(CredentialsError::Database(error))
            | ApplyError::Database(error),
        ) => return Err(error.into()),
        Err(ApplyError::Broken(why)) => return Err(WebError::Internal(why)),
    })
}

/// Returns the text of a call problem, or else the vendor message.
fn problem_text(texts: crate::web::http::i18n::Texts, stored: &str) -> String {
    match CallProblem::read(stored) {
        Some(problem) => crate::web::ui::call_text::problem_text(texts, problem),
        None => texts.with("review-vendor-says", &[("words", stored.to_owned().into())]),
    }
}

/// Converts the error of an application file that cannot be stored or opened.
pub fn file_error(error: FileError) -> WebError {
    match error {
        FileError::Problem(_) | FileError::TooMany => WebError::BadRequest,
        FileError::Gone => WebError::NotFound,
        FileError::Sealed(why) => WebError::Internal(why.to_string()),
        FileError::Database(error) => WebError::Database(error),
    }
}

/// Returns the page of the application that was already submitted with this form token, if any.
pub async fn submitted(
    app: &App,
    member: &Member,
    form_token: &str,
) -> Result<Option<String>, WebError> {
    let Ok(token) = form_token.parse() else { return Ok(None) };
    let (project, person) = (member.project.id, member.person.id);
    match applications::by_form_token(&app.db, project, person, token).await? {
        Some(id) => Ok(Some(application_href(app, member, id).await?)),
        None => Ok(None),
    }
}

/// Returns the page that shows an application: its subject's own page if that is known.
async fn application_href(
    app: &App,
    member: &Member,
    id: ApplicationId,
) -> Result<String, WebError> {
    let found = applications::find(&app.db, member.project.id, id).await?;
    let found = found.ok_or(WebError::NotFound)?;
    let known = match found.state {
        ApplicationState::Taken => subject_href(app, member, &found).await?,
        _ => None,
    };
    Ok(known.unwrap_or_else(|| member.urls().application(id)))
}

async fn subject_href(
    app: &App,
    member: &Member,
    application: &Application,
) -> Result<Option<String>, WebError> {
    let (project, urls) = (member.project.id, member.urls());
    Ok(match application.row() {
        Some(Row::Signature(id)) => signatures::by_id(&app.db, project, id)
            .await?
            .map(|known| urls.signature(&known.sig_id)),
        Some(Row::Template(id)) => sms_templates::by_id(&app.db, project, id)
            .await?
            .map(|known| urls.template(&known.template_id)),
        None => None,
    })
}

#[derive(Template)]
#[template(path = "pages/review/applications.html")]
struct ApplicationPage {
    l: Layout,
    application: Application,
    name: String,
    at: Moment,
    reason: String,
    about: Option<String>,
    list: (String, String),
    again: String,
    import: String,
    rows: Vec<(String, String)>,
    changed: Vec<Changed>,
    may_send: bool,
}

/// `/applications/{id}`: one application.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, ApplicationId)>,
) -> Result<HttpResponse, WebError> {
    let found = applications::find(&app.db, member.project.id, path.1).await?;
    let found = found.ok_or(WebError::NotFound)?;
    let section = match found.subject {
        Subject::Signature => Section::Signatures,
        Subject::Template => Section::Templates,
    };
    let l = Layout::in_project(&member, &app, &request, section).await?;
    let list = l.urls.all_reviewed(found.subject);
    let title = match found.subject {
        Subject::Signature => l.t("signatures-title"),
        Subject::Template => l.t("templates-title"),
    };
    let about = subject_href(&app, &member, &found).await?;
    let form = match &about {
        Some(about) => format!("{about}/edit"),
        None => l.urls.reviewed(found.subject, "new"),
    };
    let page = ApplicationPage {
        at: l.moment(found.id),
        name: name_of(&found),
        reason: failure_reason(&l, &found),
        again: crate::web::http::urls::with_query(&form, &[("from", &found.id.to_string())]),
        about,
        import: l.urls.reviewed(found.subject, "import"),
        rows: rows(&l, &found),
        changed: changed(&app, &l, &found).await?,
        list: (list, title),
        may_send: member.may(Permission::Send),
        application: found,
        l,
    };
    page::ok(&page)
}

fn failure_reason(l: &Layout, application: &Application) -> String {
    match (CallProblem::read(&application.vendor_message), application.ret_code) {
        (Some(_), _) => problem_text(l.texts, &application.vendor_message),
        (None, _) if application.vendor_message.is_empty() => String::new(),
        (None, Some(code)) => l.with(
            "import-refused",
            &[
                ("words", application.vendor_message.as_str().into()),
                ("code", code.to_string().into()),
            ],
        ),
        (None, None) => problem_text(l.texts, &application.vendor_message),
    }
}

/// Returns the fields of the form with the text keys of their labels.
fn fields(subject: Subject) -> &'static [(&'static str, &'static str)] {
    match subject {
        Subject::Signature => &[
            ("content", "signatures-content"),
            ("description", "apply-description"),
            ("scene", "apply-scene"),
        ],
        Subject::Template => &[
            ("name", "apply-name"),
            ("text", "templates-text"),
            ("unsubscribe", "apply-unsubscribe"),
            ("instruction", "apply-instruction"),
            ("remark", "apply-remark"),
        ],
    }
}

fn field_value<'a>(application: &'a Application, field: &str) -> &'a str {
    application.content[field].as_str().unwrap_or_default()
}

/// Returns the form as it was submitted: labels with values.
fn rows(l: &Layout, application: &Application) -> Vec<(String, String)> {
    fields(application.subject)
        .iter()
        .map(|(field, label)| (l.t(label), field_value(application, field).to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Returns what a resubmission changed against the application before it.
async fn changed(
    app: &App,
    l: &Layout,
    application: &Application,
) -> Result<Vec<Changed>, WebError> {
    let Some(row) = application.row().filter(|_| application.is_resubmission) else {
        return Ok(Vec::new());
    };
    let all = applications::of(&app.db, row).await?;
    let Some(before) = all.iter().find(|other| other.id < application.id) else {
        return Ok(Vec::new());
    };
    let fields = fields(application.subject).iter();
    let texts = fields.map(|(field, label)| {
        let now = field_value(application, field);
        compare::text(l.t(label), field_value(before, field), now)
    });
    Ok(texts.flatten().collect())
}

/// The form of [`decide`].
#[derive(Debug, Deserialize)]
pub struct DecisionForm {
    #[serde(default)]
    decision: String,
}

/// Decides about an application in doubt: checks it with the vendor now, or gives it up.
pub async fn decide(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, ApplicationId)>,
    form: Form<DecisionForm>,
) -> Result<HttpResponse, WebError> {
    let (project, id) = (member.project.id, path.1);
    let href = member.urls().application(id);
    if form.into_inner().decision == "give_up" {
        let ip = peer_ip(&request);
        let given_up = in_doubt::give_up(&app, project, id, member.person.id, &ip).await?;
        let key = if given_up { "apply-given-up" } else { "apply-settled" };
        return Ok(redirect_with_flash(&request, &member, key, &href));
    }
    let key = match in_doubt::look(&app, project, id, Some(Patience::of_look_up())).await {
        Ok(CheckOutcome::Taken) => "apply-check-taken",
        Ok(CheckOutcome::NotTaken) => "apply-check-not-taken",
        Ok(CheckOutcome::Later) => "apply-check-later",
        Ok(CheckOutcome::Person) => "apply-check-person",
        Err(error) => {
            flash::say(&request, &super::import::lookup_error_text(member.texts(&request), error)?);
            return Ok(page::see_other(&href));
        }
    };
    let href = application_href(&app, &member, id).await?;
    Ok(redirect_with_flash(&request, &member, key, &href))
}
