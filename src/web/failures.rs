//! `/failures`: why messages did not arrive, in words, with what to do about it.

mod causes;

use std::borrow::Borrow;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::components::Drawing;
use super::error::WebError;
use super::layout::{Layout, Section};
use super::member::Member;
use super::page;
use super::period_picker::{PeriodChoice, PeriodPicker};
use super::sheet::{Cell, Kind, Sheet};
use super::statistics::change;
use super::statistics::report::sum;
use super::urls::with_query;
use crate::app::App;
use crate::db::failures::{self, Only, Reason, Share, Struck};
use crate::db::statistics::{self, StatisticsQuery};
use crate::domain::ids::ProjectId;
use crate::domain::message::Tally;
use crate::domain::role::Permission;
use crate::domain::statistics::By;
use causes::{Cause, Causes};

/// Templates and batches that are listed.
const LISTED: i64 = 12;
/// Operators that can be asked for.
const OPERATORS: [&str; 3] = ["cmcc", "ctcc", "cucc"];
/// Letters of a filter; nothing longer exists.
const MAX_TEXT: usize = 64;

/// What the address asks for.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Look {
    period: String,
    from: String,
    to: String,
    state: String,
    template: String,
    operator: String,
    cause: String,
    code: String,
}

impl Look {
    fn only(&self) -> Only {
        let clipped =
            |text: &str| text.chars().filter(|c| *c != '\0').take(MAX_TEXT).collect::<String>();
        let one_of = |text: &str, all: &[&str]| {
            if all.contains(&text) { text.to_owned() } else { String::new() }
        };
        Only {
            state: one_of(&self.state, &["failed", "refused", "unknown"]),
            operator: one_of(&self.operator, &OPERATORS),
            template: clipped(&self.template),
            cause: clipped(&self.cause),
            code: clipped(&self.code),
        }
    }
}

/// What is asked for, by name; an empty text is not asked for.
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
#[template(path = "failures/failures.html")]
struct FailuresPage {
    picker: PeriodPicker,
    choice: PeriodChoice,
    only: Only,
    tally: Tally,
    before: Tally,
    before_words: String,
    causes: Causes,
    others: Causes,
    operators: Vec<Share>,
    templates: Vec<(Share, i64)>,
    batches: Vec<Struck>,
    may_send: bool,
    l: Layout,
}

impl FailuresPage {
    /// This page with one filter changed; an empty value takes it off.
    fn with_filter(&self, name: &str, value: &str) -> String {
        address(&self.l, "", &self.choice, &self.only, &[(name, value)])
    }

    /// This page with one cause only.
    fn narrowed(&self, cause: &Cause) -> String {
        let one = [("state", cause.state()), ("cause", cause.category.as_str()), ("code", "")];
        address(&self.l, "", &self.choice, &self.only, &one)
    }

    fn file(&self, part: &str) -> String {
        address(&self.l, part, &self.choice, &self.only, &[])
    }

    /// The filters that are set: what they are called, their value, and this page without each.
    fn chips(&self) -> Vec<(String, String, String)> {
        let set = filters(&self.only).into_iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, value)| {
            let said = match name {
                "state" => self.l.t(&format!("message-state-{value}")),
                "operator" => self.operator(value),
                "cause" => {
                    let words = self.l.texts.try_t(&format!("cause-{value}"));
                    words.unwrap_or_else(|| value.to_owned())
                }
                _ => value.to_owned(),
            };
            (self.l.t(&format!("failures-filter-{name}")), said, self.with_filter(name, ""))
        })
        .collect()
    }

    fn operator(&self, key: &str) -> String {
        let known = if key.is_empty() { "other" } else { key };
        self.l.t(&format!("failures-carrier-{known}"))
    }

    fn share(&self, part: impl Borrow<i64>, whole: impl Borrow<i64>) -> String {
        share(&self.l, *part.borrow(), *whole.borrow())
    }

    fn change_of(&self, now: impl Borrow<i64>, before: impl Borrow<i64>) -> String {
        change(*now.borrow(), *before.borrow())
    }
}

fn share(l: &Layout, part: i64, whole: i64) -> String {
    #[allow(clippy::cast_precision_loss)]
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    l.percent(share)
}

fn address(
    l: &Layout,
    part: &str,
    choice: &PeriodChoice,
    only: &Only,
    changed: &[(&str, &str)],
) -> String {
    let period = choice.query();
    let mut query: Vec<(&str, &str)> = period.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let kept = filters(only).into_iter().filter(|(name, _)| changed.iter().all(|(n, _)| n != name));
    query.extend(kept.chain(changed.iter().copied()).filter(|(_, value)| !value.is_empty()));
    with_query(&format!("{}{part}", l.urls.failures()), &query)
}

