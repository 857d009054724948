//! The action that adds phones to the vendor's blacklist.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::sandbox::answer::{Answer, Refusal, code};
use crate::sandbox::params::Params;
use crate::sandbox::phone;
use crate::sandbox::state::journal::Entry;
use crate::sandbox::state::store::World;

/// The largest number of phones in a call.
const LIMIT: usize = 1000;

/// A phone in the caller's list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    phone: String,
    #[serde(default)]
    purpose: u8,
    #[serde(default)]
    remark: String,
}

/// BatchCreateUSMSBlacklistPhone.
pub(in crate::sandbox) fn create(params: &Params, world: &mut World) -> Result<Answer, Refusal> {
    params.required("IsGlobal")?;
    params.flag("IsGlobal")?;
    let bytes = STANDARD
        .decode(params.required("BlackList")?)
        .map_err(|_| Refusal::malformed("BlackList"))?;
    let list: Vec<Listed> = serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::new(code::NOT_JSON, format!("BlackList: {error}")))?;
    if list.is_empty() || list.len() > LIMIT {
        return Err(Refusal::invalid("BlackList", "1 to 1000 phones"));
    }
    if list.iter().any(|listed| listed.purpose > 3 || listed.remark.chars().count() > 256) {
        return Err(Refusal::invalid("BlackList", "purpose or remark"));
    }
    let (valid, invalid): (Vec<String>, Vec<String>) = list
        .into_iter()
        .map(|listed| listed.phone)
        .partition(|phone| phone::parse(phone).is_some());
    world.record(Entry::Blacklisted(valid.clone()));
    Ok(Answer::ok().with("SuccessList", valid).with("FailedList", invalid))
}
