//! Applications for signatures, and the checks before they go to review.

use serde::{Deserialize, Serialize};

use super::finding::{Finding, Findings, has_unreadable, is_plain, sensitive_word};

/// The lengths of a name that the vendor's form accepts, in characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=20;
/// The largest length of a name in the vendor's review standard, in characters.
const STANDARD_LENGTH: usize = 12;
/// The largest length of the other texts of an application, in characters.
const MAX_NOTE_LENGTH: usize = 500;

/// What the name in the brackets stands for (USMS API reference, CreateUSMSSignature: `SigType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "signature_kind", rename_all = "snake_case")]
pub enum SignatureKind {
    /// A company's name.
    Company,
    /// An app.
    App,
    /// A registered website.
    Website,
    /// An official account or mini program.
    OfficialAccount,
    /// A trademark.
    Trademark,
    /// A government office or other institution.
    Institution,
}

impl SignatureKind {
    /// All kinds, in the vendor's order.
    pub const ALL: [Self; 6] = [
        Self::Company,
        Self::App,
        Self::Website,
        Self::OfficialAccount,
        Self::Trademark,
        Self::Institution,
    ];

    /// Returns the vendor's number, 0 to 5, which is also that of the certificate's type.
    pub fn number(self) -> u8 {
        match self {
            Self::Company => 0,
            Self::App => 1,
            Self::Website => 2,
            Self::OfficialAccount => 3,
            Self::Trademark => 4,
            Self::Institution => 5,
        }
    }

    /// Parses the vendor's number or what [`SignatureKind::key`] returns.
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == text || kind.number().to_string() == text)
    }

    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::App => "app",
            Self::Website => "website",
            Self::OfficialAccount => "official_account",
            Self::Trademark => "trademark",
            Self::Institution => "institution",
        }
    }

    /// Returns whether carriers refuse it for domestic messages, since 2026-05-01 (USMS manual).
    pub fn refused_by_carriers(self) -> bool {
        match self {
            Self::App | Self::Website | Self::OfficialAccount => true,
            Self::Company | Self::Trademark | Self::Institution => false,
        }
    }
}

/// An application for a signature, without its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureApplication {
    /// The name, without brackets.
    pub content: String,
    /// What the name stands for.
    pub kind: SignatureKind,
    /// Whether the name belongs to somebody else, who gave a letter of authority.
    pub on_behalf: bool,
    /// A note for the reviewer.
    pub description: String,
    /// Whether it is for international messages.
    pub international: bool,
    /// The vendor's id of a real-name qualification; may be empty.
    pub qualification_id: String,
    /// What is sent with it; may be empty.
    pub scene: String,
}

/// Which application files are present.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequiredFiles {
    /// The certificate.
    pub certificate: bool,
    /// The letter of authority.
    pub proxy: bool,
}

impl SignatureApplication {
    /// Returns the errors and warnings of the application. `sensitive_words` are those of the team.
    pub fn check(&self, files: RequiredFiles, sensitive_words: &[String]) -> Vec<Finding> {
        let mut found = Findings::default();
        self.check_content(&mut found, sensitive_words);
        if self.kind.refused_by_carriers() && !self.international {
            found.warning("sig_type", "signature-kind-refused", "");
        }
        if self.description.trim().is_empty() {
            found.error("description", "description-empty", "");
        }
        for (field, text) in [("description", &self.description), ("scene", &self.scene)] {
            if text.chars().count() > MAX_NOTE_LENGTH {
                found.error(field, "note-long", MAX_NOTE_LENGTH);
            }
        }
        // The id of a qualification that the vendor has already stands in for the certificate.
        if !files.certificate && self.qualification_id.trim().is_empty() {
            found.error("certificate", "certificate-missing", "");
        }
        if self.on_behalf && !files.proxy {
            found.error("proxy", "proxy-missing", "");
        }
        found.into_vec()
    }

    fn check_content(&self, found: &mut Findings, sensitive_words: &[String]) {
        let length = self.content.chars().count();
        if self.content.trim().is_empty() {
            found.error("content", "signature-empty", "");
        } else if self.content.contains(['【', '】', '[', ']']) {
            found.error("content", "signature-brackets", "");
        } else if has_unreadable(&self.content) || self.content.trim() != self.content {
            found.error("content", "signature-unreadable", "");
        } else if !LENGTHS.contains(&length) {
            found.error("content", "signature-length", length);
        } else {
            if length > STANDARD_LENGTH {
                found.warning("content", "signature-long", length);
            }
            let allowed = |letter| is_plain(letter) || self.international && letter == ' ';
            if let Some(mark) = self.content.chars().find(|letter| !allowed(*letter)) {
                found.warning("content", "signature-mark", mark);
            }
            if self.content.chars().all(|letter| letter.is_ascii_digit()) {
                found.warning("content", "signature-digits", "");
            }
            if let Some(word) = sensitive_word(&self.content, sensitive_words) {
                found.warning("content", "sensitive-word", word);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_FILES: RequiredFiles = RequiredFiles { certificate: true, proxy: true };

    fn application(content: &str) -> SignatureApplication {
        SignatureApplication {
            content: content.to_owned(),
            kind: SignatureKind::Company,
            on_behalf: false,
            description: "发送订单通知".to_owned(),
            international: false,
            qualification_id: String::new(),
            scene: String::new(),
        }
    }

    fn keys(application: &SignatureApplication, files: RequiredFiles) -> Vec<(&'static str, bool)> {
        let words = ["贷款".to_owned()];
        application
            .check(files, &words)
            .iter()
            .map(|finding| (finding.key, finding.blocks))
            .collect()
    }

    #[test]
    fn a_proper_name_has_no_findings() {
        for name in ["云帆书店", "YunFan_1", "云帆"] {
            assert_eq!(keys(&application(name), ALL_FILES), [], "{name}");
        }
    }

    #[test]
    fn names_that_the_vendor_refuses_are_errors_and_those_a_reviewer_may_refuse_are_warnings() {
        for (name, key, blocks) in [
            ("", "signature-empty", true),
            ("【云帆】", "signature-brackets", true),
            ("云帆\u{200b}书店", "signature-unreadable", true),
            (" 云帆", "signature-unreadable", true),
            ("云", "signature-length", true),
            ("一二三四五六七八九十一二三四五六七八九十一", "signature-length", true),
            ("北京云帆图书文化发展有限公司", "signature-long", false),
            ("云帆·书店", "signature-mark", false),
            ("12345", "signature-digits", false),
            ("云帆贷款", "sensitive-word", false),
        ] {
            assert_eq!(keys(&application(name), ALL_FILES), [(key, blocks)], "{name}");
        }
    }

    #[test]
    fn files_are_required_as_kind_and_purpose_need_them() {
        let mut form = application("云帆书店");
        assert_eq!(keys(&form, RequiredFiles::default()), [("certificate-missing", true)]);
        form.qualification_id = "Q1".to_owned();
        assert_eq!(keys(&form, RequiredFiles::default()), []);
        form.on_behalf = true;
        assert_eq!(keys(&form, RequiredFiles::default()), [("proxy-missing", true)]);
        form.kind = SignatureKind::App;
        assert_eq!(keys(&form, ALL_FILES), [("signature-kind-refused", false)]);
    }
}
