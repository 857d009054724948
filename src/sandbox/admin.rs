//! The API below `/_admin` that controls the sandbox, for tests and demonstrations: unsigned, plain
//! JSON.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::review::{DISABLED, Review, Rules};
use super::state::faults::Fault;
use super::state::journal::Entry;
use super::state::records::Message;
use super::state::seeds::Seeds;
use super::{Shared, now_ms, phone, push};

/// How many messages are listed by default.
const DEFAULT_LIMIT: usize = 100;

/// Registers the routes below `/_admin`.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/_admin/seed", web::post().to(seed))
        .route("/_admin/review", web::post().to(review))
        .route("/_admin/rules", web::post().to(set_rules))
        .route("/_admin/push", web::post().to(set_push))
        .route("/_admin/pull", web::post().to(set_pull))
        .route("/_admin/reply", web::post().to(reply))
        .route("/_admin/faults", web::post().to(add_fault))
        .route("/_admin/faults", web::get().to(list_faults))
        .route("/_admin/faults", web::delete().to(clear_faults))
        .route("/_admin/messages", web::get().to(messages))
        .route("/_admin/reviews", web::get().to(reviews))
        .route("/_admin/counts", web::get().to(counts));
}

fn done() -> HttpResponse {
    HttpResponse::Ok().json(json!({"ok": true}))
}

async fn seed(shared: web::Data<Shared>, seeds: web::Json<Seeds>) -> HttpResponse {
    seeds.into_inner().add_to(&mut shared.world(), now_ms());
    done()
}

/// A review status set by hand.
#[derive(Deserialize)]
struct Verdict {
    id: String,
    status: u8,
    #[serde(default)]
    err_desc: String,
}

async fn review(shared: web::Data<Shared>, verdict: web::Json<Verdict>) -> HttpResponse {
    if verdict.status > DISABLED {
        return HttpResponse::BadRequest().json(json!({"error": "status must be 0 to 4"}));
    }
    let review = Review::fixed(now_ms(), verdict.status, &verdict.err_desc);
    let mut world = shared.world();
    if let Some(mut signature) = world.signatures.get(&verdict.id).cloned() {
        signature.review = review;
        world.record(Entry::Signature(signature));
    } else if let Some(mut template) = world.templates.get(&verdict.id).cloned() {
        template.review = review;
        world.record(Entry::Template(template));
    } else {
        return HttpResponse::NotFound().json(json!({"error": "no such ID"}));
    }
    done()
}

/// Whose words on changing and deleting apply.
#[derive(Deserialize)]
struct RulesSetting {
    review: Rules,
}

async fn set_rules(shared: web::Data<Shared>, setting: web::Json<RulesSetting>) -> HttpResponse {
    shared.world().rules = setting.review;
    done()
}

/// The push URL; absent or empty for no pushes.
#[derive(Deserialize)]
struct PushSetting {
    url: Option<String>,
}

async fn set_push(shared: web::Data<Shared>, setting: web::Json<PushSetting>) -> HttpResponse {
    shared.world().push_to = setting.into_inner().url.filter(|url| !url.is_empty());
    done()
}

/// Whether PullUSMSReport is enabled for the account.
#[derive(Deserialize)]
struct PullSetting {
    open: bool,
}

async fn set_pull(shared: web::Data<Shared>, setting: web::Json<PullSetting>) -> HttpResponse {
    shared.world().record(Entry::PullOpen(setting.open));
    done()
}

/// A reply to send from a phone.
#[derive(Deserialize)]
struct ReplyRequest {
    phone: String,
    content: String,
}

async fn reply(shared: web::Data<Shared>, reply: web::Json<ReplyRequest>) -> HttpResponse {
    let pushed = push::reply(&shared.into_inner(), &reply.phone, &reply.content);
    HttpResponse::Ok().json(json!({"ok": true, "pushed": pushed}))
}

async fn add_fault(shared: web::Data<Shared>, fault: web::Json<Fault>) -> HttpResponse {
    shared.world().faults.add(fault.into_inner());
    done()
}

async fn list_faults(shared: web::Data<Shared>) -> HttpResponse {
    HttpResponse::Ok().json(shared.world().faults.all())
}

async fn clear_faults(shared: web::Data<Shared>) -> HttpResponse {
    shared.world().faults.clear();
    done()
}

/// Which messages to list.
#[derive(Deserialize)]
struct MessageFilter {
    phone: Option<String>,
    session_no: Option<String>,
    limit: Option<usize>,
}

async fn messages(shared: web::Data<Shared>, filter: web::Query<MessageFilter>) -> HttpResponse {
    let limit = filter.limit.unwrap_or(DEFAULT_LIMIT);
    let world = shared.world();
    let messages: Vec<Value> = match (&filter.phone, &filter.session_no) {
        (Some(phone), _) => {
            let key = phone::parse(phone).unwrap_or_else(|| phone.clone());
            world.last_of_phone(&key, limit).into_iter().map(to_json).collect()
        }
        (None, Some(session)) => world.session(session).iter().take(limit).map(to_json).collect(),
        (None, None) => world.last(limit).iter().map(to_json).collect(),
    };
    HttpResponse::Ok().json(messages)
}

fn to_json(message: &Message) -> Value {
    json!({
        "phone": &*message.phone,
        "session_no": &*message.group.session,
        "user_id": &*message.user_id,
        "extend_code": &*message.extend_code,
        "text": message.full_text(),
        "parts": message.parts,
        "template_id": message.group.template_id,
        "at": message.group.at / 1000,
        "at_ms": message.group.at,
    })
}

async fn reviews(shared: web::Data<Shared>) -> HttpResponse {
    let world = shared.world();
    let now = now_ms();
    let signatures: Vec<Value> = world
        .signatures
        .values()
        .map(|signature| {
            json!({
                "sig_id": signature.id,
                "content": signature.content,
                "international": signature.international,
                "status": signature.status(&world, now).0,
                "application": signature.application,
            })
        })
        .collect();
    let templates: Vec<Value> = world
        .templates
        .values()
        .map(|template| {
            json!({
                "template_id": template.id,
                "name": template.name,
                "purpose": template.purpose,
                "text": template.text,
                "unsubscribe": template.unsubscribe,
                "international": template.international,
                "remark": template.remark,
                "instruction": template.instruction,
                "status": template.status(&world, now).0,
            })
        })
        .collect();
    HttpResponse::Ok().json(json!({"signatures": signatures, "templates": templates}))
}

async fn counts(shared: web::Data<Shared>) -> HttpResponse {
    let world = shared.world();
    HttpResponse::Ok().json(json!({
        "taken": world.messages.len(),
        "calls": world.counts.calls,
        "by_action": world.counts.by_action,
        "undocumented": world.counts.undocumented,
        "phones_taken_twice": world.accepted_twice,
        "blacklisted": world.blacklist.len(),
        "pushes_waiting": world.pushes_waiting(),
        "reports_to_pull": world.pull.stored(),
        "pushes_taken": world.counts.pushes_accepted,
        "pushes_given_up": world.counts.pushes_given_up,
    }))
}
