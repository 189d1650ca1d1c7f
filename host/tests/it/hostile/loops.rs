//! What never ends is stopped after the processor time, or with the stack, that a guest may use.

use graft_launch::Datasource;
use graft_proto::pluginv2::check_health_response::HealthStatus;
use graft_proto::pluginv2::resource_conversion_client::ResourceConversionClient;
use graft_proto::pluginv2::{ConversionRequest, RawObject, RunStreamRequest};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Hostile, assert_parts, raise};

const OVERRUN: &str = "it used more than 200ms of processor time (limit guest_cpu)";

impl Hostile {
    async fn uses_too_much_time(&self) {
        let (id, remedy) = (self.id(), raise("guest_cpu"));
        self.fails(500, "plugin", &[&id, OVERRUN, "Ask for less", &remedy]).await;
    }

    fn assert_says_so(&self, sentence: &str) {
        assert_parts(sentence, &[&self.id(), OVERRUN, &raise("guest_cpu")]);
    }

    async fn is_too_slow_for_a_health_check(&self) {
        let health = self.plugin.check_health(self.datasource.check_health()).await.unwrap();
        assert_eq!(health.status(), HealthStatus::Error);
        self.assert_says_so(&health.message);
        self.answers().await;
    }

    async fn is_too_slow_for_a_resource(&self) {
        let call = self.datasource.call_resource("GET", "anything");
        let answer = self.plugin.call_resource(call).await.unwrap();
        let document: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.code, &document["errorSource"]), (500, &json!("plugin")));
        self.assert_says_so(document["message"].as_str().unwrap());
        self.answers().await;
    }
}

#[tokio::test]
pub(super) async fn describe_loops_forever() {
    let hostile = Hostile::start("describe_loops_forever").await;
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
    hostile.is_too_slow_for_a_health_check().await;
}

#[tokio::test]
pub(super) async fn diagnose_loops_forever() {
    let hostile = Hostile::start("diagnose_loops_forever").await;
    hostile.is_too_slow_for_a_health_check().await;
}

#[tokio::test]
pub(super) async fn resource_requests_loops_forever() {
    let hostile = Hostile::start("resource_requests_loops_forever").await;
    hostile.is_too_slow_for_a_resource().await;
}

#[tokio::test]
pub(super) async fn respond_loops_forever() {
    let hostile = Hostile::start("respond_loops_forever").await;
    hostile.is_too_slow_for_a_resource().await;
}

#[tokio::test]
pub(super) async fn live_requests_loops_forever() {
    let hostile = Hostile::start("live_requests_loops_forever").await;
    let request = stream(&hostile.datasource);
    let mut packets = hostile.plugin.stream().run_stream(request).await.unwrap().into_inner();
    let packet = packets.message().await.unwrap().unwrap();
    let packet: Value = serde_json::from_slice(&packet.data).unwrap();
    hostile.assert_says_so(packet["schema"]["meta"]["notices"][0]["text"].as_str().unwrap());
    assert!(packets.message().await.unwrap().is_none(), "the stream has ended");
    hostile.answers().await;
}

/// Asks for a stream of a query, whose digest is the path's end.
fn stream(datasource: &Datasource) -> RunStreamRequest {
    let query = json!({"refId": "A"}).to_string();
    let digest: String = Sha256::digest(&query).iter().map(|byte| format!("{byte:02x}")).collect();
    RunStreamRequest {
        plugin_context: Some(datasource.context.clone()),
        path: format!("live/100/60000/{digest}"),
        data: json!({ "query": query }).to_string().into_bytes().into(),
        ..RunStreamRequest::default()
    }
}

#[tokio::test]
pub(super) async fn migrate_loops_forever() {
    let hostile = Hostile::start("migrate_loops_forever").await;
    let raw = r#"{"Queries":[{"RefID":"A","JSON":{"refId":"A"}}]}"#;
    let content_type = "application/json".to_owned();
    let request = ConversionRequest {
        plugin_context: Some(hostile.datasource.context.clone()),
        uid: "request-1".to_owned(),
        objects: vec![RawObject { raw: raw.into(), content_type }],
        target_version: None,
    };
    let mut client = ResourceConversionClient::new(hostile.plugin.channel());
    let converted = client.convert_objects(request).await.unwrap().into_inner();
    let result = converted.result.unwrap();
    assert_eq!((result.status.as_str(), result.code), ("Failure", 500));
    hostile.assert_says_so(&result.message);
    hostile.answers().await;
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
