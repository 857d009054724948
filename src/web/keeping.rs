//! `/settings/keeping`: for how long messages are kept, and phones and texts in them; for
//! administrators.

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
use crate::db::keeping::{self, Keeping};
use crate::db::kept::{self, Left};
use crate::domain::ids::{Id, SubmissionId};
use crate::domain::span::day_of;
use crate::ops::retain;

const MOST_MONTHS: i16 = 120;
/// Receipts come for 72 hours; a week leaves time to look into what went wrong.
const LEAST_DAYS: i16 = 7;
const MOST_DAYS: i16 = 3_650;

/// What the form posts, as it was typed.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Fields {
    keep_months: String,
    blank_days: String,
    confirm: Option<String>,
}

#[derive(Template)]
#[template(path = "settings/keeping.html")]
struct KeepingPage {
    l: Layout,
    fields: Fields,
    wrong: Vec<&'static str>,
    /// What is typed keeps less than before: that is asked about.
    asks: bool,
    left: Left,
}

impl KeepingPage {
    /// What is left, in words, with the list of messages where there is one.
    fn facts(&self) -> Vec<(&'static str, String, Option<String>)> {
        let day = |id: SubmissionId| day_of(id.made_at()).to_string();
        let said = |key: &str, from: String, to: String| {
            self.l.with(key, &[("from", from.into()), ("to", to.into())])
        };
        let Left { gone_to, blanked_from, blanked_to, whole_from } = self.left;
        let gone = gone_to.map(|to| ("gone", said("keeping-until", String::new(), day(to)), None));
        let blanked = blanked_from.zip(blanked_to).map(|(from, to)| {
            let (from, to) = (day(from), day(to));
            let list = self.l.urls.messages_where(&[("from", &from), ("to", &to)]);
            ("blanked", said("keeping-between", from, to), Some(list))
        });
        let whole = whole_from.map(|from| {
            let list = self.l.urls.messages_with("from", day(from));
            ("whole", said("keeping-since", day(from), String::new()), Some(list))
        });
        [gone, blanked, whole].into_iter().flatten().collect()
    }

    fn is_wrong(&self, field: &str) -> bool {
        self.wrong.contains(&field)
    }
}

impl Fields {
    fn of(wish: Keeping) -> Self {
        let typed = |n: Option<i16>| n.map(|n| n.to_string()).unwrap_or_default();
        Self {
            keep_months: typed(wish.keep_months),
            blank_days: typed(wish.blank_days),
            confirm: None,
        }
    }

    /// What was typed, or the fields that are wrong.
    fn read(&self) -> Result<Keeping, Vec<&'static str>> {
        let keep_months = within(&self.keep_months, 1, MOST_MONTHS);
        let blank_days = within(&self.blank_days, LEAST_DAYS, MOST_DAYS);
        match (keep_months, blank_days) {
            (Some(keep_months), Some(blank_days)) => Ok(Keeping { keep_months, blank_days }),
            (months, days) => {
                let wrong = [("keep_months", months.is_none()), ("blank_days", days.is_none())];
                Err(wrong.into_iter().filter(|(_, wrong)| *wrong).map(|(name, _)| name).collect())
            }
        }
    }
}

/// A number within its limits; nothing typed is for ever.
fn within(typed: &str, least: i16, most: i16) -> Option<Option<i16>> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Some(None);
    }
    typed.parse().ok().filter(|n| (least..=most).contains(n)).map(Some)
}

/// The form.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let mut db = app.db.acquire().await?;
    let wish = keeping::of(&mut db, member.project.id).await?;
    let left = kept::left(&mut db, member.project.id).await?;
    let l = member.layout(&app, &request, Section::Settings).await?;
    page::ok(&KeepingPage { l, fields: Fields::of(wish), wrong: Vec::new(), asks: false, left })
}

/// Keeps it. To keep less than before needs a second yes: what is removed does not come back.
pub async fn keep(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<Fields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let (project, by) = (member.project.id, member.person.id);
    let wish = fields.read();
    let before = keeping::of(&mut *app.db.acquire().await?, project).await?;
    let asks = wish.as_ref().is_ok_and(|wish| retain::keeps_less(before, *wish));
    match wish {
        Ok(wish) if !asks || fields.confirm.is_some() => {
            retain::keep_wishes(&app, project, wish, by, &peer_address(&request)).await?;
            Ok(said(&request, &member, "settings-kept", &member.urls().keeping()))
        }
        wish => {
            let wrong = wish.err().unwrap_or_default();
            let l = member.layout(&app, &request, Section::Settings).await?;
            let left = kept::left(&mut *app.db.acquire().await?, project).await?;
            page::unprocessable(&KeepingPage { l, fields, wrong, asks, left })
        }
    }
}
