//! Real exchanges with servers on loopback, and what an admin reads when there is none.

mod addresses;
mod kindness;

use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::*;
use crate::budget::{Allowance, Budget, Lane};
use crate::egress::asker::Journal;
use crate::egress::settings::{Authentication, BasicAuth};
use crate::metrics::Metrics;
use crate::model::{Body, Method, Secret, Source, TransportFailure};

/// A server that answers each request with bytes, and remembers what it was sent. It speaks as much HTTP as its tests
/// need: the tests say byte for byte what a broken API sends, which no HTTP library would.
struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

/// What a server does with a request.
enum Answer {
    /// Sends this and waits for the next request.
    Bytes(Vec<u8>),
    /// Sends this and closes the connection.
    Last(Vec<u8>),
    /// Sends this and then nothing, with the connection open.
    Stall(Vec<u8>),
}

impl Server {
    async fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let connections = Arc::<Mutex<usize>>::default();
        let (seen, opened) = (Arc::clone(&requests), Arc::clone(&connections));
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *opened.lock().unwrap() += 1;
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&answer)));
            }
        });
        Self { port, requests, connections }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn settings(&self) -> HttpSettings {
        at(&self.url())
    }

    fn client(&self) -> Client {
        client(&self.settings())
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: Arc<Mutex<Vec<String>>>,
    answer: Arc<impl Fn(&str) -> Answer>,
) {
    while let Some(request) = read_request(&mut stream).await {
        let answer = answer(&request);
        seen.lock().unwrap().push(request);
        let (Answer::Bytes(bytes) | Answer::Last(bytes) | Answer::Stall(bytes)) = &answer;
        if stream.write_all(bytes).await.is_err() {
            return;
        }
        match answer {
            Answer::Bytes(_) => {}
            Answer::Last(_) => return,
            Answer::Stall(_) => std::future::pending().await,
        }
    }
}

