//! A shell plays the process and a server in this process the plugin's services, so that each can be at fault alone.

use std::path::Path;
use std::sync::Arc;

use graft_proto::plugin::grpc_controller_server::{GrpcController, GrpcControllerServer};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Request, Response};

use super::*;

/// Runs a script as the plugin. Bash sources the file that `BASH_ENV` names, then finds its stdin empty and ends.
fn script(folder: &TempDir, script: &str) -> Launch {
    let file = folder.path().join("script");
    std::fs::write(&file, script).unwrap();
    Launch::new("/bin/bash").variable("BASH_ENV", file).folder(folder.path())
}

async fn fault(text: &str) -> LaunchError {
    let folder = tempfile::tempdir().unwrap();
    match Plugin::launch(script(&folder, text)).await {
        Ok(_plugin) => panic!("'{text}' is no plugin"),
        Err(error) => error,
    }
}

/// Ends the process, which reads from this pipe, when Grafana asks.
struct Controller(Arc<Path>);

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        std::fs::write(&self.0, "end\n").unwrap();
        Ok(Response::new(Empty {}))
    }
}

/// Says the handshake and ends when it reads a line from the pipe that the controller writes to.
const OBEDIENT: &str = r#"
    mkfifo pipe
    echo "1|2|unix|$PWD/socket|grpc|"
    echo '{"@level":"info","@message":"began"}' >&2
    read -r _ <pipe
"#;

/// A plugin that consists of a script and a controller.
async fn plugin(folder: &TempDir, text: &str) -> Plugin {
    let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
    let controller = Controller(folder.path().join("pipe").into());
    let server = tonic::transport::Server::builder()
        .add_service(GrpcControllerServer::new(controller))
        .serve_with_incoming(UnixListenerStream::new(listener));
    tokio::spawn(server);
    Plugin::launch(script(folder, text)).await.unwrap()
}

#[tokio::test]
async fn a_plugin_that_ends_when_asked_ended_gracefully() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = plugin(&folder, OBEDIENT).await;
    assert_eq!(plugin.handshake().address, Address::Unix(folder.path().join("socket")));
    let exit = plugin.shutdown().await.unwrap();
    assert!(exit.status.success() && exit.took < EXIT_TIMEOUT, "{exit:?}");
    assert_eq!(exit.stdout, Vec::<String>::new());
    assert!(exit.log.len() == 1 && exit.log[0].says("began"), "{exit:?}");
}

#[tokio::test]
async fn what_comes_on_stdout_after_the_handshake_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let text = OBEDIENT.replace("read -r", "echo more; read -r");
    let exit = plugin(&folder, &text).await.shutdown().await.unwrap();
    assert_eq!(exit.stdout, ["more"]);
}

#[tokio::test]
async fn a_line_of_the_log_can_be_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = plugin(&folder, OBEDIENT).await;
    let line = plugin.logged(|line| line.says("began")).await.unwrap();
    assert_eq!(line.entry.unwrap().level, "info");
    let _exit = plugin.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_plugin_that_does_not_end_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let text = OBEDIENT
        .replace("read -r _ <pipe", "read -r _ <pipe; while true; do read -r _ <>pipe; done");
    let plugin = plugin(&folder, &text).await;
    let process = format!("/proc/{}", plugin.process_id().unwrap());
    let error = plugin.shutdown().await.unwrap_err().to_string();
    assert!(error.contains("failed to exit gracefully"), "{error}");
    assert!(error.contains("info: began"), "{error}");
    assert!(!Path::new(&process).exists(), "the process is gone");
}

#[tokio::test]
async fn a_process_that_ends_without_a_word_is_shown_with_its_log() {
    let error = fault("echo 'no licence' >&2; exit 3").await;
    assert!(matches!(error.fault, Fault::Exited(_)), "{error}");
    let error = error.to_string();
    assert!(error.contains("\"plugin exited before we could connect\": exit status: 3"), "{error}");
    assert!(error.ends_with("its stderr:\n    no licence"), "{error}");
}

#[tokio::test]
async fn a_word_before_the_handshake_is_no_handshake() {
    let error = fault("echo Welcome; echo '1|2|unix|/a|grpc|'").await;
    let expected = HandshakeError::Unrecognized("Welcome".to_owned());
    assert!(matches!(&error.fault, Fault::Handshake(refused) if *refused == expected), "{error}");
}

#[tokio::test]
async fn an_address_where_nothing_listens_is_told_at_once() {
    let error = fault("echo '1|2|unix|/nowhere/socket|grpc|'; read -r _ < <(sleep 60)").await;
    assert!(matches!(error.fault, Fault::Connect { .. }), "{error}");
}

#[tokio::test]
async fn a_plugin_that_says_nothing_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let limit = Duration::from_millis(50);
    let silent = script(&folder, "mkfifo pipe; read -r _ <>pipe").start_timeout(limit);
    let error = Plugin::launch(silent).await.err().unwrap();
    assert!(matches!(error.fault, Fault::Timeout(waited) if waited == limit), "{error}");
    assert!(error.to_string().contains("it wrote nothing to stderr"), "{error}");
}

#[tokio::test]
async fn a_binary_that_is_not_there_is_named() {
    let error = Plugin::launch(Launch::new("/nowhere/gpx")).await.err().unwrap();
    assert!(error.to_string().starts_with("/nowhere/gpx cannot be run"), "{error}");
}
