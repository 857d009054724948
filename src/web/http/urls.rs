//! The URLs of all pages. Bookmarks and scripts rely on them: paths are never renamed.

use std::fmt::Display;

use crate::domain::ids::SuppressionImportId;
use crate::domain::review::Subject;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The URL of the list of all accounts.
pub const PEOPLE: &str = "/admin/users";

/// The URL of the list of all projects.
pub const PROJECTS: &str = "/admin/projects";

/// The URL of the audit log of all projects.
pub const ALL_AUDIT: &str = "/admin/audit";

/// Returns the URL of an account.
pub fn person(id: impl Display) -> String {
    format!("{PEOPLE}/{id}")
}

/// Builds the URLs below one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Urls {
    project: String,
}

impl Urls {
    /// Returns the URLs below the project with this slug.
    pub fn of(slug: &str) -> Self {
        Self { project: format!("/p/{}", escaped(slug)) }
    }

    fn below(&self, path: &str) -> String {
        format!("{}{path}", self.project)
    }

    /// Returns the URL of the dashboard.
    pub fn dashboard(&self) -> String {
        self.below("/")
    }

    /// Returns the URL of the project's audit log.
    pub fn audit(&self) -> String {
        self.below("/audit")
    }

    /// Returns the URL of the project's members.
    pub fn members(&self) -> String {
        self.below("/settings/members")
    }

    /// Returns the URL of those who approve in the place of others.
    pub fn stand_ins(&self) -> String {
        self.below("/settings/stand-ins")
    }

    /// Returns the URL of the rules on who is notified of what.
    pub fn alerts(&self) -> String {
        self.below("/settings/alerts")
    }

    /// Returns the URL of an action below the alerts: `rules`, `robots`, `test`, `report`.
    pub fn alerts_part(&self, part: &str) -> String {
        self.below(&format!("/settings/alerts/{part}"))
    }

    /// Returns the URL of the budgets.
    pub fn budgets(&self) -> String {
        self.below("/settings/budgets")
    }

    /// Returns the URL of the send form, for one text to a few phones.
    pub fn send(&self) -> String {
        self.below("/send")
    }

    /// Returns the URL of the send form's live preview.
    pub fn send_preview(&self) -> String {
        self.below("/send/preview")
    }

    /// Returns the URL of the send form, filled in from an earlier batch.
    pub fn send_again(&self, batch: impl Display) -> String {
        with_query(&self.send(), &[("batch", &batch.to_string())])
    }

    /// Returns the URL of the list of batches.
    pub fn batches(&self) -> String {
        self.below("/batches")
    }

    /// Returns the URL of the list of batches with one filter.
    pub fn batches_with(&self, filter: &str, value: impl Display) -> String {
        with_query(&self.batches(), &[(filter, &value.to_string())])
    }

    /// Returns the URL of a page below the list of batches: `new`, `sample.csv`.
    pub fn below_batches(&self, part: &str) -> String {
        self.below(&format!("/batches/{part}"))
    }

    /// Returns the URL of the page that stops all sending.
    pub fn sending(&self) -> String {
        self.below("/sending")
    }

    /// Returns the URL of the list of suppressions.
    pub fn suppressions(&self) -> String {
        self.below("/suppressions")
    }

    /// Returns the URL of a page or action below the suppressions: `blacklist`, `{id}/remove`.
    pub fn suppressions_part(&self, part: impl Display) -> String {
        self.below(&format!("/suppressions/{part}"))
    }

    /// Returns the URL of a batch.
    pub fn batch(&self, batch: impl Display) -> String {
        self.below(&format!("/batches/{batch}"))
    }

    /// Returns the URL of a page or action of a batch: `in-doubt`, `pause`.
    pub fn batch_part(&self, batch: impl Display, part: &str) -> String {
        self.below(&format!("/batches/{batch}/{part}"))
    }

    /// Returns the URL of the message search.
    pub fn messages(&self) -> String {
        self.below("/messages")
    }

