//! Reading the words of a clause: what is opted out of, and what is denied, undone or asked.

use super::vocabulary::{self, Class, MAX_ENTRY};
use super::words::Words;
use super::{OptOutKeywords, Verdict};

/// What a clause says about messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Statement {
    /// No more of them.
    OptOut,
    /// An opt-out is denied or undone: `不要退订`.
    Denied,
    /// It cannot be told which: `不要取消退订`.
    Unclear,
    /// More of them: `继续发`.
    Keep,
    /// Something is cancelled, and it is not said what.
    Cancels,
    /// Perhaps that there be no more: `退`.
    Hint,
}

/// What a reply says, in the order in which it was read.
#[derive(Debug, Default)]
pub(super) struct Found {
    statements: Vec<(Statement, Weight)>,
    /// Whether it has a word that is not known.
    unknown: bool,
    /// Whether it asks.
    asks: bool,
    /// Whether a word makes it uncertain.
    doubt: bool,
}

/// Whether a statement is noticed among words that are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// It is: `退订`.
    Strong,
    /// It is not, since its words also mean other things: `T`.
    Weak,
}

/// A part of a clause.
struct Token {
    class: Class,
    weight: Weight,
    /// Whether it is a keyword of the project.
    is_keyword: bool,
}

/// What the words to the right of a position are about, as far as a word there may refer to it.
#[derive(Clone, Copy)]
enum Right {
    Nothing,
    /// The statement with this index.
    Statement(usize),
    Send,
    Receive,
    Message,
    Topic,
    /// `取消`, with the index of its statement, which refers to nothing yet.
    Cancel(usize),
    /// `不`, which refers to nothing yet.
    Not,
}

impl Found {
    /// Returns what was read so far: nothing but whether there is a question mark.
    pub(super) fn new(asks: bool) -> Self {
        Self { asks, ..Self::default() }
    }

    /// Returns the verdict on the whole reply.
    pub(super) fn verdict(&self) -> Verdict {
        let says = |wanted: &[Statement]| {
            self.statements.iter().any(|(statement, _)| wanted.contains(statement))
        };
        use Statement::{Cancels, Denied, Hint, Keep, OptOut, Unclear};
        if self.unknown {
            let mentions = self.statements.iter().any(|(statement, weight)| {
                *weight == Weight::Strong && matches!(statement, OptOut | Denied | Unclear)
            });
            return if mentions { Verdict::Perhaps } else { Verdict::No };
        }
        if self.asks && says(&[OptOut, Denied, Unclear, Cancels, Hint]) {
            return Verdict::Perhaps;
        }
        let opts_out = says(&[OptOut]);
        match (opts_out, says(&[Denied, Keep, Cancels])) {
            _ if says(&[Unclear]) => Verdict::Perhaps,
            (true, false) if !self.doubt => Verdict::OptOut,
            (true, _) => Verdict::Perhaps,
            (false, false) if says(&[Hint]) => Verdict::Perhaps,
            (false, _) => Verdict::No,
        }
    }

    /// Reads a clause, from its end, since words refer to those after them.
    pub(super) fn read(&mut self, clause: &Words, keywords: &OptOutKeywords) {
        let mut right = Right::Nothing;
        // `继续` before a message, unless a word before it forbids it.
        let mut keeps = false;
        for token in tokens(clause, keywords).into_iter().rev() {
            let Some(token) = token else {
                self.unknown = true;
                right = Right::Nothing;
                continue;
            };
            right = match token.class {
                Class::OptOut | Class::Command => self.opt_out(token.weight, right),
                Class::Stop | Class::CancelCommand | Class::Cancel => self.stop(&token, right),
                Class::Not | Class::Refuse | Class::NotNow | Class::NotYet => {
                    keeps &= !matches!(right, Right::Send | Right::Receive | Right::Message);
                    self.deny(&token, right)
                }
                Class::Send => Right::Send,
                Class::Receive => Right::Receive,
                Class::Message => Right::Message,
                Class::Topic => match right {
                    Right::Nothing => Right::Topic,
                    right => right,
                },
                Class::Keep => {
                    keeps = true;
                    right
                }
                Class::Ask => {
                    self.asks = true;
                    right
                }
                Class::Reply => self.reply(right),
                Class::Break => Right::Nothing,
                Class::Hint => {
                    self.say(Statement::Hint, Weight::Weak);
                    right
                }
                Class::Doubt => {
                    self.doubt = true;
                    right
                }
                Class::Filler => right,
                Class::Other => {
                    self.unknown = true;
                    Right::Nothing
                }
            };
        }
        if keeps {
            self.say(Statement::Keep, Weight::Weak);
        }
    }

    fn say(&mut self, statement: Statement, weight: Weight) -> usize {
        self.statements.push((statement, weight));
        self.statements.len() - 1
    }

    fn hint(&mut self) -> Right {
        Right::Statement(self.say(Statement::Hint, Weight::Weak))
    }

    /// Takes note that the whole reply is an opt-out.
    pub(super) fn opt_out_by_itself(&mut self) {
        self.say(Statement::OptOut, Weight::Strong);
    }

