//! Receipts (USMS API reference, GetUSMSSendReceipt).

use serde_json::Value;

use super::client::{Client, Credentials};
use super::errors::CallError;
use super::signing::{Params, push_array};
use super::wire::Fields;

/// Sessions one GetUSMSSendReceipt takes.
pub const MAX_SESSIONS_PER_QUERY: usize = 100;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptResult {
    /// 发送成功, Success.
    Success,
    /// 发送失败, Fail.
    Fail,
    /// 状态未知, Unknow (so spelt).
    Unknown,
    /// Something the documentation does not name.
    Other(String),
}

impl ReceiptResult {
    pub(super) fn read(text: &str) -> Self {
        match text.trim() {
            "发送成功" => Self::Success,
            "发送失败" => Self::Fail,
            "状态未知" => Self::Unknown,
            other => match other.to_ascii_lowercase().as_str() {
                "success" => Self::Success,
                "fail" | "failed" => Self::Fail,
                "unknow" | "unknown" => Self::Unknown,
                _ => Self::Other(other.to_owned()),
            },
        }
    }
}

impl Receipt {
    /// Reads one item; `None` without a phone or a session number.
    pub(super) fn read(item: &Value, session_no: Option<&str>) -> Option<Self> {
        let fields = Fields::of(item)?;
        Some(Self {
            session_no: session_no.map(str::to_owned).or_else(|| fields.some_text("SessionNo"))?,
            phone: fields.some_text("Phone")?,
            cost_count: fields.number("CostCount").unwrap_or(0),
            result: ReceiptResult::read(&fields.text("ReceiptResult")),
            code: fields.text("ReceiptCode"),
            description: fields.text("ReceiptDesc"),
            time: fields.number("ReceiptTime").filter(|at| *at > 0),
            user_id: fields.text("UserId"),
        })
    }
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
            receipts.extend(items.filter_map(|item| Receipt::read(item, Some(&session_no))));
        }
        Ok(receipts)
    }
}
