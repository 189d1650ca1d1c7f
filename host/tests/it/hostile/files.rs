//! Files that are no guests say so, and are not waited for.

use serde_json::{Value, json};

use super::Hostile;

#[tokio::test]
pub(super) async fn empty_file() {
    let hostile = Hostile::start("empty_file").await;
    hostile.cannot_be_used("its file is empty, not a WebAssembly component").await;
}

#[tokio::test]
pub(super) async fn garbage() {
    let hostile = Hostile::start("garbage").await;
    hostile.cannot_be_used("its file is something else, not a WebAssembly component").await;
}

#[tokio::test]
pub(super) async fn native_code() {
    let hostile = Hostile::start("native_code").await;
    hostile.cannot_be_used("its file is native code, not a WebAssembly component").await;
}

#[tokio::test]
pub(super) async fn text_of_a_component() {
    let hostile = Hostile::start("text_of_a_component").await;
    hostile.cannot_be_used("its file is WebAssembly text, not a WebAssembly component").await;
}

#[tokio::test]
pub(super) async fn core_module() {
    let hostile = Hostile::start("core_module").await;
    hostile.cannot_be_used("`graft componentize` makes a component of it").await;
}

#[tokio::test]
pub(super) async fn half_of_a_guest() {
    Hostile::start("half_of_a_guest").await.cannot_be_used("its file is broken at byte").await;
}

#[tokio::test]
pub(super) async fn hundred_megabytes() {
    let hostile = Hostile::start("hundred_megabytes").await;
    let before = hostile.resident_bytes();
    hostile.cannot_be_used("its file is 104857600 bytes long, more than 67108864").await;
    let after = hostile.resident_bytes();
    assert!(after < before + (48 << 20), "{before} bytes before, {after} afterwards");
}

#[tokio::test]
pub(super) async fn link_to_itself() {
    let hostile = Hostile::start("link_to_itself").await;
    hostile.cannot_be_read("cannot be read (Too many levels of symbolic links").await;
}

#[tokio::test]
pub(super) async fn named_pipe() {
    let hostile = Hostile::start("named_pipe").await;
    hostile.cannot_be_read("it is not a regular file").await;
    // A list of all guests does not wait for it either.
    let call = hostile.datasource.call_resource("GET", "guests");
    let listed = hostile.plugin.call_resource(call).await.unwrap();
    let listed: Value = serde_json::from_slice(&listed.body).unwrap();
    assert_eq!(
        (&listed["guests"][0]["name"], &listed["guests"][1]["name"]),
        (&json!("named-pipe"), &json!("odd"))
    );
}

#[tokio::test]
pub(super) async fn folder_of_that_name() {
    let hostile = Hostile::start("folder_of_that_name").await;
    hostile.cannot_be_read("it is not a regular file").await;
}
