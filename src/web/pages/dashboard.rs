//! The dashboard: what needs a person, then the latest batches, then today's numbers.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use time::{Date, Duration, OffsetDateTime};

use crate::app::App;
use crate::db::receipts::unreadable_pushes;
use crate::db::reporting::dashboard::{self, Numbers};
use crate::db::review::{signatures, sms_templates};
use crate::db::sending::batch_search::{self, BatchQuery};
use crate::domain::accounts::role::Permission;
use crate::domain::ids::{Id, ProjectId};
use crate::domain::period;
use crate::domain::review::Subject;
use crate::domain::sending::batch::Package;
use crate::domain::sending::message::MessageState;
use crate::domain::time::CHINA;
use crate::ops::receipts::missing_pushes;
use crate::ops::sending::budgets;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::ui::batch_row::BatchRow;
use crate::web::ui::figures::budget_lines::{self, BudgetLine};
use crate::web::ui::figures::counted::CountedMessages;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::missing_pushes::gap_text;
use crate::web::ui::moment::Moment;
use crate::web::ui::open_applications::open_applications;
use crate::web::ui::status::{Drawing, Tone};

/// How long a signature or template stays on the dashboard after it was disabled or went missing.
const FAILED_REVIEWS_SHOWN_FOR: Duration = Duration::days(7);
/// Listed items of each kind.
const MAX_LISTED: i64 = 6;

#[derive(Template)]
#[template(path = "pages/dashboard/show.html")]
struct DashboardPage {
    l: Layout,
    title: String,
    tasks: Vec<Task>,
    rows: Vec<BatchRow>,
    today: Numbers,
    today_date: Date,
    last_week: Numbers,
    chart: Chart,
    may_send: bool,
    /// The budgets of the project and of the person.
    budgets: Vec<BudgetLine>,
    /// What a project without batches does first.
    first_steps: Option<FirstStep>,
}

/// Something that waits for a person.
struct Task {
    tone: Tone,
    mark: &'static str,
    label: String,
    what: String,
    more: String,
    since: Moment,
    href: String,
    action: String,
}

/// What a new project does first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FirstStep {
    Signature,
    Template,
    Send,
}

/// Messages submitted by hour: today as bars, the same weekday a week ago as lines.
struct Chart {
    bars: Vec<(String, String, String, String)>,
    lines: Vec<(String, String, String)>,
    label: String,
    highest: i64,
    hours: Vec<(usize, i64, i64)>,
}

impl DashboardPage {
    /// Returns the link to the messages that failed today.
    fn failed_href(&self) -> String {
        CountedMessages::of_day(self.today_date).href(&self.l.urls, MessageState::Failed, &[])
    }

    fn rate(numbers: &Numbers) -> Option<f64> {
        let known = numbers.delivered + numbers.failed;
        #[allow(clippy::cast_precision_loss)]
        (known > 0).then(|| numbers.delivered as f64 * 100.0 / known as f64)
    }
}

/// `/p/{project}/`: the dashboard.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(&member, &app, &request, Section::Dashboard).await?;
    let project = member.project.id;
    let now = app.clock.now();
    let midnight = now.to_offset(CHINA).replace_time(time::Time::MIDNIGHT);
    let week = Duration::days(7);
    let query = BatchQuery::default();
    let (latest, _) = batch_search::page(&app.db, project, &query, MAX_LISTED).await?;
    let rows = BatchRow::rows(&app, &l, latest).await?;
    let chart = Chart::new(
        &l,
        &dashboard::by_hour(&app.db, project, midnight).await?,
        &dashboard::by_hour(&app.db, project, midnight - week).await?,
    );
    let today = period::day_of(now);
    let budgets = budgets::outlook(&app, project, member.person.id, today, None).await?;
    let page = DashboardPage {
        budgets: budget_lines::used(&l, &budgets),
        title: title(&l, now),
        tasks: tasks(&app, &member, &l).await?,
        first_steps: if rows.is_empty() { first_step(&app, &member).await? } else { None },
        rows,
        today: dashboard::numbers(&app.db, project, midnight, now).await?,
        today_date: midnight.date(),
        last_week: dashboard::numbers(&app.db, project, midnight - week, now - week).await?,
        chart,
        may_send: member.may(Permission::Send),
        l,
    };
    page::ok(&page)
}

/// Returns today's date and weekday in China.
fn title(l: &Layout, now: OffsetDateTime) -> String {
    let today = now.to_offset(CHINA);
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
    let has_signature = !signatures::approved(&app.db, project, 1).await?.is_empty();
    let limit = if has_signature { 1 } else { MAX_LISTED };
    let templates = sms_templates::approved(&app.db, project, limit).await?;
    let step = match (has_signature, templates.is_empty()) {
        (true, true) => FirstStep::Template,
        (true, false) => FirstStep::Send,
        // International messages need no signature.
        (false, _) if templates.iter().any(|template| template.international) => FirstStep::Send,
        (false, _) => FirstStep::Signature,
    };
    Ok(Some(step))
}

