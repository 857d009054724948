//! The modules use each other in one direction only, and documents say what the code does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
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

/// Columns of a line of a template.
const MAX_COLUMNS: usize = 120;
/// Files of one folder below `src/`.
const MAX_FILES: usize = 20;
/// Lines of one file.
const MAX_LINES: usize = 500;
/// Lines of one function.
const MAX_FUNCTION_LINES: usize = 100;
/// Names that three files of one layer give to types of their own.
const MAX_SHARED_NAMES: usize = 5;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the path of a module below `src/`: `web::http::form`.
fn module_of(file: &Path) -> Vec<String> {
    let path = file.strip_prefix(root().join("src")).unwrap().with_extension("");
    let mut parts: Vec<String> =
        path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if ["mod", "lib", "main"].contains(&parts.last().unwrap().as_str()) {
        parts.pop();
    }
    parts
}

/// Returns the paths that a `use` names, with all braces resolved.
fn paths_of_use(text: &str) -> Vec<Vec<String>> {
    let mut items = Vec::new();
    let (mut depth, mut item) = (0, String::new());
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(std::mem::take(&mut item)),
            _ => {}
        }
        if c != ',' || depth > 0 {
            item.push(c);
        }
    }
    items.push(item);
    let mut paths = Vec::new();
    for item in items.iter().map(|item| item.trim()).filter(|item| !item.is_empty()) {
        match item.split_once('{') {
            Some((start, rest)) => {
                let start: Vec<String> =
                    start.split("::").filter(|s| !s.is_empty()).map(str::to_owned).collect();
                let inner = rest.strip_suffix('}').unwrap_or(rest);
                paths.extend(
                    paths_of_use(inner).into_iter().map(|path| [start.clone(), path].concat()),
                );
            }
            None => {
                let path = item.split(" as ").next().unwrap();
                paths.push(path.split("::").map(|part| part.trim().to_owned()).collect());
            }
        }
    }
    paths
}

/// Returns the modules of the program, each with those that its `use` lines name.
fn imports() -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let all = files(&root().join("src"));
    let modules: BTreeSet<Vec<String>> = all.iter().map(|file| module_of(file)).collect();
    let mut imports = BTreeMap::new();
    for file in &all {
        let module = module_of(file);
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let mut used = BTreeSet::new();
        for statement in code.split(';') {
            let line = statement.rsplit("\n\n").next().unwrap().trim();
            let line = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            let Some(tree) = line.strip_prefix("use ") else { continue };
            for path in paths_of_use(&tree.replace('\n', " ")) {
                let absolute = match path[0].as_str() {
                    "crate" => path[1..].to_vec(),
                    "self" => [module.clone(), path[1..].to_vec()].concat(),
                    "super" => {
                        let up = path.iter().take_while(|part| *part == "super").count();
                        let parent = module[..module.len().saturating_sub(up)].to_vec();
                        [parent, path[up..].to_vec()].concat()
                    }
                    _ => [module.clone(), path].concat(),
                };
                let named = (1..=absolute.len()).rev().map(|n| absolute[..n].to_vec());
                let target = named.into_iter().find(|path| modules.contains(path));
                // A module that names its parent or itself uses nothing of another file.
                used.extend(target.filter(|target| !module.starts_with(target)));
            }
        }
        imports.insert(module, used);
    }
    imports
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    let imports = imports();
    assert!(imports.values().map(BTreeSet::len).sum::<usize>() > 1_000, "the imports are found");
    // Whatever nothing left uses is removed again and again. Circles are left over.
    let mut left = imports.clone();
    loop {
        let used: BTreeSet<Vec<String>> = left.values().flatten().cloned().collect();
        let before = left.len();
        left.retain(|module, _| used.contains(module));
        if left.len() == before {
            break;
        }
    }
    assert_eq!(left.keys().map(|module| module.join("::")).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn no_page_uses_another_page_and_no_part_of_pages_uses_a_page() {
    const FLOORS: [&str; 3] = ["http", "ui", "pages"];
    let mut violations = Vec::new();
    for (module, used) in imports() {
        let Some(floor) = module.get(1).and_then(|m| FLOORS.iter().position(|f| f == m)) else {
            continue;
        };
        for target in used.iter().filter(|target| target[0] == "web" && module[0] == "web") {
            let below = FLOORS.iter().position(|f| Some(*f) == target.get(1).map(String::as_str));
            let is_page = |path: &[String]| path.get(1).is_some_and(|floor| floor == "pages");
            let another = is_page(&module) && is_page(target) && module.get(2) != target.get(2);
            if below.is_some_and(|below| below > floor) || another {
                violations.push(format!("{} uses {}", module.join("::"), target.join("::")));
            }
        }
    }
    assert_eq!(violations, [""; 0]);
}

/// Returns the lines of all templates with their places.
fn template_lines() -> Vec<(String, String)> {
    fn html(path: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { html(&path) } else { vec![path] }).collect()
    }
    let mut lines = Vec::new();
    for file in html(&root().join("templates")) {
        for (n, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            lines.push((format!("{}:{}", file.display(), n + 1), line.to_owned()));
        }
    }
    lines
}

