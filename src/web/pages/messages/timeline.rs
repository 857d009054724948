//! `/messages/{id}`: one message with its timeline, from the order of its batch to the replies.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use time::OffsetDateTime;

use super::sent_text::{SentText, Values};
use crate::app::App;
use crate::db::receipts::overruled_receipts;
use crate::db::reporting::timeline::{self, Answer, AuditedAction, Sibling};
use crate::db::sending::batches::{self, Batch};
use crate::db::sending::message_search::{ExternalMessage, FoundMessage};
use crate::db::sending::messages::Message;
use crate::db::sending::submissions::Submission;
use crate::domain::accounts::role::Permission;
use crate::domain::ids::{Id, MessageId};
use crate::domain::phone::Carrier;
use crate::domain::sending::batch::SubmissionState;
use crate::domain::sending::message::MessageState;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::http::pools::Pools;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::message_table::{Explanation, StateReason, Viewer, took};
use crate::web::ui::status::{Drawing, Shown, Status, Tone};

/// An event of the timeline.
struct TimelineEntry {
    at: Option<OffsetDateTime>,
    tone: Tone,
    mark: &'static str,
    sentence: String,
    more: String,
    link: Option<(String, String)>,
}

/// A fact about a message, beside its timeline.
struct Fact {
    name: String,
    value: String,
    href: Option<String>,
    copyable: bool,
}

#[derive(Template)]
#[template(path = "pages/messages/timeline.html")]
pub(super) struct MessagePage {
    l: Layout,
    message: MessageId,
    phone: String,
    copyable: bool,
    all_to_phone: String,
    status: Status,
    code: Option<String>,
    explanation: Explanation,
    vendor_advice: Option<String>,
    description: Option<String>,
    sent: Option<SentText>,
    /// Whether the person may have hidden values shown.
    may_reveal: bool,
    /// Whether they gave no reason for it.
    reason_missing: bool,
    timeline: Vec<TimelineEntry>,
    facts: Vec<Fact>,
    /// Link to send the undelivered messages of its batch again.
    resend_href: Option<String>,
}

/// `/messages/{id}`: one message, of a batch or of another program.
pub async fn show(
    app: web::Data<App>,
    pools: web::Data<Pools>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let app = pools.lists(&app);
    page::ok(&draw(&app, &member, &request, &path.1, Values::AsUsual).await?)
}

/// Draws the page of a message.
pub(super) async fn draw(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    id: &str,
    values: Values,
) -> Result<MessagePage, WebError> {
    let id: MessageId = id.parse().map_err(|_| WebError::NotFound)?;
    let project = member.project.id;
    let found = app.message_search.find(project, id).await?.ok_or(WebError::NotFound)?;
    let l = Layout::in_project(member, app, request, Section::Messages).await?;
    let builder = TimelineBuilder { app, member, l: &l };
    let (mut timeline, facts, sent) = match &found {
        FoundMessage::Own(message) => {
            let (timeline, facts) = builder.own(message).await?;
            (timeline, facts, Some(SentText::of(message, member.sight(app), values)))
        }
        FoundMessage::ExternalMessage(message) => {
            let (timeline, facts) = builder.external(message).await?;
            (timeline, facts, None)
        }
    };
    // Oldest first. Entries without a time are still to come.
    timeline.sort_by_key(|entry| (entry.at.is_none(), entry.at));
    let whole_phones = member.may(Permission::SeePhones);
    let (phone, batch) = match &found {
        FoundMessage::Own(message) => (&message.phone, Some(message.origin.batch)),
        FoundMessage::ExternalMessage(message) => (&message.phone, None),
    };
    let (state, reason) = (found.state(), StateReason::of(found.reason()));
    let may_resend = member.may(Permission::Send)
        && matches!(state, MessageState::Failed | MessageState::Refused | MessageState::Cancelled);
    let last_four: String = {
        let characters: Vec<char> = phone.chars().collect();
        characters[characters.len().saturating_sub(4)..].iter().collect()
    };
    let non_empty = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(MessagePage {
        phone: Viewer { l: &l, whole_phones }.phone(phone),
        copyable: whole_phones,
        all_to_phone: l.urls.messages_with("phone", if whole_phones { phone } else { &last_four }),
        status: Status::new(&state, l.texts),
        explanation: Explanation::of(l.texts, state, reason),
        vendor_advice: reason.vendor_advice(l.texts, state, phone),
        code: non_empty(reason.code),
        description: reason.shown(&l, phone),
        resend_href: batch.filter(|_| may_resend).map(|batch| l.urls.batch_part(batch, "resend")),
        sent,
        may_reveal: whole_phones,
        reason_missing: values == Values::ReasonMissing,
        timeline,
        facts,
        message: id,
        l,
    })
}

