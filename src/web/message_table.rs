//! Messages as rows: the same in the log and on the page of a batch, of a session number and of a
//! phone.

use askama::Template;
use time::OffsetDateTime;

use super::components::Status;
use super::i18n::Texts;
use super::layout::Layout;
use super::moment::Moment;
use crate::db::message_search::{ExternalMessage, FoundMessage};
use crate::db::messages::{Message, Reason};
use crate::domain::ids::MessageId;
use crate::domain::message::MessageState;
use crate::domain::phone::masked;
use crate::domain::receipt_codes::Category;

/// One message as a row.
#[derive(Debug, Clone)]
pub struct Row {
    phone: String,
    copyable: bool,
    address: String,
    status: Status,
    code: Option<String>,
    cause: Option<String>,
    description: Option<String>,
    advice: Option<String>,
    waiting: bool,
    session: Option<(String, String)>,
    batch: Option<(String, String)>,
    template: Option<(String, String)>,
    sent_at: Option<Moment>,
    receipt_at: Option<Moment>,
    took: Option<String>,
}

/// Rows of messages under one heading.
#[derive(Debug, Clone, Template)]
#[template(path = "components/message_table.html")]
pub struct MessageTable {
    texts: Texts,
    caption: String,
    rows: Vec<Row>,
    with_batch: bool,
    with_template: bool,
    with_session: bool,
}

impl askama::filters::HtmlSafe for MessageTable {}

impl MessageTable {
    /// Rows under `caption`.
    pub fn new(l: &Layout, caption: String, rows: Vec<Row>) -> Self {
        Self {
            texts: l.texts,
            caption,
            rows,
            with_batch: true,
            with_template: false,
            with_session: true,
        }
    }

    /// Without the column of the batch: all are of one.
    pub fn of_one_batch(mut self) -> Self {
        self.with_batch = false;
        self
    }

    /// With their templates, and when receipts came, for a list of all kinds.
    pub fn of_all_kinds(mut self) -> Self {
        self.with_template = true;
        self
    }

    /// Without the column of the session number: all are of one.
    pub fn of_one_session(mut self) -> Self {
        self.with_session = false;
        self
    }
}

/// How rows are shown to the person who asked.
#[derive(Debug, Clone, Copy)]
pub struct Viewer<'a> {
    /// The frame of the page.
    pub l: &'a Layout,
    /// Whether whole phones may be seen.
    pub whole_phones: bool,
}

impl Viewer<'_> {
    /// A message of the log.
    pub fn logged(self, message: &FoundMessage) -> Row {
        match message {
            FoundMessage::Own(message) => self.ours(message),
            FoundMessage::ExternalMessage(message) => self.external(message),
        }
    }

    /// A message of ours.
    pub fn ours(self, message: &Message) -> Row {
        let urls = &self.l.urls;
        let took = message
            .sent_at
            .zip(message.receipt_at)
            .map(|(sent, received)| took(self.l.texts, sent, received));
        let template = urls.template(&message.origin.vendor_template_id);
        Row {
            batch: Some((message.origin.batch_name.clone(), urls.batch(message.origin.batch))),
            template: Some((message.origin.template_name.clone(), template)),
            sent_at: message.sent_at.map(|at| self.l.moment(at)),
            receipt_at: message.receipt_at.map(|at| self.l.moment(at)),
            took,
            ..self.row(
                message.id,
                &message.phone,
                message.state,
                message.session_no.as_deref(),
                Why::of(message.reason.as_deref()),
            )
        }
    }

    fn external(self, message: &ExternalMessage) -> Row {
        Row {
            receipt_at: message.receipt_at.map(|at| self.l.moment(at)),
            ..self.row(
                message.id,
                &message.phone,
                MessageState::from(message.outcome),
                Some(&message.session_no),
                Why::of(message.reason.as_deref()),
            )
        }
    }

    fn row(
        self,
        id: MessageId,
        phone: &str,
        state: MessageState,
        session: Option<&str>,
        why: Why<'_>,
    ) -> Row {
        let urls = &self.l.urls;
        let explained = Explained::of(self.l.texts, state, why);
        let said = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        Row {
            phone: self.phone(phone),
            copyable: self.whole_phones,
            address: urls.message(id),
            status: Status::new(&state, self.l.texts),
            code: said(why.code),
            cause: explained.cause,
            description: said(why.description),
            advice: explained.advice,
            waiting: state == MessageState::Submitted,
            session: session.map(|session| (urls.receipt(session), session.to_owned())),
            batch: None,
            template: None,
            sent_at: None,
            receipt_at: None,
            took: None,
        }
    }

    /// A phone as this person may see it.
    pub fn phone(self, phone: &str) -> String {
        if self.whole_phones { phone.to_owned() } else { masked(phone) }
    }
}

