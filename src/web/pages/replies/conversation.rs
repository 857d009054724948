//! `/replies/{id}`: all messages to a phone and all replies from it, in order. The URL contains no
//! phone, so that it can be shared with viewers.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use super::{micros, read_micros};
use crate::app::App;
use crate::db::replies::conversations::{self, Conversation};
use crate::db::replies::suppressions::{self, Suppression};
use crate::db::replies::{self, Cursor, Reply};
use crate::db::sending::message_search::{ExternalMessage, FoundMessage, MessageQuery, Phones};
use crate::db::sending::messages::Message;
use crate::domain::accounts::role::Permission;
use crate::domain::accounts::sight::Sight;
use crate::domain::ids::{Id, MessageId, ReplyId};
use crate::domain::phone::{Phone, masked};
use crate::domain::replies::reply::{Decision, OptOut};
use crate::domain::replies::suppression::{SuppressionReason, SuppressionScope};
use crate::domain::sending::message::MessageState;
use crate::domain::text;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::http::pools::Pools;
use crate::web::http::urls::with_query;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::Moment;
use crate::web::ui::segments::{Segment, segments_of};
use crate::web::ui::status::Status;

/// Entries of a page.
const A_PAGE: usize = 50;
/// The largest length of a reply, in characters, that is not shortened.
const SHORT_LENGTH: usize = 500;

/// The query parameters of a conversation.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConversationQuery {
    /// The cursor before which the page ends.
    before: String,
}

/// A message that the console sent.
struct Sent {
    id: MessageId,
    signature: String,
    segments: Vec<Segment>,
    status: Status,
    at: Moment,
    batch: (String, String),
}

/// An external message, whose text is not known.
struct External {
    href: String,
    status: Status,
    at: Moment,
}

