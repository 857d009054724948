//! `/statistics`: what was sent in a span of time, up to this minute, and what became of it.

pub mod report;
pub mod vendor;

use std::borrow::Borrow;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::OffsetDateTime;

use super::batches::preview::yuan;
use super::chart::{Bars, Point, Rate};
use super::error::WebError;
use super::i18n::Texts;
use super::layout::{Layout, Section};
use super::ledger::Ledger;
use super::member::Member;
use super::page;
use super::period_picker::PeriodPicker;
use super::sheet::{Cell, Kind, Sheet};
use super::urls::with_query;
use crate::app::App;
use crate::db::statistics::{self, StatisticsQuery};
use crate::domain::batch::china;
use crate::domain::message::{MessageState, Tally};
use crate::domain::role::Permission;
use crate::domain::statistics::{By, Counts, within};
use report::{MAX_DAYS_OF_HOURS, Report, Row, wanted};
use vendor::Comparison;

/// Rows of groups that are shown; the others are added up in one.
const SHOWN: usize = 200;

/// What the address asks for.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Look {
    period: String,
    from: String,
    to: String,
    by: String,
}

#[derive(Template)]
#[template(path = "statistics/statistics.html")]
struct StatisticsPage {
    picker: PeriodPicker,
    report: Report,
    total: Counts,
    before: Counts,
    before_words: String,
    p50: Option<String>,
    p95: Option<String>,
    ledger: Ledger,
    bars: Bars,
    rate: Rate,
    /// Rows beyond those that are shown, added up.
    rest: Option<(usize, Counts)>,
    others: Counts,
    others_ledger: Ledger,
    vendor: Comparison,
    may_send: bool,
    may_manage: bool,
    l: Layout,
}

impl StatisticsPage {
    fn address_of(&self, part: &str, by: &By) -> String {
        let mut query = self.report.choice.query();
        query.push(("by", by.key().to_owned()));
        let query: Vec<(&str, &str)> = query.iter().map(|(n, v)| (*n, v.as_str())).collect();
        with_query(&format!("{}{part}", self.l.urls.statistics()), &query)
    }

    fn is_by(&self, by: &By) -> bool {
        self.report.by == *by
    }

    fn most_days_of_hours(&self) -> String {
        self.l.with("statistics-too-many-hours", &[("days", MAX_DAYS_OF_HOURS.into())])
    }

    fn failures(&self) -> String {
        let query = self.report.choice.query();
        let query: Vec<(&str, &str)> = query.iter().map(|(n, v)| (*n, v.as_str())).collect();
        with_query(&self.l.urls.failures(), &query)
    }

    fn shown(&self) -> &[Row] {
        &self.report.rows[..self.report.rows.len().min(SHOWN)]
    }

    fn cost(&self, counts: &Counts) -> Option<String> {
        counts.cost().map(yuan)
    }

    fn has_prices(&self) -> bool {
        let policy = self.report.policy;
        let any = policy.price_domestic.or(policy.price_international);
        any.is_some() || self.total.known_cost > 0
    }

    fn change_of_parts(&self) -> String {
        change(self.report.whole_hours.all_parts(), self.before.all_parts())
    }

    fn change_of_cost(&self) -> String {
        let (now, before) = (self.report.whole_hours.cost(), self.before.cost());
        now.zip(before).map_or_else(|| "—".to_owned(), |(now, before)| change(now, before))
    }

    fn rate_of(&self, tally: &Tally) -> String {
        tally.delivery_rate().map_or_else(|| "—".to_owned(), |rate| self.l.percent(rate))
    }

    fn change_of(&self, now: impl Borrow<i64>, before: impl Borrow<i64>) -> String {
        change(*now.borrow(), *before.borrow())
    }

    fn not_sent(&self, tally: &Tally) -> i64 {
        not_sent(tally)
    }
}

/// What was ordered and did not leave.
fn not_sent(tally: &Tally) -> i64 {
    tally.sum() - tally.sent()
}

/// By how much it grew, in percent; a dash where there was nothing before.
pub fn change(now: i64, before: i64) -> String {
    if before == 0 {
        return "—".to_owned();
    }
    #[allow(clippy::cast_precision_loss)]
    let percent = (now - before) as f64 * 100.0 / before as f64;
    if percent.abs() < 10.0 {
        format!("{percent:+.1}%").replace('-', "−")
    } else {
        format!("{percent:+.0}%").replace('-', "−")
    }
}

/// `/statistics`.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    look: web::Query<Look>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Statistics).await?;
    let project = member.project.id;
    let report = Report::load(&app, &l, project, &look).await?;
    let (total, before) = report.course.totals();
    let own = wanted(project, &report.choice);
    let times = statistics::times(&app.db, own).await?;
    let others = report::sum(&app, StatisticsQuery { others: true, ..own }).await?;
    let lasting = |percent| within(&times, percent).map(|seconds| lasting(l.texts, seconds));
    let rest = report.rows.get(SHOWN..).filter(|rest| !rest.is_empty());
    let wrong = report.choice.problem.is_some() || report.too_many_hours;
    let page = StatisticsPage {
        picker: report.choice.picker(
            l.texts,
            l.urls.statistics(),
            vec![("by", report.by.key().to_owned())],
        ),
        p50: lasting(50),
        p95: lasting(95),
        ledger: Ledger::new(&total.tally, total.total, l.texts),
        bars: bars(&l, &report),
        rate: rate(&l, &report),
        rest: rest.map(|rest| (rest.len(), rest.iter().map(|row| row.counts).sum())),
        others_ledger: Ledger::new(&others.tally, others.total, l.texts),
        others,
        before_words: report.choice.before_words(l.texts),
        vendor: Comparison::load(&app, &l, project, &report.choice).await?,
        may_send: member.may(Permission::Send),
        may_manage: member.may(Permission::Manage),
        total,
        before,
        report,
        l,
    };
    if wrong { page::unprocessable(&page) } else { page::ok(&page) }
}