    fn opt_out(&mut self, weight: Weight, right: Right) -> Right {
        match right {
            // `退订取消`
            Right::Cancel(index) => {
                self.statements[index] = (Statement::Denied, weight);
                Right::Statement(index)
            }
            // `退订不`
            Right::Not => Right::Statement(self.say(Statement::Unclear, weight)),
            _ => Right::Statement(self.say(Statement::OptOut, weight)),
        }
    }

    /// Reads `停止`, `取消` or `CANCEL`.
    fn stop(&mut self, token: &Token, right: Right) -> Right {
        match right {
            Right::Statement(index) => self.deny_statement(index),
            Right::Send | Right::Receive | Right::Message => {
                Right::Statement(self.say(Statement::OptOut, Weight::Strong))
            }
            Right::Topic if token.class == Class::Cancel => self.hint(),
            Right::Nothing | Right::Topic | Right::Cancel(_) | Right::Not => {
                if token.class == Class::Cancel && !token.is_keyword {
                    Right::Cancel(self.say(Statement::Cancels, Weight::Weak))
                } else {
                    self.opt_out(Weight::Weak, right)
                }
            }
        }
    }

    /// Reads a word that denies or forbids.
    fn deny(&mut self, token: &Token, right: Right) -> Right {
        let forbids = matches!(token.class, Class::Not | Class::Refuse);
        let declines = forbids || token.class == Class::NotNow;
        match right {
            Right::Statement(index) => self.deny_statement(index),
            Right::Send if forbids => Right::Statement(self.say(Statement::OptOut, Weight::Strong)),
            Right::Receive | Right::Message if declines => {
                Right::Statement(self.say(Statement::OptOut, Weight::Strong))
            }
            Right::Send if declines => Right::Statement(self.say(Statement::Hint, Weight::Weak)),
            Right::Send | Right::Receive | Right::Message | Right::Topic => Right::Nothing,
            Right::Nothing | Right::Cancel(_) | Right::Not => {
                if token.is_keyword {
                    return self.opt_out(Weight::Weak, right);
                }
                if token.class == Class::Refuse {
                    self.say(Statement::Hint, Weight::Weak);
                }
                Right::Not
            }
        }
    }

    fn deny_statement(&mut self, index: usize) -> Right {
        let (statement, _) = &mut self.statements[index];
        *statement = match statement {
            Statement::OptOut => Statement::Denied,
            Statement::Denied | Statement::Unclear => Statement::Unclear,
            Statement::Keep | Statement::Cancels | Statement::Hint => *statement,
        };
        Right::Statement(index)
    }

    /// Reads `回复`: a keyword after it is one, whatever else is said, but `回复T取消` may be quoted.
    fn reply(&mut self, right: Right) -> Right {
        if let Right::Statement(index) = right {
            let (statement, weight) = &mut self.statements[index];
            *weight = Weight::Strong;
            if *statement == Statement::Denied {
                *statement = Statement::Unclear;
            }
        }
        Right::Nothing
    }
}

/// Splits a clause into the fewest words of the vocabulary and the keywords; `None` stands for a
/// word that is in neither.
fn tokens(clause: &Words, keywords: &OptOutKeywords) -> Vec<Option<Token>> {
    // For each end: unknown words and all words so far, and where the last one begins.
    let mut best: Vec<((usize, usize), usize)> = vec![((0, 0), 0)];
    let longest = MAX_ENTRY.max(keywords.longest);
    for to in 1..=clause.len() {
        let mut chosen = ((usize::MAX, usize::MAX), 0);
        for from in to.saturating_sub(longest)..to {
            let words = &clause[from..to];
            let is_known = keywords.contains(words)
                || vocabulary::class(words).is_some()
                || keywords.is_repeated(words);
            if !is_known && to - from > 1 {
                continue;
            }
            let ((unknown, all), _) = best[from];
            let cost = (unknown + usize::from(!is_known), all + 1);
            if cost < chosen.0 {
                chosen = (cost, from);
            }
        }
        best.push(chosen);
    }
    let mut found = Vec::new();
    let mut to = clause.len();
    while to > 0 {
        let from = best[to].1;
        found.push(token(&clause[from..to], keywords));
        to = from;
    }
    found.reverse();
    found
}

fn token(words: &[String], keywords: &OptOutKeywords) -> Option<Token> {
    let is_keyword = keywords.contains(words);
    let known = vocabulary::class(words);
    let class = match known {
        // As other words that refer to nothing, it opts out.
        Some(
            Class::Send
            | Class::Receive
            | Class::Message
            | Class::Keep
            | Class::Ask
            | Class::Reply
            | Class::Break
            | Class::Hint
            | Class::Doubt
            | Class::Filler
            | Class::Other,
        )
        | None
            if is_keyword =>
        {
            Class::OptOut
        }
        None if keywords.is_repeated(words) => Class::Hint,
        known => known?,
    };
    let is_letters = words.len() == 1;
    let weight = match (known, class) {
        (Some(Class::OptOut), _) => Weight::Strong,
        (_, Class::OptOut) if !is_letters => Weight::Strong,
        _ => Weight::Weak,
    };
    Some(Token { class, weight, is_keyword })
}
