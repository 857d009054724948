//! The forms that confirm a draft, or have its file read again with other options.

use serde::Deserialize;

use crate::db::sending::batch_transitions::Trial;
use crate::db::sending::batches::Batch;
use crate::ops::sending::order::OrderError;
use crate::web::http::error::WebError;
use crate::web::http::urls;
use crate::web::ui::choices::signature_problem_key;
use crate::web::ui::schedule;

/// The form that confirms a draft.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct ConfirmFields {
    pub(super) name: String,
    pub(super) checked: i64,
    pub(super) again: Option<String>,
    pub(super) schedule_at: String,
    /// `on` for a trial batch.
    pub(super) canary: Option<String>,
    pub(super) canary_first: String,
    pub(super) canary_minutes: String,
    /// `ask`, or the percentage of failures up to which the rest follows without asking.
    pub(super) canary_percent: String,
    pub(super) confirm: Option<String>,
    pub(super) version: String,
    pub(super) signature_id: String,
    pub(super) template_id: String,
    pub(super) header: Option<String>,
    pub(super) column: Vec<String>,
    pub(super) encoding: String,
    pub(super) delimiter: String,
    pub(super) sheet: Option<String>,
    pub(super) hidden: Vec<u8>,
}

impl ConfirmFields {
    /// Returns the initial values of the form.
    pub(super) fn of(batch: &Batch) -> Self {
        Self {
            name: batch.name.clone(),
            schedule_at: batch.schedule_at.map(schedule::typed).unwrap_or_default(),
            canary_first: "100".to_owned(),
            canary_minutes: "10".to_owned(),
            canary_percent: "ask".to_owned(),
            ..Self::default()
        }
    }

    /// Returns these fields, or the initial values if there are none.
    pub(super) fn or_of(self, batch: &Batch) -> Self {
        if self.name.is_empty() { Self::of(batch) } else { self }
    }

    /// Whether the fields of the columns were posted along.
    pub(super) fn has_columns(&self) -> bool {
        !self.column.is_empty()
    }

    /// Returns these fields without those of the columns, which belong to an earlier reading.
    pub(super) fn without_columns(self) -> Self {
        Self {
            signature_id: String::new(),
            template_id: String::new(),
            header: None,
            column: Vec::new(),
            encoding: String::new(),
            delimiter: String::new(),
            sheet: None,
            hidden: Vec::new(),
            ..self
        }
    }

    /// Returns what was chosen in a field of the columns, or `now` if they were not posted.
    pub(super) fn chosen<'a>(&self, field: &'a str, now: &'a str) -> &'a str {
        if self.has_columns() && !field.is_empty() { field } else { now }
    }

    /// Returns an address with what was entered, if anything was, in its query, so that it is still
    /// there when the file has been read again.
    pub(super) fn in_query(&self, batch: &Batch, address: &str) -> String {
        let entered = self.entered();
        if entered == Self::of(batch).entered() {
            return address.to_owned();
        }
        let given: Vec<(&str, &str)> = entered
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        urls::with_query(address, &given)
    }

    /// Returns the fields that a person fills in, with their names.
    pub(super) fn entered(&self) -> [(&'static str, String); 7] {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        [
            ("name", self.name.clone()),
            ("schedule_at", self.schedule_at.clone()),
            ("again", text(&self.again)),
            ("canary", text(&self.canary)),
            ("canary_first", self.canary_first.clone()),
            ("canary_minutes", self.canary_minutes.clone()),
            ("canary_percent", self.canary_percent.clone()),
        ]
    }

    /// Returns how the fields of the columns want the file to be read.
    pub(super) fn remap(&self) -> RemapForm {
        RemapForm {
            signature_id: self.signature_id.clone(),
            template_id: self.template_id.clone(),
            header: self.header.clone(),
            column: self.column.clone(),
            encoding: self.encoding.clone(),
            delimiter: self.delimiter.clone(),
            sheet: self.sheet.clone(),
            hidden: self.hidden.clone(),
            ..RemapForm::default()
        }
    }

    pub(super) fn trial(&self) -> Result<Option<Trial>, &'static str> {
        if self.canary.is_none() {
            return Ok(None);
        }
        let first: i32 = self.canary_first.trim().parse().map_err(|_| "trial-error-first")?;
        let minutes: i32 = self.canary_minutes.trim().parse().map_err(|_| "trial-error-minutes")?;
        if !(1..=1_000).contains(&first) {
            return Err("trial-error-first");
        }
        if !(0..=1_440).contains(&minutes) {
            return Err("trial-error-minutes");
        }
        let percent = match self.canary_percent.as_str() {
            "ask" | "" => None,
            typed => {
                let percent: i16 = typed.parse().map_err(|_| "trial-error-percent")?;
                Some(percent).filter(|percent| (0..=100).contains(percent))
            }
        };
        Ok(Some(Trial { first, wait_seconds: minutes * 60, percent }))
    }
}

/// The form of [`read_again`](super::read_options::read_again): all fields of the preview in a browser, or only an answer.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct RemapForm {
    pub(super) version: Option<String>,
    pub(super) signature_id: String,
    pub(super) template_id: String,
    pub(super) header: Option<String>,
    /// What each column is used as, in order: `phone`, a variable's number, or nothing.
    pub(super) column: Vec<String>,
    pub(super) encoding: String,
    pub(super) delimiter: String,
    pub(super) sheet: Option<String>,
    /// The answer to which column has the phones, from 0.
    pub(super) phone_column: Option<usize>,
    /// `0`, and `1` as well if hidden rows and columns are read.
    pub(super) hidden: Vec<u8>,
    /// `1` if values such as `null` are sent, `0` if not.
    pub(super) placeholders: Option<u8>,
    /// A column, from 0, whose numbers are sent as they are stored.
    pub(super) as_stored: Option<usize>,
    /// A column, from 0, whose numbers are sent as they are shown again.
    pub(super) as_shown: Option<usize>,
    /// `1` to read a spreadsheet of before 2007.
    pub(super) old_spreadsheet: Option<u8>,
    pub(super) name: String,
    pub(super) schedule_at: String,
    pub(super) again: Option<String>,
    pub(super) canary: Option<String>,
    pub(super) canary_first: String,
    pub(super) canary_minutes: String,
    pub(super) canary_percent: String,
}

/// Returns the text key of a reason for which nothing can be ordered.
pub(super) fn order_key(error: &OrderError) -> Result<&'static str, WebError> {
    match error {
        OrderError::SignatureNotApproved => Ok("send-error-signature-gone"),
        OrderError::TemplateNotApproved => Ok("send-error-template-gone"),
        OrderError::Signature(problem) => Ok(signature_problem_key(*problem)),
        other => Err(WebError::Internal(other.to_string())),
    }
}
