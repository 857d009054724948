//! What is counted in a span, once over time and once by group, each beside the span before.

use std::collections::HashMap;

use time::{Duration, OffsetDateTime};

use super::Look;
use crate::app::App;
use crate::db::projects::{self, Policy};
use crate::db::statistics::{self, StatisticsQuery};
use crate::domain::batch::china;
use crate::domain::ids::{BatchId, ProjectId};
use crate::domain::review::Purpose;
use crate::domain::statistics::{By, Counts};
use crate::web::error::WebError;
use crate::web::i18n::Texts;
use crate::web::layout::Layout;
use crate::web::period_picker::PeriodChoice;
use crate::web::urls::with_query;

/// Longer spans are not shown by hour.
pub const MAX_DAYS_OF_HOURS: i64 = 31;
/// Charts of so few days have hours.
const DAYS_OF_HOURS_IN_CHARTS: i64 = 2;

/// Counts over time.
pub struct Course {
    /// Whether its steps are days; else hours.
    pub days: bool,
    /// Each step's beginning with its counts and those of the step it is compared with.
    pub steps: Vec<(OffsetDateTime, Counts, Counts)>,
}

impl Course {
    /// All steps together, and all before.
    pub fn totals(&self) -> (Counts, Counts) {
        let now = self.steps.iter().map(|(_, now, _)| *now).sum();
        (now, self.steps.iter().map(|(_, _, before)| *before).sum())
    }
}

/// Counts of one group.
pub struct Row {
    /// What files call it.
    pub key: String,
    /// What pages call it.
    pub label: String,
    /// What tells it from others of the same name.
    pub note: String,
    /// Where it leads.
    pub address: Option<String>,
    /// Its messages.
    pub counts: Counts,
    /// What was sent in the span before.
    pub before: i64,
}

/// Everything that the page and its files show.
pub struct Report {
    /// The span.
    pub choice: PeriodChoice,
    /// What the rows are.
    pub by: By,
    /// Hours were asked for, of too long a span.
    pub too_many_hours: bool,
    /// Over time.
    pub course: Course,
    /// By group; what is largest or newest first.
    pub rows: Vec<Row>,
    /// All of the span as far as its billed pieces can be compared: up to the last whole hour.
    pub whole_hours: Counts,
    /// What parts cost today.
    pub policy: Policy,
}

impl Report {
    /// Counts what `look` asks for.
    pub async fn load(
        app: &App,
        l: &Layout,
        project: ProjectId,
        look: &Look,
    ) -> Result<Self, WebError> {
        let now = app.clock.now();
        let choice = PeriodChoice::read(&look.period, &look.from, &look.to, now);
        let wished = By::from_key(&look.by).unwrap_or(By::Day);
        let too_many_hours = wished == By::Hour && choice.period.days() > MAX_DAYS_OF_HOURS;
        let by = if too_many_hours { By::Day } else { wished };
        let in_days = choice.period.days() > DAYS_OF_HOURS_IN_CHARTS;
        let course = course(app, project, &choice, in_days, now).await?;
        let rows = match by {
            By::Day | By::Hour => {
                let steps = course_of(app, project, &choice, by == By::Day, &course, now).await?;
                steps.into_iter().rev().map(|step| of_time(l, by, step)).collect()
            }
            By::Template | By::Signature | By::Purpose | By::Country | By::Batch | By::Person => {
                of_groups(app, l, project, &choice, by, now).await?
            }
        };
        let whole_hours = sum(app, wanted_whole(project, &choice, now)).await?;
        let mut db = app.db.acquire().await?;
        let policy = projects::policy(&mut db, project).await?;
        Ok(Self { choice, by, too_many_hours, course, rows, whole_hours, policy })
    }
}

/// All messages of a span together.
pub async fn sum(app: &App, wanted: StatisticsQuery) -> sqlx::Result<Counts> {
    let days = statistics::by_time(&app.db, wanted, true).await?;
    Ok(days.into_iter().map(|(_, counts)| counts).sum())
}

/// The console's own messages of the span.
pub fn wanted(project: ProjectId, choice: &PeriodChoice) -> StatisticsQuery {
    let period = choice.period;
    StatisticsQuery { project, since: period.since(), until: period.until(), others: false }
}

/// The same up to the last whole hour: of an hour that has begun no billed pieces are known to
/// compare with.
fn wanted_whole(project: ProjectId, choice: &PeriodChoice, now: OffsetDateTime) -> StatisticsQuery {
    let own = wanted(project, choice);
    StatisticsQuery { until: own.until.min(now.truncate_to_hour()), ..own }
}

/// Those of the span before, no further than today has come.
fn wanted_before(
    project: ProjectId,
    choice: &PeriodChoice,
    now: OffsetDateTime,
) -> StatisticsQuery {
    let period = choice.period;
    let until = period.before_until(now);
    StatisticsQuery { project, since: period.before().since(), until, others: false }
}

