//! The dashboard: what needs a person first, then the latest batches, then today in numbers.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use time::{Duration, OffsetDateTime};

use super::batches::BatchRow;
use super::components::{Drawing, Tone};
use super::error::WebError;
use super::layout::{Layout, Section};
use super::member::Member;
use super::moment::Moment;
use super::{health, page, reviewed};
use crate::app::App;
use crate::db::dashboard::{self, Numbers};
use crate::db::{batches, signatures, sms_templates, unreadable_pushes};
use crate::domain::batch::china;
use crate::domain::ids::{Id, ProjectId};
use crate::domain::review::Subject;
use crate::domain::role::Permission;
use crate::ops::missing_pushes;

/// What the platform disabled is told for so long.
const FALLEN_WITHIN: Duration = Duration::days(7);
/// Things of one kind that are listed.
const LISTED: i64 = 6;

#[derive(Template)]
#[template(path = "dashboard/dashboard.html")]
struct DashboardPage {
    l: Layout,
    title: String,
    tasks: Vec<Task>,
    rows: Vec<BatchRow>,
    today: Numbers,
    last_week: Numbers,
    chart: Chart,
    may_send: bool,
    /// What is missing before anything can be sent.
    first_steps: Option<FirstStep>,
}

/// Something that waits for a person.
struct Task {
    tone: Tone,
    mark: &'static str,
    word: String,
    what: String,
    more: String,
    since: Moment,
    address: String,
    action: String,
}

/// What a new project does first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FirstStep {
    Signature,
    Template,
    Send,
}

/// Submitted messages by hour: today as bars, the same day a week ago as lines.
struct Chart {
    bars: Vec<(String, String, String, String)>,
    lines: Vec<(String, String, String)>,
    label: String,
    highest: i64,
    hours: Vec<(usize, i64, i64)>,
}

impl DashboardPage {
    fn rate(numbers: &Numbers) -> Option<f64> {
        let known = numbers.delivered + numbers.failed;
        #[allow(clippy::cast_precision_loss)]
        (known > 0).then(|| numbers.delivered as f64 * 100.0 / known as f64)
    }
}

/// `/p/{project}/`.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Dashboard).await?;
    let project = member.project.id;
    let now = app.clock.now();
    let midnight = now.to_offset(china()).replace_time(time::Time::MIDNIGHT);
    let week = Duration::days(7);
    let latest = batches::list(&app.db, project, None, None, LISTED).await?;
    let rows = BatchRow::rows(&app, &l, latest).await?;
    let chart = Chart::new(
        &l,
        &dashboard::by_hour(&app.db, project, midnight).await?,
        &dashboard::by_hour(&app.db, project, midnight - week).await?,
    );
    let page = DashboardPage {
        title: title(&l, now),
        tasks: tasks(&app, &member, &l).await?,
        first_steps: if rows.is_empty() { first_step(&app, &member).await? } else { None },
        rows,
        today: dashboard::numbers(&app.db, project, midnight, now).await?,
        last_week: dashboard::numbers(&app.db, project, midnight - week, now - week).await?,
        chart,
        may_send: member.may(Permission::Send),
        l,
    };
    page::ok(&page)
}

/// The day in China, in words.
fn title(l: &Layout, now: OffsetDateTime) -> String {
    let today = now.to_offset(china());
    let weekday = l.t(&format!("weekday-{}", today.weekday().number_from_monday()));
    l.with(
        "dashboard-title",
        &[
            ("month", i64::from(u8::from(today.month())).into()),
            ("day", i64::from(today.day()).into()),
            ("weekday", weekday.into()),
        ],
    )
}

async fn first_step(app: &App, member: &Member) -> Result<Option<FirstStep>, WebError> {
    let project = member.project.id;
    let step = if signatures::approved(&app.db, project, 1).await?.is_empty() {
        FirstStep::Signature
    } else if sms_templates::approved(&app.db, project, 1).await?.is_empty() {
        FirstStep::Template
    } else {
        FirstStep::Send
    };
    Ok(Some(step))
}

