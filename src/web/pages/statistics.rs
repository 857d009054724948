//! `/statistics`: what was sent in a period, up to this minute, and what became of it.

pub mod report;
pub mod vendor;

use std::borrow::Borrow;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::OffsetDateTime;

use crate::app::App;
use crate::db::reporting::statistics::{self, StatisticsQuery};
use crate::db::sending::message_search::Source;
use crate::db::sending::prices::Cost;
use crate::domain::accounts::role::Permission;
use crate::domain::sending::message::{MessageState, Tally};
use crate::domain::statistics::{By, Counts, within};
use crate::domain::time::CHINA;
use crate::web::http::error::WebError;
use crate::web::http::i18n::Texts;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::http::pools::Pools;
use crate::web::http::urls::with_query;
use crate::web::ui::figures::chart::{Bars, Point, Rate};
use crate::web::ui::figures::costs::{at_least, yuan};
use crate::web::ui::figures::counted::CountedMessages;
use crate::web::ui::figures::growth::growth;
use crate::web::ui::figures::ledger::Ledger;
use crate::web::ui::files::sheet::{Cell, Kind, Sheet};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::period_picker::PeriodPicker;
use report::{MAX_DAYS_OF_HOURS, Report, ReportRow, own_query};
use vendor::Comparison;

/// The largest number of rows that are shown; the others are added up in one.
const MAX_ROWS: usize = 200;

/// The states that have a column of the table, in their order.
const COLUMNS: [MessageState; 5] = [
    MessageState::Delivered,
    MessageState::Failed,
    MessageState::Unknown,
    MessageState::Submitted,
    MessageState::InDoubt,
];

/// The query parameters of the page and its files.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct ReportQuery {
    #[serde(rename = "span")]
    period: String,
    from: String,
    to: String,
    by: String,
}

#[derive(Template)]
#[template(path = "pages/statistics/show.html")]
struct StatisticsPage {
    picker: PeriodPicker,
    report: Report,
    total: Counts,
    /// All messages of the total.
    all: CountedMessages,
    before: Counts,
    before_text: String,
    p50: Option<String>,
    p95: Option<String>,
    ledger: Ledger,
    bars: Bars,
    rate: Rate,
    /// The number of rows that are not shown, and their sum.
    rest: Option<(usize, Counts)>,
    others: Counts,
    others_ledger: Ledger,
    vendor: Comparison,
    may_send: bool,
    may_manage: bool,
    l: Layout,
}

impl StatisticsPage {
    fn href_of(&self, part: &str, by: &By) -> String {
        let mut query = self.report.choice.query();
        query.push(("by", by.key().to_owned()));
        let query: Vec<(&str, &str)> =
            query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        with_query(&format!("{}{part}", self.l.urls.statistics()), &query)
    }

    fn is_by(&self, by: &By) -> bool {
        self.report.by == *by
    }

    fn too_many_hours(&self) -> String {
        self.l.with("statistics-too-many-hours", &[("days", MAX_DAYS_OF_HOURS.into())])
    }

    fn failures_href(&self) -> String {
        let query = self.report.choice.query();
        let query: Vec<(&str, &str)> =
            query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        with_query(&self.l.urls.failures(), &query)
    }

    fn shown(&self) -> &[ReportRow] {
        &self.report.rows[..self.report.rows.len().min(MAX_ROWS)]
    }

    fn cost(&self, counts: &Counts) -> Option<String> {
        counts.cost().map(yuan)
    }

    fn has_prices(&self) -> bool {
        self.report.has_prices || self.total.known_cost > 0
    }

    /// Returns what the batches were expected to cost that were ordered in the period.
    fn expected(&self) -> String {
        match self.report.expected {
            Cost { unpriced: 0, known, .. } => yuan(known),
            Cost { known: 0, .. } => "—".to_owned(),
            Cost { known, .. } => at_least(&self.l, &yuan(known)),
        }
    }

    fn change_of_parts(&self) -> String {
        growth(self.report.whole_hours.all_parts(), self.before.all_parts())
    }

    fn change_of_cost(&self) -> String {
        let (now, before) = (self.report.whole_hours.cost(), self.before.cost());
        now.zip(before).map_or_else(|| "—".to_owned(), |(now, before)| growth(now, before))
    }

    fn rate_of(&self, tally: &Tally) -> String {
        tally.delivery_rate().map_or_else(|| "—".to_owned(), |rate| self.l.percent(rate))
    }

    fn change_of(&self, now: impl Borrow<i64>, before: impl Borrow<i64>) -> String {
        growth(*now.borrow(), *before.borrow())
    }

    /// Returns the counts of a row by state, each with the link to its messages.
    fn cells(
        &self,
        messages: &Option<&CountedMessages>,
        counts: &Counts,
    ) -> Vec<(i64, Option<String>)> {
        let cell = |state| {
            let n = counts.tally.of(state);
            let linked = messages.filter(|_| n > 0);
            (n, linked.map(|messages| messages.href(&self.l.urls, state, &[])))
        };
        COLUMNS.map(cell).to_vec()
    }

