//! A guest that takes the process down does so once.
//!
//! No guest is known that can. So the test does it: it aborts the thread that runs a guest, as a fault of the sandbox would.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use graft_launch::{Datasource, Launch, Plugin, Query};
use graft_proto::pluginv2::QueryDataResponse;
use serde_json::json;

use crate::support::{Folder, built, error, frames};

async fn ask(plugin: &Plugin, guest: &str, behaviour: &str) -> QueryDataResponse {
    let datasource = Datasource::new(guest, "").settings(json!({"guest": guest}));
    let query = Query::new("A", json!({"behaviour": behaviour}));
    plugin.query_data(datasource.query_data([query])).await.unwrap()
}

/// The guests' threads of a process, each with the processor time that it has used (proc_pid_stat(5), hundredths of a second).
fn guest_threads(process: u32) -> Vec<(i32, u64)> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let tasks = tasks.filter_map(|task| {
        let stat = fs::read_to_string(task.ok()?.path().join("stat")).ok()?;
        let (before, after) = (stat.split_once(" (guest-")?.0, stat.rsplit_once(") ")?.1);
        let is_of_call = !stat.contains("(guest-epoch)");
        let used = after.split(' ').nth(11)?.parse().ok()?;
        is_of_call.then_some((before.parse().ok()?, used))
    });
    tasks.collect()
}

/// Has a guest loop in each of its threads, and aborts one of them.
async fn crash(launch: Launch) {
    let plugin = Plugin::launch(launch).await.unwrap();
    assert_eq!(frames(&ask(&plugin, "odd", "answer").await, "A").len(), 1);
    let process = plugin.process_id().unwrap();
    let odd = Datasource::new("odd", "").settings(json!({"guest": "odd"}));
    let request = odd.query_data([Query::new("A", json!({"behaviour": "loop-forever"}))]);
    let loops: Vec<_> = guest_threads(process)
        .iter()
        .map(|_thread| {
            let (mut client, request) = (plugin.data(), request.clone());
            tokio::spawn(async move { client.query_data(request).await })
        })
        .collect();
    let thread = loop {
        let busy = guest_threads(process).into_iter().find(|(_thread, used)| *used >= 3);
        match busy {
            Some((thread, _used)) => break thread,
            None => tokio::task::yield_now().await,
        }
    };
    let process = i32::try_from(process).unwrap();
    // SAFETY: it sends a signal, to a thread of a process that this test started.
    let sent = unsafe { libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGABRT) };
    assert_eq!(sent, 0);
    for query in loops {
        query.await.unwrap().unwrap_err();
    }
}

fn marks(cache: &Path) -> usize {
    let entries = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|end| end == "quarantined")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_takes_the_process_down_is_not_run_again_until_its_file_changes() {
    let folder = Folder::with(&[]);
    let guest = fs::read(built("fixtures/odd")).unwrap();
    folder.put("odd.wasm", &guest);
    let cache = folder.path().join("cache");
    fs::DirBuilder::new().mode(0o700).create(&cache).unwrap();
    let launch = || folder.launch().setting("cache", &cache).setting("guest_cpu", "60s");
    // Between two slices a thread runs no guest: then nobody is to blame, and the test tries again.
    let plugin = loop {
        crash(launch()).await;
        let plugin = Plugin::launch(launch()).await.unwrap();
        // It reads what the last one left behind before it can answer.
        let _answer = ask(&plugin, "none", "answer").await;
        if marks(&cache) > 0 {
            break plugin;
        }
    };
    let response = ask(&plugin, "odd", "answer").await;
    let (status, source, sentence) = error(&response, "A");
    assert_eq!((status, source), (500, "plugin"), "{sentence}");
    assert!(sentence.contains("it took the plugin down when it ran before"), "{sentence}");
    assert!(sentence.contains(".quarantined and restart the plugin"), "{sentence}");

    // A custom section makes another file of it, with the same code.
    folder.put("odd.wasm", [guest.as_slice(), b"\0\x05\x04note"].concat());
    assert_eq!(frames(&ask(&plugin, "odd", "answer").await, "A").len(), 1);
}

#[tokio::test]
async fn a_guest_that_runs_when_the_process_is_killed_is_not_blamed() {
    let folder = Folder::with(&["fixtures/odd"]);
    let cache = folder.path().join("cache");
    fs::DirBuilder::new().mode(0o700).create(&cache).unwrap();
    let launch = || folder.launch().setting("cache", &cache).setting("guest_cpu", "60s");
    let mut plugin = Plugin::launch(launch()).await.unwrap();
    assert_eq!(frames(&ask(&plugin, "odd", "answer").await, "A").len(), 1);
    let odd = Datasource::new("odd", "").settings(json!({"guest": "odd"}));
    let request = odd.query_data([Query::new("A", json!({"behaviour": "loop-forever"}))]);
    let mut client = plugin.data();
    let endless = tokio::spawn(async move { client.query_data(request).await });
    let process = plugin.process_id().unwrap();
    while guest_threads(process).iter().all(|(_thread, used)| *used < 3) {
        tokio::task::yield_now().await;
    }
    plugin.kill().await.unwrap();
    endless.await.unwrap().unwrap_err();
    let plugin = Plugin::launch(launch()).await.unwrap();
    assert_eq!(frames(&ask(&plugin, "odd", "answer").await, "A").len(), 1);
    assert_eq!(marks(&cache), 0);
}
