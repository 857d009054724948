//! `/settings/batches`: the price of a part, the size from which a batch needs approval, and the
//! failure rate that pauses a batch; for administrators.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::app::App;
use crate::db::projects::{self, BatchRules};
use crate::domain::sending::price::{parse_amount, parse_yuan};
use crate::ops::actor::Actor;
use crate::ops::projects as project_ops;
use crate::ops::sending::prices::{self, PlainPrices};
use crate::web::http::error::WebError;
use crate::web::http::flash::redirect_with_flash;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::ui::figures::costs::four_decimals;
use crate::web::ui::layout::{Layout, Section};

/// The form, as typed.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct BatchRulesFields {
    price_domestic: String,
    price_international: String,
    /// The prices that the form showed: what a person left as it was is not saved.
    shown_domestic: Option<String>,
    shown_international: Option<String>,
    approval_over: String,
    approval_over_cost: String,
    failure_percent: String,
    failure_least: String,
}

#[derive(Template)]
#[template(path = "pages/settings/batch_rules.html")]
struct BatchRulesPage {
    l: Layout,
    fields: BatchRulesFields,
    wrong: Vec<&'static str>,
}

impl BatchRulesPage {
    fn is_wrong(&self, field: &str) -> bool {
        self.wrong.contains(&field)
    }
}

impl BatchRulesFields {
    fn of(policy: &BatchRules, plain: PlainPrices) -> Self {
        let price = |price: Option<i32>| price.map(four_decimals).unwrap_or_default();
        Self {
            price_domestic: price(plain.domestic),
            price_international: price(plain.international),
            shown_domestic: Some(price(plain.domestic)),
            shown_international: Some(price(plain.international)),
            approval_over: policy.approval_over.map(|n| n.to_string()).unwrap_or_default(),
            approval_over_cost: policy.approval_over_cost.map(two_decimals).unwrap_or_default(),
            failure_percent: policy.failure_percent.to_string(),
            failure_least: policy.failure_least.to_string(),
        }
    }

    /// Returns the rules and the prices, or the names of the fields that are invalid.
    fn read(&self) -> Result<(BatchRules, PlainPrices), Vec<&'static str>> {
        let mut wrong = Vec::new();
        let plain = PlainPrices {
            domestic: value_or_note(price(&self.price_domestic), "price_domestic", &mut wrong),
            international: value_or_note(
                price(&self.price_international),
                "price_international",
                &mut wrong,
            ),
        };
        let policy = BatchRules {
            approval_over: value_or_note(
                optional(&self.approval_over),
                "approval_over",
                &mut wrong,
            ),
            approval_over_cost: value_or_note(
                amount(&self.approval_over_cost),
                "approval_over_cost",
                &mut wrong,
            ),
            failure_percent: value_or_note(
                within(&self.failure_percent, 1, 100),
                "failure_percent",
                &mut wrong,
            ),
            failure_least: value_or_note(
                within(&self.failure_least, 1, 1_000_000),
                "failure_least",
                &mut wrong,
            ),
        };
        if wrong.is_empty() { Ok((policy, plain)) } else { Err(wrong) }
    }
}

fn value_or_note<T: Default>(
    value: Option<T>,
    field: &'static str,
    wrong: &mut Vec<&'static str>,
) -> T {
    value.unwrap_or_else(|| {
        wrong.push(field);
        T::default()
    })
}

/// Reads a price typed in yuan, as ten-thousandths of a yuan. An empty field means no price.
fn price(typed: &str) -> Option<Option<i32>> {
    if typed.trim().is_empty() { Some(None) } else { parse_yuan(typed).map(Some) }
}

/// Reads an amount typed in yuan. An empty field means none.
fn amount(typed: &str) -> Option<Option<i64>> {
    if typed.trim().is_empty() { Some(None) } else { parse_amount(typed).map(Some) }
}

/// Formats ten-thousandths of a yuan as an amount that can be typed.
fn two_decimals(amount: i64) -> String {
    format!("{}.{:02}", amount / 10_000, amount % 10_000 / 100)
}

fn optional(typed: &str) -> Option<Option<i32>> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Some(None);
    }
    typed.parse().ok().filter(|n| *n >= 0).map(Some)
}

fn within<T: std::str::FromStr + PartialOrd>(typed: &str, min: T, max: T) -> Option<T> {
    typed.trim().parse().ok().filter(|n| (min..=max).contains(n))
}

/// `/settings/batches`: the form.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let policy = projects::policy(&mut *app.db.acquire().await?, member.project.id).await?;
    let plain = PlainPrices::of(&prices::today(&app, member.project.id).await?);
    let l = Layout::in_project(&member, &app, &request, Section::Settings).await?;
    page::ok(&BatchRulesPage { l, fields: BatchRulesFields::of(&policy, plain), wrong: Vec::new() })
}

/// Saves the rules.
pub async fn save(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<BatchRulesFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let (policy, mut plain) = match fields.read() {
        Ok(read) => read,
        Err(wrong) => {
            let l = Layout::in_project(&member, &app, &request, Section::Settings).await?;
            return page::unprocessable(&BatchRulesPage { l, fields, wrong });
        }
    };
    let valid = PlainPrices::of(&prices::today(&app, member.project.id).await?);
    if fields.shown_domestic.as_ref() == Some(&fields.price_domestic) {
        plain.domestic = valid.domestic;
    }
    if fields.shown_international.as_ref() == Some(&fields.price_international) {
        plain.international = valid.international;
    }
    let ip = peer_ip(&request);
    let actor = Actor { project: member.project.id, user: member.person.id, ip: &ip };
    project_ops::save_batch_rules(&app, actor, &policy, plain).await?;
    Ok(redirect_with_flash(&request, &member, "settings-saved", &member.urls().batch_rules()))
}
