//! Live streams: asked for again and again, or fed by the API.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use graft_launch::{Datasource, Plugin};
use graft_proto::pluginv2::publish_stream_response::Status as Published;
use graft_proto::pluginv2::subscribe_stream_response::Status as Subscribed;
use graft_proto::pluginv2::{
    PublishStreamRequest, RunStreamRequest, StreamPacket, SubscribeStreamRequest,
    SubscribeStreamResponse,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout;
use tonic::{Code, Streaming};

use crate::support::{Answer, Api, Folder};

/// A stream of the odd guest.
struct Live {
    datasource: Datasource,
    path: String,
    data: Vec<u8>,
}

impl Live {
    fn new(url: &str, behaviour: &str) -> Self {
        let query = json!({"refId": "A", "behaviour": behaviour}).to_string();
        let digest = Sha256::digest(&query);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            datasource: Datasource::new("odd", url).settings(json!({"guest": "odd"})),
            path: format!("live/100/60000/{digest}"),
            data: json!({ "query": query }).to_string().into_bytes(),
        }
    }

    async fn run(&self, plugin: &Plugin) -> Streaming<StreamPacket> {
        let request = RunStreamRequest {
            plugin_context: Some(self.datasource.context.clone()),
            path: self.path.clone(),
            data: self.data.clone().into(),
            ..RunStreamRequest::default()
        };
        plugin.stream().run_stream(request).await.unwrap().into_inner()
    }

    async fn subscribe(&self, plugin: &Plugin) -> SubscribeStreamResponse {
        let request = SubscribeStreamRequest {
            plugin_context: Some(self.datasource.context.clone()),
            path: self.path.clone(),
            data: self.data.clone().into(),
            ..SubscribeStreamRequest::default()
        };
        plugin.stream().subscribe_stream(request).await.unwrap().into_inner()
    }
}

async fn plugin() -> (Plugin, Folder) {
    let folder = Folder::with(&["fixtures/odd"]);
    let launch = folder.launch().setting("live_interval_min", "100ms");
    (Plugin::launch(launch).await.unwrap(), folder)
}

async fn packet(stream: &mut Streaming<StreamPacket>) -> Value {
    // A test that waits for what never comes should say so.
    let packet = timeout(Duration::from_secs(30), stream.message()).await.unwrap();
    let packet = packet.unwrap().unwrap();
    serde_json::from_slice(&packet.data).unwrap()
}

/// The values of a packet's second field.
fn values(packet: &Value) -> &Value {
    &packet["data"]["values"][1]
}

/// A server that feeds whoever asks it, without end or until told to hang up.
struct Feed {
    url: String,
    says: mpsc::UnboundedSender<Option<&'static str>>,
    /// Ready when a client has gone.
    gone: oneshot::Receiver<()>,
}

impl Feed {
    async fn start(content_type: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (says, heard) = mpsc::unbounded_channel::<Option<&str>>();
        let (client_left, gone) = oneshot::channel();
        let heard = Arc::new(Mutex::new(heard));
        tokio::spawn(async move {
            let mut client_left = Some(client_left);
            loop {
                let (mut stream, _address) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                assert_ne!(stream.read(&mut request).await.unwrap(), 0);
                let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
                let mut heard = heard.lock().await;
                loop {
                    tokio::select! {
                        said = heard.recv() => match said {
                            Some(Some(text)) => stream.write_all(text.as_bytes()).await.unwrap(),
                            Some(None) => break,
                            None => return,
                        },
                        _end = stream.read(&mut request) => {
                            client_left.take().map(|left| left.send(()));
                            break;
                        }
                    }
                }
            }
        });
        Self { url, says, gone }
    }

    fn say(&self, text: &'static str) {
        self.says.send(Some(text)).unwrap();
    }

    fn hang_up(&self) {
        self.says.send(None).unwrap();
    }
}

#[tokio::test]
async fn a_query_is_asked_again_and_only_what_is_new_is_sent() {
    let (plugin, _folder) = plugin().await;
    let asked = AtomicUsize::new(0);
    let api = Api::start(move |_seen| {
        let count = asked.fetch_add(1, Ordering::Relaxed);
        let readings: Vec<_> =
            (0..count + 2).map(|second| json!({"time": second, "value": second})).collect();
        Answer::json(Value::from(readings).to_string())
    })
    .await;
    let live = Live::new(&api.url, "readings");
    assert_eq!(live.subscribe(&plugin).await.data, "", "nothing is shown yet");

    let mut stream = live.run(&plugin).await;
    let first = packet(&mut stream).await;
    assert_eq!(first["schema"]["refId"], "A");
    assert_eq!(first["schema"]["fields"][1]["name"], "value");
    assert_eq!(values(&first), &json!([0.0, 1.0]));
    let second = packet(&mut stream).await;
    assert_eq!((&second["schema"], values(&second)), (&Value::Null, &json!([2.0])));
    assert_eq!(values(&packet(&mut stream).await), &json!([3.0]));

    let later = live.subscribe(&plugin).await;
    assert_eq!(later.status(), Subscribed::Ok);
    let shown: Value = serde_json::from_slice(&later.data).unwrap();
    assert_eq!(shown["schema"]["fields"][1]["name"], "value");
    assert_eq!(shown["data"]["values"][1][0], 0.0, "all that is shown, not only the last packet");
}

#[tokio::test]
async fn server_sent_events_are_frames_one_by_one() {
    let (plugin, _folder) = plugin().await;
    let feed = Feed::start("text/event-stream").await;
    let mut stream = Live::new(&feed.url, "live").run(&plugin).await;
    feed.say(": welcome\n\nevent: reading\ndata: {\"time\": 1,\ndata: \"value\": 5}\n\n");
    let first = packet(&mut stream).await;
    assert_eq!(first["schema"]["fields"][0]["type"], "time");
    assert_eq!(values(&first), &json!([5.0]));
    feed.say("data: {\"time\": 2, \"value\"");
    feed.say(": 6}\n\n");
    let second = packet(&mut stream).await;
    assert_eq!((&second["schema"], values(&second)), (&Value::Null, &json!([6.0])));
}

