//! Receipts, and polling them (USMS API reference, GetUSMSSendReceipt).

use serde_json::Value;

use super::client::{Client, Credentials};
use super::errors::CallError;
use super::signing::{Params, push_array};
use super::wire::Fields;

/// The most sessions of one GetUSMSSendReceipt.
pub const MAX_SESSIONS_PER_QUERY: usize = 100;

/// The most characters of a session number, phone or `UserId`.
const MAX_ID_LENGTH: usize = 128;

/// The carrier's result for one phone of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The session number.
    pub session_no: String,
    /// The phone as the vendor spells it: plain, `(86)…`, `0086…`, or masked.
    pub phone: String,
    /// Billed parts; 0 if it is missing.
    pub cost_count: i64,
    /// The carrier's result.
    pub result: ReceiptResult,
    /// The receipt code, such as `DELIVRD`.
    pub code: String,
    /// The carrier's description of the code.
    pub description: String,
    /// When the carrier reported it, in Unix seconds.
    pub time: Option<i64>,
    /// Our id that was sent with the call; may be empty.
    pub user_id: String,
}

/// `ReceiptResult`, which is Chinese in pushes and English in responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptResult {
    /// 发送成功, Success.
    Success,
    /// 发送失败, Fail.
    Fail,
    /// 状态未知, Unknow (sic).
    Unknown,
}

impl ReceiptResult {
    /// Parses a result; `None` if the reference does not name it.
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
    /// Reads one item, or returns why it cannot be read: session number, phone and result are
    /// required.
    pub(super) fn read(item: &Value, session_no: Option<&str>) -> Result<Self, &'static str> {
        let fields = Fields::of(item).ok_or("no JSON object")?;
        let session_no = session_no.map(str::to_owned).or_else(|| id(fields, "SessionNo"));
        Ok(Self {
            session_no: session_no.ok_or("no session number")?,
            phone: id(fields, "Phone").ok_or("no phone")?,
            cost_count: fields.number("CostCount").unwrap_or(0),
            result: ReceiptResult::read(&fields.text("ReceiptResult"))
                .ok_or("unknown ReceiptResult")?,
            code: fields.text("ReceiptCode"),
            description: fields.text("ReceiptDesc"),
            time: fields.time("ReceiptTime"),
            user_id: id(fields, "UserId").unwrap_or_default(),
        })
    }
}

/// Reads an id: short, and of visible characters. `None` for anything else.
fn id(fields: Fields<'_>, field: &str) -> Option<String> {
    let text = fields.some_text(field)?;
    let text = text.trim();
    let valid = !text.is_empty()
        && text.chars().count() <= MAX_ID_LENGTH
        && !text.chars().any(char::is_control);
    valid.then(|| text.to_owned())
}

impl Client {
    /// Returns the receipts of at most [`MAX_SESSIONS_PER_QUERY`] sessions. While reports are still
    /// coming, a session has fewer receipts than phones, or none.
    pub async fn get_send_receipt(
        &self,
        keys: &Credentials,
        sessions: &[&str],
    ) -> Result<Vec<Receipt>, CallError> {
        let mut params = Params::new();
        push_array(&mut params, "SessionNoSet", sessions);
        let response = self.succeed(keys, "GetUSMSSendReceipt", params).await?;
        let Some(fields) = Fields::of(&response.body) else { return Ok(Vec::new()) };
        let mut receipts = Vec::new();
        for session in fields.array("Data").iter().filter_map(Fields::of) {
            let Some(session_no) = session.some_text("SessionNo") else { continue };
            let items = session.array("ReceiptSet").iter();
            receipts.extend(items.filter_map(|item| Receipt::read(item, Some(&session_no)).ok()));
        }
        Ok(receipts)
    }
}
