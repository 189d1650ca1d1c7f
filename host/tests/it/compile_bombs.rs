//! Components that would keep a compiler busy: refused before one is started, or ended with its process.

// Some of them are for the scan's own tests alone.
#[expect(dead_code, reason = "each test of the scan has a bomb of its own, and these need two")]
#[path = "../../src/guest/scan/bombs.rs"]
mod bombs;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use graft_host::guest::{CompileError, CompileLimits, compile};
use graft_launch::{Datasource, Plugin, Query};
use serde_json::json;
use tokio::time::timeout;

use crate::support::{Folder, error, frames};

/// Nothing that is compiled here could take so long.
const LONG: Duration = Duration::from_secs(10_000);

/// Half a minute of work for a compiler, which no bound forbids.
fn slow() -> Vec<u8> {
    bombs::straight(30, 1 << 20)
}

async fn compiled(component: &[u8], limits: CompileLimits) -> Result<Vec<u8>, CompileError> {
    let program = Path::new(env!("CARGO_BIN_EXE_gpx_graft"));
    let compiled = compile(program, component, limits).await;
    let left = processes(|arguments| {
        arguments.ends_with(&[
            "compile-guest".to_owned(),
            limits.processor_time.as_secs().to_string(),
            limits.memory_bytes.to_string(),
            std::process::id().to_string(),
        ])
    });
    assert_eq!(left, Vec::<PathBuf>::new(), "its process is gone with the answer");
    compiled
}

/// Processes with such arguments, as folders of /proc.
fn processes(are_those: impl Fn(&[String]) -> bool) -> Vec<PathBuf> {
    let folders = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let with_arguments = folders.filter(|folder| {
        // A process that ended meanwhile has none.
        let arguments = fs::read_to_string(folder.join("cmdline")).unwrap_or_default();
        let arguments: Vec<_> = arguments.split_terminator('\0').map(str::to_owned).collect();
        are_those(&arguments)
    });
    with_arguments.collect()
}

/// Waits for something that other processes do, a minute at most.
async fn until<T>(mut happened: impl FnMut() -> Option<T>) -> T {
    let waited = timeout(Duration::from_secs(60), async {
        let mut often = tokio::time::interval(Duration::from_millis(20));
        loop {
            if let Some(value) = happened() {
                return value;
            }
            often.tick().await;
        }
    });
    waited.await.unwrap()
}

#[tokio::test]
async fn a_compiler_that_takes_too_long_is_ended() {
    let time = Duration::from_secs(1);
    let limits = CompileLimits { time, processor_time: LONG, ..CompileLimits::default() };
    let error = compiled(&slow(), limits).await.unwrap_err();
    assert_eq!(error.to_string(), "compiling it takes more than 1 s");
}

#[tokio::test]
async fn a_compiler_that_takes_too_much_of_the_processor_is_ended() {
    let processor_time = Duration::from_secs(1);
    let limits = CompileLimits { time: LONG, processor_time, ..CompileLimits::default() };
    let error = compiled(&slow(), limits).await.unwrap_err();
    assert_eq!(error.to_string(), "compiling it takes more than 1 s of processor time");
}

