//! Requests that no guest may send are not sent: the API is not asked, nor anybody else.

use graft_launch::Query;
use serde_json::json;

use super::{Hostile, VENDOR, assert_parts, raise};
use crate::support::{Answer, Api, error, frames};

/// What no answer may hold.
const CANARY: &str = "c4n4ry";

/// An API that nobody is to ask, and a guest that has its URL and secrets.
async fn unasked(fixture: &str) -> (Hostile, Api) {
    let api = Api::start(|_seen| Answer::json("{}")).await;
    let mut hostile = Hostile::at(fixture, &format!("{}/below", api.url)).await;
    hostile.datasource = hostile.datasource.secret("apiKey", CANARY).basic_auth("me", CANARY);
    (hostile, api)
}

/// The fixture's request is not sent, and its vendor is told why.
async fn refused(fixture: &str, reason: &str) {
    let (hostile, api) = unasked(fixture).await;
    hostile.fails(500, "plugin", &[&hostile.id(), reason, VENDOR]).await;
    assert!(api.lines().is_empty(), "{:?}", api.lines());
    assert_told_nobody(hostile).await;
}

async fn assert_told_nobody(hostile: Hostile) {
    let exit = hostile.plugin.shutdown().await.unwrap();
    assert!(exit.log.iter().all(|line| !line.text.contains(CANARY)), "the log has the secret");
}

#[tokio::test]
pub(super) async fn host_is_not_described() {
    let reason = "'other.example' is neither the data source's own host nor one that the guest's";
    refused("host_is_not_described", reason).await;
}

#[tokio::test]
pub(super) async fn host_is_not_allowed() {
    let (hostile, api) = unasked("host_is_not_allowed").await;
    let guest = format!("uest '{} {}'", hostile.guest, hostile_guests::VERSION);
    let remedy = "add it to the allowed hosts (allowedHosts) in the data source's settings";
    hostile.fails(400, "downstream", &[&guest, "'other.example'", remedy]).await;
    assert!(api.lines().is_empty(), "{:?}", api.lines());
}

#[tokio::test]
pub(super) async fn target_climbs_out() {
    refused("target_climbs_out", "'/../admin', which is not allowed").await;
}

#[tokio::test]
pub(super) async fn header_has_a_line_break() {
    let reason = "the header field 'x-harmless' has a line break or another control character";
    refused("header_has_a_line_break", reason).await;
}

#[tokio::test]
pub(super) async fn header_name_has_a_line_break() {
    let reason = r"the header field 'x-a: b\r\nx-smuggled' does not have a name that HTTP knows";
    refused("header_name_has_a_line_break", reason).await;
}

#[tokio::test]
pub(super) async fn header_is_host() {
    refused("header_is_host", "the header field 'Host' is one that only the host sets").await;
}

#[tokio::test]
pub(super) async fn header_is_content_length() {
    let reason = "the header field 'Content-Length' is one that only the host sets";
    refused("header_is_content_length", reason).await;
}

#[tokio::test]
pub(super) async fn header_is_connection() {
    let reason = "the header field 'Connection' is one that only the host sets";
    refused("header_is_connection", reason).await;
}

#[tokio::test]
pub(super) async fn header_is_transfer_encoding() {
    let reason = "the header field 'transfer-encoding' is one that only the host sets";
    refused("header_is_transfer_encoding", reason).await;
}

#[tokio::test]
pub(super) async fn headers_are_too_many() {
    let reason = "it has 101 header fields of 0 bytes together, more than the 100 fields";
    refused("headers_are_too_many", reason).await;
}

#[tokio::test]
pub(super) async fn method_is_not_described() {
    let reason = "the guest's description does not list the method POST";
    refused("method_is_not_described", reason).await;
}

#[tokio::test]
pub(super) async fn method_is_of_no_case() {
    let reason = "returned what the contract does not allow (unexpected discriminant: 77)";
    refused("method_is_of_no_case", reason).await;
}

#[tokio::test]
pub(super) async fn secret_goes_to_a_foreign_host() {
    refused("secret_goes_to_a_foreign_host", "'http://other.example/', which is not allowed").await;
}

#[tokio::test]
pub(super) async fn secret_is_the_hosts_own() {
    let reason = "uses the secret 'basicAuthPassword', which its description does not name";
    refused("secret_is_the_hosts_own", reason).await;
}

#[tokio::test]
pub(super) async fn rounds_never_end() {
    let (hostile, api) = unasked("rounds_never_end").await;
    let guest = format!("uest '{} {}'", hostile.guest, hostile_guests::VERSION);
    let parts = [&guest, "more than 50 rounds", &raise("rounds")];
    // A dashboard shows what there was until then, and says so. A rule does not judge by half of the data.
    let response = hostile.ask().await;
    let notice = frames(&response, "A")[0].meta()["notices"][0]["text"].to_string();
    assert_parts(&notice, &parts);
    let mut rule = hostile.datasource.query_data([Query::new("A", json!({}))]);
    rule.headers.insert("FromAlert".to_owned(), "true".to_owned());
    let response = hostile.plugin.query_data(rule).await.unwrap();
    let (status, source, sentence) = error(&response, "A");
    assert_eq!((status, source), (400, "downstream"), "{sentence}");
    assert_parts(sentence, &parts);
    assert!(api.lines().is_empty(), "{:?}", api.lines());
}

#[tokio::test]
pub(super) async fn requests_are_ten_thousand() {
    let (hostile, api) = unasked("requests_are_ten_thousand").await;
    let guest = format!("uest '{} {}'", hostile.guest, hostile_guests::VERSION);
    let parts = [&guest, "more than 500 requests", &raise("requests")];
    hostile.fails(400, "downstream", &parts).await;
    assert!(api.lines().is_empty(), "{:?}", api.lines());
}
