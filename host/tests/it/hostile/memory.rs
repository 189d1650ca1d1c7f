//! Memory and tables end where the limit is, and the host has them back afterwards.

use super::{Hostile, raise};

const OVERRUN: &str = "it needs more than 33554432 bytes of memory (limit guest_memory_bytes)";

impl Hostile {
    async fn needs_too_much_memory(&self) {
        let (id, remedy) = (self.id(), raise("guest_memory_bytes"));
        self.fails(500, "plugin", &[&id, OVERRUN, "Ask for less", &remedy]).await;
    }

    /// The guest is not loaded, because it begins with more than it may have.
    async fn is_too_large(&self, reason: &str) {
        let cannot = format!("Guest '{}' cannot be used: ", self.guest);
        let remedy = raise("guest_memory_bytes");
        self.fails(500, "plugin", &[&cannot, reason, &remedy]).await;
    }
}

#[tokio::test]
pub(super) async fn memory_grows_step_by_step() {
    let hostile = Hostile::start("memory_grows_step_by_step").await;
    hostile.assert_memory_is_given_back(async || hostile.needs_too_much_memory().await).await;
}

#[tokio::test]
pub(super) async fn memory_grows_at_once() {
    let hostile = Hostile::start("memory_grows_at_once").await;
    hostile.assert_memory_is_given_back(async || hostile.needs_too_much_memory().await).await;
}

#[tokio::test]
pub(super) async fn memory_grows_while_arguments_are_lowered() {
    let hostile = Hostile::start("memory_grows_while_arguments_are_lowered").await;
    hostile.assert_memory_is_given_back(async || hostile.needs_too_much_memory().await).await;
}

#[tokio::test]
pub(super) async fn memory_that_is_refused_is_missed_by_nobody() {
    let hostile = Hostile::start("memory_that_is_refused_is_missed_by_nobody").await;
    hostile.answers().await;
}

#[tokio::test]
pub(super) async fn memory_starts_too_large() {
    let hostile = Hostile::start("memory_starts_too_large").await;
    hostile.is_too_large("memory").await;
}

#[tokio::test]
pub(super) async fn memories_are_too_many() {
    let hostile = Hostile::start("memories_are_too_many").await;
    hostile.is_too_large("memories").await;
}

#[tokio::test]
pub(super) async fn table_starts_too_large() {
    let hostile = Hostile::start("table_starts_too_large").await;
    hostile.is_too_large("table").await;
}

#[tokio::test]
pub(super) async fn tables_are_too_many() {
    let hostile = Hostile::start("tables_are_too_many").await;
    hostile.is_too_large("tables").await;
}

#[tokio::test]
pub(super) async fn table_grows_without_end() {
    let hostile = Hostile::start("table_grows_without_end").await;
    hostile
        .assert_memory_is_given_back(async || {
            hostile.is_faulty("needs a table of more than 100000 elements").await;
        })
        .await;
}
