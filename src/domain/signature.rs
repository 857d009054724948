//! An application for a signature, and what a reviewer would say of it.

use serde::{Deserialize, Serialize};

use super::finding::{Finding, Findings, is_plain, sensitive, unreadable};

/// The shortest and longest name that the vendor's form takes; the review standard ends at 12.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=20;
const STANDARD_LENGTH: usize = 12;
/// Other texts of the application are no longer.
const MAX_NOTE_LENGTH: usize = 500;

/// What the name in the brackets is (USMS API reference, CreateUSMSSignature: `SigType`).
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

    /// The vendor's number, 0 to 5; the certificate has the same.
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

    /// Reads the vendor's number or the name used in message keys.
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.key() == text || one.number().to_string() == text)
    }

    /// The name used in message keys.
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

    /// Carriers refuse these at home since 2026-05-01 (USMS manual).
    pub fn refused_by_carriers(self) -> bool {
        match self {
            Self::App | Self::Website | Self::OfficialAccount => true,
            Self::Company | Self::Trademark | Self::Institution => false,
        }
    }
}

/// An application for a signature; its files lie beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureApplication {
    /// The name, without brackets.
    pub content: String,
    /// What the name is.
    pub kind: SignatureKind,
    /// It belongs to somebody else, who gave a letter of authority.
    pub on_behalf: bool,
    /// Why it is applied for.
    pub description: String,
    /// For texts abroad.
    pub international: bool,
    /// The vendor's id of a real-name qualification; may be empty.
    pub qualification_id: String,
    /// What is sent under it; may be empty.
    pub scene: String,
}

/// What of the files is there.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequiredFiles {
    /// The certificate.
    pub certificate: bool,
    /// The letter of authority.
    pub proxy: bool,
}

impl SignatureApplication {
    /// What has to be mended, and what a reviewer may not like. `words` are the team's sensitive
    /// words.
    pub fn check(&self, files: RequiredFiles, words: &[String]) -> Vec<Finding> {
        let mut found = Findings::default();
        self.check_content(&mut found, words);
        if self.kind.refused_by_carriers() && !self.international {
            found.doubt("sig_type", "signature-kind-refused", "");
        }
        if self.description.trim().is_empty() {
            found.block("description", "description-empty", "");
        }
        for (field, text) in [("description", &self.description), ("scene", &self.scene)] {
            if text.chars().count() > MAX_NOTE_LENGTH {
                found.block(field, "note-long", MAX_NOTE_LENGTH);
            }
        }
        // A qualification that the vendor knows stands for the paper.
        if !files.certificate && self.qualification_id.trim().is_empty() {
            found.block("certificate", "certificate-missing", "");
        }
        if self.on_behalf && !files.proxy {
            found.block("proxy", "proxy-missing", "");
        }
        found.into_vec()
    }

    fn check_content(&self, found: &mut Findings, words: &[String]) {
        let length = self.content.chars().count();
        if self.content.trim().is_empty() {
            found.block("content", "signature-empty", "");
        } else if self.content.contains(['【', '】', '[', ']']) {
            found.block("content", "signature-brackets", "");
        } else if unreadable(&self.content) || self.content.trim() != self.content {
            found.block("content", "signature-unreadable", "");
        } else if !LENGTHS.contains(&length) {
            found.block("content", "signature-length", length);
        } else {
            if length > STANDARD_LENGTH {
                found.doubt("content", "signature-long", length);
            }
            let allowed = |letter| is_plain(letter) || self.international && letter == ' ';
            if let Some(mark) = self.content.chars().find(|letter| !allowed(*letter)) {
                found.doubt("content", "signature-mark", mark);
            }
            if self.content.chars().all(|letter| letter.is_ascii_digit()) {
                found.doubt("content", "signature-digits", "");
            }
            if let Some(word) = sensitive(&self.content, words) {
                found.doubt("content", "sensitive-word", word);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_PAPERS: RequiredFiles = RequiredFiles { certificate: true, proxy: true };

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
        application.check(files, &words).iter().map(|one| (one.key, one.blocks)).collect()
    }

    #[test]
    fn a_proper_name_passes() {
        for name in ["云帆书店", "YunFan_1", "云帆"] {
            assert_eq!(keys(&application(name), ALL_PAPERS), [], "{name}");
        }
    }

    #[test]
    fn names_that_the_vendor_refuses_block_and_those_a_reviewer_may_refuse_only_warn() {
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
            assert_eq!(keys(&application(name), ALL_PAPERS), [(key, blocks)], "{name}");
        }
    }

    #[test]
    fn papers_are_asked_for_as_kind_and_purpose_need_them() {
        let mut one = application("云帆书店");
        assert_eq!(keys(&one, RequiredFiles::default()), [("certificate-missing", true)]);
        one.qualification_id = "Q1".to_owned();
        assert_eq!(keys(&one, RequiredFiles::default()), []);
        one.on_behalf = true;
        assert_eq!(keys(&one, RequiredFiles::default()), [("proxy-missing", true)]);
        one.kind = SignatureKind::App;
        assert_eq!(keys(&one, ALL_PAPERS), [("signature-kind-refused", false)]);
    }
}
