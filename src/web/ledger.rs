//! The sum that must come out: a thing's messages by state, as a bar and as a line of numbers. It is
//! the promise of the product, so it says openly when it does not come out.

use askama::Template;

use super::components::Drawing;
use super::i18n::Texts;
use crate::domain::message::{MessageState, Tally};

/// Shares below this are drawn this wide, so that a single lost message is still seen.
const MIN_SHARE: f64 = 0.4;

/// A tally on a page.
#[derive(Debug, Clone, Template)]
#[template(path = "components/ledger.html")]
pub struct Ledger {
    texts: Texts,
    total: i64,
    entries: Vec<Entry>,
    balanced: bool,
}

#[derive(Debug, Clone)]
struct Entry {
    word: String,
    class: &'static str,
    count: i64,
}

impl askama::filters::HtmlSafe for Ledger {}

impl Ledger {
    /// The sum of `tally`, which must come to `total`.
    pub fn new(tally: &Tally, total: i64, texts: Texts) -> Self {
        let entries = MessageState::ALL
            .into_iter()
            .filter(|state| tally.of(*state) > 0)
            .map(|state| Entry {
                word: texts.t(&format!("message-state-{}", state.key())),
                class: class(state),
                count: tally.of(state),
            })
            .collect();
        Self { texts, total, entries, balanced: tally.sum() == total }
    }

    fn bar(&self) -> Bar {
        Bar { pieces: pieces(&self.entries), label: self.spoken(), thin: false }
    }

    fn spoken(&self) -> String {
        let each: Vec<String> = self
            .entries
            .iter()
            .map(|entry| format!("{} {}", entry.word, self.texts.n(entry.count)))
            .collect();
        format!("{} = {}", self.texts.n(self.total), each.join(" + "))
    }
}

/// All messages of a thing in one line, a piece for each state.
#[derive(Debug, Clone, Template)]
#[template(path = "components/statebar.html")]
pub struct Bar {
    pieces: Vec<Piece>,
    label: String,
    thin: bool,
}

#[derive(Debug, Clone)]
struct Piece {
    class: &'static str,
    from: String,
    wide: String,
}

impl askama::filters::HtmlSafe for Bar {}

impl Bar {
    /// A thin bar for a row of a list.
    pub fn thin(tally: &Tally, total: i64, texts: Texts, label: String) -> Self {
        let ledger = Ledger::new(tally, total, texts);
        Self { pieces: pieces(&ledger.entries), label, thin: true }
    }

    /// A bar of counts: word, class and count of each.
    pub fn of_counts(counts: &[(String, &'static str, i64)], label: String) -> Self {
        let entries: Vec<Entry> = counts
            .iter()
            .map(|(word, class, count)| Entry { word: word.clone(), class, count: *count })
            .collect();
        Self { pieces: pieces(&entries), label, thin: false }
    }

    /// How far something is, as a thin bar.
    pub fn of_share(done: i64, all: i64, label: String) -> Self {
        let entry = |class, count| Entry { word: String::new(), class, count };
        let entries = [entry("submitted", done.min(all)), entry("queued", (all - done).max(0))];
        let some: Vec<Entry> = entries.into_iter().filter(|entry| entry.count > 0).collect();
        Self { pieces: pieces(&some), label, thin: true }
    }
}

/// Places the pieces one behind the other. Very small shares are widened and the widest piece pays
/// for it, so that the whole stays the whole.
fn pieces(entries: &[Entry]) -> Vec<Piece> {
    #[allow(clippy::cast_precision_loss)]
    let total = entries.iter().map(|entry| entry.count).sum::<i64>().max(1) as f64;
    #[allow(clippy::cast_precision_loss)]
    let mut shares: Vec<f64> =
        entries.iter().map(|entry| (entry.count as f64 * 100.0 / total).max(MIN_SHARE)).collect();
    let excess = shares.iter().sum::<f64>() - 100.0;
    if let Some(widest) = shares.iter_mut().max_by(|a, b| a.total_cmp(b)) {
        *widest -= excess;
    }
    let mut from = 0.0;
    entries
        .iter()
        .zip(shares)
        .map(|(entry, share)| {
            let piece = Piece {
                class: entry.class,
                from: format!("{from:.2}%"),
                wide: format!("{share:.2}%"),
            };
            from += share;
            piece
        })
        .collect()
}

fn class(state: MessageState) -> &'static str {
    match state {
        MessageState::Queued => "queued",
        MessageState::Submitted => "submitted",
        MessageState::InDoubt => "in-doubt",
        MessageState::Delivered => "delivered",
        MessageState::Failed => "failed",
        MessageState::Unknown => "unknown",
        MessageState::Refused => "refused",
        MessageState::Cancelled | MessageState::Suppressed => "stopped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::i18n::Language;

    #[test]
    fn the_line_says_when_the_sum_does_not_come_out() {
        let tally = Tally { delivered: 2, failed: 1, ..Tally::default() };
        assert!(Ledger::new(&tally, 3, Texts(Language::En)).balanced);
        assert!(!Ledger::new(&tally, 4, Texts(Language::En)).balanced);
    }

    #[test]
    fn one_message_in_a_million_is_still_drawn_and_the_bar_stays_whole() {
        let tally = Tally { delivered: 999_999, failed: 1, ..Tally::default() };
        let pieces = pieces(&Ledger::new(&tally, 1_000_000, Texts(Language::En)).entries);
        assert_eq!(pieces[1].wide, "0.40%");
        assert_eq!(pieces[1].from, "99.60%");
    }
}
