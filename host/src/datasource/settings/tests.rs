use std::time::Duration;

use super::*;
use crate::model::Source;

const CANARY: &str = "c4n4ry";

/// A data source with a guest, a URL and this jsonData besides.
fn raw(json_data: &str) -> RawSettings {
    let separator = if json_data.is_empty() { "" } else { "," };
    RawSettings {
        uid: "P1".to_owned(),
        org_id: 1,
        name: "Weather".to_owned(),
        url: "https://api.example.com/v1".to_owned(),
        json_data: format!("{{\"guest\":\"weather\"{separator}{json_data}}}").into(),
        updated_ms: 1_700_000_000_000,
        ..RawSettings::default()
    }
}

fn secrets(pairs: &[(&str, &str)]) -> HashMap<String, Secret> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), secret(value))).collect()
}

fn secret(value: &str) -> Secret {
    Secret::new(value.to_owned())
}

fn with(json_data: &str, secret_pairs: &[(&str, &str)]) -> Result<HttpSettings, Error> {
    let raw = RawSettings { secure_json_data: secrets(secret_pairs), ..raw(json_data) };
    raw.resolve().map(|settings| settings.http)
}

fn http(json_data: &str) -> HttpSettings {
    with(json_data, &[]).unwrap()
}

fn message(raw: &RawSettings) -> String {
    raw.resolve().unwrap_err().user_message()
}

fn at(url: &str) -> RawSettings {
    RawSettings { url: url.to_owned(), ..raw("") }
}

fn unusable(reason: &str) -> String {
    format!("The data source's settings cannot be used: {reason}.")
}

#[test]
fn a_guest_and_a_url_are_enough() {
    let settings = raw("").resolve().unwrap();
    assert_eq!(
        (settings.uid.as_str(), settings.name.as_str(), settings.guest.as_str()),
        ("P1", "Weather", "weather")
    );
    let view = DatasourceView {
        uid: "P1".to_owned(),
        name: "Weather".to_owned(),
        url: "https://api.example.com/v1".to_owned(),
        settings: "{\"guest\":\"weather\"}".to_owned(),
        secrets: Vec::new(),
    };
    assert_eq!(settings.view, view);
    let defaults = HttpSettings::new(settings.http.base_url.clone());
    let expected = HttpSettings { user_agent: settings.http.user_agent.clone(), ..defaults };
    assert_eq!(format!("{:?}", settings.http), format!("{expected:?}"));
    assert_eq!(settings.http.base_url.unwrap().as_str(), "https://api.example.com/v1");
}

#[test]
fn without_a_guest_the_admin_is_asked_to_choose_one() {
    for json_data in ["", " \n", "null", "{}", "{\"guest\":null}", "{\"guest\":\"\"}"] {
        let raw = RawSettings { json_data: json_data.into(), ..raw("") };
        assert_eq!(raw.resolve().unwrap_err(), Error::NoGuest);
        assert_eq!(message(&raw), "Choose a guest in the data source's settings (jsonData.guest).");
    }
}

#[test]
fn a_guests_name_never_becomes_a_path() {
    let guest = |name: &str| {
        let json_data = format!("{{\"guest\":{}}}", serde_json::Value::from(name));
        RawSettings { json_data: json_data.into(), ..raw("") }.resolve().map(|it| it.guest)
    };
    for name in ["a", "7", "open-meteo2", &"a".repeat(64)] {
        assert_eq!(guest(name).as_deref(), Ok(name));
    }
    for name in [
        "..",
        "a/b",
        "/etc/passwd",
        "a\\b",
        "A",
        "a.wasm",
        "a b",
        " a",
        "ä",
        "a\0",
        &"a".repeat(65),
    ] {
        let Err(Error::GuestName { name: shown }) = guest(name) else { panic!("{name:?}") };
        assert!(shown.chars().all(|character| !character.is_control()), "{shown:?}");
    }
    assert_eq!(
        guest("../x").unwrap_err().user_message(),
        unusable(
            "'../x' cannot be a guest's name (jsonData.guest): those have lower case letters, digits and '-', at most \
             64 of them"
        )
    );
}

