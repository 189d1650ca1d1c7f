//! Calls take turns: none holds up another data source's, none outlives who asked, and all together have one memory.

use std::fs;

use graft_host::limits::{GUEST_CALLS_MIN, GUEST_MEMORY_KEPT_BYTES};
use graft_launch::{Datasource, Plugin, Query};
use graft_proto::pluginv2::{QueryDataRequest, QueryDataResponse};
use serde_json::json;
use tokio::task::{JoinHandle, yield_now};
use tonic::Status;

use crate::support::{Folder, error, frames};

fn request(uid: &str, behaviour: &str) -> QueryDataRequest {
    let odd = Datasource::new(uid, "").settings(json!({"guest": "odd"}));
    odd.query_data([Query::new("A", json!({"behaviour": behaviour}))])
}

fn begin(
    plugin: &Plugin,
    request: &QueryDataRequest,
) -> JoinHandle<Result<QueryDataResponse, Status>> {
    let (mut client, request) = (plugin.data(), request.clone());
    tokio::spawn(async move { client.query_data(request).await.map(tonic::Response::into_inner) })
}

/// Whether a thread that runs guests is on a processor, or waits for one (proc_pid_stat(5)).
fn runs_a_guest(plugin: &Plugin) -> bool {
    let tasks = fs::read_dir(format!("/proc/{}/task", plugin.process_id().unwrap())).unwrap();
    tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("stat")).ok()).any(|stat| {
        let is_guests = stat.contains("(guest-") && !stat.contains("(guest-epoch)");
        is_guests && stat.rsplit_once(") ").is_some_and(|(_name, rest)| rest.starts_with('R'))
    })
}

/// A value in bytes of `/proc/PID/status`.
fn memory(plugin: &Plugin, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", plugin.process_id().unwrap()));
    let status = status.unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches([':', ' ', '\t', 'k', 'B']).parse::<u64>().unwrap() << 10
}

#[tokio::test]
async fn a_data_source_whose_calls_never_end_holds_up_no_other() {
    let folder = Folder::with(&["fixtures/odd"]);
    let plugin = Plugin::launch(folder.launch().setting("guest_cpu", "60s")).await.unwrap();
    let good = request("good", "answer");
    assert_eq!(frames(&plugin.query_data(good.clone()).await.unwrap(), "A").len(), 1);
    let endless: Vec<_> =
        (0..100).map(|_| begin(&plugin, &request("endless", "loop-forever"))).collect();
    while !runs_a_guest(&plugin) {
        yield_now().await;
    }
    for _query in 0..20 {
        assert_eq!(frames(&plugin.query_data(good.clone()).await.unwrap(), "A").len(), 1);
    }
    assert!(endless.iter().all(|query| !query.is_finished()));
    endless.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn a_call_ends_when_nobody_waits_for_it_any_more() {
    let folder = Folder::with(&["fixtures/odd"]);
    let plugin = Plugin::launch(folder.launch().setting("guest_cpu", "60s")).await.unwrap();
    let good = request("odd", "answer");
    assert_eq!(frames(&plugin.query_data(good.clone()).await.unwrap(), "A").len(), 1);
    let endless = begin(&plugin, &request("odd", "loop-forever"));
    while !runs_a_guest(&plugin) {
        yield_now().await;
    }
    endless.abort();
    while runs_a_guest(&plugin) {
        yield_now().await;
    }
    assert_eq!(frames(&plugin.query_data(good).await.unwrap(), "A").len(), 1);
}

#[tokio::test]
async fn queries_wait_for_memory_and_the_process_does_not_grow_beyond_it() {
    let folder = Folder::with(&["fixtures/odd"]);
    let launch = folder.launch().setting("guest_memory_bytes", "32MiB");
    let plugin = Plugin::launch(launch.setting("memory_bytes", "48MiB")).await.unwrap();
    let good = request("good", "answer");
    assert_eq!(frames(&plugin.query_data(good.clone()).await.unwrap(), "A").len(), 1);
    let before = memory(&plugin, "VmRSS");
    let greedy: Vec<_> = (0..50)
        .map(|number| {
            let uid = format!("greedy-{}", number % 10);
            begin(&plugin, &request(&uid, "take-all-memory"))
        })
        .collect();
    assert_eq!(frames(&plugin.query_data(good.clone()).await.unwrap(), "A").len(), 1);
    for query in greedy {
        let response = query.await.unwrap().unwrap();
        let (_status, _source, sentence) = error(&response, "A");
        assert!(sentence.contains("needs more than 33554432 bytes of memory"), "{sentence}");
    }
    // The budget, one that is over it, what the process itself needs to serve so many, and what stays with the places of calls.
    let kept = (GUEST_CALLS_MIN * GUEST_MEMORY_KEPT_BYTES) as u64;
    let most = before + (48 << 20) + (32 << 20) + (32 << 20) + kept;
    let peak = memory(&plugin, "VmHWM");
    assert!(peak < most, "{peak} bytes instead of at most {most}");
    let after = memory(&plugin, "VmRSS");
    assert!(after < before + (16 << 20) + kept, "{after} bytes after {before}");
}

#[tokio::test]
async fn a_queue_has_an_end_and_says_so() {
    let folder = Folder::with(&["fixtures/odd"]);
    let launch = folder.launch().setting("guest_cpu", "60s").setting("calls_waiting", "3");
    let plugin = Plugin::launch(launch.setting("guest_calls", "8")).await.unwrap();
    assert_eq!(frames(&plugin.query_data(request("good", "answer")).await.unwrap(), "A").len(), 1);
    let mut endless: Vec<_> =
        (0..100).map(|_| begin(&plugin, &request("endless", "loop-forever"))).collect();
    let refused = loop {
        match endless.iter().position(JoinHandle::is_finished) {
            Some(place) => break endless.swap_remove(place).await.unwrap().unwrap(),
            None => yield_now().await,
        }
    };
    let (status, source, sentence) = error(&refused, "A");
    assert_eq!((status, source), (503, "plugin"), "{sentence}");
    assert!(sentence.contains("3 calls of guest 'odd' for this data source wait"), "{sentence}");
    assert!(sentence.contains("raise 'calls_waiting' in grafana.ini"), "{sentence}");
    assert_eq!(frames(&plugin.query_data(request("good", "answer")).await.unwrap(), "A").len(), 1);
    endless.iter().for_each(JoinHandle::abort);
}
