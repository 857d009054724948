//! The ledger: messages by state, as a bar and as a line of numbers. No message may be missing from
//! the sum, which is the promise of the product, so the ledger says openly if it does not add up.

use askama::Template;

use crate::domain::sending::message::{MessageState, Tally};
use crate::web::http::i18n::Texts;
use crate::web::ui::status::Drawing;

/// The smallest width of a state in percent, so that even a single lost message is visible.
const MIN_SHARE: f64 = 0.4;

/// A tally as a bar and a line of numbers.
#[derive(Debug, Clone, Template)]
#[template(path = "ui/figures/ledger.html")]
pub struct Ledger {
    texts: Texts,
    total: i64,
    entries: Vec<Entry>,
    balanced: bool,
}

#[derive(Debug, Clone)]
struct Entry {
    state: Option<MessageState>,
    label: String,
    class: &'static str,
    count: i64,
    /// Link to its messages.
    href: Option<String>,
}

impl Entry {
    fn new(label: String, class: &'static str, count: i64) -> Self {
        Self { state: None, label, class, count, href: None }
    }
}

impl askama::filters::HtmlSafe for Ledger {}

impl Ledger {
    /// Creates the ledger of `tally`, whose sum should be `total`.
    pub fn new(tally: &Tally, total: i64, texts: Texts) -> Self {
        let entries = MessageState::ALL
            .into_iter()
            .filter(|state| tally.of(*state) > 0)
            .map(|state| {
                let label = texts.t(&format!("message-state-{}", state.key()));
                Entry { state: Some(state), ..Entry::new(label, class(state), tally.of(state)) }
            })
            .collect();
        Self { texts, total, entries, balanced: tally.sum() == total }
    }

    /// Links each count to its messages.
    pub fn linked(mut self, href: impl Fn(MessageState) -> Option<String>) -> Self {
        for entry in &mut self.entries {
            entry.href = entry.state.and_then(&href);
        }
        self
    }

    fn bar(&self) -> Bar {
        Bar { segments: segments(&self.entries), label: self.accessible_label(), thin: false }
    }

    fn accessible_label(&self) -> String {
        let each: Vec<String> = self
            .entries
            .iter()
            .map(|entry| format!("{} {}", entry.label, self.texts.n(entry.count)))
            .collect();
        format!("{} = {}", self.texts.n(self.total), each.join(" + "))
    }
}

/// A bar with a segment for each state.
#[derive(Debug, Clone, Template)]
#[template(path = "ui/figures/ledger/statebar.html")]
pub struct Bar {
    segments: Vec<Segment>,
    label: String,
    thin: bool,
}

#[derive(Debug, Clone)]
struct Segment {
    class: &'static str,
    from: String,
    width: String,
}

impl askama::filters::HtmlSafe for Bar {}

impl Bar {
    /// Creates a thin bar for a row of a list.
    pub fn thin(tally: &Tally, total: i64, texts: Texts, label: String) -> Self {
        let ledger = Ledger::new(tally, total, texts);
        Self { segments: segments(&ledger.entries), label, thin: true }
    }

    /// Creates a bar of counts, each with label and CSS class.
    pub fn of_counts(counts: &[(String, &'static str, i64)], label: String) -> Self {
        let entries: Vec<Entry> = counts
            .iter()
            .filter(|(_, _, count)| *count > 0)
            .map(|(name, class, count)| Entry::new(name.clone(), class, *count))
            .collect();
        Self { segments: segments(&entries), label, thin: false }
    }

    /// Creates a thin progress bar: `done` of `all`.
    pub fn of_share(done: i64, all: i64, label: String) -> Self {
        let entry = |class, count| Entry::new(String::new(), class, count);
        let entries = [entry("submitted", done.min(all)), entry("queued", (all - done).max(0))];
        let shown: Vec<Entry> = entries.into_iter().filter(|entry| entry.count > 0).collect();
        Self { segments: segments(&shown), label, thin: true }
    }
}

/// Places the segments one after the other. Very small ones are widened to [`MIN_SHARE`] at the
/// expense of the widest, so that the total stays 100 %.
fn segments(entries: &[Entry]) -> Vec<Segment> {
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
            let segment = Segment {
                class: entry.class,
                from: format!("{from:.2}%"),
                width: format!("{share:.2}%"),
            };
            from += share;
            segment
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
    use crate::web::http::i18n::Language;

    #[test]
    fn a_sum_that_does_not_match_the_total_is_reported() {
        let tally = Tally { delivered: 2, failed: 1, ..Tally::default() };
        assert!(Ledger::new(&tally, 3, Texts(Language::En)).balanced);
        assert!(!Ledger::new(&tally, 4, Texts(Language::En)).balanced);
    }

    #[test]
    fn one_message_in_a_million_is_visible_and_the_bar_stays_at_100_percent() {
        let tally = Tally { delivered: 999_999, failed: 1, ..Tally::default() };
        let segments = segments(&Ledger::new(&tally, 1_000_000, Texts(Language::En)).entries);
        assert_eq!(segments[1].width, "0.40%");
        assert_eq!(segments[1].from, "99.60%");
    }
}
