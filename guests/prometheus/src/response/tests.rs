use super::*;

const SECOND: i64 = 1_000_000_000;

fn read_body(status: u16, body: &str) -> Result<Answer, Refusal> {
    read(&Response::sample(status, body))
}

fn series(body: &str) -> Vec<Series> {
    match read_body(200, body).unwrap().result {
        Some(QueryResult::Matrix(series) | QueryResult::Vector(series)) => series,
        result => panic!("{result:?}"),
    }
}

/// A document with this matrix.
fn matrix(result: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":{result}}}}}"#)
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::new(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
}

/// The samples of one series, read fast and read by the general reader, which must agree.
fn samples(values: &str) -> (Vec<i64>, Vec<f64>) {
    let body = matrix(&format!(r#"[{{"metric":{{}},"values":[{values}]}}]"#));
    let fast = matrix::read(body.as_bytes()).unwrap_or_else(|| panic!("not fast: {values}"));
    let general: Document<Data> = serde_json::from_str(&body).unwrap();
    let columns = |document: Document<Data>| {
        let series = document.data.unwrap().result.series.remove(0);
        (series.times, series.values)
    };
    let (fast, general) = (columns(fast), columns(general));
    assert_eq!(fast.0, general.0, "{values}");
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&fast.1), bits(&general.1), "{values}");
    fast
}

#[test]
fn a_matrix_becomes_columns() {
    let found = series(&matrix(
        r#"[{"metric":{"job":"b","__name__":"up"},"values":[[1700000000,"1"],[1700000015.5,"0.25"]]},
            {"metric":{},"values":[[1700000000,"-3"]]}]"#,
    ));
    let times = vec![1_700_000_000 * SECOND, 1_700_000_015 * SECOND + SECOND / 2];
    let first = Series {
        labels: labels(&[("__name__", "up"), ("job", "b")]),
        times,
        values: vec![1.0, 0.25],
        ..Series::default()
    };
    let second =
        Series { times: vec![1_700_000_000 * SECOND], values: vec![-3.0], ..Series::default() };
    assert_eq!(found, [first, second]);
}