#[test]
fn lines_of_templates_are_short_enough_to_read() {
    let lines = template_lines();
    assert!(lines.len() > 3_000, "the templates are found");
    let long = lines.iter().filter(|(_, line)| line.chars().count() > MAX_COLUMNS);
    assert_eq!(long.map(|(place, _)| place).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn a_template_has_the_path_of_its_module() {
    let mut elsewhere = Vec::new();
    for file in files(&root().join("src/web")) {
        let module = module_of(&file)[1..].join("/");
        let text = fs::read_to_string(&file).unwrap();
        for rest in text.split("template(path = \"").skip(1) {
            let template = rest.split(".html").next().unwrap();
            let folder = template.rsplit_once('/').map_or("", |(folder, _)| folder);
            if template != module && folder != module {
                elsewhere.push(format!("{}: {template}", file.display()));
            }
        }
    }
    assert_eq!(elsewhere, [""; 0]);
}

#[test]
fn folders_files_and_functions_are_small() {
    let mut large = Vec::new();
    let mut folders: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for file in files(&root().join("src")) {
        *folders.entry(file.parent().unwrap().to_owned()).or_default() += 1;
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() > MAX_LINES {
            large.push(format!("{}: {} lines", file.display(), lines.len()));
        }
        // A table of cases is one test, however many cases it has.
        let is_code = !file.ends_with("tests.rs");
        for (n, line) in lines.iter().enumerate().filter(|_| is_code) {
            let indent = line.len() - line.trim_start().len();
            if !["fn ", "pub fn ", "async fn ", "pub async fn "]
                .iter()
                .any(|start| line.trim_start().starts_with(start))
            {
                continue;
            }
            let end = format!("{}}}", " ".repeat(indent));
            let length = lines[n..].iter().position(|line| *line == end).unwrap_or(0);
            if length > MAX_FUNCTION_LINES {
                large.push(format!("{}:{}: {length} lines", file.display(), n + 1));
            }
        }
    }
    for (folder, files) in folders {
        if files > MAX_FILES {
            large.push(format!("{}: {files} files", folder.display()));
        }
    }
    assert_eq!(large, [""; 0]);
}

#[test]
fn few_types_of_a_layer_share_a_name() {
    let mut names: BTreeMap<(String, String), BTreeSet<PathBuf>> = BTreeMap::new();
    for file in files(&root().join("src")) {
        let layer = module_of(&file).first().cloned().unwrap_or_default();
        for line in fs::read_to_string(&file).unwrap().lines() {
            let line = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            let kinds = ["struct ", "enum ", "trait "];
            let Some(rest) = kinds.iter().find_map(|kind| line.strip_prefix(kind)) else {
                continue;
            };
            let name = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            names.entry((layer.clone(), name)).or_default().insert(file.clone());
        }
    }
    let shared: Vec<_> =
        names.iter().filter(|(_, files)| files.len() > 2).map(|(n, _)| n).collect();
    assert!(shared.len() <= MAX_SHARED_NAMES, "{shared:?}");
}
