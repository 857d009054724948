//! The state of the sandbox, with indexes that keep it fast with a million messages.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::ops::Range;
use std::sync::Arc;

use time::UtcOffset;

use super::faults::Faults;
use super::journal::{Entry, Journal, Sending, SendingGroup, SendingTarget};
use super::outcomes;
use super::records::{Group, Message, Reply, Signature, Template};
use super::report_queue::Pull;
use crate::sandbox::review::Rules;
use crate::sandbox::{Settings, millis, now, phone, text};

/// A push that is not due yet: its time in milliseconds, the index of the message, and whether it
/// is the second push of the receipt.
pub(in crate::sandbox) type Due = (i64, u32, bool);

/// Counters since the start, for tests.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Counts {
    /// API calls, whatever their result.
    pub(in crate::sandbox) calls: u64,
    /// Correctly signed calls by action.
    pub(in crate::sandbox) by_action: BTreeMap<String, u64>,
    /// Parameters that the reference does not list, by action and name.
    pub(in crate::sandbox) undocumented: BTreeMap<String, u64>,
    /// Pushes that the customer accepted.
    pub(in crate::sandbox) pushes_accepted: u64,
    /// Pushes that failed even at the last try.
    pub(in crate::sandbox) pushes_given_up: u64,
}

/// The state of the sandbox.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct World {
    pub(in crate::sandbox) signatures: BTreeMap<String, Signature>,
    pub(in crate::sandbox) templates: BTreeMap<String, Template>,
    pub(in crate::sandbox) messages: Vec<Message>,
    by_session: HashMap<Arc<str>, Range<u32>>,
    by_phone: HashMap<Arc<str>, Vec<u32>>,
    replies: HashMap<String, Vec<Reply>>,
    /// Phones on the vendor's blacklist.
    pub(in crate::sandbox) blacklist: BTreeSet<String>,
    due: BinaryHeap<Reverse<Due>>,
    pushed_until: i64,
    /// A hash of the `UserId` and phone of each accepted message that has a `UserId`.
    pairs: HashSet<u64>,
    /// How many messages had the same `UserId` and phone as one before.
    pub(in crate::sandbox) accepted_twice: u64,
    pub(in crate::sandbox) counts: Counts,
    pub(in crate::sandbox) faults: Faults,
    pub(in crate::sandbox) push_to: Option<String>,
    /// Reports that can be pulled.
    pub(in crate::sandbox) pull: Pull,
    /// Whose words on changing and deleting apply.
    pub(in crate::sandbox) rules: Rules,
    /// How long a review takes, in milliseconds.
    pub(in crate::sandbox) review_after: i64,
    /// How long after it was accepted a message has its receipt, in milliseconds.
    pub(in crate::sandbox) receipt_after: i64,
    journal: Option<Journal>,
}

impl World {
    /// Creates an empty state, or restores it from the journal.
    pub(in crate::sandbox) fn open(settings: &Settings) -> io::Result<Self> {
        let mut world = Self {
            push_to: settings.push_to.clone(),
            review_after: millis(settings.review_after),
            receipt_after: millis(settings.receipt_after),
            ..Self::default()
        };
        if let Some(path) = &settings.journal {
            world.journal = Some(Journal::open(path, |entry| world.apply(entry))?);
            let until = world.pushed_until;
            world.due.retain(|Reverse((at, _, _))| *at > until);
        }
        Ok(world)
    }

    /// Writes an event to the journal and applies it.
    pub(in crate::sandbox) fn record(&mut self, entry: Entry) {
        if let Some(journal) = &mut self.journal {
            journal.append(&entry);
        }
        self.apply(entry);
    }

