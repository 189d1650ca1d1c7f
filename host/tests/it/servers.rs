//! The plugin and the servers that its users have: nginx, proxies, token servers, AWS's signatures.

mod proxies;
mod signatures;
mod tls;
mod tokens;

use graft_launch::{Datasource, Plugin, Query};
use graft_proto::pluginv2::QueryDataResponse;
use serde_json::{Value, json};

use crate::support::{error, frames};

/// A data source whose guest shows what the API answers.
fn shown(uid: &str, url: &str, more: &Value) -> Datasource {
    let mut settings = json!({"guest": "odd", "maxRetries": 0});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Datasource::new(uid, url).settings(settings)
}

async fn ask(plugin: &Plugin, datasource: &Datasource) -> QueryDataResponse {
    let query = Query::new("A", json!({"behaviour": "show-responses"}));
    plugin.query_data(datasource.query_data([query])).await.unwrap()
}

/// Status and body of what the API answered.
async fn answer(plugin: &Plugin, datasource: &Datasource) -> String {
    let response = ask(plugin, datasource).await;
    frames(&response, "A")[0].table().unwrap()
}

/// What kept the API from answering.
async fn failure(plugin: &Plugin, datasource: &Datasource) -> (i32, String, String) {
    let response = ask(plugin, datasource).await;
    let (status, source, sentence) = error(&response, "A");
    (status, source.to_owned(), sentence.to_owned())
}

/// The steps of "Save & test": each with its name and whether it went well, and all of it as text.
async fn steps(plugin: &Plugin, datasource: &Datasource) -> (Vec<(String, bool)>, String) {
    let health = plugin.check_health(datasource.check_health()).await.unwrap();
    let details: Value = serde_json::from_slice(&health.json_details).unwrap();
    let steps = details["steps"].as_array().unwrap().iter();
    let steps = steps
        .map(|step| (step["step"].as_str().unwrap().to_owned(), step["ok"].as_bool().unwrap()));
    (steps.collect(), details["verboseMessage"].as_str().unwrap().to_owned())
}
