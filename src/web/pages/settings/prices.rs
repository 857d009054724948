//! `/settings/prices`: the prices of a part by purpose at home and by country abroad, entered one by
//! one or imported; for administrators.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::Date;

use crate::app::App;
use crate::db::sending::prices::{self, ListedPrice};
use crate::domain::period;
use crate::domain::review::file::MAX_BYTES;
use crate::domain::sending::price::PriceKind;
use crate::ops::actor::Actor;
use crate::ops::sending::prices as price_ops;
use crate::web::http::error::WebError;
use crate::web::http::flash::redirect_with_flash;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::upload::Upload;
use crate::web::http::{flash, page};
use crate::web::ui::countries;
use crate::web::ui::figures::costs::four_decimals;
use crate::web::ui::files::csv::{attachment, examples, headed};
use crate::web::ui::layout::{Layout, Section};

pub mod price_file;

use price_file::{COLUMNS, RowProblem, WrongRow};

/// The day of the list that the examples are taken from (USMS manual, price/3003).
const EXAMPLES_OF: &str = "2025-06-18";
/// Examples of prices at home, for fewer than 10,000 messages.
const EXAMPLES: [(PriceKind, &str); 2] =
    [(PriceKind::Notice, "0.050"), (PriceKind::Marketing, "0.055")];

/// The form of a price, as typed.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct PriceFields {
    kind: String,
    country: String,
    price: String,
    valid_from: String,
}

/// A price in the list.
struct PriceLine {
    kind: PriceKind,
    country_code: String,
    country: String,
    price: String,
    valid_from: Date,
    /// The key of whether it is valid: already, not any more, or not yet.
    state: &'static str,
    /// Whether it is a sample of the demo.
    sample: bool,
}

#[derive(Template)]
#[template(path = "pages/settings/prices.html")]
struct PricesPage {
    l: Layout,
    lines: Vec<PriceLine>,
    fields: PriceFields,
    /// The countries that can be chosen by name.
    names: Vec<String>,
    /// What is wrong with the form.
    problem: Option<RowProblem>,
    /// What is wrong with the file.
    wrong: Vec<WrongRow>,
}

impl PricesPage {
    /// Returns the name of a kind. The price of notices is also that of verification codes, unless
    /// these have their own.
    fn kind_name(&self, kind: &PriceKind) -> String {
        let has_own = self.lines.iter().any(|line| line.kind == PriceKind::Verification);
        match kind {
            PriceKind::Notice if has_own => self.l.t("prices-kind-notice-alone"),
            kind => self.l.t(&format!("prices-kind-{}", kind.key())),
        }
    }

    fn error(&self, field: &str) -> Option<&'static str> {
        let key = self.problem?.text_key();
        key.ends_with(field).then_some(key)
    }
}

/// `/settings/prices`: all prices, and the forms to add some.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let today = period::day_of(app.clock.now());
    // The first price holds for what was sent without one.
    let mut db = app.db.acquire().await?;
    let first = prices::first_day(&mut db, member.project.id, PriceKind::Notice, today).await?;
    drop(db);
    let fields = PriceFields { valid_from: first.to_string(), ..PriceFields::default() };
    page::ok(&draw(&app, &member, &request, fields).await?)
}

async fn draw(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    fields: PriceFields,
) -> Result<PricesPage, WebError> {
    let l = Layout::in_project(member, app, request, Section::Settings).await?;
    let all = prices::all(&app.db, member.project.id).await?;
    let lines = lines_of(&l, all, period::day_of(app.clock.now()));
    let names = countries::NAMED.map(|code| l.texts.country(code)).to_vec();
    Ok(PricesPage { lines, fields, names, problem: None, wrong: Vec::new(), l })
}

