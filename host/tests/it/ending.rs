//! How the process ends: asked by Grafana, by a signal, or because Grafana is no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use graft_launch::{Address, Datasource, Plugin, Query};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::sync::Semaphore;
use tonic::Code;

use crate::support::{Answer, Api, Folder, frames, plugin};

const CALLS: usize = 200;

/// An API that answers half of the requests when it may, and the others never.
async fn api(arrived: &Arc<Semaphore>, answer: &Arc<Semaphore>) -> Api {
    let (arrived, answer) = (Arc::clone(arrived), Arc::clone(answer));
    let count = AtomicUsize::new(0);
    Api::start_async(move |_seen| {
        let is_answered = count.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        let (arrived, answer) = (Arc::clone(&arrived), Arc::clone(&answer));
        async move {
            arrived.add_permits(1);
            if !is_answered {
                std::future::pending::<()>().await;
            }
            answer.acquire().await.unwrap().forget();
            Answer::json("[]")
        }
    })
    .await
}

#[tokio::test]
async fn every_call_in_flight_ends_with_an_answer_or_a_status() {
    let folder = Folder::with(&["fixtures/odd"]);
    let launch = folder.launch().setting("exchanges_in_flight", CALLS.to_string());
    let plugin = Plugin::launch(launch).await.unwrap();
    let (arrived, answer) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let api = api(&arrived, &answer).await;
    let odd = Datasource::new("odd", &api.url)
        .settings(json!({"guest": "odd", "oauthPassThru": true, "maxRetries": 0}));
    let calls: Vec<_> = (0..CALLS)
        .map(|call| {
            let mut client = plugin.data();
            let mut request =
                odd.query_data([Query::new("A", json!({"behaviour": "show-responses"}))]);
            // Of what is the same for one user, one would be sent.
            let token = format!("Bearer {call}");
            request.headers.insert("Authorization".to_owned(), token);
            tokio::spawn(async move { client.query_data(request).await })
        })
        .collect();
    arrived.acquire_many(CALLS as u32).await.unwrap().forget();

    answer.add_permits(CALLS);
    let exit = plugin.shutdown().await.unwrap();
    assert!(exit.status.success(), "{:?}", exit.status);
    let (mut cut_off, mut told) = (0, 0);
    for call in calls {
        match call.await.unwrap() {
            Ok(response) => assert_eq!(frames(response.get_ref(), "A").len(), 1),
            Err(status) => {
                assert_eq!(status.code(), Code::Unavailable, "{status}");
                cut_off += 1;
                // On a busy machine the connection may end before the sentence has left; tonic then has its own words.
                told += usize::from(status.message().contains("Grafana stopped this plugin"));
            }
        }
    }
    assert!(cut_off >= CALLS / 2, "{cut_off}: half of the calls are never answered");
    assert!(told > 0, "nobody was told why");
}

fn signal(plugin: &Plugin, signal: Signal) {
    let process = Pid::from_raw(plugin.process_id().unwrap() as i32).unwrap();
    kill_process(process, signal).unwrap();
}

#[tokio::test]
async fn sigint_is_for_grafana_and_sigterm_for_the_plugin() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let odd = Datasource::new("odd", "").settings(json!({"guest": "odd"}));
    for _interrupt in 0..3 {
        signal(&plugin, Signal::INT);
        let query = Query::new("A", json!({"behaviour": "answer"}));
        let response = plugin.query_data(odd.query_data([query])).await.unwrap();
        assert_eq!(frames(&response, "A").len(), 1);
    }
    signal(&plugin, Signal::TERM);
    let exit = plugin.exited().await.unwrap();
    assert!(exit.status.success(), "{:?}", exit.status);
    assert!(exit.log.iter().any(|line| line.says("SIGTERM")), "{:?}", exit.log);
}

#[tokio::test]
async fn the_plugin_does_not_outlive_a_grafana_that_was_killed() {
    let folder = Folder::with(&["fixtures/odd"]);
    // The shell plays Grafana.
    let launch = folder.launch().by_shell("\"$0\" & wait");
    let mut plugin = Plugin::launch(launch).await.unwrap();
    let Address::Unix(socket) = plugin.handshake().address.clone() else { panic!("no socket") };
    assert!(socket.exists());
    plugin.kill().await.unwrap();
    let told = plugin.logged(|line| line.says("is gone")).await;
    assert_eq!(told.unwrap().entry.unwrap().level, "warn");
    // It ends when all who can write to it have ended.
    assert_eq!(plugin.logged(|_line| false).await, None);
    assert!(!socket.exists(), "it ended in order");
}
