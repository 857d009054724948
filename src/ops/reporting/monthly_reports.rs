//! The report of a month: a workbook with the counts and costs by day and by template, mailed on the first
//! days of the next month.

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use serde_json::json;
use time::{Date, Duration, OffsetDateTime, Time};

use super::notifications::notification::{MONTHLY_REPORT, Notification};
use crate::app::App;
use crate::db::audit;
use crate::db::reporting::monthly_reports;
use crate::db::reporting::notifications::{self, Channel, Way};
use crate::db::reporting::statistics::{self, StatisticsQuery};
use crate::db::sending::prices::{self, Cost};
use crate::domain::ids::ProjectId;
use crate::domain::period;
use crate::domain::sending::budget::BudgetPeriod;
use crate::domain::statistics::{By, Counts};
use crate::domain::time::CHINA;
use crate::i18n::Texts;
use crate::ops::actor::Actor;
use crate::outbound;

/// The last day of a month on which the report of the month before is still made, if no process ran earlier.
const LAST_DAY: u8 = 3;
/// The most addresses of a report.
const MAX_EMAILS: usize = 20;
/// The states that are counted, by the names of their texts.
const STATES: [&str; 9] = [
    "delivered",
    "failed",
    "unknown",
    "submitted",
    "queued",
    "in_doubt",
    "refused",
    "suppressed",
    "cancelled",
];

/// Queues the reports of last month, each once, whichever process comes first. Returns how many.
pub async fn run_once(app: &App) -> sqlx::Result<usize> {
    let now = app.clock.now();
    let today = period::day_of(now);
    if today.day() > LAST_DAY {
        return Ok(0);
    }
    let month = BudgetPeriod::Month.first_day(BudgetPeriod::Month.first_day(today) - Duration::DAY);
    let mut queued = 0;
    for due in monthly_reports::due(&app.db, month).await? {
        let mut tx = app.db.begin().await?;
        if !monthly_reports::claim(&mut tx, due.project, month, now).await? {
            continue;
        }
        let notification = Notification {
            status: month.to_string(),
            ..Notification::now(app, &due.slug, MONTHLY_REPORT, "statistics", "statistics")
        };
        let way = Way { channel: Channel::Email, robot: None, emails: Some(&due.emails) };
        notifications::add_to(&mut tx, due.project, way, &json!(notification), now).await?;
        tx.commit().await?;
        queued += 1;
    }
    Ok(queued)
}

/// Saves the addresses that the report is mailed to. Returns whether all are email addresses, and not too
/// many.
pub async fn save_emails(app: &App, actor: Actor<'_>, emails: &[String]) -> sqlx::Result<bool> {
    if emails.len() > MAX_EMAILS || !emails.iter().all(|email| outbound::is_email(email)) {
        return Ok(false);
    }
    let mut tx = app.db.begin().await?;
    monthly_reports::save_emails(&mut tx, actor.project, emails).await?;
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action: "report_recipients_changed",
        subject: "",
        detail: json!({ "count": emails.len() }),
        ip: actor.ip,
    };
    audit::record(&mut tx, &entry, app.clock.now()).await?;
    tx.commit().await?;
    Ok(true)
}

