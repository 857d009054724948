//! Import by id, since the vendor has no list: what signatures and templates have in common.

use serde::Deserialize;

use super::components::Status;
use super::error::WebError;
use super::i18n::Words;
use super::layout::Layout;
use crate::ops::credentials::CredentialsError;
use crate::ops::review::{LookUpError, Seen};
use crate::usms::CallError;

/// Ids taken at once: each is a call.
const MOST: usize = 500;
/// Looked up side by side.
pub const AT_ONCE: usize = 8;
/// No id or signature is longer.
const LONGEST: usize = 64;

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
        found: Result<Seen, LookUpError>,
    ) -> Result<Self, WebError> {
        Ok(match found {
            Ok(seen) => Self { asked, status: Some(Status::new(&seen.status, l.words)), why: None },
            Err(error) => Self { asked, status: None, why: Some(why_not(l.words, error)?) },
        })
    }
}

/// Why something was not looked up: a refusal in the vendor's words, everything else in ours.
pub fn why_not(words: Words, error: LookUpError) -> Result<String, WebError> {
    Ok(match error {
        LookUpError::Database(error)
        | LookUpError::Credentials(CredentialsError::Database(error)) => {
            return Err(WebError::Database(error));
        }
        LookUpError::Nothing => words.t("import-nothing"),
        LookUpError::Incomplete(field) => {
            words.with("import-incomplete", &[("field", field.into())])
        }
        LookUpError::Credentials(CredentialsError::Sealed(_)) => words.t("import-sealed"),
        LookUpError::Vendor(CallError::Refused { ret_code, message, .. }) => {
            words.with("import-refused", &[("code", ret_code.0.into()), ("words", message.into())])
        }
        LookUpError::Vendor(CallError::NotSent { .. } | CallError::Unknown { .. }) => {
            words.t("import-unanswered")
        }
    })
}

/// What was not found stays in the field, to be mended.
pub fn not_found(answers: &[Answer]) -> String {
    let left = answers.iter().filter(|one| one.why.is_some()).map(|one| one.asked.as_str());
    left.collect::<Vec<_>>().join("\n")
}
