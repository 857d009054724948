//! `/messages/{id}`: the whole story of one message, from the order to what was answered.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use time::OffsetDateTime;

use crate::app::App;
use crate::db::batches::{self, Batch};
use crate::db::message_search::{ExternalMessage, FoundMessage};
use crate::db::messages::Message;
use crate::db::submissions::Submission;
use crate::db::timeline::{self, Answer, AuditedAction, Sibling};
use crate::domain::batch::SubmissionState;
use crate::domain::ids::{Id, MessageId};
use crate::domain::message::MessageState;
use crate::domain::phone::Operator;
use crate::domain::role::Permission;
use crate::domain::text::{self, Kind, TemplateText};
use crate::web::components::{Drawing, Shown, Status, Tone};
use crate::web::error::WebError;
use crate::web::layout::{Layout, Section};
use crate::web::member::Member;
use crate::web::message_table::{Explained, Viewer, Why, took};
use crate::web::page;
use crate::web::send::view::{Piece, parts_of};

/// One thing that happened.
struct Step {
    at: Option<OffsetDateTime>,
    tone: Tone,
    mark: &'static str,
    sentence: String,
    more: String,
    link: Option<(String, String)>,
}

/// What is written about a message beside its story.
struct Fact {
    name: String,
    value: String,
    address: Option<String>,
    copyable: bool,
}

/// The text as it was sent.
struct Sent {
    signature: String,
    pieces: Vec<Piece>,
    full: String,
    length: usize,
    parts: usize,
}

#[derive(Template)]
#[template(path = "messages/message.html")]
struct MessagePage {
    l: Layout,
    phone: String,
    copyable: bool,
    all_to_phone: String,
    status: Status,
    code: Option<String>,
    explained: Explained,
    description: Option<String>,
    sent: Option<Sent>,
    steps: Vec<Step>,
    facts: Vec<Fact>,
    /// Where what did not arrive is sent again.
    resend: Option<String>,
}

/// One message, own or another program's.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let id: MessageId = path.1.parse().map_err(|_| WebError::NotFound)?;
    let project = member.project.id;
    let found = app.log.find(project, id).await?.ok_or(WebError::NotFound)?;
    let l = member.layout(&app, &request, Section::Messages).await?;
    let teller = TimelineBuilder { app: &app, member: &member, l: &l };
    let (mut steps, facts, sent) = match &found {
        FoundMessage::Own(message) => {
            let (steps, facts) = teller.own(message).await?;
            (steps, facts, Some(Sent::of(message)))
        }
        FoundMessage::ExternalMessage(message) => {
            let (steps, facts) = teller.external(message).await?;
            (steps, facts, None)
        }
    };
    // Oldest first; what is still to come stands last.
    steps.sort_by_key(|step| (step.at.is_none(), step.at));
    let whole_phones = member.may(Permission::SeePhones);
    let (phone, batch) = match &found {
        FoundMessage::Own(one) => (&one.phone, Some(one.origin.batch)),
        FoundMessage::ExternalMessage(one) => (&one.phone, None),
    };
    let (state, why) = (found.state(), Why::of(found.reason()));
    let may_resend = member.may(Permission::Send)
        && matches!(state, MessageState::Failed | MessageState::Refused | MessageState::Cancelled);
    let digits: String = {
        let letters: Vec<char> = phone.chars().collect();
        letters[letters.len().saturating_sub(4)..].iter().collect()
    };
    let said = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    page::ok(&MessagePage {
        phone: Viewer { l: &l, whole_phones }.phone(phone),
        copyable: whole_phones,
        all_to_phone: l.urls.messages_with("phone", if whole_phones { phone } else { &digits }),
        status: Status::new(&state, l.texts),
        explained: Explained::of(l.texts, state, why),
        code: said(why.code),
        description: said(why.description),
        resend: batch.filter(|_| may_resend).map(|batch| l.urls.batch_part(batch, "resend")),
        sent,
        steps,
        facts,
        l,
    })
}

impl Sent {
    fn of(message: &Message) -> Self {
        let origin = &message.origin;
        let template = TemplateText::parse(&origin.template_text);
        let full = template.full_text(&message.params, &origin.sig_content, origin.international);
        Self {
            signature: text::bracketed(&origin.sig_content, origin.international),
            pieces: parts_of(&origin.template_text, &message.params),
            length: text::length(&full),
            parts: text::parts(&full, Kind::of(origin.international)),
            full,
        }
    }
}

impl Step {
    fn new(at: Option<OffsetDateTime>, tone: Tone, mark: &'static str, sentence: String) -> Self {
        Self { at, tone, mark, sentence, more: String::new(), link: None }
    }

