use graft_guest::testing::Guest;

use super::*;

#[test]
fn the_description_says_what_the_guest_can_do() {
    let description = Guest::<Prometheus>::new("{}").describe();
    assert_eq!(description.name, "prometheus");
    assert!(description.capabilities.contains(&Capability::Alerting));
    assert_eq!(description.methods, [Method::Get, Method::Post]);
    assert!(description.secrets.is_empty() && description.hosts.is_empty());
}

#[test]
fn the_schemas_are_objects_and_name_what_the_guest_reads() {
    let description = Guest::<Prometheus>::new("{}").describe();
    let query = [
        "expr",
        "range",
        "instant",
        "exemplar",
        "format",
        "legendFormat",
        "interval",
        "intervalFactor",
        "utcOffsetSec",
    ];
    let settings = [
        "httpMethod",
        "timeInterval",
        "queryTimeout",
        "customQueryParameters",
        "exemplarTraceIdDestinations",
    ];
    for (schema, members) in
        [(description.query_schema, &query[..]), (description.settings_schema, &settings[..])]
    {
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        assert_eq!(schema["type"], "object");
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(properties.len(), members.len());
        assert!(members.iter().all(|member| properties.contains_key(*member)));
    }
}

#[test]
fn a_query_that_grafana_saved_is_accepted_as_it_is() {
    let guest = Guest::<Prometheus>::new(
        r#"{"httpMethod":"POST","manageAlerts":true,"prometheusType":"Mimir","cacheLevel":"Low",
            "prometheusVersion":"2.9.1","exemplarTraceIdDestinations":[],"incrementalQuerying":false}"#,
    );
    let query = guest.query(
        r#"{"datasource":{"type":"prometheus","uid":"x"},"editorMode":"code","exemplar":false,
            "expr":"rate(http_requests_total{job=~\"a|b\"}[$__rate_interval])","format":"time_series",
            "fullMetaSearch":false,"includeNullMetadata":true,"instant":false,"interval":"",
            "intervalFactor":2,"legendFormat":"{{job}}","range":true,"refId":"A","requestId":"1A",
            "step":15,"useBackend":false,"utcOffsetSec":7200,"intervalMs":15000,"maxDataPoints":1000,
            "disableTextWrap":false,"adhocFilters":[],"scopes":null,"metric":"","hide":false}"#,
    );
    let fetch = guest.build_requests(&query).unwrap();
    let Some(graft_guest::Body::Form(fields)) = &fetch.requests[0].body else { panic!() };
    let values: Vec<_> = fields.iter().map(|field| field.value.as_str()).collect();
    let expression = r#"rate(http_requests_total{job=~"a|b"}[1m0s])"#;
    assert_eq!(values, [expression, "1699999980", "1700003580", "30"]);
}

#[test]
fn responses_that_are_not_one_for_each_request_are_the_guests_fault() {
    let guest = Guest::<Prometheus>::new("{}");
    let refusal = guest.transform(&guest.query(r#"{"expr":"up"}"#), []);
    assert!(matches!(refusal, Err(Refusal::Internal(_))));
}