/// The same steps as `shown` has, or smaller or larger ones.
async fn course_of(
    app: &App,
    project: ProjectId,
    choice: &PeriodChoice,
    days: bool,
    shown: &Course,
    now: OffsetDateTime,
) -> Result<Vec<(OffsetDateTime, Counts, Counts)>, WebError> {
    let steps = if shown.days == days {
        shown.steps.clone()
    } else {
        course(app, project, choice, days, now).await?.steps
    };
    // An hour in which nothing happened is no row; a day is.
    Ok(steps
        .into_iter()
        .filter(|(begins, counts, before)| {
            *begins <= now && (days || counts.total > 0 || before.total > 0)
        })
        .collect())
}

async fn course(
    app: &App,
    project: ProjectId,
    choice: &PeriodChoice,
    days: bool,
    now: OffsetDateTime,
) -> Result<Course, WebError> {
    let (there, earlier) = (wanted(project, choice), wanted_before(project, choice, now));
    let counts: HashMap<_, _> =
        statistics::by_time(&app.db, there, days).await?.into_iter().collect();
    let before: HashMap<_, _> =
        statistics::by_time(&app.db, earlier, days).await?.into_iter().collect();
    let back = Duration::days(choice.period.days());
    let step = if days { Duration::DAY } else { Duration::HOUR };
    let beginnings = std::iter::successors(Some(there.since), |at| Some(*at + step))
        .take_while(|at| *at < there.until);
    let of = |counts: &HashMap<OffsetDateTime, Counts>, at| counts.get(&at).copied();
    let steps = beginnings.map(|at| {
        let now = of(&counts, at).unwrap_or_default();
        (at, now, of(&before, at - back).unwrap_or_default())
    });
    Ok(Course { days, steps: steps.collect() })
}

fn of_time(l: &Layout, by: By, step: (OffsetDateTime, Counts, Counts)) -> Row {
    let (at, counts, before) = step;
    let local = at.to_offset(china());
    let day = local.date().to_string();
    let (key, label) = if by == By::Day {
        let weekday = l.t(&format!("weekday-{}", local.weekday().number_from_monday()));
        (day.clone(), format!("{day} {weekday}"))
    } else {
        let hour = format!("{day} {:02}:00", local.hour());
        (hour.clone(), hour)
    };
    let hours = [("from", day.as_str()), ("to", day.as_str()), ("by", "hour")];
    Row {
        key,
        label,
        note: String::new(),
        address: (by == By::Day).then(|| with_query(&l.urls.statistics(), &hours)),
        counts,
        before: before.tally.sent(),
    }
}

async fn of_groups(
    app: &App,
    l: &Layout,
    project: ProjectId,
    choice: &PeriodChoice,
    by: By,
    now: OffsetDateTime,
) -> Result<Vec<Row>, WebError> {
    let earlier = wanted_before(project, choice, now);
    let before: HashMap<String, i64> = statistics::by_group(&app.db, earlier, by)
        .await?
        .into_iter()
        .map(|group| (group.key, group.counts.tally.sent()))
        .collect();
    let groups = statistics::by_group(&app.db, wanted(project, choice), by).await?;
    let rows = groups.into_iter().map(|group| {
        let before = before.get(&group.key).copied().unwrap_or(0);
        let Named { key, label, note, address } = named(l, by, group.key, group.name);
        Row { key, label, note, address, counts: group.counts, before }
    });
    Ok(rows.collect())
}

/// What files and pages call a group, and where it leads.
#[derive(Default)]
struct Named {
    key: String,
    label: String,
    note: String,
    address: Option<String>,
}

fn named(l: &Layout, by: By, key: String, name: String) -> Named {
    match by {
        By::Template => {
            let (note, address) = (key.clone(), Some(l.urls.template(&key)));
            Named { key, label: name, note, address }
        }
        By::Batch => match key.parse().map(BatchId) {
            Ok(id) => Named {
                key: id.to_string(),
                label: name,
                note: l.ago(id),
                address: Some(l.urls.batch(id)),
            },
            Err(_) => Named { key, label: name, ..Named::default() },
        },
        By::Purpose => {
            let label = Purpose::read(&key).map_or_else(|| key.clone(), |one| l.purpose(one));
            Named { key, label, ..Named::default() }
        }
        By::Country => {
            let label = country(l.texts, &key);
            Named { key, label, ..Named::default() }
        }
        By::Person => Named { key: name.clone(), label: name, ..Named::default() },
        By::Signature => Named { key: key.clone(), label: key, ..Named::default() },
        By::Day | By::Hour => Named { key, label: name, ..Named::default() },
    }
}

/// The country of a calling code; the best known have names.
fn country(texts: Texts, code: &str) -> String {
    match code {
        "" => texts.t("statistics-country-open"),
        code => match texts.try_t(&format!("country-{code}")) {
            Some(name) => format!("{name} +{code}"),
            None => format!("+{code}"),
        },
    }
}
