//! Hostile guests: what each does is contained and said, and a good guest in the same process gets its answer.
//!
//! `guests/fixtures/hostile` has the guests, and says of each what it does; one without a test of its name does not compile.

mod stories;
mod loops;
mod memory;
mod returned;
mod frames;
mod requests;
mod logs;
mod description;
mod calls;
mod answers;
mod files;
mod components;
mod cache;

use graft_launch::{Datasource, Plugin, Query};
use graft_proto::pluginv2::QueryDataResponse;
use serde_json::json;

use crate::support::{Folder, error, frames};
use {
    answers::*, calls::*, components::*, description::*, files::*, frames::*, logs::*, loops::*,
    memory::*, requests::*, returned::*,
};

/// Takes tests by the names of fixtures.
macro_rules! tested {
    ($($test:ident)*) => { const _: &[fn()] = &[$($test),*]; };
}
hostile_guests::for_each_fixture!(tested);

/// What who is to blame does about it.
const VENDOR: &str = "The guest's vendor has to mend that";

/// What an admin does who wants to have more of something.
fn raise(limit: &str) -> String {
    format!("raise '{limit}' in grafana.ini, section [plugin.graft-datasource]")
}

/// A plugin with a hostile guest and a good one.
struct Hostile {
    plugin: Plugin,
    folder: Folder,
    guest: String,
    datasource: Datasource,
}

impl Hostile {
    /// Starts the plugin with the guest of a fixture.
    async fn start(fixture: &str) -> Self {
        Self::at(fixture, "").await
    }

    /// The same with an API for the guest.
    async fn at(fixture: &str, url: &str) -> Self {
        let guest = fixture.replace('_', "-");
        let folder = Folder::with(&["fixtures/odd"]);
        hostile_guests::install(&guest, folder.path()).unwrap();
        let launch = folder.launch().setting("guest_memory_bytes", "32MiB");
        let launch = launch.setting("guest_cpu", "200ms").setting("column_bytes", "3MiB");
        let plugin = Plugin::launch(launch).await.unwrap();
        let datasource = Datasource::new(&guest, url).settings(json!({ "guest": guest }));
        let hostile = Self { plugin, folder, guest, datasource };
        hostile.assert_others_are_served().await;
        hostile
    }

    /// Asks the hostile guest, and then the good one.
    async fn ask(&self) -> QueryDataResponse {
        let request = self.datasource.query_data([Query::new("A", json!({}))]);
        let response = self.plugin.query_data(request).await.unwrap();
        self.assert_others_are_served().await;
        response
    }

    async fn assert_others_are_served(&self) {
        let odd = Datasource::new("odd", "").settings(json!({"guest": "odd"}));
        let query = Query::new("A", json!({"behaviour": "answer"}));
        let response = self.plugin.query_data(odd.query_data([query])).await.unwrap();
        assert_eq!(frames(&response, "A")[0].floats(0), Some(vec![1.0]));
    }

    /// Asks, and finds an error with this status and source, whose sentence has these parts.
    async fn fails(&self, status: i32, source: &str, parts: &[&str]) {
        let response = self.ask().await;
        let (was_status, was_source, sentence) = error(&response, "A");
        assert_eq!((was_status, was_source), (status, source), "{sentence}");
        assert_parts(sentence, parts);
    }

    /// The guest's name and version, as sentences have them.
    fn id(&self) -> String {
        format!("Guest '{} {}'", self.guest, hostile_guests::VERSION)
    }

    /// The guest does what no guest may, and its vendor is told.
    async fn is_faulty(&self, reason: &str) {
        let blamed = format!("{} is faulty: it ", self.id());
        self.fails(500, "plugin", &[&blamed, reason, VENDOR]).await;
    }

    /// The guest crashes.
    async fn crashes(&self, reason: &str) {
        self.is_faulty(&format!("crashed (wasm trap: {reason})")).await;
    }

    /// The guest returns what is not whole.
    async fn breaks_the_contract(&self, reason: &str) {
        self.is_faulty(&format!("returned what the contract does not allow ({reason})")).await;
    }

    /// The guest returns more than there may be.
    async fn returns_too_much(&self, of_what: &str, limit: &str) {
        self.fails(400, "downstream", &[&self.id(), of_what, limit, &raise(limit)]).await;
    }

    /// The guest is not loaded, because of something that is its vendor's.
    async fn cannot_be_used(&self, reason: &str) {
        let cannot = format!("Guest '{}' cannot be used: ", self.guest);
        self.fails(500, "plugin", &[&cannot, reason, VENDOR]).await;
    }

    /// The guest is not loaded, because its file cannot be read: that may pass.
    async fn cannot_be_read(&self, reason: &str) {
        let file = self.folder.path().join(format!("{}.wasm", self.guest));
        let cannot = format!("Guest '{}' cannot be used: its file {}", self.guest, file.display());
        let admin = "The admin of Grafana's machine can mend that";
        self.fails(503, "plugin", &[&cannot, reason, admin]).await;
    }

    /// The guest gets no further than anybody else, and its answer is shown.
    async fn answers(&self) {
        let response = self.ask().await;
        let frames = frames(&response, "A");
        let shape = frames.iter().map(|frame| (frame.batch.num_columns(), frame.batch.num_rows()));
        assert_eq!(shape.collect::<Vec<_>>(), [(1, 0)]);
    }

    /// Does something several times, after which the plugin has no more memory than before, but for what is soon used again.
    async fn assert_memory_is_given_back(&self, attack: impl AsyncFn()) {
        attack().await;
        let before = self.resident_bytes();
        for _time in 0..4 {
            attack().await;
        }
        let after = self.resident_bytes();
        assert!(after < before + (48 << 20), "{before} bytes before, {after} afterwards");
    }

    /// The memory that the plugin's process has.
    fn resident_bytes(&self) -> u64 {
        let process = self.plugin.process_id().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kibibytes: u64 = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        kibibytes << 10
    }
}

#[track_caller]
fn assert_parts(sentence: &str, parts: &[&str]) {
    for part in parts {
        assert!(sentence.contains(part), "'{part}' is not in: {sentence}");
    }
}