/// The reason of a message's state, as a receipt or a refusal gives it.
#[derive(Debug, Clone, Copy)]
pub struct Why<'a> {
    /// The code.
    pub code: Option<&'a str>,
    /// The cause it was kept under, by which messages are found and counted, too.
    category: Option<&'a str>,
    /// The carrier's or the vendor's own words.
    pub description: Option<&'a str>,
}

impl<'a> Why<'a> {
    /// As a receipt or a refusal says.
    pub fn of(reason: Option<&'a Reason>) -> Self {
        Self {
            code: reason.map(|reason| reason.code.as_str()),
            category: reason.map(|reason| reason.category.as_str()),
            description: reason.map(|reason| reason.description.as_str()),
        }
    }

    /// The cause, if it failed.
    pub fn cause(self, state: MessageState) -> Option<Category> {
        let failed = state == MessageState::Failed;
        self.category.filter(|_| failed).and_then(Category::from_key)
    }
}

/// A code in words, and what to do about it.
#[derive(Debug, Default)]
pub struct Explained {
    /// What it means.
    pub cause: Option<String>,
    /// What to do.
    pub advice: Option<String>,
}

impl Explained {
    /// Why a message is in `state`.
    pub fn of(texts: Texts, state: MessageState, why: Why<'_>) -> Self {
        let (cause, advice) = match (state, why.code) {
            (MessageState::Failed, Some(_)) => {
                let Some(cause) = why.cause(state) else { return Self::default() };
                (format!("cause-{}", cause.key()), format!("cause-{}-do", cause.key()))
            }
            (MessageState::Refused, Some(code)) => {
                let known = texts.try_t(&format!("ret-{code}")).is_some();
                let key = if known { format!("ret-{code}") } else { "ret-other".to_owned() };
                (key.clone(), format!("{key}-do"))
            }
            (MessageState::Unknown, _) => {
                ("message-unknown-what".to_owned(), "message-unknown-do".to_owned())
            }
            (MessageState::Failed | MessageState::Refused, None)
            | (
                MessageState::Queued
                | MessageState::Submitted
                | MessageState::InDoubt
                | MessageState::Delivered
                | MessageState::Cancelled
                | MessageState::Suppressed,
                _,
            ) => return Self::default(),
        };
        Self { cause: texts.try_t(&cause), advice: texts.try_t(&advice) }
    }
}

/// How long a receipt took, in the largest two units.
pub fn took(texts: Texts, sent: OffsetDateTime, received: OffsetDateTime) -> String {
    let seconds = (received - sent).whole_seconds().max(0);
    match seconds {
        0..60 => texts.with("receipts-seconds", &[("n", seconds.into())]),
        60..3600 => texts.with(
            "receipts-minutes",
            &[("m", (seconds / 60).into()), ("s", (seconds % 60).into())],
        ),
        _ => texts.with(
            "receipts-hours",
            &[("h", (seconds / 3600).into()), ("m", (seconds / 60 % 60).into())],
        ),
    }
}
