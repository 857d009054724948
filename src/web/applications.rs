//! `/applications/{id}`: what was handed in once, and what is known of the call; and what handing in
//! came to, for the forms.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::error::WebError;
use super::form::{Form, peer_address};
use super::layout::{Layout, Section};
use super::member::Member;
use super::moment::Moment;
use super::reviewed::compare::{self, Changed, Piece};
use super::reviewed::name_of;
use super::{flash, page};
use crate::app::App;
use crate::db::applications::{self, Application, ApplicationState};
use crate::db::reviewed::Row;
use crate::db::{signatures, sms_templates};
use crate::domain::call_problem::CallProblem;
use crate::domain::ids::ApplicationId;
use crate::domain::review::Subject;
use crate::domain::role::Permission;
use crate::ops::apply::in_doubt::{self, CheckOutcome};
use crate::ops::apply::{self, ApplyError, Submission, SubmitOutcome};
use crate::ops::credentials::CredentialsError;
use crate::ops::files::FileError;

/// What the vendor answered to a form, to be shown over it.
#[derive(Debug)]
pub struct Outcome {
    /// In one line.
    pub title: String,
    /// What to do.
    pub advice: String,
    /// Where to look, if somewhere.
    pub link: Option<(String, String)>,
}

/// What is said when the vendor took it.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// For what.
    pub subject: Subject,
    /// The key of the sentence.
    pub key: &'static str,
}

/// Hands in and leads on, or answers what to show over the form.
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
        Ok(SubmitOutcome::Taken(vendor_id)) => {
            Ok(said(request, member, done.key, &urls.reviewed(done.subject, &vendor_id)))
        }
        Ok(SubmitOutcome::Already(id)) => {
            Ok(said(request, member, "apply-already", &address(app, member, id).await?))
        }
        Ok(SubmitOutcome::InDoubt(id)) => Ok(page::see_other(&urls.application(id))),
        Ok(SubmitOutcome::Refused { ret_code, words: said }) => {
            let advice = texts
                .try_t(&format!("ret-{ret_code}-do"))
                .unwrap_or_else(|| texts.t("apply-refused-advice"));
            let values = [("words", said.into()), ("code", ret_code.to_string().into())];
            Err(Outcome { title: texts.with("import-refused", &values), advice, link: None })
        }
        Ok(SubmitOutcome::NotTaken(why)) => {
            Err(Outcome { title: problem(texts, &why), ..plain("apply-not-taken", "apply-again") })
        }
        Err(ApplyError::NotNow) => Err(plain("apply-not-now", "apply-not-now-advice")),
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

/// The vendor's texts, or ours where it said nothing.
fn problem(texts: super::i18n::Texts, why: &str) -> String {
    match CallProblem::read(why) {
        Some(problem) => texts.t(&format!("batch-problem-{}", problem.key())),
        None => texts.with("review-vendor-says", &[("words", why.to_owned().into())]),
    }
}

/// A file that cannot be kept or opened.
pub fn file_error(error: FileError) -> WebError {
    match error {
        FileError::Problem(_) => WebError::BadRequest,
        FileError::Gone => WebError::NotFound,
        FileError::Sealed(why) => WebError::Internal(why.to_string()),
        FileError::Database(error) => WebError::Database(error),
    }
}

/// Says a sentence there.
pub fn said(request: &HttpRequest, member: &Member, key: &str, there: &str) -> HttpResponse {
    flash::say(request, &member.texts(request).t(key));
    page::see_other(there)
}

/// Where the application of this very form is shown, if it was handed in before.
pub async fn submitted(
    app: &App,
    member: &Member,
    form_token: &str,
) -> Result<Option<String>, WebError> {
    let Ok(token) = form_token.parse() else { return Ok(None) };
    let (project, person) = (member.project.id, member.person.id);
    match applications::by_form_token(&app.db, project, person, token).await? {
        Some(id) => Ok(Some(address(app, member, id).await?)),
        None => Ok(None),
    }
}

/// Where an application is shown: on the page of what it is about, if that is known.
async fn address(app: &App, member: &Member, id: ApplicationId) -> Result<String, WebError> {
    let found = applications::find(&app.db, member.project.id, id).await?;
    let found = found.ok_or(WebError::NotFound)?;
    let known = match found.state {
        ApplicationState::Taken => subject_address(app, member, &found).await?,
        _ => None,
    };
    Ok(known.unwrap_or_else(|| member.urls().application(id)))
}

