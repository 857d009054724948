//! Applications for signatures, and the checks before they go to review.

use serde::{Deserialize, Serialize};

use super::finding::{Document, Finding, Findings, has_unreadable, is_plain, sensitive_word};
use super::topics;

/// The lengths of a name that the vendor's form accepts, in characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=20;
/// The largest length of a name in the vendor's review standard, in characters.
const STANDARD_LENGTH: usize = 12;
/// The largest length of the other texts of an application, in characters.
const MAX_NOTE_LENGTH: usize = 500;

/// The largest length of a short name that the review standard rejects, in characters.
const TOO_SHORT: usize = 3;
/// Words that say nothing about the sender. A name of nothing else is neutral: the review standard
/// gives 告警通知 and 尊敬的客户 as examples.
const NEUTRAL_WORDS: [&str; 46] = [
    "尊敬的",
    "亲爱的",
    "客户",
    "用户",
    "会员",
    "顾客",
    "告警",
    "报警",
    "预警",
    "系统",
    "通知",
    "提醒",
    "提示",
    "温馨",
    "重要",
    "紧急",
    "公告",
    "短信",
    "消息",
    "信息",
    "验证码",
    "验证",
    "登录",
    "注册",
    "订单",
    "物流",
    "营销",
    "活动",
    "客服",
    "服务",
    "官方",
    "测试",
    "平台",
    "中心",
    "安全",
    "账户",
    "账号",
    "帐户",
    "帐号",
    "支付",
    "快递",
    "商城",
    "贵宾",
    "小程序",
    "助手",
    "管家",
];

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

    /// Returns whether its name has to be that of an organization, in full or short.
    fn is_organization(self) -> bool {
        match self {
            Self::Company | Self::Institution => true,
            Self::App | Self::Website | Self::OfficialAccount | Self::Trademark => false,
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
    /// The organization's name in full, as its certificate has it; may be empty. It is for the checks
    /// only, and is not submitted.
    #[serde(default)]
    pub full_name: String,
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
            found.warning("sig_type", "signature-kind-refused", "").stated_in(Document::Notices);
        }
        if self.description.trim().is_empty() {
            found
                .error("description", "description-empty", "")
                .stated_in(Document::CreateSignature);
        }
        for (field, text) in [("description", &self.description), ("scene", &self.scene)] {
            if text.chars().count() > MAX_NOTE_LENGTH {
                found.error(field, "note-long", MAX_NOTE_LENGTH);
            }
        }
        // No document says that a qualification id stands for it, and an update cannot carry the id.
        if !files.certificate {
            found
                .error("certificate", "certificate-missing", "")
                .stated_in(Document::SignatureStandard);
        }
        if self.on_behalf && !files.proxy {
            found.error("proxy", "proxy-missing", "").stated_in(Document::SignatureStandard);
        }
        found.into_vec()
    }

    fn check_content(&self, found: &mut Findings, sensitive_words: &[String]) {
        let length = self.content.chars().count();
        if self.content.trim().is_empty() {
            found.error("content", "signature-empty", "").stated_in(Document::CreateSignature);
        } else if self.content.contains(['【', '】', '[', ']']) {
            found.error("content", "signature-brackets", "").stated_in(Document::SignatureStandard);
        } else if has_unreadable(&self.content) || self.content.trim() != self.content {
            found.error("content", "signature-unreadable", "");
        } else if !LENGTHS.contains(&length) {
            found.error("content", "signature-length", length);
        } else {
            self.check_name(found);
            if let Some(word) = sensitive_word(&self.content, sensitive_words) {
                found.warning("content", "sensitive-word", word).document =
                    topics::forbids_in_names(word);
            }
        }
    }

    /// Warns about a name that can be submitted and that a reviewer may reject.
    fn check_name(&self, found: &mut Findings) {
        let length = self.content.chars().count();
        let mut warn = |key, about: String| {
            found.warning("content", key, about).stated_in(Document::SignatureStandard);
        };
        if length > STANDARD_LENGTH {
            warn("signature-long", length.to_string());
        }
        let allowed = |letter| is_plain(letter) || self.international && letter == ' ';
        if let Some(mark) = self.content.chars().find(|letter| !allowed(*letter)) {
            warn("signature-mark", mark.to_string());
        }
        if self.content.chars().all(|letter| letter.is_ascii_digit()) {
            warn("signature-digits", String::new());
        } else if is_neutral(&self.content) {
            warn("signature-neutral", String::new());
        } else if self.kind.is_organization() && !self.international {
            // The countries abroad have rules of their own.
            if length <= TOO_SHORT {
                warn("signature-short", String::new());
            }
            if !is_piece_of(&self.content, &self.full_name) {
                warn("signature-not-in-full-name", self.full_name.clone());
            }
        }
    }
}