#[test]
fn json_data_that_is_none_is_told_with_its_place() {
    for (json_data, reason) in [
        (&b"{\n  \"guest\": }"[..], "jsonData is not JSON: look at line 2, column 12"),
        (b"{\"guest\":\"a\"", "jsonData is not JSON: look at line 1, column 12"),
        (b"{\n\"a\": \"\xff\"}", "jsonData is not JSON: look at line 2, column 7"),
        (b"{} {}", "jsonData is not JSON: look at line 1, column 4"),
        (
            b"[]",
            "jsonData is an array, but it must be an object, such as {\"guest\": \"prometheus\"}",
        ),
        (
            b"\"c4n4ry\"",
            "jsonData is a text, but it must be an object, such as {\"guest\": \"prometheus\"}",
        ),
    ] {
        let raw = RawSettings { json_data: json_data.into(), ..raw("") };
        assert_eq!(message(&raw), unusable(reason));
    }
}

#[test]
fn guests_see_json_data_as_it_was_written() {
    let json_data = "{ \"z\": 1.10, \"guest\":\"a\",\n\t\"a\": 12345678901234567890123 }";
    let raw = RawSettings { json_data: json_data.into(), ..raw("") };
    assert_eq!(raw.resolve().unwrap().view.settings, json_data);
}

#[test]
fn what_is_not_scheme_host_port_or_path_is_taken_off_the_url() {
    for (entered, base, view) in [
        ("http://h", "http://h/", "http://h"),
        (" http://h/ ", "http://h/", "http://h"),
        ("HTTP://H:80/a//", "http://h/a", "http://h/a"),
        ("https://h:8443/a/b/", "https://h:8443/a/b", "https://h:8443/a/b"),
        ("http://ann:pw@h:1/x", "http://h:1/x", "http://h:1/x"),
        ("http://h/x?", "http://h/x", "http://h/x"),
        ("http://h/x#/dashboards", "http://h/x", "http://h/x"),
        ("http://[::1]:9090/a/../b", "http://[::1]:9090/b", "http://[::1]:9090/b"),
    ] {
        let settings = at(entered).resolve().unwrap();
        assert_eq!(settings.http.base_url.unwrap().as_str(), base, "{entered}");
        assert_eq!(settings.view.url, view, "{entered}");
    }
}

#[test]
fn without_a_url_there_is_none() {
    for url in ["", "  "] {
        let settings = at(url).resolve().unwrap();
        assert_eq!((settings.http.base_url, settings.view.url.as_str()), (None, ""));
    }
}

#[test]
fn a_url_that_cannot_be_used_is_explained_without_its_secrets() {
    let no_scheme = |proposal: &str| {
        format!("the URL has no scheme: write '{proposal}', or the same with https")
    };
    for (url, reason) in [
        ("localhost:9090", no_scheme("http://localhost:9090")),
        ("api.example.com/v1/", no_scheme("http://api.example.com/v1")),
        ("//api.example.com", no_scheme("http://api.example.com")),
        ("ann:c4n4ry@h:9090/v1?key=c4n4ry", no_scheme("http://h:9090/v1")),
        ("ann:80/c4n4ry@h", no_scheme("http://host:port")),
        ("a b", no_scheme("http://host:port")),
        (
            "ftp://ann:c4n4ry@h",
            "the URL's scheme is 'ftp', but only http and https can be asked".to_owned(),
        ),
        (
            "http://ann:c4n4ry@h:99999",
            "the URL cannot be read: invalid port number. Write it as 'https://api.example.com/path'"
                .to_owned(),
        ),
        (
            "https://",
            "the URL cannot be read: empty host. Write it as 'https://api.example.com/path'"
                .to_owned(),
        ),
        (
            "http://h/x?key=c4n4ry",
            "the URL has a query (from '?' on), which cannot be a part of what all requests begin with. Remove it; a \
             key belongs into a secret or a custom header"
                .to_owned(),
        ),
    ] {
        assert_eq!(message(&at(url)), unusable(&reason), "{url}");
    }
}

