//! A plugin that runs: started, connected to and stopped in go-plugin's way, contract sections 1.3 to 1.7.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use graft_proto::plugin::grpc_broker_client::GrpcBrokerClient;
use graft_proto::plugin::grpc_controller_client::GrpcControllerClient;
use graft_proto::plugin::grpc_stdio_client::GrpcStdioClient;
use graft_proto::plugin::{ConnInfo, Empty};
use graft_proto::pluginv2::data_client::DataClient;
use graft_proto::pluginv2::diagnostics_client::DiagnosticsClient;
use graft_proto::pluginv2::resource_client::ResourceClient;
use graft_proto::pluginv2::stream_client::StreamClient;
use graft_proto::pluginv2::{
    CallResourceRequest, CheckHealthRequest, CheckHealthResponse, QueryDataRequest,
    QueryDataResponse,
};
use tokio::io::BufReader;
use tokio::process::{Child, ChildStdout};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::Channel;
use tonic_health::pb::health_client::HealthClient;

use crate::connect::Target;
use crate::handshake::{Address, Handshake, HandshakeError};
use crate::launch::Launch;
use crate::log::LogLine;
use crate::mutual_tls::Identity;
use crate::output::{Output, line};

/// How long go-plugin lets a plugin end by itself.
const EXIT_TIMEOUT: Duration = Duration::from_secs(2);

/// The plugin's process and the connection to it. Dropping it kills the process.
pub struct Plugin {
    child: Child,
    channel: Channel,
    target: Target,
    handshake: Handshake,
    time_to_handshake: Duration,
    output: Output,
    /// While this lives the broker's stream stays open.
    broker: mpsc::Sender<ConnInfo>,
}

/// How a plugin's process ended, and all that it wrote.
#[derive(Debug)]
pub struct Exit {
    /// Its exit code, or the signal that ended it.
    pub status: ExitStatus,
    /// From the request to end.
    pub took: Duration,
    /// The lines that came on stdout after the handshake: none, if the plugin is as it should be.
    pub stdout: Vec<String>,
    /// The lines that came on stderr.
    pub log: Vec<LogLine>,
}

/// The whole answer to a resource call.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub code: i32,
    /// The header fields, by name.
    pub headers: Vec<(String, Vec<String>)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A plugin did not start.
#[derive(Debug)]
pub struct LaunchError {
    /// Why.
    pub fault: Fault,
    /// What it wrote to stderr.
    pub log: Vec<LogLine>,
}

/// Why a plugin did not start. What stands in quotation marks is what Grafana's log would say.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The operating system does not run it.
    #[error("{binary} cannot be run")]
    Spawn {
        /// What was to be run.
        binary: String,
        /// Why not.
        source: io::Error,
    },
    /// It ended, or closed its stdout, before the handshake.
    #[error("\"plugin exited before we could connect\": {0}")]
    Exited(String),
    /// It said nothing.
    #[error("\"timeout while waiting for plugin to start\": no handshake came within {0:?}")]
    Timeout(Duration),
    /// It said something else.
    #[error("the plugin's handshake cannot be used")]
    Handshake(#[from] HandshakeError),
    /// There is no certificate for mutual TLS.
    #[error("no certificate for mutual TLS can be made")]
    Identity(#[from] rcgen::Error),
    /// The plugin's certificate cannot be used.
    #[error("the plugin's certificate cannot be used")]
    Certificate(#[from] rustls::Error),
    /// Nothing listens there.
    #[error("nothing accepts connections at the address of the handshake, {address:?}")]
    Connect {
        /// The address.
        address: Address,
        /// Why there is no connection.
        source: tonic::transport::Error,
    },
}

/// A plugin did not end within two seconds and was killed.
#[derive(Debug, thiserror::Error)]
#[error("\"plugin failed to exit gracefully\": it was killed after {EXIT_TIMEOUT:?}{}", told(log))]
pub struct NotGraceful {
    /// The lines that came on stderr.
    pub log: Vec<LogLine>,
}

impl fmt::Display for LaunchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.fault, told(&self.log))
    }
}

impl std::error::Error for LaunchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.fault.source()
    }
}

fn told(log: &[LogLine]) -> String {
    if log.is_empty() {
        return "; it wrote nothing to stderr".to_owned();
    }
    let lines: String = log.iter().map(|line| format!("\n    {line}")).collect();
    format!("; its stderr:{lines}")
}

