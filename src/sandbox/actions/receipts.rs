//! Receipts, as they are pushed, pulled and asked for.

use serde_json::{Value, json};

use crate::sandbox::answer::{Answer, Refusal};
use crate::sandbox::params::Params;
use crate::sandbox::state::outcomes::receipt;
use crate::sandbox::state::store::World;

/// The largest number of sessions in a query.
const MAX_SESSIONS: usize = 100;

/// Returns a receipt as it is pushed and pulled: with its session number, and without an empty
/// `UserId`.
pub(in crate::sandbox) fn report(world: &World, index: u32, now: i64) -> Option<Value> {
    let message = world.messages.get(index as usize)?;
    let mut report = receipt(message, world.receipt_after, now)?;
    let fields = report.as_object_mut()?;
    fields.insert("SessionNo".into(), Value::from(&*message.group.session));
    if message.user_id.is_empty() {
        fields.remove("UserId");
    }
    Some(report)
}

/// GetUSMSSendReceipt. A session without receipts has an empty set.
pub(in crate::sandbox) fn query(
    params: &Params,
    world: &World,
    now: i64,
) -> Result<Answer, Refusal> {
    let sessions = params.required_list("SessionNoSet")?;
    if sessions.len() > MAX_SESSIONS {
        return Err(Refusal::invalid("SessionNoSet", "more than 100"));
    }
    let data: Vec<Value> = sessions
        .into_iter()
        .map(|session| {
            let set: Vec<Value> = world
                .session(session)
                .iter()
                .filter_map(|message| receipt(message, world.receipt_after, now))
                .collect();
            json!({"SessionNo": session, "ReceiptSet": set})
        })
        .collect();
    Ok(Answer::ok().with("Data", data))
}