    fn more(self, more: String) -> Self {
        Self { more, ..self }
    }

    fn link(self, word: String, address: String) -> Self {
        Self { link: Some((word, address)), ..self }
    }
}

/// Who tells the story, to whom.
#[derive(Clone, Copy)]
struct TimelineBuilder<'a> {
    app: &'a App,
    member: &'a Member,
    l: &'a Layout,
}

impl TimelineBuilder<'_> {
    async fn own(self, message: &Message) -> Result<(Vec<Step>, Vec<Fact>), WebError> {
        let (db, project) = (&self.app.db, self.member.project.id);
        let batch =
            batches::find(db, project, message.origin.batch).await?.ok_or(WebError::NotFound)?;
        let call = timeline::submission(db, project, message.submission_id)
            .await?
            .ok_or(WebError::NotFound)?;
        let known_at = timeline::known_at(db, message.id).await?;
        let mut steps = vec![self.ordered(message, &batch)];
        let audited_actions =
            timeline::audited_actions(db, project, batch.id, message.submission_id).await?;
        steps.extend(
            audited_actions.iter().filter_map(|audited_action| self.audited_action(audited_action)),
        );
        steps.extend(self.call(message, &call));
        steps.extend(self.outcome(
            message.state,
            Why::of(message.reason.as_deref()),
            (message.receipt_at, known_at),
        ));
        let siblings = timeline::siblings(db, project, batch.id, &message.phone).await?;
        steps.extend(siblings.iter().map(|one| self.sibling(one)));
        let since = message.sent_at.unwrap_or_else(|| message.id.made_at());
        steps.extend(self.after(&message.phone, since).await?);
        Ok((steps, self.facts(message, &batch, &call)))
    }

    async fn external(self, message: &ExternalMessage) -> Result<(Vec<Step>, Vec<Fact>), WebError> {
        let known_at = timeline::known_at(&self.app.db, message.id).await?;
        let mut steps: Vec<Step> = self
            .outcome(
                MessageState::from(message.outcome),
                Why::of(message.reason.as_deref()),
                (message.receipt_at, known_at),
            )
            .into_iter()
            .collect();
        let since = message.receipt_at.unwrap_or_else(|| message.id.made_at());
        steps.extend(self.after(&message.phone, since).await?);
        let session = Fact {
            address: Some(self.l.urls.receipt(&message.session_no)),
            ..self.fact("session", message.session_no.clone())
        };
        let facts = vec![
            self.fact("source", self.l.t("receipts-other")),
            session,
            self.fact("user-id", message.user_id.clone()),
            self.fact("id", message.id.to_string()),
            self.fact("operator", self.operator(&message.phone)),
            self.fact("billed", message.parts.to_string()),
        ];
        Ok((steps, facts.into_iter().filter(|fact| !fact.value.is_empty()).collect()))
    }

    fn ordered(self, message: &Message, batch: &Batch) -> Step {
        let l = self.l;
        let by = [("person", batch.orderer.as_str().into())];
        let more = batch
            .schedule_at
            .map(|at| l.with("messages-step-scheduled", &[("when", l.moment(at).full().into())]));
        let sentence = l.with("messages-step-ordered", &by);
        Step::new(Some(message.id.made_at()), Tone::Quiet, "mark-waiting", sentence)
            .more(more.unwrap_or_default())
            .link(batch.name.clone(), l.urls.batch(batch.id))
    }

    fn audited_action(self, audited_action: &AuditedAction) -> Option<Step> {
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
        Some(Step::new(Some(audited_action.at), tone, mark, sentence))
    }

    /// What came of the call, or why there was none yet.
    fn call(self, message: &Message, call: &Submission) -> Option<Step> {
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
        let why = crate::web::batches::why(l, call);
        if !why.is_empty() {
            let code = call.ret_code.filter(|code| *code != 0);
            more.push(code.map_or(why.clone(), |code| format!("RetCode {code}: {why}")));
        }
        let step = Step::new(call.sent_at, tone, mark, l.t(key)).more(more.join(" · "));
        if call.state == SubmissionState::InDoubt && self.member.may(Permission::Send) {
            let there = l.urls.batch_part(message.origin.batch, "in-doubt");
            return Some(step.link(l.t("messages-step-decide"), there));
        }
        Some(step)
    }

    /// What is known of the message alone.
    fn outcome(
        self,
        state: MessageState,
        why: Why<'_>,
        (receipt_at, known_at): (Option<OffsetDateTime>, Option<OffsetDateTime>),
    ) -> Option<Step> {
        let l = self.l;
        let key = match state {
            MessageState::Queued | MessageState::InDoubt | MessageState::Cancelled => return None,
            MessageState::Submitted => {
                let sentence = l.t("messages-step-awaited");
                return Some(Step::new(None, Tone::Going, "mark-underway", sentence));
            }
            MessageState::Refused => "messages-step-not-taken",
            MessageState::Suppressed => "messages-step-suppressed",
            MessageState::Delivered | MessageState::Failed | MessageState::Unknown => {
                "messages-step-receipt"
            }
        };
        let code = why.code.unwrap_or_default();
        let words = [("state", l.state_word(state).into()), ("code", code.into())];
        let explained = Explained::of(l.texts, state, why);
        let mut more: Vec<String> = explained.cause.into_iter().collect();
        if let Some(said) = why.description.filter(|said| !said.is_empty()) {
            more.push(l.with("messages-step-said", &[("words", said.into())]));
        }
        if let Some((ended, known)) = receipt_at.zip(known_at)
            && known > ended
        {
            more.push(
                l.with("messages-step-known", &[("took", took(l.texts, ended, known).into())]),
            );
        }
        let sentence = l.with(key, &words);
        let at = receipt_at.or(known_at);
        Some(Step::new(at, state.tone(), state.mark(), sentence).more(more.join(" · ")))
    }

    fn sibling(self, one: &Sibling) -> Step {
        let l = self.l;
        let key = if one.later { "messages-step-repeated" } else { "messages-step-repeats" };
        let sentence = l.with(key, &[("state", l.state_word(one.state).into())]);
        Step::new(Some(one.id.made_at()), Tone::Quiet, "mark-underway", sentence)
            .link(one.batch_name.clone(), l.urls.message(one.id))
    }

    /// What came from the phone afterwards.
    async fn after(self, phone: &str, since: OffsetDateTime) -> Result<Vec<Step>, WebError> {
        let (db, project, l) = (&self.app.db, self.member.project.id, self.l);
        let answers = timeline::answers(db, project, phone, since).await?;
        let answer = |one: &Answer| {
            Step::new(Some(one.at), Tone::Quiet, "mark-good", l.t("messages-step-answer"))
                .more(one.content.clone())
        };
        let mut steps: Vec<Step> = answers.iter().map(answer).collect();
        if let Some((at, reason)) = timeline::opt_out(db, project, phone).await? {
            let why = l.t(&format!("suppression-{}", reason.key()));
            let step =
                Step::new(Some(at), Tone::Bad, "mark-stopped", l.t("messages-step-opted-out"));
            let found = l.urls.suppressions();
            steps.push(step.more(why).link(l.t("suppressions-title"), found));
        }
        Ok(steps)
    }

    fn fact(self, name: &str, value: String) -> Fact {
        let copyable = matches!(name, "session" | "user-id" | "id" | "request");
        Fact { name: self.l.t(&format!("messages-fact-{name}")), value, address: None, copyable }
    }

    fn facts(self, message: &Message, batch: &Batch, call: &Submission) -> Vec<Fact> {
        let urls = &self.l.urls;
        let linked = |name: &str, value: &str, address: String| Fact {
            address: Some(address),
            ..self.fact(name, value.to_owned())
        };
        let user_id = if message.origin.each_own {
            message.id.vendor_user_id()
        } else {
            message.submission_id.vendor_user_id()
        };
        let lasted = message.sent_at.zip(message.receipt_at);
        let lasted = lasted.map(|(sent, received)| took(self.l.texts, sent, received));
        let session = message.session_no.as_deref().unwrap_or_default();
        let facts = vec![
            linked("batch", &batch.name, urls.batch(batch.id)),
            linked("template", &batch.template_name, urls.template(&batch.vendor_template_id)),
            linked("session", session, urls.receipt(session)),
            self.fact("took", lasted.unwrap_or_default()),
            self.fact("operator", self.operator(&message.phone)),
            self.fact("billed", message.parts.map(|parts| parts.to_string()).unwrap_or_default()),
            self.fact("id", message.id.to_string()),
            self.fact("user-id", user_id),
            self.fact("request", call.vendor_request_id.clone()),
        ];
        facts.into_iter().filter(|fact| !fact.value.is_empty()).collect()
    }

    /// Whose number the phone was issued as.
    fn operator(self, phone: &str) -> String {
        Operator::of(phone)
            .map_or_else(String::new, |operator| self.l.t(&format!("carrier-{}", operator.key())))
    }
}
