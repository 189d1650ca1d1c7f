//! What a request looks like once secrets have joined it, and where they never show.

use std::time::Duration;

use super::*;
use crate::model::Method as Asked;

const TOKEN: &str = "s3cr\"et\\&=+ä";

fn request() -> Request {
    let timeout = Some(Duration::from_secs(1));
    Request { method: Asked::Post, timeout, ..Request::get("/x") }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn credentials() -> Credentials {
    let secret = |value: &str| Secret::new(value.to_owned());
    let mut settings = HttpSettings::new(None);
    settings.basic_auth = Some(BasicAuth { user: "ann".to_owned(), password: secret("pass:word") });
    settings.headers = vec![("X-Api-Key".to_owned(), secret("custom"))];
    settings.secrets =
        [("token", TOKEN), ("broken", "a\nb"), ("hidden", "h"), ("nested", "{{secret:token}}")]
            .map(|(name, value)| (name.to_owned(), secret(value)))
            .into();
    let described = ["token", "unset", "broken", "nested"].map(str::to_owned).to_vec();
    let allowed = Allowed { guest: "g".to_owned(), secrets: described, ..Allowed::default() };
    Credentials::new(&settings, &allowed).unwrap()
}

fn join(request: Request, own_origin: bool) -> Result<Prepared, Error> {
    credentials().join(
        request,
        Url::parse("http://h/x?a=b").unwrap(),
        own_origin,
        &Caller::nobody(),
    )
}

fn header<'a>(prepared: &'a Prepared, name: &str) -> Option<&'a str> {
    prepared.headers.get(name).map(|value| std::str::from_utf8(value.as_bytes()).unwrap())
}

#[test]
fn parameters_follow_those_of_the_target_encoded_and_in_order() {
    let parameters = vec![pair("q", "a b&c=ä"), pair("q", "2"), pair("é", "")];
    let prepared = join(Request { parameters, ..request() }, true).unwrap();
    assert_eq!(prepared.url.as_str(), "http://h/x?a=b&q=a+b%26c%3D%C3%A4&q=2&%C3%A9=");
    assert_eq!(join(request(), true).unwrap().url.as_str(), "http://h/x?a=b");
}

#[test]
fn a_secret_is_escaped_for_the_place_where_it_stands() {
    let parameters = vec![pair("key", "<{{secret:token}}>"), pair("{{secret:token}}", "name")];
    let headers = vec![pair("Authorization", "Bearer {{secret:token}}")];
    let prepared = join(Request { parameters, headers, ..request() }, true).unwrap();
    assert_eq!(
        prepared.url.query(),
        Some("a=b&key=%3Cs3cr%22et%5C%26%3D%2B%C3%A4%3E&%7B%7Bsecret%3Atoken%7D%7D=name")
    );
    assert_eq!(header(&prepared, "authorization"), Some("Bearer s3cr\"et\\&=+ä"));

    let body = |body| {
        let prepared = join(Request { body: Some(body), ..request() }, true).unwrap();
        let content_type = header(&prepared, "content-type").unwrap_or("none").to_owned();
        (content_type, String::from_utf8(prepared.body.to_vec()).unwrap(), prepared.secret_in_body)
    };
    let expected =
        |content_type: &str, text: &str, secret| (content_type.to_owned(), text.to_owned(), secret);
    assert_eq!(
        body(Body::Json("{\"key\":\"{{secret:token}}\"}".to_owned())),
        expected("application/json", "{\"key\":\"s3cr\\\"et\\\\&=+ä\"}", true)
    );
    assert_eq!(
        body(Body::Text("{{secret:token}}{{secret:token}}".to_owned())),
        expected("text/plain", "s3cr\"et\\&=+äs3cr\"et\\&=+ä", true)
    );
    assert_eq!(
        body(Body::Form(vec![pair("a", "1 2"), pair("key", "{{secret:token}}")])),
        expected(
            "application/x-www-form-urlencoded",
            "a=1+2&key=s3cr%22et%5C%26%3D%2B%C3%A4",
            true
        )
    );
    assert_eq!(
        body(Body::Bytes(b"{{secret:token}}".to_vec())),
        expected("none", "{{secret:token}}", false)
    );
    assert_eq!(
        body(Body::Text("{{secret:".to_owned())),
        expected("text/plain", "{{secret:", false)
    );
}

#[test]
fn a_guests_content_type_wins() {
    let headers = vec![pair("Content-Type", "application/sql")];
    let body = Some(Body::Text("select 1".to_owned()));
    let prepared = join(Request { headers, body, ..request() }, true).unwrap();
    assert_eq!(header(&prepared, "content-type"), Some("application/sql"));
    assert_eq!(prepared.headers.get_all(CONTENT_TYPE).iter().count(), 1);
}

#[test]
fn what_a_secret_holds_is_not_looked_at_again() {
    let body = Some(Body::Text("{{secret:nested}}".to_owned()));
    let prepared = join(Request { body, ..request() }, true).unwrap();
    assert_eq!(prepared.body, "{{secret:token}}");
}