/// A request's head and body as text; none once the connection is closed.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some(head) = text.find("\r\n\r\n") {
            let length = text
                .split("content-length: ")
                .nth(1)
                .map_or(0, |length| length.split("\r\n").next().unwrap().parse().unwrap());
            if bytes.len() >= head + 4 + length {
                return String::from_utf8(bytes).ok();
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn ok(body: &[u8]) -> Answer {
    Answer::Bytes(response("200 OK", "", body))
}

/// Settings for an API that is asked once, whatever comes of it.
fn at(url: &str) -> HttpSettings {
    HttpSettings { retries: 0, ..HttpSettings::new(Url::parse(url).ok()) }
}

fn metrics() -> Arc<DatasourceMetrics> {
    Metrics::new().unwrap().datasource("u")
}

/// A cache that keeps nothing.
fn no_cache() -> Arc<Cache> {
    Arc::new(Cache::new(&Limits { cache_bytes: 0, ..Limits::default() }))
}

fn client(settings: &HttpSettings) -> Client {
    limited(settings, &Limits::default())
}

fn limited(settings: &HttpSettings, limits: &Limits) -> Client {
    let methods = vec![Method::Get, Method::Post, Method::Head];
    let secrets = vec!["token".to_owned()];
    let allowed = Allowed { guest: "g".to_owned(), methods, secrets, ..Allowed::default() };
    Client::new(settings, &allowed, limits, no_cache(), metrics()).unwrap()
}

fn get(target: &str) -> Request {
    Request::get(target)
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// Far enough away for every test that is not about time.
fn later() -> Allowance {
    within(Duration::from_secs(3600))
}

fn within(time: Duration) -> Allowance {
    Budget::new(&Limits::default()).allow(Lane::HOST, Instant::now() + time)
}

async fn send_all(
    client: &Client,
    requests: Vec<Request>,
    allowance: &Allowance,
) -> Result<(Vec<Response>, Held), Error> {
    let (caller, journal) = (&Caller::nobody(), &Journal::default());
    client.send_all(requests, Asker { caller, allowance, journal, demand: Demand::Any }).await
}

async fn send(client: &Client, request: Request) -> Result<Response, Error> {
    let (mut responses, _held) = send_all(client, vec![request], &later()).await?;
    assert_eq!(responses.len(), 1);
    Ok(responses.remove(0))
}

/// Asserts status and source, and that the user reads all of `words`.
#[track_caller]
fn check(error: &Error, status: u16, source: Source, words: &[&str]) {
    assert_eq!((error.status(), error.source_of_error()), (status, source), "{error:?}");
    for word in words {
        assert!(
            error.user_message().contains(word),
            "'{word}' is not in: {}",
            error.user_message()
        );
    }
}

#[tokio::test]
async fn the_api_gets_the_request_as_the_guest_asked_with_the_datasources_credentials() {
    let server = Server::start(|_| ok(b"[]")).await;
    let mut settings = server.settings();
    settings.basic_auth = Some(BasicAuth { user: "ann".to_owned(), password: secret("p") });
    settings.headers = vec![("X-Scope".to_owned(), secret("tenant"))];
    settings.secrets = [("token".to_owned(), secret("t0ken"))].into();
    let request = Request {
        method: Method::Post,
        parameters: vec![pair("from", "1 2")],
        headers: vec![pair("X-Token", "{{secret:token}}")],
        body: Some(Body::Json("{\"a\":1}".to_owned())),
        ..get("/api/x")
    };
    let response = send(&client(&settings), request).await.unwrap();
    assert_eq!((response.status, &response.body[..]), (200, b"[]".as_slice()));

    let [seen] = server.requests().try_into().unwrap();
    for line in [
        "POST /api/x?from=1+2 HTTP/1.1\r\n",
        "\r\nauthorization: Basic YW5uOnA=\r\n",
        "\r\nx-scope: tenant\r\n",
        "\r\nx-token: t0ken\r\n",
        "\r\ncontent-type: application/json\r\n",
        "\r\nuser-agent: Graft/",
        "\r\naccept-encoding: ",
        "\r\n\r\n{\"a\":1}",
    ] {
        assert!(seen.contains(line), "{line:?} is not in: {seen}");
    }
}

#[tokio::test]
async fn every_status_is_a_response_with_its_body() {
    let page = b"<html><h1>Oops</h1></html>";
    for status in
        ["500 Internal Server Error", "404 Not Found", "401 Unauthorized", "204 No Content"]
    {
        let body = if status.starts_with("204") { b"".as_slice() } else { page };
        let server = Server::start(move |_| {
            let headers = "Content-Type: text/html\r\nSet-Cookie: a=b\r\n";
            Answer::Bytes(response(status, headers, body))
        })
        .await;
        let got = send(&server.client(), get("/")).await.unwrap();
        assert_eq!(got.status.to_string(), status[..3]);
        assert_eq!(got.body, body);
        assert!(got.headers.contains(&pair("content-type", "text/html")), "{:?}", got.headers);
        assert!(!got.headers.iter().any(|(name, _)| name == "set-cookie"));
        assert_eq!(got.failure, None);
    }
}

#[tokio::test]
async fn responses_come_in_the_order_of_the_requests_over_few_connections() {
    let server = Server::start(|request| {
        let path = request.split(' ').nth(1).unwrap();
        ok(path.as_bytes())
    })
    .await;
    let limits = Limits { exchanges_in_flight: 2, ..Limits::default() };
    let client = limited(&server.settings(), &limits);
    let requests = (0..50).map(|index| get(&format!("/{index}"))).collect();
    let (responses, _held) = send_all(&client, requests, &later()).await.unwrap();
    let bodies: Vec<_> = responses.into_iter().map(|response| response.body).collect();
    let expected: Vec<_> = (0..50).map(|index| format!("/{index}").into_bytes()).collect();
    assert_eq!(bodies, expected);
    let connections = *server.connections.lock().unwrap();
    assert!(connections <= 4, "50 requests, two at a time, opened {connections} connections");
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let server = Server::start(|_| ok(b"x")).await;
    let client = server.client();
    for _request in 0..5 {
        send(&client, get("/")).await.unwrap();
    }
    assert_eq!(*server.connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn no_connection_is_kept_if_the_admin_wants_none() {
    let server = Server::start(|_| ok(b"x")).await;
    let client = client(&HttpSettings { idle_connections: 0, ..server.settings() });
    for _request in 0..3 {
        send(&client, get("/")).await.unwrap();
    }
    assert_eq!(*server.connections.lock().unwrap(), 3);
}

#[tokio::test]
async fn nothing_is_sent_if_one_request_of_a_round_is_not_allowed() {
    let server = Server::start(|_| ok(b"x")).await;
    let requests = vec![get("/a"), get("http://other.example/")];
    let error = send_all(&server.client(), requests, &later()).await.unwrap_err();
    check(
        &error,
        500,
        Source::Plugin,
        &["Guest 'g'", "http://other.example/", "description names"],
    );
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_refused_connection_names_the_address_and_blames_the_api() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = client(&at(&format!("http://{address}/api")));
    let error = send(&client, get("/x")).await.unwrap_err();
    let sentence = format!(
        "Connection refused by {address}: is the URL in the data source's settings right, and is the API running?"
    );
    assert_eq!(error.user_message(), sentence);
    check(&error, 502, Source::Downstream, &[]);

    let tolerant = Request { tolerate_failure: true, ..get("/x") };
    let response = send(&client, tolerant).await.unwrap();
    let Some(TransportFailure::Unreachable(text)) = &response.failure else {
        panic!("{response:?}")
    };
    assert!(text.contains("connection refused"), "{text}");
    assert_eq!((response.status, response.headers.len(), response.body.len()), (0, 0, 0));
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_is_named() {
    // A label of 64 letters is refused by the resolver itself: no packet leaves.
    let host = "a".repeat(64) + ".example";
    let client = client(&at(&format!("http://{host}/")));
    let error = send(&client, get("/x")).await.unwrap_err();
    check(&error, 502, Source::Downstream, &["cannot be resolved", &host]);
}

#[tokio::test]
async fn a_server_that_hangs_up_or_speaks_no_http_is_told_apart() {
    let server = Server::start(|_| Answer::Last(Vec::new())).await;
    let error = send(&server.client(), get("/x")).await.unwrap_err();
    check(
        &error,
        502,
        Source::Downstream,
        &["closed the connection without an answer", "127.0.0.1"],
    );

    let server = Server::start(|_| Answer::Last(b"SSH-2.0-OpenSSH_9\r\n\r\n".to_vec())).await;
    let error = send(&server.client(), get("/x")).await.unwrap_err();
    check(&error, 502, Source::Downstream, &["did not answer in HTTP"]);
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
}

#[tokio::test]
async fn tls_with_a_server_that_speaks_none_is_a_tls_error() {
    // A TLS handshake has no end that `Server` would see, so this one does not wait for it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _sent = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            let _closed = stream.read(&mut [0; 1024]).await;
        }
    });
    let mut settings = at(&format!("https://127.0.0.1:{port}"));
    settings.tls.skip_verify = true;
    let error = send(&client(&settings), get("/x")).await.unwrap_err();
    check(&error, 502, Source::Downstream, &["TLS with https://127.0.0.1", "CA known"]);
}

#[tokio::test]
async fn each_time_that_can_run_out_is_a_gateway_timeout_that_says_which() {
    let short = Duration::from_millis(50);
    let silent = Server::start(|_| Answer::Stall(Vec::new())).await;
    let mut settings = silent.settings();
    settings.timeout = short;
    let error = send(&client(&settings), get("/x?key=hidden")).await.unwrap_err();
    check(&error, 504, Source::Downstream, &["did not answer within", "/x", "Timeout"]);
    assert!(!error.user_message().contains("hidden"));

    let asked = Request { timeout: Some(short), tolerate_failure: true, ..get("/x") };
    let response = send(&silent.client(), asked).await.unwrap();
    assert!(matches!(response.failure, Some(TransportFailure::Timeout(_))), "{response:?}");

    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_vec();
    let slow = Server::start(move |_| Answer::Stall(head.clone())).await;
    // Long enough for the head to arrive on a machine that is busy with other tests.
    let long = Duration::from_secs(1);
    let error = send_all(&slow.client(), vec![get("/x")], &within(long)).await.unwrap_err();
    check(&error, 504, Source::Downstream, &["was not complete within"]);

    let one = Limits { exchanges_in_flight: 1, ..Limits::default() };
    let client = limited(&silent.settings(), &one);
    let tolerant = |target| Request { tolerate_failure: true, ..get(target) };
    // When the time of the whole query is over, no guest can do anything about it.
    let round = vec![tolerant("/first"), tolerant("/second")];
    let error = send_all(&client, round, &within(short)).await.unwrap_err();
    check(&error, 504, Source::Downstream, &["raise 'query_time' in grafana.ini"]);
}

#[tokio::test]
async fn all_bodies_of_a_round_fit_into_a_guests_memory() {
    let server = Server::start(|_| ok(&[b'x'; 400])).await;
    let limits = Limits { guest_memory_bytes: 1000, ..Limits::default() };
    let client = limited(&server.settings(), &limits);
    let round = |requests| vec![get("/x"); requests];
    assert_eq!(send_all(&client, round(2), &later()).await.unwrap().0.len(), 2);
    let error = send_all(&client, round(3), &later()).await.unwrap_err();
    check(&error, 502, Source::Downstream, &["larger than 1000 bytes", "'guest_memory_bytes'"]);
}

#[tokio::test]
async fn a_body_is_read_as_soon_as_there_is_memory_for_it() {
    let server = Server::start(|_| ok(&[b'x'; 400])).await;
    let budget = Budget::new(&Limits { memory_bytes: 1000, ..Limits::default() });
    let allow = |time| budget.allow(budget.lane(), Instant::now() + time);
    let mut others = allow(Duration::ZERO).hold();
    others.take(700).await.unwrap();
    let client = server.client();
    let short = allow(Duration::from_millis(50));
    let error = send_all(&client, vec![get("/x")], &short).await.unwrap_err();
    check(&error, 503, Source::Plugin, &["memory of 1000 bytes", "raise 'memory_bytes'"]);
    let long = allow(Duration::from_secs(3600));
    let later = send_all(&client, vec![get("/x")], &long);
    let (answered, ()) = tokio::join!(later, async { drop(others) });
    let (responses, held) = answered.unwrap();
    assert_eq!((responses[0].body.len(), budget.held()), (400, 400));
    drop(held);
    assert_eq!(budget.held(), 0);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_or_while_it_is_read() {
    let limits = Limits { response_bytes: 1000, ..Limits::default() };
    let announced = Server::start(|_| ok(&[b'x'; 1001])).await;
    let chunked = Server::start(|_| {
        let chunk = format!("100\r\n{}\r\n", "x".repeat(256));
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        Answer::Bytes([head, &chunk.repeat(4), "0\r\n\r\n"].concat().into_bytes())
    })
    .await;
    let compressed = Server::start(|_| zipped(&[b'x'; 100_000])).await;
    for server in [announced, chunked, compressed] {
        let error = send(&limited(&server.settings(), &limits), get("/x")).await.unwrap_err();
        let words = [
            "larger than 1000 bytes",
            "'response_bytes'",
            "grafana.ini",
            "plugin.graft-datasource",
        ];
        check(&error, 502, Source::Downstream, &words);
    }
    let exact = Server::start(|_| ok(&[b'x'; 1000])).await;
    let response = send(&limited(&exact.settings(), &limits), get("/x")).await.unwrap();
    assert_eq!(response.body.len(), 1000);
}

#[tokio::test]
async fn header_fields_over_the_limit_are_refused() {
    let server = Server::start(|_| {
        Answer::Bytes(response("200 OK", &format!("X-Large: {}\r\n", "x".repeat(2000)), b""))
    })
    .await;
    let limits = Limits { header_bytes: 2000, ..Limits::default() };
    let error = send(&limited(&server.settings(), &limits), get("/x")).await.unwrap_err();
    check(&error, 502, Source::Downstream, &["'header_bytes'", "2000"]);
}

fn zip(body: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zipped(body: &[u8]) -> Answer {
    Answer::Bytes(response("200 OK", "Content-Encoding: gzip\r\n", &zip(body)))
}

#[tokio::test]
async fn a_compressed_body_arrives_decompressed() {
    let server = Server::start(|_| zipped(&b"values ".repeat(1000))).await;
    let response = send(&server.client(), get("/x")).await.unwrap();
    assert_eq!(response.body, b"values ".repeat(1000));
    let names: Vec<_> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        !names.contains(&"content-encoding") && !names.contains(&"content-length"),
        "{names:?}"
    );
}

#[tokio::test]
async fn a_body_that_ends_too_soon_is_an_error_and_not_a_short_body() {
    let plain = Server::start(|_| {
        Answer::Last(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_vec())
    })
    .await;
    let error = send(&plain.client(), get("/x")).await.unwrap_err();
    check(&error, 502, Source::Downstream, &["after 3 of 10 bytes", "cannot be used"]);

    let chunked = Server::start(|_| {
        Answer::Last(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n".to_vec())
    })
    .await;
    let error = send(&chunked.client(), get("/x")).await.unwrap_err();
    check(&error, 502, Source::Downstream, &["after 3 bytes"]);

    let cut = Server::start(|_| {
        let mut body = zip(&b"values ".repeat(1000));
        body.truncate(body.len() / 2);
        Answer::Bytes(response("200 OK", "Content-Encoding: gzip\r\n", &body))
    })
    .await;
    let error = send(&cut.client(), get("/x")).await.unwrap_err();
    check(&error, 502, Source::Downstream, &["broke off"]);
}

#[tokio::test]
async fn a_head_request_announces_a_body_that_never_comes() {
    let server = Server::start(|_| {
        Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n".to_vec())
    })
    .await;
    let response =
        send(&server.client(), Request { method: Method::Head, ..get("/x") }).await.unwrap();
    assert_eq!((response.status, response.body.len()), (200, 0));
}

fn redirect(to: &str) -> Answer {
    Answer::Bytes(response("307 Temporary Redirect", &format!("Location: {to}\r\n"), b"moved"))
}

#[tokio::test]
async fn a_redirect_on_the_own_origin_is_followed_with_credentials() {
    let server = Server::start(|request| {
        if request.starts_with("GET /old") { redirect("/new?page=1") } else { ok(b"here") }
    })
    .await;
    let mut settings = server.settings();
    settings.headers = vec![("X-Api-Key".to_owned(), secret("k3y"))];
    let response = send(&client(&settings), get("/old")).await.unwrap();
    assert_eq!(response.body[..], *b"here");
    let requests = server.requests();
    assert!(requests[1].starts_with("GET /new?page=1 ") && requests[1].contains("x-api-key: k3y"));
}

#[tokio::test]
async fn a_redirect_to_another_host_is_refused_unless_allowed_and_never_gets_a_credential() {
    let other = Server::start(|_| ok(b"other")).await;
    let to = other.url() + "/x";
    let server = Server::start(move |_| redirect(&to)).await;
    let mut settings = server.settings();
    settings.headers = vec![("X-Api-Key".to_owned(), secret("k3y"))];
    settings.basic_auth = Some(BasicAuth { user: "ann".to_owned(), password: secret("p") });
    let (name, key) = ("key".to_owned(), secret("p4rameter"));
    settings.authentication = Authentication::ParameterKey { name, key };
    settings.secrets = [("token".to_owned(), secret("t0ken"))].into();
    let headers = vec![pair("X-Token", "{{secret:token}}"), pair("X-Plain", "plain")];
    let request = Request { headers, ..get("/x") };

    let error = send(&client(&settings), request.clone()).await.unwrap_err();
    check(
        &error,
        502,
        Source::Downstream,
        &["redirects to", &other.url(), "not the data source's own host"],
    );
    assert_eq!(other.requests().len(), 0);

    let host = format!("127.0.0.1:{}", other.port);
    settings.allowed_hosts = vec![host.clone()];
    let secrets = vec!["token".to_owned()];
    let allowed = Allowed { hosts: vec![host], secrets, ..Allowed::default() };
    let client =
        Client::new(&settings, &allowed, &Limits::default(), no_cache(), metrics()).unwrap();
    let response = send(&client, request).await.unwrap();
    assert_eq!(response.body[..], *b"other");
    let [seen] = other.requests().try_into().unwrap();
    assert!(seen.contains("x-plain: plain"), "{seen}");
    for secret in ["k3y", "t0ken", "p4rameter", "authorization", "x-token", "x-api-key"] {
        assert!(!seen.contains(secret), "{secret} is in: {seen}");
    }
    let first = &server.requests()[1];
    for secret in ["k3y", "t0ken", "?key=p4rameter "] {
        assert!(first.contains(secret), "{secret} is not in: {first}");
    }
}

#[tokio::test]
async fn a_secret_that_a_redirect_repeats_is_not_shown_to_anybody() {
    let server = Server::start(|request| match request.starts_with("GET /bott0ken%2Ftoken/x/ ") {
        true => Answer::Last(response("200 OK", "Content-Length: 9\r\n", b"half")),
        false => redirect("/bott0ken%2Ftoken/x/"),
    })
    .await;
    let mut settings = server.settings();
    settings.secrets = [("token".to_owned(), secret("t0ken/token"))].into();
    let allowed = Allowed { secrets: vec!["token".to_owned()], ..Allowed::default() };
    let client =
        Client::new(&settings, &allowed, &Limits::default(), no_cache(), metrics()).unwrap();
    for tolerate_failure in [false, true] {
        let request = Request { tolerate_failure, ..get("/bot{{secret:token}}/x") };
        let text = format!("{:?}", send(&client, request).await);
        assert!(text.contains("Broken"), "{text}");
        assert!(!text.contains("t0ken"), "{text}");
    }
}

#[tokio::test]
async fn a_redirect_loop_ends_after_ten_hops() {
    let server = Server::start(|_| redirect("/again")).await;
    let error = send(&server.client(), get("/x")).await.unwrap_err();
    check(&error, 502, Source::Downstream, &["redirected 10 times"]);
    assert_eq!(server.requests().len(), 11);
}

#[tokio::test]
async fn no_secret_shows_in_any_error() {
    let planted = "c4nary";
    let silent = Server::start(|_| Answer::Last(Vec::new())).await;
    let mut settings = silent.settings();
    settings.headers = vec![("X-Api-Key".to_owned(), secret(planted))];
    settings.basic_auth = Some(BasicAuth { user: "ann".to_owned(), password: secret(planted) });
    settings.secrets = [("token".to_owned(), secret(planted))].into();
    assert!(!format!("{settings:?}").contains(planted));
    let request = Request {
        method: Method::Post,
        parameters: vec![pair("key", "{{secret:token}}")],
        headers: vec![pair("x", "{{secret:token}}")],
        body: Some(Body::Text("{{secret:token}}".to_owned())),
        ..get("/x")
    };
    let error = send(&client(&settings), request).await.unwrap_err();
    assert!(silent.requests()[0].matches(planted).count() >= 4, "{:?}", silent.requests());
    let shown = format!("{error:?} {error} {}", error.user_message());
    assert!(!shown.contains(planted), "{shown}");
}

#[test]
fn broken_certificates_are_the_settings_fault_and_are_not_shown() {
    use crate::egress::settings::{ClientCertificate, TlsSettings};
    let broken = "-----BEGIN CERTIFICATE-----\nc4nary!\n-----END CERTIFICATE-----\n";
    let error = |tls| {
        let mut settings = HttpSettings::new(Url::parse("https://127.0.0.1").ok());
        settings.tls = tls;
        Client::new(&settings, &Allowed::default(), &Limits::default(), no_cache(), metrics())
            .err()
            .unwrap()
    };
    for pem in ["", "c4nary", broken] {
        let error = error(TlsSettings { authority: Some(secret(pem)), ..TlsSettings::default() });
        check(&error, 400, Source::Downstream, &["tlsCACert", "PEM"]);
        assert!(!format!("{error:?} {}", error.user_message()).contains("c4nary"), "{error:?}");
    }
    let (certificate, key) = (secret("c4nary"), secret("c4nary"));
    let client = Some(ClientCertificate { certificate, key });
    let error = error(TlsSettings { client, ..TlsSettings::default() });
    check(&error, 400, Source::Downstream, &["tlsClientCert"]);
    assert!(!format!("{error:?} {}", error.user_message()).contains("c4nary"), "{error:?}");
}
