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

/// `before` and `now`, letter by letter; equal letters that merely stand between two changes are
/// folded into them, so that a person can read it.
pub fn texts(before: &str, now: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for change in TextDiff::from_chars(before, now).iter_all_changes() {
        let letter = change.value();
        match (change.tag(), pieces.last_mut()) {
            (ChangeTag::Equal, Some(Piece::Same(text)))
            | (ChangeTag::Delete, Some(Piece::Gone(text)))
            | (ChangeTag::Insert, Some(Piece::New(text))) => text.push_str(letter),
            (ChangeTag::Equal, _) => pieces.push(Piece::Same(letter.to_owned())),
            (ChangeTag::Delete, _) => pieces.push(Piece::Gone(letter.to_owned())),
            (ChangeTag::Insert, _) => pieces.push(Piece::New(letter.to_owned())),
        }
    }
    pieces
}

/// A field that changed.
#[derive(Debug)]
pub struct Changed {
    /// What it is called.
    pub word: String,
    /// Its pieces.
    pub pieces: Vec<Piece>,
}

/// The fields of `rows` (word, before, now) that changed.
pub fn fields(rows: Vec<(String, String, String)>) -> Vec<Changed> {
    rows.into_iter()
        .filter(|(_, before, now)| before != now)
        .map(|(word, before, now)| Changed { word, pieces: texts(&before, &now) })
        .collect()
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
    }
}