#[test]
fn both_readers_agree_on_every_form_of_number() {
    let texts = [
        "0",
        "-0",
        "1",
        "12345678",
        "123456789",
        "1234567890123456",
        "9007199254740993",
        "0.1",
        "0.123456789",
        "-2.5",
        "0.12345678901234568",
        "123456.789012345",
        "0.000001",
        "1e-7",
        "1.7976931348623157e+308",
        "5e-324",
        "2.2250738585072014e-308",
        "9.204938554384977",
        "0.30000000000000004",
        "100000000000000000000",
        "1E5",
        "00012.5",
        "12345678.12345678",
        "99999999.99999999",
        "1234567812345678.12345678",
    ];
    for text in texts {
        let (_, values) = samples(&format!(r#"[1700000000.123,"{text}"]"#));
        let expected: f64 = text.parse().unwrap();
        assert_eq!(values[0].to_bits(), expected.to_bits(), "{text}");
    }
}

#[test]
fn nan_and_the_infinities_are_values() {
    let (_, values) = samples(r#"[1,"NaN"],[2,"+Inf"],[3,"-Inf"],[4,"Inf"]"#);
    assert!(values[0].is_nan());
    assert_eq!(values[1..], [f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY]);
}

#[test]
fn both_readers_agree_on_every_form_of_time() {
    let cases = [
        ("0", 0),
        ("1700000000", 1_700_000_000 * SECOND),
        ("1700000000.1", 1_700_000_000 * SECOND + 100_000_000),
        ("1700000000.123", 1_700_000_000 * SECOND + 123_000_000),
        ("1700000000.000001", 1_700_000_000 * SECOND + 1_000),
        ("1.7e9", 1_700_000_000 * SECOND),
        ("-1.5", -SECOND - SECOND / 2),
    ];
    for (text, expected) in cases {
        assert_eq!(samples(&format!(r#"[{text},"1"]"#)).0, [expected], "{text}");
    }
}

#[test]
fn what_prometheus_does_not_print_is_the_general_readers() {
    let expected = series(&matrix(r#"[{"metric":{"a":"b"},"values":[[17,"1"],[18,"2"]]}]"#));
    let bodies = [
        matrix(r#"[ {"metric":{"a":"b"},"values":[[17,"1"],[18,"2"]]}]"#),
        matrix(r#"[{"metric":{"a":"b"},"values":[[17, "1"],[18,"2"]]}]"#),
        matrix(r#"[{"metric":{"a":"b"},"values":[["17","1"],[18,2]]}]"#),
        matrix(r#"[{"metric":{"a":"b"},"values":[[17," 1 "],[18,"\u0032"]]}]"#),
        matrix(r#"[{"values":[[17,"1"],[18,"2"]],"metric":{"a":"b"}}]"#),
        matrix(r#"[{"metric":{"a":"b"},"values":[[17,"1"],[18,"2"]],"more":[[{}]]}]"#),
        r#"{"data":{"result":[{"metric":{"a":"b"},"values":[[17,"1"],[18,"2"]]}],
            "resultType":"matrix"},"status":"success"}"#
            .to_owned(),
        format!("\u{feff}{}", matrix(r#"[{"metric":{"a":"b"},"values":[[17,"1"],[18,"2"]]}]"#)),
    ];
    for body in bodies {
        assert!(matrix::read(body.as_bytes()).is_none(), "{body}");
        assert_eq!(series(&body), expected, "{body}");
    }
}

#[test]
fn members_around_a_matrix_are_read_as_well() {
    let body = r#"{"status":"success","isPartial":false,"data":{"resultType":"matrix","result":[{"metric":{},"values":[[17,"1"]]}],"stats":{"a":[1]}},"warnings":["w",3],"infos":["i"]}"#;
    assert!(matrix::read(body.as_bytes()).is_some());
    let answer = read_body(200, body).unwrap();
    let notices: Vec<_> =
        answer.notices.iter().map(|notice| (notice.severity, notice.text.as_str())).collect();
    assert_eq!(notices, [(Severity::Warning, "w"), (Severity::Info, "i")]);
    assert_eq!(answer.result.map(|result| result.type_name()), Some("matrix"));
}

#[test]
fn a_matrix_elsewhere_in_the_document_is_not_the_answer() {
    let decoy = r#"{"more":{"data":{"resultType":"matrix","result":[{"metric":{},"values":[[17,"1"]]}]}},"status":"success","data":{"resultType":"matrix","result":[]}}"#;
    assert_eq!(series(decoy), []);
}

#[test]
fn series_of_any_lengths_follow_each_other() {
    let lengths = [1, 3, 30, 2, 100, 1, 1];
    let entries = lengths.map(|length| {
        let rows: Vec<_> = (0..length).map(|row| format!(r#"[{row},"{row}.5"]"#)).collect();
        format!(r#"{{"metric":{{"n":"{length}"}},"values":[{}]}}"#, rows.join(","))
    });
    let body = matrix(&format!("[{}]", entries.join(",")));
    assert!(matrix::read(body.as_bytes()).is_some());
    for (series, length) in series(&body).iter().zip(lengths) {
        let rows = 0..length;
        assert_eq!(series.times, rows.clone().map(|row| row * SECOND).collect::<Vec<_>>());
        #[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
        let values: Vec<_> = rows.map(|row| row as f64 + 0.5).collect();
        assert_eq!(series.values, values);
        assert_eq!(series.values.capacity(), series.values.len());
    }
}

#[test]
fn a_vector_a_scalar_and_a_text_are_read() {
    let vector = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[17.5,"3"]}]}}"#;
    let expected = Series {
        labels: labels(&[("a", "b")]),
        times: vec![17 * SECOND + SECOND / 2],
        values: vec![3.0],
        ..Series::default()
    };
    assert_eq!(series(vector), [expected]);
    let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[17,"2"]}}"#;
    let result = read_body(200, scalar).unwrap().result;
    assert_eq!(result, Some(QueryResult::Scalar(17 * SECOND, 2.0)));
    let text = r#"{"status":"success","data":{"result":[17,"x"],"resultType":"string"}}"#;
    let result = read_body(200, text).unwrap().result;
    assert_eq!(result, Some(QueryResult::Text(17 * SECOND, "x".to_owned())));
}

#[test]
fn native_histograms_become_cells() {
    let histogram =
        r#"{"count":"5","sum":"18.4","buckets":[[3,"-0.5","0.5","2"],[0,"0.5","+Inf","3"]]}"#;
    let body = format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{"a":"b"}},
            "values":[[16,"1"]],"histograms":[[17,{histogram}],[18,{{"count":"0","sum":"0"}}],
            [19.5,{{"buckets":[[1,"1","2","4"]]}}]]}}]}}}}"#
    );
    let found = &series(&body)[0];
    assert_eq!((found.times.as_slice(), found.values.as_slice()), (&[16 * SECOND][..], &[1.0][..]));
    let cells = Cells {
        times: vec![17 * SECOND, 17 * SECOND, 19 * SECOND + SECOND / 2],
        lower: vec![-0.5, 0.5, 1.0],
        upper: vec![0.5, f64::INFINITY, 2.0],
        counts: vec![2.0, 3.0, 4.0],
        layouts: vec![3, 0, 1],
    };
    assert_eq!(found.cells, cells);
    let instant = format!(
        r#"{{"status":"success","data":{{"resultType":"vector","result":[
            {{"metric":{{}},"histogram":[17,{histogram}]}}]}}}}"#
    );
    assert_eq!(series(&instant)[0].cells.counts, [2.0, 3.0]);
}