#[test]
fn basic_authentication_comes_from_the_first_place_that_has_it() {
    let check = |raw: RawSettings, expected: Option<(&str, &str)>| {
        let passwords =
            [("basicAuthPassword", "of-basic"), ("password", "of-user"), ("token", "t")];
        let raw = RawSettings { secure_json_data: secrets(&passwords), ..raw };
        let found = raw.resolve().unwrap().http.basic_auth;
        let found = found.as_ref().map(|auth| (auth.user.as_str(), auth.password.expose()));
        assert_eq!(found, expected, "{raw:?}");
    };
    let basic = |enabled, raw| RawSettings {
        basic_auth_enabled: enabled,
        basic_auth_user: "basic".to_owned(),
        ..raw
    };
    let user = |raw| RawSettings { user: "user".to_owned(), ..raw };
    let in_json = || raw("\"basicAuth\":true,\"basicAuthUser\":\"json\"");
    let in_url = || at("http://url%40x:p%C3%A4ss@h");
    check(raw(""), None);
    check(basic(false, raw("")), None);
    check(basic(true, user(in_json())), Some(("basic", "of-basic")));
    check(basic(false, user(in_json())), Some(("user", "of-user")));
    check(in_json(), Some(("json", "of-basic")));
    check(raw("\"basicAuth\":false,\"basicAuthUser\":\"json\""), None);
    check(user(in_url()), Some(("user", "of-user")));
    check(in_url(), Some(("url@x", "päss")));
    check(at("http://token@h"), Some(("token", "")));
    check(at("http://:pw@h"), Some(("", "pw")));
    check(RawSettings { basic_auth_enabled: true, ..raw("") }, Some(("", "of-basic")));
}

#[test]
fn a_user_without_a_password_has_an_empty_one() {
    let raw = RawSettings { user: "ann".to_owned(), ..raw("") };
    assert_eq!(raw.resolve().unwrap().http.basic_auth.unwrap().password, secret(""));
}

#[test]
fn durations_are_seconds_however_they_are_written() {
    let default = Duration::from_secs(30);
    for (value, timeout) in [
        ("5", Duration::from_secs(5)),
        ("0.25", Duration::from_millis(250)),
        ("\"45\"", Duration::from_secs(45)),
        ("\" 1.5 \"", Duration::from_millis(1500)),
        ("0", default),
        ("-1", default),
        ("null", default),
        ("\"\"", default),
        ("\"soon\"", default),
        ("\"inf\"", default),
        ("true", default),
        ("{}", default),
        ("1e300", Duration::from_secs(3600)),
        ("86400", Duration::from_secs(3600)),
    ] {
        assert_eq!(http(&format!("\"timeout\":{value}")).timeout, timeout, "{value}");
    }
}

#[test]
fn connections_are_kept_as_the_admin_says() {
    let defaults = HttpSettings::new(None);
    let all = http(
        "\"dialTimeout\":3,\"httpKeepAlive\":\"15\",\"httpIdleConnTimeout\":60,\"httpMaxIdleConnsPerHost\":7",
    );
    assert_eq!(all.dial_timeout, Duration::from_secs(3));
    assert_eq!(all.keep_alive, Duration::from_secs(15));
    assert_eq!(all.idle_timeout, Duration::from_secs(60));
    assert_eq!(all.timeout, defaults.timeout);
    for (json_data, connections) in [
        ("\"httpMaxIdleConnsPerHost\":7", 7),
        ("\"httpMaxIdleConns\":\"5\",\"httpMaxIdleConnsPerHost\":7", 5),
        ("\"httpMaxIdleConnsPerHost\":200", 100),
        ("\"httpMaxIdleConnsPerHost\":0", 100),
        ("\"httpMaxIdleConns\":[]", 100),
    ] {
        assert_eq!(http(json_data).idle_connections, connections, "{json_data}");
    }
}

