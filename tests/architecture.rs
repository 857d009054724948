//! The modules use each other in one direction only.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module with the modules that it may use. A module may always use itself.
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

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.is_dir() || path.extension().is_some_and(|e| e == "rs"))
        .flat_map(|path| files(&path))
        .collect()
}

/// Returns the modules that a file names after `crate::`.
fn modules_used(text: &str) -> BTreeSet<String> {
    let without_tests = text.split("#[cfg(test)]").next().unwrap_or(text);
    let mut modules = BTreeSet::new();
    for rest in without_tests.split("crate::").skip(1) {
        if let Some(list) = rest.strip_prefix('{') {
            for item in list.split('}').next().unwrap_or("").split(',') {
                modules.insert(first_word(item.trim()));
            }
        } else {
            modules.insert(first_word(rest));
        }
    }
    modules.remove("");
    modules
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| matches!(c, 'a'..='z' | '0'..='9' | '_')).collect()
}

#[test]
fn no_module_uses_a_module_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut violations = Vec::new();
    for (module, allowed) in ALLOWED {
        let folder = src.join(module);
        let path = if folder.is_dir() { folder } else { src.join(format!("{module}.rs")) };
        for file in files(&path) {
            for used in modules_used(&fs::read_to_string(&file).unwrap()) {
                if used != module && !allowed.contains(&used.as_str()) {
                    violations.push(format!("{} uses {used}", file.display()));
                }
            }
        }
    }
    assert_eq!(violations, Vec::<String>::new());
}

#[test]
fn a_use_of_a_higher_module_is_detected() {
    assert!(modules_used("use crate::web::page;").contains("web"));
    assert!(modules_used("use crate::{db, ops::order};").contains("ops"));
}

#[test]
fn pages_contain_no_sql() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in files(&src.join("web")) {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("sqlx::query"), "{}", file.display());
    }
}

#[test]
fn doc_comments_say_what_a_function_returns() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in files(&src) {
        let text = fs::read_to_string(&file).unwrap();
        for line in text.lines().filter(|line| line.trim_start().starts_with("///")) {
            assert!(!line.contains("Answers "), "{}: say `Returns`: {line}", file.display());
        }
    }
}