/// A client without limits for the size of messages, as go-plugin's.
macro_rules! unlimited {
    ($client:ident, $plugin:ident) => {
        $client::new($plugin.channel())
            .max_decoding_message_size(usize::MAX)
            .max_encoding_message_size(usize::MAX)
    };
}

impl Plugin {
    /// Starts a plugin, reads its handshake and connects. To be called within tokio's runtime.
    pub async fn launch(launch: Launch) -> Result<Self, LaunchError> {
        let unstarted = |fault: Fault| LaunchError { fault, log: Vec::new() };
        let identity = launch.mutual_tls.then(Identity::make).transpose();
        let identity = identity.map_err(|error| unstarted(error.into()))?;
        let mut command = launch.command();
        if let Some(identity) = &identity {
            command.env("PLUGIN_CLIENT_CERT", identity.pem());
        }
        let begun = Instant::now();
        let mut child = command.spawn().map_err(|source| {
            unstarted(Fault::Spawn { binary: launch.binary.display().to_string(), source })
        })?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            unreachable!("both are piped");
        };
        let mut output = Output::read_log(stderr, launch.log_lines_max);
        let mut stdout = BufReader::new(stdout);
        let handshake = match handshake(&launch, &mut child, &mut stdout).await {
            Ok(handshake) => handshake,
            Err(fault) => return Err(give_up(fault, child, output).await),
        };
        let time_to_handshake = begun.elapsed();
        output.read_stdout(stdout);
        let (target, channel) = match connect(&handshake, identity.as_ref()).await {
            Ok(connected) => connected,
            Err(fault) => return Err(give_up(fault, child, output).await),
        };
        let broker = open_streams(&channel);
        Ok(Self { child, channel, target, handshake, time_to_handshake, output, broker })
    }

    /// Opens another connection, as Grafana does when one broke.
    pub async fn connect(&self) -> Result<Channel, tonic::transport::Error> {
        self.target.connect().await
    }

    /// What the plugin said about itself.
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// From the start of the process until its handshake was read.
    pub fn time_to_handshake(&self) -> Duration {
        self.time_to_handshake
    }

    /// The number of the plugin's process, until that has ended.
    pub fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The lines that came on stdout after the handshake: none, if the plugin is as it should be.
    pub fn stdout(&self) -> Vec<String> {
        self.output.stdout()
    }

    /// The lines that came on stderr so far, as far as they are kept.
    pub fn log(&self) -> Vec<LogLine> {
        self.output.log()
    }

    /// Waits for a line of the log, past or to come; none if stderr ends without it, or if it has not come within 30 s.
    pub async fn logged(&self, matches: impl Fn(&LogLine) -> bool) -> Option<LogLine> {
        self.output.logged(matches).await
    }

    /// The connection, which every client shares.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Panels, alerts and Explore.
    pub fn data(&self) -> DataClient<Channel> {
        unlimited!(DataClient, self)
    }

    /// "Save & test", and the plugin's metrics.
    pub fn diagnostics(&self) -> DiagnosticsClient<Channel> {
        unlimited!(DiagnosticsClient, self)
    }

    /// What editors ask for.
    pub fn resource(&self) -> ResourceClient<Channel> {
        unlimited!(ResourceClient, self)
    }

    /// Grafana Live.
    pub fn stream(&self) -> StreamClient<Channel> {
        unlimited!(StreamClient, self)
    }

    /// The standard health service, whose name for the plugin is `plugin`.
    pub fn health(&self) -> HealthClient<Channel> {
        unlimited!(HealthClient, self)
    }

    /// Asks for data.
    pub async fn query_data(&self, request: QueryDataRequest) -> Result<QueryDataResponse, Status> {
        self.data().query_data(request).await.map(tonic::Response::into_inner)
    }

    /// Asks as "Save & test" does.
    pub async fn check_health(
        &self,
        request: CheckHealthRequest,
    ) -> Result<CheckHealthResponse, Status> {
        self.diagnostics().check_health(request).await.map(tonic::Response::into_inner)
    }

    /// Asks as an editor does, and waits for the end of the answer.
    pub async fn call_resource(&self, request: CallResourceRequest) -> Result<Answer, Status> {
        let mut parts = self.resource().call_resource(request).await?.into_inner();
        let Some(first) = parts.message().await? else {
            return Err(Status::internal("the plugin answered a resource call with nothing"));
        };
        let mut headers: Vec<_> =
            first.headers.into_iter().map(|(name, list)| (name, list.values)).collect();
        headers.sort_unstable();
        let mut body = first.body.to_vec();
        while let Some(part) = parts.message().await? {
            body.extend_from_slice(&part.body);
        }
        Ok(Answer { code: first.code, headers, body })
    }

    /// Stops the plugin as Grafana does: asks it to end, and kills it if it has not within two seconds.
    pub async fn shutdown(self) -> Result<Exit, NotGraceful> {
        let asked = Instant::now();
        let Self { child, channel, output, broker, .. } = self;
        drop(broker);
        let mut controller = GrpcControllerClient::new(channel);
        // go-plugin, too, looks only at whether the process ends. The answer may never come.
        let call = tokio::spawn(async move {
            let _answer = controller.shutdown(Empty {}).await;
        });
        let exit = exit(child, output, asked).await;
        call.abort();
        exit
    }

    /// Waits for a plugin that has another reason to end, and kills it if it has not within two seconds.
    pub async fn exited(self) -> Result<Exit, NotGraceful> {
        exit(self.child, self.output, Instant::now()).await
    }

    /// Kills the process that was started. What it started itself may live on; its log goes on being read.
    pub async fn kill(&mut self) -> io::Result<()> {
        self.child.kill().await
    }
}

