//! The import of signatures and templates by id, since the vendor has no list of them.

use std::cell::Cell;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use tokio::time::Instant;

use super::destination::Destination;
use super::{Kind, section};
use crate::app::App;
use crate::domain::review::{Purpose, Subject};
use crate::ops::actor::Actor;
use crate::ops::credentials::CredentialsError;
use crate::ops::review::{self, LookupError, Said, Seen};
use crate::ops::sending::slots::Patience;
use crate::usms::CallError;
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::Texts;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::ui::layout::Layout;
use crate::web::ui::status::Status;

/// Ids in one form; each is an API call.
const MAX_IDS: usize = 500;
/// Calls that run at the same time.
const MAX_CONCURRENT: usize = 8;
/// The longest id or signature, in characters.
const MAX_ID_LENGTH: usize = 64;

#[derive(Template)]
#[template(path = "pages/review/import.html")]
struct ImportPage {
    l: Layout,
    title: String,
    lead: String,
    list: (String, String),
    action: String,
    /// What was entered and has not been imported yet.
    entered: ImportForm,
    /// Whether a purpose can be chosen: signatures have none.
    has_purpose: bool,
    results: Vec<ImportResult>,
    problem: Option<String>,
}

impl ImportPage {
    /// Returns whether something was not imported because its purpose is not known.
    fn asks_purpose(&self) -> bool {
        self.results.iter().any(|result| result.asks_purpose)
    }
}

/// The form that asks for ids.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(&member, &app, &request, section(subject)).await?;
    page::ok(&import_page(l, subject, ImportForm::default(), Vec::new(), None))
}

/// Looks up each id, or content of a signature, with the vendor and stores what was found.
pub async fn import(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
    form: Form<ImportForm>,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(&member, &app, &request, section(subject)).await?;
    let entered = form.into_inner();
    let ids = match parse_ids(&l, &entered.ids) {
        Ok(ids) => ids,
        Err(problem) => {
            let page = import_page(l, subject, entered, Vec::new(), Some(problem));
            return page::unprocessable(&page);
        }
    };
    let ip = peer_ip(&request);
    let actor = Actor { project: member.project.id, user: member.person.id, ip: &ip };
    let (said, began, is_busy) = (entered.said(), Instant::now(), Cell::new(false));
    let results: Vec<ImportResult> = stream::iter(ids)
        .map(|id| async {
            // What sending leaves no call for, it leaves none for the rest either.
            let found = if is_busy.get() {
                Err(LookupError::Busy)
            } else {
                let patience = Patience::of_import(began);
                review::import(&app, subject, &id, said, actor, patience).await
            };
            is_busy.set(is_busy.get() || matches!(found, Err(LookupError::Busy)));
            ImportResult::of(&l, id, found)
        })
        .buffered(MAX_CONCURRENT)
        .try_collect()
        .await?;
    let remaining = ImportForm { ids: failed_ids(&results), ..entered };
    page::ok(&import_page(l, subject, remaining, results, None))
}

fn import_page(
    l: Layout,
    subject: Subject,
    entered: ImportForm,
    results: Vec<ImportResult>,
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
        entered,
        has_purpose: subject == Subject::Template,
        results,
        problem,
        l,
    }
}

/// The form of [`import`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ImportForm {
    /// The ids, one per line or separated by commas.
    pub ids: String,
    /// `true` for international, `false` for domestic; otherwise as proposed.
    pub international: String,
    /// The purpose of templates for which UCloud says none; otherwise as proposed.
    pub purpose: String,
}

impl ImportForm {
    fn said(&self) -> Said {
        Said {
            international: self.international.parse().ok(),
            purpose: Purpose::read(&self.purpose),
        }
    }
}

/// Returns the ids in `typed`, each once.
///
/// # Errors
///
/// The sentence that says what is wrong with them.
fn parse_ids(l: &Layout, typed: &str) -> Result<Vec<String>, String> {
    let mut ids: Vec<String> = Vec::new();
    for part in typed.split(['\n', ',', '，', ';', '；', '\t']) {
        let id: String = part.trim().chars().filter(|c| !c.is_control()).collect();
        if !id.is_empty() && !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.is_empty() {
        Err(l.t("import-error-none").to_string())
    } else if ids.len() > MAX_IDS {
        Err(l.with("import-error-many", &[("most", MAX_IDS.into())]).to_string())
    } else if let Some(long) = ids.iter().find(|id| id.chars().count() > MAX_ID_LENGTH) {
        let beginning: String = long.chars().take(20).collect();
        Err(l.with("import-error-long", &[("text", beginning.into())]).to_string())
    } else {
        Ok(ids)
    }
}

/// The result for one id.
#[derive(Debug)]
pub struct ImportResult {
    /// The id, as typed.
    pub id: String,
    /// What was imported, if it was found.
    pub imported: Option<Imported>,
    /// Why it was not imported.
    pub reason: Option<String>,
    /// Whether it was not imported because its purpose is not known.
    pub asks_purpose: bool,
}

/// What was imported.
#[derive(Debug)]
pub struct Imported {
    /// The URL of its page.
    pub href: String,
    /// The review status.
    pub status: Status,
    /// Its destination, and the purpose of a template.
    pub facts: String,
    /// Whether it was said to be otherwise, in vain: a batch was ordered with it.
    pub in_use: bool,
    /// Whether it is international, and the URL that changes this, if it is only proposed.
    pub proposed: Option<(bool, String)>,
}

impl Imported {
    fn of(l: &Layout, seen: &Seen) -> Self {
        let destination = l.destination(seen.international);
        let subject = seen.row.subject();
        let change = || l.urls.reviewed_part(subject, &seen.vendor_id, "destination");
        Self {
            href: l.urls.reviewed(subject, &seen.vendor_id),
            status: Status::new(&seen.status, l.texts),
            facts: match seen.purpose {
                Some(purpose) => format!("{destination} · {}", l.purpose(purpose)),
                None => destination,
            },
            in_use: seen.in_use,
            proposed: seen.proposed.then(|| (seen.international, change())),
        }
    }
}

impl ImportResult {
    /// Creates the result of a lookup.
    pub fn of(l: &Layout, id: String, found: Result<Seen, LookupError>) -> Result<Self, WebError> {
        let asks_purpose = matches!(found, Err(LookupError::NoPurpose));
        let (imported, reason) = match found {
            Ok(seen) => (Some(Imported::of(l, &seen)), None),
            Err(error) => (None, Some(lookup_error_text(l.texts, error)?)),
        };
        Ok(Self { id, imported, reason, asks_purpose })
    }
}

/// Returns why a lookup failed. A refusal includes the vendor message.
///
/// # Errors
///
/// [`WebError::Database`] if the database failed, which is no result to show.
pub fn lookup_error_text(texts: Texts, error: LookupError) -> Result<String, WebError> {
    Ok(match error {
        LookupError::Database(error)
        | LookupError::Credentials(CredentialsError::Database(error)) => {
            return Err(WebError::Database(error));
        }
        LookupError::Nothing => texts.t("import-nothing"),
        LookupError::Incomplete(field) => {
            texts.with("import-incomplete", &[("field", field.into())])
        }
        LookupError::NoPurpose => texts.t("import-no-purpose"),
        LookupError::Busy => texts.t("look-up-busy"),
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

/// Returns the ids that were not imported, which stay in the field to be corrected.
fn failed_ids(results: &[ImportResult]) -> String {
    let failed = results.iter().filter(|result| result.reason.is_some());
    failed.map(|result| result.id.as_str()).collect::<Vec<_>>().join("\n")
}
