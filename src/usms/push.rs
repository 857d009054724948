//! What the vendor pushes: status reports (`MsgType` 2) and replies (`MsgType` 0), both under
//! `Data`. One item that cannot be read loses none of the others.

use serde_json::Value;

use super::receipt::Receipt;
use super::wire::Fields;

/// A push, read.
#[derive(Debug)]
pub enum Push {
    /// Status reports.
    Reports(Vec<Result<Receipt, BadItem>>),
    /// Replies.
    Replies(Vec<Result<Reply, BadItem>>),
}

/// A person's answer to a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Who wrote it, as it came.
    pub phone: String,
    /// What they wrote.
    pub content: String,
    /// When, in unix seconds.
    pub time: Option<i64>,
    /// The extension code it came to; may be empty.
    pub extend_code: String,
    /// The `UserId` of the text it answers; may be empty.
    pub user_id: String,
}

/// An item that cannot be read, kept as it came.
#[derive(Debug, Clone)]
pub struct BadItem {
    /// What is wrong with it.
    pub why: &'static str,
    /// The item.
    pub raw: Value,
}

/// A push that cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// No JSON object.
    #[error("the push is no JSON object")]
    NotJson,
    /// A `MsgType` other than 0 and 2.
    #[error("the push has an unknown MsgType")]
    UnknownKind,
}

/// Reads a push.
pub fn parse(body: &[u8]) -> Result<Push, PushError> {
    let body: Value = serde_json::from_slice(body).map_err(|_| PushError::NotJson)?;
    let fields = Fields::of(&body).ok_or(PushError::NotJson)?;
    let items = fields.array("Data");
    match fields.number("MsgType") {
        Some(2) => Ok(Push::Reports(items.iter().map(report).collect())),
        Some(0) => Ok(Push::Replies(items.iter().map(reply).collect())),
        Some(_) | None => Err(PushError::UnknownKind),
    }
}

fn report(item: &Value) -> Result<Receipt, BadItem> {
    Receipt::read(item, None)
        .ok_or_else(|| BadItem { why: "no phone or no session number", raw: item.clone() })
}

fn reply(item: &Value) -> Result<Reply, BadItem> {
    let bad = || BadItem { why: "no phone", raw: item.clone() };
    let fields = Fields::of(item).ok_or_else(bad)?;
    Ok(Reply {
        phone: fields.some_text("Phone").ok_or_else(bad)?,
        content: fields.text("ReplyContent"),
        time: fields.number("ReplyTime").filter(|at| *at > 0),
        extend_code: fields.text("ExtendCode"),
        user_id: fields.text("UserId"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::receipt::ReceiptResult;
    use super::*;

    #[test]
    fn one_bad_item_loses_none_of_the_others() {
        let body = r#"{"MsgType":"2","Data":[
            {"SessionNo":"a","Phone":"18500001206","CostCount":"2","ReceiptResult":"发送成功",
             "ReceiptTime":"1700000000","ReceiptCode":null},
            {"Phone":"18500001207"}, 7,
            {"SessionNo":"b","Phone":18500001208,"ReceiptResult":"Unknow"}]}"#;
        let Ok(Push::Reports(items)) = parse(body.as_bytes()) else { panic!("not reports") };
        let good: Vec<&Receipt> = items.iter().filter_map(|item| item.as_ref().ok()).collect();
        assert_eq!(good.len(), 2);
        assert_eq!(good[0].cost_count, 2);
        assert_eq!(good[0].time, Some(1_700_000_000));
        assert_eq!(good[1].phone, "18500001208");
        assert_eq!(good[1].result, ReceiptResult::Unknown);
        assert_eq!(items.iter().filter(|item| item.is_err()).count(), 2);
    }

    #[test]
    fn rubbish_is_an_error_and_no_panic() {
        for body in ["", "[]", "null", "{\"MsgType\":9}", "{\"MsgType\":2,\"Data\":null}", "{"] {
            let _ = parse(body.as_bytes());
        }
        assert!(parse(b"{\"MsgType\":9}").is_err());
    }
}
