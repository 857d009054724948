//! Import by id, since the vendor has no list: what signatures and templates have in common.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use super::components::Status;
use super::error::WebError;
use super::form::Form;
use super::i18n::Texts;
use super::layout::Layout;
use super::member::Member;
use super::page;
use super::reviewed::{Kind, section};
use crate::app::App;
use crate::domain::review::Subject;
use crate::ops::credentials::CredentialsError;
use crate::ops::review;
use crate::ops::review::{LookupError, Seen};
use crate::usms::CallError;

/// Ids taken at once: each is a call.
const MAX: usize = 500;
/// Looked up side by side.
const AT_ONCE: usize = 8;
/// No id or signature is longer.
const MAX_ID_LENGTH: usize = 64;

#[derive(Template)]
#[template(path = "review/import.html")]
struct ImportPage {
    l: Layout,
    title: String,
    lead: String,
    list: (String, String),
    action: String,
    ids: String,
    answers: Vec<Answer>,
    problem: Option<String>,
}

/// The form that asks for ids.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, section(subject)).await?;
    page::ok(&import_page(l, subject, String::new(), Vec::new(), None))
}

/// Looks each id (or signature) up and keeps it, or says why not.
pub async fn import(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
    form: Form<Ids>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, section(subject)).await?;
    let typed = form.into_inner().ids;
    let wanted = match lines(&l, &typed) {
        Ok(wanted) => wanted,
        Err(problem) => {
            let page = import_page(l, subject, typed, Vec::new(), Some(problem));
            return page::unprocessable(&page);
        }
    };
    let (project, by) = (member.project.id, Some(member.person.id));
    let answers: Vec<Answer> = stream::iter(wanted)
        .map(|one| async {
            let found = match subject {
                Subject::Signature => review::look_up_signature(&app, project, &one, by).await,
                Subject::Template => review::look_up_template(&app, project, &one, by).await,
            };
            Answer::of(&l, one, found)
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let left = not_found(&answers);
    page::ok(&import_page(l, subject, left, answers, None))
}

fn import_page(
    l: Layout,
    subject: Subject,
    ids: String,
    answers: Vec<Answer>,
    problem: Option<String>,
) -> ImportPage {
    let (title, lead, list) = match subject {
        Subject::Signature => ("signatures-import", "signatures-import-lead", "signatures-title"),
        Subject::Template => ("templates-import", "templates-import-lead", "templates-title"),
    };
    ImportPage {
        title: l.t(title),
        lead: l.t(lead),
        list: (l.urls.all_reviewed(subject), l.t(list)),
        action: l.urls.reviewed(subject, "import"),
        ids,
        answers,
        problem,
        l,
    }
}

/// What was pasted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ids {
    /// One a line, or separated by commas.
    pub ids: String,
}

/// The ids in `typed`, each once, or what is wrong with them.
fn lines(l: &Layout, typed: &str) -> Result<Vec<String>, String> {
    let mut wanted: Vec<String> = Vec::new();
    for one in typed.split(['\n', ',', '，', ';', '；', '\t']) {
        let one: String = one.trim().chars().filter(|letter| !letter.is_control()).collect();
        if !one.is_empty() && !wanted.contains(&one) {
            wanted.push(one);
        }
    }
    if wanted.is_empty() {
        Err(l.t("import-error-none").to_string())
    } else if wanted.len() > MAX {
        Err(l.with("import-error-many", &[("most", MAX.into())]).to_string())
    } else if let Some(long) = wanted.iter().find(|one| one.chars().count() > MAX_ID_LENGTH) {
        let begin: String = long.chars().take(20).collect();
        Err(l.with("import-error-long", &[("text", begin.into())]).to_string())
    } else {
        Ok(wanted)
    }
}

/// What became of one id.
#[derive(Debug)]
pub struct Answer {
    /// What was asked for.
    pub asked: String,
    /// Its review status, if it was found.
    pub status: Option<Status>,
    /// Why it was not kept.
    pub why: Option<String>,
}

impl Answer {
    /// In words.
    pub fn of(
        l: &Layout,
        asked: String,
        found: Result<Seen, LookupError>,
    ) -> Result<Self, WebError> {
        Ok(match found {
            Ok(seen) => Self { asked, status: Some(Status::new(&seen.status, l.texts)), why: None },
            Err(error) => Self { asked, status: None, why: Some(why_not(l.texts, error)?) },
        })
    }
}

/// Why something was not looked up: a refusal in the vendor's words, everything else in ours.
pub fn why_not(texts: Texts, error: LookupError) -> Result<String, WebError> {
    Ok(match error {
        LookupError::Database(error)
        | LookupError::Credentials(CredentialsError::Database(error)) => {
            return Err(WebError::Database(error));
        }
        LookupError::Nothing => texts.t("import-nothing"),
        LookupError::Incomplete(field) => {
            texts.with("import-incomplete", &[("field", field.into())])
        }
        LookupError::Credentials(CredentialsError::Sealed(_)) => texts.t("import-sealed"),
        LookupError::Vendor(CallError::Refused { ret_code, message, .. }) => texts.with(
            "import-refused",
            &[("code", ret_code.0.to_string().into()), ("words", message.into())],
        ),
        LookupError::Vendor(CallError::NotSent { .. } | CallError::Unknown { .. }) => {
            texts.t("import-unanswered")
        }
    })
}

/// What was not found stays in the field, to be mended.
fn not_found(answers: &[Answer]) -> String {
    let left = answers.iter().filter(|one| one.why.is_some()).map(|one| one.asked.as_str());
    left.collect::<Vec<_>>().join("\n")
}
