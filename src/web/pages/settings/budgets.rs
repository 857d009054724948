//! `/settings/budgets`: how much the project and its members may send; for administrators.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::{Date, Duration};

use crate::app::App;
use crate::db::projects;
use crate::db::sending::budgets::{self as rows, NewBudget, Query};
use crate::domain::ids::BudgetId;
use crate::domain::period;
use crate::domain::sending::budget::{Budget, BudgetPeriod, BudgetUnit};
use crate::domain::sending::price::parse_yuan;
use crate::ops::actor::Actor;
use crate::ops::sending::budgets;
use crate::web::http::error::WebError;
use crate::web::http::flash::redirect_with_flash;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::ui::figures::budget_lines::{amount, label};
use crate::web::ui::figures::chart::{Bars, Point};
use crate::web::ui::layout::{Layout, Section};

/// How many days the chart of a daily budget shows.
const CHART_DAYS: i64 = 30;
/// The largest cap, in messages or ten-thousandths of a yuan.
const MAX_CAP: i64 = 1_000_000_000_000;

/// Which budget the chart shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ShownQuery {
    budget: String,
}

/// The form, as typed.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct BudgetFields {
    /// The id of a user, or empty for the project.
    user: String,
    period: String,
    unit: String,
    cap: String,
    /// `hard` or `soft`.
    kind: String,
    /// The id of a budget to delete.
    remove: Option<String>,
}

/// A budget in the list.
struct Row {
    id: BudgetId,
    href: String,
    label: String,
    used: String,
    cap: String,
    percent: i64,
    hard: bool,
    used_up: String,
}

#[derive(Template)]
#[template(path = "pages/settings/budgets.html")]
struct BudgetsPage {
    l: Layout,
    rows: Vec<Row>,
    chart: Option<(String, Bars)>,
    /// The members: ids and names.
    members: Vec<(String, String)>,
    fields: BudgetFields,
    wrong: Vec<&'static str>,
}

impl BudgetsPage {
    async fn new(
        app: &App,
        member: &Member,
        request: &HttpRequest,
        shown: &str,
    ) -> Result<Self, WebError> {
        let l = Layout::in_project(member, app, request, Section::Settings).await?;
        let (project, now) = (member.project.id, app.clock.now());
        let today = period::day_of(now);
        let query = Query { project, user: None, day: today, without: None };
        let all = rows::read(&mut *app.db.acquire().await?, query).await?;
        let chosen = all.iter().find(|budget| budget.id.to_string() == shown).or(all.first());
        let chart = match chosen {
            Some(budget) => Some((label(l.texts, budget), chart(app, member, &l, budget).await?)),
            None => None,
        };
        let row = |budget: &Budget| Row {
            id: budget.id,
            href: crate::web::http::urls::with_query(
                &l.urls.budgets(),
                &[("budget", &budget.id.to_string())],
            ),
            label: label(l.texts, budget),
            used: amount(l.texts, budget.unit, budget.used),
            cap: amount(l.texts, budget.unit, budget.cap),
            percent: budget.percent(),
            hard: budget.hard,
            used_up: match budget.used_up_at(now) {
                _ if budget.used >= budget.cap => l.t("budgets-used-up"),
                Some(at) => l.time(at),
                None => l.t("budgets-not-used-up"),
            },
        };
        let members = projects::members(&app.db, project).await?;
        Ok(Self {
            rows: all.iter().map(row).collect(),
            chart,
            members: members.into_iter().map(|one| (one.id.to_string(), one.name)).collect(),
            fields: BudgetFields::default(),
            wrong: Vec::new(),
            l,
        })
    }

    fn is_wrong(&self, field: &str) -> bool {
        self.wrong.contains(&field)
    }
}

