//! The vendor's own counts beside ours, and what a difference can come from.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use time::Date;

use super::report::wanted;
use crate::app::App;
use crate::db::statistics::{self, StatisticsQuery};
use crate::db::vendor_figures::{self, Asked};
use crate::domain::ids::ProjectId;
use crate::domain::period::day_of;
use crate::domain::statistics::Counts;
use crate::ops::vendor_figures::{self as figures, FiguresError};
use crate::web::error::WebError;
use crate::web::form::Form;
use crate::web::layout::Layout;
use crate::web::member::Member;
use crate::web::period_picker::PeriodChoice;
use crate::web::{flash, page};

/// A day of both.
pub struct Row {
    /// The day.
    pub day: Date,
    /// What the console sent.
    pub ours: i64,
    /// What other programs sent, as far as receipts told.
    pub others: i64,
    /// What the vendor counted.
    pub vendor: i64,
    /// How much more the vendor counted.
    pub difference: i64,
    /// Pieces that receipts named, of both.
    pub parts: i64,
    /// Pieces that the vendor counted.
    pub vendor_parts: i64,
    /// What the difference can come from.
    pub words: String,
}

/// The vendor's counts of a span.
pub struct Comparison {
    /// Its days, the newest first.
    pub rows: Vec<Row>,
    /// How asking went last.
    pub asked: Option<Asked>,
}

impl Comparison {
    /// Sets the vendor's counts of the span beside ours.
    pub async fn load(
        app: &App,
        l: &Layout,
        project: ProjectId,
        choice: &PeriodChoice,
    ) -> Result<Self, WebError> {
        let period = choice.period;
        let own = wanted(project, choice);
        let ours = by_day(app, own).await?;
        let others = by_day(app, StatisticsQuery { others: true, ..own }).await?;
        let days = vendor_figures::days(&app.db, project, period.from, period.to).await?;
        let rows = days.into_iter().map(|one| {
            let of = |counts: &HashMap<Date, Counts>| counts.get(&one.day).copied();
            let (ours, others) = (of(&ours).unwrap_or_default(), of(&others).unwrap_or_default());
            let difference = one.sent - ours.tally.sent() - others.total;
            Row {
                day: one.day,
                ours: ours.tally.sent(),
                others: others.total,
                vendor: one.sent,
                difference,
                parts: ours.all_parts() + others.all_parts(),
                vendor_parts: one.parts,
                words: explained(l, &ours, difference),
            }
        });
        let rows = rows.collect();
        Ok(Self { rows, asked: vendor_figures::asked(&app.db, project).await? })
    }
}

async fn by_day(app: &App, wanted: StatisticsQuery) -> sqlx::Result<HashMap<Date, Counts>> {
    let days = statistics::by_time(&app.db, wanted, true).await?;
    Ok(days.into_iter().map(|(begins, counts)| (day_of(begins), counts)).collect())
}

fn explained(l: &Layout, ours: &Counts, difference: i64) -> String {
    let tally = ours.tally;
    let mut said = match difference {
        0 => l.t("vendor-agrees"),
        1.. => l.with("vendor-more", &[("count", difference.into())]),
        _ if tally.in_doubt >= -difference => {
            let values = [("count", (-difference).into()), ("doubt", tally.in_doubt.into())];
            l.with("vendor-doubt", &values)
        }
        _ => l.with("vendor-fewer", &[("count", (-difference).into())]),
    };
    if tally.submitted > 0 {
        said.push_str(&l.with("vendor-waiting", &[("count", tally.submitted.into())]));
    }
    said
}

/// Nothing is posted but the word to ask.
#[derive(Debug, Deserialize)]
pub struct Ask {}

/// Asks the vendor now. The question goes on when the person leaves.
pub async fn ask(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    _: Form<Ask>,
) -> Result<HttpResponse, WebError> {
    let (own, project) = ((*app.into_inner()).clone(), member.project.id);
    let calls = own.calls.clone();
    let asking = calls.spawn(async move { figures::ask(&own, project).await });
    let asked = asking.await.map_err(|error| WebError::Internal(error.to_string()))?;
    let texts = member.texts(&request);
    let said = match asked {
        Ok(days) => texts.with("vendor-asked", &[("count", days.into())]),
        Err(FiguresError::Vendor(error)) => {
            texts.with("vendor-not-asked", &[("why", error.to_string().into())])
        }
        Err(FiguresError::Database(error)) => return Err(WebError::Database(error)),
        Err(FiguresError::Credentials(error)) => return Err(WebError::Internal(error.to_string())),
    };
    flash::say(&request, &said);
    Ok(page::see_other(&format!("{}#vendor", member.urls().statistics())))
}