impl TimelineEntry {
    fn new(at: Option<OffsetDateTime>, tone: Tone, mark: &'static str, sentence: String) -> Self {
        Self { at, tone, mark, sentence, more: String::new(), link: None }
    }

    fn more(self, more: String) -> Self {
        Self { more, ..self }
    }

    fn link(self, label: String, href: String) -> Self {
        Self { link: Some((label, href)), ..self }
    }
}

/// Builds the timeline of a message for a member.
#[derive(Clone, Copy)]
struct TimelineBuilder<'a> {
    app: &'a App,
    member: &'a Member,
    l: &'a Layout,
}

impl TimelineBuilder<'_> {
    async fn own(self, message: &Message) -> Result<(Vec<TimelineEntry>, Vec<Fact>), WebError> {
        let (db, project) = (&self.app.db, self.member.project.id);
        let batch =
            batches::find(db, project, message.origin.batch).await?.ok_or(WebError::NotFound)?;
        let call = timeline::submission(db, project, message.submission_id)
            .await?
            .ok_or(WebError::NotFound)?;
        let known_at = timeline::known_at(db, message.id).await?;
        let mut entries = vec![self.ordered(message, &batch)];
        let audited_actions =
            timeline::audited_actions(db, project, batch.id, message.submission_id).await?;
        entries.extend(
            audited_actions.iter().filter_map(|audited_action| self.audited_action(audited_action)),
        );
        entries.extend(self.call(message, &call));
        let outcome = self.outcome(
            &message.phone,
            message.state,
            StateReason::of(message.reason.as_deref()),
            (message.receipt_at, known_at),
        );
        entries.extend(self.with_overruled(message.id, &message.phone, outcome, known_at).await?);
        let siblings = timeline::siblings(db, project, batch.id, &message.phone).await?;
        entries.extend(siblings.iter().map(|sibling| self.sibling(sibling)));
        let since = message.sent_at.unwrap_or_else(|| message.id.made_at());
        entries.extend(self.replies(&message.phone, since).await?);
        Ok((entries, self.facts(message, &batch, &call)))
    }

    async fn external(
        self,
        message: &ExternalMessage,
    ) -> Result<(Vec<TimelineEntry>, Vec<Fact>), WebError> {
        let known_at = timeline::known_at(&self.app.db, message.id).await?;
        let outcome = self.outcome(
            &message.phone,
            MessageState::from(message.outcome),
            StateReason::of(message.reason.as_deref()),
            (message.receipt_at, known_at),
        );
        let mut entries =
            self.with_overruled(message.id, &message.phone, outcome, known_at).await?;
        let since = message.receipt_at.unwrap_or_else(|| message.id.made_at());
        entries.extend(self.replies(&message.phone, since).await?);
        let session = Fact {
            href: Some(self.l.urls.receipt(&message.session_no)),
            ..self.fact("session", message.session_no.clone())
        };
        let facts = vec![
            self.fact("source", self.l.t("receipts-other")),
            session,
            self.fact(
                "user-id",
                self.l.sight().text_about(&message.user_id, &message.phone).into_owned(),
            ),
            self.fact("id", message.id.to_string()),
            self.fact("operator", self.carrier(&message.phone)),
            self.fact("billed", message.parts.to_string()),
        ];
        Ok((entries, facts.into_iter().filter(|fact| !fact.value.is_empty()).collect()))
    }

    fn ordered(self, message: &Message, batch: &Batch) -> TimelineEntry {
        let l = self.l;
        let by = [("person", batch.orderer.as_str().into())];
        let more = batch
            .schedule_at
            .map(|at| l.with("messages-step-scheduled", &[("when", l.moment(at).full().into())]));
        let sentence = l.with("messages-step-ordered", &by);
        TimelineEntry::new(Some(message.id.made_at()), Tone::Quiet, "mark-waiting", sentence)
            .more(more.unwrap_or_default())
            .link(l.shown(&batch.name).into_owned(), l.urls.batch(batch.id))
    }

    fn audited_action(self, audited_action: &AuditedAction) -> Option<TimelineEntry> {
        let (tone, mark) = match audited_action.action.as_str() {
            "batch_approved" => (Tone::Good, "mark-good"),
            "batch_paused" => (Tone::Quiet, "mark-paused"),
            "batch_resumed" => (Tone::Quiet, "mark-underway"),
            "batch_cancelled" => (Tone::Quiet, "mark-stopped"),
            "doubt_treated_as_sent" | "doubt_sent_again" => (Tone::Doubtful, "mark-doubt"),
            _ => return None,
        };
        let key = format!("messages-audit-{}", audited_action.action.replace('_', "-"));
        let sentence = self.l.with(&key, &[("person", audited_action.actor.as_str().into())]);
        Some(TimelineEntry::new(Some(audited_action.at), tone, mark, sentence))
    }

    /// Returns the result of the call, or why there has been none yet.
    fn call(self, message: &Message, call: &Submission) -> Option<TimelineEntry> {
        let l = self.l;
        let (tone, mark, key) = match call.state {
            SubmissionState::Ready if call.attempts > 0 => {
                (Tone::Doubtful, "mark-waiting", "messages-step-again")
            }
            SubmissionState::Ready => (Tone::Quiet, "mark-waiting", "messages-step-queued"),
            SubmissionState::InFlight => (Tone::Going, "mark-underway", "messages-step-in-flight"),
            SubmissionState::Accepted | SubmissionState::Partly => {
                (Tone::Going, "mark-submitted", "messages-step-accepted")
            }
            SubmissionState::Refused => (Tone::Bad, "mark-refused", "messages-step-refused"),
            SubmissionState::InDoubt => (Tone::Doubtful, "mark-doubt", "messages-step-in-doubt"),
            SubmissionState::Cancelled if message.state == MessageState::Cancelled => {
                (Tone::Quiet, "mark-stopped", "messages-step-cancelled")
            }
            SubmissionState::Cancelled => return None,
        };
        let mut more = vec![l.with("messages-step-of", &[("n", call.n.into())])];
        if call.attempts > 1 {
            more.push(l.with("messages-step-tries", &[("n", call.attempts.into())]));
        }
        if let Some((sent, answered)) = call.sent_at.zip(call.answered_at) {
            let seconds = format!("{:.2}", (answered - sent).as_seconds_f64().max(0.0));
            more.push(l.with("messages-step-answer-took", &[("seconds", seconds.into())]));
        }
        let explanation = crate::web::ui::call_text::explain(l, call);
        if !explanation.is_empty() {
            let code = call.ret_code.filter(|code| *code != 0);
            more.push(match code {
                Some(code) => format!("RetCode {code}: {explanation}"),
                None => explanation,
            });
        }
        let entry = TimelineEntry::new(call.sent_at, tone, mark, l.t(key)).more(more.join(" · "));
        if call.state == SubmissionState::InDoubt && self.member.may(Permission::Send) {
            let href = l.urls.batch_part(message.origin.batch, "in-doubt");
            return Some(entry.link(l.t("messages-step-decide"), href));
        }
        Some(entry)
    }

    /// Returns what is known of this message rather than of its submission.
    fn outcome(
        self,
        phone: &str,
        state: MessageState,
        reason: StateReason<'_>,
        (receipt_at, known_at): (Option<OffsetDateTime>, Option<OffsetDateTime>),
    ) -> Option<TimelineEntry> {
        let l = self.l;
        let key = match state {
            MessageState::Queued | MessageState::InDoubt | MessageState::Cancelled => return None,
            MessageState::Submitted => {
                let sentence = l.t("messages-step-awaited");
                return Some(TimelineEntry::new(None, Tone::Going, "mark-underway", sentence));
            }
            MessageState::Refused => "messages-step-not-taken",
            MessageState::Suppressed => "messages-step-suppressed",
            MessageState::Delivered | MessageState::Failed | MessageState::Unknown => {
                "messages-step-receipt"
            }
        };
        let code = reason.code.unwrap_or_default();
        let values = [("state", l.state_label(state).into()), ("code", code.into())];
        let explanation = Explanation::of(l.texts, state, reason);
        let mut more: Vec<String> = explanation.cause.into_iter().collect();
        if let Some(text) = reason.shown(l, phone) {
            more.push(l.with("messages-step-said", &[("words", text.into())]));
        }
        if let Some((ended, known)) = receipt_at.zip(known_at)
            && known > ended
        {
            more.push(
                l.with("messages-step-known", &[("took", took(l.texts, ended, known).into())]),
            );
        }
        let sentence = l.with(key, &values);
        let at = receipt_at.or(known_at);
        Some(TimelineEntry::new(at, state.tone(), state.mark(), sentence).more(more.join(" · ")))
    }

    /// Returns the entry of the outcome, with that of the failed receipt which it overrules, if there
    /// is one, in the order in which they came.
    async fn with_overruled(
        self,
        id: MessageId,
        phone: &str,
        outcome: Option<TimelineEntry>,
        known_at: Option<OffsetDateTime>,
    ) -> Result<Vec<TimelineEntry>, WebError> {
        let mut entries: Vec<TimelineEntry> = outcome.into_iter().collect();
        if let Some(receipt) = overruled_receipts::find(&self.app.db, id).await? {
            let times = (receipt.receipt_at, Some(receipt.recorded_at));
            let reason = StateReason::of(Some(&receipt.reason));
            let entry = self.outcome(phone, MessageState::Failed, reason, times).map(|entry| {
                let overruled = self.l.t("messages-step-overruled");
                let parts = [entry.more.clone(), overruled];
                let parts: Vec<String> =
                    parts.into_iter().filter(|part| !part.is_empty()).collect();
                entry.more(parts.join(" · "))
            });
            let is_later = known_at.is_some_and(|known_at| receipt.recorded_at > known_at);
            entries.splice(if is_later { 1..1 } else { 0..0 }, entry);
        }
        Ok(entries)
    }

    /// Returns the same message in a batch that sent it again, or that this batch sends again.
    fn sibling(self, sibling: &Sibling) -> TimelineEntry {
        let l = self.l;
        let key = if sibling.later { "messages-step-repeated" } else { "messages-step-repeats" };
        let sentence = l.with(key, &[("state", l.state_label(sibling.state).into())]);
        TimelineEntry::new(Some(sibling.id.made_at()), Tone::Quiet, "mark-underway", sentence)
            .link(l.shown(&sibling.batch_name).into_owned(), l.urls.message(sibling.id))
    }

    /// Returns what the phone replied since, and its opt-out.
    async fn replies(
        self,
        phone: &str,
        since: OffsetDateTime,
    ) -> Result<Vec<TimelineEntry>, WebError> {
        let (db, project, l) = (&self.app.db, self.member.project.id, self.l);
        let replies = timeline::answers(db, project, phone, since).await?;
        let entry = |reply: &Answer| {
            TimelineEntry::new(
                Some(reply.at),
                Tone::Quiet,
                "mark-good",
                l.t("messages-step-answer"),
            )
            .more(self.l.sight().text_about(&reply.content, phone).into_owned())
        };
        let mut entries: Vec<TimelineEntry> = replies.iter().map(entry).collect();
        if let Some((at, reason, scope)) = timeline::opt_out(db, project, phone).await? {
            let reason = l.t(&format!("suppression-{}", reason.key()));
            let scope = l.t(&format!("suppression-scope-{}", scope.key()));
            let entry = TimelineEntry::new(
                Some(at),
                Tone::Bad,
                "mark-stopped",
                l.t("messages-step-opted-out"),
            );
            let href = l.urls.suppressions();
            entries.push(
                entry.more(format!("{reason} · {scope}")).link(l.t("suppressions-title"), href),
            );
        }
        Ok(entries)
    }

    fn fact(self, name: &str, value: String) -> Fact {
        let copyable = matches!(name, "session" | "user-id" | "id" | "request");
        Fact { name: self.l.t(&format!("messages-fact-{name}")), value, href: None, copyable }
    }

    fn facts(self, message: &Message, batch: &Batch, call: &Submission) -> Vec<Fact> {
        let urls = &self.l.urls;
        let linked = |name: &str, value: &str, href: String| Fact {
            href: Some(href),
            ..self.fact(name, value.to_owned())
        };
        let user_id = if message.origin.each_own {
            message.id.vendor_user_id()
        } else {
            message.submission_id.vendor_user_id()
        };
        let times = message.sent_at.zip(message.receipt_at);
        let duration = times.map(|(sent, received)| took(self.l.texts, sent, received));
        let session = message.session_no.as_deref().unwrap_or_default();
        let facts = vec![
            linked("batch", &self.l.shown(&batch.name), urls.batch(batch.id)),
            linked("template", &batch.template_name, urls.template(&batch.vendor_template_id)),
            linked("session", session, urls.receipt(session)),
            self.fact("took", duration.unwrap_or_default()),
            self.fact("operator", self.carrier(&message.phone)),
            self.fact("billed", message.parts.map(|parts| parts.to_string()).unwrap_or_default()),
            self.fact("id", message.id.to_string()),
            self.fact("user-id", user_id),
            self.fact("request", call.vendor_request_id.clone()),
        ];
        facts.into_iter().filter(|fact| !fact.value.is_empty()).collect()
    }

    /// Returns the carrier that the phone's number range was assigned to.
    fn carrier(self, phone: &str) -> String {
        Carrier::of(phone)
            .map_or_else(String::new, |operator| self.l.t(&format!("carrier-{}", operator.key())))
    }
}
