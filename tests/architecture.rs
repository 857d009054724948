//! The rooms use each other in one direction only.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room with the rooms it may use. A room may always use itself.
const ALLOWED: [(&str, &[&str]); 14] = [
    ("domain", &[]),
    ("usms", &[]),
    ("sandbox", &[]),
    ("db", &["domain"]),
    ("outbound", &[]),
    ("i18n", &[]),
    ("backpressure", &[]),
    ("recipient_file", &[]),
    (
        "ops",
        &["app", "config", "outbound", "db", "domain", "i18n", "keyring", "recipient_file", "usms"],
    ),
    ("worker", &["app", "db", "domain", "backpressure", "ops"]),
    ("web", &["app", "db", "domain", "i18n", "ops", "recipient_file", "usms"]),
    ("bench", &["domain", "sandbox"]),
    ("demo", &["app", "clock", "config", "db", "domain", "ops", "sandbox", "serve"]),
    ("app", &["clock", "outbound", "db", "domain", "backpressure", "keyring", "usms"]),
];

fn files(of: &Path) -> Vec<PathBuf> {
    if of.is_file() {
        return vec![of.to_owned()];
    }
    let entries = fs::read_dir(of).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.is_dir() || path.extension().is_some_and(|e| e == "rs"))
        .flat_map(|path| files(&path))
        .collect()
}

/// The rooms that a file names after `crate::`.
fn rooms_used(text: &str) -> BTreeSet<String> {
    let without_tests = text.split("#[cfg(test)]").next().unwrap_or(text);
    let mut rooms = BTreeSet::new();
    for piece in without_tests.split("crate::").skip(1) {
        if let Some(list) = piece.strip_prefix('{') {
            for one in list.split('}').next().unwrap_or("").split(',') {
                rooms.insert(first_word(one.trim()));
            }
        } else {
            rooms.insert(first_word(piece));
        }
    }
    rooms.remove("");
    rooms
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| matches!(c, 'a'..='z' | '0'..='9' | '_')).collect()
}

#[test]
fn no_room_uses_a_room_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut backward = Vec::new();
    for (room, allowed) in ALLOWED {
        let folder = src.join(room);
        let of = if folder.is_dir() { folder } else { src.join(format!("{room}.rs")) };
        for file in files(&of) {
            for used in rooms_used(&fs::read_to_string(&file).unwrap()) {
                if used != room && !allowed.contains(&used.as_str()) {
                    backward.push(format!("{} uses {used}", file.display()));
                }
            }
        }
    }
    assert_eq!(backward, Vec::<String>::new());
}

#[test]
fn a_backward_use_is_seen() {
    assert!(rooms_used("use crate::web::page;").contains("web"));
    assert!(rooms_used("use crate::{db, ops::order};").contains("ops"));
}

#[test]
fn pages_hold_no_sql_and_only_the_clock_asks_for_the_time() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in files(&src.join("web")) {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("sqlx::query"), "{}", file.display());
    }
}
