//! Findings of a check as pages show them, and whether a confirmation covers them.

use crate::domain::review::finding::{Document, Finding};
use crate::web::ui::layout::Layout;

/// A finding with its sentence.
#[derive(Debug, Clone)]
pub struct FieldFinding {
    /// The field it is about.
    pub field: String,
    /// What is wrong, in a sentence.
    pub sentence: String,
    /// Whether it is an error, which prevents the submission; otherwise it is a warning.
    pub blocks: bool,
    /// What states the rule: the vendor's document, or the team's list.
    pub source: Option<Source>,
    key: String,
}

/// A document of the vendor, or the team's own list of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its title, and whose it is.
    pub title: String,
    /// Its address.
    pub href: String,
}

impl Source {
    /// Returns a document with its title.
    pub fn of(l: &Layout, document: Document) -> Self {
        let title = l.t(&format!("document-{}", document.key()));
        Self { title, href: document.url().to_owned() }
    }

    fn of_finding(l: &Layout, finding: &Finding) -> Option<Self> {
        let is_own_word = finding.key == "sensitive-word";
        let list = || Self { title: l.t("document-own-words"), href: l.urls.sensitive_words() };
        finding.document.map(|document| Self::of(l, document)).or_else(|| is_own_word.then(list))
    }
}

impl FieldFinding {
    /// Returns a finding of a check with its sentence.
    pub fn of(l: &Layout, finding: &Finding) -> Self {
        let key = format!("check-{}", finding.key);
        Self {
            field: finding.field.to_owned(),
            sentence: l.with(&key, &[("about", finding.about.as_str().into())]),
            blocks: finding.blocks,
            source: Source::of_finding(l, finding),
            key: finding.key.to_owned(),
        }
    }
}

/// The findings of a page.
#[derive(Debug, Default)]
pub struct FieldFindings(pub Vec<FieldFinding>);

impl FieldFindings {
    /// Returns findings of a check with their sentences.
    pub fn of(l: &Layout, findings: &[Finding]) -> Self {
        Self(findings.iter().map(|finding| FieldFinding::of(l, finding)).collect())
    }

    /// Returns the errors.
    pub fn errors(&self) -> Vec<&FieldFinding> {
        self.0.iter().filter(|finding| finding.blocks).collect()
    }

    /// Returns the warnings.
    pub fn warnings(&self) -> Vec<&FieldFinding> {
        self.0.iter().filter(|finding| !finding.blocks).collect()
    }

    /// Returns the findings at `field`.
    pub fn at(&self, field: &str) -> Vec<&FieldFinding> {
        self.0.iter().filter(|finding| finding.field == field).collect()
    }

    /// Returns whether there is an error at `field`.
    pub fn has_error(&self, field: &str) -> bool {
        self.at(field).iter().any(|finding| finding.blocks)
    }

    /// Returns the value of the confirmation: the keys of the warnings that are shown.
    pub fn confirm_value(&self) -> String {
        let keys: Vec<&str> = self.warnings().iter().map(|finding| finding.key.as_str()).collect();
        keys.join(" ")
    }

    /// Returns whether the application may be submitted: there are no errors, and every warning is
    /// confirmed. A plain `1` confirms all of them; a list of keys does not cover newer warnings.
    pub fn may_submit(&self, confirm: Option<&str>) -> bool {
        let Some(confirm) = confirm else { return self.0.is_empty() };
        let confirms_all = !confirm.contains('-');
        self.errors().is_empty()
            && self
                .warnings()
                .iter()
                .all(|finding| confirms_all || confirm.split(' ').any(|key| key == finding.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(key: &str, blocks: bool) -> FieldFinding {
        let (field, sentence) = (String::new(), String::new());
        FieldFinding { field, sentence, blocks, source: None, key: key.to_owned() }
    }

    #[test]
    fn a_confirmation_covers_the_warnings_that_were_shown_and_never_an_error() {
        let findings =
            FieldFindings(vec![finding("text-link", false), finding("text-phone", false)]);
        assert!(!findings.may_submit(None));
        assert!(findings.may_submit(Some("1")));
        assert!(findings.may_submit(Some(&findings.confirm_value())));
        assert!(!findings.may_submit(Some("text-link")));
        assert!(!FieldFindings(vec![finding("text-empty", true)]).may_submit(Some("1")));
        assert!(FieldFindings::default().may_submit(None));
    }

    #[test]
    fn every_finding_has_a_text() {
        let texts = crate::web::http::i18n::Texts(crate::web::http::i18n::Language::En);
        let mut keys = Vec::new();
        let files = [
            "src/domain/review/signature.rs",
            "src/domain/review/sms_template.rs",
            "src/domain/review/file.rs",
            "src/web/pages/review/signatures/apply.rs",
            "src/web/pages/review/sms_templates/apply.rs",
        ];
        for file in files {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            let text = std::fs::read_to_string(path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            // `found.error("field", "key", …)`, `key: "key"`, `wrong("field", "key")`, `=> "key"`.
            for (before, nth) in [
                (".error(\"", 2),
                (".warning(\"", 2),
                ("warn(\"", 0),
                ("about_text(\"", 0),
                ("wrong(\"", 2),
                ("key: \"", 0),
                ("=> \"file-", 0),
            ] {
                for call in code.split(before).skip(1) {
                    let key = call.split('"').nth(nth).unwrap();
                    let key = if before.ends_with("file-") {
                        format!("file-{key}")
                    } else {
                        key.to_owned()
                    };
                    keys.push(key);
                }
            }
        }
        keys.retain(|key| !key.starts_with("apply-"));
        assert!(keys.len() > 50, "{keys:?}");
        for key in keys {
            assert!(texts.try_t(&format!("check-{key}")).is_some(), "{key}");
        }
        for document in Document::ALL {
            assert!(texts.try_t(&format!("document-{}", document.key())).is_some(), "{document:?}");
        }
    }
}