/// A reply.
struct Received {
    text: String,
    /// The whole text, if `text` is only its beginning.
    whole: Option<String>,
    at: Moment,
    unread: bool,
    /// How it counts as an opt-out, if it does: its mark and its name.
    opt_out: Option<(&'static str, String)>,
    /// Who decided that it is no opt-out.
    undone: Option<String>,
    answers: Option<Answered>,
}

/// The message that a reply answers.
struct Answered {
    name: String,
    href: String,
    /// Whether the reply names the message; otherwise it is a guess.
    named: bool,
}

enum Bubble {
    Sent(Sent),
    External(External),
    Received(Received),
}

impl Bubble {
    fn is_guess(&self) -> bool {
        match self {
            Self::Sent(_) | Self::External(_) => false,
            Self::Received(reply) => reply.answers.as_ref().is_some_and(|answered| !answered.named),
        }
    }
}

/// Whether messages are sent to the phone.
enum PhoneStatus {
    /// They are.
    Free,
    /// It opted out by a reply.
    OptedOut(Moment),
    /// It opted out of marketing by a reply.
    OptedOutOfMarketing(Moment),
    /// It is suppressed for another reason.
    Suppressed(String),
    /// No marketing is sent to it, for another reason.
    SuppressedForMarketing(String),
    /// It opted out, but only its masked form is known.
    Masked,
}

#[derive(Template)]
#[template(path = "pages/replies/conversation.html")]
struct ConversationPage {
    l: Layout,
    conversation: Conversation,
    phone: String,
    bubbles: Vec<Bubble>,
    /// Whether some reply does not name the message that it answers.
    guessed: bool,
    earlier: Option<String>,
    latest: Option<String>,
    status: PhoneStatus,
    /// Whether other messages than marketing are sent to the phone.
    sendable: bool,
    /// Whether all digits of the phone are known, and the person may see and use them.
    usable: bool,
    may_send: bool,
}

/// Shows a conversation. This changes nothing: the replies are marked as read by a button, which a
/// script presses.
pub async fn show(
    app: web::Data<App>,
    pools: web::Data<Pools>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    query: web::Query<ConversationQuery>,
) -> Result<HttpResponse, WebError> {
    let app = pools.lists(&app);
    let id = path.1.parse().map_err(|_| WebError::NotFound)?;
    let project = member.project.id;
    let mut db = app.db.acquire().await?;
    let conversation =
        conversations::find(&mut db, project, id).await?.ok_or(WebError::NotFound)?;
    let suppression = suppressions::of_phone(&mut db, project, &conversation.phone).await?;
    drop(db);
    let before = cursor(&query.before);
    // One more than a page shows whether there are earlier entries.
    let limit = A_PAGE + 1;
    let (reply, message) = before.unwrap_or_default();
    let replies = i64::try_from(limit).unwrap_or(i64::MAX);
    let received = replies::of_phone(&app.db, project, &conversation.phone, reply, replies).await?;
    let phone = Some(Phones::Whole(conversation.phone.clone()));
    let message_query = MessageQuery { phone, ..MessageQuery::default() };
    let sent = app.message_search.page(project, &message_query, message, limit).await?.messages;
    let l = Layout::in_project(&member, &app, &request, Section::Replies).await?;
    let href = l.urls.conversation(conversation.id);
    let thread = Thread::merge(received, sent, before.unwrap_or_default());
    let is_whole = Phone::is_whole(&conversation.phone);
    let may_send = member.may(Permission::Send);
    let bubbles = bubbles(&l, &conversation, thread.entries, member.sight(&app));
    let status = phone_status(&l, &conversation, suppression, is_whole);
    let sendable = match status {
        PhoneStatus::Free
        | PhoneStatus::OptedOutOfMarketing(_)
        | PhoneStatus::SuppressedForMarketing(_) => true,
        PhoneStatus::OptedOut(_) | PhoneStatus::Suppressed(_) | PhoneStatus::Masked => false,
    };
    let page = ConversationPage {
        phone: if may_send { conversation.phone.clone() } else { masked(&conversation.phone) },
        status,
        sendable,
        earlier: thread.earlier.map(|at| with_query(&href, &[("before", &at)])),
        latest: before.map(|_| href),
        guessed: bubbles.iter().any(Bubble::is_guess),
        bubbles,
        usable: is_whole && may_send,
        may_send,
        conversation,
        l,
    };
    page::ok(&page)
}

fn phone_status(
    l: &Layout,
    conversation: &Conversation,
    suppression: Option<Suppression>,
    is_whole: bool,
) -> PhoneStatus {
    let Some(suppression) = suppression else {
        let is_masked = conversation.opted_out && !is_whole;
        return if is_masked { PhoneStatus::Masked } else { PhoneStatus::Free };
    };
    if suppression.pending {
        return PhoneStatus::Free;
    }
    let by_reply = suppression.reason == SuppressionReason::Reply || suppression.raised;
    let at = l.moment(suppression.id.made_at());
    let reason = l.t(&format!("suppression-{}", suppression.reason.key()));
    match (suppression.scope, by_reply && conversation.opted_out) {
        (SuppressionScope::All, true) => PhoneStatus::OptedOut(at),
        (SuppressionScope::All, false) => PhoneStatus::Suppressed(reason),
        (SuppressionScope::Marketing, true) => PhoneStatus::OptedOutOfMarketing(at),
        (SuppressionScope::Marketing, false) => PhoneStatus::SuppressedForMarketing(reason),
    }
}

/// Where a page ended among the replies, and among the messages.
type Position = (Option<Cursor>, Option<MessageId>);

/// Reads `{micros}_{reply}_{message}`; what was not reached yet is empty.
fn cursor(text: &str) -> Option<Position> {
    let mut parts = text.split('_');
    let (at, reply, message) = (parts.next()?, parts.next()?, parts.next()?);
    let reply = read_micros(at).zip(reply.parse().ok()).map(|(at, id)| Cursor { at, id });
    Some((reply, message.parse().ok()))
}

enum Entry {
    Reply(Box<Reply>),
    Message(Box<Message>),
    ExternalMessage(ExternalMessage),
}

/// The longest time until an external message becomes known by its receipt.
const RECEIPT_PERIOD: Duration = Duration::days(4);

impl Entry {
    /// Returns the time that pages are read by. Replies have whole seconds: they sort after
    /// messages of the same second.
    fn known_at(&self) -> OffsetDateTime {
        match self {
            Self::Reply(reply) => reply.replied_at + Duration::milliseconds(999),
            Self::Message(message) => message.id.made_at(),
            Self::ExternalMessage(message) => message.id.made_at(),
        }
    }

    /// Returns the time that it is sorted by within a page. An external message has the time of its
    /// receipt, if that is plausible.
    fn at(&self) -> OffsetDateTime {
        let Self::ExternalMessage(message) = self else { return self.known_at() };
        let known_at = message.id.made_at();
        let plausible = (known_at - RECEIPT_PERIOD)..=(known_at + Duration::HOUR);
        message.receipt_at.filter(|at| plausible.contains(at)).unwrap_or(known_at)
    }

