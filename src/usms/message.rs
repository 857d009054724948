//! Sending (USMS API reference, SendUSMSMessage and SendBatchUSMSMessage).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::client::{Client, Credentials};
use super::errors::{CallError, UnknownBecause};
use super::ret_code::RetCode;
use super::signing::{Params, push_array};
use super::wire::Fields;

/// Phones one SendUSMSMessage takes.
pub const MAX_PHONES_PER_SEND: usize = 1_000;
/// Phones one SendBatchUSMSMessage takes.
pub const MAX_PHONES_PER_BATCH: usize = 200;
/// Characters a `UserId` may have.
pub const MAX_USER_ID: usize = 32;

/// One text to many phones.
#[derive(Debug, Clone, Copy)]
pub struct SendMessage<'a> {
    /// At most [`MAX_PHONES_PER_SEND`], normalised.
    pub phones: &'a [String],
    /// The vendor's id of an approved template.
    pub template_id: &'a str,
    /// An approved signature; empty only for texts abroad.
    pub sig_content: &'a str,
    /// As many values as the template has variables.
    pub params: &'a [String],
    /// Comes back in receipts; at most [`MAX_USER_ID`] characters.
    pub user_id: &'a str,
}

/// The service took a send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The session number.
    pub session_no: String,
    /// A code other than 0 that came with the session number, and its words: taken all the same.
    pub complaint: Option<(RetCode, String)>,
    /// The vendor's id of the call; may be empty.
    pub request_id: String,
}

/// Phones that share a template and a signature, as `TaskContent` has them.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetGroup {
    /// The vendor's id of an approved template.
    pub template_id: String,
    /// An approved signature.
    pub sig_content: String,
    /// To whom.
    #[serde(rename = "Target")]
    pub targets: Vec<Target>,
}

/// One phone with its own values.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Target {
    /// Normalised.
    pub phone: String,
    /// As many values as the template has variables.
    #[serde(rename = "TemplateParams", skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<String>,
    /// Comes back in this phone's receipt.
    pub user_id: String,
}

/// Many texts in one call, at most [`MAX_PHONES_PER_BATCH`] phones together.
#[derive(Debug, Clone)]
pub struct SendBatch {
    /// The groups.
    pub groups: Vec<TargetGroup>,
}

/// What became of a batch call.
#[derive(Debug, Clone)]
pub struct SentBatch {
    /// The session number, when at least one was taken.
    pub session_no: Option<String>,
    /// How many were taken, as the service counts.
    pub success_count: Option<i64>,
    /// What was not taken, phone by phone.
    pub failures: Vec<Failure>,
    /// The code: 0, or 18046.
    pub ret_code: RetCode,
    /// The vendor's id of the call; may be empty.
    pub request_id: String,
}

/// A phone that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The phone, as it came back.
    pub phone: String,
    /// Our `UserId` of it; may be empty.
    pub user_id: String,
    /// Its own reason, or its group's.
    pub reason: String,
}

impl Client {
    /// Sends one text to many phones. A RetCode 0 without a session number proves nothing.
    pub async fn send_message(
        &self,
        keys: &Credentials,
        send: &SendMessage<'_>,
    ) -> Result<Sent, CallError> {
        let mut params = Params::new();
        push_array(&mut params, "PhoneNumbers", send.phones);
        push_array(&mut params, "TemplateParams", send.params);
        params.push(("TemplateId".to_owned(), send.template_id.to_owned()));
        if !send.sig_content.is_empty() {
            params.push(("SigContent".to_owned(), send.sig_content.to_owned()));
        }
        params.push(("UserId".to_owned(), send.user_id.to_owned()));
        let answer = self.call(keys, "SendUSMSMessage", params).await?;
        let session = Fields::of(&answer.body).and_then(|fields| fields.some_text("SessionNo"));
        match session {
            Some(session_no) => Ok(Sent {
                session_no,
                complaint: (answer.ret_code != RetCode::OK)
                    .then_some((answer.ret_code, answer.message)),
                request_id: answer.request_id,
            }),
            None if answer.ret_code == RetCode::OK => Err(CallError::Unknown {
                because: UnknownBecause::NoProof("session number"),
                ret_code: Some(RetCode::OK),
                request_id: answer.request_id,
            }),
            None => Err(CallError::from_answer(answer.ret_code, answer.message, answer.request_id)),
        }
    }

    /// Sends many texts in one call. `FailContent` is read whatever the RetCode.
    pub async fn send_batch(
        &self,
        keys: &Credentials,
        batch: &SendBatch,
    ) -> Result<SentBatch, CallError> {
        let content = serde_json::to_vec(&batch.groups).map_err(CallError::unbuildable)?;
        let content = STANDARD.encode(content);
        let params = vec![("TaskContent".to_owned(), content)];
        let answer = self.call(keys, "SendBatchUSMSMessage", params).await?;
        let fields = Fields::of(&answer.body);
        let session_no = fields.and_then(|fields| fields.some_text("SessionNo"));
        let failures = fields.map(|fields| failures(fields, batch)).unwrap_or_default();
        let told = session_no.is_some() || !failures.is_empty();
        if !told && answer.ret_code != RetCode::OK {
            let error = CallError::from_answer(answer.ret_code, answer.message, answer.request_id);
            return Err(error);
        }
        if !told {
            return Err(CallError::Unknown {
                because: UnknownBecause::NoProof("session number"),
                ret_code: Some(RetCode::OK),
                request_id: answer.request_id,
            });
        }
        Ok(SentBatch {
            session_no,
            success_count: fields.and_then(|fields| fields.number("SuccessCount")),
            failures,
            ret_code: answer.ret_code,
            request_id: answer.request_id,
        })
    }
}

/// What was not taken. A group that names no phone of its own was refused as a whole.
fn failures(fields: Fields<'_>, batch: &SendBatch) -> Vec<Failure> {
    let mut failures = Vec::new();
    for group in fields.array("FailContent").iter().filter_map(Fields::of) {
        let of_group = group.text("FailureDetails");
        let named: Vec<Fields<'_>> = group.array("Target").iter().filter_map(Fields::of).collect();
        for target in &named {
            failures.push(Failure {
                phone: target.text("Phone"),
                user_id: target.text("UserId"),
                reason: target.some_text("FailureDetails").unwrap_or_else(|| of_group.clone()),
            });
        }
        if named.is_empty() {
            let (template_id, sig_content) = (group.text("TemplateId"), group.text("SigContent"));
            let whole = batch
                .groups
                .iter()
                .filter(|sent| sent.template_id == template_id && sent.sig_content == sig_content);
            failures.extend(whole.flat_map(|sent| &sent.targets).map(|target| Failure {
                phone: target.phone.clone(),
                user_id: target.user_id.clone(),
                reason: of_group.clone(),
            }));
        }
    }
    failures
}
