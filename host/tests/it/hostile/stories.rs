//! Everything else that Grafana asks a plugin, asked of the hostile guest.

use graft_launch::Answer;
use graft_proto::pluginv2::check_health_response::HealthStatus;
use graft_proto::pluginv2::resource_conversion_client::ResourceConversionClient;
use graft_proto::pluginv2::{ConversionRequest, RawObject, RunStreamRequest};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Hostile;

impl Hostile {
    /// "Save & test", which fails with this sentence.
    pub(super) async fn fails_a_health_check(&self) -> String {
        let health = self.plugin.check_health(self.datasource.check_health()).await.unwrap();
        assert_eq!(health.status(), HealthStatus::Error);
        health.message
    }

    /// A resource call.
    pub(super) async fn resource(&self) -> Answer {
        let call = self.datasource.call_resource("GET", "anything");
        self.plugin.call_resource(call).await.unwrap()
    }

    /// A resource call, which fails with this sentence.
    pub(super) async fn fails_a_resource(&self) -> String {
        let answer = self.resource().await;
        let document: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.code, &document["errorSource"]), (500, &json!("plugin")));
        document["message"].as_str().unwrap().to_owned()
    }

    /// A live stream, which ends with this sentence.
    pub(super) async fn fails_a_stream(&self) -> String {
        let query = json!({"refId": "A"}).to_string();
        let digest: String =
            Sha256::digest(&query).iter().map(|byte| format!("{byte:02x}")).collect();
        let request = RunStreamRequest {
            plugin_context: Some(self.datasource.context.clone()),
            path: format!("live/100/60000/{digest}"),
            data: json!({ "query": query }).to_string().into_bytes().into(),
            ..RunStreamRequest::default()
        };
        let mut packets = self.plugin.stream().run_stream(request).await.unwrap().into_inner();
        let packet = packets.message().await.unwrap().unwrap();
        let packet: Value = serde_json::from_slice(&packet.data).unwrap();
        assert!(packets.message().await.unwrap().is_none(), "the stream has ended");
        packet["schema"]["meta"]["notices"][0]["text"].as_str().unwrap().to_owned()
    }

    /// A migration of an old query, which fails with this sentence.
    pub(super) async fn fails_a_migration(&self) -> String {
        let raw = r#"{"Queries":[{"RefID":"A","JSON":{"refId":"A"}}]}"#;
        let content_type = "application/json".to_owned();
        let request = ConversionRequest {
            plugin_context: Some(self.datasource.context.clone()),
            uid: "request-1".to_owned(),
            objects: vec![RawObject { raw: raw.into(), content_type }],
            target_version: None,
        };
        let mut client = ResourceConversionClient::new(self.plugin.channel());
        let converted = client.convert_objects(request).await.unwrap().into_inner();
        let result = converted.result.unwrap();
        assert_eq!((result.status.as_str(), result.code), ("Failure", 500));
        result.message
    }
}
