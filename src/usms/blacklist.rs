//! The vendor's own blacklist (USMS API reference, BatchCreateUSMSBlacklistPhone).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::client::{Client, Credentials};
use super::errors::CallError;
use super::wire::Fields;

/// The most phones of one call.
pub const MAX_PHONES_PER_BLACKLIST: usize = 1_000;
/// Blocks texts of every purpose.
const ALL_PURPOSES: u8 = 0;

impl Client {
    /// Adds phones to the blacklist of the project. Returns those that the vendor refused. Safe to
    /// repeat: a phone that is already on the list stays on it.
    pub async fn add_to_blacklist(
        &self,
        keys: &Credentials,
        phones: &[&str],
        remark: &str,
    ) -> Result<Vec<String>, CallError> {
        let list: serde_json::Value = phones
            .iter()
            .map(|phone| json!({ "Phone": phone, "Purpose": ALL_PURPOSES, "Remark": remark }))
            .collect();
        let params = vec![
            ("IsGlobal".to_owned(), "false".to_owned()),
            ("BlackList".to_owned(), STANDARD.encode(list.to_string())),
        ];
        let response = self.succeed(keys, "BatchCreateUSMSBlacklistPhone", params).await?;
        let failed = Fields::of(&response.body).map(|fields| fields.array("FailedList").to_vec());
        let failed = failed.unwrap_or_default();
        Ok(failed.iter().filter_map(|phone| phone.as_str().map(str::to_owned)).collect())
    }
}
