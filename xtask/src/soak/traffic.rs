//! What is asked: good queries, and those that make a guest do what no guest should.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use graft_launch::{Datasource, Launch, Plugin, Query};
use graft_proto::pluginv2::QueryDataRequest;
use serde_json::json;

use crate::bench::api::{Api, succeeded};
use crate::guests;

/// What a query's answer has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// The API's rows, value by value, for each query of the request.
    Rows(usize),
    /// Frames, whatever is in them.
    Frames,
    /// An error.
    Error,
}

/// A request and what has to come of it.
#[derive(Clone)]
pub(super) struct Question {
    /// The place of its kind.
    pub(super) kind: usize,
    pub(super) request: Arc<QueryDataRequest>,
    pub(super) expected: Expected,
}

/// One kind of query.
pub(super) struct Kind {
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) question: Question,
}

/// All kinds, and which comes when.
pub(super) struct Traffic {
    pub(super) kinds: Vec<Kind>,
    /// The kinds' places, as often as they are due.
    turns: Vec<usize>,
}

/// Good queries in every 200: one query, one with more rows, three in one request, and one that the API refuses.
const GOOD: [(&str, usize); 4] =
    [("one query", 120), ("10,000 rows", 10), ("three queries", 30), ("refused by the API", 20)];

/// What guest `odd` is told to do, once in every 200. A loop takes all processor time that it may have.
const ODD: [(&str, Expected); 9] = [
    ("loop-forever", Expected::Error),
    ("recurse-forever", Expected::Error),
    ("take-all-memory", Expected::Error),
    ("panic", Expected::Error),
    ("ragged-columns", Expected::Error),
    ("invalid-text", Expected::Error),
    ("rounds-forever", Expected::Error),
    ("large-column", Expected::Error),
    ("log-flood", Expected::Frames),
];

/// Hostile guests that are asked once in every 200; each answer is an error.
const HOSTILE: [&str; 11] = [
    "crashes-each-time",
    "config-is-not-json",
    "header-is-host",
    "labels-are-too-many",
    "list-is-as-long-as-can-be",
    "memory-grows-step-by-step",
    "columns-are-ragged",
    "recursion-never-ends",
    "requests-are-ten-thousand",
    "result-lies-outside-memory",
    "table-grows-without-end",
];

/// Has no factor in common with the number of turns, so that kinds are spread and each has its share.
const STRIDE: usize = 73;

impl Traffic {
    /// Makes the guests that are asked. Those that have to be built outlive `folder`, which is for the others.
    pub(super) fn guests(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let built = ["things", "fixtures/odd"].into_iter().map(guests::build);
        let hostile = HOSTILE.into_iter().map(|name| hostile_guests::install(name, folder));
        built.chain(hostile).collect()
    }

    /// Starts the API that good queries need.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let address = Api::serve(&[100, 10_000], Duration::ZERO).await?;
        let mut traffic = Self { kinds: Vec::new(), turns: Vec::new() };
        for ((name, share), (request, expected)) in GOOD.into_iter().zip(good(address)) {
            traffic.add(format!("things: {name}"), share, request, expected);
        }
        for (behaviour, expected) in ODD {
            let odd = Datasource::new("odd", "").settings(json!({ "guest": "odd" }));
            let request = odd.query_data([Query::new("A", json!({ "behaviour": behaviour }))]);
            traffic.add(format!("odd: {behaviour}"), 1, request, expected);
        }
        for guest in HOSTILE {
            let hostile = Datasource::new(guest, "").settings(json!({ "guest": guest }));
            let request = hostile.query_data([Query::new("A", json!({}))]);
            traffic.add(format!("hostile: {guest}"), 1, request, Expected::Error);
        }
        Ok(traffic)
    }

    /// Limits that hostile guests run into soon: as small as an admin may set them, or as the good queries need.
    pub(super) fn limits(&self, launch: Launch) -> Launch {
        launch
            .setting("guest_cpu", "100ms")
            .setting("guest_memory_bytes", "32MiB")
            .setting("column_bytes", "3MiB")
    }

    /// Asks the first of each guest, so that all are compiled.
    pub(super) async fn compile(&self, plugin: &Plugin) -> anyhow::Result<()> {
        let things = self.kinds[0].question.request.as_ref().clone();
        succeeded(&plugin.query_data(things).await?)?;
        for kind in &self.kinds[GOOD.len()..] {
            let request = kind.question.request.as_ref().clone();
            let response = plugin.query_data(request).await?;
            ensure!(response.responses.len() == 1, "{} has no answer", kind.name);
        }
        Ok(())
    }

    /// The kind whose turn it is.
    pub(super) fn kind(&self, number: usize) -> &Kind {
        &self.kinds[self.turns[number.wrapping_mul(STRIDE) % self.turns.len()]]
    }

    fn add(&mut self, name: String, share: usize, request: QueryDataRequest, expected: Expected) {
        let index = self.kinds.len();
        let question = Question { kind: index, request: Arc::new(request), expected };
        self.kinds.push(Kind { index, name, question });
        self.turns.extend(std::iter::repeat_n(index, share));
    }
}

/// In the order of [`GOOD`].
fn good(address: SocketAddr) -> [(QueryDataRequest, Expected); GOOD.len()] {
    let rows = |rows| Api::Things.datasource(&format!("rows-{rows}"), "things", address, rows);
    let query = |name| Query::new(name, Api::Things.query());
    [
        (rows(100).query_data([query("A")]), Expected::Rows(100)),
        (rows(10_000).query_data([query("A")]), Expected::Rows(10_000)),
        (rows(100).query_data(["A", "B", "C"].map(query)), Expected::Rows(100)),
        (rows(7).query_data([query("A")]), Expected::Error),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_kind_has_its_share_and_hostile_ones_do_not_stand_together() {
        let traffic = Traffic::start().await.unwrap();
        let mut counts = vec![0; traffic.kinds.len()];
        let (mut hostile_in_a_row, mut most) = (0, 0);
        for number in 0..200 {
            let kind = traffic.kind(number);
            counts[kind.index] += 1;
            hostile_in_a_row = if kind.index < GOOD.len() { 0 } else { hostile_in_a_row + 1 };
            most = most.max(hostile_in_a_row);
        }
        let shares = GOOD.iter().map(|(_name, share)| *share);
        let shares: Vec<_> = shares.chain([1; ODD.len() + HOSTILE.len()]).collect();
        assert_eq!(counts, shares);
        assert_eq!(shares.iter().sum::<usize>(), 200);
        assert_eq!(most, 1);
    }
}