/// Returns whether a name consists of neutral words only.
fn is_neutral(name: &str) -> bool {
    let mut rest = name;
    while let Some(shorter) = NEUTRAL_WORDS.iter().find_map(|word| rest.strip_prefix(word)) {
        rest = shorter;
    }
    rest.is_empty()
}

/// Returns whether a name is a continuous part of the full name, if that is known. Marks do not count:
/// a signature has none, and `优刻得（上海）` may only be written without them.
fn is_piece_of(name: &str, full_name: &str) -> bool {
    let letters = |text: &str| -> String {
        text.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect()
    };
    full_name.trim().is_empty() || letters(full_name).contains(&letters(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_FILES: RequiredFiles = RequiredFiles { certificate: true, proxy: true };

    fn application(content: &str) -> SignatureApplication {
        SignatureApplication {
            content: content.to_owned(),
            full_name: String::new(),
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
        for name in ["云帆书店", "YunFan_1", "客户世界", "安全出版社", "云帆商城"]
        {
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
            ("云帆", "signature-short", false),
            ("优刻得", "signature-short", false),
            ("告警通知", "signature-neutral", false),
            ("尊敬的客户", "signature-neutral", false),
            ("验证码", "signature-neutral", false),
            ("安全中心", "signature-neutral", false),
            ("会员服务平台", "signature-neutral", false),
            ("账户安全提醒", "signature-neutral", false),
            ("支付平台", "signature-neutral", false),
            ("贵宾商城", "signature-neutral", false),
        ] {
            assert_eq!(keys(&application(name), ALL_FILES), [(key, blocks)], "{name}");
        }
    }

    #[test]
    fn a_short_name_is_an_unbroken_piece_of_the_full_name() {
        let full_name = "优刻得（上海）科技 股份有限公司";
        for (name, is_piece) in [
            ("优刻得上海科技", true),
            ("优刻得上海科技股份有限公司", true),
            ("科技股份", true),
            ("优刻得科技", false),
            ("科技优刻得", false),
        ] {
            let form =
                SignatureApplication { full_name: full_name.to_owned(), ..application(name) };
            let expected: &[_] =
                if is_piece { &[] } else { &[("signature-not-in-full-name", false)] };
            let found = keys(&form, ALL_FILES);
            assert_eq!(
                found.iter().filter(|(key, _)| *key != "signature-long").count(),
                expected.len(),
                "{name}"
            );
            assert!(expected.iter().all(|one| found.contains(one)), "{name}");
            let trademark = SignatureApplication { kind: SignatureKind::Trademark, ..form.clone() };
            assert!(!keys(&trademark, ALL_FILES).contains(&("signature-not-in-full-name", false)));
        }
    }

    #[test]
    fn rules_for_organizations_are_not_those_of_trademarks_and_countries_abroad() {
        let trademark =
            SignatureApplication { kind: SignatureKind::Trademark, ..application("云帆") };
        assert_eq!(keys(&trademark, ALL_FILES), []);
        let abroad = SignatureApplication { international: true, ..application("UCD") };
        assert_eq!(keys(&abroad, ALL_FILES), []);
        let neutral =
            SignatureApplication { kind: SignatureKind::Trademark, ..application("通知") };
        assert_eq!(keys(&neutral, ALL_FILES), [("signature-neutral", false)]);
    }

    #[test]
    fn rules_of_the_vendor_name_their_document() {
        let words = ["赌博".to_owned(), "医疗".to_owned()];
        let document_of = |name: &str| application(name).check(ALL_FILES, &words)[0].document;
        for name in ["【云帆】", "云帆·书店", "云帆", "告警通知", "云帆赌博"] {
            assert_eq!(document_of(name), Some(Document::SignatureStandard), "{name}");
        }
        // The form's limit is only seen in its screenshot; 医疗 is forbidden in templates.
        for name in ["云", "云帆医疗"] {
            assert_eq!(document_of(name), None, "{name}");
        }
    }

    #[test]
    fn applications_stored_before_there_was_a_full_name_can_be_read() {
        let mut stored = serde_json::to_value(application("云帆书店")).unwrap();
        stored.as_object_mut().unwrap().remove("full_name");
        let read: SignatureApplication = serde_json::from_value(stored).unwrap();
        assert_eq!(read, application("云帆书店"));
    }

    #[test]
    fn files_are_required_as_kind_and_purpose_need_them() {
        let mut form = application("云帆书店");
        assert_eq!(keys(&form, RequiredFiles::default()), [("certificate-missing", true)]);
        form.qualification_id = "Q1".to_owned();
        assert_eq!(keys(&form, RequiredFiles::default()), [("certificate-missing", true)]);
        form.on_behalf = true;
        let certificate = RequiredFiles { certificate: true, proxy: false };
        assert_eq!(keys(&form, certificate), [("proxy-missing", true)]);
        form.kind = SignatureKind::App;
        assert_eq!(keys(&form, ALL_FILES), [("signature-kind-refused", false)]);
    }
}
