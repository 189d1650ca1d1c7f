//! Every seed of the corpus, and a few thousand mutations of them: the same on each run and on a stable compiler, so that CI knows
//! what a fuzzer would find soon. The variable `FUZZ_MUTATIONS` makes it more of them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "corpus/mutator.rs"]
mod mutator;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use graft_fuzz::{TARGETS, Target};
use mutator::Mutator;

/// Mutations of all seeds of a target together, unless `FUZZ_MUTATIONS` says how many.
const MUTATIONS: usize = 5_000;

/// Words that mean something to a target: a mutation of letters alone seldom finds one.
fn dictionary(target: &str) -> &'static [&'static str] {
    match target {
        "component" => {
            &["\0asm\x0d\0\x01\0", "\0asm\x01\0\0\0", "\x41\x01\x42", "\x02\x7f", "\x0e\x01"]
        }
        "environment" => &["GF_PLUGIN_NETWORK=tcp", "PLUGIN_MIN_PORT=", "=65536", "=-1", "\n"],
        "frames" => &["\0\0\0\0", "\x7f\x7f\x7f\x7f", "{}"],
        "log" => &["\n---\n", "@level", "@", "timestamp", "\u{1}", "\u{fffd}", "\"", "\\"],
        "policy" => &[
            "\n---\n",
            "..",
            "%2e",
            "%2f",
            "//",
            "\\",
            "@",
            "#",
            "?",
            ":",
            "http://",
            "https:",
            "[::1]",
            "\t",
            "%00",
            "api.example.com",
            ":443",
            "\u{3002}",
            "xn--",
        ],
        "settings" => &[
            "\n---\n",
            "\"tlsAuth\":true",
            "\"serverName\":\"a\"",
            "\"allowedHosts\":[\"a:1\"]",
            "true",
            "null",
            "{}",
            "@",
            "://",
            "httpHeaderName1",
            "-1",
            "1e400",
        ],
        _ => &[],
    }
}

/// The seeds of a target, by their names, in order.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut seeds: Vec<_> = files
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())
        })
        .collect();
    seeds.sort_unstable();
    seeds
}

/// Throws bytes at a target. If it panics they are shown, so that they can become a seed.
fn throw(name: &str, target: Target, from: &str, data: &[u8]) {
    let thrown = catch_unwind(AssertUnwindSafe(|| target(data)));
    if let Err(panic) = thrown {
        eprintln!("{name}, from {from}: printf '%b' '{}'", escaped(data));
        resume_unwind(panic);
    }
}

/// Bytes as `printf '%b'` takes them.
fn escaped(data: &[u8]) -> String {
    data.iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

fn replay(name: &str) {
    let (_name, target) = TARGETS.iter().find(|(known, _target)| *known == name).unwrap();
    let seeds = seeds(name);
    assert!(seeds.len() >= 3, "{name} has too few seeds");
    for (file, data) in &seeds {
        throw(name, *target, file, data);
    }
    let data: Vec<_> = seeds.iter().map(|(_file, data)| data.as_slice()).collect();
    let mut mutator = Mutator::new(dictionary(name));
    let mutations = std::env::var("FUZZ_MUTATIONS");
    let mutations = mutations.map_or(MUTATIONS, |mutations| mutations.parse().unwrap());
    for number in 0..mutations {
        let (file, _data) = &seeds[number % seeds.len()];
        let mutated = mutator.mutate(&data, number % seeds.len());
        throw(name, *target, &format!("{file}, mutation {number}"), &mutated);
    }
}

#[test]
fn no_component_panics_the_scan() {
    replay("component");
}

#[test]
fn no_environment_panics_the_start() {
    replay("environment");
}

#[test]
fn no_frame_is_encoded_that_cannot_be_read() {
    replay("frames");
}

#[test]
fn nothing_that_is_said_breaks_a_line_of_the_log() {
    replay("log");
}

#[test]
fn no_url_leads_out_of_what_is_allowed() {
    replay("policy");
}

#[test]
fn no_settings_show_a_secret() {
    replay("settings");
}

#[test]
fn each_target_has_a_corpus_and_each_corpus_a_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut folders: Vec<_> = fs::read_dir(corpus)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort_unstable();
    assert_eq!(folders, TARGETS.map(|(name, _target)| name));
}
