//! Answers that leave as rounds finish.

use graft_launch::{Datasource, Plugin, Query};
use graft_proto::pluginv2::{
    DataFrameFormat, QueryChunkedDataRequest, QueryChunkedDataResponse, QueryDataRequest,
};
use serde_json::{Value, json};

use crate::support::plugin;

fn query(ref_id: &str, behaviour: &str) -> Query {
    Query::new(ref_id, json!({ "behaviour": behaviour }))
}

async fn ask(
    plugin: &Plugin,
    guest: &str,
    format: DataFrameFormat,
    queries: impl IntoIterator<Item = Query>,
) -> Vec<QueryChunkedDataResponse> {
    let datasource = Datasource::new("odd", "http://127.0.0.1:1").settings(json!({"guest": guest}));
    let QueryDataRequest { plugin_context, headers, queries, .. } = datasource.query_data(queries);
    let format = format.into();
    let request = QueryChunkedDataRequest { plugin_context, headers, queries, format };
    let mut stream = plugin.data().query_chunked_data(request).await.unwrap().into_inner();
    let mut chunks = Vec::new();
    while let Some(chunk) = stream.message().await.unwrap() {
        chunks.push(chunk);
    }
    chunks
}

#[tokio::test]
async fn each_page_leaves_by_itself_and_only_the_first_has_the_schema() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let chunks = ask(&plugin, "odd", DataFrameFormat::Json, [query("A", "pages")]).await;
    assert_eq!(chunks.len(), 3);
    for (number, chunk) in chunks.iter().enumerate() {
        assert_eq!((chunk.ref_id.as_str(), chunk.frame_id.as_str()), ("A", "0"));
        assert_eq!((chunk.status, chunk.format()), (200, DataFrameFormat::Json));
        let frame: Value = serde_json::from_slice(&chunk.frame).unwrap();
        let first = 2.0 * u32::try_from(number).map(f64::from).unwrap();
        assert_eq!(frame["data"]["values"], json!([[first, first + 1.0]]));
        assert_eq!(frame.get("schema").is_some(), number == 0);
    }
}

#[tokio::test]
async fn as_arrow_each_chunk_is_a_whole_file() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let chunks = ask(&plugin, "odd", DataFrameFormat::Arrow, [query("A", "pages")]).await;
    let frames: Vec<_> = chunks.into_iter().map(|chunk| chunk.frame).collect();
    let frames = graft_launch::frames::decode_all(&frames).unwrap();
    let rows: Vec<_> = frames.iter().map(|frame| frame.floats(0).unwrap()).collect();
    assert_eq!(rows, [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]);
}

#[tokio::test]
async fn every_query_is_answered_and_an_error_is_its_last_chunk() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let queries = [query("A", "answer"), query("B", "refuse"), query("C", "panic")];
    let mut chunks = ask(&plugin, "odd", DataFrameFormat::Json, queries).await;
    chunks.sort_by(|one, other| one.ref_id.cmp(&other.ref_id));
    let [good, refused, faulty] = chunks.as_slice() else { panic!("{chunks:?}") };
    assert_eq!((good.status, good.error.as_str()), (200, ""));
    assert_eq!((refused.status, refused.error.as_str()), (400, "As it was told to."));
    assert_eq!((refused.error_source.as_str(), refused.frame.len()), ("downstream", 0));
    assert_eq!((faulty.status, faulty.error_source.as_str()), (500, "plugin"));
}

#[tokio::test]
async fn a_query_without_frames_is_answered_by_one_without_fields() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let chunks = ask(&plugin, "odd", DataFrameFormat::Json, [query("A", "nothing")]).await;
    let [chunk] = chunks.as_slice() else { panic!("{chunks:?}") };
    let frame: Value = serde_json::from_slice(&chunk.frame).unwrap();
    assert_eq!((&frame["schema"]["fields"], chunk.status), (&json!([]), 200));
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_an_error_of_each_query() {
    let (plugin, _folder) = plugin(&[]).await;
    let queries = [query("A", "answer"), query("B", "answer")];
    let chunks = ask(&plugin, "none", DataFrameFormat::Json, queries).await;
    let mut ref_ids: Vec<_> = chunks.iter().map(|chunk| chunk.ref_id.as_str()).collect();
    ref_ids.sort_unstable();
    assert_eq!(ref_ids, ["A", "B"]);
    assert!(chunks.iter().all(|chunk| chunk.error.contains("There is no guest 'none'")));
}
