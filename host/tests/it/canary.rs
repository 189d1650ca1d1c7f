//! No secret shows, wherever Grafana keeps one and whatever goes wrong: not in the log, in traces, in metrics or in an answer.

mod calls;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use graft_launch::{Datasource, Plugin};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use calls::everything;

use crate::metrics::metrics;
use crate::support::collector::Collector;
use crate::support::{Answer, Api, Folder};

/// The secrets that Grafana holds encrypted, as its HTTP settings and guests name them.
const SECRETS: [&str; 20] = [
    "basicAuthPassword",
    "password",
    "httpHeaderValue1",
    "apiKey",
    "tlsClientKey",
    "tlsClientCert",
    "tlsCACert",
    "sigV4AccessKey",
    "sigV4SecretKey",
    "accessToken",
    "privateKey",
    "azureClientSecret",
    "authToken",
    "authApiKey",
    "authPassword",
    "authClientSecret",
    "authRefreshToken",
    "authPrivateKey",
    "sigV4SessionToken",
    "secureSocksProxyPassword",
];

/// The secrets that come with a request's configuration and header fields.
const CONFIGURATION: [&str; 3] = [
    "GF_PLUGIN_APP_CLIENT_SECRET",
    "GF_SECURE_SOCKS_DATASOURCE_PROXY_CLIENT_KEY_VAL",
    "GF_SECURE_SOCKS_DATASOURCE_PROXY_CLIENT_CERT_VAL",
];
const HEADERS: [&str; 6] = [
    "Authorization",
    "Cookie",
    "X-Id-Token",
    "X-Webauth-User",
    "http_X-Grafana-Id",
    "http_X-Api-Key",
];

/// What stands for the secret of a name: nothing that an encoding leaves as it is.
fn canary(name: &str) -> String {
    format!("canary+{}/5ecret=", name.replace('_', "-"))
}

/// How a text looks in the places where it could turn up.
fn disguises(text: &str) -> Vec<String> {
    let mut disguises = vec![
        text.to_owned(),
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
        text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"),
        json!(text).to_string(),
    ];
    // base64 has three faces, by what stands before; what also depends on a neighbour is left out.
    for before in 0..3 {
        let encoded = STANDARD_NO_PAD.encode(format!("{}{text}", &"xy"[..before]));
        let own = (before * 4).div_ceil(3)..encoded.len() - 2;
        disguises.push(encoded[own].to_owned());
    }
    disguises
}

/// A data source with a secret wherever there is room for one.
fn datasource(uid: &str, url: &str, settings: &Value) -> Datasource {
    let secrets = SECRETS.iter().filter(|name| !name.starts_with("tls"));
    let planted = secrets.fold(
        Datasource::new(uid, url).settings(settings.clone()).basic_auth("me", "x"),
        |datasource, name| datasource.secret(name, &canary(name)),
    );
    let mut planted = planted;
    let configuration = CONFIGURATION.iter().map(|name| ((*name).to_owned(), canary(name)));
    planted.context.grafana_config.extend(configuration);
    planted
}

/// What the plugin is asked, each way with a secret at risk: by what it is meant to show, and whether the API quotes.
struct Case {
    datasource: Datasource,
    query: Value,
    echoes: bool,
    live: Live,
}

/// What comes of the query as a stream.
enum Live {
    /// A packet: data, or a notice that says why there is none.
    Packet,
    /// An interruption that the log tells of.
    Interrupted,
    /// Nothing, or the same as of another case: the API is asked again and again.
    Retries,
}

