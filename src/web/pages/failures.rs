//! `/failures`: why messages were not delivered, by cause, with what to do about it.

mod causes;

use std::borrow::Borrow;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::app::App;
use crate::db::reporting::failures::{self, AffectedBatch, Only, Reason, Share};
use crate::db::reporting::statistics::{self, StatisticsQuery};
use crate::db::sending::message_search::Source;
use crate::domain::accounts::role::Permission;
use crate::domain::ids::ProjectId;
use crate::domain::sending::message::{MessageState, Tally};
use crate::domain::statistics::By;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::http::pools::Pools;
use crate::web::http::urls::with_query;
use crate::web::ui::figures::counted::CountedMessages;
use crate::web::ui::figures::growth::growth;
use crate::web::ui::files::sheet::{Cell, Kind, Sheet};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::period_picker::{PeriodChoice, PeriodPicker};
use crate::web::ui::status::Drawing;
use causes::{Cause, Causes};

/// Listed templates, and listed batches.
const MAX_LISTED: i64 = 12;
/// Carriers to filter by.
const CARRIERS: [&str; 3] = ["cmcc", "ctcc", "cucc"];
/// The longest text of a filter, in characters; no id or code is longer.
const MAX_FILTER_LENGTH: usize = 64;

/// FailuresQuery parameters of the page.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct FailuresQuery {
    #[serde(rename = "span")]
    period: String,
    from: String,
    to: String,
    state: String,
    template: String,
    operator: String,
    cause: String,
    code: String,
}

impl FailuresQuery {
    fn only(&self) -> Only {
        let clipped = |text: &str| {
            text.chars().filter(|c| *c != '\0').take(MAX_FILTER_LENGTH).collect::<String>()
        };
        let one_of = |text: &str, all: &[&str]| {
            if all.contains(&text) { text.to_owned() } else { String::new() }
        };
        Only {
            state: one_of(&self.state, &["failed", "refused", "unknown"]),
            operator: one_of(&self.operator, &CARRIERS),
            template: clipped(&self.template),
            cause: clipped(&self.cause),
            code: clipped(&self.code),
        }
    }
}

/// Returns the filters by the names of their query parameters. An empty value means no filter.
fn filters(only: &Only) -> [(&'static str, &str); 5] {
    [
        ("state", &only.state),
        ("cause", &only.cause),
        ("code", &only.code),
        ("template", &only.template),
        ("operator", &only.operator),
    ]
}

#[derive(Template)]
#[template(path = "pages/failures/show.html")]
struct FailuresPage {
    picker: PeriodPicker,
    choice: PeriodChoice,
    only: Only,
    tally: Tally,
    before: Tally,
    before_text: String,
    causes: Causes,
    others: Causes,
    carriers: Vec<Share>,
    templates: Vec<(Share, i64)>,
    batches: Vec<AffectedBatch>,
    may_send: bool,
    l: Layout,
}

impl FailuresPage {
    /// Returns the link to this page with one filter changed; an empty value removes it.
    fn with_filter(&self, name: &str, value: &str) -> String {
        href(&self.l, "", &self.choice, &self.only, &[(name, value)])
    }

    /// Returns the link to the messages in a state, whatever their cause.
    fn messages(&self, state: MessageState) -> String {
        CountedMessages::of_period(&self.choice.period, Source::Own).href(&self.l.urls, state, &[])
    }

    /// Returns the link to this page with only one cause.
    fn narrowed(&self, cause: &Cause) -> String {
        let filters = [("state", cause.state()), ("cause", cause.category.as_str()), ("code", "")];
        href(&self.l, "", &self.choice, &self.only, &filters)
    }

    fn download_href(&self, part: &str) -> String {
        href(&self.l, part, &self.choice, &self.only, &[])
    }

    /// Returns the filters that are set: label, value, and the link to this page without it.
    fn chips(&self) -> Vec<(String, String, String)> {
        let set = filters(&self.only).into_iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, value)| {
            let label = match name {
                "state" => self.l.t(&format!("message-state-{value}")),
                "operator" => self.carrier(value),
                "cause" => {
                    let title = self.l.texts.try_t(&format!("cause-{value}"));
                    title.unwrap_or_else(|| value.to_owned())
                }
                _ => value.to_owned(),
            };
            (self.l.t(&format!("failures-filter-{name}")), label, self.with_filter(name, ""))
        })
        .collect()
    }

    fn carrier(&self, key: &str) -> String {
        let known = if key.is_empty() { "other" } else { key };
        self.l.t(&format!("failures-carrier-{known}"))
    }

    fn share(&self, part: impl Borrow<i64>, whole: impl Borrow<i64>) -> String {
        share(&self.l, *part.borrow(), *whole.borrow())
    }

    fn change_of(&self, now: impl Borrow<i64>, before: impl Borrow<i64>) -> String {
        growth(*now.borrow(), *before.borrow())
    }
}

fn share(l: &Layout, part: i64, whole: i64) -> String {
    #[allow(clippy::cast_precision_loss)]
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    l.percent(share)
}

fn href(
    l: &Layout,
    part: &str,
    choice: &PeriodChoice,
    only: &Only,
    changed: &[(&str, &str)],
) -> String {
    let period = choice.query();
    let mut query: Vec<(&str, &str)> = period.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let unchanged =
        filters(only).into_iter().filter(|(name, _)| changed.iter().all(|(n, _)| n != name));
    query.extend(unchanged.chain(changed.iter().copied()).filter(|(_, value)| !value.is_empty()));
    with_query(&format!("{}{part}", l.urls.failures()), &query)
}