    /// Returns the id, if it is a message.
    fn message(&self) -> Option<MessageId> {
        match self {
            Self::Reply(_) => None,
            Self::Message(message) => Some(message.id),
            Self::ExternalMessage(message) => Some(message.id),
        }
    }
}

/// The entries of a page, oldest first.
struct Thread {
    entries: Vec<Entry>,
    earlier: Option<String>,
}

impl Thread {
    /// Merges replies and messages, each newest first, that come after `position`.
    fn merge(received: Vec<Reply>, sent: Vec<FoundMessage>, position: Position) -> Self {
        let replies = received.into_iter().map(|reply| Entry::Reply(Box::new(reply)));
        let messages = sent.into_iter().map(|message| match message {
            FoundMessage::Own(message) => Entry::Message(message),
            FoundMessage::ExternalMessage(message) => Entry::ExternalMessage(message),
        });
        let mut entries: Vec<Entry> = replies.chain(messages).collect();
        // The sort is stable, so that both lists keep their own order.
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.known_at()));
        let has_more = entries.len() > A_PAGE;
        entries.truncate(A_PAGE);
        let (mut reply, mut message) = position;
        for entry in &entries {
            match entry {
                Entry::Reply(row) => reply = Some(Cursor { at: row.replied_at, id: row.id }),
                Entry::Message(_) | Entry::ExternalMessage(_) => message = entry.message(),
            }
        }
        entries.reverse();
        entries.sort_by_key(Entry::at);
        let reply = reply.map_or("_".to_owned(), |at| format!("{}_{}", micros(at.at), at.id));
        let message = message.map(|id| id.to_string()).unwrap_or_default();
        Self { entries, earlier: has_more.then(|| format!("{reply}_{message}")) }
    }
}

fn bubbles(
    l: &Layout,
    conversation: &Conversation,
    entries: Vec<Entry>,
    sight: Sight,
) -> Vec<Bubble> {
    let shown: Vec<MessageId> = entries.iter().filter_map(Entry::message).collect();
    let unread = first_unread(conversation, &entries);
    // A reply after an external message more likely answers that message.
    let mut after_external = false;
    let draw = |entry: Entry| match entry {
        Entry::Message(message) => {
            after_external = false;
            Bubble::Sent(sent(l, &message, sight))
        }
        Entry::ExternalMessage(message) => {
            after_external = true;
            Bubble::External(external(l, &message))
        }
        Entry::Reply(mut reply) => {
            let is_unread = unread.is_some_and(|from| reply.id >= from);
            reply.message = reply.message.filter(|_| reply.named || !after_external);
            reply.content = sight.text_about(&reply.content, &conversation.phone).into_owned();
            Bubble::Received(received(l, *reply, &shown, is_unread))
        }
    };
    entries.into_iter().map(draw).collect()
}

/// Returns the first unread reply, counted from the end.
fn first_unread(conversation: &Conversation, entries: &[Entry]) -> Option<ReplyId> {
    let mut ids: Vec<ReplyId> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Reply(reply) => Some(reply.id),
            Entry::Message(_) | Entry::ExternalMessage(_) => None,
        })
        .collect();
    ids.sort_unstable();
    let count = usize::try_from(conversation.unread).unwrap_or(0);
    ids.into_iter().rev().take(count).next_back()
}

fn sent(l: &Layout, message: &Message, sight: Sight) -> Sent {
    let origin = &message.origin;
    Sent {
        id: message.id,
        signature: text::bracketed(&origin.sig_content, origin.international),
        segments: segments_of(&origin.text(), &message.values_for(sight)),
        status: Status::new(&message.state, l.texts),
        at: l.moment(message.sent_at.unwrap_or_else(|| message.id.made_at())),
        batch: (l.shown(&origin.batch_name).into_owned(), l.urls.batch(origin.batch)),
    }
}

fn external(l: &Layout, message: &ExternalMessage) -> External {
    External {
        href: l.urls.message(message.id),
        status: Status::new(&MessageState::from(message.outcome), l.texts),
        at: l.moment(message.receipt_at.unwrap_or_else(|| message.id.made_at())),
    }
}

fn received(l: &Layout, reply: Reply, shown: &[MessageId], unread: bool) -> Received {
    let answers = reply.message.zip(reply.batch).map(|(message, batch)| Answered {
        name: l.shown(&reply.batch_name.unwrap_or_default()).into_owned(),
        href: if shown.contains(&message) { format!("#{message}") } else { l.urls.batch(batch) },
        named: reply.named,
    });
    let beginning: String = reply.content.chars().take(SHORT_LENGTH).collect();
    Received {
        whole: (beginning.len() < reply.content.len()).then_some(reply.content),
        text: beginning,
        at: l.moment(reply.replied_at),
        unread,
        opt_out: match reply.opt_out {
            OptOut::Perhaps => Some(("doubt", l.t("replies-perhaps"))),
            OptOut::Active => Some(("stopped", l.t("replies-opt-out"))),
            OptOut::Marketing => Some(("stopped", l.t("replies-opt-out-marketing"))),
            OptOut::None | OptOut::Undone | OptOut::Dismissed => None,
        },
        undone: match reply.opt_out {
            OptOut::Undone => Some("replies-opt-out-undone"),
            OptOut::Dismissed => Some("replies-opt-out-dismissed"),
            OptOut::None | OptOut::Perhaps | OptOut::Active | OptOut::Marketing => None,
        }
        .map(|key| l.with(key, &[("person", reply.undone_by.unwrap_or_default().into())])),
        answers,
    }
}