async fn subject_address(
    app: &App,
    member: &Member,
    one: &Application,
) -> Result<Option<String>, WebError> {
    let (project, urls) = (member.project.id, member.urls());
    Ok(match one.row() {
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
#[template(path = "review/application.html")]
struct OnePage {
    l: Layout,
    one: Application,
    name: String,
    at: Moment,
    why: String,
    about: Option<String>,
    list: (String, String),
    again: String,
    import: String,
    rows: Vec<(String, String)>,
    changed: Vec<Changed>,
    may_send: bool,
}

/// One application.
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
    let l = member.layout(&app, &request, section).await?;
    let list = l.urls.all_reviewed(found.subject);
    let title = match found.subject {
        Subject::Signature => l.t("signatures-title"),
        Subject::Template => l.t("templates-title"),
    };
    let about = subject_address(&app, &member, &found).await?;
    let form = match &about {
        Some(about) => format!("{about}/edit"),
        None => l.urls.reviewed(found.subject, "new"),
    };
    let page = OnePage {
        at: l.moment(found.id),
        name: name_of(&found),
        why: trouble_or_words(&l, &found),
        again: super::urls::with_query(&form, &[("from", &found.id.to_string())]),
        about,
        import: l.urls.reviewed(found.subject, "import"),
        rows: rows(&l, &found),
        changed: changed(&app, &l, &found).await?,
        list: (list, title),
        may_send: member.may(Permission::Send),
        one: found,
        l,
    };
    page::ok(&page)
}

fn trouble_or_words(l: &Layout, one: &Application) -> String {
    match (CallProblem::read(&one.vendor_message), one.ret_code) {
        (Some(_), _) => problem(l.texts, &one.vendor_message),
        (None, _) if one.vendor_message.is_empty() => String::new(),
        (None, Some(code)) => l.with(
            "import-refused",
            &[("words", one.vendor_message.as_str().into()), ("code", code.to_string().into())],
        ),
        (None, None) => problem(l.texts, &one.vendor_message),
    }
}

/// The texts of the form, with their words.
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

fn written<'a>(one: &'a Application, field: &str) -> &'a str {
    one.content[field].as_str().unwrap_or_default()
}

/// The form as it was handed in.
fn rows(l: &Layout, one: &Application) -> Vec<(String, String)> {
    fields(one.subject)
        .iter()
        .map(|(field, word)| (l.t(word), written(one, field).to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// What changed against the application before, if this one mends something.
async fn changed(app: &App, l: &Layout, one: &Application) -> Result<Vec<Changed>, WebError> {
    let Some(row) = one.row().filter(|_| one.is_resubmission) else { return Ok(Vec::new()) };
    let all = applications::of(&app.db, row).await?;
    let Some(before) = all.iter().find(|other| other.id < one.id) else { return Ok(Vec::new()) };
    let fields = fields(one.subject).iter();
    let texts = fields
        .map(|(field, word)| compare::text(l.t(word), written(before, field), written(one, field)));
    Ok(texts.flatten().collect())
}

/// What a person does about an application in doubt.
#[derive(Debug, Deserialize)]
pub struct Decided {
    #[serde(default)]
    decision: String,
}

/// Looks at the vendor now, or gives the application up.
pub async fn decide(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, ApplicationId)>,
    form: Form<Decided>,
) -> Result<HttpResponse, WebError> {
    let (project, id) = (member.project.id, path.1);
    let there = member.urls().application(id);
    if form.into_inner().decision == "give_up" {
        let address = peer_address(&request);
        let given = in_doubt::give_up(&app, project, id, member.person.id, &address).await?;
        let key = if given { "apply-given-up" } else { "apply-settled" };
        return Ok(said(&request, &member, key, &there));
    }
    let key = match in_doubt::look(&app, project, id).await {
        Ok(CheckOutcome::Taken) => "apply-check-taken",
        Ok(CheckOutcome::NotTaken) => "apply-check-not-taken",
        Ok(CheckOutcome::Later) => "apply-check-later",
        Ok(CheckOutcome::Person) => "apply-check-person",
        Err(error) => {
            flash::say(&request, &super::import::why_not(member.texts(&request), error)?);
            return Ok(page::see_other(&there));
        }
    };
    let known = address(&app, &member, id).await?;
    Ok(said(&request, &member, key, &known))
}
