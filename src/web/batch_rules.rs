//! `/settings/batches`: what a part costs, when a second person decides, and when failures stop a
//! batch; for administrators.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::applications::said;
use super::error::WebError;
use super::form::{Form, peer_address};
use super::layout::{Layout, Section};
use super::member::Member;
use super::page;
use crate::app::App;
use crate::db::projects::{self, Policy};
use crate::ops::projects as project_ops;

/// What the form posts, as it was typed.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Fields {
    price_domestic: String,
    price_international: String,
    approval_over: String,
    failure_percent: String,
    failure_least: String,
}

#[derive(Template)]
#[template(path = "settings/batch_rules.html")]
struct BatchRulesPage {
    l: Layout,
    fields: Fields,
    wrong: Vec<&'static str>,
}

impl BatchRulesPage {
    fn is_wrong(&self, field: &str) -> bool {
        self.wrong.contains(&field)
    }
}

impl Fields {
    fn of(policy: &Policy) -> Self {
        let price = |price: Option<i32>| {
            price.map(|price| format!("{:.4}", f64::from(price) / 10_000.0)).unwrap_or_default()
        };
        Self {
            price_domestic: price(policy.price_domestic),
            price_international: price(policy.price_international),
            approval_over: policy.approval_over.map(|n| n.to_string()).unwrap_or_default(),
            failure_percent: policy.failure_percent.to_string(),
            failure_least: policy.failure_least.to_string(),
        }
    }

    /// What was typed, or the fields that are wrong.
    fn read(&self) -> Result<Policy, Vec<&'static str>> {
        let mut wrong = Vec::new();
        let policy = Policy {
            price_domestic: note(price(&self.price_domestic), "price_domestic", &mut wrong),
            price_international: note(
                price(&self.price_international),
                "price_international",
                &mut wrong,
            ),
            approval_over: note(optional(&self.approval_over), "approval_over", &mut wrong),
            failure_percent: note(
                within(&self.failure_percent, 1, 100),
                "failure_percent",
                &mut wrong,
            ),
            failure_least: note(
                within(&self.failure_least, 1, 1_000_000),
                "failure_least",
                &mut wrong,
            ),
        };
        if wrong.is_empty() { Ok(policy) } else { Err(wrong) }
    }
}

fn note<T: Default>(read: Option<T>, field: &'static str, wrong: &mut Vec<&'static str>) -> T {
    read.unwrap_or_else(|| {
        wrong.push(field);
        T::default()
    })
}

/// A price in yuan, in ten-thousandths. Nothing typed is no price.
fn price(typed: &str) -> Option<Option<i32>> {
    let typed = typed.trim().trim_start_matches(['¥', '￥']);
    if typed.is_empty() {
        return Some(None);
    }
    let yuan: f64 = typed.parse().ok().filter(|yuan| (0.0..=100.0).contains(yuan))?;
    #[allow(clippy::cast_possible_truncation)]
    Some(Some((yuan * 10_000.0).round() as i32))
}

fn optional(typed: &str) -> Option<Option<i32>> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Some(None);
    }
    typed.parse().ok().filter(|n| *n >= 0).map(Some)
}

fn within<T: std::str::FromStr + PartialOrd>(typed: &str, least: T, most: T) -> Option<T> {
    typed.trim().parse().ok().filter(|n| (least..=most).contains(n))
}

/// The form.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let policy = projects::policy(&mut *app.db.acquire().await?, member.project.id).await?;
    let l = member.layout(&app, &request, Section::Settings).await?;
    page::ok(&BatchRulesPage { l, fields: Fields::of(&policy), wrong: Vec::new() })
}

/// Keeps it.
pub async fn save(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<Fields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let policy = match fields.read() {
        Ok(policy) => policy,
        Err(wrong) => {
            let l = member.layout(&app, &request, Section::Settings).await?;
            return page::unprocessable(&BatchRulesPage { l, fields, wrong });
        }
    };
    let (project, by) = (member.project.id, member.person.id);
    project_ops::keep_policy(&app, project, &policy, by, &peer_address(&request)).await?;
    Ok(said(&request, &member, "settings-saved", &member.urls().policy()))
}
