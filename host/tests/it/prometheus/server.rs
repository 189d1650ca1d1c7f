//! Debian's Prometheus server, started for one test on a port and a folder of its own.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

const PROGRAM: &str = "prometheus";
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server, which ends with this value.
pub(super) struct Prometheus {
    pub(super) url: String,
    /// The first second that has data, since the epoch.
    pub(super) start: i64,
    /// The last second whose data is complete.
    pub(super) end: i64,
    address: String,
    process: Child,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts a server that scrapes itself each second, and waits until it has some seconds of data.
    pub(super) async fn start() -> Option<Self> {
        let found = Command::new(PROGRAM)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if found.is_err() {
            let missing = "NOT TESTED: there is no `prometheus` on this machine; `cargo xtask setup` installs it from Debian";
            assert!(std::env::var_os("CI").is_none(), "{missing}");
            eprintln!("{missing}");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        // Free at this moment, and nobody else on this machine is after it.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let configuration = format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: self, static_configs: [{{targets: ['{address}']}}]}}]\n"
        );
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, configuration).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let process = Command::new(PROGRAM)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let url = format!("http://{address}");
        let mut server = Self { url, start: 0, end: 0, address, process, _folder: folder };
        server.wait_for_data().await;
        Some(server)
    }

    /// Waits for five scrapes; then the range between the first and the last but one is complete.
    async fn wait_for_data(&mut self) {
        let begun = Instant::now();
        loop {
            let answer = self.try_get("query", &[("query", "count_over_time(up[1m])")]).await;
            let count = answer.map(|answer| answer["data"]["result"][0]["value"][1].clone());
            let count = count.and_then(|count| count.as_str()?.parse::<u32>().ok());
            if count.is_some_and(|count| count >= 5) {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "Prometheus has no data after {PATIENCE:?}");
            sleep(Duration::from_millis(100)).await;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        self.end = i64::try_from(now).unwrap() - 1;
        self.start = self.end - 3;
    }

    /// Asks the server's API itself.
    pub(super) async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        self.try_get(path, parameters).await.unwrap()
    }

    async fn try_get(&self, path: &str, parameters: &[(&str, &str)]) -> Option<Value> {
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let stream = TcpStream::connect(&self.address).await.ok()?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        let request = hyper::Request::get(format!("/api/v1/{path}?{query}"))
            .header("host", &self.address)
            .body(Empty::<Bytes>::new())
            .unwrap();
        let body = sender.send_request(request).await.ok()?.into_body();
        serde_json::from_slice(&body.collect().await.ok()?.to_bytes()).ok()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.process.kill();
        let _ended = self.process.wait();
    }
}
