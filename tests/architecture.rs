//! The modules use each other in one direction only, and documents say what the code does.
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
    assert!(modules_used("use crate::web::http::page;").contains("web"));
    assert!(modules_used("use crate::{db, ops::sending::order};").contains("ops"));
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

/// Returns the names of actions in double quotes that follow `before` in the code of `path`.
fn actions_in_code(path: &str, before: &str, after: &str) -> BTreeSet<String> {
    let mut actions = BTreeSet::new();
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path)) {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (at, _) in code.match_indices(before) {
            let Some((action, rest)) = code[at + before.len()..].split_once('"') else { continue };
            if action.contains("USMS") && rest.starts_with(after) {
                actions.insert(action.to_owned());
            }
        }
    }
    actions
}

/// Returns the rows of the table of actions in docs/COVERAGE.md: action, client, sandbox.
fn documented_actions() -> Vec<[String; 3]> {
    let text = include_str!("../docs/COVERAGE.md");
    let section = text.split("## Actions").nth(1).unwrap().split("| Push |").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 8, "{line}");
        [cells[1].trim_matches('`'), cells[4], cells[5]].map(str::to_owned)
    })
    .collect()
}

#[test]
fn the_documented_actions_are_those_of_client_and_sandbox() {
    let rows = documented_actions();
    let names: BTreeSet<&String> = rows.iter().map(|[action, ..]| action).collect();
    assert_eq!(names.len(), rows.len(), "an action has one row");
    let documented = |column: usize| -> BTreeSet<String> {
        let rows = rows.iter().inspect(|row| assert!(["yes", "no"].contains(&&*row[column])));
        rows.filter(|row| row[column] == "yes").map(|[action, ..]| action.clone()).collect()
    };
    assert_eq!(documented(1), actions_in_code("src/usms", "(keys, \"", ","), "client");
    assert_eq!(documented(2), actions_in_code("src/sandbox/api.rs", "\"", " =>"), "sandbox");
    assert!(rows.len() > documented(1).len(), "what is missing is listed, too");
}
