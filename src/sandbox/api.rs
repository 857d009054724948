//! The vendor's API: one URL for all actions.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};
use tokio::time::Instant;

use super::actions::{blacklist, pull, receipts, sending, signatures, statistics, templates};
use super::answer::{Answer, Refusal, code};
use super::params::Params;
use super::state::faults::{Fault, Kind};
use super::state::store::World;
use super::{Shared, now_ms, signing};

/// Handles a call. Responds with HTTP 200 and JSON, unless a fault strikes.
pub(super) async fn call(
    request: HttpRequest,
    body: web::Bytes,
    shared: web::Data<Shared>,
) -> HttpResponse {
    if request.path().starts_with("/_") {
        return HttpResponse::NotFound().body("page not found\n");
    }
    let received_at = Instant::now();
    shared.world().counts.calls += 1;
    let params = match read(&request, &body) {
        Ok(params) => params,
        Err(refusal) => return respond("", refusal.into()),
    };
    let action = params.get("Action").unwrap_or_default();
    let (answer, fault) = perform(action, &params, &shared);
    if let Some(fault) = fault
        && let Some(response) = fault.respond(received_at).await
    {
        return response;
    }
    respond(action, answer)
}

fn read(request: &HttpRequest, body: &[u8]) -> Result<Params, Refusal> {
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    Params::read(request.query_string(), content_type, body)
}

/// Checks the request and performs the action, unless a fault prevents it.
fn perform(action: &str, params: &Params, shared: &Shared) -> (Answer, Option<Fault>) {
    if action.is_empty() {
        return (Refusal::new(code::NO_ACTION, "Missing Action").into(), None);
    }
    if let Err(refusal) = signing::check(params) {
        return (refusal.into(), None);
    }
    let mut world = shared.world();
    *world.counts.by_action.entry(action.to_owned()).or_default() += 1;
    let fault = world.faults.strike(action);
    let answer = match &fault {
        Some(fault) if !fault.takes_effect() => Answer::ok(),
        _ => dispatch(action, params, &mut world, now_ms()).unwrap_or_else(Answer::from),
    };
    match fault {
        Some(fault) if fault.kind == Kind::RetCode => {
            let message = format!("injected fault: {}", fault.ret_code);
            let answer = Answer::from(Refusal::new(fault.ret_code, message));
            if fault.fail_content && action == "SendBatchUSMSMessage" {
                return (answer.with("FailContent", sending::fail_content(params)), None);
            }
            (answer, None)
        }
        Some(fault) if fault.kind == Kind::Complaint => {
            let message = format!("injected complaint: {}", fault.ret_code);
            (Answer { ret_code: fault.ret_code, ..answer }.with_message(&message), None)
        }
        Some(fault) if fault.kind == Kind::FewerFields => (answer.with_fewer_fields(), None),
        fault => (answer, fault),
    }
}

/// Performs an action at `now`, in milliseconds since the Unix epoch.
pub(super) fn dispatch(
    action: &str,
    params: &Params,
    world: &mut World,
    now: i64,
) -> Result<Answer, Refusal> {
    match action {
        "SendUSMSMessage" => sending::send(params, world, now),
        "SendBatchUSMSMessage" => sending::send_batch(params, world, now),
        "GetUSMSSendReceipt" => receipts::query(params, world, now),
        "PullUSMSReport" => pull::pull(params, world, now),
        "GetUSMSSendStatistics" => statistics::query(params, world, now),
        "BatchCreateUSMSBlacklistPhone" => blacklist::create(params, world),
        "CreateUSMSSignature" => signatures::create(params, world, now),
        "QueryUSMSSignature" => signatures::query(params, world, now),
        "UpdateUSMSSignature" => signatures::update(params, world, now),
        "DeleteUSMSSignature" => signatures::delete(params, world, now),
        "CreateUSMSTemplate" => templates::create(params, world, now),
        "QueryUSMSTemplate" => templates::query(params, world, now),
        "UpdateUSMSTemplate" => templates::update(params, world, now),
        "DeleteUSMSTemplate" => templates::delete(params, world, now),
        _ => Err(Refusal::new(code::UNKNOWN_ACTION, format!("Action [{action}] not exist"))),
    }
}

fn respond(action: &str, answer: Answer) -> HttpResponse {
    let uuid = uuid::Uuid::new_v4().to_string();
    let answer = if action == "SendBatchUSMSMessage" {
        answer.with("ReqUuid", uuid.as_str())
    } else {
        answer
    };
    HttpResponse::Ok().insert_header(("X-UCLOUD-REQUEST-UUID", uuid)).json(answer.document(action))
}
