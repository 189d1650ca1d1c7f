//! An HTTP API on loopback that answers as a test says, and remembers what it was asked.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What an API says.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    content_type: &'static str,
    body: Bytes,
    /// More header fields.
    headers: Vec<(&'static str, &'static str)>,
}

impl Answer {
    /// A JSON document with status 200.
    pub(crate) fn json(body: impl Into<Bytes>) -> Self {
        let (content_type, headers) = ("application/json", Vec::new());
        Self { status: 200, content_type, body: body.into(), headers }
    }

    /// Server-sent events, all at once.
    pub(crate) fn events(body: impl Into<Bytes>) -> Self {
        Self { content_type: "text/event-stream", ..Self::json(body) }
    }

    /// A web page.
    pub(crate) fn html(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, content_type: "text/html", ..Self::json(body) }
    }

    /// A redirect.
    pub(crate) fn redirect(location: &'static str) -> Self {
        Self::html(302, "").header("location", location)
    }

    /// The same with one more header field.
    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with another status.
    pub(crate) fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

/// A request as the API saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Method, path and query, such as `GET /v1?a=b`.
    pub(crate) line: String,
    /// The header fields.
    pub(crate) headers: hyper::HeaderMap,
    /// The body as text.
    pub(crate) body: String,
}

/// The API, until it is dropped.
pub(crate) struct Api {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    serving: JoinHandle<()>,
}

impl Api {
    /// Starts an API that answers each request by `answer`.
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_async(move |seen| std::future::ready(answer(seen))).await
    }

    /// Starts an API whose answers may wait for something.
    pub(crate) async fn start_async<F: Future<Output = Answer> + Send + 'static>(
        answer: impl Fn(&Seen) -> F + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (requests, answer) = (Arc::clone(&seen), Arc::new(answer));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _address)) = listener.accept().await {
                let (requests, answer) = (Arc::clone(&requests), Arc::clone(&answer));
                let service = service_fn(move |request| {
                    respond(request, Arc::clone(&requests), Arc::clone(&answer))
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self { url, seen, serving }
    }

    /// What it was asked, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The request lines, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn respond<F: Future<Output = Answer>>(
    request: Request<Incoming>,
    requests: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<impl Fn(&Seen) -> F>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let line = format!("{} {}", request.method(), request.uri());
    let headers = request.headers().clone();
    // Read to its end, so that the client has sent all before it is answered.
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let seen = Seen { line, headers, body: String::from_utf8_lossy(&body).into_owned() };
    let answered = answer(&seen);
    requests.lock().unwrap().push(seen);
    let Answer { status, content_type, body, headers } = answered.await;
    let response = Response::builder().status(status).header("content-type", content_type);
    let response =
        headers.into_iter().fold(response, |response, (name, value)| response.header(name, value));
    Ok(response.body(Full::new(body)).unwrap())
}
