//! The counts of a period over time and by group, each next to those of the period before.

use std::collections::HashMap;

use time::{Duration, OffsetDateTime};

use super::ReportQuery;
use crate::app::App;
use crate::db::reporting::statistics::{self, Group, StatisticsQuery};
use crate::db::sending::message_search::Source;
use crate::db::sending::prices::{self, Cost};
use crate::domain::ids::{BatchId, ProjectId};
use crate::domain::review::Purpose;
use crate::domain::statistics::{By, Counts};
use crate::domain::time::CHINA;
use crate::ops::sending::prices as price_ops;
use crate::web::http::error::WebError;
use crate::web::http::i18n::Texts;
use crate::web::http::urls::with_query;
use crate::web::ui::figures::counted::CountedMessages;
use crate::web::ui::layout::Layout;
use crate::web::ui::period_picker::PeriodChoice;

/// The longest period, in days, that is shown by hour.
pub const MAX_DAYS_OF_HOURS: i64 = 31;
/// The longest period, in days, whose charts have hours.
const MAX_CHART_DAYS_OF_HOURS: i64 = 2;

/// Counts over time.
pub struct TimeSeries {
    /// Whether its steps are days; otherwise hours.
    pub days: bool,
    /// The beginning of each step, its counts, and those of the same step of the period before.
    pub steps: Vec<(OffsetDateTime, Counts, Counts)>,
}

impl TimeSeries {
    /// Returns the sum of all steps, and that of the period before.
    pub fn totals(&self) -> (Counts, Counts) {
        let now = self.steps.iter().map(|(_, now, _)| *now).sum();
        (now, self.steps.iter().map(|(_, _, before)| *before).sum())
    }
}

/// The counts of one group, or of one step.
pub struct ReportRow {
    /// Its name in files.
    pub key: String,
    /// Its name on pages.
    pub label: String,
    /// What distinguishes it from others of the same name.
    pub note: String,
    /// The URL of its page.
    pub href: Option<String>,
    /// The counts of its messages.
    pub counts: Counts,
    /// Its messages, where the message search has a filter for them.
    pub messages: Option<CountedMessages>,
    /// The number of messages that were sent in the period before.
    pub before: i64,
}

/// Everything that the page and its files show.
pub struct Report {
    /// The period.
    pub choice: PeriodChoice,
    /// What the rows are grouped by.
    pub by: By,
    /// Whether hours were chosen, but the period is too long for them.
    pub too_many_hours: bool,
    /// The counts over time.
    pub series: TimeSeries,
    /// The counts by group, the largest or newest first.
    pub rows: Vec<ReportRow>,
    /// The sum up to the last whole hour, whose parts and cost can be compared with the period
    /// before.
    pub whole_hours: Counts,
    /// Whether the project has any prices today.
    pub has_prices: bool,
    /// What the batches were expected to cost that were ordered in the period.
    pub expected: Cost,
}

impl Report {
    /// Loads what `query` asks for.
    pub async fn load(
        app: &App,
        l: &Layout,
        project: ProjectId,
        query: &ReportQuery,
    ) -> Result<Self, WebError> {
        let now = app.clock.now();
        let choice = PeriodChoice::read(&query.period, &query.from, &query.to, now);
        let chosen = By::from_key(&query.by).unwrap_or(By::Day);
        let too_many_hours = chosen == By::Hour && choice.period.days() > MAX_DAYS_OF_HOURS;
        let by = if too_many_hours { By::Day } else { chosen };
        let in_days = choice.period.days() > MAX_CHART_DAYS_OF_HOURS;
        let series = load_series(app, project, &choice, in_days, now).await?;
        let rows = match by {
            By::Day | By::Hour => {
                let steps =
                    steps_of_rows(app, project, &choice, by == By::Day, &series, now).await?;
                steps.into_iter().rev().map(|step| row_of_step(l, by, step)).collect()
            }
            By::Template | By::Signature | By::Purpose | By::Country | By::Batch | By::Person => {
                rows_of_groups(app, l, project, &choice, by, now).await?
            }
        };
        let whole_hours =
            statistics::sum(&app.db, whole_hours_query(project, &choice, now)).await?;
        let has_prices = !price_ops::today(app, project).await?.is_empty();
        let period = choice.period;
        let expected =
            prices::expected_of_orders(&app.db, project, period.since(), period.until()).await?;
        Ok(Self { choice, by, too_many_hours, series, rows, whole_hours, has_prices, expected })
    }
}

/// Returns the query for the console's own messages of the period.
pub fn own_query(project: ProjectId, choice: &PeriodChoice) -> StatisticsQuery {
    let period = choice.period;
    StatisticsQuery { project, since: period.since(), until: period.until(), others: false }
}

/// Returns the query for the period up to the last whole hour: the period before has no counts of a
/// part of an hour to compare with.
fn whole_hours_query(
    project: ProjectId,
    choice: &PeriodChoice,
    now: OffsetDateTime,
) -> StatisticsQuery {
    let own = own_query(project, choice);
    StatisticsQuery { until: own.until.min(now.truncate_to_hour()), ..own }
}

/// Returns the query for the period before, up to the time of day that it is now.
fn query_before(project: ProjectId, choice: &PeriodChoice, now: OffsetDateTime) -> StatisticsQuery {
    let period = choice.period;
    let until = period.before_until(now);
    StatisticsQuery { project, since: period.before().since(), until, others: false }
}

