//! A guest that describes itself wrongly is not loaded, and the sentence says what is wrong.

use super::Hostile;

#[tokio::test]
pub(super) async fn describe_traps() {
    let hostile = Hostile::start("describe_traps").await;
    hostile.cannot_be_used("it cannot describe itself: it crashed (wasm trap: ").await;
}

#[tokio::test]
pub(super) async fn describe_names_another() {
    let hostile = Hostile::start("describe_names_another").await;
    let reason = "it calls itself 'odd', but its file is describe-names-another.wasm";
    hostile.cannot_be_used(reason).await;
}

#[tokio::test]
pub(super) async fn describe_has_no_version() {
    let hostile = Hostile::start("describe_has_no_version").await;
    hostile.cannot_be_used("its description is not valid: the version is empty").await;
}

#[tokio::test]
pub(super) async fn pace_is_not_a_number() {
    let hostile = Hostile::start("pace_is_not_a_number").await;
    let sentence =
        "its description is not valid: the requests-per-second of its pace is not a number";
    hostile.cannot_be_used(sentence).await;
}

#[tokio::test]
pub(super) async fn describe_version_has_a_line_break() {
    let hostile = Hostile::start("describe_version_has_a_line_break").await;
    hostile.cannot_be_used("the version is too long or holds a control character").await;
}

#[tokio::test]
pub(super) async fn describe_is_huge() {
    let hostile = Hostile::start("describe_is_huge").await;
    hostile.cannot_be_used("its description is not valid: it is larger than 4194304 bytes").await;
}

#[tokio::test]
pub(super) async fn describe_lies_outside_memory() {
    let hostile = Hostile::start("describe_lies_outside_memory").await;
    let reason = "it cannot describe itself: it returned what the contract does not allow";
    hostile.cannot_be_used(reason).await;
}

#[tokio::test]
pub(super) async fn describe_schema_is_no_object() {
    let hostile = Hostile::start("describe_schema_is_no_object").await;
    hostile.cannot_be_used("the query-schema is not a JSON object (").await;
}

#[tokio::test]
pub(super) async fn describe_wants_the_hosts_secret() {
    let hostile = Hostile::start("describe_wants_the_hosts_secret").await;
    let reason = "the secret 'basicAuthPassword' is the host's own, and no guest may name it";
    hostile.cannot_be_used(reason).await;
}
