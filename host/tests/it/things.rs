//! The things guest, whole: from Grafana's call to the frames, with an API that answers as the real one does.

use arrow::array::AsArray as _;
use arrow::datatypes::Float64Type;
use expect_test::expect;
use graft_launch::{Datasource, Query};
use graft_proto::pluginv2::check_health_response::HealthStatus;
use serde_json::json;

use crate::support::{Answer, Api, frames, plugin};

const BODY: &str = r#"[
    {"name":"_time","values":[1700000000,1700000060.5,1700000120]},
    {"name":"_avg","values":[20.5,null,21],"meta":{"group_txt":"Boiler","txt":"Flow temperature"}}
]"#;

#[tokio::test]
async fn a_table_of_a_thing_becomes_a_frame() {
    let (plugin, _folder) = plugin(&["things"]).await;
    let api = Api::start(|_seen| Answer::json(BODY)).await;
    let things = Datasource::new("things", &format!("{}/base/", api.url))
        .settings(json!({"guest": "things", "thing": "boiler 7"}))
        .basic_auth("me", "secret");
    let query = Query::new("A", json!({"table": "day", "fields": ["_avg"], "indexes": ["1"]}));
    let response = plugin.query_data(things.query_data([query])).await.unwrap();

    let seen = api.seen();
    let line = "GET /base/api/things/boiler%207/db/day/frames?from=1700000000&to=1700003600&fields=_time&fields=_avg&\
                indexes=1&meta=true";
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].line, line);
    assert_eq!(seen[0].headers["authorization"], "Basic bWU6c2VjcmV0");

    let frames = frames(&response, "A");
    assert_eq!(frames.len(), 1);
    expect![[r#"
        +-------------------------+------+
        | _time                   | _avg |
        +-------------------------+------+
        | 2023-11-14T22:13:20     | 20.5 |
        | 2023-11-14T22:14:20.500 |      |
        | 2023-11-14T22:15:20     | 21.0 |
        +-------------------------+------+"#]]
    .assert_eq(&frames[0].table().unwrap());
    let schema = frames[0].schema();
    let config: serde_json::Value =
        serde_json::from_str(&schema.field(1).metadata()["config"]).unwrap();
    assert_eq!(config, json!({"displayNameFromDS": "Boiler: Flow temperature"}));
    assert!(!schema.field(0).is_nullable() && schema.field(1).is_nullable());
    assert_eq!(frames[0].metadata()["name"], "day");
    let meta = frames[0].meta();
    assert_eq!((&meta["type"], &meta["typeVersion"]), (&json!("timeseries-wide"), &json!([0, 1])));
    let executed = meta["executedQueryString"].as_str().unwrap();
    let asked = line.replacen("GET ", &format!("GET {}", api.url), 1);
    assert!(executed.starts_with(&format!("{asked} -> 200, ")), "{executed}");
}

/// In the sandbox numbers are read in wide registers, which the guest's own tests do not have.
#[tokio::test]
async fn numbers_come_out_of_the_sandbox_as_they_were_written() {
    let mut texts: Vec<String> =
        ["0", "-0", "-0.0", "1e5", "5e-324", "1.7976931348623157e308"].map(str::to_owned).into();
    // Whole numbers and fractions of every length, with every digit at every place.
    for length in 0..=20_u8 {
        for first in 1..=9 {
            let digit = |place| char::from(b'0' + (first + place * 7) % 10);
            let digits: String = (0..length).map(digit).collect();
            texts.push(format!("{first}{digits}"));
            texts.push(format!("-{first}.5{digits}"));
            texts.push(format!("0.{digits}{first}"));
            texts.push(format!("{first}{digits}.25"));
            texts.push(format!("{first}{digits}.125e-3"));
        }
    }
    let times: Vec<usize> = (0..texts.len()).collect();
    let body = format!(
        r#"[{{"name":"_time","values":{times:?}}},{{"name":"_avg","values":[{}]}}]"#,
        texts.join(",")
    );
    let (plugin, _folder) = plugin(&["things"]).await;
    let api = Api::start(move |_seen| Answer::json(body.clone())).await;
    let things =
        Datasource::new("things", &api.url).settings(json!({"guest": "things", "thing": "boiler"}));
    let query = Query::new("A", json!({"table": "day", "fields": ["_avg"]}));
    let response = plugin.query_data(things.query_data([query])).await.unwrap();
    let frames = frames(&response, "A");
    let found = frames[0].batch.column(1).as_primitive::<Float64Type>();
    let expected = texts.iter().map(|text| text.parse::<f64>().unwrap().to_bits());
    assert!(found.values().iter().map(|number| number.to_bits()).eq(expected));
}

#[tokio::test]
async fn save_and_test_says_whether_the_api_answers() {
    let (plugin, _folder) = plugin(&["things"]).await;
    let api = Api::start(|_seen| Answer::json("{}")).await;
    let settings = json!({"guest": "things", "thing": "boiler"});
    let things = Datasource::new("things", &api.url).settings(settings.clone());
    let health = plugin.check_health(things.check_health()).await.unwrap();
    assert_eq!((health.status(), health.message.as_str()), (HealthStatus::Ok, "The API answers."));

    let nowhere = Datasource::new("nowhere", "http://127.0.0.1:9").settings(settings);
    let health = plugin.check_health(nowhere.check_health()).await.unwrap();
    assert_eq!(health.status(), HealthStatus::Error);
    assert!(health.message.contains("Connection refused by 127.0.0.1:9"), "{}", health.message);
}
