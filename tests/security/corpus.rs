//! Every input of the fuzz targets' corpora, done with as they do: what strangers once could break
//! stays fixed.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

#[path = "../../fuzz/src/lib.rs"]
mod parsers;

use parsers::{TARGETS, Target};

fn inputs(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|_| panic!("no {}", folder.display()));
    let mut inputs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    inputs
}

/// Does what a target does with each of its inputs. Returns those that it does not withstand.
fn failing(target: &str, run: Target) -> Vec<PathBuf> {
    let inputs = inputs(target);
    assert!(!inputs.is_empty(), "{target} has no corpus");
    let withstood = |path: &PathBuf| {
        let data = fs::read(path).unwrap();
        thread::scope(|scope| scope.spawn(move || run(&data)).join().is_ok())
    };
    inputs.into_iter().filter(|path| !withstood(path)).collect()
}

#[test]
fn every_input_of_the_fuzz_targets_is_withstood() {
    let failing: Vec<PathBuf> =
        TARGETS.iter().flat_map(|(target, run)| failing(target, *run)).collect();
    assert_eq!(failing, Vec::<PathBuf>::new());
}

#[test]
fn every_fuzz_target_is_a_program_with_a_corpus_and_nothing_else_is() {
    let names = |folder: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(folder);
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into())
            .collect();
        names.sort();
        names
    };
    let targets: Vec<&str> = TARGETS.iter().map(|(target, _)| *target).collect();
    assert_eq!(names("targets"), targets);
    assert_eq!(names("corpus"), targets);
    for target in targets {
        let program = format!("fuzz/targets/{target}.rs");
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(program)).unwrap();
        assert!(text.contains(&format!("parsers::{target}(data)")), "{text}");
    }
}
