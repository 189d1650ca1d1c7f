use serde::Deserialize;

use crate::testing::Guest;
use crate::*;

/// A guest that does only what it must.
struct Bare;

#[derive(Deserialize)]
struct Settings {
    thing: String,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    fields: Vec<String>,
}

impl Datasource for Bare {
    type Settings = Settings;
    type Query = Model;

    fn describe() -> Description {
        Description::new("bare", "Bare", "0.0.1")
    }

    fn build_requests(
        query: &Query<Model>,
        datasource: &Configured<Settings>,
    ) -> Result<Fetch, Refusal> {
        let request = Request::get(path!["v1", &datasource.settings.thing])
            .parameters("field", &query.model.fields)
            .header("x-key", secret("apiKey"))
            .cache_for(query.interval);
        Fetch::from(request).json_state(&query.model.fields)
    }

    fn transform(
        _: &Query<Model>,
        _: &Configured<Settings>,
        responses: Responses,
        state: &str,
    ) -> Result<Outcome, Refusal> {
        let fields: Vec<String> = read_state(state)?;
        let rows: Vec<f64> = responses.single()?.json()?;
        Ok(Frame::new(Kind::Table).field(Field::new(fields.concat(), rows)).into())
    }
}

fn guest() -> Guest<Bare> {
    Guest::new(r#"{"thing":"a/b","guest":"bare"}"#)
}

#[test]
fn settings_and_query_reach_the_guest_as_its_own_types() {
    let guest = guest();
    let fetch = guest.build_requests(&guest.query(r#"{"refId":"A","fields":["x","y"]}"#)).unwrap();
    let [request] = fetch.requests.as_slice() else { panic!("{fetch:?}") };
    assert_eq!(request.target, "/v1/a%2Fb");
    assert_eq!(
        request.parameters.iter().map(|pair| pair.value.as_str()).collect::<Vec<_>>(),
        ["x", "y"]
    );
    assert_eq!(request.headers[0].value, "{{secret:apiKey}}");
    assert_eq!(request.hints.cache_for, Some(15_000_000_000));
    assert_eq!(fetch.state, r#"["x","y"]"#);
}

#[test]
fn the_state_of_a_round_reaches_the_other_half() {
    let guest = guest();
    let responses = [Response::sample(200, "[1.5]")];
    let outcome = guest.transform_with(&guest.query("{}"), responses, r#"["x","y"]"#).unwrap();
    assert_eq!(outcome.frames[0].fields[0].name, "xy");
    assert_eq!(outcome.frames[0].fields[0].values, Column::Float64(vec![1.5]));
    assert_eq!(outcome.next, None);
}

#[test]
fn a_query_that_does_not_fit_is_refused_with_the_member() {
    let guest = guest();
    let refusal = guest.build_requests(&guest.query(r#"{"fields":["x",7]}"#));
    let text =
        "The query does not fit: invalid type: integer `7`, expected a string (in 'fields[1]').";
    assert_eq!(refusal, Err(Refusal::BadQuery(text.to_owned())));
}

#[test]
fn settings_that_do_not_fit_are_refused_with_the_member_everywhere() {
    let guest = Guest::<Bare>::new("{}");
    let text = "The settings of the data source 'Sample' do not fit: missing field `thing`. \
                An admin can mend them.";
    let refusal = Refusal::BadSettings(text.to_owned());
    assert_eq!(guest.build_requests(&guest.query("{}")), Err(refusal.clone()));
    assert_eq!(guest.transform(&guest.query("{}"), []), Err(refusal.clone()));
    assert_eq!(guest.health_requests(), Err(refusal));
}

#[test]
fn an_error_of_the_api_is_refused_before_its_body_is_read() {
    let guest = guest();
    let responses = [Response::sample(404, r#"{"message":"no such thing"}"#)];
    let refusal = guest.transform_with(&guest.query("{}"), responses, "[]");
    let message = "The API answered with status 404: no such thing".to_owned();
    assert_eq!(refusal, Err(Refusal::Downstream(DownstreamError { status: 404, message })));
}

#[test]
fn a_health_check_asks_the_root_and_believes_what_answers() {
    let guest = guest();
    assert_eq!(guest.health_requests().unwrap().requests[0].target, "/");
    let healthy = |status| match guest.diagnose([Response::sample(status, "")], "") {
        Ok(Verdict::Done(diagnosis)) => diagnosis.healthy,
        Ok(Verdict::Next(fetch)) => panic!("{fetch:?}"),
        Err(Refusal::Downstream(error)) => error.status != status,
        Err(other) => panic!("{other:?}"),
    };
    assert!([200, 204, 302, 404].into_iter().all(healthy));
    assert!(![401, 403, 500, 503].into_iter().any(healthy));
}

#[test]
fn there_are_no_resources_unless_the_guest_has_some() {
    let request = ResourceRequest {
        method: "GET".to_owned(),
        path: "tables".to_owned(),
        parameters: Vec::new(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let refusal = Refusal::NotFound("There is no resource 'tables'.".to_owned());
    assert_eq!(guest().resource_requests(&request), Err(refusal.clone()));
    assert_eq!(guest().respond(&request, [], ""), Err(refusal));
}

#[test]
fn without_more_a_query_has_no_stream_and_needs_no_migration() {
    let guest = guest();
    assert_eq!(guest.live_request(&guest.query(r#"{"fields":[]}"#)), Ok(None));
    assert_eq!(
        guest.migrate(r#"{"refId":"A","fields":[]}"#).unwrap(),
        r#"{"fields":[],"refId":"A"}"#
    );
    let refusal = guest.migrate("[]").unwrap_err();
    assert!(matches!(&refusal, Refusal::BadQuery(text) if text.starts_with("The query is not")));
}
