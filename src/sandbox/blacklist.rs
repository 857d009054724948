//! The action that keeps phones from being sent to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::answer::{Answer, Refusal, code};
use super::journal::Entry;
use super::params::Params;
use super::phone;
use super::store::World;

/// How many phones one call may have.
const LIMIT: usize = 1000;

/// A phone as the caller writes it.
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
pub(super) fn create(params: &Params, world: &mut World) -> Result<Answer, Refusal> {
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
    if list.iter().any(|one| one.purpose > 3 || one.remark.chars().count() > 256) {
        return Err(Refusal::invalid("BlackList", "purpose or remark"));
    }
    let (good, bad): (Vec<String>, Vec<String>) =
        list.into_iter().map(|one| one.phone).partition(|one| phone::parse(one).is_some());
    world.record(Entry::Blacklisted(good.clone()));
    Ok(Answer::ok().with("SuccessList", good).with("FailedList", bad))
}
