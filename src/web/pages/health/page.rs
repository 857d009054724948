//! `/health`: the state of all parts of the console, with advice on what is wrong.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::app::App;
use crate::db::receipts::{push_url, report_pulls, unreadable_pushes};
use crate::db::recovery::durability::{self, Exposure};
use crate::db::reporting::health;
use crate::db::sending::workers;
use crate::domain::accounts::role::Permission;
use crate::domain::ids::PushId;
use crate::domain::phone::masked;
use crate::ops::actor::Actor;
use crate::ops::receipts::missing_pushes;
use crate::ops::receipts::unreadable_pushes as unreadable_push_ops;
use crate::web::http::error::WebError;
use crate::web::http::flash::redirect_with_flash;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::{page, urls};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::missing_pushes::gap_text;
use crate::web::ui::moment::Moment;
use crate::web::ui::status::{Drawing, Tone};

/// Unreadable pushes on one page.
const ROWS_PER_PAGE: i64 = 20;
/// A push that waits longer to be processed is late.
const PROCESSED_WITHIN: Duration = Duration::minutes(1);
/// How far back submissions are checked for broken invariants.
const INVARIANTS_LOOK_BACK: Duration = Duration::hours(24);
/// The number of characters of an item that are shown.
const MAX_RAW_LENGTH: usize = 600;
/// A run of at least this many digits may be a phone.
const MIN_PHONE_DIGITS: usize = 7;
/// Digits of the longest number that may be a phone.
const LONGEST_NUMBER: usize = 32;

/// The state of one part of the console.
struct Check {
    tone: Tone,
    name: String,
    text: String,
    more: String,
    /// The label of a time, and the time.
    since: Option<(String, Moment)>,
    /// Link and label of the page to act on.
    link: Option<(String, String)>,
}

/// A push with items that could not be read.
struct PushRow {
    id: PushId,
    at: Moment,
    items: Vec<Item>,
    /// The number of items that are not shown.
    more: i64,
}

struct Item {
    reason: String,
    raw: String,
}

#[derive(Template)]
#[template(path = "pages/health/page.html")]
struct HealthPage {
    l: Layout,
    checks: Vec<Check>,
    pushes: Vec<PushRow>,
    older: Option<String>,
    may_decide: bool,
    server: String,
}

impl Check {
    fn new(l: &Layout, tone: Tone, name: &str, text: String) -> Self {
        let name = l.t(&format!("health-{name}"));
        Self { tone, name, text, more: String::new(), since: None, link: None }
    }

    fn more(self, more: impl Into<String>) -> Self {
        Self { more: more.into(), ..self }
    }

    fn since(self, l: &Layout, what: &str, at: Option<OffsetDateTime>) -> Self {
        let label = l.t(&format!("health-{what}"));
        Self { since: at.map(|at| (label, l.moment(at))), ..self }
    }

    fn link(self, href: String, label: String) -> Self {
        Self { link: Some((href, label)), ..self }
    }

    fn mark(&self) -> Drawing {
        Drawing::mark(match self.tone {
            Tone::Quiet => "mark-waiting",
            Tone::Going => "mark-underway",
            Tone::Good => "mark-good",
            Tone::Doubtful => "mark-doubt",
            Tone::Bad => "mark-bad",
        })
    }
}

impl HealthPage {
    /// Returns how many parts need attention.
    fn problem_count(&self) -> usize {
        let needs_attention = |tone: Tone| match tone {
            Tone::Quiet | Tone::Going | Tone::Good => false,
            Tone::Doubtful | Tone::Bad => true,
        };
        self.checks.iter().filter(|check| needs_attention(check.tone)).count()
    }
}

/// HealthQuery parameters of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct HealthQuery {
    before: Option<PushId>,
}