#[tokio::test]
async fn a_compiler_that_takes_too_much_memory_ends_itself() {
    let limits = CompileLimits { time: LONG, processor_time: LONG, memory_bytes: 512 << 20 };
    let error = compiled(&bombs::straight(1, 6 << 20), limits).await.unwrap_err();
    let expected = "compiling it takes more than 536870912 bytes of address space";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn what_no_scan_sees_ends_in_the_compilers_process() {
    // wasmparser reads types recursively.
    let limits = CompileLimits { memory_bytes: 1 << 30, ..CompileLimits::default() };
    let error = compiled(&bombs::types(1_000_000), limits).await.unwrap_err();
    let sentence = error.to_string();
    assert!(
        sentence.starts_with("the compiler failed on it (its process ended with"),
        "{sentence}"
    );
    assert!(sentence.contains("overflow"), "{sentence}");
}

#[tokio::test]
async fn a_bomb_is_refused_before_a_compiler_is_started() {
    let folder = Folder::with(&["fixtures/odd"]);
    let cache = tempfile::tempdir().unwrap();
    let launch = folder.launch().setting("cache", cache.path().join("graft"));
    let plugin = Plugin::launch(launch).await.unwrap();
    folder.put("ladder.wasm", guest(bombs::ladder(75_000)));
    let response = ask(&plugin, "ladder").await;
    let (status, source, sentence) = error(&response, "A");
    assert_eq!((status, source), (500, "plugin"));
    assert_eq!(
        sentence,
        "Guest 'ladder' cannot be used: its function 1 has blocks and branches beyond the limit of 65000, which no compiler \
         should be given. The guest's vendor has to mend that, or the admin install another version."
    );
    assert!(!plugin.log().iter().any(|line| line.says("Compiling a guest")));
}

#[tokio::test]
async fn the_plugin_answers_while_it_compiles_and_takes_the_compiler_along_when_it_is_killed() {
    let folder = Folder::with(&["fixtures/odd"]);
    let mut plugin = Plugin::launch(folder.launch()).await.unwrap();
    assert_eq!(frames(&ask(&plugin, "odd").await, "A").len(), 1);
    folder.put("slow.wasm", guest(slow()));
    let request = datasource("slow").query_data([query()]);
    let mut client = plugin.data();
    let waiting = tokio::spawn(async move { client.query_data(request).await });

    let parent = plugin.process_id().unwrap().to_string();
    let is_its_compiler = |arguments: &[String]| {
        arguments.get(1).is_some_and(|argument| argument == "compile-guest")
            && arguments.last() == Some(&parent)
    };
    let compiler = until(|| processes(is_its_compiler).pop()).await;
    assert_eq!(frames(&ask(&plugin, "odd").await, "A").len(), 1);
    assert!(compiler.exists() && !waiting.is_finished(), "it is still compiling");
    assert_ne!(group(&compiler), group(Path::new(&format!("/proc/{parent}"))));

    plugin.kill().await.unwrap();
    until(|| (!compiler.exists()).then_some(())).await;
    assert!(waiting.await.unwrap().is_err());
}

/// The process group that a process is in.
fn group(process: &Path) -> String {
    // What follows the name, which is in brackets: state, parent, group.
    let status = fs::read_to_string(process.join("stat")).unwrap();
    status.rsplit(") ").next().unwrap().split(' ').nth(2).unwrap().to_owned()
}

fn datasource(guest: &str) -> Datasource {
    Datasource::new(guest, "").settings(json!({"guest": guest}))
}

fn query() -> Query {
    Query::new("A", json!({"behaviour": "answer"}))
}

async fn ask(plugin: &Plugin, guest: &str) -> graft_proto::pluginv2::QueryDataResponse {
    plugin.query_data(datasource(guest).query_data([query()])).await.unwrap()
}

/// Makes a component look as if it were a guest: it exports instances of the contract's names, with nothing in them.
fn guest(mut component: Vec<u8>) -> Vec<u8> {
    // Section 5 is of instances: one, made of no exports.
    component.extend([5, 3, 1, 1, 0]);
    let names = ["describe", "query", "health", "resources"];
    let mut exports = vec![u8::try_from(names.len()).unwrap()];
    for name in names {
        let name = format!("graft:datasource/{name}@0.1.0");
        exports.extend([0, u8::try_from(name.len()).unwrap()]);
        exports.extend(name.into_bytes());
        // Of sort 5, which is instances, the first; without a type.
        exports.extend([5, 0, 0]);
    }
    // Section 11 is of exports. Its length takes two bytes.
    let length = u8::try_from(exports.len() & 0x7f).unwrap() | 0x80;
    component.extend([11, length, u8::try_from(exports.len() >> 7).unwrap()]);
    component.extend(exports);
    component
}
