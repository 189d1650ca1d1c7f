//! A small HTTP server on this machine, for the demo and for measuring.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::http::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// Serves on a free port until the runtime ends, and says where. `answer` is called with the path and the query of each request.
pub(crate) async fn serve<A>(answer: A) -> anyhow::Result<SocketAddr>
where
    A: Fn(&str, &str) -> (StatusCode, Bytes) + Clone + Send + Sync + 'static,
{
    serve_after(Duration::ZERO, answer).await
}

/// Serves as [`serve`] does, but lets every answer wait so long.
pub(crate) async fn serve_after<A>(wait: Duration, answer: A) -> anyhow::Result<SocketAddr>
where
    A: Fn(&str, &str) -> (StatusCode, Bytes) + Clone + Send + Sync + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.context("no port is free on the loopback interface")?;
    let address = listener.local_addr().context("the port is not known")?;
    tokio::spawn(async move {
        while let Ok((stream, _client)) = listener.accept().await {
            tokio::spawn(connection(stream, wait, answer.clone()));
        }
    });
    Ok(address)
}

/// When a client leaves in the middle of an exchange, there is nobody left to tell.
async fn connection<A>(stream: TcpStream, wait: Duration, answer: A)
where
    A: Fn(&str, &str) -> (StatusCode, Bytes),
{
    let _set = stream.set_nodelay(true);
    let service = service_fn(|request: Request<Incoming>| {
        let answer = &answer;
        async move {
            let (head, body) = request.into_parts();
            // What is not read to its end cannot be followed by another request.
            let _body = body.collect().await;
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
            let (status, body) = answer(path, query);
            let mut response = Response::new(Full::new(body));
            *response.status_mut() = status;
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            Ok::<_, Infallible>(response)
        }
    });
    let _ended = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
