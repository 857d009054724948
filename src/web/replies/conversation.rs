//! `/replies/{id}`: all that went to a phone and came from it, in order. The address carries no
//! phone, so that viewers can be given it.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use super::{micros, read_micros};
use crate::app::App;
use crate::db::conversations::{self, Conversation};
use crate::db::message_search::{ExternalMessage, FoundMessage, MessageQuery, Phones};
use crate::db::messages::Message;
use crate::db::replies::{self, Cursor, Reply};
use crate::db::suppressions::{self, Suppression};
use crate::domain::ids::{Id, MessageId, ReplyId};
use crate::domain::message::MessageState;
use crate::domain::phone::{Phone, masked};
use crate::domain::reply::OptOut;
use crate::domain::role::Permission;
use crate::domain::suppression::SuppressionReason;
use crate::domain::text;
use crate::web::components::Status;
use crate::web::error::WebError;
use crate::web::layout::{Layout, Section};
use crate::web::member::Member;
use crate::web::moment::Moment;
use crate::web::page;
use crate::web::send::view::{Piece, parts_of};
use crate::web::urls::with_query;

/// Bubbles of a page.
const A_PAGE: usize = 50;
/// Letters of a reply that are shown at once.
const SHOWN: usize = 500;

/// Where a page of a conversation begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Look {
    before: String,
}

/// What we sent.
struct Sent {
    id: MessageId,
    signature: String,
    pieces: Vec<Piece>,
    status: Status,
    at: Moment,
    batch: (String, String),
}

/// What another program of the account sent: what it said is not known.
struct Other {
    address: String,
    status: Status,
    at: Moment,
}

/// What they answered.
struct Received {
    words: String,
    /// All of it, where the words are only its beginning.
    whole: Option<String>,
    at: Moment,
    unread: bool,
    stands: bool,
    taken_back: Option<String>,
    answers: Option<Answered>,
}

/// The message a reply answers.
struct Answered {
    name: String,
    address: String,
    named: bool,
}

enum Bubble {
    Sent(Sent),
    Other(Other),
    Received(Received),
}

impl Bubble {
    fn is_guess(&self) -> bool {
        match self {
            Self::Sent(_) | Self::Other(_) => false,
            Self::Received(got) => got.answers.as_ref().is_some_and(|of| !of.named),
        }
    }
}

/// Whether the phone is sent to.
enum Standing {
    /// It is.
    Free,
    /// It opted out by a reply.
    OptedOut(Moment),
    /// It is on the list for another reason.
    Listed(String),
    /// It opted out, but its digits are not known.
    Masked,
}

#[derive(Template)]
#[template(path = "replies/conversation.html")]
struct ConversationPage {
    l: Layout,
    one: Conversation,
    phone: String,
    bubbles: Vec<Bubble>,
    /// Some reply does not say which message it answers.
    guessed: bool,
    earlier: Option<String>,
    latest: Option<String>,
    standing: Standing,
    /// The phone has all its digits, and the person may see and use them.
    usable: bool,
    may_send: bool,
}

/// One conversation. Looking changes nothing: it is read when its button was pressed, or the script
/// that presses it.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    look: web::Query<Look>,
) -> Result<HttpResponse, WebError> {
    let id = path.1.parse().map_err(|_| WebError::NotFound)?;
    let project = member.project.id;
    let mut db = app.db.acquire().await?;
    let one = conversations::find(&mut db, project, id).await?.ok_or(WebError::NotFound)?;
    let listed = suppressions::of_phone(&mut db, project, &one.phone).await?;
    drop(db);
    let before = cursor(&look.before);
    // One more than is shown tells whether there are earlier ones.
    let limit = A_PAGE + 1;
    let (reply, message) = before.unwrap_or_default();
    let replies = i64::try_from(limit).unwrap_or(i64::MAX);
    let came = replies::of_phone(&app.db, project, &one.phone, reply, replies).await?;
    let phone = Some(Phones::Whole(one.phone.clone()));
    let wanted = MessageQuery { phone, ..MessageQuery::default() };
    let went = app.log.page(project, &wanted, message, limit).await?.messages;
    let l = member.layout(&app, &request, Section::Replies).await?;
    let address = l.urls.conversation(one.id);
    let thread = Thread::merge(came, went, before.unwrap_or_default());
    let whole = Phone::parse(&one.phone).is_ok();
    let may_send = member.may(Permission::Send);
    let bubbles = bubbles(&l, &one, thread.entries);
    let page = ConversationPage {
        phone: if may_send { one.phone.clone() } else { masked(&one.phone) },
        standing: standing(&l, &one, listed, whole),
        earlier: thread.earlier.map(|at| with_query(&address, &[("before", &at)])),
        latest: before.map(|_| address),
        guessed: bubbles.iter().any(Bubble::is_guess),
        bubbles,
        usable: whole && may_send,
        may_send,
        one,
        l,
    };
    page::ok(&page)
}

fn standing(l: &Layout, one: &Conversation, listed: Option<Suppression>, whole: bool) -> Standing {
    match listed {
        Some(listed) if listed.reason == SuppressionReason::Reply && one.opted_out => {
            Standing::OptedOut(l.moment(listed.id.made_at()))
        }
        Some(listed) => Standing::Listed(l.t(&format!("suppression-{}", listed.reason.key()))),
        None if one.opted_out && !whole => Standing::Masked,
        None => Standing::Free,
    }
}

/// Where both kinds of entries of a page ended.
type Place = (Option<Cursor>, Option<MessageId>);

