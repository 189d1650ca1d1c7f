//! What came of the queries.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use graft_proto::pluginv2::QueryDataResponse;

use super::traffic::{Expected, Question, Traffic};
use crate::bench::api::Api;
use crate::bench::figures::{Times, grouped};
use crate::step::time;
use crate::table::Table;

/// An answer, or what was wrong with it.
pub(super) struct Outcome {
    kind: usize,
    took: Duration,
    checked: anyhow::Result<()>,
}

/// How often what came, by kind.
pub(super) struct Tally {
    lines: Vec<Line>,
}

struct Line {
    name: String,
    sent: usize,
    /// Of those that were answered as they should be.
    times: Vec<Duration>,
    wrong: usize,
    /// What was wrong the first time.
    first_wrong: Option<String>,
}

impl Outcome {
    /// Looks at an answer.
    pub(super) fn of(
        question: &Question,
        took: Duration,
        response: anyhow::Result<QueryDataResponse>,
    ) -> Self {
        let checked = response.and_then(|response| check(question, &response));
        Self { kind: question.kind, took, checked }
    }
}

/// Every query of the request has one answer, nothing else has, and it is the right one.
fn check(question: &Question, response: &QueryDataResponse) -> anyhow::Result<()> {
    let queries = &question.request.queries;
    let (answers, asked) = (response.responses.len(), queries.len());
    ensure!(answers == asked, "{asked} queries have {answers} answers");
    for query in queries {
        let name = &query.ref_id;
        let answer =
            response.responses.get(name).with_context(|| format!("no answer to {name}"))?;
        match question.expected {
            Expected::Error if answer.error.is_empty() => bail!("there was no error"),
            Expected::Error => {}
            _ if !answer.error.is_empty() => bail!("{}", answer.error),
            Expected::Frames => ensure!(!answer.frames.is_empty(), "there was no frame"),
            Expected::Rows(rows) => Api::Things.check_answer(answer, rows)?,
        }
    }
    Ok(())
}

impl Tally {
    /// Nothing yet.
    pub(super) fn new(traffic: &Traffic) -> Self {
        let line = |name: &String| Line {
            name: name.clone(),
            sent: 0,
            times: Vec::new(),
            wrong: 0,
            first_wrong: None,
        };
        Self { lines: traffic.kinds.iter().map(|kind| line(&kind.name)).collect() }
    }

    /// Counts a question.
    pub(super) fn sent(&mut self, kind: usize) {
        self.lines[kind].sent += 1;
    }

    /// Counts an answer.
    pub(super) fn add(&mut self, outcome: Outcome) {
        let line = &mut self.lines[outcome.kind];
        match outcome.checked {
            Ok(()) => line.times.push(outcome.took),
            Err(wrong) => {
                line.wrong += 1;
                line.first_wrong.get_or_insert_with(|| format!("{wrong:#}"));
            }
        }
    }

    /// What was sent and what came, a line for each kind.
    pub(super) fn table(&self) -> Table<7> {
        let mut table =
            Table::new(["Query", "Sent", "As it should", "Wrong", "None", "p50", "p99"]);
        for line in &self.lines {
            let times = Times::new(line.times.clone()).ok();
            let percentile = |percent| {
                times.as_ref().map_or_else(String::new, |times| time(times.percentile(percent)))
            };
            let count = |number: usize| grouped(number as f64);
            table.row([
                line.name.clone(),
                count(line.sent),
                count(line.times.len()),
                count(line.wrong),
                count(line.unanswered()),
                percentile(50),
                percentile(99),
            ]);
        }
        table
    }

    /// A sentence for each kind that was not always answered as it should be.
    pub(super) fn faults(&self) -> Vec<String> {
        let faulty = self.lines.iter().filter(|line| line.wrong + line.unanswered() > 0);
        let sentence = |line: &Line| {
            let first = line.first_wrong.as_ref().map(|why| format!("; the first: {why}"));
            format!(
                "{}: {} of {} were answered wrongly and {} not at all{}",
                line.name,
                line.wrong,
                line.sent,
                line.unanswered(),
                first.unwrap_or_default()
            )
        };
        faulty.map(sentence).collect()
    }
}

impl Line {
    fn unanswered(&self) -> usize {
        self.sent.saturating_sub(self.times.len() + self.wrong)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use graft_proto::pluginv2::{DataQuery, DataResponse, QueryDataRequest};

    use super::*;

    fn question(expected: Expected) -> Question {
        let query = |name: &str| DataQuery { ref_id: name.to_owned(), ..DataQuery::default() };
        let queries = vec![query("A"), query("B")];
        let request = QueryDataRequest { queries, ..QueryDataRequest::default() };
        Question { kind: 0, request: Arc::new(request), expected }
    }

    /// What is wrong with answers of these names, each with this error.
    fn wrong(expected: Expected, names: &[&str], error: &str) -> Option<String> {
        let answer = DataResponse { error: error.to_owned(), ..DataResponse::default() };
        let responses = names.iter().map(|name| ((*name).to_owned(), answer.clone())).collect();
        let response = QueryDataResponse { responses };
        let outcome = Outcome::of(&question(expected), Duration::ZERO, Ok(response));
        outcome.checked.err().map(|wrong| wrong.to_string())
    }

    #[test]
    fn each_query_has_one_answer_and_it_is_the_right_one() {
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(wrong(Expected::Error, &["A", "B"], "no"), None);
        assert_eq!(wrong(Expected::Error, &["A"], "no"), said("2 queries have 1 answers"));
        assert_eq!(wrong(Expected::Error, &["A", "C"], "no"), said("no answer to B"));
        assert_eq!(wrong(Expected::Error, &["A", "B"], ""), said("there was no error"));
        assert_eq!(wrong(Expected::Frames, &["A", "B"], "no"), said("no"));
        assert_eq!(wrong(Expected::Frames, &["A", "B"], ""), said("there was no frame"));
        assert_eq!(wrong(Expected::Rows(1), &["A", "B"], ""), said("it has 0 frames"));
    }

    #[tokio::test]
    async fn what_is_wrong_or_missing_is_counted_and_told_once() {
        let mut tally = Tally::new(&Traffic::start().await.unwrap());
        for _question in 0..4 {
            tally.sent(0);
        }
        let outcome = |checked| Outcome { kind: 0, took: Duration::from_millis(2), checked };
        tally.add(outcome(Ok(())));
        tally.add(outcome(Err(anyhow::anyhow!("it broke"))));
        tally.add(outcome(Err(anyhow::anyhow!("it broke again"))));
        let fault =
            "things: one query: 2 of 4 were answered wrongly and 1 not at all; the first: it broke";
        assert_eq!(tally.faults(), [fault]);
        let table = tally.table().to_string();
        let line = table.lines().nth(2).unwrap();
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        assert_eq!(cells[1..8], ["things: one query", "4", "1", "2", "1", "2.0 ms", "2.0 ms"]);
    }
}
