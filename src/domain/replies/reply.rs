//! Replies: their text, and whether it is an opt-out.

mod clause;
mod vocabulary;
mod words;

use std::collections::HashSet;

use clause::Found;
use words::Words;

/// The largest length of a stored reply, in characters. The rest is found in the push only.
pub const MAX_LENGTH: usize = 10_000;
/// The largest length of an opt-out, in letters; a longer reply is perhaps one.
const MAX_OPT_OUT_LENGTH: usize = 40;

/// Whether a reply is an opt-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "opt_out", rename_all = "snake_case")]
pub enum OptOut {
    /// It is not.
    None,
    /// Perhaps it is, and nobody has decided yet.
    Perhaps,
    /// It is: the recipient wants no more messages.
    Active,
    /// A member of the project decided that the recipient wants no more marketing.
    Marketing,
    /// It was taken for an opt-out, and a member of the project decided that it is not.
    Undone,
    /// It was perhaps an opt-out, and a member of the project decided that it is not.
    Dismissed,
}

impl OptOut {
    /// Returns the name used in files, where it stays as it was first published, and in message
    /// keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Perhaps => "perhaps",
            Self::Active => "stands",
            Self::Marketing => "marketing",
            Self::Undone => "taken_back",
            Self::Dismissed => "dismissed",
        }
    }
}

/// Returns the text of a reply without control characters other than line breaks and tabs, which no
/// screen shows and the database does not accept, and at most [`MAX_LENGTH`] characters of it.
/// Direction marks stay, since right-to-left texts need them; pages isolate them.
pub fn clean(reply: &str) -> String {
    let reply = reply.replace("\r\n", "\n");
    let visible = reply.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    visible.take(MAX_LENGTH).collect()
}

/// What a reply says about messages to its phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There shall be no more of them.
    OptOut,
    /// Perhaps that; a person has to decide.
    Perhaps,
    /// Something else.
    No,
}

impl From<Verdict> for OptOut {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::OptOut => Self::Active,
            Verdict::Perhaps => Self::Perhaps,
            Verdict::No => Self::None,
        }
    }
}

/// What a person decides about a reply that is perhaps an opt-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The recipient wants no more messages.
    All,
    /// The recipient wants no more marketing.
    Marketing,
    /// It is no opt-out.
    No,
}

impl Decision {
    /// All decisions, in the order of their buttons.
    pub const ALL: [Self; 3] = [Self::All, Self::Marketing, Self::No];

    /// Returns the name used in forms, audit events and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Marketing => "marketing",
            Self::No => "no",
        }
    }

    /// Parses what [`Decision::key`] returns.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.key() == key)
    }
}

/// The opt-out keywords of a project.
///
/// A reply is split into clauses and words, and each word is looked up among the keywords and in a
/// vocabulary. The rule:
///
/// 1. A reply is decided only if all its words are known. If it has others and also mentions an
///    opt-out, it is perhaps one. `T` and other words that often mean something else are mentioned
///    only after `回复` and the like.
/// 2. An opt-out is a keyword, a word such as `退订` or `STOP`, or messages that are forbidden:
///    `别再发了`, `停止发送`, `拒绝接收`. Politeness changes nothing.
/// 3. It is none if it is denied or undone: `不要退订`, `取消退订`, `退订取消`.
/// 4. It is perhaps one if it is asked about, if both are said, if it is denied twice, if there is a
///    word such as `已` or `如果`, or if the reply is long.
///
/// Punctuation, letter width and case, traditional characters, invisible characters and emoji do
/// not matter, except that question marks ask and that other punctuation ends a clause.
#[derive(Debug, Clone, Default)]
pub struct OptOutKeywords {
    keywords: HashSet<Words>,
    spelled: HashSet<String>,
    /// The most words of a keyword.
    longest: usize,
}

impl OptOutKeywords {
    /// Creates the set of keywords that members typed.
    pub fn new(typed: &[String]) -> Self {
        let keywords: HashSet<Words> = typed
            .iter()
            .map(|keyword| words::of(keyword))
            .filter(|words| !words.is_empty())
            .collect();
        Self {
            spelled: keywords.iter().map(|words| words.concat()).collect(),
            longest: keywords.iter().map(Vec::len).max().unwrap_or(0),
            keywords,
        }
    }

    /// Returns whether a reply is an opt-out.
    pub fn judge(&self, reply: &str) -> Verdict {
        let split = words::split(reply);
        let letters = split.letters();
        let mut found = Found::new(split.asks);
        if self.spelled.contains(&letters) || vocabulary::is_opt_out(&letters) {
            found.opt_out_by_itself();
        } else {
            for clause in &split.clauses {
                found.read(clause, self);
            }
        }
        match found.verdict() {
            Verdict::OptOut if letters.chars().count() > MAX_OPT_OUT_LENGTH => Verdict::Perhaps,
            verdict => verdict,
        }
    }

    fn contains(&self, words: &[String]) -> bool {
        self.keywords.contains(words)
    }

    /// Returns whether a word is a keyword typed several times: `TT`.
    fn is_repeated(&self, words: &[String]) -> bool {
        let [word] = words else { return false };
        let repeats = |keyword: &String| {
            word.strip_prefix(keyword.as_str()).is_some_and(|rest| {
                !rest.is_empty() && rest.replace(keyword.as_str(), "").is_empty()
            })
        };
        word.len() <= MAX_OPT_OUT_LENGTH && self.spelled.iter().any(repeats)
    }
}

/// Returns whether a reply is `N` alone, which also answers a question with no.
pub fn is_bare_no(reply: &str) -> bool {
    words::split(reply).letters() == "n"
}

/// Returns whether a text ends with a question mark.
pub fn ends_with_question(text: &str) -> bool {
    text.trim_end().ends_with(['?', '？'])
}

/// Returns a letter or digit in half width and lower case; `None` for other characters.
fn plain(letter: char) -> Option<char> {
    let narrow = match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter),
        other => other,
    };
    let lower = narrow.to_lowercase().next().unwrap_or(narrow);
    lower.is_alphanumeric().then_some(lower)
}

/// Returns the letters and digits of a text, in half width and lower case.
pub fn compact(text: &str) -> String {
    text.chars().filter_map(plain).collect()
}

#[cfg(test)]
mod tests;