#[test]
fn custom_headers_are_counted_from_one_to_the_first_gap() {
    let json_data = "\"httpHeaderName1\":\"X-Key\",\"httpHeaderName2\":\"X-Unset\",\"httpHeaderName3\":\"\",\
         \"httpHeaderName4\":\" Host \",\"httpHeaderName6\":\"X-Beyond\"";
    let values: Vec<(String, &str)> =
        [1, 3, 4, 5, 6].iter().map(|number| (format!("httpHeaderValue{number}"), "v")).collect();
    let values: Vec<(&str, &str)> =
        values.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let headers = with(json_data, &values).unwrap().headers;
    let expected = [("X-Key".to_owned(), secret("v")), ("Host".to_owned(), secret("v"))];
    assert_eq!(headers, expected);
    assert_eq!(with("\"httpHeaderName2\":\"X\"", &values).unwrap().headers, []);
}

#[test]
fn certificates_count_only_if_a_switch_is_on() {
    let all = [("tlsCACert", "CA"), ("tlsClientCert", "CERT"), ("tlsClientKey", "KEY")];
    for (json_data, skip_verify, certificates) in [
        ("", false, false),
        ("\"tlsSkipVerify\":true", true, false),
        ("\"tlsAuth\":true", false, true),
        ("\"tlsAuthWithCACert\":true", false, true),
        ("\"tlsAuth\":\"true\",\"tlsSkipVerify\":\"True\"", true, true),
        ("\"tlsAuth\":\"false\",\"tlsSkipVerify\":\"\",\"tlsAuthWithCACert\":null", false, false),
    ] {
        let tls = with(json_data, &all).unwrap().tls;
        assert_eq!(tls.skip_verify, skip_verify, "{json_data}");
        let client = tls.client.map(|client| (client.certificate, client.key));
        assert_eq!(client, certificates.then(|| (secret("CERT"), secret("KEY"))), "{json_data}");
        assert_eq!(tls.authority, certificates.then(|| secret("CA")), "{json_data}");
    }
}

#[test]
fn half_a_client_certificate_is_none_where_only_the_authority_was_asked_for() {
    let secrets = [("tlsCACert", "CA"), ("tlsClientCert", "CERT"), ("tlsClientKey", "")];
    let tls = with("\"tlsAuthWithCACert\":true", &secrets).unwrap().tls;
    assert!(tls.client.is_none());
    assert_eq!(tls.authority, Some(secret("CA")));
}

#[test]
fn a_switch_without_its_certificate_is_an_error_instead_of_less_security() {
    for (switch, set, missing) in [
        ("tlsAuth", &[][..], "tlsClientCert"),
        ("tlsAuth", &[("tlsClientCert", "CERT"), ("tlsClientKey", "")], "tlsClientKey"),
        ("tlsAuthWithCACert", &[("tlsClientCert", "CERT")], "tlsCACert"),
    ] {
        let error = with(&format!("\"{switch}\":true"), set).unwrap_err();
        let reason = format!(
            "jsonData.{switch} is on, but secureJsonData.{missing} is not set. Enter it, or switch {switch} off"
        );
        assert_eq!(error.user_message(), unusable(&reason));
    }
}

#[test]
fn a_switch_that_is_neither_on_nor_off_is_an_error() {
    for switch in [
        "tlsSkipVerify",
        "tlsAuth",
        "tlsAuthWithCACert",
        "basicAuth",
        "enableSecureSocksProxy",
        "sigV4Auth",
    ] {
        for (value, found) in [("1", "a number"), ("\"yes\"", "a text"), ("[true]", "an array")] {
            let error = with(&format!("\"{switch}\":{value}"), &[]).unwrap_err();
            let reason = format!("jsonData.{switch} is {found}, but it must be true or false");
            assert_eq!(error.user_message(), unusable(&reason));
        }
    }
}

