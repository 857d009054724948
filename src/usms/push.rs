//! Parsing pushes: status reports (`MsgType` 2) and replies (`MsgType` 0), both under `Data`. An
//! item that cannot be read does not affect the others.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::receipt::Receipt;
use super::wire::Fields;

/// The most items of a push. UCloud's are longer than 80 bytes, so that 4 MB hold no more.
const MAX_ITEMS: usize = 50_000;
/// The longest item in bytes; the longest replies are a few thousand.
const MAX_ITEM_BYTES: usize = 64 << 10;
/// How many unreadable items of a push are returned, …
const MAX_BAD_ITEMS: usize = 20;
/// … up to which length as JSON, which can take a hundred times the memory of its text, …
const MAX_BAD_ITEM_BYTES: usize = 4 << 10;
/// … and how much of the text of a longer one.
const MAX_BAD_ITEM_CHARS: usize = 1_000;

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
    /// The item as it was pushed; null for all but the first of a push.
    pub raw: Value,
}

/// Why a push cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// Not a JSON object.
    #[error("the push is not a JSON object")]
    NotJson,
    /// `Data` is missing, or is neither an array nor an object.
    #[error("the push has no Data")]
    NoData,
    /// A `MsgType` other than 0 and 2.
    #[error("the push has an unknown MsgType")]
    UnknownKind,
    /// More items than UCloud could push.
    #[error("the push has more than {MAX_ITEMS} items")]
    TooManyItems,
}

/// Parses a push.
///
/// # Errors
///
/// [`PushError`] if no item can be found in it. Items that cannot be read are [`BadItem`]s in the
/// result.
pub fn parse(body: &[u8]) -> Result<Push, PushError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let envelope = json.deserialize_map(EnvelopeVisitor).map_err(|_| PushError::NotJson)?;
    json.end().map_err(|_| PushError::NotJson)?;
    let items = items(envelope.data.ok_or(PushError::NoData)?)?;
    let kind = envelope.kind.unwrap_or_default();
    match Fields::of(&kind).and_then(|fields| fields.number(KIND)) {
        Some(2) => Ok(Push::Reports(read_all(&items, |item| Receipt::read(item, None)))),
        Some(0) => Ok(Push::Replies(read_all(&items, reply))),
        Some(_) | None => Err(PushError::UnknownKind),
    }
}

const KIND: &str = "MsgType";

/// The fields of a push, before its items are parsed.
#[derive(Default)]
struct Envelope<'a> {
    /// An object with the field [`KIND`] alone.
    kind: Option<Value>,
    data: Option<&'a RawValue>,
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match name.as_ref() {
                KIND => {
                    let raw: &RawValue = map.next_value()?;
                    let kind = Some(raw.get()).filter(|raw| raw.len() <= MAX_ITEM_BYTES);
                    let kind: Value = kind
                        .map_or(Ok(Value::Null), serde_json::from_str)
                        .map_err(A::Error::custom)?;
                    envelope.kind = Some(serde_json::json!({ KIND: kind }));
                }
                "Data" => envelope.data = Some(map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(envelope)
    }
}

/// Returns the elements of an array, or a single object as one element.
fn items(data: &RawValue) -> Result<Vec<&RawValue>, PushError> {
    match data.get().bytes().next() {
        Some(b'[') => {
            let mut json = serde_json::Deserializer::from_str(data.get());
            let items = json.deserialize_seq(ItemsVisitor).map_err(|_| PushError::NotJson)?;
            items.ok_or(PushError::TooManyItems)
        }
        Some(b'{') => Ok(vec![data]),
        _ => Err(PushError::NoData),
    }
}

/// Collects the elements of an array; `None` if there are more than [`MAX_ITEMS`].
struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Option<Vec<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = elements.next_element()? {
            if items.len() == MAX_ITEMS {
                while elements.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(None);
            }
            items.push(item);
        }
        Ok(Some(items))
    }
}

/// Parses items one by one, so that only what was read of them stays in memory.
fn read_all<T>(
    items: &[&RawValue],
    read: impl Fn(&Value) -> Result<T, &'static str>,
) -> Vec<Result<T, BadItem>> {
    let mut bad_items = 0;
    let mut bad = |why, raw: Value| {
        bad_items += 1;
        BadItem { why, raw: if bad_items <= MAX_BAD_ITEMS { raw } else { Value::Null } }
    };
    let beginning =
        |item: &RawValue| Value::String(item.get().chars().take(MAX_BAD_ITEM_CHARS).collect());
    items
        .iter()
        .map(|item| {
            if item.get().len() > MAX_ITEM_BYTES {
                return Err(bad("item is too long", beginning(item)));
            }
            let Ok(value) = serde_json::from_str::<Value>(item.get()) else {
                return Err(bad("no JSON", beginning(item)));
            };
            let is_short = item.get().len() <= MAX_BAD_ITEM_BYTES;
            read(&value).map_err(|why| bad(why, if is_short { value } else { beginning(item) }))
        })
        .collect()
}

fn reply(item: &Value) -> Result<Reply, &'static str> {
    let fields = Fields::of(item).ok_or("no phone")?;
    Ok(Reply {
        phone: fields.some_text("Phone").ok_or("no phone")?,
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
    fn an_item_that_is_too_long_or_no_json_does_not_affect_the_others() {
        let good = r#"{"SessionNo":"a","Phone":"1","ReceiptResult":"Success"}"#;
        let long = format!(r#"{{"SessionNo":"{}"}}"#, "a".repeat(70_000));
        let items = reports(&format!(r#"{{"MsgType":2,"Data":[{long},{good},"\ud800",{good}]}}"#));
        let why: Vec<Option<&str>> =
            items.iter().map(|item| item.as_ref().err().map(|bad| bad.why)).collect();
        assert_eq!(why, [Some("item is too long"), None, Some("no JSON"), None]);
        assert_eq!(items[0].as_ref().unwrap_err().raw.as_str().unwrap().len(), 1_000);
    }

    #[test]
    fn only_the_first_bad_items_are_kept_and_all_are_counted() {
        let items = reports(&format!(r#"{{"MsgType":2,"Data":[7{}]}}"#, ",7".repeat(49_999)));
        assert_eq!(items.len(), 50_000);
        let kept = items.iter().filter(|item| !item.as_ref().unwrap_err().raw.is_null()).count();
        assert_eq!(kept, MAX_BAD_ITEMS);
        let more = format!(r#"{{"MsgType":2,"Data":[7{}]}}"#, ",{}".repeat(50_000));
        assert!(matches!(parse(more.as_bytes()), Err(PushError::TooManyItems)));
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
            "{\"MsgType\":2,\"Data\":[]} {",
            "{\"MsgType\":2,\"Data\":[}",
        ] {
            assert!(parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
