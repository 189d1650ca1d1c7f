//! Whole round trips: a client as go-plugin's, over a real socket, against [`serve`].

use std::sync::Arc;
use std::time::Duration;

use graft_proto::plugin::grpc_broker_client::GrpcBrokerClient;
use graft_proto::plugin::grpc_controller_client::GrpcControllerClient;
use graft_proto::plugin::grpc_stdio_client::GrpcStdioClient;
use graft_proto::plugin::{ConnInfo, Empty};
use graft_proto::pluginv2::data_client::DataClient;
use graft_proto::pluginv2::data_server::{Data, DataServer};
use graft_proto::pluginv2::{
    QueryChunkedDataRequest, QueryChunkedDataResponse, QueryDataRequest, QueryDataResponse,
};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{Listener, Network, ServeError, serve, serve_standalone};
use crate::limits::DRAIN_TIMEOUT;
use tokio_util::sync::CancellationToken;

/// A service whose one call takes a time of its own.
struct Slow {
    takes: Duration,
    /// Gets a permit when the call has begun.
    begun: Arc<Semaphore>,
}

#[tonic::async_trait]
impl Data for Slow {
    async fn query_data(
        &self,
        _request: Request<QueryDataRequest>,
    ) -> Result<Response<QueryDataResponse>, Status> {
        self.begun.add_permits(1);
        tokio::time::sleep(self.takes).await;
        Ok(Response::new(QueryDataResponse::default()))
    }

    type QueryChunkedDataStream = tokio_stream::Pending<Result<QueryChunkedDataResponse, Status>>;

    async fn query_chunked_data(
        &self,
        _request: Request<QueryChunkedDataRequest>,
    ) -> Result<Response<Self::QueryChunkedDataStream>, Status> {
        Ok(Response::new(tokio_stream::pending()))
    }
}

/// A plugin that serves [`Slow`], and a client's connection to it.
struct Plugin {
    channel: Channel,
    begun: Arc<Semaphore>,
    serving: JoinHandle<Result<(), ServeError>>,
    _folder: tempfile::TempDir,
}

impl Plugin {
    async fn start(takes: Duration, terminated: impl Future<Output = ()> + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let network = Network::Unix { folder: folder.path().to_owned(), group: None };
        let listener = Listener::bind(&network).await.unwrap();
        let address = listener.address().to_owned();
        let begun = Arc::new(Semaphore::new(0));
        let slow = Slow { takes, begun: Arc::clone(&begun) };
        let services = Routes::new(DataServer::new(slow));
        let serving = tokio::spawn(serve(listener, services, CancellationToken::new(), terminated));
        Self { channel: connect(address).await, begun, serving, _folder: folder }
    }

    /// Begins a call and comes back when the plugin is at work on it.
    async fn query(&self) -> JoinHandle<Result<Response<QueryDataResponse>, Status>> {
        let mut client = DataClient::new(self.channel.clone());
        let call =
            tokio::spawn(async move { client.query_data(QueryDataRequest::default()).await });
        self.begun.acquire().await.unwrap().forget();
        call
    }

    async fn shut_down(&self) {
        let mut controller = GrpcControllerClient::new(self.channel.clone());
        controller.shutdown(Empty {}).await.unwrap();
    }
}

/// go-plugin, too, writes `unused` where HTTP wants a host.
async fn connect(address: String) -> Channel {
    let connector = tower::service_fn(move |_uri| {
        let address = address.clone();
        async move { UnixStream::connect(address).await.map(TokioIo::new) }
    });
    Endpoint::from_static("http://unused").connect_with_connector(connector).await.unwrap()
}

const AT_ONCE: Duration = Duration::ZERO;