#[tokio::test]
async fn json_lines_are_frames_one_by_one() {
    let (plugin, _folder) = plugin().await;
    let feed = Feed::start("application/x-ndjson").await;
    let mut stream = Live::new(&feed.url, "live").run(&plugin).await;
    feed.say("{\"time\": 1, \"value\": 5}\n\n{\"time\": 2, \"value\": 6}\n{\"time\"");
    assert_eq!(values(&packet(&mut stream).await), &json!([5.0]));
    assert_eq!(values(&packet(&mut stream).await), &json!([6.0]));
    feed.say(": 3, \"value\": 7}\r\n");
    assert_eq!(values(&packet(&mut stream).await), &json!([7.0]));
}

#[tokio::test]
async fn a_stream_that_the_api_ends_is_opened_again() {
    let (plugin, _folder) = plugin().await;
    let feed = Feed::start("text/event-stream").await;
    let mut stream = Live::new(&feed.url, "live").run(&plugin).await;
    feed.say("data: {\"time\": 1, \"value\": 5}\n\n");
    assert_eq!(values(&packet(&mut stream).await), &json!([5.0]));
    feed.hang_up();
    feed.say("data: {\"time\": 2, \"value\": 6}\n\n");
    let again = packet(&mut stream).await;
    assert_eq!((&again["schema"], values(&again)), (&Value::Null, &json!([6.0])));
}

#[tokio::test]
async fn an_api_that_fails_for_a_while_is_asked_again() {
    let (plugin, _folder) = plugin().await;
    let asked = AtomicUsize::new(0);
    let api = Api::start(move |_seen| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::json("{}").status(503),
        _ => Answer::json(r#"[{"time": 1, "value": 5}]"#),
    })
    .await;
    let mut stream = Live::new(&api.url, "readings").run(&plugin).await;
    assert_eq!(values(&packet(&mut stream).await), &json!([5.0]));
}

#[tokio::test]
async fn what_waiting_does_not_mend_is_said_and_ends_the_stream_for_good() {
    let (plugin, _folder) = plugin().await;
    let feed = Feed::start("text/event-stream").await;
    feed.say("data: {\"time\": 1, \"value\": 5}\n\n");
    for (behaviour, part) in [
        ("refuse", "As it was told to."),
        ("live-rounds", "asks for another round after an event"),
        ("foreign-host", "other.example"),
    ] {
        let mut stream = Live::new(&feed.url, behaviour).run(&plugin).await;
        let notice = packet(&mut stream).await;
        let text = notice["schema"]["meta"]["notices"][0]["text"].to_string();
        assert!(text.contains(part), "{behaviour}: {text}");
        assert!(stream.message().await.unwrap().is_none(), "{behaviour}");
    }
}

#[tokio::test]
async fn nobody_is_shown_another_query_than_the_path_says() {
    let (plugin, _folder) = plugin().await;
    let mut live = Live::new("http://127.0.0.1:1", "answer");
    assert_eq!(live.subscribe(&plugin).await.status(), Subscribed::Ok);
    live.data = json!({"query": "{}"}).to_string().into_bytes();
    assert_eq!(live.subscribe(&plugin).await.status(), Subscribed::NotFound);
    assert!(live.run(&plugin).await.message().await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_publishes() {
    let (plugin, _folder) = plugin().await;
    let live = Live::new("http://127.0.0.1:1", "answer");
    let request = PublishStreamRequest {
        plugin_context: Some(live.datasource.context),
        path: live.path,
        data: "{}".into(),
        ..PublishStreamRequest::default()
    };
    let response = plugin.stream().publish_stream(request).await.unwrap().into_inner();
    assert_eq!((response.status(), response.data.len()), (Published::PermissionDenied, 0));
}

#[tokio::test]
async fn a_stream_that_nobody_looks_at_lets_the_api_go() {
    let (plugin, _folder) = plugin().await;
    let feed = Feed::start("text/event-stream").await;
    let mut stream = Live::new(&feed.url, "live").run(&plugin).await;
    feed.say("data: {\"time\": 1, \"value\": 5}\n\n");
    packet(&mut stream).await;
    drop(stream);
    feed.gone.await.unwrap();
}

#[tokio::test]
async fn streams_end_with_the_plugin_and_say_that_it_will_be_back() {
    let (plugin, _folder) = plugin().await;
    let feed = Feed::start("text/event-stream").await;
    let mut stream = Live::new(&feed.url, "live").run(&plugin).await;
    feed.say("data: {\"time\": 1, \"value\": 5}\n\n");
    packet(&mut stream).await;
    plugin.shutdown().await.unwrap();
    let status = stream.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
}

#[tokio::test]
async fn there_are_no_more_streams_than_the_admin_allows() {
    let folder = Folder::with(&["fixtures/odd"]);
    let plugin = Plugin::launch(folder.launch().setting("live_streams", "1")).await.unwrap();
    let feed = Feed::start("text/event-stream").await;
    let mut first = Live::new(&feed.url, "live").run(&plugin).await;
    feed.say("data: {\"time\": 1, \"value\": 5}\n\n");
    packet(&mut first).await;
    let mut second = Live::new(&feed.url, "readings").run(&plugin).await;
    let text = packet(&mut second).await["schema"]["meta"]["notices"][0]["text"].to_string();
    assert!(text.contains("limit 'live_streams'"), "{text}");
}