/// Returns the lines of prices of which the newest of each kind and country comes first.
fn lines_of(l: &Layout, all: Vec<ListedPrice>, today: Date) -> Vec<PriceLine> {
    let mut valid: Option<(PriceKind, String)> = None;
    let line = |ListedPrice { price, sample }: ListedPrice| {
        let of = (price.kind, price.country);
        let state = if price.valid_from > today {
            "prices-later"
        } else if valid.as_ref() == Some(&of) {
            "prices-replaced"
        } else {
            valid = Some(of.clone());
            "prices-valid"
        };
        let (kind, code) = of;
        PriceLine {
            kind,
            country: match (kind, code.as_str()) {
                (PriceKind::International, "") => l.t("prices-other-countries"),
                (PriceKind::International, code) => l.texts.country(code),
                (PriceKind::Notice | PriceKind::Verification | PriceKind::Marketing, _) => {
                    l.t("country-86")
                }
            },
            country_code: code,
            price: price
                .price
                .map_or_else(|| "—".to_owned(), |price| format!("¥{}", four_decimals(price))),
            valid_from: price.valid_from,
            state,
            sample,
        }
    };
    all.into_iter().map(line).collect()
}

/// Adds a price. One of the same kind, country and day is replaced.
pub async fn add(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<PriceFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let PriceFields { kind, country, price, valid_from } = &fields;
    match price_file::read_price(kind, country, price, valid_from) {
        Ok(price) => {
            let ip = peer_ip(&request);
            price_ops::save(&app, actor(&member, &ip), &[price]).await?;
            Ok(redirect_with_flash(&request, &member, "settings-saved", &member.urls().prices()))
        }
        Err(problem) => {
            let drawn = draw(&app, &member, &request, fields).await?;
            page::unprocessable(&PricesPage { problem: Some(problem), ..drawn })
        }
    }
}

/// Imports a file of prices: all of its rows or, if one is wrong, none.
pub async fn import(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Upload<PriceFields>,
) -> Result<HttpResponse, WebError> {
    let (_, files) = form.into_inner();
    let file = files.into_iter().find(|file| file.field == "prices");
    let content = file.map(|file| file.content).unwrap_or_default();
    if content.len() > MAX_BYTES {
        return Err(WebError::TooLarge);
    }
    match price_file::read(&content) {
        Ok(list) => {
            let ip = peer_ip(&request);
            price_ops::save(&app, actor(&member, &ip), &list).await?;
            let texts = member.texts(&request);
            let count = [("count", list.len().into())];
            flash::say(&request, &texts.with("prices-imported", &count));
            Ok(page::see_other(&member.urls().prices()))
        }
        Err(wrong) => {
            let today = period::day_of(app.clock.now()).to_string();
            let fields = PriceFields { valid_from: today, ..PriceFields::default() };
            let drawn = draw(&app, &member, &request, fields).await?;
            page::unprocessable(&PricesPage { wrong, ..drawn })
        }
    }
}

/// Deletes a price. Batches that were ordered at it keep it.
pub async fn delete(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<PriceFields>,
) -> Result<HttpResponse, WebError> {
    let PriceFields { kind, country, valid_from, .. } = form.into_inner();
    // Which price it is does not depend on the amount.
    let price = price_file::read_price(&kind, &country, "0", &valid_from)
        .map_err(|_| WebError::BadRequest)?;
    let ip = peer_ip(&request);
    price_ops::delete(&app, actor(&member, &ip), &price).await?;
    Ok(redirect_with_flash(&request, &member, "prices-deleted", &member.urls().prices()))
}

/// `/settings/prices/sample.csv`: a file to fill in. Its rows are examples, and refused as long as
/// they are marked so.
pub async fn sample(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let texts = member.texts(&request);
    let today = period::day_of(app.clock.now()).to_string();
    let note = texts.with("prices-example", &[("day", EXAMPLES_OF.into())]);
    let home = EXAMPLES.map(|(kind, price)| {
        vec![kind.key().to_owned(), String::new(), price.to_owned(), today.clone(), note.clone()]
    });
    let abroad = ["60", ""].map(|country| {
        let kind = PriceKind::International.key().to_owned();
        let note = texts.t("prices-example-abroad");
        vec![kind, country.to_owned(), String::new(), today.clone(), note]
    });
    let mut file = headed(COLUMNS.map(str::to_owned).to_vec());
    file.extend(examples(home.into_iter().chain(abroad)));
    Ok(attachment("prices.csv").body(file))
}

fn actor<'a>(member: &Member, ip: &'a str) -> Actor<'a> {
    Actor { project: member.project.id, user: member.person.id, ip }
}