    /// Returns the URL of the form that chooses the columns of the message search.
    pub fn message_columns(&self) -> String {
        self.below("/messages/columns")
    }

    /// Returns the URL of the message search as a file; `kind` is `csv` or `xlsx`.
    pub fn messages_file(&self, kind: &str) -> String {
        self.below(&format!("/messages.{kind}"))
    }

    /// Returns the URL of a message with its timeline.
    pub fn message(&self, message: impl Display) -> String {
        self.below(&format!("/messages/{message}"))
    }

    /// Returns the URL of the message search with one filter.
    pub fn messages_with(&self, filter: &str, value: impl Display) -> String {
        with_query(&self.messages(), &[(filter, &value.to_string())])
    }

    /// Returns the URL of the search for anything.
    pub fn search(&self) -> String {
        self.below("/search")
    }

    /// Returns the URL of the list of signatures.
    pub fn signatures(&self) -> String {
        self.below("/signatures")
    }

    /// Returns the URL of the import of signatures by their ids.
    pub fn import_signatures(&self) -> String {
        self.below("/signatures/import")
    }

    /// Returns the URL of the list of SMS templates.
    pub fn templates(&self) -> String {
        self.below("/templates")
    }

    /// Returns the URL of the import of SMS templates by their ids.
    pub fn import_templates(&self) -> String {
        self.below("/templates/import")
    }

    /// Returns the URL of the list of signatures or of SMS templates.
    pub fn all_reviewed(&self, subject: Subject) -> String {
        match subject {
            Subject::Signature => self.signatures(),
            Subject::Template => self.templates(),
        }
    }

    /// Returns the URL of a signature or template by the vendor's id, or of an action on the list:
    /// `new`, `refresh`, `delete`.
    pub fn reviewed(&self, subject: Subject, vendor_id: &str) -> String {
        format!("{}/{}", self.all_reviewed(subject), escaped(vendor_id))
    }

    /// Returns the URL of a page or action of a signature or template: `edit`, `refresh`, `delete`.
    pub fn reviewed_part(&self, subject: Subject, vendor_id: &str, part: &str) -> String {
        format!("{}/{part}", self.reviewed(subject, vendor_id))
    }

    /// Returns the URL of a signature, or of an action on the list.
    pub fn signature(&self, sig_id: &str) -> String {
        self.reviewed(Subject::Signature, sig_id)
    }

    /// Returns the URL of a page or action of a signature.
    pub fn signature_part(&self, sig_id: &str, part: &str) -> String {
        self.reviewed_part(Subject::Signature, sig_id, part)
    }

    /// Returns the URL of an SMS template, or of an action on the list.
    pub fn template(&self, template_id: &str) -> String {
        self.reviewed(Subject::Template, template_id)
    }

    /// Returns the URL of a page or action of an SMS template.
    pub fn template_part(&self, template_id: &str, part: &str) -> String {
        self.reviewed_part(Subject::Template, template_id, part)
    }

    /// Returns the URL of an application.
    pub fn application(&self, id: impl Display) -> String {
        self.below(&format!("/applications/{id}"))
    }

    /// Returns the URL that downloads an application file.
    pub fn file(&self, id: impl Display) -> String {
        self.below(&format!("/files/{id}"))
    }

    /// Returns the URL of the send form with one parameter set: `signature_id`, `template_id`.
    pub fn send_with(&self, name: &str, id: impl Display) -> String {
        with_query(&self.send(), &[(name, &id.to_string())])
    }

    /// Returns the URL of the statistics.
    pub fn statistics(&self) -> String {
        self.below("/statistics")
    }

    /// Returns the URL of the action that fetches the vendor's own counts.
    pub fn fetch_vendor_figures(&self) -> String {
        self.below("/statistics/fetch")
    }

    /// Returns the URL of the failures by cause.
    pub fn failures(&self) -> String {
        self.below("/failures")
    }

    /// Returns the URL of the message search with several filters.
    pub fn messages_where(&self, filters: &[(&str, &str)]) -> String {
        with_query(&self.below("/messages"), filters)
    }

