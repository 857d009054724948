//! Messages as rows: the same on the page of a batch, of a session number and of a phone.

use askama::Template;
use time::OffsetDateTime;

use super::components::{Copy, Status};
use super::i18n::Words;
use super::layout::Layout;
use super::urls::Urls;
use crate::db::foreign_messages::ForeignMessage;
use crate::db::messages::Message;
use crate::domain::message::MessageState;
use crate::domain::phone::masked;

/// One message as a row.
#[derive(Debug, Clone)]
pub struct Row {
    phone: String,
    copyable: bool,
    phone_address: String,
    status: Status,
    code: Option<String>,
    cause: Option<String>,
    description: Option<String>,
    advice: Option<String>,
    waiting: bool,
    session: Option<(String, String)>,
    batch: Option<(String, String)>,
    sent_at: Option<super::clock_face::Moment>,
    took: Option<String>,
}

/// Rows of messages under one heading.
#[derive(Debug, Clone, Template)]
#[template(path = "components/message_rows.html")]
pub struct MessageRows {
    words: Words,
    caption: String,
    rows: Vec<Row>,
    with_batch: bool,
    with_session: bool,
}

impl askama::filters::HtmlSafe for MessageRows {}

impl MessageRows {
    /// Rows under `caption`.
    pub fn new(l: &Layout, caption: String, rows: Vec<Row>) -> Self {
        Self { words: l.words, caption, rows, with_batch: true, with_session: true }
    }

    fn copy(&self, value: &str) -> Copy {
        Copy::new(value, self.words)
    }

    /// Without the column of the batch: all are of one.
    pub fn of_one_batch(mut self) -> Self {
        self.with_batch = false;
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
pub struct Eyes<'a> {
    /// The frame of the page.
    pub l: &'a Layout,
    /// Whether whole phones may be seen.
    pub whole_phones: bool,
}

impl Eyes<'_> {
    /// A message of ours.
    pub fn ours(self, message: &Message) -> Row {
        let urls = &self.l.urls;
        let took = message
            .sent_at
            .zip(message.receipt_at)
            .map(|(sent, received)| took(self.l.words, sent, received));
        self.row(
            &message.phone,
            message.state,
            Told {
                code: message.code.clone(),
                description: message.description.clone(),
                category: message.category.clone(),
            },
            Place {
                session: message.session_no.clone(),
                batch: Some((message.batch_name.clone(), urls.batch(message.batch_id))),
                sent_at: message.sent_at,
                took,
            },
        )
    }

    /// A message of another program.
    pub fn foreign(self, message: &ForeignMessage) -> Row {
        self.row(
            &message.phone,
            MessageState::from(message.outcome),
            Told {
                code: message.code.clone(),
                description: message.description.clone(),
                category: message.category.clone(),
            },
            Place {
                session: Some(message.session_no.clone()),
                batch: None,
                sent_at: message.receipt_at,
                took: None,
            },
        )
    }

    fn row(self, phone: &str, state: MessageState, told: Told, place: Place) -> Row {
        let words = self.l.words;
        let urls: &Urls = &self.l.urls;
        let explained = Explained::of(words, state, &told);
        Row {
            phone: if self.whole_phones { phone.to_owned() } else { masked(phone) },
            copyable: self.whole_phones,
            phone_address: if self.whole_phones { urls.receipts_of(phone) } else { String::new() },
            status: Status::new(&state, words),
            code: told.code.filter(|code| !code.is_empty()),
            cause: explained.cause,
            description: told.description.filter(|words| !words.is_empty()),
            advice: explained.advice,
            waiting: state == MessageState::Submitted,
            session: place.session.map(|session| (urls.receipt(&session), session)),
            batch: place.batch,
            sent_at: place.sent_at.map(|at| self.l.moment(at)),
            took: place.took,
        }
    }
}

struct Told {
    code: Option<String>,
    description: Option<String>,
    category: Option<String>,
}

struct Place {
    session: Option<String>,
    batch: Option<(String, String)>,
    sent_at: Option<OffsetDateTime>,
    took: Option<String>,
}

/// A code in words, and what to do about it.
struct Explained {
    cause: Option<String>,
    advice: Option<String>,
}

impl Explained {
    fn of(words: Words, state: MessageState, told: &Told) -> Self {
        let keys = match state {
            MessageState::Failed => told
                .category
                .as_ref()
                .map(|category| (format!("cause-{category}"), format!("cause-{category}-do"))),
            MessageState::Refused => told.code.as_ref().map(|code| {
                let known = words.try_t(&format!("ret-{code}")).is_some();
                let key = if known { format!("ret-{code}") } else { "ret-other".to_owned() };
                (key.clone(), format!("{key}-do"))
            }),
            MessageState::Unknown => {
                Some(("message-unknown-what".to_owned(), "message-unknown-do".to_owned()))
            }
            MessageState::Queued
            | MessageState::Submitted
            | MessageState::InDoubt
            | MessageState::Delivered
            | MessageState::Cancelled
            | MessageState::Suppressed => None,
        };
        let said = |key: &str| words.try_t(key);
        Self {
            cause: keys.as_ref().and_then(|(cause, _)| said(cause)),
            advice: keys.as_ref().and_then(|(_, advice)| said(advice)),
        }
    }
}

/// How long a receipt took, in the largest two units.
fn took(words: Words, sent: OffsetDateTime, received: OffsetDateTime) -> String {
    let seconds = (received - sent).whole_seconds().max(0);
    match seconds {
        0..60 => words.with("receipts-seconds", &[("n", seconds.into())]),
        60..3600 => words.with(
            "receipts-minutes",
            &[("m", (seconds / 60).into()), ("s", (seconds % 60).into())],
        ),
        _ => words.with(
            "receipts-hours",
            &[("h", (seconds / 3600).into()), ("m", (seconds / 60 % 60).into())],
        ),
    }
}
