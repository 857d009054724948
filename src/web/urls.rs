//! The addresses of pages. Bookmarks rely on them.

use std::fmt::Display;

use crate::domain::review::Subject;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The addresses below one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Urls {
    project: String,
}

impl Urls {
    /// The addresses below the project called `slug`.
    pub fn of(slug: &str) -> Self {
        Self { project: format!("/p/{}", escaped(slug)) }
    }

    fn below(&self, path: &str) -> String {
        format!("{}{path}", self.project)
    }

    /// The dashboard.
    pub fn dashboard(&self) -> String {
        self.below("/")
    }

    /// One text to few phones.
    pub fn send(&self) -> String {
        self.below("/send")
    }

    /// The live preview of the text.
    pub fn send_preview(&self) -> String {
        self.below("/send/preview")
    }

    /// One text to few phones, beginning with what a batch sent.
    pub fn send_again(&self, batch: impl Display) -> String {
        with_query(&self.send(), &[("batch", &batch.to_string())])
    }

    /// All batches.
    pub fn batches(&self) -> String {
        self.below("/batches")
    }

    /// A page about batches that is none of one: `new`, `sample.csv`.
    pub fn below_batches(&self, part: &str) -> String {
        self.below(&format!("/batches/{part}"))
    }

    /// Phones that opted out.
    pub fn suppressions(&self) -> String {
        self.below("/suppressions")
    }

    /// A part of the page of phones that opted out, or a step.
    pub fn suppressions_part(&self, part: impl Display) -> String {
        self.below(&format!("/suppressions/{part}"))
    }

    /// One batch.
    pub fn batch(&self, batch: impl Display) -> String {
        self.below(&format!("/batches/{batch}"))
    }

    /// A part of a batch's page, or a step: `in-doubt`, `pause`.
    pub fn batch_part(&self, batch: impl Display, part: &str) -> String {
        self.below(&format!("/batches/{batch}/{part}"))
    }

    /// The log of all messages.
    pub fn messages(&self) -> String {
        self.below("/messages")
    }

    /// The log as a file: `csv`, `xlsx`.
    pub fn messages_file(&self, kind: &str) -> String {
        self.below(&format!("/messages.{kind}"))
    }

    /// The story of one message.
    pub fn message(&self, message: impl Display) -> String {
        self.below(&format!("/messages/{message}"))
    }

    /// The log with one filter set.
    pub fn messages_with(&self, filter: &str, value: impl Display) -> String {
        with_query(&self.messages(), &[(filter, &value.to_string())])
    }

    /// All signatures.
    pub fn signatures(&self) -> String {
        self.below("/signatures")
    }

    /// Signatures by id.
    pub fn import_signatures(&self) -> String {
        self.below("/signatures/import")
    }

    /// All SMS templates.
    pub fn templates(&self) -> String {
        self.below("/templates")
    }

    /// SMS templates by id.
    pub fn import_templates(&self) -> String {
        self.below("/templates/import")
    }

    /// All signatures or all templates.
    pub fn all_reviewed(&self, subject: Subject) -> String {
        match subject {
            Subject::Signature => self.signatures(),
            Subject::Template => self.templates(),
        }
    }

    /// One signature or template by the vendor's id, or a step of all: `new`, `refresh`, `delete`.
    pub fn reviewed(&self, subject: Subject, vendor_id: &str) -> String {
        format!("{}/{}", self.all_reviewed(subject), escaped(vendor_id))
    }

    /// A part of one's page, or a step: `edit`, `refresh`, `delete`.
    pub fn reviewed_part(&self, subject: Subject, vendor_id: &str, part: &str) -> String {
        format!("{}/{part}", self.reviewed(subject, vendor_id))
    }

    /// A signature, or a step.
    pub fn signature(&self, sig_id: &str) -> String {
        self.reviewed(Subject::Signature, sig_id)
    }

    /// A part of a signature's page, or a step.
    pub fn signature_part(&self, sig_id: &str, part: &str) -> String {
        self.reviewed_part(Subject::Signature, sig_id, part)
    }

    /// A template, or a step.
    pub fn template(&self, template_id: &str) -> String {
        self.reviewed(Subject::Template, template_id)
    }

