//! What a guest does wrong is contained, and said.

use graft_launch::{Datasource, Plugin, Query};
use graft_proto::pluginv2::QueryDataResponse;
use serde_json::json;

use crate::support::{Answer, Api, Folder, error, frames};

/// Asks the odd guest for one behaviour, and then for a good answer: whatever it did, the next query is served.
struct Odd {
    plugin: Plugin,
    _folder: Folder,
    datasource: Datasource,
}

impl Odd {
    async fn start() -> Self {
        Self::at("").await
    }

    async fn at(url: &str) -> Self {
        let folder = Folder::with(&["fixtures/odd"]);
        let launch = folder.launch();
        let launch = launch.setting("guest_cpu", "200ms").setting("guest_memory_bytes", "32MiB");
        let launch = launch.setting("column_bytes", "3MiB");
        let plugin = Plugin::launch(launch).await.unwrap();
        let datasource = Datasource::new("odd", url).settings(json!({"guest": "odd"}));
        Self { plugin, _folder: folder, datasource }
    }

    async fn ask(&self, behaviour: &str) -> QueryDataResponse {
        let ask = |behaviour: &str| {
            let query = Query::new("A", json!({"behaviour": behaviour}));
            self.plugin.query_data(self.datasource.query_data([query]))
        };
        let response = ask(behaviour).await.unwrap();
        let next = ask("answer").await.unwrap();
        assert_eq!(frames(&next, "A").len(), 1, "the next query");
        response
    }

    /// Asks for a behaviour that must be an error; checks its status, source and sentence.
    async fn fails(&self, behaviour: &str, status: i32, source: &str, sentence: &str) {
        let response = self.ask(behaviour).await;
        let (was_status, was_source, was_sentence) = error(&response, "A");
        assert_eq!((was_status, was_source), (status, source), "{was_sentence}");
        assert!(was_sentence.contains(sentence), "{was_sentence}");
    }
}

#[tokio::test]
async fn a_loop_without_end_is_stopped_in_either_half() {
    let odd = Odd::start().await;
    for behaviour in ["loop-forever", "loop-forever-in-build-requests"] {
        let sentence =
            "Guest 'odd 0.1.0' failed: it used more than 200ms of processor time (limit guest_cpu)";
        odd.fails(behaviour, 500, "plugin", sentence).await;
    }
}

#[tokio::test]
async fn recursion_without_end_is_the_guests_fault() {
    let odd = Odd::start().await;
    odd.fails("recurse-forever", 500, "plugin", "is faulty: its stack overflowed").await;
}

#[tokio::test]
async fn memory_without_end_is_stopped_at_the_limit() {
    let odd = Odd::start().await;
    let sentence = "it needs more than 33554432 bytes of memory (limit guest_memory_bytes)";
    odd.fails("take-all-memory", 500, "plugin", sentence).await;
}

#[tokio::test]
async fn a_panic_is_the_guests_fault_and_its_message_is_in_the_log() {
    let odd = Odd::start().await;
    odd.fails("panic", 500, "plugin", "Guest 'odd 0.1.0' is faulty: it crashed").await;
    let line = odd.plugin.logged(|line| line.says("as it was told to")).await.unwrap();
    let entry = line.entry.unwrap();
    assert_eq!((entry.level.as_str(), &entry.fields["guest"]), ("error", &json!("odd")));
}

#[tokio::test]
async fn each_call_starts_from_nothing() {
    let odd = Odd::start().await;
    for _call in 0..3 {
        let frames = frames(&odd.ask("count-calls").await, "A");
        let table = frames[0].table().unwrap();
        assert!(table.contains("| 1.0   |"), "{table}");
    }
}

#[tokio::test]
async fn frames_that_are_not_whole_name_the_field() {
    let odd = Odd::start().await;
    odd.fails("ragged-columns", 500, "plugin", "'longer'").await;
    odd.fails("invalid-text", 500, "plugin", "UTF-8").await;
    odd.fails("invalid-meta", 500, "plugin", "JSON").await;
}

#[tokio::test]
async fn too_much_of_anything_names_the_limit_and_how_to_raise_it() {
    let odd = Odd::start().await;
    odd.fails("many-frames", 400, "downstream", "1000").await;
    odd.fails("rounds-forever", 400, "downstream", "more than 50 rounds").await;
    odd.fails("many-requests", 400, "downstream", "raise 'requests' in grafana.ini").await;
    odd.fails("large-state", 500, "plugin", "2097152 bytes of state").await;
    let sentence = "returned more than 3145728 bytes (limit column_bytes)";
    odd.fails("large-column", 400, "downstream", sentence).await;
}

#[tokio::test]
async fn a_flood_of_log_lines_is_cut_off_and_said_once() {
    let odd = Odd::start().await;
    let response = odd.ask("log-flood").await;
    assert_eq!(frames(&response, "A").len(), 1);
    odd.plugin.logged(|line| line.says("guest_log_lines")).await.unwrap();
    let lines = odd.plugin.log();
    let said = |part: &str| lines.iter().filter(|line| line.says(part)).count();
    assert_eq!((said("guest_log_lines"), said("line 99"), said("line 100")), (1, 1, 0));
}

#[tokio::test]
async fn a_host_that_nobody_allowed_is_not_asked() {
    let odd = Odd::at("http://127.0.0.1:9").await;
    odd.fails("foreign-host", 500, "plugin", "'https://other.example/', which is not allowed")
        .await;
}

#[tokio::test]
async fn pages_of_a_frame_come_as_one() {
    let odd = Odd::start().await;
    let frames = frames(&odd.ask("pages").await, "A");
    assert_eq!(frames.len(), 1);
    let table = frames[0].table().unwrap();
    expect_test::expect![[r"
        +-----+
        | row |
        +-----+
        | 0.0 |
        | 1.0 |
        | 2.0 |
        | 3.0 |
        | 4.0 |
        | 5.0 |
        +-----+"]]
    .assert_eq(&table);
}

#[tokio::test]
async fn a_secret_reaches_the_api_and_nothing_else() {
    let api = Api::start(|_seen| Answer::json("{}")).await;
    let mut odd = Odd::at(&api.url).await;
    odd.datasource = odd.datasource.secret("apiKey", "c4n4ry");
    let response = odd.ask("send-secret").await;
    assert_eq!(frames(&response, "A").len(), 1);
    assert_eq!(api.lines(), ["GET /?key=c4n4ry"]);
    assert!(!format!("{response:?}").contains("c4n4ry"));
    let exit = odd.plugin.shutdown().await.unwrap();
    assert!(exit.log.iter().all(|line| !line.text.contains("c4n4ry")));
}
