//! `/sending`: whether messages are sent at all. Stops everything in one press, says what happened when
//! the database went back in time, and asks what only a person can know.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::Duration;

use crate::app::App;
use crate::db::recovery::recoveries::{self, Cause, HeldBatch, Recovery, RecoveryEnd};
use crate::db::recovery::remembered_actions::{self, LostAction};
use crate::db::sending::sending_stops::{self, SendingStop};
use crate::domain::accounts::role::Permission;
use crate::domain::ids::BatchId;
use crate::ops::recovery::{self, Adopted};
use crate::ops::sending::sending_stops as stop_ops;
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::urls::Urls;
use crate::web::http::{flash, page};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::Moment;

/// For so long a recovery that has ended is shown.
const SHOWN_FOR: Duration = Duration::days(30);
/// The most lost actions that are shown.
const MAX_LOST: i64 = 200;

#[derive(Template)]
#[template(path = "pages/sending.html")]
struct SendingPage {
    l: Layout,
    stops: Vec<SendingStop>,
    under_way: i64,
    recovery: Option<Recovery>,
    held: Vec<HeldBatch>,
    /// What people did in the lost time.
    lost: Vec<LostAction>,
    may_stop: bool,
    may_resume: bool,
    may_manage: bool,
    is_owner: bool,
}

impl SendingPage {
    fn is_stopped(&self, is_global: bool) -> bool {
        self.stops.iter().any(|stop| stop.is_global == is_global)
    }

    /// Returns the recovery that has not ended.
    fn open(&self) -> Option<&Recovery> {
        self.recovery.as_ref().filter(|recovery| recovery.ended_at.is_none())
    }

    /// Returns the last recovery that has ended.
    fn ended(&self) -> Option<&Recovery> {
        self.recovery.as_ref().filter(|recovery| recovery.ended_at.is_some())
    }

    /// Returns the name of how a recovery ended, for text keys.
    fn end_key(&self, recovery: &Recovery) -> &'static str {
        match recovery.ended_as {
            Some(RecoveryEnd::Repaired) => "repaired",
            Some(RecoveryEnd::Held | RecoveryEnd::Adopted) | None => "held",
        }
    }

    /// Returns the text key of when the last sign of life was. Only of some it is known that something
    /// was lost.
    fn since_key(&self, recovery: &Recovery) -> &'static str {
        match (recovery.cause, recovery.ended_as) {
            (Cause::Silent, _) => "sending-silent-since",
            (_, Some(RecoveryEnd::Repaired)) => "sending-noticed",
            (Cause::Promoted | Cause::Copied | Cause::RolledBack, _) => "sending-went-back-to",
        }
    }

    /// Returns how many messages may have been sent in the lost time.
    fn messages(&self) -> i64 {
        self.held.iter().map(|batch| batch.messages).sum()
    }

    /// Returns what an action was, in words.
    fn action_text(&self, lost: &LostAction) -> String {
        let key = format!("lost-action-{}", lost.action);
        self.l.texts.try_t(&key).unwrap_or_else(|| {
            self.l.with("lost-action-other", &[("action", lost.action.as_str().into())])
        })
    }

    /// Returns when an action was done.
    fn lost_at(&self, lost: &LostAction) -> Moment {
        self.l.moment(lost.at)
    }

    /// Returns the page of the batch that an action was done to.
    fn subject_url(&self, lost: &LostAction) -> Option<String> {
        Some(self.l.urls.batch(lost.subject.parse::<BatchId>().ok()?))
    }

    fn batch_url(&self, batch: &HeldBatch) -> String {
        Urls::of(&batch.project).batch(batch.batch)
    }
}

/// Shows the page.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let recovery = recoveries::newest(&app.db, app.clock.now() - SHOWN_FOR).await?;
    let held = match &recovery {
        Some(recovery) => recoveries::held(&app.db, recovery.id, Some(member.person.id)).await?,
        None => Vec::new(),
    };
    let lost = match &recovery {
        Some(recovery) => {
            let for_all = member.person.is_owner;
            remembered_actions::lost(&app.db, recovery.id, member.project.id, for_all, MAX_LOST)
                .await?
        }
        None => Vec::new(),
    };
    page::ok(&SendingPage {
        l: Layout::in_project(&member, &app, &request, Section::Health).await?,
        stops: sending_stops::of_project(&app.db, member.project.id).await?,
        under_way: sending_stops::under_way(&app.db, Some(member.project.id)).await?,
        recovery,
        held,
        lost,
        may_stop: member.may(Permission::Send),
        may_resume: member.may(Permission::Approve),
        may_manage: member.may(Permission::Manage),
        is_owner: member.person.is_owner,
    })
}

/// The form of [`act`]: what to do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SendingForm {
    action: String,
}

/// Stops sending, lets it go on, or adopts the database. Anybody who may send may stop the project;
/// approvers let it go on; owners decide for the whole installation.
pub async fn act(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<SendingForm>,
) -> Result<HttpResponse, WebError> {
    let (by, ip) = (Some(member.person.id), peer_ip(&request));
    let project = Some(member.project.id);
    let is_owner = member.person.is_owner;
    let texts = member.texts(&request);
    let sentence = match form.into_inner().action.as_str() {
        "stop" => {
            let under_way = stop_ops::stop(&app, project, by, &ip).await?;
            texts.with("sending-stopped", &[("count", under_way.into())])
        }
        "stop-all" if is_owner => {
            let under_way = stop_ops::stop(&app, None, by, &ip).await?;
            texts.with("sending-stopped", &[("count", under_way.into())])
        }
        "resume" if member.may(Permission::Approve) => {
            stop_ops::resume(&app, project, by, &ip).await?;
            texts.t("sending-resumed")
        }
        "resume-all" if is_owner => {
            stop_ops::resume(&app, None, by, &ip).await?;
            texts.t("sending-resumed")
        }
        "adopt" if is_owner => match recovery::adopt(&app, by, &ip).await? {
            Adopted::Already => texts.t("sending-adopted-already"),
            Adopted::Now(held) => {
                let held = i64::try_from(held).unwrap_or(i64::MAX);
                texts.with("sending-adopted", &[("count", held.into())])
            }
        },
        "stop-all" | "resume" | "resume-all" | "adopt" => return Err(WebError::Forbidden),
        _ => return Err(WebError::BadRequest),
    };
    flash::say(&request, &sentence);
    Ok(page::see_other(&member.urls().sending()))
}
