//! The items of a push that could not be read.

use serde_json::{Value, json};

/// How many of them are stored: more than the page about a push shows.
const MAX_STORED: usize = 20;

/// The items of a push that could not be read. All are counted; the first ones are stored with why.
#[derive(Debug, Default)]
pub struct Problems(Vec<Value>);

impl Problems {
    /// Adds an item with the reason why it could not be read.
    pub fn add(&mut self, why: &str, item: Value) {
        let is_stored = self.0.len() < MAX_STORED;
        let stored = || json!({ "why": why, "item": without_nul(item) });
        self.0.push(if is_stored { stored() } else { Value::Null });
    }

    /// Returns how many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns them as they are stored: `why` and `item`, or null.
    pub fn into_json(self) -> Value {
        Value::Array(self.0)
    }
}

/// Replaces NUL, the one character that PostgreSQL cannot store.
fn without_nul(value: Value) -> Value {
    let clean = |text: String| text.replace('\0', "\u{fffd}");
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nul).collect()),
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(name, value)| (clean(name), without_nul(value))).collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}
