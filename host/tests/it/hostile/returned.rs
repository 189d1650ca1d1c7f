//! What a guest returns is read within its memory, as the contract has it, and no more of it than may be.

use super::Hostile;

#[tokio::test]
pub(super) async fn list_is_as_long_as_can_be() {
    let hostile = Hostile::start("list_is_as_long_as_can_be").await;
    hostile.breaks_the_contract("list pointer/length out of bounds of memory").await;
}

#[tokio::test]
pub(super) async fn list_lies_outside_memory() {
    let hostile = Hostile::start("list_lies_outside_memory").await;
    hostile.breaks_the_contract("list pointer/length out of bounds of memory").await;
}

#[tokio::test]
pub(super) async fn list_wraps_around() {
    let hostile = Hostile::start("list_wraps_around").await;
    hostile.breaks_the_contract("list pointer/length out of bounds of memory").await;
}

#[tokio::test]
pub(super) async fn list_is_misaligned() {
    let hostile = Hostile::start("list_is_misaligned").await;
    hostile.breaks_the_contract("list pointer is not aligned").await;
}

#[tokio::test]
pub(super) async fn string_lies_outside_memory() {
    let hostile = Hostile::start("string_lies_outside_memory").await;
    hostile.breaks_the_contract("string pointer/length out of bounds of memory").await;
}

#[tokio::test]
pub(super) async fn result_lies_outside_memory() {
    let hostile = Hostile::start("result_lies_outside_memory").await;
    hostile.breaks_the_contract("pointer out of bounds of memory").await;
}

#[tokio::test]
pub(super) async fn result_is_misaligned() {
    let hostile = Hostile::start("result_is_misaligned").await;
    hostile.breaks_the_contract("return pointer not aligned").await;
}

#[tokio::test]
pub(super) async fn result_is_of_no_case() {
    let hostile = Hostile::start("result_is_of_no_case").await;
    hostile.breaks_the_contract("invalid expected discriminant").await;
}

#[tokio::test]
pub(super) async fn option_is_of_no_case() {
    let hostile = Hostile::start("option_is_of_no_case").await;
    hostile.breaks_the_contract("invalid option discriminant").await;
}

#[tokio::test]
pub(super) async fn column_is_of_no_case() {
    let hostile = Hostile::start("column_is_of_no_case").await;
    hostile.breaks_the_contract("unexpected discriminant: 99").await;
}

#[tokio::test]
pub(super) async fn kind_is_of_no_case() {
    let hostile = Hostile::start("kind_is_of_no_case").await;
    hostile.breaks_the_contract("unexpected discriminant: 200").await;
}

#[tokio::test]
pub(super) async fn name_is_not_text() {
    let hostile = Hostile::start("name_is_not_text").await;
    hostile.breaks_the_contract("invalid utf-8 sequence of 1 bytes from index 0").await;
}

#[tokio::test]
pub(super) async fn string_is_huge() {
    let hostile = Hostile::start("string_is_huge").await;
    hostile.returns_more_than_may_cross().await;
}

#[tokio::test]
pub(super) async fn labels_are_too_many() {
    let hostile = Hostile::start("labels_are_too_many").await;
    hostile.returns_more_than_may_cross().await;
}

#[tokio::test]
pub(super) async fn frames_are_half_a_million() {
    let hostile = Hostile::start("frames_are_half_a_million").await;
    hostile.returns_more_than_may_cross().await;
}

#[tokio::test]
pub(super) async fn strings_share_one_region() {
    let hostile = Hostile::start("strings_share_one_region").await;
    hostile.returns_more_than_may_cross().await;
}

#[tokio::test]
pub(super) async fn lists_share_one_region() {
    let hostile = Hostile::start("lists_share_one_region").await;
    hostile.returns_more_than_may_cross().await;
}

impl Hostile {
    async fn returns_more_than_may_cross(&self) {
        let attack = async || {
            let sentence = "it returned more than 3145728 bytes (limit column_bytes)";
            self.returns_too_much(sentence, "column_bytes").await;
        };
        self.assert_memory_is_given_back(attack).await;
    }
}

#[tokio::test]
pub(super) async fn frames_are_too_many() {
    let hostile = Hostile::start("frames_are_too_many").await;
    hostile.returns_too_much("returned more than 1000 frames", "frames").await;
}

#[tokio::test]
pub(super) async fn booleans_are_four_billion() {
    let hostile = Hostile::start("booleans_are_four_billion").await;
    hostile.returns_too_much("returned more than 5000000 rows", "rows").await;
}

#[tokio::test]
pub(super) async fn state_is_too_large() {
    let hostile = Hostile::start("state_is_too_large").await;
    hostile.is_faulty("handed on 2097152 bytes of state, more than 1048576").await;
}