/// `{micros}_{reply}_{message}`; what was not reached yet is empty.
fn cursor(text: &str) -> Option<Place> {
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

/// What another program sent is heard of by its receipt, within these days.
const HEARD_WITHIN: Duration = Duration::days(4);

impl Entry {
    /// By when it is read. Times of replies are whole seconds: they stand behind what left in the
    /// same one.
    fn known_at(&self) -> OffsetDateTime {
        match self {
            Self::Reply(reply) => reply.replied_at + Duration::milliseconds(999),
            Self::Message(message) => message.id.made_at(),
            Self::ExternalMessage(message) => message.id.made_at(),
        }
    }

    /// Its place in the thread. What another program sent stands by its receipt's own time, where
    /// that can be true.
    fn at(&self) -> OffsetDateTime {
        let Self::ExternalMessage(message) = self else { return self.known_at() };
        let heard = message.id.made_at();
        let can_be = (heard - HEARD_WITHIN)..=(heard + Duration::HOUR);
        message.receipt_at.filter(|at| can_be.contains(at)).unwrap_or(heard)
    }

    /// The message that went out, if it is one.
    fn message(&self) -> Option<MessageId> {
        match self {
            Self::Reply(_) => None,
            Self::Message(message) => Some(message.id),
            Self::ExternalMessage(message) => Some(message.id),
        }
    }
}

/// The newest entries, in order.
struct Thread {
    entries: Vec<Entry>,
    earlier: Option<String>,
}

impl Thread {
    /// Merges replies and messages, each newest first, behind `place`.
    fn merge(came: Vec<Reply>, went: Vec<FoundMessage>, place: Place) -> Self {
        let came = came.into_iter().map(|one| Entry::Reply(Box::new(one)));
        let went = went.into_iter().map(|one| match one {
            FoundMessage::Own(message) => Entry::Message(message),
            FoundMessage::ExternalMessage(message) => Entry::ExternalMessage(message),
        });
        let mut entries: Vec<Entry> = came.chain(went).collect();
        // Both lists keep their own order: the sort is stable.
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.known_at()));
        let more = entries.len() > A_PAGE;
        entries.truncate(A_PAGE);
        let (mut reply, mut message) = place;
        for entry in &entries {
            match entry {
                Entry::Reply(one) => reply = Some(Cursor { at: one.replied_at, id: one.id }),
                Entry::Message(_) | Entry::ExternalMessage(_) => message = entry.message(),
            }
        }
        entries.reverse();
        entries.sort_by_key(Entry::at);
        let reply = reply.map_or("_".to_owned(), |at| format!("{}_{}", micros(at.at), at.id));
        let message = message.map(|id| id.to_string()).unwrap_or_default();
        Self { entries, earlier: more.then(|| format!("{reply}_{message}")) }
    }
}

fn bubbles(l: &Layout, one: &Conversation, entries: Vec<Entry>) -> Vec<Bubble> {
    let shown: Vec<MessageId> = entries.iter().filter_map(Entry::message).collect();
    let unread = unread(one, &entries);
    // A reply behind another program's text more likely answers that one.
    let mut behind_other = false;
    let draw = |entry: Entry| match entry {
        Entry::Message(message) => {
            behind_other = false;
            Bubble::Sent(sent(l, &message))
        }
        Entry::ExternalMessage(message) => {
            behind_other = true;
            Bubble::Other(other(l, &message))
        }
        Entry::Reply(mut reply) => {
            let is_unread = unread.is_some_and(|from| reply.id >= from);
            reply.message = reply.message.filter(|_| reply.named || !behind_other);
            Bubble::Received(received(l, *reply, &shown, is_unread))
        }
    };
    entries.into_iter().map(draw).collect()
}

/// The first unread one of what came last.
fn unread(one: &Conversation, entries: &[Entry]) -> Option<ReplyId> {
    let mut ids: Vec<ReplyId> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Reply(reply) => Some(reply.id),
            Entry::Message(_) | Entry::ExternalMessage(_) => None,
        })
        .collect();
    ids.sort_unstable();
    let many = usize::try_from(one.unread).unwrap_or(0);
    ids.into_iter().rev().take(many).next_back()
}

fn sent(l: &Layout, message: &Message) -> Sent {
    let origin = &message.origin;
    Sent {
        id: message.id,
        signature: text::bracketed(&origin.sig_content, origin.international),
        pieces: parts_of(&origin.template_text, &message.params),
        status: Status::new(&message.state, l.texts),
        at: l.moment(message.sent_at.unwrap_or_else(|| message.id.made_at())),
        batch: (origin.batch_name.clone(), l.urls.batch(origin.batch)),
    }
}

fn other(l: &Layout, message: &ExternalMessage) -> Other {
    Other {
        address: l.urls.message(message.id),
        status: Status::new(&MessageState::from(message.outcome), l.texts),
        at: l.moment(message.receipt_at.unwrap_or_else(|| message.id.made_at())),
    }
}

fn received(l: &Layout, reply: Reply, shown: &[MessageId], unread: bool) -> Received {
    let answers = reply.message.zip(reply.batch).map(|(message, batch)| Answered {
        name: reply.batch_name.unwrap_or_default(),
        address: if shown.contains(&message) { format!("#{message}") } else { l.urls.batch(batch) },
        named: reply.named,
    });
    let begin: String = reply.content.chars().take(SHOWN).collect();
    Received {
        whole: (begin.len() < reply.content.len()).then_some(reply.content),
        words: begin,
        at: l.moment(reply.replied_at),
        unread,
        stands: reply.opt_out == OptOut::Stands,
        taken_back: match reply.opt_out {
            OptOut::TakenBack => Some(reply.undone_by.unwrap_or_default()),
            OptOut::None | OptOut::Stands => None,
        },
        answers,
    }
}