/// `/health`: the page.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    query: web::Query<HealthQuery>,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(&member, &app, &request, Section::Health).await?;
    let whole_phones = member.may(Permission::SeePhones);
    let found =
        unreadable_pushes::list(&app.db, member.project.id, query.before, ROWS_PER_PAGE).await?;
    let older = page::full(&found, ROWS_PER_PAGE)
        .map(|last| urls::with_query(&l.urls.health(), &[("before", &last.id.to_string())]));
    page::ok(&HealthPage {
        checks: checks(&app, &member, &l).await?,
        pushes: found.into_iter().map(|push| push_row(&l, push, whole_phones)).collect(),
        older,
        may_decide: member.may(Permission::Send),
        server: health::server_version(&app.db).await?,
        l,
    })
}

async fn checks(app: &App, member: &Member, l: &Layout) -> Result<Vec<Check>, WebError> {
    let project = member.project.id;
    let now = app.clock.now();
    let started = Instant::now();
    let load = health::load(&app.db, Some(project)).await?;
    let elapsed = started.elapsed();
    let mut checks = vec![push_check(app, member, l).await?];
    if let Some(pulling) = report_pulls::of(&app.db, project).await? {
        let failures = [("count", pulling.failures.into())];
        let check = if pulling.failures > 0 {
            Check::new(l, Tone::Doubtful, "pulling", l.with("hooks-pull-failed", &failures))
                .more(pulling.error)
        } else {
            Check::new(l, Tone::Good, "pulling", l.t("health-pulling-well"))
        };
        checks.push(check.since(l, "last", pulling.asked_at));
    }
    let count = [("count", l.n(load.inbox).into())];
    checks.push(match load.inbox_since {
        None => Check::new(l, Tone::Good, "inbox", l.t("health-inbox-empty")),
        Some(since) if now - since < PROCESSED_WITHIN => {
            Check::new(l, Tone::Going, "inbox", l.with("health-inbox-waits", &count))
        }
        Some(since) => Check::new(l, Tone::Bad, "inbox", l.with("health-inbox-waits", &count))
            .more(l.t("health-inbox-late"))
            .since(l, "oldest", Some(since)),
    });
    let unread = unreadable_pushes::count(&app.db, project, ROWS_PER_PAGE + 1).await?;
    checks.push(if unread == 0 {
        Check::new(l, Tone::Good, "unreadable", l.t("health-unreadable-none"))
    } else {
        let shown =
            if unread > ROWS_PER_PAGE { format!("{ROWS_PER_PAGE}+") } else { unread.to_string() };
        let text = l.with("health-unreadable-some", &[("count", shown.into())]);
        Check::new(l, Tone::Doubtful, "unreadable", text)
            .link("#unreadable".to_owned(), l.t("dashboard-look"))
    });
    checks.push(queue_check(app, member, l, load.queue).await?);
    checks.push(if load.in_doubt == 0 {
        Check::new(l, Tone::Good, "in-doubt", l.t("health-in-doubt-none"))
    } else {
        let text = l.with("health-in-doubt-some", &[("count", l.n(load.in_doubt).into())]);
        Check::new(l, Tone::Doubtful, "in-doubt", text)
            .more(l.t("health-in-doubt-advice"))
            .link(l.urls.dashboard(), l.t("dashboard-decide"))
    });
    checks.push(process_check(app, l).await?);
    checks.push(vendor_check(app, l).await?);
    let millis = format!("{:.1}", elapsed.as_secs_f64() * 1_000.0);
    let text = l.with("health-database-well", &[("millis", millis.into())]);
    checks.push(Check::new(l, Tone::Good, "database", text));
    checks.push(durability_check(app, l).await?);
    let broken = health::broken(&app.db, project, now - INVARIANTS_LOOK_BACK).await?;
    checks.push(if broken == 0 {
        Check::new(l, Tone::Good, "checks", l.t("health-checks-kept"))
    } else {
        let text = l.with("health-checks-broken", &[("count", l.n(broken).into())]);
        Check::new(l, Tone::Bad, "checks", text).more(l.t("health-checks-advice"))
    });
    Ok(checks)
}