#[tokio::test]
async fn go_plugin_finds_the_plugin_healthy() {
    let plugin = Plugin::start(AT_ONCE, std::future::pending()).await;
    let mut client = HealthClient::new(plugin.channel.clone());
    let check = client.check(HealthCheckRequest { service: "plugin".to_owned() }).await.unwrap();
    assert_eq!(check.into_inner().status(), ServingStatus::Serving);
    let unknown = client.check(HealthCheckRequest { service: "other".to_owned() }).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn the_plugin_answers_shutdown_and_ends() {
    let plugin = Plugin::start(AT_ONCE, std::future::pending()).await;
    plugin.shut_down().await;
    plugin.serving.await.unwrap().unwrap();
    assert_eq!(std::fs::read_dir(plugin._folder.path()).unwrap().count(), 0, "the socket is gone");
}

#[tokio::test(start_paused = true)]
async fn a_call_in_flight_finishes_within_the_drain() {
    let plugin = Plugin::start(DRAIN_TIMEOUT / 2, std::future::pending()).await;
    let call = plugin.query().await;
    plugin.shut_down().await;
    call.await.unwrap().unwrap();
    plugin.serving.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_does_not_hold_the_plugin() {
    let plugin = Plugin::start(Duration::from_secs(3600), std::future::pending()).await;
    let call = plugin.query().await;
    let mut chunks = DataClient::new(plugin.channel.clone());
    let chunks = chunks.query_chunked_data(QueryChunkedDataRequest::default()).await;
    let asked = Instant::now();
    plugin.shut_down().await;
    plugin.serving.await.unwrap().unwrap();
    let took = asked.elapsed();
    assert!(
        (DRAIN_TIMEOUT..Duration::from_secs(2)).contains(&took),
        "{took:?} by the paused clock"
    );
    for status in [
        call.await.unwrap().unwrap_err(),
        chunks.unwrap().into_inner().message().await.unwrap_err(),
    ] {
        assert_eq!(status.code(), Code::Unavailable, "{status}");
        assert!(status.message().contains("Grafana stopped this plugin"), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn sigterm_drains_as_shutdown_does() {
    let (terminate, terminated) = tokio::sync::oneshot::channel::<()>();
    let plugin = Plugin::start(DRAIN_TIMEOUT / 2, async { terminated.await.unwrap() }).await;
    let call = plugin.query().await;
    terminate.send(()).unwrap();
    call.await.unwrap().unwrap();
    plugin.serving.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_streams_that_go_plugin_keeps_open_do_not_hold_the_plugin() {
    let plugin = Plugin::start(AT_ONCE, std::future::pending()).await;
    let mut broker = GrpcBrokerClient::new(plugin.channel.clone());
    let (tell, told) = tokio::sync::mpsc::channel(1);
    let told = tokio_stream::wrappers::ReceiverStream::new(told);
    let mut broker = broker.start_stream(told).await.unwrap().into_inner();
    let mut stdio = GrpcStdioClient::new(plugin.channel.clone());
    let mut stdio = stdio.stream_stdio(()).await.unwrap().into_inner();
    for service_id in 0..100 {
        tell.send(ConnInfo { service_id, ..ConnInfo::default() }).await.unwrap();
    }

    let asked = Instant::now();
    plugin.shut_down().await;
    assert!(broker.message().await.unwrap().is_none());
    assert!(stdio.message().await.unwrap().is_none());
    plugin.serving.await.unwrap().unwrap();
    assert!(asked.elapsed() < DRAIN_TIMEOUT, "nothing was in flight");
}

#[tokio::test(start_paused = true)]
async fn stdio_stays_silent_until_its_client_leaves() {
    let plugin = Plugin::start(AT_ONCE, std::future::pending()).await;
    let mut stdio = GrpcStdioClient::new(plugin.channel.clone());
    let mut stdio = stdio.stream_stdio(()).await.unwrap().into_inner();
    let an_hour = Duration::from_secs(3600);
    assert!(tokio::time::timeout(an_hour, stdio.message()).await.is_err());
    drop(stdio);
    plugin.query().await.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_broker_stream_ends_when_its_client_does() {
    let plugin = Plugin::start(AT_ONCE, std::future::pending()).await;
    let mut broker = GrpcBrokerClient::new(plugin.channel.clone());
    let mut stream =
        broker.start_stream(tokio_stream::empty::<ConnInfo>()).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_none());
}

#[tokio::test]
async fn grafana_can_come_back_on_a_new_connection() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::Unix { folder: folder.path().to_owned(), group: None };
    let listener = Listener::bind(&network).await.unwrap();
    let address = listener.address().to_owned();
    let slow = Slow { takes: AT_ONCE, begun: Arc::new(Semaphore::new(0)) };
    tokio::spawn(serve(
        listener,
        Routes::new(DataServer::new(slow)),
        CancellationToken::new(),
        std::future::pending(),
    ));
    for _connection in 0..3 {
        let mut client = DataClient::new(connect(address.clone()).await);
        client.query_data(QueryDataRequest::default()).await.unwrap();
    }
}

#[tokio::test]
async fn tcp_serves_as_well() {
    let listener = Listener::bind(&Network::Tcp { ports: 0..=0 }).await.unwrap();
    let address = format!("http://{}", listener.address());
    let slow = Slow { takes: AT_ONCE, begun: Arc::new(Semaphore::new(0)) };
    tokio::spawn(serve(
        listener,
        Routes::new(DataServer::new(slow)),
        CancellationToken::new(),
        std::future::pending(),
    ));
    let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    DataClient::new(channel).query_data(QueryDataRequest::default()).await.unwrap();
}

/// The names of all services, by the reflection service of one version.
macro_rules! services {
    ($plugin:ident, $version:ident) => {{
        use pb::server_reflection_request::MessageRequest;
        use pb::server_reflection_response::MessageResponse;
        use tonic_reflection::pb::$version as pb;
        let mut client =
            pb::server_reflection_client::ServerReflectionClient::new($plugin.channel.clone());
        let ask = |request| pb::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(request),
        };
        let requests = tokio_stream::iter([
            ask(MessageRequest::ListServices(String::new())),
            ask(MessageRequest::FileContainingSymbol("pluginv2.QueryDataRequest".to_owned())),
        ]);
        let mut answers = client.server_reflection_info(requests).await.unwrap().into_inner();
        let mut next =
            async || answers.message().await.unwrap().and_then(|answer| answer.message_response);
        let Some(MessageResponse::ListServicesResponse(list)) = next().await else { panic!() };
        let Some(MessageResponse::FileDescriptorResponse(_)) = next().await else { panic!() };
        list.service.into_iter().map(|service| service.name).collect::<Vec<String>>()
    }};
}

#[tokio::test]
async fn tools_can_ask_for_the_services() {
    let plugin = Plugin::start(AT_ONCE, std::future::pending()).await;
    for services in [services!(plugin, v1), services!(plugin, v1alpha)] {
        for expected in [
            "pluginv2.Data",
            "pluginv2.Diagnostics",
            "pluginv2.Resource",
            "plugin.GRPCController",
            "plugin.GRPCBroker",
            "plugin.GRPCStdio",
            "grpc.health.v1.Health",
        ] {
            assert!(services.iter().any(|name| name == expected), "{expected}: {services:?}");
        }
    }
}

#[tokio::test]
async fn a_standalone_plugin_serves_nothing_of_go_plugins() {
    let listener = Listener::bind_address("localhost:0").await.unwrap();
    let address = format!("http://{}", listener.address());
    let slow = Slow { takes: AT_ONCE, begun: Arc::new(Semaphore::new(0)) };
    let services = Routes::new(DataServer::new(slow));
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let serving =
        tokio::spawn(serve_standalone(listener, services, CancellationToken::new(), async {
            ended.await.unwrap();
        }));
    let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    DataClient::new(channel.clone()).query_data(QueryDataRequest::default()).await.unwrap();
    let shutdown = GrpcControllerClient::new(channel).shutdown(Empty {}).await;
    assert_eq!(shutdown.unwrap_err().code(), Code::Unimplemented);
    end.send(()).unwrap();
    serving.await.unwrap().unwrap();
}
