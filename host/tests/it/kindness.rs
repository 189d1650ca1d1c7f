//! How often an API is asked, through the whole binary: by many panels, by many users, at the pace of its vendor.

use std::collections::HashMap;

use futures_util::future::join_all;
use graft_launch::{Datasource, Plugin, Query};
use graft_proto::pluginv2::QueryDataRequest;
use serde_json::json;
use tokio::sync::watch;

use crate::support::{Answer, Api, frames, plugin};

/// An API that answers nobody before it is let.
async fn held() -> (Api, watch::Sender<bool>) {
    let (open, opened) = watch::channel(false);
    let api = Api::start_async(move |_seen| {
        let mut opened = opened.clone();
        async move {
            opened.wait_for(|open| *open).await.unwrap();
            Answer::json(r#"[{"time": 1, "value": 5}]"#)
        }
    });
    (api.await, open)
}

fn panels(datasource: &Datasource, count: usize) -> Vec<QueryDataRequest> {
    let panel = |number| Query::new(&format!("P{number}"), json!({"behaviour": "readings"}));
    (0..count).map(|number| datasource.query_data([panel(number)])).collect()
}

/// Asks all at once, lets the API answer when as many requests as that have reached it, and checks that all have their rows.
async fn ask_all(
    plugin: &Plugin,
    api: &Api,
    open: &watch::Sender<bool>,
    requests: Vec<QueryDataRequest>,
    reach: usize,
) {
    let asked = requests.into_iter().map(|request| {
        let mut client = plugin.data();
        let ref_id = request.queries[0].ref_id.clone();
        async move { (client.query_data(request).await.unwrap().into_inner(), ref_id) }
    });
    let let_answer = async {
        while api.seen().len() < reach {
            tokio::task::yield_now().await;
        }
        open.send_replace(true);
    };
    let (answers, ()) = tokio::join!(join_all(asked), let_answer);
    for (response, ref_id) in answers {
        assert_eq!(frames(&response, &ref_id)[0].floats(1), Some(vec![5.0]));
    }
}

#[tokio::test]
async fn fifty_panels_that_ask_the_same_at_once_are_one_exchange() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let (api, open) = held().await;
    // Those that come after the answer have it from the cache.
    let settings = json!({"guest": "odd", "cacheFor": 60});
    let datasource = Datasource::new("panels", &api.url).settings(settings);
    ask_all(&plugin, &api, &open, panels(&datasource, 50), 1).await;
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn fifty_users_whom_the_api_can_tell_apart_are_fifty_exchanges() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let (api, open) = held().await;
    let settings =
        json!({"guest": "odd", "cacheFor": 60, "oauthPassThru": true, "maxRequestsInFlight": 50});
    let datasource = Datasource::new("users", &api.url).settings(settings);
    let mut requests = panels(&datasource, 50);
    for (number, request) in requests.iter_mut().enumerate() {
        let token = format!("Bearer user-{number}");
        request.headers = HashMap::from([("Authorization".to_owned(), token)]);
    }
    ask_all(&plugin, &api, &open, requests.clone(), 16).await;
    let mut tokens: Vec<_> = api
        .seen()
        .iter()
        .map(|seen| seen.headers["authorization"].to_str().unwrap().to_owned())
        .collect();
    tokens.sort();
    tokens.dedup();
    assert_eq!((tokens.len(), api.seen().len()), (50, 50));
    // Each has its own from the cache, and nobody another's.
    ask_all(&plugin, &api, &open, requests, 50).await;
    assert_eq!(api.seen().len(), 50);
}

#[tokio::test]
async fn what_the_vendor_says_of_its_apis_pace_is_known() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let datasource =
        Datasource::new("pace", "http://127.0.0.1:9").settings(json!({"guest": "odd"}));
    let answer = plugin.call_resource(datasource.call_resource("GET", "schema")).await.unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let pace =
        json!({"requestsPerSecond": 1000.0, "burst": 1000, "inFlight": null, "cacheFor": null});
    assert_eq!(schema["pace"], pace);
}
