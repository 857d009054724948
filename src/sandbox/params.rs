//! The parameters of a request as names and texts, whether they come as a query, a form or JSON.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::answer::{Refusal, code};

/// The largest file in bytes, before base64.
const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

/// Names and texts, in the byte order of the names.
#[derive(Debug, Default)]
pub(super) struct Params(BTreeMap<String, String>);

impl Params {
    /// Parses the query of the URL and, by its content type, the body.
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
        let nested = |key: &str| {
            if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") }
        };
        match value {
            Value::Null => {}
            Value::Bool(flag) => self.insert(name, flag.to_string()),
            Value::Number(number) => self.insert(name, plain_number(number)),
            Value::String(text) => self.insert(name, text.clone()),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.add_json(&nested(&index.to_string()), item);
                }
            }
            Value::Object(fields) => {
                for (key, item) in fields {
                    self.add_json(&nested(key), item);
                }
            }
        }
    }

    fn insert(&mut self, name: &str, text: String) {
        self.0.insert(name.to_owned(), text);
    }

    /// Returns all names and texts, in the byte order of the names.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Returns an optional text; an empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Returns a text, which is empty if absent.
    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    /// Returns a required text.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }

    /// Returns the texts of `Name.0`, `Name.1`, … up to the first gap.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        (0..)
            .map_while(|index| self.0.get(&format!("{name}.{index}")))
            .map(String::as_str)
            .collect()
    }

    /// Returns a list that must not be empty.
    pub(super) fn required_list(&self, name: &str) -> Result<Vec<&str>, Refusal> {
        let list = self.list(name);
        if list.is_empty() { Err(Refusal::missing(name)) } else { Ok(list) }
    }

    /// Returns a required integer that must be within `range`.
    pub(super) fn choice(&self, name: &str, range: RangeInclusive<u8>) -> Result<u8, Refusal> {
        let number: i64 = self.required(name)?.parse().map_err(|_| Refusal::malformed(name))?;
        u8::try_from(number)
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| Refusal::invalid(name, "not one of the choices"))
    }

    /// Returns `true` or `false`, which is the default.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Refusal::malformed(name)),
        }
    }

    /// Checks that a file is valid base64 and not too large, and returns its size in bytes; `None`
    /// if there is no file. With `data_url` it must have the form `image/jpeg;base64,…` that
    /// updates use.
    pub(super) fn check_file(&self, name: &str, data_url: bool) -> Result<Option<usize>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let encoded = if data_url {
            text.split_once(";base64,").ok_or_else(|| Refusal::malformed(name))?.1
        } else {
            text
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| Refusal::malformed(name))?;
        if bytes.len() > MAX_FILE_BYTES {
            return Err(Refusal::invalid(name, "larger than 4 MB"));
        }
        Ok(Some(bytes.len()))
    }
}

/// Formats a number as the SDKs sign it: integers have no `.0`.
fn plain_number(number: &serde_json::Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