#[test]
fn names_that_are_no_texts_are_an_error() {
    for (json_data, reason) in [
        ("\"httpHeaderName1\":5", "jsonData.httpHeaderName1 is a number, but it must be a text"),
        (
            "\"basicAuth\":true,\"basicAuthUser\":{}",
            "jsonData.basicAuthUser is an object, but it must be a text",
        ),
        (
            "\"allowedHosts\":[\"a\",1]",
            "jsonData.allowedHosts is an array, but it must be an array of texts, or one text with commas",
        ),
        (
            "\"allowedHosts\":true",
            "jsonData.allowedHosts is true or false, but it must be an array of texts, or one text with commas",
        ),
    ] {
        assert_eq!(with(json_data, &[]).unwrap_err().user_message(), unusable(reason));
    }
    let raw = RawSettings { json_data: "{\"guest\":1}".into(), ..raw("") };
    assert_eq!(message(&raw), unusable("jsonData.guest is a number, but it must be a text"));
}

#[test]
fn allowed_hosts_are_an_array_or_a_text_with_commas() {
    for (value, hosts) in [
        ("[\"a.example\",\" b.example:8443 \",\"\"]", &["a.example", "b.example:8443"][..]),
        ("\"a.example, b.example:8443,\"", &["a.example", "b.example:8443"]),
        ("[]", &[]),
        ("\"\"", &[]),
        ("null", &[]),
    ] {
        assert_eq!(http(&format!("\"allowedHosts\":{value}")).allowed_hosts, hosts, "{value}");
    }
}

