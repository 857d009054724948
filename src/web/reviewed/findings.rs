//! Findings of a check in words, and what a yes to them lets through.

use crate::domain::finding::Finding;
use crate::web::layout::Layout;

/// A finding in words.
#[derive(Debug, Clone)]
pub struct FieldFinding {
    /// The field it is about.
    pub field: String,
    /// What to mend.
    pub sentence: String,
    /// Whether it cannot be handed in like this.
    pub blocks: bool,
    key: String,
}

impl FieldFinding {
    /// A finding of a check.
    pub fn of(l: &Layout, finding: &Finding) -> Self {
        let key = format!("check-{}", finding.key);
        Self {
            field: finding.field.to_owned(),
            sentence: l.with(&key, &[("about", finding.about.as_str().into())]),
            blocks: finding.blocks,
            key: finding.key.to_owned(),
        }
    }
}

/// Findings on a page.
#[derive(Debug, Default)]
pub struct FieldFindings(pub Vec<FieldFinding>);

impl FieldFindings {
    /// In words.
    pub fn of(l: &Layout, findings: &[Finding]) -> Self {
        Self(findings.iter().map(|one| FieldFinding::of(l, one)).collect())
    }

    /// What has to be mended.
    pub fn blocking(&self) -> Vec<&FieldFinding> {
        self.0.iter().filter(|one| one.blocks).collect()
    }

    /// What the person decides.
    pub fn doubts(&self) -> Vec<&FieldFinding> {
        self.0.iter().filter(|one| !one.blocks).collect()
    }

    /// All at one field.
    pub fn at(&self, field: &str) -> Vec<&FieldFinding> {
        self.0.iter().filter(|one| one.field == field).collect()
    }

    /// Whether something at `field` has to be mended.
    pub fn wrong(&self, field: &str) -> bool {
        self.at(field).iter().any(|one| one.blocks)
    }

    /// What a yes says yes to: the doubts that are shown.
    pub fn confirm_value(&self) -> String {
        let keys: Vec<&str> = self.doubts().iter().map(|one| one.key.as_str()).collect();
        keys.join(" ")
    }

    /// Whether it may be handed in: nothing blocks, and every doubt was said yes to. A bare yes is a
    /// yes to all; one that names doubts is no yes to those that came up since.
    pub fn let_through(&self, confirm: Option<&str>) -> bool {
        let Some(confirm) = confirm else { return self.0.is_empty() };
        let bare = !confirm.contains('-');
        self.blocking().is_empty()
            && self.doubts().iter().all(|one| bare || confirm.split(' ').any(|key| key == one.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(key: &str, blocks: bool) -> FieldFinding {
        FieldFinding { field: String::new(), sentence: String::new(), blocks, key: key.to_owned() }
    }

    #[test]
    fn a_yes_counts_for_the_doubts_that_were_shown_and_never_for_what_must_be_mended() {
        let findings = FieldFindings(vec![note("text-link", false), note("text-phone", false)]);
        assert!(!findings.let_through(None));
        assert!(findings.let_through(Some("1")));
        assert!(findings.let_through(Some(&findings.confirm_value())));
        assert!(!findings.let_through(Some("text-link")));
        assert!(!FieldFindings(vec![note("text-empty", true)]).let_through(Some("1")));
        assert!(FieldFindings::default().let_through(None));
    }

    #[test]
    fn every_finding_has_words() {
        let texts = crate::web::i18n::Texts(crate::web::i18n::Language::En);
        let mut keys = Vec::new();
        let files = [
            "src/domain/signature.rs",
            "src/domain/sms_template.rs",
            "src/domain/file.rs",
            "src/web/signatures/apply.rs",
            "src/web/sms_templates/apply.rs",
        ];
        for file in files {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            let text = std::fs::read_to_string(path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            // `found.block("field", "key", …)`, `key: "key"`, `wrong("field", "key")`, `=> "key"`.
            for (before, nth) in [
                (".block(\"", 2),
                (".doubt(\"", 2),
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
        assert!(keys.len() > 40, "{keys:?}");
        for key in keys {
            assert!(texts.try_t(&format!("check-{key}")).is_some(), "{key}");
        }
    }
}
