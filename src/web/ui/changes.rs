//! What has changed since a page was shown: the names of its parts, with what they are now.

use time::OffsetDateTime;

use super::figures::costs;
use super::layout::Layout;
use crate::db::sending::batches::Batch;
use crate::domain::sending::price::Estimate;
use crate::domain::sending::version::Part;
use crate::domain::text::bracketed;

/// What a page shows now of the parts of its version.
#[derive(Debug)]
pub struct Shown<'a> {
    /// How many messages there would be.
    pub recipients: i64,
    /// The template's text.
    pub template: &'a str,
    /// The signature in its brackets.
    pub signature: String,
    /// What it costs.
    pub estimate: Estimate,
    /// When it is sent, if not at once.
    pub time: Option<OffsetDateTime>,
}

impl<'a> Shown<'a> {
    /// Returns what the page of a batch shows. The price is no part of its version.
    pub fn of_batch(batch: &'a Batch) -> Self {
        Self {
            recipients: i64::from(batch.total),
            template: &batch.template_text,
            signature: bracketed(&batch.sig_content, batch.international),
            estimate: Estimate::default(),
            time: batch.schedule_at,
        }
    }

    /// Returns a sentence for each part that has changed.
    pub fn sentences(&self, l: &Layout, changes: &[Part]) -> Vec<String> {
        changes.iter().map(|part| self.sentence(l, *part)).collect()
    }

    fn sentence(&self, l: &Layout, part: Part) -> String {
        let name = l.t(&format!("version-{}", part.key()));
        let now = match part {
            // The page itself shows how each column is used.
            Part::Columns => return name,
            Part::Recipients => l.n(self.recipients),
            Part::Template => self.template.to_owned(),
            Part::Signature if self.signature.is_empty() => l.t("no-signature"),
            Part::Signature => self.signature.clone(),
            Part::Price => costs::prices_now(l, &self.estimate),
            Part::Time => self.time.map_or_else(|| l.t("version-no-time"), |at| l.time(at)),
        };
        l.with("version-now", &[("name", name.into()), ("now", now.into())])
    }
}