#[test]
fn what_is_handed_on_of_a_callers_request_is_what_the_admin_says() {
    assert_eq!(http("").forward, Forward::default());
    let forward =
        http(r#""oauthPassThru":true,"keepCookies":["a"],"allowedHeaders":["X-Tenant"]"#).forward;
    let headers = vec!["x-tenant".to_owned()];
    assert_eq!(forward, Forward { tokens: true, cookies: true, headers });
    assert!(!http(r#""keepCookies":[]"#).forward.cookies);
    for name in ["Authorization", "cookie", "Host", "Content-Length", "a b", "X-Id-Token"] {
        let error = with(&format!("\"allowedHeaders\":[\"{name}\"]"), &[]).unwrap_err();
        assert_eq!(error, Error::ForwardedHeader { name: name.to_ascii_lowercase() });
    }
}

#[test]
fn an_api_is_asked_as_often_as_the_admin_says() {
    let defaults = HttpSettings::new(None);
    let plain = http("");
    assert_eq!((plain.pace, plain.retries), (Pace::default(), defaults.retries));
    assert_eq!((plain.cache_for, plain.stale_if_error), (None, Duration::ZERO));
    let all = http(
        r#""maxRequestsPerSecond":"2.5","requestBurst":3,"maxRequestsInFlight":4,"maxRetries":0,"cacheFor":60,"staleIfError":"3600""#,
    );
    let pace = Pace { requests_per_second: Some(2.5), burst: Some(3), in_flight: Some(4) };
    assert_eq!((all.pace, all.retries), (pace, 0));
    assert_eq!(all.cache_for, Some(Duration::from_secs(60)));
    assert_eq!(all.stale_if_error, Duration::from_secs(3600));
    assert_eq!(http(r#""maxRetries":"0""#).retries, 0);
    // What is no number is as if it were not there.
    let wrong = http(
        r#""maxRequestsPerSecond":-1,"requestBurst":0,"maxRequestsInFlight":"many","maxRetries":1e9"#,
    );
    assert_eq!((wrong.pace, wrong.retries), (Pace::default(), RETRIES_MAX));
}

#[test]
fn grafanas_secure_socks_proxy_is_used_where_it_is_switched_on_and_configured() {
    let on = r#""enableSecureSocksProxy":true,"secureSocksProxyUsername":"ann""#;
    let resolved = |json_data: &str, proxy: SocksProxy| {
        let secure_json_data = secrets(&[("secureSocksProxyPassword", "P")]);
        let raw = RawSettings { socks_proxy: proxy, secure_json_data, ..raw(json_data) };
        raw.resolve().map(|settings| settings.http.socks)
    };
    let proxy = |server_name: &str, allow_insecure| SocksProxy {
        address: "proxy.example:1080".to_owned(),
        server_name: server_name.to_owned(),
        certificate: Some(secret("C")),
        key: Some(secret("K")),
        allow_insecure,
        ..SocksProxy::default()
    };
    assert!(resolved("", proxy("", false)).unwrap().is_none());
    let socks = resolved(on, proxy("", false)).unwrap().unwrap();
    assert_eq!((socks.user.as_str(), socks.password.expose()), ("ann", "P"));
    assert_eq!(socks.tls.unwrap().server_name, "proxy.example");
    let named = resolved(on, proxy("other.example", false)).unwrap().unwrap();
    assert_eq!(named.tls.unwrap().server_name, "other.example");
    assert!(resolved(on, proxy("", true)).unwrap().unwrap().tls.is_none());
    let nobody = resolved(r#""enableSecureSocksProxy":true"#, proxy("", true)).unwrap().unwrap();
    assert_eq!(nobody.user, "P1");
    let unusable = SocksProxy { problem: Some("no file".to_owned()), ..proxy("", false) };
    for (proxy, expected) in [
        (SocksProxy::default(), "Grafana has none configured"),
        (SocksProxy { key: None, ..proxy("", false) }, "no client certificate and key"),
        (unusable, "no file"),
    ] {
        let problem = resolved(on, proxy).unwrap_err().to_string();
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn guests_may_name_the_secrets_that_are_set_and_not_the_hosts_own() {
    let own = ["basicAuthPassword", "password", "tlsCACert", "sigV4SecretKey", "httpHeaderValue1"];
    let own = own.map(|name| (name, "x"));
    let pairs: Vec<(&str, &str)> =
        own.into_iter().chain([("zeta", "z"), ("apiKey", "a"), ("empty", "")]).collect();
    let raw = RawSettings { secure_json_data: secrets(&pairs), ..raw("") };
    let settings = raw.resolve().unwrap();
    assert_eq!(settings.view.secrets, ["apiKey", "zeta"]);
    assert_eq!(settings.http.secrets, secrets(&[("apiKey", "a"), ("zeta", "z")]));
}

#[test]
fn the_user_agent_names_grafana_and_this_plugin() {
    let own = env!("CARGO_PKG_VERSION");
    let unknown = format!("Grafana graft-datasource/{own}");
    for (grafana, version, expected) in [
        (
            "Grafana/12.0.0 (linux; amd64)",
            "1.2.3",
            "Grafana/12.0.0 (linux; amd64) graft-datasource/1.2.3",
        ),
        (
            "Grafana/12.1.0-pre+7 (darwin; arm64)",
            "1.2.3-rc.1",
            "Grafana/12.1.0-pre+7 (darwin; arm64) graft-datasource/1.2.3-rc.1",
        ),
        ("", "1.2.3", "Grafana graft-datasource/1.2.3"),
        ("", "", &unknown),
        ("Grafana/12.0.0", "", &unknown),
        ("Grafana/12 (linux; amd64)", "", &unknown),
        ("Grafana/12.0.0 (linux; amd64)\r\nX: y", "", &unknown),
        ("Grafana/12.0.0 (li nux; amd64)", "", &unknown),
        ("curl/8.0.0 (linux; amd64)", "1.2.3\r\n", &unknown),
    ] {
        let raw = RawSettings {
            user_agent: grafana.to_owned(),
            plugin_version: version.to_owned(),
            ..raw("")
        };
        assert_eq!(raw.resolve().unwrap().http.user_agent, expected);
    }
}

#[test]
fn a_change_of_anything_is_a_change() {
    let before = raw("");
    assert_eq!(before, before.clone());
    let changes: [fn(&mut RawSettings); 13] = [
        |raw| raw.updated_ms += 1,
        |raw| raw.uid.push('x'),
        |raw| raw.org_id += 1,
        |raw| raw.name.push('x'),
        |raw| raw.url.push('x'),
        |raw| raw.user.push('x'),
        |raw| raw.database.push('x'),
        |raw| raw.basic_auth_enabled = true,
        |raw| raw.basic_auth_user.push('x'),
        |raw| raw.json_data = "{}".into(),
        |raw| raw.secure_json_data = secrets(&[("apiKey", "new")]),
        |raw| raw.user_agent.push('x'),
        |raw| raw.plugin_version.push('x'),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut after = before.clone();
        change(&mut after);
        assert_ne!(before, after, "change {number}");
    }
}

#[test]
fn whatever_is_wrong_with_settings_is_the_admins_to_mend() {
    let error = raw("\"sigV4Auth\":true").resolve().unwrap_err();
    assert_eq!((error.status(), error.source_of_error()), (400, Source::Downstream));
}

#[test]
fn no_secret_shows_in_anything_that_can_be_printed() {
    let names = [
        "apiKey",
        "basicAuthPassword",
        "tlsCACert",
        "tlsClientCert",
        "tlsClientKey",
        "httpHeaderValue1",
    ];
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (*name, CANARY)).collect();
    let json_data = format!(
        "\"password\":\"{CANARY}\",\"httpHeaderName1\":\"X\",\"tlsAuth\":true,\"tlsAuthWithCACert\":true"
    );
    let whole = RawSettings {
        url: format!("https://{CANARY}:{CANARY}@h/x"),
        secure_json_data: secrets(&pairs),
        ..raw(&json_data)
    };
    let settings = whole.resolve().unwrap();
    let mut shown = vec![format!("{whole:?}"), format!("{settings:#?}")];
    assert!(shown[0].contains("apiKey") && shown[1].contains("weather"), "{shown:?}");

    let broken_json = [
        format!("{{\"guest\":\"{CANARY}"),
        format!("\"{CANARY}\""),
        format!("{{\"guest\":[\"{CANARY}\"]}}"),
        format!("{{\"guest\":\"a\",\"tlsSkipVerify\":\"{CANARY}\"}}"),
        format!("{{\"guest\":\"a\",\"httpHeaderName1\":[\"{CANARY}\"]}}"),
        format!("{{\"guest\":\"a\",\"allowedHosts\":{{\"{CANARY}\":1}}}}"),
        format!("{{\"guest\":\"a\",\"sigV4Auth\":true,\"x\":\"{CANARY}\"}}"),
    ];
    let broken_json =
        broken_json.map(|json_data| RawSettings { json_data: json_data.into(), ..whole.clone() });
    let broken_urls = [
        format!("{CANARY}:{CANARY}@h"),
        format!("a:80/{CANARY}@h"),
        format!("ftp://{CANARY}:{CANARY}@h"),
        format!("http://{CANARY}:{CANARY}@h:x"),
        format!("http://{CANARY}:{CANARY}@"),
        format!("http://h/?{CANARY}"),
        format!("h/?{CANARY}#{CANARY}"),
    ];
    let broken_urls = broken_urls.map(|url| RawSettings { url, ..whole.clone() });
    for broken in broken_json.iter().chain(&broken_urls) {
        let error = broken.resolve().unwrap_err();
        shown.extend([format!("{broken:?}"), format!("{error:?}"), error.to_string()]);
        shown.push(error.user_message());
    }
    for text in shown {
        assert!(!text.contains(CANARY), "{text}");
    }
}
