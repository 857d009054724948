//! What the vendor advises for a receipt code.

/// The kind of advice in the column 建议的处理方案 of the vendor's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Advice {
    SwitchOn,
    FindSignal,
    RestoreService,
    TopUp,
    TopUpAccount,
    EnableService,
    CheckPhone,
    FreeStorage,
    CheckNumber,
    OtherNumber,
    OtherPhone,
    OtherNumberOrPhone,
    ChangeText,
    FixSignature,
    SendLessOften,
    Wait,
    OtherTime,
    WrittenConsent,
    AskToLift,
    CannotBeLifted,
    Retry,
    RetryAndAsk,
    CheckThenSupport,
    CheckThenCarrier,
    AskSupport,
    AskCarrier,
    FixRequest,
    NoneGiven,
}

impl Advice {
    /// All kinds of advice.
    pub const ALL: [Self; 28] = [
        Self::SwitchOn,
        Self::FindSignal,
        Self::RestoreService,
        Self::TopUp,
        Self::TopUpAccount,
        Self::EnableService,
        Self::CheckPhone,
        Self::FreeStorage,
        Self::CheckNumber,
        Self::OtherNumber,
        Self::OtherPhone,
        Self::OtherNumberOrPhone,
        Self::ChangeText,
        Self::FixSignature,
        Self::SendLessOften,
        Self::Wait,
        Self::OtherTime,
        Self::WrittenConsent,
        Self::AskToLift,
        Self::CannotBeLifted,
        Self::Retry,
        Self::RetryAndAsk,
        Self::CheckThenSupport,
        Self::CheckThenCarrier,
        Self::AskSupport,
        Self::AskCarrier,
        Self::FixRequest,
        Self::NoneGiven,
    ];

    /// Returns the name used in the table and in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::SwitchOn => "switch_on",
            Self::FindSignal => "find_signal",
            Self::RestoreService => "restore_service",
            Self::TopUp => "top_up",
            Self::TopUpAccount => "top_up_account",
            Self::EnableService => "enable_service",
            Self::CheckPhone => "check_phone",
            Self::FreeStorage => "free_storage",
            Self::CheckNumber => "check_number",
            Self::OtherNumber => "other_number",
            Self::OtherPhone => "other_phone",
            Self::OtherNumberOrPhone => "other_number_or_phone",
            Self::ChangeText => "change_text",
            Self::FixSignature => "fix_signature",
            Self::SendLessOften => "send_less_often",
            Self::Wait => "wait",
            Self::OtherTime => "other_time",
            Self::WrittenConsent => "written_consent",
            Self::AskToLift => "ask_to_lift",
            Self::CannotBeLifted => "cannot_be_lifted",
            Self::Retry => "retry",
            Self::RetryAndAsk => "retry_and_ask",
            Self::CheckThenSupport => "check_then_support",
            Self::CheckThenCarrier => "check_then_carrier",
            Self::AskSupport => "ask_support",
            Self::AskCarrier => "ask_carrier",
            Self::FixRequest => "fix_request",
            Self::NoneGiven => "none",
        }
    }

    /// Parses what [`Advice::key`] returns.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|advice| advice.key() == key)
    }
}
