//! Each call stands for itself: it crashes alone, leaves nothing behind, and the host writes only where it may.

use super::Hostile;

#[tokio::test]
pub(super) async fn crashes_each_time() {
    let hostile = Hostile::start("crashes_each_time").await;
    hostile
        .assert_memory_is_given_back(async || {
            hostile.crashes("wasm `unreachable` instruction executed").await;
        })
        .await;
}

#[tokio::test]
pub(super) async fn reads_outside_its_memory() {
    let hostile = Hostile::start("reads_outside_its_memory").await;
    hostile.crashes("out of bounds memory access").await;
}

#[tokio::test]
pub(super) async fn divides_by_zero() {
    Hostile::start("divides_by_zero").await.crashes("integer divide by zero").await;
}

#[tokio::test]
pub(super) async fn calls_nothing() {
    Hostile::start("calls_nothing").await.crashes("uninitialized element").await;
}

#[tokio::test]
pub(super) async fn calls_by_another_type() {
    Hostile::start("calls_by_another_type").await.crashes("indirect call type mismatch").await;
}

#[tokio::test]
pub(super) async fn calls_leave_marks() {
    let hostile = Hostile::start("calls_leave_marks").await;
    // More often than there are threads and places in the pool.
    for _time in 0..10 {
        hostile.answers().await;
    }
}

#[tokio::test]
pub(super) async fn realloc_returns_zero() {
    Hostile::start("realloc_returns_zero").await.answers().await;
}

#[tokio::test]
pub(super) async fn realloc_returns_what_is_outside_memory() {
    let hostile = Hostile::start("realloc_returns_what_is_outside_memory").await;
    hostile.breaks_the_contract("realloc return: beyond end of memory").await;
}

#[tokio::test]
pub(super) async fn realloc_returns_what_is_misaligned() {
    let hostile = Hostile::start("realloc_returns_what_is_misaligned").await;
    hostile.breaks_the_contract("realloc return: result not aligned").await;
}

#[tokio::test]
pub(super) async fn realloc_traps() {
    Hostile::start("realloc_traps").await.crashes("wasm `unreachable` instruction executed").await;
}

#[tokio::test]
pub(super) async fn realloc_logs() {
    Hostile::start("realloc_logs").await.crashes("cannot leave component instance").await;
}

#[tokio::test]
pub(super) async fn post_return_logs() {
    Hostile::start("post_return_logs").await.crashes("cannot leave component instance").await;
}
