use graft_guest::testing::Guest;

use super::*;

fn things() -> Guest<Things> {
    Guest::new(r#"{"guest":"things","thing":"boiler 7"}"#)
}

/// What the guest makes of a body that the API answers with.
fn transform(body: &str) -> Result<Frame, Refusal> {
    let things = things();
    let query = things.query(r#"{"table":"day","fields":["_avg"]}"#);
    let mut outcome = things.transform(&query, [Response::sample(200, body)])?;
    assert_eq!((outcome.frames.len(), &outcome.next), (1, &None));
    Ok(outcome.frames.remove(0))
}

#[test]
fn a_query_asks_for_its_fields_and_always_for_the_time() {
    let things = things();
    let query = r#"{"table":"a/b","fields":["_avg","_time","_max"],"indexes":["1","2"]}"#;
    let fetch = things.build_requests(&things.query(query)).unwrap();
    let [request] = fetch.requests.as_slice() else { panic!("{fetch:?}") };
    assert_eq!((request.method, &request.body), (Method::Get, &None));
    assert_eq!(request.target, "/api/things/boiler%207/db/a%2Fb/frames");
    let parameters = request.parameters.iter();
    let parameters: Vec<_> =
        parameters.map(|pair| (pair.name.as_str(), pair.value.as_str())).collect();
    let expected = [
        ("from", "1700000000"),
        ("to", "1700003600"),
        ("fields", "_time"),
        ("fields", "_avg"),
        ("fields", "_max"),
        ("indexes", "1"),
        ("indexes", "2"),
        ("meta", "true"),
    ];
    assert_eq!(parameters, expected);
}

#[test]
fn indexes_may_be_left_out() {
    let things = things();
    let fetch = things.build_requests(&things.query(r#"{"table":"t","fields":["_avg"]}"#)).unwrap();
    assert!(fetch.requests[0].parameters.iter().all(|pair| pair.name != "indexes"));
}

#[test]
fn a_table_or_a_thing_that_is_missing_is_refused_by_name() {
    let refusal = things().build_requests(&things().query(r#"{"fields":[]}"#));
    let text = "The query does not fit: missing field `table`.";
    assert_eq!(refusal, Err(Refusal::BadQuery(text.to_owned())));
    let nowhere = Guest::<Things>::new("{}");
    let refusal = nowhere.build_requests(&nowhere.query(r#"{"table":"t","fields":[]}"#));
    assert!(matches!(refusal, Err(Refusal::BadSettings(text)) if text.contains("`thing`")));
}

#[test]
fn the_time_becomes_a_time_field_and_the_others_titled_numbers() {
    let body = r#"[
        {"name":"_time","values":[1700000000,1700000001.5,1700000002]},
        {"name":"_avg","values":[1,null,"2.5"],"meta":{"group_txt":"Boiler","txt":"Flow"}}
    ]"#;
    let frame = transform(body).unwrap();
    assert_eq!(frame.name, "day");
    assert_eq!(frame.meta, [FrameMeta::Kind(Kind::TimeseriesWide)]);
    let times =
        vec![1_700_000_000_000_000_000, 1_700_000_001_500_000_000, 1_700_000_002_000_000_000];
    let title = "Boiler: Flow";
    let values = vec![Some(1.0), None, Some(2.5)];
    let expected = [Field::time("_time", times), Field::new("_avg", values).display_name(title)];
    assert_eq!(frame.fields, expected);
}

#[test]
fn half_a_title_stands_alone() {
    let body = r#"[{"name":"_avg","values":[],"meta":{"txt":"Flow"}},{"name":"_max","values":[]}]"#;
    let fields = transform(body).unwrap().fields;
    assert_eq!(fields[0].config, [FieldConfig::DisplayNameFromDs("Flow".to_owned())]);
    // Grafana shows the field's name where the title is empty.
    assert_eq!(fields[1].config, [FieldConfig::DisplayNameFromDs(String::new())]);
}

#[test]
fn no_series_is_a_frame_that_says_no_data() {
    let frame = transform("[]").unwrap();
    assert!(frame.fields.is_empty());
    assert_eq!(frame.meta, [FrameMeta::Kind(Kind::TimeseriesWide)]);
}

#[test]
fn a_gap_in_the_time_is_the_apis_fault() {
    let refusal = transform(r#"[{"name":"_time","values":[1,null]}]"#).unwrap_err();
    assert!(matches!(refusal, Refusal::UnexpectedResponse(text) if text.contains("'_time'")));
}

#[test]
fn a_series_of_words_is_refused_with_its_place() {
    let refusal = transform(r#"[{"name":"_avg","values":[1,"high"]}]"#).unwrap_err();
    let Refusal::UnexpectedResponse(text) = refusal else { panic!("{refusal:?}") };
    assert!(text.contains(r#"invalid value: string "high""#), "{text}");
    assert!(text.contains("(in '[0].values[1]')"), "{text}");
}

#[test]
fn the_schemas_are_objects_and_name_what_the_guest_reads() {
    let description = things().describe();
    for (schema, member) in
        [(description.query_schema, "table"), (description.settings_schema, "thing")]
    {
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        assert_eq!(schema["type"], "object");
        assert_eq!(schema["properties"][member]["type"], "string");
    }
}

#[test]
fn a_health_check_asks_only_whether_the_api_is_there() {
    assert_eq!(things().health_requests().unwrap().requests.len(), 1);
    let verdict = things().diagnose([Response::sample(404, "")], "");
    assert!(matches!(verdict, Ok(Verdict::Done(diagnosis)) if diagnosis.healthy));
}
