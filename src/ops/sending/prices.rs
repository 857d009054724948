//! Changing the prices of a project. Batches keep the prices at which they were ordered.

use serde_json::json;
use sqlx::PgConnection;
use time::Date;

use crate::app::App;
use crate::db::audit;
use crate::db::sending::prices::{self, ListedPrice};
use crate::domain::ids::ProjectId;
use crate::domain::period;
use crate::domain::sending::price::{Price, PriceKind, PriceList};
use crate::ops::actor::Actor;

/// One price at home and one abroad, in ten-thousandths of a yuan: what a form that knows no others
/// shows and saves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainPrices {
    /// The price for every purpose at home.
    pub domestic: Option<i32>,
    /// The price for every country without its own.
    pub international: Option<i32>,
}

impl PlainPrices {
    /// Returns them as a list has them; the one at home is that of notices.
    pub fn of(list: &PriceList) -> Self {
        Self {
            domestic: list.price(PriceKind::Notice, ""),
            international: list.price(PriceKind::International, ""),
        }
    }
}

/// Returns the prices of a project that are valid today.
pub async fn today(app: &App, project: ProjectId) -> sqlx::Result<PriceList> {
    prices::on(&app.db, project, period::day_of(app.clock.now())).await
}

/// Saves prices: all, or none if the database fails.
pub async fn save(app: &App, actor: Actor<'_>, list: &[Price]) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    let before = prices::all(&mut *tx, actor.project).await?;
    prices::upsert(&mut tx, actor.project, list, false).await?;
    record(&mut tx, app, actor, "prices_saved", list, &before).await?;
    tx.commit().await
}

/// Deletes a price. Returns whether it was there.
pub async fn delete(app: &App, actor: Actor<'_>, price: &Price) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    let (kind, country) = (price.kind, price.country.as_str());
    let deleted = prices::delete(&mut tx, actor.project, kind, country, price.valid_from).await?;
    if deleted {
        record(&mut tx, app, actor, "price_deleted", std::slice::from_ref(price), &[]).await?;
        tx.commit().await?;
    }
    Ok(deleted)
}

/// Saves the prices that differ from today's, from today on. The first of a kind also holds for
/// what was sent before.
pub(in crate::ops) async fn save_plain(
    db: &mut PgConnection,
    app: &App,
    actor: Actor<'_>,
    plain: PlainPrices,
) -> sqlx::Result<()> {
    let today = period::day_of(app.clock.now());
    let valid = prices::on(&mut *db, actor.project, today).await?;
    let (now, marketing) = (PlainPrices::of(&valid), valid.price(PriceKind::Marketing, ""));
    let mut changed = Vec::new();
    if now.domestic != plain.domestic {
        changed.push((PriceKind::Notice, plain.domestic));
        // Marketing and verification codes may have prices of their own, which the form does not show.
        if marketing.is_none() || marketing == now.domestic {
            changed.push((PriceKind::Marketing, plain.domestic));
        }
    }
    if now.international != plain.international {
        changed.push((PriceKind::International, plain.international));
    }
    let mut list = Vec::new();
    for (kind, price) in changed {
        let valid_from: Date = prices::first_day(db, actor.project, kind, today).await?;
        list.push(Price { kind, country: String::new(), valid_from, price });
    }
    if list.is_empty() {
        return Ok(());
    }
    let before = prices::all(&mut *db, actor.project).await?;
    prices::upsert(db, actor.project, &list, false).await?;
    record(db, app, actor, "prices_saved", &list, &before).await
}

/// Audits prices, each with the one that was valid from the same day before, if it was another.
async fn record(
    db: &mut PgConnection,
    app: &App,
    actor: Actor<'_>,
    action: &str,
    list: &[Price],
    before: &[ListedPrice],
) -> sqlx::Result<()> {
    let named = |price: &Price| {
        let is_it = |one: &&ListedPrice| {
            let one = &one.price;
            (one.kind, &one.country, one.valid_from)
                == (price.kind, &price.country, price.valid_from)
        };
        let before = before.iter().find(is_it).and_then(|one| one.price.price);
        let mut named = json!({ "kind": price.kind.key(), "country": price.country,
            "price": price.price, "valid_from": price.valid_from.to_string() });
        if before != price.price && before.is_some() {
            named["before"] = json!(before);
        }
        named
    };
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action,
        subject: "",
        detail: json!({ "prices": list.iter().map(named).collect::<Vec<_>>() }),
        ip: actor.ip,
    };
    audit::record(db, &entry, app.clock.now()).await
}
