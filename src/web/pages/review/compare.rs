//! Differences between two versions of an application.

use similar::{ChangeTag, TextDiff};

/// A segment of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiffSegment {
    /// Text of both versions.
    Same(String),
    /// Text of the old version only.
    Removed(String),
    /// Text of the new version only.
    Added(String),
}

/// Compares `before` with `now` by characters. A single equal character between two changes becomes
/// part of them, so that the result is readable.
pub fn diff(before: &str, now: &str) -> Vec<DiffSegment> {
    let diff = TextDiff::from_chars(before, now);
    let changes: Vec<_> = diff.iter_all_changes().collect();
    let is_equal =
        |index: usize| changes.get(index).is_none_or(|change| change.tag() == ChangeTag::Equal);
    let (mut same, mut removed, mut added) = (String::new(), String::new(), String::new());
    let mut segments = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        let character = change.value();
        let is_between = index > 0 && !is_equal(index - 1) && !is_equal(index + 1);
        match change.tag() {
            ChangeTag::Equal if is_between => {
                removed.push_str(character);
                added.push_str(character);
            }
            ChangeTag::Equal => {
                flush(&mut segments, &mut removed, DiffSegment::Removed);
                flush(&mut segments, &mut added, DiffSegment::Added);
                same.push_str(character);
            }
            ChangeTag::Delete => {
                flush(&mut segments, &mut same, DiffSegment::Same);
                removed.push_str(character);
            }
            ChangeTag::Insert => {
                flush(&mut segments, &mut same, DiffSegment::Same);
                added.push_str(character);
            }
        }
    }
    flush(&mut segments, &mut same, DiffSegment::Same);
    flush(&mut segments, &mut removed, DiffSegment::Removed);
    flush(&mut segments, &mut added, DiffSegment::Added);
    segments
}

fn flush(segments: &mut Vec<DiffSegment>, text: &mut String, kind: fn(String) -> DiffSegment) {
    if !text.is_empty() {
        segments.push(kind(std::mem::take(text)));
    }
}

/// A field that changed.
#[derive(Debug)]
pub struct Changed {
    /// Its label.
    pub label: String,
    /// Its old and new text.
    pub segments: Vec<DiffSegment>,
}

/// Compares a text field; returns `None` if it did not change.
pub fn text(label: String, before: &str, now: &str) -> Option<Changed> {
    (before != now).then(|| Changed { label, segments: diff(before, now) })
}

/// Compares a choice as a whole; returns `None` if it did not change.
pub fn choice(label: String, before: String, now: String) -> Option<Changed> {
    (before != now).then(|| Changed {
        label,
        segments: vec![DiffSegment::Removed(before), DiffSegment::Added(now)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_and_added_text_stand_next_to_each_other() {
        let segments = diff("查询请点链接。", "请在App内查看。");
        let now: String = segments
            .iter()
            .filter_map(|segment| match segment {
                DiffSegment::Same(text) | DiffSegment::Added(text) => Some(text.as_str()),
                DiffSegment::Removed(_) => None,
            })
            .collect();
        assert_eq!(now, "请在App内查看。");
        assert_eq!(diff("同", "同"), [DiffSegment::Same("同".to_owned())]);
        let folded =
            [DiffSegment::Removed("一二三".to_owned()), DiffSegment::Added("甲二乙".to_owned())];
        assert_eq!(diff("一二三", "甲二乙"), folded);
    }
}
