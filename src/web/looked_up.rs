//! What the lists of signatures and of templates have in common: tabs by review status, and import
//! by id, since the vendor has no list.

use serde::Deserialize;

use super::components::Status;
use super::error::WebError;
use super::layout::Layout;
use super::urls::with_query;
use crate::domain::review::ReviewStatus;
use crate::ops::credentials::CredentialsError;
use crate::ops::review::LookUpError;
use crate::usms::CallError;

/// Ids taken at once: each is a call.
const MOST: usize = 200;
/// No id or signature is longer.
const LONGEST: usize = 64;

/// Which of a list is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    review: String,
}

impl Wanted {
    /// The review status that is asked for, if any.
    pub fn status(&self) -> Option<ReviewStatus> {
        ReviewStatus::ALL.into_iter().find(|status| status.key() == self.review)
    }

    /// Whether something with this status is wanted.
    pub fn takes(&self, status: ReviewStatus) -> bool {
        self.status().is_none_or(|wanted| wanted == status)
    }
}

/// A tab over a list.
#[derive(Debug)]
pub struct Tab {
    /// Where it leads.
    pub address: String,
    /// What it says.
    pub word: String,
    /// How many are under it.
    pub count: usize,
    /// Whether it is the one that is open.
    pub current: bool,
}

/// All, then each review status that somebody has.
pub fn tabs(
    l: &Layout,
    list: &str,
    statuses: &[ReviewStatus],
    open: Option<ReviewStatus>,
) -> Vec<Tab> {
    let all = Tab {
        address: list.to_owned(),
        word: l.t("review-all").to_string(),
        count: statuses.len(),
        current: open.is_none(),
    };
    let each = ReviewStatus::ALL.into_iter().map(|status| Tab {
        address: with_query(list, &[("review", status.key())]),
        word: l.t(&format!("review-status-{}", status.key())).to_string(),
        count: statuses.iter().filter(|one| **one == status).count(),
        current: open == Some(status),
    });
    std::iter::once(all).chain(each.filter(|tab| tab.count > 0 || tab.current)).collect()
}

/// What was pasted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ids {
    /// One a line, or separated by commas.
    pub ids: String,
}

/// The ids in `typed`, each once, or what is wrong with them.
pub fn lines(l: &Layout, typed: &str) -> Result<Vec<String>, String> {
    let mut wanted: Vec<String> = Vec::new();
    for one in typed.split(['\n', ',', '，', ';', '；', '\t']) {
        let one: String = one.trim().chars().filter(|letter| !letter.is_control()).collect();
        if !one.is_empty() && !wanted.contains(&one) {
            wanted.push(one);
        }
    }
    if wanted.is_empty() {
        Err(l.t("import-error-none").to_string())
    } else if wanted.len() > MOST {
        Err(l.with("import-error-many", &[("most", MOST.into())]).to_string())
    } else if let Some(long) = wanted.iter().find(|one| one.chars().count() > LONGEST) {
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
        found: Result<ReviewStatus, LookUpError>,
    ) -> Result<Self, WebError> {
        let why = match found {
            Ok(status) => {
                return Ok(Self { asked, status: Some(Status::new(&status, l.words)), why: None });
            }
            Err(LookUpError::Database(error))
            | Err(LookUpError::Credentials(CredentialsError::Database(error))) => {
                return Err(WebError::Database(error));
            }
            Err(LookUpError::Nothing) => l.t("import-nothing").to_string(),
            Err(LookUpError::Incomplete(field)) => {
                l.with("import-incomplete", &[("field", field.into())]).to_string()
            }
            Err(LookUpError::Credentials(CredentialsError::Sealed(_))) => {
                l.t("import-sealed").to_string()
            }
            Err(LookUpError::Vendor(error)) => in_words(l, &error),
        };
        Ok(Self { asked, status: None, why: Some(why) })
    }
}

/// A refusal in the vendor's words; everything else as not answered.
fn in_words(l: &Layout, error: &CallError) -> String {
    match error {
        CallError::Refused { ret_code, message, .. } => l
            .with(
                "import-refused",
                &[("code", ret_code.0.into()), ("words", message.as_str().into())],
            )
            .to_string(),
        CallError::NotSent { .. } | CallError::Unknown { .. } => {
            l.t("import-unanswered").to_string()
        }
    }
}

/// What was not found stays in the field, to be mended.
pub fn not_found(answers: &[Answer]) -> String {
    let left = answers.iter().filter(|one| one.why.is_some()).map(|one| one.asked.as_str());
    left.collect::<Vec<_>>().join("\n")
}