/// The reasons of a span and of the one before.
struct Found {
    choice: PeriodChoice,
    only: Only,
    wanted: StatisticsQuery,
    before: StatisticsQuery,
    days: bool,
}

impl Found {
    fn new(app: &App, project: ProjectId, look: &Look) -> Self {
        let now = app.clock.now();
        let choice = PeriodChoice::read(&look.period, &look.from, &look.to, now);
        let period = choice.period;
        let wanted = StatisticsQuery {
            project,
            since: period.since(),
            until: period.until(),
            others: false,
        };
        let before = StatisticsQuery {
            since: period.before().since(),
            until: period.before_until(now),
            ..wanted
        };
        Self { days: period.days() > 2, only: look.only(), wanted, before, choice }
    }

    async fn reasons(&self, app: &App, others: bool) -> sqlx::Result<(Vec<Reason>, Vec<Reason>)> {
        let of = |wanted| StatisticsQuery { others, ..wanted };
        let now = failures::by_reason(&app.db, of(self.wanted), &self.only, self.days).await?;
        let before = failures::by_reason(&app.db, of(self.before), &self.only, self.days).await?;
        Ok((now, before))
    }

    async fn causes(&self, app: &App, l: &Layout, others: bool) -> sqlx::Result<Causes> {
        let (now, before) = self.reasons(app, others).await?;
        Ok(Causes::new(l, (&self.choice.period, self.days), &self.only, &now, &before))
    }
}

/// `/failures`.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    look: web::Query<Look>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Failures).await?;
    let found = Found::new(&app, member.project.id, &look);
    let (wanted, only) = (found.wanted, &found.only);
    let causes = found.causes(&app, &l, false).await?;
    let others = found.causes(&app, &l, true).await?;
    let (tally, before) = (sum(&app, wanted).await?.tally, sum(&app, found.before).await?.tally);
    let templates = failures::by_template(&app.db, wanted, only, LISTED).await?;
    let of_templates = statistics::by_group(&app.db, wanted, By::Template).await?;
    let ordered = |key: &str| {
        of_templates.iter().find(|one| one.key == key).map_or(0, |one| one.counts.total)
    };
    let problem = found.choice.problem;
    let more = filters(only).into_iter().filter(|(_, value)| !value.is_empty());
    let page = FailuresPage {
        picker: found.choice.picker(
            l.texts,
            l.urls.failures(),
            more.map(|(name, value)| (name, value.to_owned())).collect(),
        ),
        before_words: found.choice.before_words(l.texts),
        operators: failures::by_operator(&app.db, wanted, only).await?,
        templates: templates
            .into_iter()
            .map(|one| {
                let of = ordered(&one.key);
                (one, of)
            })
            .collect(),
        batches: failures::by_batch(&app.db, wanted, only, LISTED).await?,
        may_send: member.may(Permission::Send),
        choice: found.choice,
        only: found.only,
        tally,
        before,
        causes,
        others,
        l,
    };
    if problem.is_some() { page::unprocessable(&page) } else { page::ok(&page) }
}

/// `/failures.csv`, `/failures.xlsx`.
pub async fn file(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, Kind)>,
    look: web::Query<Look>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Failures).await?;
    let found = Found::new(&app, member.project.id, &look);
    if found.choice.problem.is_some() {
        return Err(WebError::BadRequest);
    }
    let causes = found.causes(&app, &l, false).await?;
    sheet(&found, &causes).hand_out(path.1, &app, &member, &request).await
}

fn sheet(found: &Found, causes: &Causes) -> Sheet {
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
        cause.codes.iter().map(|one| {
            #[allow(clippy::cast_precision_loss)]
            let share = one.n as f64 * 100.0 / causes.total.max(1) as f64;
            vec![
                Cell::Text(causes::state_of(cause.outcome).key().to_owned()),
                Cell::Text(cause.category.clone()),
                Cell::Text(one.code.clone()),
                Cell::Text(one.words.clone()),
                Cell::Text(one.meaning.clone().unwrap_or_else(|| cause.title.clone())),
                Cell::Count(one.n),
                Cell::Number(share),
                Cell::Count(one.before),
            ]
        })
    });
    Sheet { of: "failures", period: found.choice.period, by: None, head, rows: rows.collect() }
}