    /// Returns the URL of the project's settings.
    pub fn settings(&self) -> String {
        self.below("/settings")
    }

    /// Returns the URL of the sensitive words.
    pub fn sensitive_words(&self) -> String {
        self.below("/settings/sensitive-words")
    }

    /// Returns the URL of the rules for batches.
    pub fn batch_rules(&self) -> String {
        self.below("/settings/batches")
    }

    /// Returns the URL of the prices.
    pub fn prices(&self) -> String {
        self.below("/settings/prices")
    }

    /// Returns the URL of a page or action below the prices: `import`, `delete`, `sample.csv`.
    pub fn prices_part(&self, part: &str) -> String {
        self.below(&format!("/settings/prices/{part}"))
    }

    /// Returns the URL of the settings of pushes.
    pub fn push_settings(&self) -> String {
        self.below("/settings/hooks")
    }

    /// Returns the URL of the health page.
    pub fn health(&self) -> String {
        self.below("/health")
    }

    /// Returns the URL of an unreadable push.
    pub fn unreadable(&self, push: impl Display) -> String {
        self.below(&format!("/health/pushes/{push}"))
    }

    /// Returns the URL of the retention settings.
    pub fn retention(&self) -> String {
        self.below("/settings/retention")
    }

    /// Returns the URL of a file of phones to suppress that waits, or of a page or action below it:
    /// `/discard`, `/rejected.csv`.
    pub fn suppression_import(&self, id: SuppressionImportId, part: &str) -> String {
        self.below(&format!("/suppressions/imports/{id}{part}"))
    }

    /// Returns the URL of the suppressions as a CSV file.
    pub fn suppressions_csv(&self) -> String {
        self.below("/suppressions.csv")
    }

    /// Returns the URL of the list of conversations.
    pub fn replies(&self) -> String {
        self.below("/replies")
    }

    /// Returns the URL of a conversation.
    pub fn conversation(&self, id: impl Display) -> String {
        self.below(&format!("/replies/{id}"))
    }

    /// Returns the URL of an action on a conversation: `read`, `take-back`.
    pub fn conversation_part(&self, id: impl Display, part: &str) -> String {
        self.below(&format!("/replies/{id}/{part}"))
    }

    /// Returns the URL of the replies as a CSV file.
    pub fn replies_csv(&self) -> String {
        self.below("/replies.csv")
    }

    /// Returns the URL of the opt-out keywords.
    pub fn opt_out_keywords(&self) -> String {
        self.below("/settings/replies")
    }

    /// Returns the URL of the receipt search.
    pub fn receipts(&self) -> String {
        self.below("/receipts")
    }

    /// Returns the URL of the receipts of a session number.
    pub fn receipt(&self, session_no: &str) -> String {
        self.below(&format!("/receipts/{}", escaped(session_no)))
    }

    /// Returns the URL of the receipts of a phone.
    pub fn receipts_of(&self, phone: &str) -> String {
        with_query(&self.receipts(), &[("phone", phone)])
    }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// Returns `href` with a query; values are percent-encoded.
pub fn with_query(href: &str, query: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    format!("{href}?{}", pairs.join("&"))
}

/// Returns `next` if it is a path of the console, which a redirect may follow; otherwise `/`.
pub fn own_path(next: &str) -> &str {
    let is_own = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= 2_000
        && !next.contains('\\')
        && !next.chars().any(char::is_control);
    if is_own { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_only_lead_to_paths_of_the_console() {
        assert_eq!(own_path("/p/default/receipts?phone=1"), "/p/default/receipts?phone=1");
        for bad in ["", "https://evil.example", "//evil.example", "/\\evil.example", "/a\nb"] {
            assert_eq!(own_path(bad), "/", "{bad}");
        }
    }

    #[test]
    fn values_in_urls_are_escaped() {
        let urls = Urls::of("default");
        assert_eq!(urls.receipts_of("(60)1&x"), "/p/default/receipts?phone=%2860%291%26x");
        assert_eq!(urls.receipt("../a"), "/p/default/receipts/..%2Fa");
    }
}
