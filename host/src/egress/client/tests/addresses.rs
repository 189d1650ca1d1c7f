//! Which addresses are dialled: with names that the tests make up, and a connector that records instead of dialling. What it would
//! have dialled is answered by a server on loopback; no packet goes anywhere else.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tower::{Layer, Service};

use url::Url;

use super::*;
use crate::egress::client::resolver::Resolver;

/// Names and their addresses; each question takes the next answer, and the last one stays.
type Dns = Arc<Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>>;

/// A network that is not there.
#[derive(Clone, Default)]
struct Network {
    dns: Dns,
    /// Questions that were asked of DNS.
    asked: Arc<Mutex<Vec<String>>>,
    /// Addresses that came to be dialled, for each connection to a name.
    dialled: Arc<Mutex<Vec<Vec<IpAddr>>>>,
    /// Connections that were asked for, to names or addresses.
    connections: Arc<Mutex<usize>>,
    /// Who answers whatever is dialled.
    server: u16,
}

impl Network {
    fn new(server: &Server) -> Self {
        Self { server: server.port, ..Self::default() }
    }

    /// Has DNS answer questions about a name with these answers, one after the other.
    fn with(self, name: &str, answers: &[&[&str]]) -> Self {
        let answers = answers.iter().map(|answer| answer.iter().map(|at| at.parse().unwrap()));
        let answers = answers.map(Iterator::collect).collect();
        self.dns.lock().unwrap().insert(name.to_owned(), answers);
        self
    }

    fn client(&self, base: &str, allowed: &[&str]) -> Client {
        let hosts: Vec<_> = allowed.iter().map(|&host| host.to_owned()).collect();
        let mut settings = HttpSettings::new(Url::parse(base).ok());
        settings.allowed_hosts.clone_from(&hosts);
        // Each request has a connection of its own, so that its name is resolved anew.
        settings.idle_connections = 0;
        let allowed = Allowed { guest: "g".to_owned(), hosts, ..Allowed::default() };
        let names = |builder: reqwest::ClientBuilder, reach| {
            let network = self.clone();
            let look_up = move |name| network.look_up(name);
            let (judge, network) = (Resolver::new(reach, look_up), self.clone());
            // Whoever runs the tests may have a proxy.
            let builder = builder.no_proxy();
            builder.dns_resolver(Recorder { judge, network }).connector_layer(Watch(self.clone()))
        };
        Client::with_names(&settings, &allowed, &Limits::default(), no_cache(), metrics(), &names)
            .unwrap()
    }

    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let mut dns = self.dns.lock().unwrap();
        let answers = dns.get_mut(&name).unwrap_or_else(|| panic!("nobody knows {name}"));
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        self.asked.lock().unwrap().push(name);
        let addresses = answer.unwrap().into_iter().map(|address| SocketAddr::new(address, 0));
        let addresses = addresses.collect();
        async { Ok(addresses) }.boxed()
    }

    fn dialled(&self) -> Vec<Vec<String>> {
        let dialled = self.dialled.lock().unwrap();
        let texts = |addresses: &Vec<IpAddr>| addresses.iter().map(IpAddr::to_string).collect();
        dialled.iter().map(texts).collect()
    }

    fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

/// Resolves as the host does, records what is to be dialled, and has the server dialled instead.
struct Recorder<L> {
    judge: Resolver<L>,
    network: Network,
}

impl<L> Resolve for Recorder<L>
where
    Resolver<L>: Resolve,
{
    fn resolve(&self, name: Name) -> Resolving {
        let (judged, network) = (self.judge.resolve(name), self.network.clone());
        Box::pin(async move {
            let addresses = judged.await?.map(|address| address.ip()).collect();
            network.dialled.lock().unwrap().push(addresses);
            let server = SocketAddr::from(([127, 0, 0, 1], network.server));
            Ok(Box::new([server].into_iter()) as Addrs)
        })
    }
}

/// Counts connections, and opens none to an address off loopback.
#[derive(Clone)]
struct Watch(Network);

#[derive(Clone)]
struct Watched<S> {
    inner: S,
    network: Network,
}

impl<S> Layer<S> for Watch {
    type Service = Watched<S>;

