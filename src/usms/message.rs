//! Sending messages (USMS API reference, SendUSMSMessage and SendBatchUSMSMessage).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::client::{Client, Credentials};
use super::errors::{CallError, UnknownBecause};
use super::ret_code::RetCode;
use super::signing::{Params, push_array};
use super::wire::Fields;

/// The most phones of one SendUSMSMessage.
pub const MAX_PHONES_PER_SEND: usize = 1_000;
/// The most phones of one SendBatchUSMSMessage.
pub const MAX_PHONES_PER_BATCH: usize = 200;
/// The most characters of a `UserId`.
pub const MAX_USER_ID: usize = 32;

/// The same text to many phones.
#[derive(Debug, Clone, Copy)]
pub struct SendMessage<'a> {
    /// At most [`MAX_PHONES_PER_SEND`] normalized phones.
    pub phones: &'a [String],
    /// The vendor's id of an approved template.
    pub template_id: &'a str,
    /// An approved signature; may be empty for international texts only.
    pub sig_content: &'a str,
    /// As many values as the template has variables.
    pub params: &'a [String],
    /// Our id, which comes back in receipts; at most [`MAX_USER_ID`] characters.
    pub user_id: &'a str,
}

/// The result of SendUSMSMessage: accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The session number.
    pub session_no: String,
    /// A RetCode other than 0 that came with the session number, and its message. The messages were
    /// accepted all the same.
    pub complaint: Option<(RetCode, String)>,
    /// The vendor's id of the call; may be empty.
    pub request_id: String,
}

/// Phones that share a template and a signature: an element of `TaskContent`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetGroup {
    /// The vendor's id of an approved template.
    pub template_id: String,
    /// The content of an approved signature; may be empty for international texts only.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sig_content: String,
    /// The phones.
    #[serde(rename = "Target")]
    pub targets: Vec<Target>,
}

/// One phone with its own values.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Target {
    /// The phone, normalized.
    pub phone: String,
    /// As many values as the template has variables.
    #[serde(rename = "TemplateParams", skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<String>,
    /// Our id, which comes back in this phone's receipt.
    pub user_id: String,
}

/// Phones with values of their own in one call, at most [`MAX_PHONES_PER_BATCH`] in total.
#[derive(Debug, Clone)]
pub struct SendBatch {
    /// The phones by template and signature.
    pub groups: Vec<TargetGroup>,
}

/// The result of SendBatchUSMSMessage.
#[derive(Debug, Clone)]
pub struct SentBatch {
    /// The session number, if at least one phone was accepted.
    pub session_no: Option<String>,
    /// The number of accepted phones, as the service counts.
    pub success_count: Option<i64>,
    /// The phones that were not accepted.
    pub failures: Vec<Failure>,
    /// The RetCode: 0, or 18046 for a partial success.
    pub ret_code: RetCode,
    /// A RetCode other than these two, and its message. With a session number, messages were accepted
    /// all the same.
    pub complaint: Option<(RetCode, String)>,
    /// The vendor's id of the call; may be empty.
    pub request_id: String,
}

/// A phone that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The phone, as the response spells it.
    pub phone: String,
    /// Our id of its message; may be empty.
    pub user_id: String,
    /// The vendor's reason: its own, or that of its group.
    pub reason: String,
}

impl Client {
    /// Sends one text to many phones.
    ///
    /// # Errors
    ///
    /// [`CallError::Unknown`] also for a RetCode 0 without a session number, which proves nothing.
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
        let response = self.call(keys, "SendUSMSMessage", params).await?;
        let session = Fields::of(&response.body).and_then(|fields| fields.some_text("SessionNo"));
        match session {
            Some(session_no) => Ok(Sent {
                session_no,
                complaint: (response.ret_code != RetCode::OK)
                    .then_some((response.ret_code, response.message)),
                request_id: response.request_id,
            }),
            None if response.ret_code == RetCode::OK => Err(CallError::Unknown {
                because: UnknownBecause::NoProof("session number"),
                ret_code: Some(RetCode::OK),
                request_id: response.request_id,
            }),
            None => Err(CallError::from_response(
                response.ret_code,
                response.message,
                response.request_id,
            )),
        }
    }

    /// Sends texts of their own to many phones in one call. `FailContent` is read whatever the
    /// RetCode.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the response has neither a session number nor failures.
    pub async fn send_batch(
        &self,
        keys: &Credentials,
        batch: &SendBatch,
    ) -> Result<SentBatch, CallError> {
        let content = serde_json::to_vec(&batch.groups).map_err(CallError::unbuildable)?;
        let content = STANDARD.encode(content);
        let params = vec![("TaskContent".to_owned(), content)];
        let response = self.call(keys, "SendBatchUSMSMessage", params).await?;
        let fields = Fields::of(&response.body);
        let session_no = fields.and_then(|fields| fields.some_text("SessionNo"));
        let failures = fields.map(|fields| failures(fields, batch)).unwrap_or_default();
        let conclusive = session_no.is_some() || !failures.is_empty();
        if !conclusive && response.ret_code != RetCode::OK {
            let error =
                CallError::from_response(response.ret_code, response.message, response.request_id);
            return Err(error);
        }
        if !conclusive {
            return Err(CallError::Unknown {
                because: UnknownBecause::NoProof("session number"),
                ret_code: Some(RetCode::OK),
                request_id: response.request_id,
            });
        }
        let is_complaint = !matches!(response.ret_code, RetCode::OK | RetCode::PARTLY);
        Ok(SentBatch {
            complaint: is_complaint.then_some((response.ret_code, response.message)),
            session_no,
            success_count: fields.and_then(|fields| fields.number("SuccessCount")),
            failures,
            ret_code: response.ret_code,
            request_id: response.request_id,
        })
    }
}

/// Reads the phones that were not accepted. A group without phones was refused as a whole.
fn failures(fields: Fields<'_>, batch: &SendBatch) -> Vec<Failure> {
    let mut failures = Vec::new();
    for group in fields.array("FailContent").iter().filter_map(Fields::of) {
        let group_reason = group.text("FailureDetails");
        let targets: Vec<Fields<'_>> =
            group.array("Target").iter().filter_map(Fields::of).collect();
        for target in &targets {
            failures.push(Failure {
                phone: target.text("Phone"),
                user_id: target.text("UserId"),
                reason: target.some_text("FailureDetails").unwrap_or_else(|| group_reason.clone()),
            });
        }
        if targets.is_empty() {
            let (template_id, sig_content) = (group.text("TemplateId"), group.text("SigContent"));
            let refused = batch
                .groups
                .iter()
                .filter(|sent| sent.template_id == template_id && sent.sig_content == sig_content);
            failures.extend(refused.flat_map(|sent| &sent.targets).map(|target| Failure {
                phone: target.phone.clone(),
                user_id: target.user_id.clone(),
                reason: group_reason.clone(),
            }));
        }
    }
    failures
}
