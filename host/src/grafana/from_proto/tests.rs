use graft_proto::pluginv2::DataSourceInstanceSettings;
use tonic::Code;
use tonic::metadata::MetadataValue;

use super::*;

fn context() -> PluginContext {
    let settings = DataSourceInstanceSettings {
        uid: "uid".to_owned(),
        name: "Things".to_owned(),
        ..DataSourceInstanceSettings::default()
    };
    PluginContext {
        org_id: 3,
        data_source_instance_settings: Some(settings),
        ..PluginContext::default()
    }
}

fn asked() -> DataQuery {
    DataQuery {
        ref_id: "A".to_owned(),
        max_data_points: 500,
        interval_ms: 15_000,
        time_range: Some(TimeRange { from_epoch_ms: 1_000, to_epoch_ms: 2_000 }),
        json: Bytes::from_static(b"{\"expr\":\"up\"}"),
        query_type: "range".to_owned(),
    }
}

fn read(change: impl FnOnce(&mut DataQuery)) -> Result<Query, String> {
    let mut asked = asked();
    change(&mut asked);
    query(asked, false)
}

#[test]
fn a_query_becomes_the_hosts_in_nanoseconds() {
    let query = read(|_query| {}).unwrap();
    assert_eq!((query.from, query.to), (1_000_000_000, 2_000_000_000));
    assert_eq!((query.interval, query.max_data_points), (Duration::from_secs(15), 500));
    assert_eq!((query.ref_id.as_str(), query.query_type.as_str()), ("A", "range"));
    assert_eq!(query.model, r#"{"expr":"up"}"#);
}

#[test]
fn what_grafana_leaves_out_has_grafanas_defaults() {
    let query = read(|query| {
        (query.interval_ms, query.max_data_points) = (0, -1);
        query.json = Bytes::new();
    });
    let query = query.unwrap();
    assert_eq!((query.interval, query.max_data_points), (Duration::from_secs(1), 100));
    assert_eq!(query.model, "{}");
}

#[test]
fn numbers_out_of_range_become_the_nearest_that_there_is() {
    let query = read(|query| {
        query.max_data_points = i64::MAX;
        query.time_range = Some(TimeRange { from_epoch_ms: i64::MIN, to_epoch_ms: i64::MAX });
    });
    let query = query.unwrap();
    assert_eq!((query.from, query.to, query.max_data_points), (i64::MIN, i64::MAX, u32::MAX));
}

#[test]
fn a_query_that_is_not_whole_says_what_is_missing() {
    let json = |json: &'static [u8]| DataQuery { json: Bytes::from_static(json), ..asked() };
    let backwards = TimeRange { from_epoch_ms: 2, to_epoch_ms: 1 };
    let cases = [
        (DataQuery { time_range: None, ..asked() }, "it has no time range (timeRange)"),
        (
            DataQuery { time_range: Some(backwards), ..asked() },
            "its time range ends before it begins (from 2 ms to 1 ms)",
        ),
        (json(b"[]"), "it is not a JSON object (invalid type: sequence"),
        (json(b"{\"a\":\xff}"), "it is not a JSON object (invalid utf-8"),
    ];
    for (asked, expected) in cases {
        let problem = query(asked, false).unwrap_err();
        assert!(problem.starts_with(expected), "{problem}");
    }
}

#[test]
fn one_query_that_is_not_valid_spoils_no_other() {
    let broken = DataQuery { ref_id: "B".to_owned(), time_range: None, ..asked() };
    let request = QueryDataRequest {
        plugin_context: Some(context()),
        queries: vec![asked(), broken],
        headers: HashMap::from([("FromAlert".to_owned(), "true".to_owned())]),
        format: DataFrameFormat::Json.into(),
    };
    let asked = queries(request).unwrap();
    assert_eq!((asked.format, asked.settings.org_id), (Format::Json, 3));
    let (runnable, refused) = split(asked.queries);
    assert!(matches!(runnable.as_slice(), [query] if query.ref_id == "A" && query.from_alert));
    assert!(matches!(refused.as_slice(), [(ref_id, Error::Invalid(_))] if ref_id == "B"));
}

#[test]
fn a_request_without_a_data_source_names_what_is_missing() {
    let status = settings(None).unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("pluginContext,"), "{}", status.message());
    let status = settings(Some(PluginContext::default())).unwrap_err();
    assert!(status.message().contains("dataSourceInstanceSettings"), "{}", status.message());
}

#[test]
fn the_time_that_grpc_grants_is_read_in_all_its_units() {
    let granted = |text: &str| {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", MetadataValue::try_from(text).unwrap());
        granted_time(&metadata)
    };
    assert_eq!(granted("2H"), Some(Duration::from_secs(7_200)));
    assert_eq!(granted("3M"), Some(Duration::from_secs(180)));
    assert_eq!(granted("99999999S"), Some(Duration::from_secs(99_999_999)));
    assert_eq!(granted("500m"), Some(Duration::from_millis(500)));
    assert_eq!(granted("7u"), Some(Duration::from_micros(7)));
    assert_eq!(granted("9n"), Some(Duration::from_nanos(9)));
    for text in ["", "S", "5", "5x", "-5S"] {
        assert_eq!(granted(text), None, "{text}");
    }
    assert_eq!(granted_time(&MetadataMap::new()), None);
}

#[test]
fn two_queries_of_one_ref_id_are_a_broken_request() {
    let request = QueryDataRequest {
        plugin_context: Some(context()),
        queries: vec![asked(), asked()],
        ..QueryDataRequest::default()
    };
    let status = queries(request).unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("two queries have the refId 'A'"), "{status}");
}

#[test]
fn what_is_not_migrated_does_not_change() {
    let raw = r#"{"queries":[{"JSON":{"b":1e400,"a":12345678901234567890123}}]}"#;
    let object = RawObject {
        raw: Bytes::from_static(raw.as_bytes()),
        content_type: "application/json".to_owned(),
    };
    assert_eq!(models(&[object]).unwrap(), [r#"{"b":1e400,"a":12345678901234567890123}"#]);
}