    /// A part of a template's page, or a step.
    pub fn template_part(&self, template_id: &str, part: &str) -> String {
        self.reviewed_part(Subject::Template, template_id, part)
    }

    /// What was handed in, once.
    pub fn application(&self, id: impl Display) -> String {
        self.below(&format!("/applications/{id}"))
    }

    /// A certificate or letter of authority.
    pub fn file(&self, id: impl Display) -> String {
        self.below(&format!("/files/{id}"))
    }

    /// The send form with this signature or template chosen.
    pub fn send_with(&self, name: &str, id: impl Display) -> String {
        with_query(&self.send(), &[(name, &id.to_string())])
    }

    /// What was sent, counted.
    pub fn statistics(&self) -> String {
        self.below("/statistics")
    }

    /// Asks for the vendor's own counts.
    pub fn ask_vendor_figures(&self) -> String {
        self.below("/statistics/ask")
    }

    /// Why messages did not arrive.
    pub fn failures(&self) -> String {
        self.below("/failures")
    }

    /// The messages that fit these filters.
    pub fn messages_where(&self, filters: &[(&str, &str)]) -> String {
        with_query(&self.below("/messages"), filters)
    }

    /// The project's settings.
    pub fn settings(&self) -> String {
        self.below("/settings")
    }

    /// The team's sensitive words.
    pub fn words(&self) -> String {
        self.below("/settings/words")
    }

    /// What the project's batches are held to.
    pub fn policy(&self) -> String {
        self.below("/settings/batches")
    }

    /// The door of pushes.
    pub fn hooks(&self) -> String {
        self.below("/settings/hooks")
    }

    /// Whether all is well.
    pub fn health(&self) -> String {
        self.below("/health")
    }

    /// A push with items that could not be read.
    pub fn unreadable(&self, push: impl Display) -> String {
        self.below(&format!("/health/pushes/{push}"))
    }

    /// For how long the project keeps its messages.
    pub fn retention(&self) -> String {
        self.below("/settings/retention")
    }

    /// The phones that opted out, as a file.
    pub fn suppressions_csv(&self) -> String {
        self.below("/suppressions.csv")
    }

    /// What people texted back.
    pub fn replies(&self) -> String {
        self.below("/replies")
    }

    /// One conversation.
    pub fn conversation(&self, id: impl Display) -> String {
        self.below(&format!("/replies/{id}"))
    }

    /// A step of a conversation: `read`, `take-back`.
    pub fn conversation_part(&self, id: impl Display, part: &str) -> String {
        self.below(&format!("/replies/{id}/{part}"))
    }

    /// All replies, as a file.
    pub fn replies_csv(&self) -> String {
        self.below("/replies.csv")
    }

    /// The words that opt a phone out.
    pub fn opt_out_keywords(&self) -> String {
        self.below("/settings/replies")
    }

    /// Receipt lookup.
    pub fn receipts(&self) -> String {
        self.below("/receipts")
    }

    /// The receipts of a session number.
    pub fn receipt(&self, session_no: &str) -> String {
        self.below(&format!("/receipts/{}", escaped(session_no)))
    }

    /// The receipts of a phone.
    pub fn receipts_of(&self, phone: &str) -> String {
        with_query(&self.receipts(), &[("phone", phone)])
    }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// `address` with a query.
pub fn with_query(address: &str, query: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    format!("{address}?{}", pairs.join("&"))
}

/// A path of ours that a person may be led to after signing in; anything else leads home.
pub fn own_path(next: &str) -> &str {
    let clean = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= 2_000
        && !next.contains('\\')
        && !next.chars().any(char::is_control);
    if clean { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_leads_only_to_our_own_paths() {
        assert_eq!(own_path("/p/default/receipts?phone=1"), "/p/default/receipts?phone=1");
        for bad in ["", "https://evil.example", "//evil.example", "/\\evil.example", "/a\nb"] {
            assert_eq!(own_path(bad), "/", "{bad}");
        }
    }

    #[test]
    fn whatever_stands_in_an_address_is_escaped() {
        let urls = Urls::of("default");
        assert_eq!(urls.receipts_of("(60)1&x"), "/p/default/receipts?phone=%2860%291%26x");
        assert_eq!(urls.receipt("../a"), "/p/default/receipts/..%2Fa");
    }
}
