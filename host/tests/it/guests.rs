//! Guests' files: found, judged, loaded, and replaced.

use std::fs;

use graft_launch::{Datasource, Plugin, Query};
use graft_proto::pluginv2::QueryDataResponse;
use serde_json::json;

use crate::support::{Folder, built, error, frames, plugin};

async fn ask(plugin: &Plugin, guest: &str) -> QueryDataResponse {
    let datasource = Datasource::new(guest, "").settings(json!({"guest": guest}));
    let query = Query::new("A", json!({"behaviour": "answer"}));
    plugin.query_data(datasource.query_data([query])).await.unwrap()
}

#[tokio::test]
async fn a_file_that_is_no_guest_says_why_and_disturbs_no_other() {
    let (plugin, folder) = plugin(&["fixtures/odd"]).await;
    let guest = fs::read(built("fixtures/odd")).unwrap();
    folder.put("garbage.wasm", "garbage");
    folder.put("empty.wasm", "");
    folder.put("module.wasm", wat::parse_str("(module)").unwrap());
    folder.put("component.wasm", wat::parse_str("(component)").unwrap());
    folder.put("half.wasm", &guest[..guest.len() / 2]);
    folder.put("other.wasm", &guest);
    fs::create_dir(folder.path().join("folder.wasm")).unwrap();
    let cases = [
        ("garbage", "something else, not a WebAssembly component"),
        ("empty", "its file is empty"),
        ("module", "`graft componentize` makes a component of it"),
        ("component", "exports nothing of graft:datasource"),
        ("half", "its file is broken at byte"),
        ("other", "it calls itself 'odd', but its file is other.wasm"),
        ("folder", "it is not a regular file"),
    ];
    for (name, sentence) in cases {
        let response = ask(&plugin, name).await;
        let (status, source, was) = error(&response, "A");
        // What the machine cannot read may be readable in a moment.
        let expected = if name == "folder" { 503 } else { 500 };
        assert_eq!((status, source), (expected, "plugin"), "{was}");
        assert!(was.starts_with(&format!("Guest '{name}' cannot be used: ")), "{was}");
        assert!(was.contains(sentence), "{was}");
    }
    assert_eq!(frames(&ask(&plugin, "odd").await, "A").len(), 1);
}

#[tokio::test]
async fn a_component_whose_code_is_not_valid_is_refused() {
    let (plugin, folder) = plugin(&[]).await;
    // Well within the code of the core module: its framing stays whole, its instructions do not.
    let mut unreadable = fs::read(built("fixtures/odd")).unwrap();
    let middle = unreadable.len() / 3;
    unreadable[middle..middle + 64].fill(0xff);
    folder.put("unreadable.wasm", &unreadable);
    // What can be read, but makes no sense, is for the compiler's process to find.
    let exports = ["describe", "query", "health", "resources"]
        .map(|name| format!("(export \"graft:datasource/{name}@0.1.0\" (instance 0))"));
    let senseless = "(core module (func (result i32) (i64.const 0))) (instance)";
    let senseless = format!("(component {senseless} {})", exports.concat());
    folder.put("senseless.wasm", wat::parse_str(senseless).unwrap());
    for (name, sentence) in [
        ("unreadable", "its file is broken at byte"),
        ("senseless", "it is not a valid component ("),
    ] {
        let response = ask(&plugin, name).await;
        let (status, source, was) = error(&response, "A");
        assert_eq!((status, source), (500, "plugin"), "{was}");
        assert!(was.contains(sentence), "{was}");
    }
}

#[tokio::test]
async fn a_guest_that_is_put_there_later_is_found() {
    let (plugin, folder) = plugin(&[]).await;
    let response = ask(&plugin, "odd").await;
    let (_status, _source, was) = error(&response, "A");
    assert!(was.contains("No guest is installed"), "{was}");
    folder.put("odd.wasm", fs::read(built("fixtures/odd")).unwrap());
    assert_eq!(frames(&ask(&plugin, "odd").await, "A").len(), 1);
}

#[tokio::test]
async fn a_guest_that_is_replaced_by_a_broken_file_goes_on() {
    let (plugin, folder) = plugin(&["fixtures/odd"]).await;
    assert_eq!(frames(&ask(&plugin, "odd").await, "A").len(), 1);
    folder.put("odd.wasm", "garbage");
    assert_eq!(frames(&ask(&plugin, "odd").await, "A").len(), 1);
    plugin.logged(|line| line.says("A guest cannot be loaded")).await.unwrap();
    assert_eq!(frames(&ask(&plugin, "odd").await, "A").len(), 1);
}

#[tokio::test]
async fn a_guest_is_compiled_once_and_then_taken_from_the_cache() {
    let folder = Folder::with(&["fixtures/odd"]);
    let cache = tempfile::tempdir().unwrap();
    let launch = || folder.launch().setting("cache", cache.path().join("graft"));
    let compiled = async || {
        let plugin = Plugin::launch(launch()).await.unwrap();
        assert_eq!(frames(&ask(&plugin, "odd").await, "A").len(), 1);
        let exit = plugin.shutdown().await.unwrap();
        exit.log.iter().filter(|line| line.says("Compiling a guest")).count()
    };
    assert_eq!(compiled().await, 1);
    assert_eq!(compiled().await, 0);
    // What somebody else wrote into the cache is not taken.
    let entries = fs::read_dir(cache.path().join("graft")).unwrap();
    for entry in entries.map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|extension| extension == "cwasm") {
            let mut bytes = fs::read(&entry).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(&entry, bytes).unwrap();
        }
    }
    assert_eq!(compiled().await, 1);
}