async fn push_check(app: &App, member: &Member, l: &Layout) -> Result<Check, WebError> {
    let last = push_url::last_reports(&mut *app.db.acquire().await?, member.project.id).await?;
    Ok(match missing_pushes::gap(app, member.project.id).await? {
        Some(gap) => {
            let check =
                Check::new(l, Tone::Doubtful, "pushes", gap_text(l, gap)).since(l, "last", last);
            if member.may(Permission::Manage) {
                check
                    .more(l.t("hooks-gap-advice"))
                    .link(l.urls.push_settings(), l.t("dashboard-look"))
            } else {
                check.more(l.t("health-gap-ask"))
            }
        }
        None if last.is_some() => {
            Check::new(l, Tone::Good, "pushes", l.t("health-pushes-come")).since(l, "last", last)
        }
        None => Check::new(l, Tone::Quiet, "pushes", l.t("health-pushes-none")),
    })
}

/// A queue never asks for attention here: the batches show why they wait, paused for a reason or
/// until the morning.
async fn queue_check(
    app: &App,
    member: &Member,
    l: &Layout,
    queue: i64,
) -> Result<Check, WebError> {
    let last = health::last_call(&app.db, member.project.id).await?;
    let check = if queue == 0 {
        Check::new(l, Tone::Good, "queue", l.t("health-queue-empty"))
    } else {
        let text = l.with("health-queue-waits", &[("count", l.n(queue).into())]);
        Check::new(l, Tone::Going, "queue", text).link(l.urls.batches(), l.t("dashboard-look"))
    };
    Ok(check.since(l, "last-call", last))
}

async fn process_check(app: &App, l: &Layout) -> Result<Check, WebError> {
    let alive_since = app.clock.now() - workers::DEAD_AFTER;
    let processes = health::processes(&app.db, alive_since).await?;
    Ok(if processes.alive > 0 {
        let text = l.with("health-processes-alive", &[("count", processes.alive.into())]);
        Check::new(l, Tone::Good, "processes", text).since(l, "started", processes.started_at)
    } else {
        Check::new(l, Tone::Bad, "processes", l.t("health-processes-none"))
            .more(l.t("health-processes-advice"))
            .since(l, "last", processes.seen_at)
    })
}

async fn vendor_check(app: &App, l: &Layout) -> Result<Check, WebError> {
    let heard = health::heard(&app.db).await?;
    Ok(match heard.trouble_at {
        Some(problem) if heard.heard_at.is_none_or(|at| at < problem) => {
            Check::new(l, Tone::Doubtful, "vendor", l.t("health-vendor-trouble"))
                .more(heard.problem)
                .since(l, "last", Some(problem))
        }
        Some(_) | None if heard.heard_at.is_some() => {
            Check::new(l, Tone::Good, "vendor", l.t("health-vendor-well")).since(
                l,
                "last",
                heard.heard_at,
            )
        }
        Some(_) | None => Check::new(l, Tone::Quiet, "vendor", l.t("health-vendor-unasked")),
    })
}

/// What would be lost with the database server. It is said, not counted as a problem: whoever runs the
/// database chose it.
async fn durability_check(app: &App, l: &Layout) -> Result<Check, WebError> {
    let durability = durability::ask(&app.db).await?;
    let exposure = durability.exposure();
    let tone = if exposure == Exposure::Nothing { Tone::Good } else { Tone::Quiet };
    let behind = durability.behind.map_or_else(|| "?".to_owned(), |bytes| l.n(bytes));
    let text = l.with(
        &format!("health-durability-{}", exposure.key()),
        &[
            ("synchronous", durability.synchronous.into()),
            ("asynchronous", durability.asynchronous.into()),
            ("behind", behind.into()),
        ],
    );
    let advice = match exposure {
        Exposure::Nothing => String::new(),
        other => l.t(&format!("health-durability-{}-advice", other.key())),
    };
    Ok(Check::new(l, tone, "durability", text)
        .more(advice)
        .link(l.urls.sending(), l.t("sending-title")))
}

