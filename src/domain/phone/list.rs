//! Phones that were typed into one field.

use std::collections::HashSet;

use super::{Phone, PhoneProblem, simplified};

/// An entry of a list that is not a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongPhone {
    /// The line of the list, from 1.
    pub line: usize,
    /// The text that was typed, at most 40 characters of it.
    pub text: String,
    /// Why it cannot be sent to.
    pub problem: PhoneProblem,
}

/// Phones that were typed into one field, one per line or separated by commas, semicolons or tabs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PhoneList {
    /// The phones without duplicates, in the order of the list.
    pub phones: Vec<Phone>,
    /// The entries that are not phones.
    pub wrong: Vec<WrongPhone>,
    /// The phones that were listed again.
    pub duplicates: Vec<Phone>,
    /// The number of all entries.
    pub entries: usize,
}

impl PhoneList {
    /// Parses a list.
    pub fn read(typed: &str) -> Self {
        let mut list = Self::default();
        let mut seen = HashSet::new();
        for (index, line) in typed.lines().enumerate() {
            for entry in entries(line) {
                list.add(index + 1, entry, &mut seen);
            }
        }
        list
    }

    fn add(&mut self, line: usize, entry: &str, seen: &mut HashSet<Phone>) {
        self.entries += 1;
        match Phone::parse(entry) {
            Ok(phone) if seen.insert(phone.clone()) => self.phones.push(phone),
            Ok(phone) => self.duplicates.push(phone),
            Err(problem) => {
                let text = entry.trim().chars().filter(|letter| !letter.is_control());
                self.wrong.push(WrongPhone { line, text: text.take(40).collect(), problem });
            }
        }
    }
}

/// Returns the entries of a line of typed phones.
pub fn entries(line: &str) -> impl Iterator<Item = &str> {
    line.split([',', '，', '、', ';', '；', '\t']).flat_map(phones_of)
}

/// Splits an entry at spaces if each part is a phone of its own. Otherwise the spaces belong to one
/// phone (`185 0000 1234`).
fn phones_of(entry: &str) -> Vec<&str> {
    if simplified(entry).is_empty() {
        return Vec::new();
    }
    let parts: Vec<&str> = entry.split_whitespace().collect();
    let all_phones = parts.len() > 1 && parts.iter().all(|part| Phone::parse(part).is_ok());
    if all_phones { parts } else { vec![entry] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_its_invalid_lines_and_drops_duplicates() {
        let list = PhoneList::read(
            "18500001234,185 0000 1235\n\n+8618500001234；abc\n18500001236 18500001237",
        );
        let phones: Vec<&str> = list.phones.iter().map(Phone::as_str).collect();
        assert_eq!(phones, ["18500001234", "18500001235", "18500001236", "18500001237"]);
        assert_eq!(list.duplicates.len(), 1);
        assert_eq!((list.wrong[0].line, list.wrong[0].text.as_str()), (3, "abc"));
        assert_eq!(list.entries, 6);
    }
}
