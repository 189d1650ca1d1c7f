//! What never ends is stopped after the processor time, or with the stack, that a guest may use.

use super::{Hostile, assert_parts, raise};

const OVERRUN: &str = "it used more than 200ms of processor time (limit guest_cpu)";

impl Hostile {
    async fn uses_too_much_time(&self) {
        let (id, remedy) = (self.id(), raise("guest_cpu"));
        self.fails(500, "plugin", &[&id, OVERRUN, "Ask for less", &remedy]).await;
    }

    /// The sentence says so, and queries, which the guest answers well, are answered as before.
    async fn is_told(&self, sentence: &str) {
        assert_parts(sentence, &[&self.id(), OVERRUN, &raise("guest_cpu")]);
        self.answers().await;
    }
}

#[tokio::test]
pub(super) async fn describe_loops_forever() {
    let hostile = Hostile::start("describe_loops_forever").await;
    hostile.cannot_be_used(&format!("it cannot describe itself: {OVERRUN}")).await;
}

#[tokio::test]
pub(super) async fn pace_loops_forever() {
    let hostile = Hostile::start("pace_loops_forever").await;
    hostile.cannot_be_used(&format!("it cannot describe itself: {OVERRUN}")).await;
}

#[tokio::test]
pub(super) async fn start_loops_forever() {
    let hostile = Hostile::start("start_loops_forever").await;
    hostile.cannot_be_used(&format!("it cannot describe itself: {OVERRUN}")).await;
}

#[tokio::test]
pub(super) async fn build_requests_loops_forever() {
    Hostile::start("build_requests_loops_forever").await.uses_too_much_time().await;
}

#[tokio::test]
pub(super) async fn transform_loops_forever() {
    Hostile::start("transform_loops_forever").await.uses_too_much_time().await;
}

#[tokio::test]
pub(super) async fn realloc_loops_forever() {
    Hostile::start("realloc_loops_forever").await.uses_too_much_time().await;
}

#[tokio::test]
pub(super) async fn post_return_loops_forever() {
    Hostile::start("post_return_loops_forever").await.uses_too_much_time().await;
}

#[tokio::test]
pub(super) async fn logging_loops_forever() {
    let hostile = Hostile::start("logging_loops_forever").await;
    hostile.uses_too_much_time().await;
    hostile.plugin.logged(|line| line.says("guest_log_lines")).await.unwrap();
    let written = hostile.plugin.log().iter().filter(|line| line.says("fine")).count();
    assert_eq!(written, 100);
}

#[tokio::test]
pub(super) async fn health_requests_loops_forever() {
    let hostile = Hostile::start("health_requests_loops_forever").await;
    hostile.is_told(&hostile.fails_a_health_check().await).await;
}

#[tokio::test]
pub(super) async fn diagnose_loops_forever() {
    let hostile = Hostile::start("diagnose_loops_forever").await;
    hostile.is_told(&hostile.fails_a_health_check().await).await;
}

#[tokio::test]
pub(super) async fn resource_requests_loops_forever() {
    let hostile = Hostile::start("resource_requests_loops_forever").await;
    hostile.is_told(&hostile.fails_a_resource().await).await;
}

#[tokio::test]
pub(super) async fn respond_loops_forever() {
    let hostile = Hostile::start("respond_loops_forever").await;
    hostile.is_told(&hostile.fails_a_resource().await).await;
}

#[tokio::test]
pub(super) async fn live_requests_loops_forever() {
    let hostile = Hostile::start("live_requests_loops_forever").await;
    hostile.is_told(&hostile.fails_a_stream().await).await;
}

#[tokio::test]
pub(super) async fn migrate_loops_forever() {
    let hostile = Hostile::start("migrate_loops_forever").await;
    hostile.is_told(&hostile.fails_a_migration().await).await;
}

#[tokio::test]
pub(super) async fn recursion_never_ends() {
    Hostile::start("recursion_never_ends").await.fails_by_its_stack().await;
}

#[tokio::test]
pub(super) async fn start_recursion_never_ends() {
    let hostile = Hostile::start("start_recursion_never_ends").await;
    hostile.cannot_be_used("it cannot describe itself: its stack overflowed").await;
}

impl Hostile {
    async fn fails_by_its_stack(&self) {
        let blamed = format!("{} is faulty: its stack overflowed", self.id());
        self.fails(500, "plugin", &[&blamed, super::VENDOR]).await;
    }
}
