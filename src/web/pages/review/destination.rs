//! Where a signature or template may be sent, on its page: UCloud does not say it, a person does.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::Kind;
use crate::app::App;
use crate::db::review::destinations;
use crate::db::review::reviewed::Row;
use crate::domain::accounts::role::Permission;
use crate::ops::actor::Actor;
use crate::ops::review::destination::{self, Changed};
use crate::web::http::error::WebError;
use crate::web::http::flash;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::ui::proposed_destination::is_proposed;

/// The destination of a signature or template.
#[derive(Debug)]
pub struct Destination {
    /// Whether it is for international phones.
    pub international: bool,
    /// Whether that was only proposed when it was imported, and nobody has confirmed it.
    pub proposed: bool,
    /// Whether it can be changed by whoever views the page.
    pub can_change: bool,
    /// The URL that changes it.
    pub action: String,
}

impl Destination {
    /// Domestic and international, as [`Destination::international`].
    pub const BOTH: [bool; 2] = [false, true];

    /// Loads whether a destination can be changed.
    pub async fn load(
        app: &App,
        member: &Member,
        row: Row,
        vendor_id: &str,
        international: bool,
    ) -> Result<Self, WebError> {
        let may_change = member.may(Permission::Send);
        Ok(Self {
            international,
            proposed: is_proposed(app, row).await?,
            can_change: may_change && !destinations::is_in_use(&app.db, row).await?,
            action: member.urls().reviewed_part(row.subject(), vendor_id, "destination"),
        })
    }
}

/// The form of [`change`].
#[derive(Debug, Deserialize)]
pub struct DestinationForm {
    international: bool,
}

/// Changes the destination, and redirects to the page.
pub async fn change(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
    path: web::Path<(String, String)>,
    form: Form<DestinationForm>,
) -> Result<HttpResponse, WebError> {
    let (vendor_id, international) = (&path.1, form.into_inner().international);
    let ip = peer_ip(&request);
    let actor = Actor { project: member.project.id, user: member.person.id, ip: &ip };
    let changed = destination::change(&app, subject, vendor_id, international, actor).await?;
    let texts = member.texts(&request);
    match changed {
        Some(Changed::Done) => {
            let key = if international { "send-international" } else { "review-domestic" };
            let said = texts.with("destination-changed", &[("to", texts.t(key).into())]);
            flash::say(&request, &said);
        }
        Some(Changed::InUse) => flash::warn(&request, &texts.t("destination-in-use")),
        None => return Err(WebError::NotFound),
    }
    Ok(page::see_other(&member.urls().reviewed(subject, vendor_id)))
}
