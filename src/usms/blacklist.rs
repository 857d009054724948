//! The vendor's own blacklist (USMS API reference, BatchCreateUSMSBlacklistPhone).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::client::{Client, Credentials};
use super::errors::CallError;
use super::signing::Params;
use super::wire::Fields;

/// The most phones of one call.
pub const MAX_PHONES_PER_BLACKLIST: usize = 1_000;
/// Blocks texts of every purpose.
const ALL_PURPOSES: u8 = 0;
/// Whether it takes effect for all projects of the account (是否全项目生效). Opt-outs are a project's
/// own, and no action takes a phone off again, so one project must not silence another.
const IS_GLOBAL: bool = false;

impl Client {
    /// Adds phones to the blacklist of the project, which holds for every program that sends with it.
    /// Returns those that the vendor refused. Safe to repeat: a phone that is already on the list
    /// stays on it.
    pub async fn add_to_blacklist(
        &self,
        keys: &Credentials,
        phones: &[&str],
        remark: &str,
    ) -> Result<Vec<String>, CallError> {
        let params = params(phones, remark);
        let response = self.succeed(keys, "BatchCreateUSMSBlacklistPhone", params).await?;
        let failed = Fields::of(&response.body).map(|fields| fields.array("FailedList").to_vec());
        let failed = failed.unwrap_or_default();
        Ok(failed.iter().filter_map(|phone| phone.as_str().map(str::to_owned)).collect())
    }
}

fn params(phones: &[&str], remark: &str) -> Params {
    let list: serde_json::Value = phones
        .iter()
        .map(|phone| json!({ "Phone": phone, "Purpose": ALL_PURPOSES, "Remark": remark }))
        .collect();
    vec![
        ("IsGlobal".to_owned(), IS_GLOBAL.to_string()),
        ("BlackList".to_owned(), STANDARD.encode(list.to_string())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_blacklisted_for_the_project_and_not_for_the_whole_account() {
        let params = params(&["18500001234"], "退订");
        assert_eq!(params[0], ("IsGlobal".to_owned(), "false".to_owned()));
        let list = STANDARD.decode(&params[1].1).unwrap();
        let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
        assert_eq!(list, json!([{ "Phone": "18500001234", "Purpose": 0, "Remark": "退订" }]));
    }
}
