//! The table of messages, as it is on the message search and on the pages of a batch, a session
//! number and a phone.

use askama::Template;
use time::OffsetDateTime;

use super::layout::Layout;
use super::moment::Moment;
use super::status::Status;
use crate::db::sending::message_search::{ExternalMessage, FoundMessage};
use crate::db::sending::messages::{Message, Reason};
use crate::domain::ids::MessageId;
use crate::domain::phone::{Carrier, masked};
use crate::domain::receipt_codes::{self, Advice, Category};
use crate::domain::sending::message::MessageState;
use crate::web::http::i18n::Texts;

/// A column of the message search that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The template and the batch.
    Template,
    /// The code and cause of the state.
    Receipt,
    /// When it was created, by which the list is sorted.
    Created,
    /// When its call left.
    Submitted,
    /// When its receipt came.
    ReceiptAt,
    /// The session number.
    Session,
}

impl Column {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::Template,
        Self::Receipt,
        Self::Created,
        Self::Submitted,
        Self::ReceiptAt,
        Self::Session,
    ];

    /// Returns the name used in forms and cookies.
    pub fn key(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Receipt => "receipt",
            Self::Created => "created",
            Self::Submitted => "submitted",
            Self::ReceiptAt => "receipt_at",
            Self::Session => "session",
        }
    }

    /// Returns the key of its label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Template => "messages-template",
            Self::Receipt => "batch-message-receipt",
            Self::Created => "messages-created",
            Self::Submitted => "receipts-submitted",
            Self::ReceiptAt => "messages-receipt-at",
            Self::Session => "batch-message-session",
        }
    }
}

/// A message as a row.
#[derive(Debug, Clone)]
pub struct Row {
    phone: String,
    copyable: bool,
    href: String,
    status: Status,
    code: Option<String>,
    cause: Option<String>,
    description: Option<String>,
    advice: Option<String>,
    vendor_advice: Option<String>,
    waiting: bool,
    session: Option<(String, String)>,
    created: Moment,
    batch: Option<(String, String)>,
    template: Option<(String, String)>,
    sent_at: Option<Moment>,
    receipt_at: Option<Moment>,
    took: Option<String>,
}

/// Messages as a table.
#[derive(Debug, Clone, Template)]
#[template(path = "ui/message_table.html")]
pub struct MessageTable {
    texts: Texts,
    caption: String,
    rows: Vec<Row>,
    with_batch: bool,
    with_template: bool,
    with_session: bool,
    /// Whether what changes has a name, for the live page of a batch.
    with_parts: bool,
    hidden: Vec<Column>,
}

impl askama::filters::HtmlSafe for MessageTable {}

impl MessageTable {
    /// Creates a table of `rows` with a caption.
    pub fn new(l: &Layout, caption: String, rows: Vec<Row>) -> Self {
        Self {
            texts: l.texts,
            caption,
            rows,
            with_batch: true,
            with_template: false,
            with_session: true,
            with_parts: false,
            hidden: Vec::new(),
        }
    }

    /// Hides the batch column: all messages belong to one batch, whose page is updated in parts.
    pub fn of_one_batch(mut self) -> Self {
        self.with_batch = false;
        self.with_parts = true;
        self
    }

    /// Shows templates and all times, for messages of all batches, without the columns in `hidden`.
    pub fn of_all_kinds(mut self, hidden: Vec<Column>) -> Self {
        self.with_template = true;
        self.hidden = hidden;
        self
    }

    /// Whether a column is shown.
    pub fn shows(&self, column: &Column) -> bool {
        !self.hidden.contains(column)
    }

    /// Hides the session number column: all messages belong to one submission.
    pub fn of_one_session(mut self) -> Self {
        self.with_session = false;
        self
    }
}

/// How messages are shown to the person who requested the page.
#[derive(Debug, Clone, Copy)]
pub struct Viewer<'a> {
    /// The layout of the page.
    pub l: &'a Layout,
    /// Whether whole phones may be seen.
    pub whole_phones: bool,
}