/// Returns the steps of the rows: those of the chart, or days or hours instead.
async fn steps_of_rows(
    app: &App,
    project: ProjectId,
    choice: &PeriodChoice,
    days: bool,
    chart: &TimeSeries,
    now: OffsetDateTime,
) -> Result<Vec<(OffsetDateTime, Counts, Counts)>, WebError> {
    let steps = if chart.days == days {
        chart.steps.clone()
    } else {
        load_series(app, project, choice, days, now).await?.steps
    };
    // Hours without messages are left out; days are not.
    Ok(steps
        .into_iter()
        .filter(|(begins, counts, before)| {
            *begins <= now && (days || counts.total > 0 || before.total > 0)
        })
        .collect())
}

async fn load_series(
    app: &App,
    project: ProjectId,
    choice: &PeriodChoice,
    days: bool,
    now: OffsetDateTime,
) -> Result<TimeSeries, WebError> {
    let (own, earlier) = (own_query(project, choice), query_before(project, choice, now));
    let counts: HashMap<_, _> =
        statistics::by_time(&app.db, own, days).await?.into_iter().collect();
    let before: HashMap<_, _> =
        statistics::by_time(&app.db, earlier, days).await?.into_iter().collect();
    let length = Duration::days(choice.period.days());
    let step = if days { Duration::DAY } else { Duration::HOUR };
    let beginnings = std::iter::successors(Some(own.since), |at| Some(*at + step))
        .take_while(|at| *at < own.until);
    let counts_at = |counts: &HashMap<OffsetDateTime, Counts>, at| counts.get(&at).copied();
    let steps = beginnings.map(|at| {
        let now = counts_at(&counts, at).unwrap_or_default();
        (at, now, counts_at(&before, at - length).unwrap_or_default())
    });
    Ok(TimeSeries { days, steps: steps.collect() })
}

fn row_of_step(l: &Layout, by: By, step: (OffsetDateTime, Counts, Counts)) -> ReportRow {
    let (at, counts, before) = step;
    let local = at.to_offset(CHINA);
    let day = local.date().to_string();
    let (key, label) = if by == By::Day {
        let weekday = l.t(&format!("weekday-{}", local.weekday().number_from_monday()));
        (day.clone(), format!("{day} {weekday}"))
    } else {
        let hour = format!("{day} {:02}:00", local.hour());
        (hour.clone(), hour)
    };
    let messages = if by == By::Day {
        CountedMessages::of_day(local.date())
    } else {
        CountedMessages::of_hour(at)
    };
    let hours = [("from", day.as_str()), ("to", day.as_str()), ("by", "hour")];
    ReportRow {
        key,
        label,
        note: String::new(),
        href: (by == By::Day).then(|| with_query(&l.urls.statistics(), &hours)),
        counts,
        messages: Some(messages),
        before: before.tally.sent(),
    }
}

async fn rows_of_groups(
    app: &App,
    l: &Layout,
    project: ProjectId,
    choice: &PeriodChoice,
    by: By,
    now: OffsetDateTime,
) -> Result<Vec<ReportRow>, WebError> {
    let earlier = query_before(project, choice, now);
    let before: HashMap<String, i64> = statistics::by_group(&app.db, earlier, by)
        .await?
        .into_iter()
        .map(|group| (group.key, group.counts.tally.sent()))
        .collect();
    let groups = statistics::by_group(&app.db, own_query(project, choice), by).await?;
    let rows = groups.into_iter().map(|group| {
        let before = before.get(&group.key).copied().unwrap_or(0);
        let messages = group_filter(by, &group).map(|(filter, value)| {
            CountedMessages::of_period(&choice.period, Source::Own).only(filter, value)
        });
        let GroupName { key, label, note, href } = group_name(l, by, group.key, group.name);
        ReportRow { key, label, note, href, counts: group.counts, messages, before }
    });
    Ok(rows.collect())
}

/// Returns the filter of the message search for a group, if there is one.
fn group_filter(by: By, group: &Group) -> Option<(&'static str, String)> {
    match by {
        By::Template => Some(("template", group.key.clone())),
        By::Batch => Some(("batch", group.key.parse().map(BatchId).ok()?.to_string())),
        // Several signatures may have the same content.
        By::Signature => Some(("signature", group.sig_id.clone()?)),
        By::Day | By::Hour | By::Purpose | By::Country | By::Person => None,
    }
}

/// How files and pages call a group, and the URL of its page.
#[derive(Default)]
struct GroupName {
    key: String,
    label: String,
    note: String,
    href: Option<String>,
}

fn group_name(l: &Layout, by: By, key: String, name: String) -> GroupName {
    match by {
        By::Template => {
            let (note, href) = (key.clone(), Some(l.urls.template(&key)));
            GroupName { key, label: name, note, href }
        }
        By::Batch => match key.parse().map(BatchId) {
            Ok(id) => GroupName {
                key: id.to_string(),
                label: name,
                note: l.ago(id),
                href: Some(l.urls.batch(id)),
            },
            Err(_) => GroupName { key, label: name, ..GroupName::default() },
        },
        By::Purpose => {
            let label =
                Purpose::read(&key).map_or_else(|| key.clone(), |purpose| l.purpose(purpose));
            GroupName { key, label, ..GroupName::default() }
        }
        By::Country => {
            let label = country(l.texts, &key);
            GroupName { key, label, ..GroupName::default() }
        }
        By::Person => GroupName { key: name.clone(), label: name, ..GroupName::default() },
        By::Signature if key.is_empty() => {
            GroupName { label: l.t("no-signature"), ..GroupName::default() }
        }
        By::Signature => {
            let content = key.trim_matches(['【', '】', '[', ']']).to_owned();
            GroupName { key: content, label: key, ..GroupName::default() }
        }
        By::Day | By::Hour => GroupName { key, label: name, ..GroupName::default() },
    }
}

/// Returns the country of a calling code, which is not known for some messages.
fn country(texts: Texts, code: &str) -> String {
    match code {
        "" => texts.t("statistics-country-open"),
        code => texts.country(code),
    }
}
