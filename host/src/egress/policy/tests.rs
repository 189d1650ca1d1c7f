//! Who gets where: tables of targets, hosts, headers and redirects, friendly and hostile.

use super::*;
use crate::egress::Blame;
use crate::limits::REDIRECTS_MAX;

fn request(target: &str) -> Request {
    Request::get(target)
}

fn policy(base: &str, described: &[&str], allowed: &[&str]) -> Policy {
    let owned = |hosts: &[&str]| hosts.iter().map(|&host| host.to_owned()).collect::<Vec<_>>();
    let base = (!base.is_empty()).then(|| Url::parse(base).unwrap());
    let description = Allowed { hosts: owned(described), ..Allowed::default() };
    Policy::new(base, &description, &owned(allowed)).unwrap()
}

/// The URL that a target leads to, or why it leads nowhere.
fn resolve(policy: &Policy, target: &str) -> String {
    match policy.resolve(&request(target)) {
        Ok(url) => url.to_string(),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn a_path_lies_below_the_base_url_whatever_its_slashes() {
    for (base, target, expected) in [
        ("http://h", "/api/x", "http://h/api/x"),
        ("http://h", "api/x", "http://h/api/x"),
        ("http://h", "", "http://h/"),
        ("http://h", "/", "http://h/"),
        ("http://h:9090/", "/api/x", "http://h:9090/api/x"),
        ("http://h/prefix", "/api/x", "http://h/prefix/api/x"),
        ("http://h/prefix/", "/api/x", "http://h/prefix/api/x"),
        ("http://h/prefix/", "api/x/", "http://h/prefix/api/x/"),
        ("http://h/prefix", "", "http://h/prefix"),
        ("http://h/prefix", "/", "http://h/prefix/"),
        ("http://h/prefix", "/a?x=1&y=%2F", "http://h/prefix/a?x=1&y=%2F"),
        ("http://h/prefix", "?x=1", "http://h/prefix?x=1"),
        ("http://h/p", "/a?next=http://other/../x", "http://h/p/a?next=http://other/../x"),
        ("http://h/p", "/label/a%2Fb/values", "http://h/p/label/a%2Fb/values"),
        ("http://h/p", "/things/time:10:00", "http://h/p/things/time:10:00"),
        ("http://h/p", "/100%25/a..b/...", "http://h/p/100%25/a..b/..."),
        ("http://h/p", "/straße/ä b", "http://h/p/stra%C3%9Fe/%C3%A4%20b"),
        ("http://h/p", "/user@host", "http://h/p/user@host"),
        ("http://h/p", "/a//b", "http://h/p/a//b"),
    ] {
        assert_eq!(resolve(&policy(base, &[], &[]), target), expected, "{target} below {base}");
    }
}

#[test]
fn no_hostile_target_is_resolved() {
    let policy = policy("http://api.example:9090/prefix/", &["api.example"], &["api.example"]);
    for target in [
        // Out of the base URL.
        "..",
        "/..",
        "/../admin",
        "/a/../../admin",
        "/a/./b",
        "/%2e%2e/admin",
        "/%2E./admin",
        "/.%2e/admin",
        "/..%2fadmin",
        "/a%2f..%2f..%2fadmin",
        "/%252e%252e/admin",
        "/%25252e%25252e/admin",
        "/..;/admin",
        "/..;x=1/admin",
        "/%c0%ae%c0%ae/admin",
        "/..%5cadmin",
        "/a\\..\\..\\admin",
        "\\\\other.example\\x",
        "/\\other.example/x",
        "http://api.example:9090/",
        "http://api.example:9090/admin",
        "http://api.example:9090/prefixed",
        "http://api.example:9090/prefix/../admin",
        "http://api.example:9090/prefix/%2e%2e/admin",
        // To another host.
        "//other.example/x",
        "///other.example/x",
        "http://other.example/x",
        "https://api.example:9090/prefix/x",
        "http://api.example:9091/prefix/x",
        "http://api.example/prefix/x",
        "http://api.example.other.example:9090/prefix/x",
        "http://api.example:9090@other.example/prefix/x",
        "http://user:password@api.example:9090/prefix/x",
        "http://api.example:9090%40other.example/prefix/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/latest/meta-data/",
        "http://0xa9.0xfe.0xa9.0xfe/",
        "http://[::ffff:169.254.169.254]/",
        "http://localhost/",
        "http://127.1/",
        "http://[::1]:9090/prefix/x",
        "http:/other.example/x",
        "http:other.example",
        "http:///other.example/x",
        "http://",
        "http://?x",
        "http://api.example:port/prefix/x",
        "http://api.example:9090:80/prefix/x",
        // Other schemes.
        "file:///etc/passwd",
        "file:/etc/passwd",
        "gopher://api.example:9090/_x",
        "ftp://api.example/prefix/x",
        "javascript:alert(1)",
        "data:text/plain,x",
        "unix:/run/docker.sock",
        ":x",
        // Text that parsers mend.
        "/a\tb",
        "/a\r\nHost: other.example",
        "ht\ntp://other.example/",
        "/a\0b",
        "/a%00b",
        "/a%0d%0ab",
        "/a\u{85}b",
        "/a#b",
        "/x?key={{secret:token}}",
        "http://{{secret:token}}/x",
        "/{{secret:token}}/..",
    ] {
        let resolved = policy.resolve(&request(target));
        assert!(resolved.is_err(), "{target:?} leads to {}", resolved.unwrap());
    }
}

#[test]
fn an_absolute_url_to_the_own_origin_keeps_to_the_base_path_as_well() {
    let policy = policy("http://API.example/prefix", &[], &[]);
    for (target, expected) in [
        ("http://api.example/prefix/x?page=2", "http://api.example/prefix/x?page=2"),
        ("HTTP://api.EXAMPLE:80/prefix/x", "http://api.example/prefix/x"),
        ("http://api.example/prefix", "http://api.example/prefix"),
        ("http://api.example/x", "the target lies outside the data source's URL"),
    ] {
        assert_eq!(resolve(&policy, target), expected, "{target}");
    }
}

#[test]
fn another_host_needs_the_guests_description_and_the_admins_permission() {
    let check = |described: &[&str], allowed: &[&str], target: &str| {
        policy("http://h", described, allowed).resolve(&request(target)).err()
    };
    let not_described = |host: &str| Some(Refusal::HostNotDescribed { host: host.to_owned() });
    let not_allowed = |host: &str| Some(Refusal::HostNotAllowed { host: host.to_owned() });

    assert_eq!(check(&["a.example"], &["a.example"], "https://a.example/x"), None);
    assert_eq!(check(&["a.example"], &["A.EXAMPLE "], "https://a.example/x"), None);
    assert_eq!(check(&["a.example:443"], &["a.example"], "https://a.example:443/x"), None);
    assert_eq!(check(&["a.example:81"], &["a.example:81"], "http://a.example:81/x"), None);
    assert_eq!(check(&["[::1]:81"], &["[::1]:81"], "http://[0:0::1]:81/x"), None);
    assert_eq!(check(&["127.0.0.1:81"], &["127.0.0.1:81"], "http://2130706433:81/x"), None);

    assert_eq!(check(&[], &["a.example"], "https://a.example/"), not_described("a.example"));
    assert_eq!(check(&["a.example"], &[], "https://a.example/"), not_allowed("a.example"));
    // Without a port it is https on its own port, so that nobody can have a secret sent in clear.
    let both = ["a.example"];
    assert_eq!(check(&both, &both, "http://a.example/"), not_described("a.example"));
    assert_eq!(check(&both, &both, "https://a.example:444/"), not_described("a.example:444"));
    assert_eq!(check(&both, &both, "https://b.a.example/"), not_described("b.a.example"));
    assert_eq!(check(&both, &["a.example:444"], "https://a.example/"), not_allowed("a.example"));
}

#[test]
fn an_address_that_is_not_public_is_named_for_what_it_is() {
    let check = |allowed: &[&str], target: &str| {
        let described = ["169.254.169.254:80", "10.0.0.7:81", "8.8.8.8"];
        policy("http://h", &described, allowed).resolve(&request(target)).err()
    };
    let target = "http://0xa9fea9fe/latest/meta-data/";
    let refusal = check(&[], target).unwrap();
    let (host, kind) = ("169.254.169.254".to_owned(), AddressKind::Metadata);
    assert_eq!(refusal, Refusal::AddressNotAllowed { host, kind });
    assert_eq!(refusal.blame(), Blame::Settings);
    assert_eq!(
        refusal.to_string(),
        "the guest needs '169.254.169.254', the address of a cloud's metadata service, which is not allowed. Only if you \
         know what it has to do there, add it to the allowed hosts (allowedHosts) in the data source's settings"
    );
    let refusal = check(&["8.8.8.8"], "http://10.0.0.7:81/").unwrap().to_string();
    assert!(refusal.starts_with("the guest needs '10.0.0.7:81', a private address"), "{refusal}");
    let refusal = check(&[], "https://8.8.8.8/");
    assert_eq!(refusal, Some(Refusal::HostNotAllowed { host: "8.8.8.8".to_owned() }));
    // What an admin typed is meant.
    assert_eq!(check(&["10.0.0.7:81"], "http://10.0.0.7:81/"), None);
    assert_eq!(check(&["169.254.169.254:80"], target), None);
}

#[test]
fn the_address_in_the_datasources_own_url_is_meant_whatever_it_is_for() {
    for base in ["http://10.0.0.7:9090", "http://localhost:3100", "http://169.254.169.254"] {
        let policy = policy(base, &[], &[]);
        assert_eq!(resolve(&policy, "/x"), format!("{base}/x"));
    }
}

#[test]
fn an_address_counts_as_typed_for_a_name_only_at_the_ports_of_that_name() {
    let reach = |allowed: &[&str]| policy("http://h", &["a.corp"], allowed).reach_of_others();
    let typed = |name: &str, address: &str| vec![(name.to_owned(), address.parse().unwrap())];
    let found = reach(&["a.corp", "10.0.0.7", "10.0.0.8:8443", "b.corp:8443"]).typed;
    assert_eq!(found, [typed("a.corp", "10.0.0.7"), typed("b.corp", "10.0.0.8")].concat());
    let found = reach(&["a.corp:443", "a.corp:8443", "10.0.0.7", "10.0.0.8:8443"]).typed;
    assert_eq!(found, []);
}

#[test]
fn only_names_in_the_datasources_url_are_its_own() {
    let reach = |base: &str| policy(base, &["a.corp"], &["a.corp"]).reach_of_own();
    assert_eq!(reach("http://API.internal:81/x").own, ["api.internal"]);
    assert_eq!(reach("http://10.0.0.7").own, [""; 0]);
    assert_eq!(reach("").own, [""; 0]);
    let others = policy("http://api.internal", &["a.corp"], &["a.corp"]).reach_of_others();
    assert_eq!((others.own.len(), others.typed.len()), (0, 0));
}

#[test]
fn blame_goes_to_whoever_can_mend_it() {
    let policy = policy("", &["a.example"], &[]);
    let blame = |target: &str| policy.resolve(&request(target)).unwrap_err().blame();
    assert_eq!(blame("/x"), Blame::Settings, "no URL is set");
    assert_eq!(blame("https://a.example/x"), Blame::Settings, "the admin has not allowed it");
    assert_eq!(blame("https://b.example/x"), Blame::Guest, "the guest has not said so");
    assert_eq!(blame("/../x"), Blame::Guest);
}

#[test]
fn what_is_more_than_a_host_is_no_allowed_host() {
    for host in [
        "",
        " ",
        "http://a.example",
        "a.example/",
        "a.example/x",
        "u@a.example",
        "a.example:",
        "a.example:x",
        "a.example:+80",
        "a.example:65536",
        "a b",
        "*.example",
        "[::1",
        "::1",
        "a.example?x",
        "a.example#x",
    ] {
        let error = Policy::new(None, &Allowed::default(), &[host.to_owned()]).unwrap_err();
        assert_eq!(error, SettingsError::AllowedHost { host: host.to_owned() });
    }
}

#[test]
fn only_described_methods_are_sent_and_get_alone_if_there_is_no_word_about_it() {
    let with = |methods: &[Method], method| {
        let description = Allowed { methods: methods.to_vec(), ..Allowed::default() };
        let policy = Policy::new(Url::parse("http://h").ok(), &description, &[]).unwrap();
        policy.resolve(&Request { method, ..request("/") }).is_ok()
    };
    assert!(with(&[], Method::Get));
    assert!(!with(&[], Method::Head));
    assert!(!with(&[], Method::Post));
    assert!(with(&[Method::Post], Method::Post));
    assert!(!with(&[Method::Post], Method::Get));
}

#[test]
fn headers_that_could_change_the_request_are_refused() {
    let check = |name: &str, value: &str| check_headers(&[(name.to_owned(), value.to_owned())]);
    for name in [
        "Host",
        "CONTENT-LENGTH",
        "connection",
        "Transfer-Encoding",
        "upgrade",
        "te",
        "trailer",
        "cookie",
        "Proxy-Authorization",
        "proxy-connection",
        "",
        "a b",
        "a:",
        "a\r\nb",
        "ä",
        ":authority",
    ] {
        assert!(check(name, "x").is_err(), "{name:?}");
    }
    for value in ["a\r\nHost: other.example", "a\nb", "a\rb", "a\0b", "\u{7f}", "\u{1b}[2J"] {
        assert!(check("x-value", value).is_err(), "{value:?}");
    }
    for (name, value) in
        [("Accept", "text/csv"), ("authorization", "Bearer x"), ("x", ""), ("X_1", "ä\tb")]
    {
        assert_eq!(check(name, value), Ok(()), "{name}: {value}");
    }
}

#[test]
fn headers_are_bounded_in_number_and_size() {
    let fields = |count: usize, size: usize| vec![("x".to_owned(), "v".repeat(size)); count];
    assert_eq!(check_headers(&fields(REQUEST_HEADERS_MAX, 1)), Ok(()));
    assert!(check_headers(&fields(REQUEST_HEADERS_MAX + 1, 1)).is_err());
    assert_eq!(check_headers(&fields(1, REQUEST_HEADER_BYTES_MAX - 1)), Ok(()));
    assert!(check_headers(&fields(1, REQUEST_HEADER_BYTES_MAX)).is_err());
}

#[test]
fn redirects_stay_on_the_own_origin_or_lead_to_allowed_hosts() {
    let policy = policy("http://h/prefix", &["a.example", "b.example"], &["a.example"]);
    let from = Url::parse("http://h/prefix/x?token=1").unwrap();
    let redirect = |status, location: &str| {
        let status = StatusCode::from_u16(status).unwrap();
        policy.redirect(&from, status, Some(location.as_bytes()), 0)
    };
    for (location, expected) in [
        ("y", "http://h/prefix/y"),
        ("/elsewhere", "http://h/elsewhere"),
        ("?page=2#top", "http://h/prefix/x?page=2"),
        ("http://h:80/", "http://h/"),
        ("https://a.example/x", "https://a.example/x"),
    ] {
        let url = redirect(302, location).unwrap().unwrap();
        assert_eq!(url.as_str(), expected, "{location}");
    }
    for (location, to) in [
        ("https://h/prefix/x", "https://h"),
        ("http://h:81/", "http://h:81"),
        ("https://b.example/", "https://b.example"),
        ("http://a.example/", "http://a.example"),
        ("//10.0.0.7/latest", "http://10.0.0.7"),
        ("http://user@h/", "http://h"),
        ("file:///etc/passwd", "file:"),
        ("http://", "http://"),
    ] {
        let refused = Err(Refusal::Redirect { to: to.to_owned() });
        assert_eq!(redirect(307, location), refused, "{location}");
    }
    for location in ["//169.254.169.254/latest", "http://[::ffff:a9fe:a9fe]/latest"] {
        let refusal = redirect(302, location).unwrap_err();
        assert!(matches!(refusal, Refusal::RedirectToMachine { .. }), "{refusal}");
        assert_eq!(refusal.blame(), Blame::Api);
        assert!(
            refusal
                .to_string()
                .contains("the address of a cloud's metadata service, where no API is")
        );
    }
    for status in [200, 300, 304, 305, 306, 404] {
        assert_eq!(redirect(status, "http://other.example/"), Ok(None), "{status}");
    }
    assert_eq!(policy.redirect(&from, StatusCode::FOUND, None, 0), Ok(None));
}

#[test]
fn a_redirect_loop_comes_to_an_end() {
    let policy = policy("http://h", &[], &[]);
    let from = Url::parse("http://h/x").unwrap();
    let redirect = |hops| policy.redirect(&from, StatusCode::FOUND, Some(b"/x"), hops);
    assert_eq!(redirect(REDIRECTS_MAX - 1), Ok(Some(from.clone())));
    assert_eq!(redirect(REDIRECTS_MAX), Err(Refusal::TooManyRedirects));
    assert_eq!(Refusal::TooManyRedirects.blame(), Blame::Api);
}

#[test]
fn hostile_text_is_fit_for_one_line_of_a_message() {
    assert_eq!(printable("a\r\n\u{1b}[31mä'\u{202e}"), "a\\r\\n\\u{1b}[31mä'\\u{202e}");
    assert_eq!(printable(&"a".repeat(201)), "a".repeat(200) + "…");
}

#[test]
fn another_host_redirects_to_nothing_that_a_guest_could_not_ask() {
    let policy = policy("http://h/prefix", &["a.example"], &["a.example"]);
    let from = Url::parse("https://a.example/r").unwrap();
    let redirect = |location: &str| {
        policy.redirect(&from, StatusCode::TEMPORARY_REDIRECT, Some(location.as_bytes()), 0)
    };
    let refused = Err(Refusal::Redirect { to: "http://h".to_owned() });
    for outside in ["http://h/", "http://h/admin", "http://h/prefix/../admin", "http://h/prefixed"]
    {
        assert_eq!(redirect(outside), refused, "{outside}");
    }
    for allowed in ["http://h/prefix/x", "https://a.example/y"] {
        assert_eq!(redirect(allowed).unwrap().unwrap().as_str(), allowed);
    }
}