fn cases(api: &Api) -> BTreeMap<&'static str, Case> {
    let things = json!({"guest": "things", "thing": "b", "httpHeaderName1": "X-Secret", "sometoken": canary("jsonData")});
    let with = |more: Value| {
        let mut settings = things.clone();
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        settings
    };
    let odd = json!({"guest": "odd", "httpHeaderName1": "X-Secret"});
    let case = |url: &str, settings: &Value, query: Value| Case {
        datasource: datasource(
            &format!("u{}", query["table"].as_str().unwrap_or("o")),
            url,
            settings,
        ),
        query,
        echoes: false,
        live: Live::Packet,
    };
    let retries = |case: Case| Case { live: Live::Retries, ..case };
    let day = || json!({"table": "day", "fields": ["_avg"]});
    let odd_case = |behaviour: &str| case(&api.url, &odd, json!({"behaviour": behaviour}));
    let path = |path: &str| format!("{}{path}", api.url);
    let with_user =
        api.url.replace("://", &format!("://user:{}@", encoded(&canary("urlPassword"))));
    let nowhere = format!("http://user:{}@127.0.0.1:9", encoded(&canary("urlPassword")));
    // Towards an API that quotes what it was sent.
    let authenticated = |authentication: Value| {
        let mut case = case(&path("/echo"), &things, day());
        let mut settings = things.clone();
        settings["authentication"] = authentication;
        let uid = format!("u{}", settings["authentication"]);
        case.datasource = datasource(&uid, &path("/echo"), &settings);
        let own = case.datasource.context.data_source_instance_settings.as_mut().unwrap();
        own.basic_auth_enabled = false;
        retries(case)
    };
    let mut bad_key = case(&api.url, &with(json!({"tlsAuth": true})), day());
    let mut bad_authority = case(&api.url, &with(json!({"tlsAuthWithCACert": true})), day());
    for bad in [&mut bad_key, &mut bad_authority] {
        for name in ["tlsClientKey", "tlsClientCert", "tlsCACert"] {
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n", canary(name));
            bad.datasource = bad.datasource.clone().secret(name, &pem);
        }
    }
    let line_break = case(&api.url, &things, day());
    let line_break = Case {
        datasource: line_break
            .datasource
            .secret("httpHeaderValue1", &format!("{}\n", canary("httpHeaderValue1"))),
        ..line_break
    };
    BTreeMap::from([
        ("good", retries(case(&api.url, &things, day()))),
        ("good, with a password in the URL", retries(case(&with_user, &things, day()))),
        ("refused connection", Case { live: Live::Interrupted, ..case(&nowhere, &things, day()) }),
        ("readings, asked for again and again", odd_case("readings")),
        ("readings, as the API has them", odd_case("live")),
        (
            "URL that is none",
            case(&format!("http://u:{}@[", canary("urlPassword")), &things, day()),
        ),
        ("401 that quotes", case(&path("/echo"), &things, day())),
        ("500", retries(case(&path("/500"), &things, day()))),
        ("redirect elsewhere", retries(case(&path("/redirect"), &things, day()))),
        ("key that is none", bad_key),
        ("CA that is none", bad_authority),
        ("header with a line break", line_break),
        ("SigV4", case(&api.url, &with(json!({"sigV4Auth": true})), day())),
        ("PDC", case(&api.url, &with(json!({"enableSecureSocksProxy": true})), day())),
        ("bearer", authenticated(json!({"type": "bearer"}))),
        ("digest", authenticated(json!({"type": "digest", "user": "me"}))),
        ("API key", authenticated(json!({"type": "apiKey", "name": "X-Auth-Key"}))),
        (
            "API key in the query",
            authenticated(json!({"type": "apiKey", "name": "k", "in": "query"})),
        ),
        ("OAuth2", authenticated(by_tokens(&path("/token"), "clientCredentials"))),
        ("OAuth2 with a password", authenticated(by_tokens(&path("/token"), "password"))),
        ("OAuth2 with a refresh token", authenticated(by_tokens(&path("/token"), "refreshToken"))),
        ("OAuth2 with a key that is none", authenticated(by_tokens(&path("/token"), "jwtBearer"))),
        ("token server that quotes", authenticated(by_tokens(&path("/echo"), "password"))),
        ("token server that is away", authenticated(by_tokens("http://127.0.0.1:9/", "password"))),
        ("login", authenticated(login("/token"))),
        ("login that quotes", authenticated(login("/echo"))),
        ("no guest", case(&api.url, &json!({"guest": "nobody"}), day())),
        ("settings that the guest refuses", case(&api.url, &json!({"guest": "things"}), day())),
        ("secret as a parameter", odd_case("send-secret")),
        (
            "secret as a parameter, to nobody",
            retries(case(&nowhere, &odd, json!({"behaviour": "send-secret"}))),
        ),
        (
            "guest that is shown the quote",
            Case {
                echoes: true,
                ..case(&path("/echo"), &odd, json!({"behaviour": "show-responses"}))
            },
        ),
        ("trap", odd_case("panic")),
        ("refusal", odd_case("refuse")),
        ("foreign host", odd_case("foreign-host")),
    ])
}

