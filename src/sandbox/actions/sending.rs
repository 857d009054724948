//! The two actions that send messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{signatures, templates};
use crate::sandbox::answer::{Answer, Refusal, code};
use crate::sandbox::params::Params;
use crate::sandbox::state::journal::{Entry, Sending, SendingGroup, SendingTarget};
use crate::sandbox::state::records::Template;
use crate::sandbox::state::store::World;
use crate::sandbox::{phone, text};

/// The largest number of phones in SendUSMSMessage.
const MAX_PHONES: usize = 1000;
/// The largest number of phones in SendBatchUSMSMessage.
const MAX_BATCH_PHONES: usize = 200;
/// The largest length of a text in characters.
const MAX_TEXT_LENGTH: usize = 500;
/// The largest length of a `UserId` in characters.
const MAX_USER_ID_LENGTH: usize = 32;
/// The largest length of a value in a template for verification codes.
const MAX_CODE_LENGTH: usize = 7;
/// Words that the sandbox's carriers block.
const BLOCKED_WORDS: [&str; 3] = ["赌博", "违禁", "代开发票"];
/// The last digits of phones that SendBatchUSMSMessage refuses at once, with RetCode 0 and a reason
/// on the group, as the vendor's own example shows.
const REFUSED_BY_BATCH: &str = "0099";

/// SendUSMSMessage: one text to many phones. All are accepted or none.
pub(in crate::sandbox) fn send(
    params: &Params,
    world: &mut World,
    now: i64,
) -> Result<Answer, Refusal> {
    let phones = params.required_list("PhoneNumbers")?;
    let template_id = params.required("TemplateId")?;
    check_count(phones.len(), MAX_PHONES)?;
    let user_id = params.get("UserId").unwrap_or_default();
    let extend_code = params.get("ExtendCode").unwrap_or_default();
    check_user_id(user_id)?;
    check_extend_code(extend_code)?;
    let template = templates::check_approved(template_id, world, now)?;
    let signature =
        signatures::check_approved(params.get("SigContent"), template.international, world, now)?;
    let values: Vec<String> =
        params.list("TemplateParams").into_iter().map(str::to_owned).collect();
    check_values(&template, &values)?;
    let invalid: Vec<&str> =
        phones.iter().copied().filter(|phone| phone::parse(phone).is_none()).collect();
    if !invalid.is_empty() {
        let message = format!("invalid phone numbers: {}", invalid.join(","));
        return Err(Refusal::new(code::PHONES, message));
    }
    let target = |phone: &str| SendingTarget {
        phone: phone.to_owned(),
        user_id: user_id.to_owned(),
        extend_code: extend_code.to_owned(),
        values: None,
    };
    let targets = phones.into_iter().map(target).collect();
    let session = accept(world, now, vec![group(&template, signature, values, targets)]);
    let answer = Answer::ok().with_message("提交发送成功").with("SessionNo", session);
    Ok(if user_id.is_empty() { answer } else { answer.with("UserId", user_id) })
}

/// A group in the caller's batch.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TaskGroup {
    #[serde(default)]
    template_id: String,
    #[serde(default)]
    sig_content: String,
    #[serde(default)]
    target: Vec<TaskTarget>,
}

/// A phone in the caller's batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TaskTarget {
    #[serde(default)]
    template_params: Vec<String>,
    #[serde(default)]
    phone: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    extend_code: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    user_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty", skip_deserializing)]
    failure_details: String,
}

/// The accepted and refused messages of a batch.
#[derive(Debug, Default)]
struct CheckedBatch {
    groups: Vec<SendingGroup>,
    accepted: usize,
    failed: Vec<Value>,
    /// Whether something failed for another reason than [`REFUSED_BY_BATCH`].
    partly: bool,
}

/// SendBatchUSMSMessage: a text for each phone. Invalid messages are refused, the others accepted.
pub(in crate::sandbox) fn send_batch(
    params: &Params,
    world: &mut World,
    now: i64,
) -> Result<Answer, Refusal> {
    let tasks = read_tasks(params.required("TaskContent")?)?;
    let count = tasks.iter().map(|task| task.target.len()).sum();
    if count == 0 {
        return Err(Refusal::missing("Target"));
    }
    check_count(count, MAX_BATCH_PHONES)?;
    let mut batch = CheckedBatch::default();
    for task in tasks {
        check_task(task, &mut batch, world, now);
    }
    let mut answer =
        Answer::ok().with_message("submit success").with("SuccessCount", batch.accepted);
    if batch.partly {
        answer.ret_code = code::PARTLY;
        answer = answer.with_message("some messages of the batch were refused");
    }
    if !batch.failed.is_empty() {
        answer = answer.with("FailContent", batch.failed);
    }
    if batch.accepted > 0 {
        answer = answer.with("SessionNo", accept(world, now, batch.groups));
    }
    Ok(answer)
}

/// Returns the `FailContent` of a batch that is refused as a whole.
pub(in crate::sandbox) fn fail_content(params: &Params) -> Vec<Value> {
    let tasks = params.required("TaskContent").and_then(read_tasks).unwrap_or_default();
    tasks.iter().map(|task| failure(task, "", &task.target)).collect()
}

fn read_tasks(content: &str) -> Result<Vec<TaskGroup>, Refusal> {
    let bytes = STANDARD.decode(content).map_err(|_| Refusal::malformed("TaskContent"))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::new(code::NOT_JSON, format!("TaskContent: {error}")))
}