impl Viewer<'_> {
    /// Returns the row of a message that the message search found.
    pub fn logged(self, message: &FoundMessage) -> Row {
        match message {
            FoundMessage::Own(message) => self.ours(message),
            FoundMessage::ExternalMessage(message) => self.external(message),
        }
    }

    /// Returns the row of a message of a batch.
    pub fn ours(self, message: &Message) -> Row {
        let urls = &self.l.urls;
        let took = message
            .sent_at
            .zip(message.receipt_at)
            .map(|(sent, received)| took(self.l.texts, sent, received));
        let template = urls.template(&message.origin.vendor_template_id);
        Row {
            batch: Some((
                self.l.shown(&message.origin.batch_name).into_owned(),
                urls.batch(message.origin.batch),
            )),
            template: Some((message.origin.template_name.clone(), template)),
            sent_at: message
                .sent_at
                .filter(|_| has_left(message.state))
                .map(|at| self.l.moment(at)),
            receipt_at: message.receipt_at.map(|at| self.l.moment(at)),
            took,
            ..self.row(
                message.id,
                &message.phone,
                message.state,
                message.session_no.as_deref(),
                StateReason::of(message.reason.as_deref()),
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
                StateReason::of(message.reason.as_deref()),
            )
        }
    }

    fn row(
        self,
        id: MessageId,
        phone: &str,
        state: MessageState,
        session: Option<&str>,
        reason: StateReason<'_>,
    ) -> Row {
        let urls = &self.l.urls;
        let explanation = Explanation::of(self.l.texts, state, reason);
        let non_empty =
            |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        Row {
            phone: self.phone(phone),
            copyable: self.whole_phones,
            href: urls.message(id),
            status: Status::new(&state, self.l.texts),
            code: non_empty(reason.code),
            cause: explanation.cause,
            description: reason.shown(self.l, phone),
            advice: explanation.advice,
            vendor_advice: reason.vendor_advice(self.l.texts, state, phone),
            waiting: state == MessageState::Submitted,
            session: session.map(|session| (urls.receipt(session), session.to_owned())),
            created: self.l.made_at(id),
            batch: None,
            template: None,
            sent_at: None,
            receipt_at: None,
            took: None,
        }
    }

    /// Returns a phone as this person may see it.
    pub fn phone(self, phone: &str) -> String {
        if self.whole_phones { phone.to_owned() } else { masked(phone) }
    }
}

/// Whether a message was submitted, perhaps in vain. One that is queued again keeps the time of its
/// last call.
fn has_left(state: MessageState) -> bool {
    match state {
        MessageState::Queued | MessageState::Cancelled | MessageState::Suppressed => false,
        MessageState::Submitted
        | MessageState::InDoubt
        | MessageState::Delivered
        | MessageState::Failed
        | MessageState::Unknown
        | MessageState::Refused => true,
    }
}

/// The reason of a message's state, as a receipt or a refusal states it.
#[derive(Debug, Clone, Copy)]
pub struct StateReason<'a> {
    /// The code.
    pub code: Option<&'a str>,
    /// The key of the cause it was stored under, by which messages are also found and counted.
    category: Option<&'a str>,
    /// The text of the carrier or the vendor.
    pub description: Option<&'a str>,
}

impl<'a> StateReason<'a> {
    /// Creates the reason of a message from its stored one.
    pub fn of(reason: Option<&'a Reason>) -> Self {
        Self {
            code: reason.map(|reason| reason.code.as_str()),
            category: reason.map(|reason| reason.category.as_str()),
            description: reason.map(|reason| reason.description.as_str()),
        }
    }

    /// Returns the text of the carrier or the vendor about a message to `phone` as the person sees it.
    pub fn shown(self, l: &Layout, phone: &str) -> Option<String> {
        let text = self.description.filter(|text| !text.is_empty())?;
        Some(l.sight().vendor_text(text, phone).into_owned())
    }

    /// Returns the cause of a failed message.
    pub fn cause(self, state: MessageState) -> Option<Category> {
        let failed = state == MessageState::Failed;
        self.category.filter(|_| failed).and_then(Category::from_key)
    }

    /// Returns what the vendor advises about a failed message to `phone`, in a sentence.
    pub fn vendor_advice(self, texts: Texts, state: MessageState, phone: &str) -> Option<String> {
        let (code, cause) = self.code.zip(self.cause(state))?;
        vendor_advice(texts, receipt_codes::advice(code, cause, Carrier::of(phone))?)
    }
}

/// Returns a sentence with what the vendor advises.
pub fn vendor_advice(texts: Texts, advice: Advice) -> Option<String> {
    let advice = texts.try_t(&format!("advice-{}", advice.key()))?;
    Some(texts.with("advice-of-vendor", &[("advice", advice.into())]))
}

/// What a state or code means, and what to do about it.
#[derive(Debug, Default)]
pub struct Explanation {
    /// What it means.
    pub cause: Option<String>,
    /// What to do.
    pub advice: Option<String>,
}

impl Explanation {
    /// Explains why a message is in `state`.
    pub fn of(texts: Texts, state: MessageState, reason: StateReason<'_>) -> Self {
        let (cause, advice) = match (state, reason.code) {
            (MessageState::Failed, Some(_)) => {
                let Some(cause) = reason.cause(state) else { return Self::default() };
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

/// Formats how long a receipt took, in its two largest units.
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
