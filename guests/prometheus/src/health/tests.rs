use graft_guest::TransportFailure;
use graft_guest::testing::Guest;

use super::*;
use crate::Prometheus;

const TWO: &str =
    r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000,"2"]}}"#;

fn judge(query: Response, build: Response) -> Result<Diagnosis, Refusal> {
    match Guest::<Prometheus>::new("{}").diagnose([query, build], "")? {
        Verdict::Done(diagnosis) => Ok(diagnosis),
        Verdict::Next(fetch) => panic!("{fetch:?}"),
    }
}

fn missing() -> Response {
    Response::sample_of("text/plain", 404, "404 page not found")
}

#[test]
fn it_is_asked_what_only_prometheus_knows() {
    let guest = Guest::<Prometheus>::new(r#"{"httpMethod":"GET","customQueryParameters":"a=b"}"#);
    let requests = guest.health_requests().unwrap().requests;
    let targets: Vec<_> = requests.iter().map(|request| request.target.as_str()).collect();
    assert_eq!(targets, ["/api/v1/query", "/api/v1/status/buildinfo"]);
    let pairs = requests[0].parameters.iter();
    let pairs: Vec<_> = pairs.map(|pair| (pair.name.as_str(), pair.value.as_str())).collect();
    assert_eq!(pairs, [("query", "1+1"), ("a", "b")]);
    assert_eq!([false, true], [0, 1].map(|index: usize| requests[index].hints.tolerate_failure));
}

#[test]
fn wrong_settings_are_found_before_anything_is_asked() {
    for settings in [r#"{"timeInterval":"x"}"#, r#"{"queryTimeout":"x"}"#] {
        let refusal = Guest::<Prometheus>::new(settings).health_requests();
        assert!(matches!(refusal, Err(Refusal::BadSettings(_))), "{settings}");
    }
}

#[test]
fn who_answers_is_said_as_far_as_it_is_known() {
    let cases = [
        (r#"{"version":"2.42.0","revision":"x"}"#, "Prometheus 2.42.0 answers.", "Prometheus"),
        (r#"{"version":"0.31.0"}"#, "Thanos 0.31.0 answers.", "Thanos"),
        (
            r#"{"application":"Grafana Mimir","version":"2.9.0","features":{"ruler":"true"}}"#,
            "Grafana Mimir 2.9.0 answers.",
            "Grafana Mimir",
        ),
        (r#"{"version":"1.13","features":{"ruler":"true"}}"#, "Mimir 1.13 answers.", "Mimir"),
        ("{}", "Prometheus' API answers; who it is, it does not say.", "unknown"),
    ];
    for (build, message, application) in cases {
        let build = Response::sample(200, format!(r#"{{"status":"success","data":{build}}}"#));
        let diagnosis = judge(Response::sample(200, TWO), build).unwrap();
        assert!(diagnosis.healthy);
        assert_eq!(diagnosis.message, message);
        let details: serde_json::Value = serde_json::from_str(&diagnosis.details.unwrap()).unwrap();
        assert_eq!(details["application"], application);
    }
}

#[test]
fn the_question_who_is_there_may_fail() {
    let failure = Response {
        status: 0,
        failure: Some(TransportFailure::Broken("x".to_owned())),
        ..Response::sample(200, "")
    };
    for build in [missing(), failure, Response::sample(200, "[]"), Response::sample(200, "")] {
        let diagnosis = judge(Response::sample(200, TWO), build).unwrap();
        assert!(diagnosis.healthy, "{diagnosis:?}");
    }
}

#[test]
fn what_is_no_prometheus_is_told_with_where_to_find_one() {
    let responses = [
        missing(),
        Response::sample_of("text/html", 200, "<html><title>Grafana</title></html>"),
        Response::sample(200, "{}"),
        Response::sample(200, r#"{"status":"success","data":[]}"#),
        Response::sample(200, TWO.replace("\"2\"", "\"3\"")),
    ];
    for query in responses {
        let diagnosis = judge(query, missing()).unwrap();
        assert!(!diagnosis.healthy);
        assert!(diagnosis.message.starts_with(NO_PROMETHEUS), "{}", diagnosis.message);
        assert!(diagnosis.message.contains("what comes before '/api/v1'"), "{}", diagnosis.message);
    }
}

#[test]
fn what_the_api_refuses_is_told_in_its_words() {
    let refusal = judge(Response::sample(401, r#"{"message":"no token"}"#), missing());
    let Err(Refusal::Downstream(error)) = refusal else { panic!("{refusal:?}") };
    assert_eq!(error.status, 401);
    assert!(error.message.contains("no token"));
    let body = r#"{"status":"error","errorType":"unavailable","error":"starting"}"#;
    let refusal = judge(Response::sample(503, body), missing());
    assert_eq!(refusal, Err(Refusal::downstream(503, "unavailable: starting")));
}