/// A report as a file.
#[derive(Debug)]
pub struct ReportFile {
    /// Its name.
    pub name: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// Why a report cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The workbook cannot be written.
    #[error("cannot write the workbook: {0}")]
    Workbook(#[from] XlsxError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Makes the report of the month that begins on `month`.
///
/// # Errors
///
/// [`ReportError`] if the counts cannot be read or the workbook cannot be written.
pub async fn make(
    app: &App,
    texts: Texts,
    project: ProjectId,
    slug: &str,
    month: Date,
) -> Result<ReportFile, ReportError> {
    let (since, until) = (midnight(month), midnight(BudgetPeriod::Month.next_first_day(month)));
    let query = StatisticsQuery { project, since, until, others: false };
    let days = statistics::by_time(&app.db, query, true).await?;
    let days = days.into_iter().map(|(at, counts)| (vec![period::day_of(at).to_string()], counts));
    let templates = statistics::by_group(&app.db, query, By::Template).await?;
    let templates = templates.into_iter().map(|one| (vec![one.key, one.name], one.counts));
    let expected = prices::expected_of_orders(&app.db, project, since, until).await?;
    let mut book = Workbook::new();
    let (days, templates): (Vec<_>, Vec<_>) = (days.collect(), templates.collect());
    let total: Counts = days.iter().map(|(_, counts)| *counts).sum();
    let names = ["report-day"];
    write(book.add_worksheet().set_name(texts.t("report-days"))?, texts, &names, &days)?;
    let names = ["report-template-id", "report-template"];
    write(book.add_worksheet().set_name(texts.t("report-templates"))?, texts, &names, &templates)?;
    let sheet = book.add_worksheet().set_name(texts.t("report-costs"))?;
    write_costs(sheet, texts, &expected, &total)?;
    let name = format!("{slug}-{:04}-{:02}.xlsx", month.year(), u8::from(month.month()));
    Ok(ReportFile { name, content: book.save_to_buffer()? })
}

fn midnight(day: Date) -> OffsetDateTime {
    day.with_time(Time::MIDNIGHT).assume_offset(CHINA)
}

/// Writes counts with their states and costs, and a line with their sums.
fn write(
    sheet: &mut Worksheet,
    texts: Texts,
    names: &[&str],
    rows: &[(Vec<String>, Counts)],
) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let states = STATES.iter().map(|state| texts.t(&format!("message-state-{state}")));
    let head: Vec<String> = names
        .iter()
        .map(|name| texts.t(name))
        .chain([texts.t("report-messages")])
        .chain(states)
        .chain(["report-parts", "report-billed", "report-unpriced"].map(|name| texts.t(name)))
        .collect();
    for (column, name) in (0..).zip(&head) {
        sheet.write_with_format(0, column, name, &bold)?;
        sheet.set_column_width(column, 14)?;
    }
    sheet.set_freeze_panes(1, 1)?;
    let mut sum_names = vec![String::new(); names.len()];
    sum_names[0] = texts.t("report-sum");
    let sum = (sum_names, rows.iter().map(|(_, counts)| *counts).sum());
    for (row, (labels, counts)) in (1..).zip(rows.iter().chain([&sum])) {
        for (column, label) in (0..).zip(labels) {
            sheet.write_string(row, column, label)?;
        }
        let first = u16::try_from(names.len()).unwrap_or(u16::MAX);
        for (column, number) in (first..).zip(numbers(counts)) {
            sheet.write_number(row, column, number)?;
        }
    }
    Ok(())
}

/// Returns the numbers of a row: messages, states, parts, billed yuan and parts without a price.
#[allow(clippy::cast_precision_loss)]
fn numbers(counts: &Counts) -> Vec<f64> {
    let tally = counts.tally;
    let all = [
        counts.total,
        tally.delivered,
        tally.failed,
        tally.unknown,
        tally.submitted,
        tally.queued,
        tally.in_doubt,
        tally.refused,
        tally.suppressed,
        tally.cancelled,
        counts.all_parts(),
    ];
    let counted = all.into_iter().map(|n| n as f64);
    counted.chain([yuan(counts.known_cost), counts.unpriced as f64]).collect()
}

/// Writes what was expected when the orders of the month were placed, and what receipts billed.
#[allow(clippy::cast_precision_loss)]
fn write_costs(
    sheet: &mut Worksheet,
    texts: Texts,
    expected: &Cost,
    total: &Counts,
) -> Result<(), XlsxError> {
    let rows = [
        ("report-expected", yuan(expected.known)),
        ("report-expected-parts", expected.parts as f64),
        ("report-billed", yuan(total.known_cost)),
        ("report-parts", total.all_parts() as f64),
        ("report-unpriced", total.unpriced as f64),
    ];
    sheet.set_column_width(0, 36)?;
    for (row, (name, number)) in (0..).zip(rows) {
        sheet.write_string(row, 0, texts.t(name))?;
        sheet.write_number(row, 1, number)?;
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss)]
fn yuan(amount: i64) -> f64 {
    amount as f64 / 10_000.0
}