fn push_row(l: &Layout, push: unreadable_pushes::Unreadable, whole_phones: bool) -> PushRow {
    let problems = push.problems.as_array().map(Vec::as_slice).unwrap_or_default();
    let items: Vec<Item> = problems
        .iter()
        .map(|problem| {
            let raw = match &problem["item"] {
                Value::Null => String::from_utf8_lossy(&push.body).into_owned(),
                item => item.to_string(),
            };
            Item {
                reason: unreadable_reason(l, problem["why"].as_str().unwrap_or_default()),
                raw: raw_text(&raw, whole_phones),
            }
        })
        .collect();
    let shown = i64::try_from(items.len()).unwrap_or(0);
    PushRow {
        id: push.id,
        at: l.moment(push.received_at),
        more: i64::from(push.items) - shown,
        items,
    }
}

/// Returns why an item could not be read, by the reason that was stored when it was processed.
fn unreadable_reason(l: &Layout, stored: &str) -> String {
    let key = match stored {
        "no session number" => "health-why-no-session",
        "no phone" => "health-why-no-phone",
        "no JSON object" => "health-why-no-object",
        "no such phone in this session of ours" => "health-why-stray",
        "unknown ReceiptResult" => "health-why-result",
        // The second is how earlier versions stored it.
        "the push is not a JSON object" | "the push is no JSON object" => "health-why-not-json",
        "the push has an unknown MsgType" => "health-why-kind",
        other => return other.to_owned(),
    };
    l.t(key)
}

/// Returns the beginning of an item. Unless `whole_phones`, all that may be a phone is masked.
fn raw_text(raw: &str, whole_phones: bool) -> String {
    // Masked before it is cut: a part of a phone would not be recognized.
    let beginning: String = raw.chars().take(MAX_RAW_LENGTH + LONGEST_NUMBER).collect();
    let shown = if whole_phones { beginning } else { mask_phones(&beginning) };
    let mut cut: String = shown.chars().take(MAX_RAW_LENGTH).collect();
    if cut.len() < shown.len() || raw.chars().nth(MAX_RAW_LENGTH).is_some() {
        cut.push('…');
    }
    cut
}

fn mask_phones(text: &str) -> String {
    let mut shown = String::new();
    let mut digits = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        if digits.len() < MIN_PHONE_DIGITS {
            shown.push_str(&digits);
        } else {
            shown.push_str(&masked(&digits));
        }
        digits.clear();
        shown.push(c);
    }
    shown.pop();
    shown
}

/// The form of [`decide`].
#[derive(Debug, Deserialize)]
pub struct DecisionForm {
    step: Step,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// A person has looked at it.
    Seen,
    /// It is processed again.
    Again,
}

/// Dismisses an unreadable push, or processes it again.
pub async fn decide(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, PushId)>,
    form: Form<DecisionForm>,
) -> Result<HttpResponse, WebError> {
    let (_, push) = path.into_inner();
    let ip = peer_ip(&request);
    let actor = Actor { project: member.project.id, user: member.person.id, ip: &ip };
    let (done, key) = match form.into_inner().step {
        Step::Seen => (unreadable_push_ops::dismiss(&app, actor, push).await?, "health-seen-done"),
        Step::Again => {
            (unreadable_push_ops::process_again(&app, actor, push).await?, "health-again-done")
        }
    };
    let key = if done { key } else { "health-decided-before" };
    Ok(redirect_with_flash(&request, &member, key, &member.urls().health()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_may_be_a_phone_is_masked_for_those_who_may_not_see_phones() {
        let raw = r#"{"Phone":"(86)18500001234","n":123456,"短":"18500001235"}"#;
        assert_eq!(
            raw_text(raw, false),
            r#"{"Phone":"(86)185****1234","n":123456,"短":"185****1235"}"#
        );
        assert_eq!(raw_text(raw, true), raw);
        assert_eq!(raw_text("18500001234", false), "185****1234");
    }

    #[test]
    fn a_phone_at_the_end_of_a_long_text_is_masked_before_it_is_cut() {
        let raw = format!("{}18500001234", "回".repeat(MAX_RAW_LENGTH - 6));
        assert!(raw_text(&raw, false).ends_with("回185***…"));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let raw = "回".repeat(MAX_RAW_LENGTH + 1);
        assert_eq!(raw_text(&raw, true).chars().count(), MAX_RAW_LENGTH + 1);
    }
}
