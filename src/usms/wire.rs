//! Lenient reading of JSON that deviates from the vendor's documentation: missing, extra and null
//! fields, numbers as strings and strings as numbers.

use serde_json::{Map, Value};
use time::format_description::well_known::Rfc3339;
use time::macros::{format_description, offset};
use time::{OffsetDateTime, PrimitiveDateTime};

/// The fields of a JSON object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// Returns the fields of `value`, if it is an object.
    pub fn of(value: &'a Value) -> Option<Self> {
        value.as_object().map(Self)
    }

    /// Returns a string or number as a string; empty for anything else.
    pub fn text(self, name: &str) -> String {
        match self.0.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
                String::new()
            }
        }
    }

    /// Returns a string or number as a string, unless it is empty.
    pub fn some_text(self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// Returns an integer, also if it is a string or has a fraction of zero (`9.0`).
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

    /// Returns a time in Unix seconds. It may also be in milliseconds, or a date and time in
    /// Asia/Shanghai or RFC 3339. Times outside of [`PLAUSIBLE_TIMES`] are ignored.
    pub fn time(self, name: &str) -> Option<i64> {
        let time = self.number(name).or_else(|| date(&self.text(name)))?;
        [time, time / 1_000].into_iter().find(|at| PLAUSIBLE_TIMES.contains(at))
    }

    /// Returns the elements of an array; none if it is missing or something else.
    pub fn array(self, name: &str) -> &'a [Value] {
        self.0.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Returns an object, or the first element of an array if that is an object.
    pub fn object(self, name: &str) -> Option<Fields<'a>> {
        match self.0.get(name)? {
            Value::Object(map) => Some(Fields(map)),
            Value::Array(elements) => elements.first().and_then(Fields::of),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }
}

/// Times that a message can have: 2010 to 2100, in Unix seconds.
const PLAUSIBLE_TIMES: std::ops::Range<i64> = 1_262_304_000..4_102_444_800;

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