    /// Applies an event to the state.
    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Signature(signature) => {
                self.signatures.insert(signature.id.clone(), signature);
            }
            Entry::Template(template) => {
                self.templates.insert(template.id.clone(), template);
            }
            Entry::Deleted(id) => {
                self.signatures.remove(&id);
                self.templates.remove(&id);
            }
            Entry::Sent(sending) => self.accept(sending),
            Entry::Replied(reply) => {
                self.replies.entry(reply.phone.clone()).or_default().push(reply);
            }
            Entry::Blacklisted(phones) => self.blacklist.extend(phones),
            Entry::PullOpen(open) => self.pull.set_open(open),
            Entry::Pulled(count) => self.pull.delete(count),
            Entry::PushedUntil(at) => self.pushed_until = at,
        }
    }

    fn accept(&mut self, sending: Sending) {
        let session: Arc<str> = sending.session.into();
        let first = self.next_index();
        for group in sending.groups {
            self.accept_group(&session, sending.at, group);
        }
        self.by_session.insert(session, first..self.next_index());
    }

    fn accept_group(&mut self, session: &Arc<str>, at: i64, group: SendingGroup) {
        let values: Arc<[String]> = group.values.into();
        let targets = group.targets;
        let group = Arc::new(Group {
            session: Arc::clone(session),
            template_id: group.template_id,
            signature: group.signature,
            text: group.text,
            ending: group.ending,
            international: group.international,
            at,
        });
        let mut user_id: Arc<str> = Arc::from("");
        for target in targets {
            if *user_id != *target.user_id {
                user_id = target.user_id.as_str().into();
            }
            self.accept_message(&group, &values, &user_id, target);
        }
    }

    fn accept_message(
        &mut self,
        group: &Arc<Group>,
        values: &Arc<[String]>,
        user_id: &Arc<str>,
        target: SendingTarget,
    ) {
        let key = phone::parse(&target.phone).unwrap_or_else(|| target.phone.clone());
        let key = match self.by_phone.get_key_value(key.as_str()) {
            Some((existing, _)) => Arc::clone(existing),
            None => Arc::from(key),
        };
        let phone = if *key == *target.phone { Arc::clone(&key) } else { Arc::from(target.phone) };
        let mut message = Message {
            phone,
            key: Arc::clone(&key),
            user_id: Arc::clone(user_id),
            extend_code: target.extend_code.into(),
            group: Arc::clone(group),
            values: target.values.map_or_else(|| Arc::clone(values), Arc::from),
            parts: 1,
        };
        message.parts = text::parts(&message.full_text(), group.international);
        let index = self.next_index();
        for (at, second) in outcomes::pushes(&message, self.receipt_after) {
            self.due.push(Reverse((at, index, second)));
        }
        if let Some(at) = outcomes::due(&message, self.receipt_after) {
            self.pull.store(at, index);
        }
        if !user_id.is_empty() && !self.pairs.insert(pair_hash(user_id, &key)) {
            self.accepted_twice += 1;
        }
        self.by_phone.entry(key).or_default().push(index);
        self.messages.push(message);
    }

    fn next_index(&self) -> u32 {
        u32::try_from(self.messages.len()).unwrap_or(u32::MAX)
    }

    /// Returns the messages of a session, in the order in which they were accepted.
    pub(in crate::sandbox) fn session(&self, session_no: &str) -> &[Message] {
        let range = self.by_session.get(session_no).cloned().unwrap_or_default();
        self.messages.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// Returns the last messages to a phone, oldest first.
    pub(in crate::sandbox) fn last_of_phone(&self, key: &str, limit: usize) -> Vec<&Message> {
        let all = self.by_phone.get(key).map(Vec::as_slice).unwrap_or_default();
        let from = all.len().saturating_sub(limit);
        all.iter().skip(from).filter_map(|index| self.messages.get(*index as usize)).collect()
    }

    /// Returns the last of all messages, oldest first.
    pub(in crate::sandbox) fn last(&self, limit: usize) -> &[Message] {
        let from = self.messages.len().saturating_sub(limit);
        self.messages.get(from..).unwrap_or_default()
    }

    /// Returns the replies from a phone, oldest first.
    pub(in crate::sandbox) fn replies(&self, key: &str) -> &[Reply] {
        self.replies.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// Removes and returns pushes that are due, at most `limit`.
    pub(in crate::sandbox) fn take_due(&mut self, now: i64, limit: usize) -> Vec<Due> {
        let mut taken = Vec::new();
        while taken.len() < limit
            && self.due.peek().is_some_and(|Reverse((at, _, _))| *at <= now)
            && let Some(Reverse(due)) = self.due.pop()
        {
            taken.push(due);
        }
        if let Some((at, _, _)) = taken.last() {
            self.record(Entry::PushedUntil(*at));
        }
        taken
    }

    /// Returns how many pushes are not due yet.
    pub(in crate::sandbox) fn pushes_waiting(&self) -> usize {
        self.due.len()
    }
}

fn pair_hash(user_id: &str, key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (user_id, key).hash(&mut hasher);
    hasher.finish()
}

/// Generates an id that looks like the vendor's: a prefix, the day in China, six digits or letters.
pub(in crate::sandbox) fn new_id(prefix: &str) -> String {
    let day = now();
    let day = UtcOffset::from_hms(8, 0, 0).map_or(day, |shanghai| day.to_offset(shanghai)).date();
    let random = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
    let random = random.get(..6).unwrap_or_default();
    format!("{prefix}{:04}{:02}{:02}{random}", day.year(), u8::from(day.month()), day.day())
}