    fn layer(&self, inner: S) -> Watched<S> {
        Watched { inner, network: self.0.clone() }
    }
}

impl<S, R: fmt::Debug> Service<R> for Watched<S>
where
    S: Service<R>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, ctx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(ctx)
    }

    fn call(&mut self, to: R) -> S::Future {
        *self.network.connections.lock().unwrap() += 1;
        // `Unnameable(http://169.254.169.254/)`.
        let shown = format!("{to:?}");
        let url =
            shown.split_once('(').and_then(|(_, url)| Url::parse(url.strip_suffix(')')?).ok());
        let host = url.as_ref().and_then(Url::host).expect("reqwest shows where it connects to");
        let is_off = match host {
            url::Host::Domain(_) => false,
            url::Host::Ipv4(address) => !address.is_loopback(),
            url::Host::Ipv6(address) => !address.is_loopback(),
        };
        assert!(!is_off, "{shown} was about to be dialled");
        self.inner.call(to)
    }
}

/// A server that redirects `/to/<host>` there, and says yes to all else.
async fn server() -> Server {
    Server::start(|request| {
        let path = request.split(' ').nth(1).unwrap();
        match path.strip_prefix("/to/") {
            Some(to) => redirect(&format!("http://{to}")),
            None => ok(b"yes"),
        }
    })
    .await
}

#[tokio::test]
async fn a_name_is_dialled_at_the_addresses_that_were_judged_and_no_others() {
    let server = server().await;
    let addresses = ["10.0.0.7", "8.8.8.8", "169.254.169.254", "2606:4700::1111", "::1"];
    let network = Network::new(&server).with("api.example", &[&addresses]);
    let client = network.client("http://10.0.0.1", &["api.example:80"]);
    let response = send(&client, get("http://api.example/x")).await.unwrap();
    assert_eq!(response.body[..], *b"yes");
    assert_eq!(network.dialled(), [["8.8.8.8", "2606:4700::1111"]]);
    assert!(server.requests()[0].contains("\r\nhost: api.example\r\n"));
}

#[tokio::test]
async fn another_host_with_a_private_address_is_refused_with_what_to_do() {
    let server = server().await;
    let network = Network::new(&server).with("api.example", &[&["10.0.0.7"]]);
    let client = network.client("http://10.0.0.1", &["api.example:8443"]);
    let tolerant =
        Request { tolerate_failure: true, ..get("http://api.example:8443/x?key=hidden") };
    let error = send(&client, tolerant).await.unwrap_err();
    assert_eq!(
        error.user_message(),
        "The request of guest 'g' for 'http://api.example:8443/x' was not sent: 'api.example' resolves to 10.0.0.7, a private address, and \
         only the host of the data source's own URL may do so. If that is right, add '10.0.0.7:8443' as well to the allowed \
         hosts (allowedHosts) in the data source's settings; else its entry in DNS has to be mended."
    );
    check(&error, 400, Source::Downstream, &[]);
    assert_eq!(error.kind(), "refused");
    assert_eq!((network.dialled().len(), server.requests().len()), (0, 0));

    let client = network.client("http://10.0.0.1", &["api.example:80", "10.0.0.7:80"]);
    send(&client, get("http://api.example/x")).await.unwrap();
    assert_eq!(network.dialled(), [["10.0.0.7"]]);
}