/// Returns the chart of a budget: the use of each of the last days against the cap, or the use of a month up
/// to each of its days.
async fn chart(app: &App, member: &Member, l: &Layout, budget: &Budget) -> Result<Bars, WebError> {
    let today = period::day_of(app.clock.now());
    let (since, until) = match budget.period {
        BudgetPeriod::Day => (today - Duration::days(CHART_DAYS - 1), today + Duration::DAY),
        BudgetPeriod::Month => {
            (budget.period.first_day(today), budget.period.next_first_day(today))
        }
    };
    let used = rows::by_day(&app.db, member.project.id, budget, since, until).await?;
    let mut total = 0;
    let mut points = Vec::new();
    let mut day = since;
    while day < until {
        let of_day = used.iter().find(|(one, _)| *one == day).map_or(0, |(_, used)| *used);
        total = match budget.period {
            BudgetPeriod::Day => of_day,
            BudgetPeriod::Month => total + of_day,
        };
        points.push(point(l, budget, day, total));
        day += Duration::DAY;
    }
    let scale = |n: i64| match budget.unit {
        BudgetUnit::Messages => l.n(n),
        BudgetUnit::Yuan => amount(l.texts, budget.unit, n),
    };
    Ok(Bars::new(l.t("budgets-chart"), &points, scale))
}

fn point(l: &Layout, budget: &Budget, day: Date, used: i64) -> Point {
    let cap = amount(l.texts, budget.unit, budget.cap);
    Point {
        name: format!("{}-{}", u8::from(day.month()), day.day()),
        title: format!("{day} · {}", amount(l.texts, budget.unit, used)),
        detail: l.with("budgets-of-cap", &[("cap", cap.into())]),
        segments: vec![(if used > budget.cap { "failed" } else { "submitted" }, used)],
        before: budget.cap,
    }
}

impl BudgetFields {
    /// Returns the budget, or the fields that are wrong.
    fn read(&self, members: &[(String, String)]) -> Result<NewBudget, Vec<&'static str>> {
        let mut wrong = Vec::new();
        let is_member = members.iter().any(|(id, _)| *id == self.user);
        if !self.user.is_empty() && !is_member {
            wrong.push("user");
        }
        let period = self.period.parse().ok();
        let unit: Option<BudgetUnit> = self.unit.parse().ok();
        let cap = match unit {
            Some(BudgetUnit::Yuan) => whole_yuan(&self.cap),
            Some(BudgetUnit::Messages) | None => self.cap.trim().replace(',', "").parse().ok(),
        };
        let cap = cap.filter(|cap| (1..=MAX_CAP).contains(cap));
        for (is_read, field) in
            [(period.is_some(), "period"), (unit.is_some(), "unit"), (cap.is_some(), "cap")]
        {
            if !is_read {
                wrong.push(field);
            }
        }
        match (period, unit, cap) {
            (Some(period), Some(unit), Some(cap)) if wrong.is_empty() => Ok(NewBudget {
                user: self.user.parse().ok(),
                period,
                unit,
                cap,
                hard: self.kind != "soft",
            }),
            _ => Err(wrong),
        }
    }
}

/// Reads an amount in yuan, as ten-thousandths of it.
fn whole_yuan(typed: &str) -> Option<i64> {
    let typed = typed.trim().trim_start_matches('¥').replace(',', "");
    let (whole, rest) = typed.split_once('.').unwrap_or((&typed, ""));
    let cents = parse_yuan(&format!("0.{rest}0"))?;
    let whole: i64 = whole.parse().ok().filter(|whole| *whole >= 0)?;
    whole.checked_mul(10_000)?.checked_add(i64::from(cents))
}

/// `/settings/budgets`: the list and the chart of one.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    query: web::Query<ShownQuery>,
) -> Result<HttpResponse, WebError> {
    page::ok(&BudgetsPage::new(&app, &member, &request, &query.budget).await?)
}

/// Saves or deletes a budget.
pub async fn change(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<BudgetFields>,
) -> Result<HttpResponse, WebError> {
    let (fields, ip) = (form.into_inner(), peer_ip(&request));
    let actor = Actor { project: member.project.id, user: member.person.id, ip: &ip };
    let href = member.urls().budgets();
    if let Some(budget) = &fields.remove {
        let budget = budget.parse().map_err(|_| WebError::NotFound)?;
        budgets::delete(&app, actor, budget).await?;
        return Ok(redirect_with_flash(&request, &member, "budgets-removed", &href));
    }
    let page = BudgetsPage::new(&app, &member, &request, "").await?;
    match fields.read(&page.members) {
        Ok(new) => {
            budgets::save(&app, actor, &new).await?;
            Ok(redirect_with_flash(&request, &member, "settings-saved", &href))
        }
        Err(wrong) => page::unprocessable(&BudgetsPage { fields, wrong, ..page }),
    }
}
