//! All that Grafana can ask, each time with secrets in its context and header fields, and what comes back as text.

use std::collections::HashMap;
use std::fmt::Debug;

use bytes::Bytes;
use graft_launch::{Plugin, Query};
use graft_proto::pluginv2::admission_control_client::AdmissionControlClient;
use graft_proto::pluginv2::admission_request::Operation;
use graft_proto::pluginv2::resource_conversion_client::ResourceConversionClient;
use graft_proto::pluginv2::{
    AdmissionRequest, CallResourceRequest, CheckHealthRequest, ConversionRequest, DataFrameFormat,
    GroupVersionKind, QueryChunkedDataRequest, QueryDataRequest, RawObject, RunStreamRequest,
    StringList, SubscribeStreamRequest,
};
use prost::Message as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio_stream::StreamExt as _;
use tonic::{Response, Status};

use super::{Case, HEADERS, Live, canary};

/// Guests' paths, the host's own, and nobody's.
const PATHS: [&str; 7] =
    ["echo", "api", "nowhere", "guests", "schema", "schema?guest=nobody", "alert-readiness"];

/// What a request was answered.
pub(super) struct Answered {
    /// All of it.
    pub(super) text: String,
    /// Whether the API's own words can be in it.
    pub(super) quotes_api: bool,
}

/// Asks everything that can be asked of a case's data source. There is an answer to each request.
pub(super) async fn everything(plugin: &Plugin, case: &Case) -> Vec<Answered> {
    let mut answers = data(plugin, case).await;
    answers.extend(resources(plugin, case).await);
    answers.extend(live(plugin, case).await);
    let own = [admissions(plugin, case).await, conversions(plugin, case).await].concat();
    answers.extend(own.into_iter().map(|text| Answered { text, quotes_api: false }));
    answers
}

fn text<T: Debug>(answer: Result<Response<T>, Status>) -> String {
    format!("{:?}", answer.map(Response::into_inner))
}

fn headers() -> HashMap<String, String> {
    HEADERS.iter().map(|name| ((*name).to_owned(), canary(name))).collect()
}

async fn data(plugin: &Plugin, case: &Case) -> Vec<Answered> {
    let query = QueryDataRequest {
        headers: headers(),
        ..case.datasource.query_data([Query::new("A", case.query.clone())])
    };
    let check = CheckHealthRequest { headers: headers(), ..case.datasource.check_health() };
    let chunked = |format: DataFrameFormat| QueryChunkedDataRequest {
        plugin_context: query.plugin_context.clone(),
        headers: headers(),
        queries: query.queries.clone(),
        format: format.into(),
    };
    let chunked = [chunked(DataFrameFormat::Json), chunked(DataFrameFormat::Arrow)];
    let mut answers = vec![
        text(plugin.data().query_data(query).await),
        text(plugin.diagnostics().check_health(check).await),
    ];
    for request in chunked {
        let chunks = plugin.data().query_chunked_data(request).await.unwrap().into_inner();
        answers.push(format!("{:?}", chunks.collect::<Vec<_>>().await));
    }
    answers.into_iter().map(|text| Answered { text, quotes_api: true }).collect()
}

async fn resources(plugin: &Plugin, case: &Case) -> Vec<Answered> {
    let mut answers = Vec::new();
    let body = json!({"queries": [case.query], "from": "1000", "to": "2000"}).to_string();
    for path in PATHS {
        let is_readiness = path == "alert-readiness";
        let request = CallResourceRequest {
            headers: headers()
                .into_iter()
                .map(|(name, value)| (name, StringList { values: vec![value] }))
                .collect(),
            body: if is_readiness { body.clone().into() } else { Bytes::new() },
            ..case.datasource.call_resource(if is_readiness { "POST" } else { "GET" }, path)
        };
        let parts = plugin.resource().call_resource(request).await.unwrap().into_inner();
        let text = format!("{path}: {:?}", parts.collect::<Vec<_>>().await);
        answers.push(Answered { text, quotes_api: is_readiness || path == "api" });
    }
    answers
}

