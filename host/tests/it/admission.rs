//! What Grafana asks before it saves settings, and when queries are older than their guest.

use graft_launch::{Datasource, Plugin};
use graft_proto::pluginv2::admission_control_client::AdmissionControlClient;
use graft_proto::pluginv2::admission_request::Operation;
use graft_proto::pluginv2::resource_conversion_client::ResourceConversionClient;
use graft_proto::pluginv2::{
    AdmissionRequest, ConversionRequest, ConversionResponse, GroupVersionKind, RawObject,
    ValidationResponse,
};
use prost::Message as _;
use serde_json::{Value, json};
use tonic::Code;

use crate::support::plugin;

/// Wants to save a data source.
fn saving(datasource: &Datasource) -> AdmissionRequest {
    let settings = datasource.context.data_source_instance_settings.clone().unwrap_or_default();
    let mut context = datasource.context.clone();
    context.data_source_instance_settings = None;
    AdmissionRequest {
        plugin_context: Some(context),
        operation: Operation::Create.into(),
        kind: Some(GroupVersionKind {
            group: "grafana-plugin-sdk-go".to_owned(),
            version: "v1".to_owned(),
            kind: "DataSourceInstanceSettings".to_owned(),
        }),
        object_bytes: settings.encode_to_vec().into(),
        old_object_bytes: bytes::Bytes::new(),
    }
}

async fn validate(plugin: &Plugin, request: AdmissionRequest) -> ValidationResponse {
    let mut client = AdmissionControlClient::new(plugin.channel());
    client.validate_admission(request).await.unwrap().into_inner()
}

fn things(settings: Value) -> Datasource {
    Datasource::new("things", "http://127.0.0.1:1").settings(settings)
}

#[tokio::test]
async fn settings_that_fit_their_guest_are_admitted_as_they_are() {
    let (plugin, _folder) = plugin(&["things"]).await;
    let request = saving(&things(json!({"guest": "things", "thing": "boiler", "timeout": 3})));
    let validated = validate(&plugin, request.clone()).await;
    assert!(validated.allowed, "{validated:?}");
    assert_eq!(validated.result.unwrap().status, "Success");

    let mut client = AdmissionControlClient::new(plugin.channel());
    let mutated = client.mutate_admission(request.clone()).await.unwrap().into_inner();
    assert!(mutated.allowed);
    assert_eq!(mutated.object_bytes, request.object_bytes);
}

#[tokio::test]
async fn settings_that_do_not_fit_are_refused_with_what_to_mend() {
    let (plugin, _folder) = plugin(&["things"]).await;
    for (settings, part) in [
        (json!({"guest": "things", "thing": 7}), "at '/thing': 7 is not of type \"string\""),
        (json!({"guest": "none"}), "There is no guest 'none'"),
        (json!({}), "guest"),
        (json!({"guest": "things", "thing": "a", "tlsAuthWithCACert": true}), "tlsCACert"),
    ] {
        let request = saving(&things(settings.clone()));
        let validated = validate(&plugin, request.clone()).await;
        let result = validated.result.unwrap();
        assert_eq!((validated.allowed, result.status.as_str()), (false, "Failure"), "{settings}");
        assert!(result.message.contains(part), "{settings}: {}", result.message);

        let mut client = AdmissionControlClient::new(plugin.channel());
        let mutated = client.mutate_admission(request).await.unwrap().into_inner();
        assert_eq!((mutated.allowed, mutated.object_bytes.len()), (false, 0));
    }
}

#[tokio::test]
async fn a_secret_that_has_not_changed_is_still_set() {
    let (plugin, _folder) = plugin(&["things"]).await;
    let settings = json!({"guest": "things", "thing": "boiler", "tlsAuthWithCACert": true});
    let now = things(settings.clone());
    let before = things(settings).secret("tlsCACert", include_str!("admission/authority.pem"));
    let objects = |datasource: &Datasource| saving(datasource).object_bytes;
    let mut request = saving(&now);
    request.operation = Operation::Update.into();
    assert!(!validate(&plugin, request.clone()).await.allowed);
    request.old_object_bytes = objects(&before);
    let validated = validate(&plugin, request).await;
    assert!(validated.allowed, "{validated:?}");
}

#[tokio::test]
async fn whatever_its_settings_are_a_data_source_can_be_deleted() {
    let (plugin, _folder) = plugin(&["things"]).await;
    let delete = Operation::Delete.into();
    let request = AdmissionRequest { operation: delete, ..saving(&things(json!({"guest": 1}))) };
    assert!(validate(&plugin, request).await.allowed);
}

#[tokio::test]
async fn a_guest_that_cannot_be_loaded_is_a_warning_and_no_reason_not_to_save() {
    let (plugin, folder) = plugin(&[]).await;
    folder.put("broken.wasm", b"no component");
    let validated = validate(&plugin, saving(&things(json!({"guest": "broken"})))).await;
    assert!(validated.allowed);
    assert!(validated.warnings[0].contains("'broken' cannot be used"), "{validated:?}");
}

#[tokio::test]
async fn what_is_no_data_source_is_a_broken_request() {
    let (plugin, _folder) = plugin(&[]).await;
    let good = saving(&things(json!({})));
    let mut client = AdmissionControlClient::new(plugin.channel());
    for request in [
        AdmissionRequest { kind: None, ..good.clone() },
        AdmissionRequest { object_bytes: "\u{1}\u{1}".into(), ..good },
    ] {
        let status = client.validate_admission(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    }
}

async fn convert(plugin: &Plugin, document: &str) -> ConversionResponse {
    let odd = Datasource::new("odd", "").settings(json!({"guest": "odd"}));
    let object =
        RawObject { raw: document.to_owned().into(), content_type: "application/json".to_owned() };
    let request = ConversionRequest {
        plugin_context: Some(odd.context),
        uid: "request-1".to_owned(),
        objects: vec![object],
        target_version: None,
    };
    let mut client = ResourceConversionClient::new(plugin.channel());
    client.convert_objects(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn old_queries_take_the_shape_of_today() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let document = r#"{"Queries":[
        {"RefID":"A","JSON":{"refId":"A","oldBehaviour":"answer"}},
        {"RefID":"B","JSON":{"refId":"B","behaviour":"refuse"}}
    ]}"#;
    let converted = convert(&plugin, document).await;
    assert_eq!(converted.uid, "request-1");
    assert_eq!(converted.result.unwrap().status, "Success");
    let queries: Vec<Value> = converted
        .objects
        .iter()
        .map(|object| serde_json::from_slice(&object.raw).unwrap())
        .collect();
    let expected = [
        json!({"refId": "A", "behaviour": "answer"}),
        json!({"refId": "B", "behaviour": "refuse"}),
    ];
    assert_eq!(queries, expected);
    assert!(converted.objects.iter().all(|object| object.content_type == "application/json"));
}

#[tokio::test]
async fn a_query_that_cannot_be_converted_fails_all_with_a_sentence() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    for (document, part) in [
        (
            r#"{"Queries":[{"JSON":{}},{"JSON":{"oldBehaviour":null}}]}"#,
            "Nothing is not a behaviour.",
        ),
        (r#"{"Queries":[{"JSON":7}]}"#, "query 0 of object 0 is not a JSON object"),
        ("{}", "object 0 has no list Queries"),
        ("{", "object 0 is not a JSON object"),
    ] {
        let converted = convert(&plugin, document).await;
        let result = converted.result.unwrap();
        assert_eq!((result.status.as_str(), result.code), ("Failure", 400), "{document}");
        assert!(result.message.contains(part), "{document}: {}", result.message);
        assert!(converted.objects.is_empty());
    }
}
