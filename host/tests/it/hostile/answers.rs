//! What a guest answers elsewhere than with frames is checked as well.

use super::{Hostile, VENDOR, assert_parts};
use crate::support::error;

impl Hostile {
    async fn is_blamed(&self, sentence: &str, reason: &str) {
        let blamed =
            format!("{} is faulty: it returned what the contract does not allow", self.id());
        assert_parts(sentence, &[&blamed, reason, VENDOR]);
        self.answers().await;
    }
}

#[tokio::test]
pub(super) async fn refusal_is_huge() {
    let hostile = Hostile::start("refusal_is_huge").await;
    let response = hostile.ask().await;
    let (status, source, sentence) = error(&response, "A");
    assert_eq!((status, source), (400, "downstream"));
    assert_eq!(sentence, format!("{}…", "x".repeat(4096)));
}

#[tokio::test]
pub(super) async fn refusal_says_nothing() {
    let hostile = Hostile::start("refusal_says_nothing").await;
    let silent = format!("{} refused with status 500 and did not say why", hostile.id());
    hostile.fails(500, "plugin", &[&silent, VENDOR]).await;
}

#[tokio::test]
pub(super) async fn reply_has_no_status() {
    let hostile = Hostile::start("reply_has_no_status").await;
    let sentence = hostile.fails_a_resource().await;
    hostile.is_blamed(&sentence, "a resource response of status 99").await;
}

#[tokio::test]
pub(super) async fn reply_header_has_a_line_break() {
    let hostile = Hostile::start("reply_header_has_a_line_break").await;
    let sentence = hostile.fails_a_resource().await;
    hostile.is_blamed(&sentence, "a header field that HTTP does not allow").await;
}

#[tokio::test]
pub(super) async fn reply_sets_a_cookie() {
    let hostile = Hostile::start("reply_sets_a_cookie").await;
    let answer = hostile.resource().await;
    assert_eq!((answer.code, answer.body.len()), (200, 0));
    let names: Vec<_> = answer.headers.iter().map(|(name, _values)| name.as_str()).collect();
    assert_eq!(names, ["x-own"]);
    hostile.answers().await;
}

#[tokio::test]
pub(super) async fn migrated_is_no_object() {
    let hostile = Hostile::start("migrated_is_no_object").await;
    let sentence = hostile.fails_a_migration().await;
    hostile.is_blamed(&sentence, "a migrated query that is no JSON object").await;
}

#[tokio::test]
pub(super) async fn live_asks_twice() {
    let hostile = Hostile::start("live_asks_twice").await;
    let sentence = hostile.fails_a_stream().await;
    hostile.is_blamed(&sentence, "2 requests for a live stream, which has exactly one").await;
}
