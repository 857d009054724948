//! Reading answers that do not keep to their documentation: missing, extra and null fields, numbers
//! as strings and strings as numbers.

use serde_json::{Map, Value};
use time::format_description::well_known::Rfc3339;
use time::macros::{format_description, offset};
use time::{OffsetDateTime, PrimitiveDateTime};

/// A JSON object read field by field, each with a sensible absence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// The fields of `value`, if it is an object.
    pub fn of(value: &'a Value) -> Option<Self> {
        value.as_object().map(Self)
    }

    /// A text; empty when it is missing, null or no text.
    pub fn text(self, name: &str) -> String {
        match self.0.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
                String::new()
            }
        }
    }

    /// A text that is there and not empty.
    pub fn some_text(self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// A whole number, also when it is written as a text or with a fraction of nothing.
    pub fn number(self, name: &str) -> Option<i64> {
        match self.0.get(name)? {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| whole(text.parse().ok()?))
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A time in unix seconds, also when it is written in milliseconds, or as a date of
    /// Asia/Shanghai. Nothing outside of this century's first decades is a time of a message.
    pub fn time(self, name: &str) -> Option<i64> {
        let written = self.number(name).or_else(|| date(&self.text(name)))?;
        [written, written / 1_000].into_iter().find(|at| SENSIBLE.contains(at))
    }

    /// The elements of an array, or the one object that came instead; `None` for anything else.
    pub fn items(self, name: &str) -> Option<&'a [Value]> {
        match self.0.get(name)? {
            Value::Array(items) => Some(items),
            one @ Value::Object(_) => Some(std::slice::from_ref(one)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }

    /// The elements of an array; none when it is missing or null.
    pub fn array(self, name: &str) -> &'a [Value] {
        self.0.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// An object inside; also the first element where an array came instead.
    pub fn object(self, name: &str) -> Option<Fields<'a>> {
        match self.0.get(name)? {
            Value::Object(map) => Some(Fields(map)),
            Value::Array(elements) => elements.first().and_then(Fields::of),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }
}

/// 2010 to 2100, in unix seconds.
const SENSIBLE: std::ops::Range<i64> = 1_262_304_000..4_102_444_800;

fn date(text: &str) -> Option<i64> {
    let text = text.trim();
    let plain = text.replace('T', " ").replace('/', "-");
    let zoned = OffsetDateTime::parse(text, &Rfc3339).ok();
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let local =
        || PrimitiveDateTime::parse(&plain, format).ok().map(|at| at.assume_offset(offset!(+8)));
    zoned.or_else(local).map(OffsetDateTime::unix_timestamp)
}

#[allow(clippy::cast_possible_truncation)]
fn whole(number: f64) -> Option<i64> {
    (number.is_finite() && number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}