#[test]
fn no_series_are_an_answer() {
    for result in ["[]", "null", " [ ] "] {
        assert_eq!(series(&matrix(result)), [], "{result}");
    }
}

#[test]
fn of_labels_with_one_name_the_last_holds() {
    let found = series(&matrix(r#"[{"metric":{"b":"1","a":"2","b":"3"},"values":[[1,"1"]]}]"#));
    assert_eq!(found[0].labels, labels(&[("a", "2"), ("b", "3")]));
}

#[test]
fn prometheus_own_errors_keep_their_status_and_words() {
    let cases = [
        (
            400,
            r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#,
            400,
            "bad_data: parse error",
        ),
        (
            422,
            r#"{"status":"error","errorType":"execution","error":"too many"}"#,
            422,
            "execution: too many",
        ),
        (503, r#"{"status":"error","errorType":"timeout","error":"slow"}"#, 503, "timeout: slow"),
        // Some proxies say 200 for everything.
        (200, r#"{"status":"error","errorType":"bad_data","error":"x"}"#, 400, "bad_data: x"),
        (200, r#"{"status":"error","errorType":"execution","error":"x"}"#, 422, "execution: x"),
        (400, r#"{"status":"error","error":"x"}"#, 400, "x"),
    ];
    for (status, body, shown, message) in cases {
        let error = read_body(status, body).unwrap().error.unwrap();
        assert_eq!(error, ApiError { status: shown, message: message.to_owned() }, "{body}");
    }
}

#[test]
fn data_beside_an_error_is_kept_if_there_is_some() {
    let body = |result: &str| {
        format!(
            r#"{{"status":"error","errorType":"timeout","error":"slow","data":{{"resultType":"matrix","result":{result}}}}}"#
        )
    };
    let answer = read_body(503, &body(r#"[{"metric":{},"values":[[1,"1"]]}]"#)).unwrap();
    assert!(answer.error.is_some() && answer.result.is_some());
    let answer = read_body(503, &body("[]")).unwrap();
    assert!(answer.error.is_some() && answer.result.is_none());
}

#[test]
fn errors_of_others_are_told_by_the_sdk() {
    let html = Response::sample_of("text/html", 502, "<html><title>Bad gateway</title></html>");
    let Err(Refusal::Downstream(error)) = read(&html) else { panic!() };
    assert_eq!(error.status, 502);
    assert!(error.message.contains("Bad gateway"), "{}", error.message);
    let Err(Refusal::Downstream(error)) = read_body(401, r#"{"message":"who are you"}"#) else {
        panic!()
    };
    assert_eq!(error.status, 401);
    assert!(error.message.contains("who are you"), "{}", error.message);
}

#[test]
fn hostile_bodies_are_refused_and_nothing_panics() {
    let bodies = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "<html></html>".to_owned(),
        r#"{"status":"success"}"#.to_owned(),
        r#"{"status":"success","data":null}"#.to_owned(),
        r#"{"status":"success","data":[]}"#.to_owned(),
        r#"{"status":"success","data":{}}"#.to_owned(),
        r#"{"status":1,"data":{"resultType":"matrix","result":[]}}"#.to_owned(),
        r#"{"status":"success","data":{"resultType":"streams","result":[]}}"#.to_owned(),
        r#"{"status":"success","data":{"resultType":"scalar","result":[]}}"#.to_owned(),
        r#"{"status":"success","data":{"resultType":"scalar","result":[1,"x"]}}"#.to_owned(),
        r#"{"status":"success","data":{"resultType":"vector","result":[1,"1"]}}"#.to_owned(),
        matrix("{}"),
        matrix("[[]]"),
        matrix("[true]"),
        matrix(r#"[{"metric":[],"values":[[1,"1"]]}]"#),
        matrix(r#"[{"metric":{"a":1},"values":[[1,"1"]]}]"#),
        matrix(r#"[{"metric":{},"values":{}}]"#),
        matrix(r#"[{"metric":{},"values":[1]}]"#),
        matrix(r#"[{"metric":{},"values":[[]]}]"#),
        matrix(r#"[{"metric":{},"values":[[1]]}]"#),
        matrix(r#"[{"metric":{},"values":[[1,"1",2]]}]"#),
        matrix(r#"[{"metric":{},"values":[[1,"one"]]}]"#),
        matrix(r#"[{"metric":{},"values":[[1,""]]}]"#),
        matrix(r#"[{"metric":{},"values":[[1,null]]}]"#),
        matrix(r#"[{"metric":{},"values":[[null,"1"]]}]"#),
        matrix(r#"[{"metric":{},"values":[[01,"1"]]}]"#),
        matrix(r#"[{"metric":{},"values":[["NaN","1"]]}]"#),
        matrix(r#"[{"metric":{},"values":[[1,"1"]]},]"#),
        matrix(r#"[{"metric":{},"values":[[1,"1"],]}]"#),
        matrix(r#"[{"metric":{},"histograms":[[1,{"buckets":[[300,"1","2","3"]]}]]}]"#),
        matrix(r#"[{"metric":{},"histograms":[[1,{"buckets":[["1","2","3"]]}]]}]"#),
        matrix(r#"[{"metric":{},"histogram":{}}]"#),
        matrix(&"[".repeat(100_000)),
        "[".repeat(100_000),
        r#"{"a":"#.repeat(100_000),
        format!(r#"{{"status":"success","data":{}"#, r#"{"x":"#.repeat(100_000)),
        matrix(&format!(r#"[{{"metric":{{}},"more":{}"#, "[".repeat(100_000))),
    ];
    for body in bodies {
        let shown = &body[..body.len().min(120)];
        let refusal = read_body(200, &body);
        assert!(matches!(refusal, Err(Refusal::UnexpectedResponse(_))), "{shown}: {refusal:?}");
    }
}

#[test]
fn a_document_that_ends_anywhere_is_refused() {
    let body = matrix(
        r#"[{"metric":{"a":"ü"},"values":[[1700000000.123,"0.5"],[1700000015.123,"-1e-7"]]}]"#,
    );
    for end in 0..body.len() {
        let half = Response { body: body.as_bytes()[..end].to_vec(), ..Response::sample(200, "") };
        assert!(read(&half).is_err(), "{end}");
    }
    assert!(read_body(200, &body).is_ok());
    assert!(read_body(200, &format!("{body}x")).is_err());
}

#[test]
fn a_document_with_any_byte_changed_is_read_or_refused() {
    let body = matrix(r#"[{"metric":{"a":"b"},"values":[[17.123,"0.5"],[18,"NaN"]]}]"#);
    for position in 0..body.len() {
        for byte in [0, b'"', b'\\', b',', b'[', b'}', b'9', b'-', b'.', b'e', 0x80, 0xff] {
            let mut changed = body.clone().into_bytes();
            changed[position] = byte;
            let response = Response { body: changed, ..Response::sample(200, "") };
            let general = serde_json::from_slice::<Document<Data>>(&response.body);
            let fast = matrix::read(&response.body);
            if let Some(fast) = fast {
                // What the fast reader takes, the general one takes for the same.
                assert_eq!(
                    format!("{fast:?}"),
                    format!("{:?}", general.unwrap()),
                    "{position} {byte}"
                );
            }
            let _read_or_refused = read(&response);
        }
    }
}
