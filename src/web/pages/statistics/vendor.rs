//! The vendor's own counts next to the console's, and what explains a difference.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use time::Date;

use super::report::own_query;
use crate::app::App;
use crate::db::reporting::statistics::{self, StatisticsQuery};
use crate::db::reporting::vendor_figures::{self, Asked};
use crate::domain::ids::ProjectId;
use crate::domain::period::day_of;
use crate::domain::statistics::Counts;
use crate::ops::reporting::vendor_figures::{self as figures, FiguresError};
use crate::web::http::error::WebError;
use crate::web::http::form::Form;
use crate::web::http::member::Member;
use crate::web::http::{flash, page};
use crate::web::ui::layout::Layout;
use crate::web::ui::period_picker::PeriodChoice;

/// One day in both counts.
pub struct VendorRow {
    /// The day.
    pub day: Date,
    /// Messages of the console.
    pub ours: i64,
    /// External messages, as far as there are receipts.
    pub others: i64,
    /// Messages in the vendor's count.
    pub vendor: i64,
    /// How many more messages the vendor counted.
    pub difference: i64,
    /// Parts of the console's and external messages.
    pub parts: i64,
    /// Parts in the vendor's count.
    pub vendor_parts: i64,
    /// What can explain the difference.
    pub explanation: String,
}

/// The vendor's counts of a period.
pub struct Comparison {
    /// Its days, the newest first.
    pub rows: Vec<VendorRow>,
    /// When the vendor was queried last, and with what result.
    pub asked: Option<Asked>,
}

impl Comparison {
    /// Loads the vendor's counts of the period and the console's.
    pub async fn load(
        app: &App,
        l: &Layout,
        project: ProjectId,
        choice: &PeriodChoice,
    ) -> Result<Self, WebError> {
        let period = choice.period;
        let own = own_query(project, choice);
        let ours = by_day(app, own).await?;
        let others = by_day(app, StatisticsQuery { others: true, ..own }).await?;
        let days = vendor_figures::days(&app.db, project, period.from, period.to).await?;
        let rows = days.into_iter().map(|figures| {
            let counts_of = |counts: &HashMap<Date, Counts>| counts.get(&figures.day).copied();
            let ours = counts_of(&ours).unwrap_or_default();
            let others = counts_of(&others).unwrap_or_default();
            let difference = figures.sent - ours.tally.sent() - others.total;
            VendorRow {
                day: figures.day,
                ours: ours.tally.sent(),
                others: others.total,
                vendor: figures.sent,
                difference,
                parts: ours.all_parts() + others.all_parts(),
                vendor_parts: figures.parts,
                explanation: explain(l, &ours, difference),
            }
        });
        let rows = rows.collect();
        Ok(Self { rows, asked: vendor_figures::asked(&app.db, project).await? })
    }
}

async fn by_day(app: &App, query: StatisticsQuery) -> sqlx::Result<HashMap<Date, Counts>> {
    let days = statistics::by_time(&app.db, query, true).await?;
    Ok(days.into_iter().map(|(begins, counts)| (day_of(begins), counts)).collect())
}

fn explain(l: &Layout, ours: &Counts, difference: i64) -> String {
    let tally = ours.tally;
    let mut text = match difference {
        0 => l.t("vendor-agrees"),
        1.. => l.with("vendor-more", &[("count", difference.into())]),
        _ if tally.in_doubt >= -difference => {
            let values = [("count", (-difference).into()), ("doubt", tally.in_doubt.into())];
            l.with("vendor-doubt", &values)
        }
        _ => l.with("vendor-fewer", &[("count", (-difference).into())]),
    };
    if tally.submitted > 0 {
        text.push_str(&l.with("vendor-waiting", &[("count", tally.submitted.into())]));
    }
    text
}

/// A form without fields.
#[derive(Debug, Deserialize)]
pub struct Fetch {}

/// Fetches the vendor's counts now. The call goes on if the person leaves the page.
pub async fn fetch(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    _: Form<Fetch>,
) -> Result<HttpResponse, WebError> {
    let (own, project) = ((**app).clone(), member.project.id);
    let task = app.spawn_call(async move { figures::look_up(&own, project).await });
    let result = task.await.map_err(|error| WebError::Internal(error.to_string()))?;
    let texts = member.texts(&request);
    let message = match result {
        Ok(days) => texts.with("vendor-asked", &[("count", days.into())]),
        Err(FiguresError::Vendor(error)) => {
            texts.with("vendor-not-asked", &[("why", error.to_string().into())])
        }
        Err(FiguresError::Busy) => texts.t("look-up-busy"),
        Err(FiguresError::Database(error)) => return Err(WebError::Database(error)),
        Err(FiguresError::Credentials(error)) => return Err(WebError::Internal(error.to_string())),
    };
    flash::say(&request, &message);
    Ok(page::see_other(&format!("{}#vendor", member.urls().statistics())))
}
