//! `/health`: whether all is well, at a glance, and what to do if not.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::app::App;
use crate::db::{health, push_url, report_pulls, unreadable_pushes, workers};
use crate::domain::ids::PushId;
use crate::domain::phone::masked;
use crate::domain::role::Permission;
use crate::ops::missing_pushes::{self, Gap};
use crate::ops::push_url::Actor;
use crate::ops::unreadable_pushes as unreadable_push_ops;
use crate::web::applications::said;
use crate::web::components::{Drawing, Tone};
use crate::web::error::WebError;
use crate::web::form::{Form, peer_address};
use crate::web::layout::{Layout, Section};
use crate::web::member::Member;
use crate::web::moment::Moment;
use crate::web::{page, urls};

/// Pushes that could not be read, on a page.
const ROWS: i64 = 20;
/// A push that waits longer to be settled is too late.
const SETTLED_WITHIN: Duration = Duration::minutes(1);
/// What left within this time is looked at for promises that are broken.
const LOOKED_BACK: Duration = Duration::hours(24);
/// Letters of an item that are shown.
const LETTERS: usize = 600;
/// So many digits in a row may be a phone.
const PHONE_DIGITS: usize = 7;

/// One thing that is well, or not.
struct Check {
    tone: Tone,
    name: String,
    word: String,
    more: String,
    /// A time, and what it is the time of.
    since: Option<(String, Moment)>,
    /// Where something can be done about it.
    way: Option<(String, String)>,
}

/// A push with items that could not be read.
struct Line {
    id: PushId,
    at: Moment,
    items: Vec<Item>,
    /// Items that are not shown.
    more: i64,
}

struct Item {
    why: String,
    raw: String,
}

#[derive(Template)]
#[template(path = "health/page.html")]
struct HealthPage {
    l: Layout,
    checks: Vec<Check>,
    lines: Vec<Line>,
    older: Option<String>,
    may_decide: bool,
    server: String,
}

impl Check {
    fn new(l: &Layout, tone: Tone, name: &str, word: String) -> Self {
        let name = l.t(&format!("health-{name}"));
        Self { tone, name, word, more: String::new(), since: None, way: None }
    }

    fn more(self, more: impl Into<String>) -> Self {
        Self { more: more.into(), ..self }
    }

    fn since(self, l: &Layout, what: &str, at: Option<OffsetDateTime>) -> Self {
        let word = l.t(&format!("health-{what}"));
        Self { since: at.map(|at| (word, l.moment(at))), ..self }
    }

    fn way(self, address: String, word: String) -> Self {
        Self { way: Some((address, word)), ..self }
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
    /// How many things are not well.
    fn unwell(&self) -> usize {
        let unwell = |tone: Tone| match tone {
            Tone::Quiet | Tone::Going | Tone::Good => false,
            Tone::Doubtful | Tone::Bad => true,
        };
        self.checks.iter().filter(|check| unwell(check.tone)).count()
    }
}

/// Where the list of pushes goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Older {
    before: Option<PushId>,
}

/// The page.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    older: web::Query<Older>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Health).await?;
    let whole = member.may(Permission::SeePhones);
    let found = unreadable_pushes::list(&app.db, member.project.id, older.before, ROWS).await?;
    let older = page::full(&found, ROWS)
        .map(|last| urls::with_query(&l.urls.health(), &[("before", &last.id.to_string())]));
    page::ok(&HealthPage {
        checks: checks(&app, &member, &l).await?,
        lines: found.into_iter().map(|one| line(&l, one, whole)).collect(),
        older,
        may_decide: member.may(Permission::Send),
        server: health::server_version(&app.db).await?,
        l,
    })
}

/// A gap between pushes, in words.
pub fn gap_words(l: &Layout, gap: Gap) -> String {
    match gap.last {
        Some(last) => l.with("health-gap", &[("when", l.ago(last).into())]),
        None => l.with("health-gap-ever", &[("when", l.ago(gap.since).into())]),
    }
}

async fn checks(app: &App, member: &Member, l: &Layout) -> Result<Vec<Check>, WebError> {
    let project = member.project.id;
    let now = app.clock.now();
    let began = Instant::now();
    let load = health::load(&app.db, Some(project)).await?;
    let answered = began.elapsed();
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
        Some(since) if now - since < SETTLED_WITHIN => {
            Check::new(l, Tone::Going, "inbox", l.with("health-inbox-waits", &count))
        }
        Some(since) => Check::new(l, Tone::Bad, "inbox", l.with("health-inbox-waits", &count))
            .more(l.t("health-inbox-late"))
            .since(l, "oldest", Some(since)),
    });
    let unread = unreadable_pushes::count(&app.db, project, ROWS + 1).await?;
    checks.push(if unread == 0 {
        Check::new(l, Tone::Good, "unreadable", l.t("health-unreadable-none"))
    } else {
        let shown = if unread > ROWS { format!("{ROWS}+") } else { unread.to_string() };
        let words = l.with("health-unreadable-some", &[("count", shown.into())]);
        Check::new(l, Tone::Doubtful, "unreadable", words)
            .way("#unreadable".to_owned(), l.t("dashboard-look"))
    });
    checks.push(queue_check(app, member, l, load.queue).await?);
    checks.push(if load.in_doubt == 0 {
        Check::new(l, Tone::Good, "doubt", l.t("health-in-doubt-none"))
    } else {
        let words = l.with("health-in-doubt-some", &[("count", l.n(load.in_doubt).into())]);
        Check::new(l, Tone::Doubtful, "doubt", words)
            .more(l.t("health-in-doubt-advice"))
            .way(l.urls.dashboard(), l.t("dashboard-decide"))
    });
    checks.push(process_check(app, l).await?);
    checks.push(vendor_check(app, l).await?);
    let millis = format!("{:.1}", answered.as_secs_f64() * 1_000.0);
    let words = l.with("health-database-well", &[("millis", millis.into())]);
    checks.push(Check::new(l, Tone::Good, "database", words));
    let broken = health::broken(&app.db, project, now - LOOKED_BACK).await?;
    checks.push(if broken == 0 {
        Check::new(l, Tone::Good, "promises", l.t("health-checks-kept"))
    } else {
        let words = l.with("health-checks-broken", &[("count", l.n(broken).into())]);
        Check::new(l, Tone::Bad, "promises", words).more(l.t("health-checks-advice"))
    });
    Ok(checks)
}