#[tokio::test]
async fn the_datasources_own_host_may_be_anywhere_but_where_credentials_are_handed_out() {
    let server = server().await;
    let answers: [&[&str]; 3] = [
        &["10.0.0.7", "::1"],
        &["192.168.0.1", "169.254.169.254"],
        &["169.254.169.254", "fe80::1"],
    ];
    let network = Network::new(&server).with("api.internal", &answers);
    let client = network.client("http://api.internal/api", &[]);
    send(&client, get("/x")).await.unwrap();
    send(&client, get("/x")).await.unwrap();
    assert_eq!(network.dialled(), [vec!["10.0.0.7", "::1"], vec!["192.168.0.1"]]);
    let error = send(&client, get("/x")).await.unwrap_err();
    assert_eq!(
        error.user_message(),
        "The request of guest 'g' for 'http://api.internal/api/x' was not sent: 'api.internal' resolves to 169.254.169.254, the address of \
         a cloud's metadata service, which no name may stand for. Its entry in DNS has to be mended; only an address that is \
         itself entered in the data source's settings can be one of these."
    );
    check(&error, 400, Source::Downstream, &[]);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn the_datasources_own_name_at_another_port_has_to_be_public() {
    let server = server().await;
    let network = Network::new(&server).with("api.internal", &[&["10.0.0.7"]]);
    let client = network.client("http://api.internal", &["api.internal:9090"]);
    send(&client, get("/x")).await.unwrap();
    let error = send(&client, get("http://api.internal:9090/x")).await.unwrap_err();
    check(
        &error,
        400,
        Source::Downstream,
        &["'api.internal' resolves to 10.0.0.7", "10.0.0.7:9090"],
    );
    assert_eq!(network.dialled(), [["10.0.0.7"]]);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_between_two_requests_is_judged_anew() {
    let server = server().await;
    let network = Network::new(&server).with("api.example", &[&["8.8.8.8"], &["169.254.169.254"]]);
    let client = network.client("http://10.0.0.1", &["api.example:80"]);
    send(&client, get("http://api.example/x")).await.unwrap();
    let error = send(&client, get("http://api.example/x")).await.unwrap_err();
    check(&error, 400, Source::Downstream, &["169.254.169.254", "which no name may stand for"]);
    assert_eq!(network.dialled(), [["8.8.8.8"]]);
    assert_eq!(*network.asked.lock().unwrap(), ["api.example"; 2]);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_between_two_hops_is_judged_anew() {
    let server = server().await;
    let network = Network::new(&server).with("api.example", &[&["8.8.8.8"], &["127.0.0.1"]]);
    let client = network.client("http://10.0.0.1", &["api.example:80"]);
    let error = send(&client, get("http://api.example/to/api.example/x")).await.unwrap_err();
    check(&error, 400, Source::Downstream, &["'http://api.example/x'", "a loopback address"]);
    assert_eq!(network.dialled(), [["8.8.8.8"]]);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn no_redirect_leads_to_a_metadata_service() {
    let server = server().await;
    let network = Network::new(&server)
        .with("api.internal", &[&["10.0.0.7"]])
        .with("metadata.example", &[&["169.254.169.254"]]);
    let client = network.client("http://api.internal", &["metadata.example:80"]);
    for address in ["169.254.169.254", "2852039166", "0xa9.0xfe.43518", "[::ffff:a9fe:a9fe]"] {
        let target = format!("/to/{address}/latest/meta-data/");
        let error = send(&client, get(&target)).await.unwrap_err();
        check(
            &error,
            502,
            Source::Downstream,
            &["redirects to", "metadata service", "where no API is"],
        );
    }
    assert_eq!(network.connections(), 4, "one for each question, none for what it led to");
    let error = send(&client, get("/to/metadata.example/")).await.unwrap_err();
    check(&error, 400, Source::Downstream, &["'metadata.example' resolves to 169.254.169.254"]);
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn no_spelling_of_a_metadata_services_address_is_dialled() {
    let server = server().await;
    let network = Network::new(&server);
    let spellings = [
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "[::ffff:a9fe:a9fe]",
    ];
    let described: Vec<_> = spellings.iter().map(|address| format!("{address}:80")).collect();
    for described in [Vec::new(), described] {
        let names = |builder: reqwest::ClientBuilder, _| {
            builder.no_proxy().connector_layer(Watch(network.clone()))
        };
        let settings = HttpSettings::new(Url::parse("http://10.0.0.1").ok());
        let allowed = Allowed { hosts: described, ..Allowed::default() };
        let client = Client::with_names(
            &settings,
            &allowed,
            &Limits::default(),
            no_cache(),
            metrics(),
            &names,
        )
        .unwrap();
        for address in spellings {
            let error = send(&client, get(&format!("http://{address}/latest/"))).await.unwrap_err();
            assert_eq!(error.kind(), "refused");
        }
    }
    assert_eq!(network.connections(), 0);
}
