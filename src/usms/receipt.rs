//! Receipts (USMS API reference, GetUSMSSendReceipt).

use serde_json::Value;

use super::client::{Client, Credentials};
use super::errors::CallError;
use super::signing::{Params, push_array};
use super::wire::Fields;

/// Sessions one GetUSMSSendReceipt takes.
pub const MAX_SESSIONS_PER_QUERY: usize = 100;

/// No session number, phone or `UserId` is longer than this.
const MAX_NAME_LENGTH: usize = 128;

/// The carrier's word on one phone of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The session number.
    pub session_no: String,
    /// The phone as it came: plain, `(86)…`, `0086…`, or masked.
    pub phone: String,
    /// Billed pieces; 0 when it did not say.
    pub cost_count: i64,
    /// What the carrier says.
    pub result: ReceiptResult,
    /// Its code.
    pub code: String,
    /// Its words.
    pub description: String,
    /// When, in unix seconds.
    pub time: Option<i64>,
    /// What the sender gave; may be empty.
    pub user_id: String,
}

/// `ReceiptResult` in its two languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptResult {
    /// 发送成功, Success.
    Success,
    /// 发送失败, Fail.
    Fail,
    /// 状态未知, Unknow (so spelt).
    Unknown,
}

impl ReceiptResult {
    /// `None` for what the documentation does not name.
    fn read(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "发送成功" | "success" => Some(Self::Success),
            "发送失败" | "fail" | "failed" => Some(Self::Fail),
            "状态未知" | "unknow" | "unknown" => Some(Self::Unknown),
            _ => None,
        }
    }
}

impl Receipt {
    /// Reads one item, or says what it lacks: it must say something of a phone of a session.
    pub(super) fn read(item: &Value, session_no: Option<&str>) -> Result<Self, &'static str> {
        let fields = Fields::of(item).ok_or("no JSON object")?;
        let session_no = session_no.map(str::to_owned).or_else(|| name(fields, "SessionNo"));
        Ok(Self {
            session_no: session_no.ok_or("no session number")?,
            phone: name(fields, "Phone").ok_or("no phone")?,
            cost_count: fields.number("CostCount").unwrap_or(0),
            result: ReceiptResult::read(&fields.text("ReceiptResult"))
                .ok_or("unknown ReceiptResult")?,
            code: fields.text("ReceiptCode"),
            description: fields.text("ReceiptDesc"),
            time: fields.time("ReceiptTime"),
            user_id: name(fields, "UserId").unwrap_or_default(),
        })
    }
}

/// What names a thing: short, and of visible characters. Anything else names nothing.
fn name(fields: Fields<'_>, field: &str) -> Option<String> {
    let text = fields.some_text(field)?;
    let text = text.trim();
    let names = !text.is_empty()
        && text.chars().count() <= MAX_NAME_LENGTH
        && !text.chars().any(char::is_control);
    names.then(|| text.to_owned())
}

impl Client {
    /// Asks what is known of at most [`MAX_SESSIONS_PER_QUERY`] sessions. A session may come back
    /// with fewer phones than it was sent to, or not at all, while reports are still coming.
    pub async fn get_send_receipt(
        &self,
        keys: &Credentials,
        sessions: &[&str],
    ) -> Result<Vec<Receipt>, CallError> {
        let mut params = Params::new();
        push_array(&mut params, "SessionNoSet", sessions);
        let answer = self.succeed(keys, "GetUSMSSendReceipt", params).await?;
        let Some(fields) = Fields::of(&answer.body) else { return Ok(Vec::new()) };
        let mut receipts = Vec::new();
        for session in fields.array("Data").iter().filter_map(Fields::of) {
            let Some(session_no) = session.some_text("SessionNo") else { continue };
            let items = session.array("ReceiptSet").iter();
            receipts.extend(items.filter_map(|item| Receipt::read(item, Some(&session_no)).ok()));
        }
        Ok(receipts)
    }
}
