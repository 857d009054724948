//! The parameters of a request, flattened to names and texts whatever form they came in.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::answer::{Refusal, code};

/// The largest file, before base64.
const FILE_LIMIT: usize = 4 * 1024 * 1024;

/// Names and texts in byte order of the names.
#[derive(Debug, Default)]
pub(super) struct Params(BTreeMap<String, String>);

impl Params {
    /// Reads the query of the address and the body, by its content type.
    pub(super) fn read(query: &str, content_type: &str, body: &[u8]) -> Result<Self, Refusal> {
        let mut params = Self::default();
        params.add_form(query.as_bytes())?;
        if body.is_empty() {
            return Ok(params);
        }
        if content_type.to_ascii_lowercase().contains("json") {
            let value: Value = serde_json::from_slice(body)
                .map_err(|error| Refusal::new(code::NOT_JSON, error.to_string()))?;
            params.add_json("", &value);
        } else {
            params.add_form(body)?;
        }
        Ok(params)
    }

    fn add_form(&mut self, form: &[u8]) -> Result<(), Refusal> {
        let pairs: Vec<(String, String)> = serde_html_form::from_bytes(form)
            .map_err(|error| Refusal::new(code::NOT_JSON, error.to_string()))?;
        self.0.extend(pairs);
        Ok(())
    }

    fn add_json(&mut self, name: &str, value: &Value) {
        let inner = |key: &str| {
            if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") }
        };
        match value {
            Value::Null => {}
            Value::Bool(yes) => self.put(name, yes.to_string()),
            Value::Number(number) => self.put(name, plain_number(number)),
            Value::String(text) => self.put(name, text.clone()),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.add_json(&inner(&index.to_string()), item);
                }
            }
            Value::Object(fields) => {
                for (key, item) in fields {
                    self.add_json(&inner(key), item);
                }
            }
        }
    }

    fn put(&mut self, name: &str, text: String) {
        self.0.insert(name.to_owned(), text);
    }

    /// All names and texts in byte order of the names.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// A text that may be missing; an empty one counts as missing.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A text, or an empty one.
    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }

    /// `Name.0`, `Name.1`, … up to the first gap.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        (0..)
            .map_while(|index| self.0.get(&format!("{name}.{index}")))
            .map(String::as_str)
            .collect()
    }

    /// A list that must have a member.
    pub(super) fn required_list(&self, name: &str) -> Result<Vec<&str>, Refusal> {
        let list = self.list(name);
        if list.is_empty() { Err(Refusal::missing(name)) } else { Ok(list) }
    }

    /// A whole number that must be there and within a range.
    pub(super) fn choice(&self, name: &str, range: RangeInclusive<u8>) -> Result<u8, Refusal> {
        let number: i64 = self.required(name)?.parse().map_err(|_| Refusal::malformed(name))?;
        u8::try_from(number)
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| Refusal::invalid(name, "not one of the choices"))
    }

    /// `true` or `false`, false when missing.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Refusal::malformed(name)),
        }
    }

    /// Checks that a file is base64 and not too large. `data_url` asks for the form
    /// `image/jpeg;base64,…` that updates use. Gives its size; `None` when there is no file.
    pub(super) fn check_file(&self, name: &str, data_url: bool) -> Result<Option<usize>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let encoded = if data_url {
            text.split_once(";base64,").ok_or_else(|| Refusal::malformed(name))?.1
        } else {
            text
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| Refusal::malformed(name))?;
        if bytes.len() > FILE_LIMIT {
            return Err(Refusal::invalid(name, "larger than 4 MB"));
        }
        Ok(Some(bytes.len()))
    }
}

/// A number as the SDKs sign it: without a fraction it has no `.0`.
fn plain_number(number: &serde_json::Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