async fn push_check(app: &App, member: &Member, l: &Layout) -> Result<Check, WebError> {
    let last = push_url::last_reports(&mut *app.db.acquire().await?, member.project.id).await?;
    Ok(match missing_pushes::gap(app, member.project.id).await? {
        Some(gap) => {
            let check =
                Check::new(l, Tone::Doubtful, "pushes", gap_words(l, gap)).since(l, "last", last);
            if member.may(Permission::Manage) {
                check.more(l.t("hooks-gap-advice")).way(l.urls.hooks(), l.t("dashboard-look"))
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

/// A queue that stands is told by the batches themselves: they are paused with a reason, or wait for
/// the morning.
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
        let words = l.with("health-queue-waits", &[("count", l.n(queue).into())]);
        Check::new(l, Tone::Going, "queue", words).way(l.urls.batches(), l.t("dashboard-look"))
    };
    Ok(check.since(l, "last-call", last))
}

async fn process_check(app: &App, l: &Layout) -> Result<Check, WebError> {
    let alive_since = app.clock.now() - workers::DEAD_AFTER;
    let processes = health::processes(&app.db, alive_since).await?;
    Ok(if processes.alive > 0 {
        let words = l.with("health-processes-alive", &[("count", processes.alive.into())]);
        Check::new(l, Tone::Good, "processes", words).since(l, "started", processes.started_at)
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

fn line(l: &Layout, one: unreadable_pushes::Unreadable, whole: bool) -> Line {
    let problems = one.problems.as_array().map(Vec::as_slice).unwrap_or_default();
    let items: Vec<Item> = problems
        .iter()
        .map(|problem| {
            let raw = match &problem["item"] {
                Value::Null => String::from_utf8_lossy(&one.body).into_owned(),
                item => item.to_string(),
            };
            Item {
                why: why(l, problem["why"].as_str().unwrap_or_default()),
                raw: raw_text(&raw, whole),
            }
        })
        .collect();
    let shown = i64::try_from(items.len()).unwrap_or(0);
    Line { id: one.id, at: l.moment(one.received_at), more: i64::from(one.items) - shown, items }
}

/// Why an item could not be read, as it was written down when it was settled.
fn why(l: &Layout, why: &str) -> String {
    let key = match why {
        "no session number" => "health-why-no-session",
        "no phone" => "health-why-no-phone",
        "no JSON object" => "health-why-no-object",
        "no such phone in this session of ours" => "health-why-stray",
        "unknown ReceiptResult" => "health-why-result",
        "the push is no JSON object" => "health-why-not-json",
        "the push has an unknown MsgType" => "health-why-kind",
        other => return other.to_owned(),
    };
    l.t(key)
}

/// The beginning of what came; whatever may be a phone is masked for those who may not see it whole.
fn raw_text(raw: &str, whole: bool) -> String {
    let mut shown: String = raw.chars().take(LETTERS).collect();
    if shown.len() < raw.len() {
        shown.push('…');
    }
    if whole { shown } else { without_phones(&shown) }
}

fn without_phones(text: &str) -> String {
    let mut shown = String::new();
    let mut digits = String::new();
    for letter in text.chars().chain(['\0']) {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        if digits.len() < PHONE_DIGITS {
            shown.push_str(&digits);
        } else {
            shown.push_str(&masked(&digits));
        }
        digits.clear();
        shown.push(letter);
    }
    shown.pop();
    shown
}

/// What is to become of a push.
#[derive(Debug, Deserialize)]
pub struct Decision {
    step: Step,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// It was looked at.
    Seen,
    /// It is settled once more.
    Again,
}

/// Puts a push aside, or settles it again.
pub async fn decide(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, PushId)>,
    form: Form<Decision>,
) -> Result<HttpResponse, WebError> {
    let (_, push) = path.into_inner();
    let address = peer_address(&request);
    let by = Actor { project: member.project.id, user: member.person.id, address: &address };
    let (done, key) = match form.into_inner().step {
        Step::Seen => (unreadable_push_ops::dismiss(&app, by, push).await?, "health-seen-done"),
        Step::Again => {
            (unreadable_push_ops::process_again(&app, by, push).await?, "health-again-done")
        }
    };
    let key = if done { key } else { "health-decided-before" };
    Ok(said(&request, &member, key, &member.urls().health()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_may_be_a_phone_is_masked_for_those_who_may_not_see_it() {
        let raw = r#"{"Phone":"(86)18500001234","n":123456,"短":"18500001235"}"#;
        assert_eq!(
            raw_text(raw, false),
            r#"{"Phone":"(86)185****1234","n":123456,"短":"185****1235"}"#
        );
        assert_eq!(raw_text(raw, true), raw);
        assert_eq!(raw_text("18500001234", false), "185****1234");
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        let raw = "回".repeat(LETTERS + 1);
        assert_eq!(raw_text(&raw, true).chars().count(), LETTERS + 1);
    }
}