/// Adds the accepted and refused phones of a group to `batch`.
fn check_task(task: TaskGroup, batch: &mut CheckedBatch, world: &World, now: i64) {
    let approved = templates::check_approved(&task.template_id, world, now).and_then(|template| {
        let signature = Some(task.sig_content.as_str());
        let international = template.international;
        signatures::check_approved(signature, international, world, now)
            .map(|signature| (template, signature))
    });
    let (template, signature) = match approved {
        Ok(approved) => approved,
        Err(refusal) => {
            batch.partly = true;
            batch.failed.push(failure(&task, &refusal.message, &task.target));
            return;
        }
    };
    let (mut accepted, mut failed, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for target in &task.target {
        match check_target(&template, target) {
            Err(refusal) => {
                failed.push(TaskTarget { failure_details: refusal.message, ..target.clone() });
            }
            Ok(()) if target.phone.ends_with(REFUSED_BY_BATCH) => refused.push(target.clone()),
            Ok(()) => accepted.push(SendingTarget {
                phone: target.phone.clone(),
                user_id: target.user_id.clone(),
                extend_code: target.extend_code.clone(),
                values: Some(target.template_params.clone()),
            }),
        }
    }
    if !refused.is_empty() {
        batch.failed.push(failure(&task, "phone in the black list", &refused));
    }
    if !failed.is_empty() {
        batch.partly = true;
        batch.failed.push(failure(&task, "", &failed));
    }
    if !accepted.is_empty() {
        batch.accepted += accepted.len();
        batch.groups.push(group(&template, signature, Vec::new(), accepted));
    }
}

fn failure(task: &TaskGroup, reason: &str, targets: &[TaskTarget]) -> Value {
    let mut failure = json!({
        "TemplateId": task.template_id,
        "SigContent": task.sig_content,
        "Target": targets,
    });
    if !reason.is_empty()
        && let Some(fields) = failure.as_object_mut()
    {
        fields.insert("FailureDetails".into(), Value::from(reason));
    }
    failure
}

fn check_target(template: &Template, target: &TaskTarget) -> Result<(), Refusal> {
    if phone::parse(&target.phone).is_none() {
        return Err(Refusal::new(code::PHONES, "invalid phone number"));
    }
    check_user_id(&target.user_id)?;
    check_extend_code(&target.extend_code)?;
    check_values(template, &target.template_params)
}

fn check_count(count: usize, limit: usize) -> Result<(), Refusal> {
    if count > limit {
        let message = format!("more than {limit} phone numbers");
        return Err(Refusal::new(code::TOO_MANY, message));
    }
    Ok(())
}

/// Checks that values fit the template and are not blocked by carriers.
fn check_values(template: &Template, values: &[String]) -> Result<(), Refusal> {
    if Ok(values.len()) != text::count_variables(&template.text) {
        return Err(Refusal::new(code::VALUES, "params do not match the template"));
    }
    if values.iter().any(|value| value.is_empty() || value.contains(['【', '】'])) {
        return Err(Refusal::new(code::BAD_VALUE, "a value is empty or contains brackets"));
    }
    if template.purpose == templates::VERIFICATION && !values.iter().all(|value| is_code(value)) {
        let message = "a value of a verification code template is not 1 to 7 letters or digits";
        return Err(Refusal::new(code::BAD_VALUE, message));
    }
    let rendered = text::body(&template.text, values, template.ending());
    if BLOCKED_WORDS.iter().any(|word| rendered.contains(word)) {
        return Err(Refusal::new(code::BLOCKED_WORD, "the text contains a blocked word"));
    }
    if rendered.chars().count() > MAX_TEXT_LENGTH {
        return Err(Refusal::invalid("TemplateParams", "the text has more than 500 characters"));
    }
    Ok(())
}

fn is_code(value: &str) -> bool {
    (1..=MAX_CODE_LENGTH).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn check_user_id(user_id: &str) -> Result<(), Refusal> {
    if user_id.chars().count() > MAX_USER_ID_LENGTH {
        return Err(Refusal::invalid("UserId", "more than 32 characters"));
    }
    if user_id.contains('\'') || user_id.chars().any(is_emoji) {
        return Err(Refusal::invalid("UserId", "single quotes and emoji are not allowed"));
    }
    Ok(())
}

fn is_emoji(c: char) -> bool {
    matches!(c, '\u{1F000}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}' | '\u{200D}' | '\u{FE0F}')
}

fn check_extend_code(extend_code: &str) -> Result<(), Refusal> {
    if extend_code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(Refusal::invalid("ExtendCode", "digits only"))
}

fn group(
    template: &Template,
    signature: String,
    values: Vec<String>,
    targets: Vec<SendingTarget>,
) -> SendingGroup {
    SendingGroup {
        template_id: template.id.clone(),
        signature,
        text: template.text.clone(),
        ending: template.ending().to_owned(),
        international: template.international,
        values,
        targets,
    }
}

/// Accepts messages and returns their session number.
fn accept(world: &mut World, now: i64, groups: Vec<SendingGroup>) -> String {
    let session = uuid::Uuid::new_v4().to_string();
    world.record(Entry::Sent(Sending { session: session.clone(), at: now, groups }));
    session
}
