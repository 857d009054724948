//! Outcomes: the last four digits of a phone determine what becomes of its messages.

use serde_json::{Value, json};

use super::records::Message;

/// How long after its first push a receipt is pushed again, in milliseconds.
const SECOND_PUSH_AFTER: i64 = 1_000;

/// The result that a receipt reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Verdict {
    /// The message arrived.
    Delivered,
    /// The message did not arrive.
    Failed,
    /// The carrier did not report.
    Unknown,
}

impl Verdict {
    /// Returns the vendor's word, which is English for international messages.
    fn word(self, international: bool) -> &'static str {
        match (self, international) {
            (Self::Delivered, false) => "发送成功",
            (Self::Delivered, true) => "Success",
            (Self::Failed, false) => "发送失败",
            (Self::Failed, true) => "Fail",
            (Self::Unknown, false) => "状态未知",
            (Self::Unknown, true) => "Unknow",
        }
    }
}

/// When the receipt comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Comes {
    /// After [`crate::sandbox::Settings::receipt_after`].
    Soon,
    /// After the given number of milliseconds.
    After(i64),
    /// Never.
    Never,
}

/// The outcome of messages to phones with certain last digits.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct Outcome {
    /// The last four digits of the phone.
    pub(in crate::sandbox) digits: &'static str,
    pub(in crate::sandbox) verdict: Verdict,
    pub(in crate::sandbox) code: &'static str,
    pub(in crate::sandbox) desc: &'static str,
    pub(in crate::sandbox) comes: Comes,
    /// How often the receipt is pushed; once by default.
    pub(in crate::sandbox) pushes: u8,
}

impl Outcome {
    const fn delivered(digits: &'static str) -> Self {
        Self {
            digits,
            verdict: Verdict::Delivered,
            code: "DELIVRD",
            desc: "用户接收成功",
            comes: Comes::Soon,
            pushes: 1,
        }
    }

    const fn failed(digits: &'static str, code: &'static str, desc: &'static str) -> Self {
        Self { verdict: Verdict::Failed, code, desc, ..Self::delivered(digits) }
    }
}

/// The table in `docs/SANDBOX.md`. Its first row applies to all digits without a row.
pub(in crate::sandbox) const OUTCOMES: &[Outcome] = &[
    Outcome::delivered("0000"),
    Outcome::failed("0001", "ERRNUM", "手机号码错误，空号"),
    Outcome::failed("0002", "-37", "手机关机或不在服务区"),
    Outcome::failed("0003", "MLBLACK", "退订黑名单"),
    Outcome::failed("0004", "KEYWORD", "敏感词拦截"),
    Outcome::failed("0005", "S:11", "预付费用户欠费"),
    Outcome::failed("0006", "DISTURB", "手机号码发送次数过多"),
    Outcome {
        verdict: Verdict::Unknown,
        code: "NULL",
        desc: "运营商未上报状态报告",
        ..Outcome::delivered("0007")
    },
    Outcome { comes: Comes::Never, pushes: 0, ..Outcome::delivered("0008") },
    Outcome { comes: Comes::After(30_000), ..Outcome::delivered("0009") },
    Outcome { comes: Comes::After(10_000), ..Outcome::delivered("0010") },
    Outcome { pushes: 2, ..Outcome::delivered("0011") },
    Outcome { pushes: 0, ..Outcome::delivered("0012") },
    Outcome::failed("0013", "SIGNERR", "签名错误"),
    Outcome::failed("0014", "EXPIRED", "短消息超过有效期"),
    Outcome::failed("0015", "MK:0208", "SIM卡存储短消息的空间满"),
    Outcome::failed("0099", "MLBLACK", "退订黑名单"),
];

/// Returns the outcome of messages to a phone.
pub(in crate::sandbox) fn outcome(phone: &str) -> &'static Outcome {
    const DELIVERED: &Outcome = &Outcome::delivered("0000");
    OUTCOMES.iter().find(|outcome| phone.ends_with(outcome.digits)).unwrap_or(DELIVERED)
}

/// Returns when a message has its receipt, in milliseconds; `None` if never.
pub(in crate::sandbox) fn due(message: &Message, receipt_after: i64) -> Option<i64> {
    match outcome(&message.key).comes {
        Comes::Soon => Some(message.group.at + receipt_after),
        Comes::After(delay) => Some(message.group.at + delay),
        Comes::Never => None,
    }
}

/// Returns when the receipt of a message is pushed, in milliseconds, and whether it is the second
/// push.
pub(in crate::sandbox) fn pushes(message: &Message, receipt_after: i64) -> Vec<(i64, bool)> {
    let count = outcome(&message.key).pushes;
    let Some(due) = due(message, receipt_after) else { return Vec::new() };
    [(due, false), (due + SECOND_PUSH_AFTER, true)].into_iter().take(count.into()).collect()
}

/// Returns the receipt of a message, if it has one at `now`.
pub(in crate::sandbox) fn receipt(
    message: &Message,
    receipt_after: i64,
    now: i64,
) -> Option<Value> {
    let due = due(message, receipt_after).filter(|due| *due <= now)?;
    let outcome = outcome(&message.key);
    Some(json!({
        "Phone": &*message.phone,
        "CostCount": message.parts,
        "ReceiptResult": outcome.verdict.word(message.group.international),
        "ReceiptCode": outcome.code,
        "ReceiptDesc": outcome.desc,
        "ReceiptTime": due / 1000,
        "UserId": &*message.user_id,
    }))
}