async fn handshake(
    launch: &Launch,
    child: &mut Child,
    stdout: &mut BufReader<ChildStdout>,
) -> Result<Handshake, Fault> {
    let first = timeout(launch.start_timeout, line(stdout)).await;
    match first.map_err(|_elapsed| Fault::Timeout(launch.start_timeout))? {
        Some(line) => Ok(Handshake::read(&line, launch.mutual_tls)?),
        None => Err(Fault::Exited(match timeout(EXIT_TIMEOUT, child.wait()).await {
            Ok(Ok(status)) => format!("{status}, without a line on stdout"),
            Ok(Err(error)) => format!("how it ended is not known ({error})"),
            Err(_elapsed) => "it closed its stdout without a line".to_owned(),
        })),
    }
}

async fn connect(
    handshake: &Handshake,
    identity: Option<&Identity>,
) -> Result<(Target, Channel), Fault> {
    let address = handshake.address.clone();
    let tls = match (identity, &handshake.certificate) {
        (Some(identity), Some(certificate)) => Some(identity.connector(certificate)?),
        _ => None,
    };
    let target = Target { address: address.clone(), tls };
    match target.connect().await {
        Ok(channel) => Ok((target, channel)),
        Err(source) => Err(Fault::Connect { address, source }),
    }
}

/// Ends a plugin that cannot be used.
async fn give_up(fault: Fault, mut child: Child, mut output: Output) -> LaunchError {
    let _killed = child.kill().await;
    output.end().await;
    LaunchError { fault, log: output.log() }
}

/// Opens what go-plugin opens as soon as it is connected. That a plugin does not know one of them is no fault.
fn open_streams(channel: &Channel) -> mpsc::Sender<ConnInfo> {
    let (tell, told) = mpsc::channel(1);
    let mut broker = GrpcBrokerClient::new(channel.clone());
    tokio::spawn(async move {
        let Ok(stream) = broker.start_stream(ReceiverStream::new(told)).await else { return };
        let mut stream = stream.into_inner();
        while let Ok(Some(_offer)) = stream.message().await {}
    });
    let mut stdio = GrpcStdioClient::new(channel.clone());
    tokio::spawn(async move {
        let Ok(stream) = stdio.stream_stdio(()).await else { return };
        let mut stream = stream.into_inner();
        while let Ok(Some(_printed)) = stream.message().await {}
    });
    tell
}

async fn exit(mut child: Child, mut output: Output, asked: Instant) -> Result<Exit, NotGraceful> {
    let waited = timeout(EXIT_TIMEOUT, child.wait()).await;
    let took = asked.elapsed();
    let Ok(Ok(status)) = waited else {
        let _killed = child.kill().await;
        output.end().await;
        return Err(NotGraceful { log: output.log() });
    };
    output.end().await;
    Ok(Exit { status, took, stdout: output.stdout(), log: output.log() })
}