/// How long something takes, in its largest two units.
fn lasting(texts: Texts, seconds: i32) -> String {
    match seconds {
        0..60 => texts.with("receipts-seconds", &[("n", seconds.into())]),
        60..3_600 => texts.with(
            "receipts-minutes",
            &[("m", (seconds / 60).into()), ("s", (seconds % 60).into())],
        ),
        _ => texts.with(
            "receipts-hours",
            &[("h", (seconds / 3_600).into()), ("m", (seconds / 60 % 60).into())],
        ),
    }
}

/// What stands below a step of a chart, and how its values name it.
pub fn step_names(days: bool, at: OffsetDateTime) -> (String, String) {
    let local = at.to_offset(china());
    let day = format!("{:02}-{:02}", u8::from(local.month()), local.day());
    if days {
        (day, local.date().to_string())
    } else {
        (format!("{}:00", local.hour()), format!("{} {:02}:00", local.date(), local.hour()))
    }
}

fn bars(l: &Layout, report: &Report) -> Bars {
    let course = &report.course;
    let points: Vec<Point> = course
        .steps
        .iter()
        .map(|(at, counts, before)| {
            let (name, whole) = step_names(course.days, *at);
            let tally = counts.tally;
            let title = [
                ("when", whole.into()),
                ("sent", l.n(tally.sent()).into()),
                ("before", l.n(before.tally.sent()).into()),
            ];
            let rate = tally.delivery_rate().map_or("—".to_owned(), |rate| l.percent(rate));
            let detail = [
                ("delivered", l.n(tally.delivered).into()),
                ("failed", l.n(tally.failed).into()),
                ("other", l.n(tally.unknown + tally.in_doubt + tally.submitted).into()),
                ("rate", rate.into()),
            ];
            Point {
                name,
                title: l.with("statistics-point", &title),
                detail: l.with("statistics-point-detail", &detail),
                pieces: vec![
                    ("delivered", tally.delivered),
                    ("submitted", tally.submitted),
                    ("in-doubt", tally.in_doubt),
                    ("unknown", tally.unknown),
                    ("failed", tally.failed),
                ],
                before: before.tally.sent(),
            }
        })
        .collect();
    Bars::new(l.t("statistics-chart"), &points, |count| l.n(count))
}

fn rate(l: &Layout, report: &Report) -> Rate {
    let course = &report.course;
    let points: Vec<(String, Option<f64>, Option<f64>)> = course
        .steps
        .iter()
        .map(|(at, counts, before)| {
            let (now, then) = (counts.tally.delivery_rate(), before.tally.delivery_rate());
            let said = |rate: Option<f64>| rate.map_or("—".to_owned(), |rate| l.percent(rate));
            let values = [
                ("when", step_names(course.days, *at).1.into()),
                ("rate", said(now).into()),
                ("before", said(then).into()),
            ];
            (l.with("statistics-rate-point", &values), now, then)
        })
        .collect();
    Rate::new(l.t("statistics-rate"), &points)
}

/// `/statistics.csv`, `/statistics.xlsx`: all rows of what is shown.
pub async fn file(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, Kind)>,
    look: web::Query<Look>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Statistics).await?;
    let report = Report::load(&app, &l, member.project.id, &look).await?;
    if report.choice.problem.is_some() {
        return Err(WebError::BadRequest);
    }
    sheet(&report).hand_out(path.1, &app, &member, &request).await
}

fn sheet(report: &Report) -> Sheet {
    let mut head = vec![report.by.key(), "name", "total"];
    head.extend(MessageState::ALL.map(MessageState::key));
    head.extend(["sent", "parts", "parts_abroad", "cost", "delivery_rate", "sent_before"]);
    let rows = report.rows.iter().map(|row| {
        let Counts { total, tally, parts, parts_abroad, .. } = row.counts;
        let mut cells =
            vec![Cell::Text(row.key.clone()), Cell::Text(row.label.clone()), Cell::Count(total)];
        cells.extend(MessageState::ALL.map(|state| Cell::Count(tally.of(state))));
        cells.extend([tally.sent(), parts, parts_abroad].map(Cell::Count));
        #[allow(clippy::cast_precision_loss)]
        let yuan = row.counts.cost().map(|cost| cost as f64 / 10_000.0);
        cells.push(Cell::maybe(yuan));
        cells.push(Cell::maybe(tally.delivery_rate()));
        cells.push(Cell::Count(row.before));
        cells
    });
    Sheet {
        of: "statistics",
        period: report.choice.period,
        by: Some(report.by.key()),
        head,
        rows: rows.collect(),
    }
}