/// Tokens of a token server.
fn by_tokens(url: &str, grant: &str) -> Value {
    json!({
        "type": "oauth2", "tokenUrl": url, "grant": grant, "clientId": "me", "user": "me", "issuer": "me",
        "headers": {"X-Own": "{{secret:apiKey}}"}, "parameters": {"own": "{{secret:accessToken}}"},
    })
}

/// A token of the API's own, for a password.
fn login(path: &str) -> Value {
    let body = json!({"user": "me", "password": "{{secret:authPassword}}"});
    json!({"type": "login", "url": path, "body": body, "token": {"pointer": "/access_token"}})
}

/// As an admin must write a password into a URL.
fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn quoting_api(seen: &crate::support::Seen) -> Answer {
    let headers: BTreeMap<_, _> = seen
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let quote = json!({
        "error": {"message": format!("{headers:?}")}, "line": seen.line, "body": seen.body,
        "message": format!("{:?}", seen.line),
    });
    let token = json!({"access_token": canary("issuedToken"), "token_type": "Bearer"});
    match &seen.line {
        line if line.contains("/token") => Answer::json(token.to_string()),
        line if line.contains("/echo") => Answer::json(quote.to_string()).status(401),
        line if line.contains("/500") => Answer::html(500, "<p>no</p>"),
        line if line.contains("/readings") => Answer::json(r#"[{"time": 1, "value": 5}]"#),
        line if line.contains("/events") => Answer::events("data: {\"time\": 1, \"value\": 5}\n\n"),
        line if line.contains("/redirect") => Answer::redirect("http://127.0.0.1:9/elsewhere"),
        _ => Answer::json("[]"),
    }
}

#[tokio::test]
async fn no_secret_shows_anywhere() {
    let collector = Collector::start().await;
    let folder = Folder::with(&["things", "fixtures/odd"]);
    let launch =
        folder.launch().setting("log_level", "debug").setting("live_interval_min", "100ms");
    let launch = launch.variable("GF_INSTANCE_OTLP_ADDRESS", &collector.address);
    let plugin = Plugin::launch(launch).await.unwrap();
    let api = Api::start(quoting_api).await;

    let mut output = Vec::new();
    let mut requests = 0;
    for (name, case) in &cases(&api) {
        let answers = everything(&plugin, case).await;
        requests += answers.len();
        let own = answers.into_iter().filter(|answer| !(case.echoes && answer.quotes_api));
        output.extend(own.map(|answer| format!("answer of {name}: {}", answer.text)));
    }
    // Each kind of answer was there to be searched.
    for words in [
        "As it was told to.",
        "There is no resource 'nowhere'",
        "is not of type",
        "Nothing is not a behaviour.",
        "There is no guest 'nobody'",
    ] {
        assert!(output.iter().any(|output| output.contains(words)), "{words}");
    }
    let spans = collector.requests(requests).await;
    output.push(format!("spans: {spans:?}"));
    output.push(format!("metrics: {}", metrics(&plugin).await));
    let exit = plugin.shutdown().await.unwrap();
    output.extend(exit.log.iter().map(|line| format!("log: {}", line.text)));
    assert!(output.len() > 100, "all was heard");

    let mut names: Vec<_> = [&SECRETS[..], &CONFIGURATION, &HEADERS].concat();
    names.extend(["urlPassword", "jsonData", "issuedToken"]);
    for name in names {
        for disguise in disguises(&canary(name)) {
            let leak = output.iter().find(|output| output.contains(&disguise));
            assert_eq!(leak, None, "{name} as {disguise}");
        }
    }
    let lines = api.lines();
    for path in [
        "GET /api/things",
        "GET /echo/api/things",
        "GET /500/api/things",
        "GET /?key=",
        "GET /resource",
        "GET /readings",
        "GET /events",
    ] {
        assert!(lines.iter().any(|line| line.starts_with(path)), "{path} in {lines:#?}");
    }
    // The secrets were there to be found: the API has seen those that were meant for it.
    let seen = format!("{:?}", api.seen());
    for name in [
        "basicAuthPassword",
        "httpHeaderValue1",
        "apiKey",
        "authToken",
        "authApiKey",
        "authPassword",
        "authRefreshToken",
        "accessToken",
        "issuedToken",
    ] {
        let is_seen = disguises(&canary(name)).iter().any(|disguise| seen.contains(disguise))
            || seen.contains(&STANDARD_NO_PAD.encode(format!("me:{}", canary(name))));
        assert!(is_seen, "{name} in {seen}");
    }
}