/// Subscribes, runs the stream until its first packet or its first interruption, and subscribes again while it shows that.
async fn live(plugin: &Plugin, case: &Case) -> Vec<Answered> {
    let mut query = case.query.clone();
    query["refId"] = json!("A");
    let query = query.to_string();
    let digest = Sha256::digest(&query);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = format!("live/100/60000/{digest}");
    let data = Bytes::from(json!({ "query": query }).to_string());
    let subscription = SubscribeStreamRequest {
        plugin_context: Some(case.datasource.context.clone()),
        path: path.clone(),
        data: data.clone(),
        headers: headers(),
    };
    let run = RunStreamRequest {
        plugin_context: Some(case.datasource.context.clone()),
        path,
        data,
        headers: headers(),
    };
    let subscribe = async || text(plugin.stream().subscribe_stream(subscription.clone()).await);
    let mut answers = vec![subscribe().await];
    if !matches!(case.live, Live::Retries) {
        let mut packets = plugin.stream().run_stream(run).await.unwrap().into_inner();
        match case.live {
            Live::Interrupted => {
                let line = plugin.logged(|line| line.says("A stream is interrupted")).await;
                assert!(line.is_some(), "{:#?}", plugin.log());
            }
            _ => {
                let packet = packets.message().await;
                assert!(matches!(packet, Ok(Some(_))), "{packet:?} of {}", case.query);
                answers.push(format!("{packet:?}"));
            }
        }
        answers.push(subscribe().await);
    }
    answers.into_iter().map(|text| Answered { text, quotes_api: true }).collect()
}

/// Saves the data source, as it is, with settings that are wrong in several ways, and as bytes that are none.
async fn admissions(plugin: &Plugin, case: &Case) -> Vec<String> {
    let good = case.datasource.context.data_source_instance_settings.clone().unwrap();
    let settings: Value = serde_json::from_slice(&good.json_data).unwrap();
    let mut objects = vec![good.encode_to_vec()];
    for (name, wrong) in
        [("thing", json!(7)), ("timeout", json!("soon")), ("tlsAuth", json!("maybe"))]
    {
        let mut settings = settings.clone();
        settings[name] = wrong;
        let mut object = good.clone();
        object.json_data = settings.to_string().into();
        objects.push(object.encode_to_vec());
    }
    let mut cut = good.encode_to_vec();
    cut.pop();
    objects.push(cut);

    let mut client = AdmissionControlClient::new(plugin.channel());
    let mut answers = Vec::new();
    for object in objects {
        let request = AdmissionRequest {
            plugin_context: Some(case.datasource.context.clone()),
            operation: Operation::Update.into(),
            kind: Some(GroupVersionKind {
                group: "grafana-plugin-sdk-go".to_owned(),
                version: "v1".to_owned(),
                kind: "DataSourceInstanceSettings".to_owned(),
            }),
            object_bytes: object.into(),
            old_object_bytes: good.encode_to_vec().into(),
        };
        answers.push(text(client.validate_admission(request.clone()).await));
        let mut mutated = client.mutate_admission(request.clone()).await;
        if let Ok(response) = &mut mutated {
            let object = std::mem::take(&mut response.get_mut().object_bytes);
            assert!(
                object.is_empty() || object == request.object_bytes,
                "nothing but the request's"
            );
        }
        answers.push(text(mutated));
    }
    answers
}

async fn conversions(plugin: &Plugin, case: &Case) -> Vec<String> {
    let mut client = ResourceConversionClient::new(plugin.channel());
    let mut answers = Vec::new();
    for document in [
        r#"{"Queries":[{"RefID":"A","JSON":{"refId":"A","oldBehaviour":"answer"}}]}"#,
        r#"{"Queries":[{"JSON":{"oldBehaviour":null}}]}"#,
        "{",
    ] {
        let object =
            RawObject { raw: document.into(), content_type: "application/json".to_owned() };
        let request = ConversionRequest {
            plugin_context: Some(case.datasource.context.clone()),
            uid: "request-1".to_owned(),
            objects: vec![object],
            target_version: None,
        };
        answers.push(text(client.convert_objects(request).await));
    }
    answers
}