async fn tasks(app: &App, member: &Member, l: &Layout) -> Result<Vec<Task>, WebError> {
    let project = member.project.id;
    let mut tasks = push_tasks(app, project, l).await?;
    for batch in dashboard::in_doubt(&app.db, project, MAX_LISTED).await? {
        tasks.push(Task {
            tone: Tone::Doubtful,
            mark: "mark-doubt",
            label: l.t("message-state-in_doubt").to_string(),
            what: l.with("dashboard-in-doubt", &[("count", batch.messages.into())]).to_string(),
            more: l.shown(&batch.name).into_owned(),
            since: l.moment(batch.since),
            href: l.urls.batch_part(batch.batch, "in-doubt"),
            action: l.t("dashboard-decide").to_string(),
        });
    }
    for batch in dashboard::waiting(&app.db, project, MAX_LISTED).await? {
        let name = l.shown(&batch.name);
        let count =
            [("count", i64::from(batch.total).into()), ("person", batch.orderer.clone().into())];
        let (label, what) = match batch.pause_reason {
            Some(pause_reason) => (
                l.t("batch-state-paused").to_string(),
                l.with(
                    &format!("batch-paused-{}-title", pause_reason.key()),
                    &[("package", Package::of(batch.purpose, batch.international).key().into())],
                )
                .to_string(),
            ),
            None => (
                l.t("batch-state-awaiting_approval").to_string(),
                l.with("dashboard-approval", &[("name", name.as_ref().into())]).to_string(),
            ),
        };
        tasks.push(Task {
            tone: Tone::Doubtful,
            mark: "mark-paused",
            label,
            what,
            more: format!("{name} · {}", l.with("dashboard-ordered", &count)),
            since: l.moment(batch.ordered_at.unwrap_or_else(|| batch.batch.made_at())),
            href: l.urls.batch(batch.batch),
            action: l.t("dashboard-look").to_string(),
        });
    }
    for subject in [Subject::Signature, Subject::Template] {
        for application in open_applications(app, member, l, subject).await? {
            tasks.push(Task {
                tone: Tone::Doubtful,
                mark: "mark-doubt",
                label: l.t("message-state-in_doubt"),
                what: l.with("apply-open-title", &[("name", application.name.as_str().into())]),
                more: application.person,
                since: application.since,
                href: application.address,
                action: l.t("dashboard-decide"),
            });
        }
    }
    let since = app.clock.now() - FAILED_REVIEWS_SHOWN_FOR;
    for failed in dashboard::failed_reviews(&app.db, project, since, MAX_LISTED).await? {
        let key = if failed.missing { "missing" } else { "disabled" };
        let name = [("name", failed.name.as_str().into())];
        tasks.push(Task {
            tone: Tone::Doubtful,
            mark: "mark-stopped",
            label: l.t(if failed.missing { "review-missing" } else { "review-status-disabled" }),
            what: l.with(&format!("dashboard-{key}-{}", failed.subject.key()), &name),
            more: failed.vendor_id.clone(),
            since: l.moment(failed.since),
            href: l.urls.reviewed(failed.subject, &failed.vendor_id),
            action: l.t("dashboard-look"),
        });
    }
    let rejected = dashboard::rejected_signatures(&app.db, project, MAX_LISTED).await?;
    tasks.extend(rejected_task(l, &rejected, Subject::Signature));
    let rejected = dashboard::rejected_templates(&app.db, project, MAX_LISTED).await?;
    tasks.extend(rejected_task(l, &rejected, Subject::Template));
    Ok(tasks)
}

/// Returns the tasks about pushes that are missing or could not be read.
async fn push_tasks(app: &App, project: ProjectId, l: &Layout) -> Result<Vec<Task>, WebError> {
    let mut tasks = Vec::new();
    if let Some(gap) = missing_pushes::gap(app, project).await? {
        tasks.push(Task {
            tone: Tone::Doubtful,
            mark: "mark-doubt",
            label: l.t("health-pushes"),
            what: gap_text(l, gap),
            more: String::new(),
            since: l.moment(gap.since),
            href: l.urls.health(),
            action: l.t("dashboard-look"),
        });
    }
    if let Some(newest) = unreadable_pushes::list(&app.db, project, None, 1).await?.first() {
        tasks.push(Task {
            tone: Tone::Doubtful,
            mark: "mark-doubt",
            label: l.t("health-pushes"),
            what: l.t("health-unreadable-task"),
            more: String::new(),
            since: l.moment(newest.received_at),
            href: format!("{}#unreadable", l.urls.health()),
            action: l.t("dashboard-look"),
        });
    }
    Ok(tasks)
}

/// Returns one task for everything rejected of a kind. It links to the only one, or to the list.
fn rejected_task(l: &Layout, rejected: &[dashboard::Rejected], subject: Subject) -> Option<Task> {
    let first = rejected.first()?;
    let reasons: Vec<String> =
        rejected.iter().take(3).map(|row| format!("{}: {}", row.name, row.reason)).collect();
    let key = match subject {
        Subject::Signature => "dashboard-rejected-signatures",
        Subject::Template => "dashboard-rejected-templates",
    };
    Some(Task {
        tone: Tone::Bad,
        mark: "mark-bad",
        label: l.t("review-status-rejected"),
        what: l.with(key, &[("count", rejected.len().into())]),
        more: reasons.join(" · "),
        since: l.moment(first.since),
        href: match rejected {
            [only] => l.urls.reviewed(subject, &only.vendor_id),
            _ => crate::web::http::urls::with_query(
                &l.urls.all_reviewed(subject),
                &[("review", "rejected")],
            ),
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
            let bar_height = height(today[hour]);
            let title = format!("{hour:02}:00 · {}", l.n(today[hour]));
            (
                format!("{:.2}%", left(hour)),
                format!("{:.1}%", 100.0 - bar_height),
                format!("{bar_height:.1}%"),
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