async fn tasks(app: &App, member: &Member, l: &Layout) -> Result<Vec<Task>, WebError> {
    let project = member.project.id;
    let mut tasks = push_tasks(app, project, l).await?;
    for one in dashboard::in_doubt(&app.db, project, LISTED).await? {
        tasks.push(Task {
            tone: Tone::Doubtful,
            mark: "mark-doubt",
            word: l.t("message-state-in_doubt").to_string(),
            what: l.with("dashboard-in-doubt", &[("count", one.messages.into())]).to_string(),
            more: one.name,
            since: l.moment(one.since),
            address: l.urls.batch_part(one.batch, "in-doubt"),
            action: l.t("dashboard-decide").to_string(),
        });
    }
    for one in dashboard::waiting(&app.db, project, LISTED).await? {
        let count =
            [("count", i64::from(one.total).into()), ("person", one.orderer.clone().into())];
        let (word, what) = match one.pause_reason {
            Some(pause_reason) => (
                l.t("batch-state-paused").to_string(),
                l.t(&format!("batch-paused-{}-title", pause_reason.key())).to_string(),
            ),
            None => (
                l.t("batch-state-awaiting_approval").to_string(),
                l.with("dashboard-approval", &[("name", one.name.clone().into())]).to_string(),
            ),
        };
        tasks.push(Task {
            tone: Tone::Doubtful,
            mark: "mark-paused",
            word,
            what,
            more: format!("{} · {}", one.name, l.with("dashboard-ordered", &count)),
            since: l.moment(one.batch.made_at()),
            address: l.urls.batch(one.batch),
            action: l.t("dashboard-look").to_string(),
        });
    }
    for subject in [Subject::Signature, Subject::Template] {
        for one in reviewed::open_ones(app, member, l, subject).await? {
            tasks.push(Task {
                tone: Tone::Doubtful,
                mark: "mark-doubt",
                word: l.t("message-state-in_doubt"),
                what: l.with("apply-open-title", &[("name", one.name.as_str().into())]),
                more: one.person,
                since: one.since,
                address: one.address,
                action: l.t("dashboard-decide"),
            });
        }
    }
    let since = app.clock.now() - FALLEN_WITHIN;
    for one in dashboard::failed_reviews(&app.db, project, since, LISTED).await? {
        let key = if one.missing { "missing" } else { "disabled" };
        let name = [("name", one.name.as_str().into())];
        tasks.push(Task {
            tone: Tone::Doubtful,
            mark: "mark-stopped",
            word: l.t(if one.missing { "review-missing" } else { "review-status-disabled" }),
            what: l.with(&format!("dashboard-{key}-{}", one.subject.key()), &name),
            more: one.vendor_id.clone(),
            since: l.moment(one.since),
            address: l.urls.reviewed(one.subject, &one.vendor_id),
            action: l.t("dashboard-look"),
        });
    }
    let rejected = dashboard::rejected_signatures(&app.db, project, LISTED).await?;
    tasks.extend(rejected_task(l, &rejected, Subject::Signature));
    let rejected = dashboard::rejected_templates(&app.db, project, LISTED).await?;
    tasks.extend(rejected_task(l, &rejected, Subject::Template));
    Ok(tasks)
}

/// Pushes that are missing, or could not be read.
async fn push_tasks(app: &App, project: ProjectId, l: &Layout) -> Result<Vec<Task>, WebError> {
    let mut tasks = Vec::new();
    if let Some(gap) = missing_pushes::gap(app, project).await? {
        tasks.push(Task {
            tone: Tone::Doubtful,
            mark: "mark-doubt",
            word: l.t("health-pushes"),
            what: health::page::gap_words(l, gap),
            more: String::new(),
            since: l.moment(gap.since),
            address: l.urls.health(),
            action: l.t("dashboard-look"),
        });
    }
    if let Some(newest) = unreadable_pushes::list(&app.db, project, None, 1).await?.first() {
        tasks.push(Task {
            tone: Tone::Doubtful,
            mark: "mark-doubt",
            word: l.t("health-pushes"),
            what: l.t("health-unreadable-task"),
            more: String::new(),
            since: l.moment(newest.received_at),
            address: format!("{}#unreadable", l.urls.health()),
            action: l.t("dashboard-look"),
        });
    }
    Ok(tasks)
}

/// Those that were rejected, as one task: the one itself, or the list of them.
fn rejected_task(l: &Layout, rejected: &[dashboard::Rejected], subject: Subject) -> Option<Task> {
    let first = rejected.first()?;
    let reasons: Vec<String> =
        rejected.iter().take(3).map(|one| format!("{}: {}", one.name, one.reason)).collect();
    let key = match subject {
        Subject::Signature => "dashboard-rejected-signatures",
        Subject::Template => "dashboard-rejected-templates",
    };
    Some(Task {
        tone: Tone::Bad,
        mark: "mark-bad",
        word: l.t("review-status-rejected"),
        what: l.with(key, &[("count", rejected.len().into())]),
        more: reasons.join(" · "),
        since: l.moment(first.since),
        address: match rejected {
            [one] => l.urls.reviewed(subject, &one.vendor_id),
            _ => super::urls::with_query(&l.urls.all_reviewed(subject), &[("review", "rejected")]),
        },
        action: l.t("dashboard-look"),
    })
}

impl Chart {
    fn new(l: &Layout, today: &[i64; 24], before: &[i64; 24]) -> Self {
        let highest = today.iter().chain(before).copied().max().unwrap_or(0);
        #[allow(clippy::cast_precision_loss)]
        let height = |n: i64| n as f64 * 100.0 / highest.max(1) as f64;
        #[allow(clippy::cast_precision_loss)]
        let left = |hour: usize| 0.4 + hour as f64 * 100.0 / 24.0;
        let bars = (0..24).filter(|hour| today[*hour] > 0).map(|hour| {
            let tall = height(today[hour]);
            let title = format!("{hour:02}:00 · {}", l.n(today[hour]));
            (
                format!("{:.2}%", left(hour)),
                format!("{:.1}%", 100.0 - tall),
                format!("{tall:.1}%"),
                title,
            )
        });
        let lines = (0..24).filter(|hour| before[*hour] > 0).map(|hour| {
            let from = left(hour);
            let y = format!("{:.1}%", 100.0 - height(before[hour]));
            (format!("{from:.2}%"), format!("{:.2}%", from + 3.2), y)
        });
        let busiest = (0..24).max_by_key(|hour| today[*hour]).unwrap_or(0);
        let label = l.with(
            "dashboard-chart-label",
            &[("hour", busiest.into()), ("count", today[busiest].into())],
        );
        Self {
            bars: bars.collect(),
            lines: lines.collect(),
            label: label.to_string(),
            highest,
            hours: (0..24).map(|hour| (hour, today[hour], before[hour])).collect(),
        }
    }
}
