//! An API on loopback with whatever can go wrong on the way, byte by byte, and the number of requests that it saw.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Longer than any machine needs, and shorter than the times that the tests' queries have.
const PATIENCE: Duration = Duration::from_secs(60);

/// What it does with a request, in this order. Then it closes the connection.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Sends this.
    Send(Vec<u8>),
    /// Sends one byte each tenth of a second, without end.
    Drip,
    /// Sends as fast as it can, without end.
    Flood,
    /// Resets the connection.
    Reset,
    /// Says nothing more, and waits until the other side goes away.
    Hang,
}

/// The API, until it is dropped.
pub(crate) struct Faulty {
    pub(crate) url: String,
    requests: Arc<AtomicUsize>,
    gone: Arc<Semaphore>,
    serving: JoinHandle<()>,
}

impl Faulty {
    /// Starts an API that does what `answer` says with each request, by its number, from 0 on.
    pub(crate) async fn start(
        answer: impl Fn(usize) -> Vec<Fault> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<AtomicUsize>::default();
        let gone = Arc::new(Semaphore::new(0));
        let (counted, left) = (Arc::clone(&requests), Arc::clone(&gone));
        let answer = Arc::new(answer);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _address)) = listener.accept().await {
                let (counted, answer) = (Arc::clone(&counted), Arc::clone(&answer));
                let left = Arc::clone(&left);
                tokio::spawn(async move { serve(stream, &counted, &left, &*answer).await });
            }
        });
        Self { url, requests, gone, serving }
    }

    /// Waits until somebody whom it let hang has gone away. That is soon, where nobody waits for a time of his own to end.
    pub(crate) async fn left_alone(&self) {
        let gone = tokio::time::timeout(PATIENCE, self.gone.acquire()).await;
        gone.unwrap().unwrap().forget();
    }

    /// How many requests it saw.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Whoever goes away in the middle is no concern of the API's.
async fn serve(
    mut stream: TcpStream,
    counted: &AtomicUsize,
    gone: &Semaphore,
    answer: impl Fn(usize) -> Vec<Fault>,
) -> Option<()> {
    let mut asked = Vec::new();
    while !asked.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let read = stream.read_buf(&mut asked).await.ok()?;
        (read > 0).then_some(())?;
    }
    for fault in answer(counted.fetch_add(1, Ordering::Relaxed)) {
        match fault {
            Fault::Send(bytes) => stream.write_all(&bytes).await.ok()?,
            Fault::Drip => loop {
                stream.write_all(b" ").await.ok()?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            },
            Fault::Flood => loop {
                stream.write_all(&[b' '; 64 << 10]).await.ok()?;
            },
            Fault::Reset => return stream.set_zero_linger().ok(),
            Fault::Hang => {
                let _ended = stream.read(&mut [0]).await;
                gone.add_permits(1);
            }
        }
    }
    stream.shutdown().await.ok()
}

/// A response with these header fields, each with its line break.
pub(crate) fn response(status: &str, headers: &str, body: &[u8]) -> Fault {
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n");
    Fault::Send([head.as_bytes(), body].concat())
}

/// A response that says how long it is.
pub(crate) fn whole(status: &str, headers: &str, body: &[u8]) -> Fault {
    response(status, &format!("content-length: {}\r\n{headers}", body.len()), body)
}

/// So many bytes that are nothing, compressed.
pub(crate) fn bomb(bytes: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _mebibyte in 0..bytes >> 20 {
        encoder.write_all(&[b' '; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
}