#[test]
fn a_secret_that_cannot_be_had_fails_the_request_by_name() {
    let error = |value: &str| {
        let headers = vec![pair("x", value)];
        join(Request { headers, ..request() }, true).err().unwrap()
    };
    let (guest, name) = ("g".to_owned(), |name: &str| name.to_owned());
    assert_eq!(
        error("{{secret:unset}}"),
        Error::SecretNotSet { guest: guest.clone(), name: name("unset") }
    );
    assert_eq!(
        error("{{secret:hidden}}"),
        Error::SecretNotDescribed { guest: guest.clone(), name: name("hidden") },
        "it is set, but not for this guest"
    );
    assert_eq!(error("{{secret: x}}"), Error::SecretNotDescribed { guest, name: name(" x") });
    assert_eq!(
        error("{{secret:broken}}"),
        Error::SecretInHeader { name: name("broken"), header: name("x") }
    );
    assert_eq!(
        (error("{{secret:unset}}").status(), error("{{secret:hidden}}").status()),
        (400, 500)
    );
}

#[test]
fn the_datasources_own_credentials_are_for_its_own_origin_alone() {
    let own = join(request(), true).unwrap();
    assert_eq!(header(&own, "authorization"), Some("Basic YW5uOnBhc3M6d29yZA=="));
    assert_eq!(header(&own, "x-api-key"), Some("custom"));
    let other = join(request(), false).unwrap();
    assert!(other.headers.is_empty());
}

#[test]
fn a_guests_authorization_replaces_basic_auth_and_the_admins_headers_replace_the_guests() {
    let headers =
        vec![pair("authorization", "Bearer x"), pair("x-api-key", "guest"), pair("accept", "a")];
    let prepared = join(Request { headers, ..request() }, true).unwrap();
    assert_eq!(header(&prepared, "authorization"), Some("Bearer x"));
    assert_eq!(header(&prepared, "x-api-key"), Some("custom"));
    assert_eq!(prepared.headers.len(), 3);
}

#[test]
fn a_redirect_to_another_origin_drops_all_secrets() {
    let headers = vec![
        pair("accept", "text/csv"),
        pair("x-token", "{{secret:token}}"),
        pair("authorization", "typed by the user"),
    ];
    let prepared = join(Request { headers, ..request() }, true).unwrap();
    let follow = |to: &str| {
        let mut prepared = prepared.clone();
        prepared.follow(StatusCode::TEMPORARY_REDIRECT, Url::parse(to).unwrap()).unwrap();
        let mut names: Vec<_> = prepared.headers.keys().map(HeaderName::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(follow("http://h/y"), ["accept", "authorization", "x-api-key", "x-token"]);
    assert_eq!(follow("http://h:81/y"), ["accept"]);
    assert_eq!(follow("https://h/y"), ["accept"]);
    assert_eq!(follow("http://other/y"), ["accept"]);
}

#[test]
fn a_redirect_keeps_method_and_body_only_where_http_says_so() {
    let follow = |method, status, body: &str, to: &str| {
        let request = Request { method, body: Some(Body::Text(body.to_owned())), ..request() };
        let mut prepared = join(request, true).unwrap();
        prepared
            .follow(StatusCode::from_u16(status).unwrap(), Url::parse(to).unwrap())
            .map(|()| format!("{} {:?}", prepared.method, prepared.body))
    };
    let own = "http://h/y";
    let ok = |text: &str| Ok(text.to_owned());
    assert_eq!(follow(Asked::Post, 302, "a", own), ok("GET b\"\""));
    assert_eq!(follow(Asked::Put, 302, "a", own), ok("PUT b\"a\""));
    assert_eq!(follow(Asked::Put, 303, "a", own), ok("GET b\"\""));
    assert_eq!(follow(Asked::Head, 303, "", own), ok("HEAD b\"\""));
    assert_eq!(follow(Asked::Post, 307, "a", own), ok("POST b\"a\""));
    assert_eq!(follow(Asked::Post, 308, "a", "http://other"), ok("POST b\"a\""));
    assert_eq!(follow(Asked::Post, 303, "{{secret:token}}", "http://other"), ok("GET b\"\""));
    assert_eq!(
        follow(Asked::Post, 307, "{{secret:token}}", "http://other"),
        Err(Refusal::RedirectOfSecret { to: "http://other".to_owned() })
    );
}

#[test]
fn settings_that_http_cannot_send_are_refused_without_showing_a_secret() {
    let with = |change: fn(&mut HttpSettings)| {
        let mut settings = HttpSettings::new(None);
        change(&mut settings);
        assert!(!format!("{settings:?}").contains("p4ss"));
        Credentials::new(&settings, &Allowed::default()).map(|_credentials| ()).unwrap_err()
    };
    let header = |name: &str| SettingsError::HeaderName { name: name.to_owned() };
    assert_eq!(
        with(|s| s.headers = vec![("Content-Length".to_owned(), Secret::new("1".to_owned()))]),
        header("Content-Length")
    );
    assert_eq!(
        with(|s| s.headers = vec![("a b".to_owned(), Secret::new("1".to_owned()))]),
        header("a b")
    );
    assert_eq!(
        with(|s| s.headers = vec![("X-Key".to_owned(), Secret::new("p4ss\nword".to_owned()))]),
        SettingsError::HeaderValue { name: "X-Key".to_owned() }
    );
    assert_eq!(
        with(|s| {
            let password = Secret::new("p4ss".to_owned());
            s.basic_auth = Some(BasicAuth { user: "a:b".to_owned(), password });
        }),
        SettingsError::BasicAuthUser
    );
}
