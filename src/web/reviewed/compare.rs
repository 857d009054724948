//! What changed between two versions of an application.

use similar::{ChangeTag, TextDiff};

/// A piece of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// In both.
    Same(String),
    /// Only before.
    Gone(String),
    /// Only now.
    New(String),
}

/// `before` and `now`, letter by letter; a single equal letter that merely stands between two changes
/// is folded into them, so that a person can read it.
pub fn texts(before: &str, now: &str) -> Vec<Piece> {
    let diff = TextDiff::from_chars(before, now);
    let changes: Vec<_> = diff.iter_all_changes().collect();
    let equal = |at: usize| changes.get(at).is_none_or(|one| one.tag() == ChangeTag::Equal);
    let (mut same, mut gone, mut new) = (String::new(), String::new(), String::new());
    let mut pieces = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        let letter = change.value();
        let between = at > 0 && !equal(at - 1) && !equal(at + 1);
        match change.tag() {
            ChangeTag::Equal if between => {
                gone.push_str(letter);
                new.push_str(letter);
            }
            ChangeTag::Equal => {
                take(&mut pieces, &mut gone, Piece::Gone);
                take(&mut pieces, &mut new, Piece::New);
                same.push_str(letter);
            }
            ChangeTag::Delete => {
                take(&mut pieces, &mut same, Piece::Same);
                gone.push_str(letter);
            }
            ChangeTag::Insert => {
                take(&mut pieces, &mut same, Piece::Same);
                new.push_str(letter);
            }
        }
    }
    take(&mut pieces, &mut same, Piece::Same);
    take(&mut pieces, &mut gone, Piece::Gone);
    take(&mut pieces, &mut new, Piece::New);
    pieces
}

fn take(pieces: &mut Vec<Piece>, text: &mut String, kind: fn(String) -> Piece) {
    if !text.is_empty() {
        pieces.push(kind(std::mem::take(text)));
    }
}

/// A field that changed.
#[derive(Debug)]
pub struct Changed {
    /// What it is called.
    pub word: String,
    /// Its pieces.
    pub pieces: Vec<Piece>,
}

/// A text of a form: what it is called, before and now.
pub fn text(word: String, before: &str, now: &str) -> Option<Changed> {
    (before != now).then(|| Changed { word, pieces: texts(before, now) })
}

/// A choice of a form, compared as a whole.
pub fn choice(word: String, before: String, now: String) -> Option<Changed> {
    (before != now).then(|| Changed { word, pieces: vec![Piece::Gone(before), Piece::New(now)] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_and_what_came_stand_beside_each_other() {
        let pieces = texts("查询请点链接。", "请在App内查看。");
        let now: String = pieces
            .iter()
            .filter_map(|one| match one {
                Piece::Same(text) | Piece::New(text) => Some(text.as_str()),
                Piece::Gone(_) => None,
            })
            .collect();
        assert_eq!(now, "请在App内查看。");
        assert_eq!(texts("同", "同"), [Piece::Same("同".to_owned())]);
        let folded = [Piece::Gone("一二三".to_owned()), Piece::New("甲二乙".to_owned())];
        assert_eq!(texts("一二三", "甲二乙"), folded);
    }
}
