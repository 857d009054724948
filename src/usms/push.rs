//! Parsing pushes: status reports (`MsgType` 2) and replies (`MsgType` 0), both under `Data`. An
//! item that cannot be read does not affect the others.

use serde_json::Value;

use super::receipt::Receipt;
use super::wire::Fields;

/// A parsed push.
#[derive(Debug)]
pub enum Push {
    /// Status reports.
    Reports(Vec<Result<Receipt, BadItem>>),
    /// Replies.
    Replies(Vec<Result<Reply, BadItem>>),
}

/// A text that a person sent in reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The sender's phone, as the push spells it.
    pub phone: String,
    /// The text.
    pub content: String,
    /// When it was sent, in Unix seconds.
    pub time: Option<i64>,
    /// The extension code it was sent to; may be empty.
    pub extend_code: String,
    /// Our id of the message it replies to; may be empty.
    pub user_id: String,
}

/// An item that cannot be read.
#[derive(Debug, Clone)]
pub struct BadItem {
    /// Why it cannot be read.
    pub why: &'static str,
    /// The item as it was pushed.
    pub raw: Value,
}

/// Why a push cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// Not a JSON object.
    #[error("the push is no JSON object")]
    NotJson,
    /// `Data` is missing, or is neither an array nor an object.
    #[error("the push has no Data")]
    NoData,
    /// A `MsgType` other than 0 and 2.
    #[error("the push has an unknown MsgType")]
    UnknownKind,
}

/// Parses a push.
///
/// # Errors
///
/// [`PushError`] if no item can be found in it. Items that cannot be read are [`BadItem`]s in the
/// result.
pub fn parse(body: &[u8]) -> Result<Push, PushError> {
    let body: Value = serde_json::from_slice(body).map_err(|_| PushError::NotJson)?;
    let fields = Fields::of(&body).ok_or(PushError::NotJson)?;
    let items = fields.items("Data").ok_or(PushError::NoData)?;
    match fields.number("MsgType") {
        Some(2) => Ok(Push::Reports(items.iter().map(report).collect())),
        Some(0) => Ok(Push::Replies(items.iter().map(reply).collect())),
        Some(_) | None => Err(PushError::UnknownKind),
    }
}

fn report(item: &Value) -> Result<Receipt, BadItem> {
    Receipt::read(item, None).map_err(|why| BadItem { why, raw: item.clone() })
}

fn reply(item: &Value) -> Result<Reply, BadItem> {
    let bad = || BadItem { why: "no phone", raw: item.clone() };
    let fields = Fields::of(item).ok_or_else(bad)?;
    Ok(Reply {
        phone: fields.some_text("Phone").ok_or_else(bad)?,
        content: fields.text("ReplyContent"),
        time: fields.time("ReplyTime"),
        extend_code: fields.text("ExtendCode"),
        user_id: fields.text("UserId"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::receipt::ReceiptResult;
    use super::*;

    fn reports(body: &str) -> Vec<Result<Receipt, BadItem>> {
        match parse(body.as_bytes()) {
            Ok(Push::Reports(items)) => items,
            other => panic!("not reports: {other:?}"),
        }
    }

    #[test]
    fn a_bad_item_does_not_affect_the_others() {
        let items = reports(
            r#"{"MsgType":"2","Data":[
            {"SessionNo":"a","Phone":"18500001206","CostCount":"2","ReceiptResult":"发送成功",
             "ReceiptTime":"1700000000","ReceiptCode":null},
            {"Phone":"18500001207"}, 7,
            {"SessionNo":"b","Phone":18500001208,"ReceiptResult":"Unknow"}]}"#,
        );
        let good: Vec<&Receipt> = items.iter().filter_map(|item| item.as_ref().ok()).collect();
        assert_eq!(good.len(), 2);
        assert_eq!(good[0].cost_count, 2);
        assert_eq!(good[0].time, Some(1_700_000_000));
        assert_eq!(good[1].phone, "18500001208");
        assert_eq!(good[1].result, ReceiptResult::Unknown);
        assert_eq!(items.iter().filter(|item| item.is_err()).count(), 2);
    }

    #[test]
    fn a_bad_item_has_a_reason_and_its_raw_json() {
        let items = reports(
            r#"{"MsgType":2,"Data":[
            {"SessionNo":"a","Phone":"1","ReceiptResult":"maybe"},
            {"SessionNo":"a","ReceiptResult":"Success"},
            {"SessionNo":"a\u0000","Phone":"1","ReceiptResult":"Success"},
            null]}"#,
        );
        let why: Vec<&str> =
            items.iter().filter_map(|item| item.as_ref().err()).map(|bad| bad.why).collect();
        let expected = ["unknown ReceiptResult", "no phone", "no session number", "no JSON object"];
        assert_eq!(why, expected);
        assert_eq!(items[0].as_ref().unwrap_err().raw["ReceiptResult"], "maybe");
    }

    #[test]
    fn times_are_read_in_every_format_and_nonsense_is_ignored() {
        let read = |time: Value| {
            let item = json!({ "SessionNo": "a", "Phone": "1", "ReceiptResult": "Fail",
                "ReceiptTime": time });
            Receipt::read(&item, None).unwrap().time
        };
        let at = Some(1_790_000_000);
        assert_eq!(read(json!(1_790_000_000)), at);
        assert_eq!(read(json!("1790000000")), at);
        assert_eq!(read(json!(1_790_000_000_123_i64)), at, "milliseconds");
        assert_eq!(read(json!("2026-09-21 22:13:20")), at);
        assert_eq!(read(json!("2026/09/21 22:13:20")), at);
        assert_eq!(read(json!("2026-09-21T14:13:20Z")), at);
        for nonsense in [
            json!(0),
            json!(-5),
            json!(253_402_300_799_i64),
            json!("soon"),
            json!(null),
            json!(""),
            json!(i64::MAX),
            json!(1e300),
            json!(["x"]),
            json!("9999-12-31 00:00:00"),
        ] {
            assert_eq!(read(nonsense.clone()), None, "{nonsense}");
        }
    }

    #[test]
    fn a_single_item_without_an_array_is_read() {
        let item = r#"{"SessionNo":"a","Phone":"1","ReceiptResult":"Success"}"#;
        assert_eq!(reports(&format!(r#"{{"MsgType":2,"Data":{item}}}"#)).len(), 1);
    }

    #[test]
    fn invalid_pushes_are_errors_and_never_panic() {
        for body in [
            "",
            "[]",
            "null",
            "{",
            "{\"MsgType\":9,\"Data\":[]}",
            "{\"MsgType\":2,\"Data\":null}",
            "{\"MsgType\":2,\"Data\":\"[]\"}",
            "{\"MsgType\":2}",
            "{\"Data\":[]}",
        ] {
            assert!(parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
