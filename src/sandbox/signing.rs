//! Authentication of calls: key, request signature, project.

use sha1::{Digest as _, Sha1};

use super::answer::{Refusal, code};
use super::params::Params;
use super::{PRIVATE_KEY, PROJECT_ID, PUBLIC_KEY};

/// Returns the request signature of the parameters.
pub(super) fn sign(params: &Params, private_key: &str) -> String {
    let mut hash = Sha1::new();
    for (name, text) in params.pairs().filter(|(name, _)| *name != "Signature") {
        hash.update(name.as_bytes());
        hash.update(text.as_bytes());
    }
    hash.update(private_key.as_bytes());
    hex::encode(hash.finalize())
}

/// Checks that a request is signed with the keys of the sandbox's account, for its project.
pub(super) fn check(params: &Params) -> Result<(), Refusal> {
    let (Some(key), Some(signature)) = (params.get("PublicKey"), params.get("Signature")) else {
        return Err(Refusal::new(code::UNSIGNED, "Missing signature"));
    };
    if key != PUBLIC_KEY || signature != sign(params, PRIVATE_KEY) {
        return Err(Refusal::new(code::WRONGLY_SIGNED, "Signature VerifyAC Error"));
    }
    match params.get("ProjectId") {
        Some(project) if project != PROJECT_ID && !is_another(project) => {
            Err(Refusal::new(code::PROJECT, "Project not exist"))
        }
        _ => Ok(()),
    }
}

/// Returns whether a project is another one of the same account, such as `org-sandbox-2`.
fn is_another(project: &str) -> bool {
    project.strip_prefix(PROJECT_ID).is_some_and(|rest| rest.starts_with('-'))
}