/// What the page counts: the period, the one before it, and the filters.
struct Scope {
    choice: PeriodChoice,
    only: Only,
    now: StatisticsQuery,
    before: StatisticsQuery,
    /// Whether counts are by day rather than by hour.
    by_day: bool,
}

impl Scope {
    fn new(app: &App, project: ProjectId, query: &FailuresQuery) -> Self {
        let now = app.clock.now();
        let choice = PeriodChoice::read(&query.period, &query.from, &query.to, now);
        let period = choice.period;
        let counted = StatisticsQuery {
            project,
            since: period.since(),
            until: period.until(),
            others: false,
        };
        let before = StatisticsQuery {
            since: period.before().since(),
            until: period.before_until(now),
            ..counted
        };
        Self { by_day: period.days() > 2, only: query.only(), now: counted, before, choice }
    }

    async fn reasons(&self, app: &App, others: bool) -> sqlx::Result<(Vec<Reason>, Vec<Reason>)> {
        let of = |query| StatisticsQuery { others, ..query };
        let now = failures::by_reason(&app.db, of(self.now), &self.only, self.by_day).await?;
        let before = failures::by_reason(&app.db, of(self.before), &self.only, self.by_day).await?;
        Ok((now, before))
    }

    async fn causes(&self, app: &App, l: &Layout, others: bool) -> sqlx::Result<Causes> {
        let (now, before) = self.reasons(app, others).await?;
        let source = if others { Source::Other } else { Source::Own };
        let period = (&self.choice.period, self.by_day);
        Ok(Causes::new(l, period, (&self.only, source), &now, &before))
    }
}

/// `/failures`: the page.
pub async fn show(
    app: web::Data<App>,
    pools: web::Data<Pools>,
    member: Member,
    request: HttpRequest,
    query: web::Query<FailuresQuery>,
) -> Result<HttpResponse, WebError> {
    let app = pools.figures(&app);
    let l = Layout::in_project(&member, &app, &request, Section::Failures).await?;
    let scope = Scope::new(&app, member.project.id, &query);
    let (now, only) = (scope.now, &scope.only);
    let causes = scope.causes(&app, &l, false).await?;
    let others = scope.causes(&app, &l, true).await?;
    let (tally, before) = (
        statistics::sum(&app.db, now).await?.tally,
        statistics::sum(&app.db, scope.before).await?.tally,
    );
    let templates = failures::by_template(&app.db, now, only, MAX_LISTED).await?;
    let totals = statistics::by_group(&app.db, now, By::Template).await?;
    let total_of = |key: &str| {
        totals.iter().find(|group| group.key == key).map_or(0, |group| group.counts.total)
    };
    let problem = scope.choice.problem;
    let set = filters(only).into_iter().filter(|(_, value)| !value.is_empty());
    let page = FailuresPage {
        picker: scope.choice.picker(
            l.texts,
            l.urls.failures(),
            set.map(|(name, value)| (name, value.to_owned())).collect(),
        ),
        before_text: scope.choice.before_text(l.texts),
        carriers: failures::by_operator(&app.db, now, only).await?,
        templates: templates
            .into_iter()
            .map(|template| {
                let total = total_of(&template.key);
                (template, total)
            })
            .collect(),
        batches: failures::by_batch(&app.db, now, only, MAX_LISTED).await?,
        may_send: member.may(Permission::Send),
        choice: scope.choice,
        only: scope.only,
        tally,
        before,
        causes,
        others,
        l,
    };
    if problem.is_some() { page::unprocessable(&page) } else { page::ok(&page) }
}

/// `/failures.csv`, `/failures.xlsx`: the causes as a file.
pub async fn file(
    app: web::Data<App>,
    pools: web::Data<Pools>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, Kind)>,
    query: web::Query<FailuresQuery>,
) -> Result<HttpResponse, WebError> {
    let app = pools.figures(&app);
    let l = Layout::in_project(&member, &app, &request, Section::Failures).await?;
    let scope = Scope::new(&app, member.project.id, &query);
    if scope.choice.problem.is_some() {
        return Err(WebError::BadRequest);
    }
    let causes = scope.causes(&app, &l, false).await?;
    sheet(&scope, &causes).respond(path.1, &app, &member, &request).await
}

fn sheet(scope: &Scope, causes: &Causes) -> Sheet {
    let head = vec![
        "state",
        "cause",
        "receipt_code",
        "receipt_desc",
        "meaning",
        "count",
        "share",
        "count_before",
    ];
    let rows = causes.rows.iter().flat_map(|cause| {
        cause.codes.iter().map(|code| {
            #[allow(clippy::cast_precision_loss)]
            let share = code.n as f64 * 100.0 / causes.total.max(1) as f64;
            vec![
                Cell::Text(causes::state_of(cause.outcome).key().to_owned()),
                Cell::Text(cause.category.clone()),
                Cell::Text(code.code.clone()),
                Cell::Text(code.words.clone()),
                Cell::Text(code.meaning.clone().unwrap_or_else(|| cause.title.clone())),
                Cell::Count(code.n),
                Cell::Number(share),
                Cell::Count(code.before),
            ]
        })
    });
    Sheet { of: "failures", period: scope.choice.period, by: None, head, rows: rows.collect() }
}
