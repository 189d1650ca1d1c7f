//! What an admin's settings can get wrong, and what happens when they change.

use graft_launch::{Datasource, Query};
use graft_proto::pluginv2::check_health_response::HealthStatus;
use serde_json::json;

use crate::support::{Answer, Api, error, frames, plugin};

fn query() -> Query {
    Query::new("A", json!({"behaviour": "show-responses"}))
}

/// What the odd guest shows of the API's answer.
async fn shown(plugin: &graft_launch::Plugin, odd: &Datasource) -> String {
    let response = plugin.query_data(odd.query_data([query()])).await.unwrap();
    frames(&response, "A")[0].table().unwrap()
}

#[tokio::test]
async fn settings_that_cannot_be_used_say_what_to_mend() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let odd = |url: &str| Datasource::new("odd", url).settings(json!({"guest": "odd"}));
    let mut broken = odd("http://127.0.0.1:9");
    let settings = broken.context.data_source_instance_settings.as_mut().unwrap();
    settings.json_data = "{\"guest\":".into();
    let nobody = Datasource::new("odd", "").settings(json!({"guest": "nobody"}));
    let cases = [
        (Datasource::new("odd", "http://127.0.0.1:9"), "guest"),
        (broken, "JSON"),
        (nobody, "There is no guest 'nobody'. Installed are odd: choose one"),
        (odd("127.0.0.1:9"), "http://127.0.0.1:9"),
        (odd(""), "has no URL"),
    ];
    for (datasource, sentence) in cases {
        let response = plugin.query_data(datasource.query_data([query()])).await.unwrap();
        let (status, source, was) = error(&response, "A");
        assert_eq!((status, source), (400, "downstream"), "{was}");
        assert!(was.contains(sentence), "{was}");
        if sentence != "has no URL" {
            let health = plugin.check_health(datasource.check_health()).await.unwrap();
            assert_eq!((health.status(), health.message.as_str()), (HealthStatus::Error, was));
        }
    }
}

#[tokio::test]
async fn a_data_source_is_built_again_when_its_settings_change() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let (one, two) = (
        Api::start(|_seen| Answer::json("\"one\"")).await,
        Api::start(|_seen| Answer::json("\"two\"")).await,
    );
    let odd = |url: &str| Datasource::new("odd", url).settings(json!({"guest": "odd"}));
    for _query in 0..2 {
        assert!(shown(&plugin, &odd(&one.url)).await.contains("one"));
    }
    let moved = odd(&two.url).updated(1_700_000_000_001);
    assert!(shown(&plugin, &moved).await.contains("two"));
    assert_eq!((one.seen().len(), two.seen().len()), (2, 1));
}

#[tokio::test]
async fn the_same_uid_in_another_organisation_is_another_data_source() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let (one, two) = (
        Api::start(|_seen| Answer::json("\"one\"")).await,
        Api::start(|_seen| Answer::json("\"two\"")).await,
    );
    let odd = |url: &str, org_id| {
        let mut odd = Datasource::new("odd", url).settings(json!({"guest": "odd"}));
        odd.context.org_id = org_id;
        odd
    };
    assert!(shown(&plugin, &odd(&one.url, 1)).await.contains("one"));
    assert!(shown(&plugin, &odd(&two.url, 2)).await.contains("two"));
}

#[tokio::test]
async fn headers_and_the_user_agent_are_the_admins() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let api = Api::start(|_seen| Answer::json("{}")).await;
    let settings = json!({"guest": "odd", "httpHeaderName1": "X-Tenant"});
    let odd = Datasource::new("odd", &api.url).settings(settings);
    shown(&plugin, &odd.secret("httpHeaderValue1", "seven")).await;
    let headers = &api.seen()[0].headers;
    assert_eq!(headers["x-tenant"], "seven");
    let agent = headers["user-agent"].to_str().unwrap();
    assert!(agent.starts_with("Grafana/") && agent.contains("graft-datasource/"), "{agent}");
}
