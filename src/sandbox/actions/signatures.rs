//! The four actions on signatures.

use serde_json::json;

use crate::sandbox::answer::{Answer, Refusal, code};
use crate::sandbox::params::Params;
use crate::sandbox::review::{APPROVED, Review};
use crate::sandbox::state::journal::Entry;
use crate::sandbox::state::records::{Application, Signature};
use crate::sandbox::state::store::{World, new_id};

impl Signature {
    /// Returns the status and reason of the review at `now`.
    pub(in crate::sandbox) fn status(&self, world: &World, now: i64) -> (u8, String) {
        self.review.outcome(&self.content, world.review_after, now)
    }
}

/// CreateUSMSSignature.
pub(in crate::sandbox) fn create(
    params: &Params,
    world: &mut World,
    now: i64,
) -> Result<Answer, Refusal> {
    let content = check_form(params)?;
    params.required("Description")?;
    let international = params.flag("International")?;
    let application = application(params, false)?;
    if application.on_behalf && application.proxy_bytes.is_none() {
        return Err(Refusal::missing("ProxyFile"));
    }
    let id = new_id("SIG");
    world.record(Entry::Signature(Signature {
        id: id.clone(),
        content: content.clone(),
        international,
        application,
        review: Review::begin(now),
    }));
    Ok(Answer::ok().with("SigId", id).with("SigContent", content))
}

/// QueryUSMSSignature: finds a signature by id, content or both.
pub(in crate::sandbox) fn query(
    params: &Params,
    world: &World,
    now: i64,
) -> Result<Answer, Refusal> {
    let (id, content) = (params.get("SigId"), params.get("SigContent"));
    if id.is_none() && content.is_none() {
        return Err(Refusal::missing("SigId"));
    }
    let signature = world
        .signatures
        .values()
        .filter(|signature| id.is_none_or(|id| id == signature.id))
        .filter(|signature| content.is_none_or(|content| content == signature.content))
        .max_by_key(|signature| {
            (signature.status(world, now).0 == APPROVED, signature.review.since)
        })
        .ok_or_else(|| Refusal::invalid("SigId", "signature does not exist"))?;
    let (status, reason) = signature.status(world, now);
    Ok(Answer::ok().with(
        "Data",
        json!({
            "SigId": signature.id,
            "SigContent": signature.content,
            "Status": status,
            "ErrDesc": reason,
        }),
    ))
}

/// UpdateUSMSSignature: changes a signature and submits it again.
pub(in crate::sandbox) fn update(
    params: &Params,
    world: &mut World,
    now: i64,
) -> Result<Answer, Refusal> {
    let id = params.required("SigId")?;
    let content = check_form(params)?;
    let application = application(params, true)?;
    let proxy = application.proxy_bytes.is_some() || params.get("ProxyDoc").is_some();
    if application.on_behalf && !proxy {
        return Err(Refusal::missing("ProxyFile"));
    }
    let existing = find(world, id)?;
    if !world.rules.may_change(existing.status(world, now).0) {
        return Err(Refusal::invalid("SigId", "a signature of this status cannot be changed"));
    }
    let changed =
        Signature { content, application, review: Review::begin(now), ..existing.clone() };
    world.record(Entry::Signature(changed));
    Ok(Answer::ok())
}

/// DeleteUSMSSignature: deletes all of the signatures or none.
pub(in crate::sandbox) fn delete(
    params: &Params,
    world: &mut World,
    now: i64,
) -> Result<Answer, Refusal> {
    let ids = params.required_list("SigIds")?;
    for id in &ids {
        if !world.rules.may_delete(find(world, id)?.status(world, now).0) {
            return Err(Refusal::invalid("SigIds", "a signature in review cannot be deleted"));
        }
    }
    for id in ids {
        world.record(Entry::Deleted(id.to_owned()));
    }
    Ok(Answer::ok())
}

/// Checks that there is an approved signature with this content, and returns the content.
/// International messages need no signature.
pub(in crate::sandbox) fn check_approved(
    content: Option<&str>,
    international: bool,
    world: &World,
    now: i64,
) -> Result<String, Refusal> {
    let Some(content) = content.filter(|content| !content.is_empty()) else {
        let unsigned = if international { Ok(String::new()) } else { Err("SigContent") };
        return unsigned.map_err(Refusal::missing);
    };
    let approved = world
        .signatures
        .values()
        .any(|other| other.content == content && other.status(world, now).0 == APPROVED);
    if !approved {
        let message = format!("signature [{content}] does not exist or is not approved");
        return Err(Refusal::new(code::SIGNATURE, message));
    }
    Ok(content.to_owned())
}

/// Parses what is submitted besides the content.
fn application(params: &Params, data_url: bool) -> Result<Application, Refusal> {
    Ok(Application {
        sig_type: params.choice("SigType", 0..=5)?,
        on_behalf: params.choice("SigPurpose", 0..=1)? == 1,
        description: params.text("Description"),
        scene: params.text("SceneDesc"),
        qualification_id: params.text("QualificationId"),
        file_bytes: params.check_file("File", data_url)?,
        proxy_bytes: params.check_file("ProxyFile", data_url)?,
    })
}

/// Checks the rules that creating and changing share, and returns the content.
fn check_form(params: &Params) -> Result<String, Refusal> {
    let content = params.required("SigContent")?;
    let length = content.chars().count();
    if !(2..=20).contains(&length) {
        return Err(Refusal::invalid("SigContent", "2 to 20 characters"));
    }
    if content.contains(['【', '】', '[', ']']) {
        return Err(Refusal::invalid("SigContent", "brackets are added by the platform"));
    }
    let kind = params.choice("SigType", 0..=5)?;
    params.choice("SigPurpose", 0..=1)?;
    if params.choice("CertificateType", 0..=5)? != kind {
        return Err(Refusal::invalid("CertificateType", "does not match SigType"));
    }
    Ok(content.to_owned())
}

fn find<'a>(world: &'a World, id: &str) -> Result<&'a Signature, Refusal> {
    world.signatures.get(id).ok_or_else(|| Refusal::invalid("SigId", "signature does not exist"))
}