    fn not_sent(&self, tally: &Tally) -> i64 {
        not_sent(tally)
    }
}

/// Returns the number of messages that were ordered but not sent.
fn not_sent(tally: &Tally) -> i64 {
    tally.sum() - tally.sent()
}

/// Shows the page.
pub async fn show(
    app: web::Data<App>,
    pools: web::Data<Pools>,
    member: Member,
    request: HttpRequest,
    query: web::Query<ReportQuery>,
) -> Result<HttpResponse, WebError> {
    let app = pools.figures(&app);
    let l = Layout::in_project(&member, &app, &request, Section::Statistics).await?;
    let project = member.project.id;
    let report = Report::load(&app, &l, project, &query).await?;
    let (total, before) = report.series.totals();
    let own = own_query(project, &report.choice);
    let delivery_times = statistics::times(&app.db, own).await?;
    let others = statistics::sum(&app.db, StatisticsQuery { others: true, ..own }).await?;
    let percentile =
        |percent| within(&delivery_times, percent).map(|seconds| duration(l.texts, seconds));
    let rest = report.rows.get(MAX_ROWS..).filter(|rest| !rest.is_empty());
    let period = &report.choice.period;
    let own_messages = CountedMessages::of_period(period, Source::Own);
    let other_messages = CountedMessages::of_period(period, Source::Other);
    let is_wrong = report.choice.problem.is_some() || report.too_many_hours;
    let page = StatisticsPage {
        picker: report.choice.picker(
            l.texts,
            l.urls.statistics(),
            vec![("by", report.by.key().to_owned())],
        ),
        p50: percentile(50),
        p95: percentile(95),
        ledger: Ledger::new(&total.tally, total.total, l.texts)
            .linked(|state| Some(own_messages.href(&l.urls, state, &[]))),
        bars: bars(&l, &report),
        rate: rate(&l, &report),
        rest: rest.map(|rest| (rest.len(), rest.iter().map(|row| row.counts).sum())),
        others_ledger: Ledger::new(&others.tally, others.total, l.texts)
            .linked(|state| Some(other_messages.href(&l.urls, state, &[]))),
        others,
        before_text: report.choice.before_text(l.texts),
        vendor: Comparison::load(&app, &l, project, &report.choice).await?,
        may_send: member.may(Permission::Send),
        may_manage: member.may(Permission::Manage),
        all: own_messages,
        total,
        before,
        report,
        l,
    };
    if is_wrong { page::unprocessable(&page) } else { page::ok(&page) }
}

/// Returns a duration in its two largest units.
fn duration(texts: Texts, seconds: i32) -> String {
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

/// Returns the label below a step of a chart, and its name with the values.
pub fn step_names(days: bool, at: OffsetDateTime) -> (String, String) {
    let local = at.to_offset(CHINA);
    let day = format!("{:02}-{:02}", u8::from(local.month()), local.day());
    if days {
        (day, local.date().to_string())
    } else {
        (format!("{}:00", local.hour()), format!("{} {:02}:00", local.date(), local.hour()))
    }
}

fn bars(l: &Layout, report: &Report) -> Bars {
    let series = &report.series;
    let points: Vec<Point> = series
        .steps
        .iter()
        .map(|(at, counts, before)| {
            let (name, full_name) = step_names(series.days, *at);
            let tally = counts.tally;
            let title = [
                ("when", full_name.into()),
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
                segments: vec![
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
    let series = &report.series;
    let points: Vec<(String, Option<f64>, Option<f64>)> = series
        .steps
        .iter()
        .map(|(at, counts, before)| {
            let (now, before) = (counts.tally.delivery_rate(), before.tally.delivery_rate());
            let rate_text =
                |rate: Option<f64>| rate.map_or("—".to_owned(), |rate| l.percent(rate));
            let values = [
                ("when", step_names(series.days, *at).1.into()),
                ("rate", rate_text(now).into()),
                ("before", rate_text(before).into()),
            ];
            (l.with("statistics-rate-point", &values), now, before)
        })
        .collect();
    Rate::new(l.t("statistics-rate"), &points)
}

/// `/statistics.csv`, `/statistics.xlsx`: all rows as a file.
pub async fn file(
    app: web::Data<App>,
    pools: web::Data<Pools>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, Kind)>,
    query: web::Query<ReportQuery>,
) -> Result<HttpResponse, WebError> {
    let app = pools.figures(&app);
    let l = Layout::in_project(&member, &app, &request, Section::Statistics).await?;
    let report = Report::load(&app, &l, member.project.id, &query).await?;
    if report.choice.problem.is_some() {
        return Err(WebError::BadRequest);
    }
    sheet(&report).respond(path.1, &app, &member, &request).await
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
