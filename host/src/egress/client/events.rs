//! A response without end, event by event: server-sent events (the HTML standard, section "Server-sent events"), or a JSON
//! document on each line.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use sse_stream::SseByteStream;
use tokio::time::{Instant, timeout_at};
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::io::StreamReader;
use tracing::Instrument as _;

use super::courier::{Hops, Time};
use super::reading::{Room, headers};
use super::{Client, Exchange, decoding, failure, span_of};
use crate::budget::Allowance;
use crate::egress::error::{Bound, Error, Phase};
use crate::limits::{LIVE_EVENT_BYTES_MAX, LIVE_SILENCE_MAX};
use crate::model::{Caller, Request, Response};
use crate::traces;

/// What came of asking for events.
pub enum Opened {
    /// Events, as they come.
    Events(Box<Events>),
    /// A response to its end, because its status is no success.
    Response(Response),
}

/// The events of one response.
pub struct Events {
    endpoint: String,
    status: u16,
    headers: Vec<(String, String)>,
    reader: Reader,
    /// Bytes that came since the last event.
    pending: Arc<AtomicUsize>,
}

/// The body as it comes.
type Body = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;
/// The same, as the reader of lines wants it.
type LineBody = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

enum Reader {
    ServerSentEvents(SseByteStream<Body>),
    Lines(FramedRead<StreamReader<LineBody, Bytes>, LinesCodec>),
}

impl Client {
    /// Sends a request whose response is read event by event. What holds for each exchange holds for this one up to the
    /// response's header; its body may take as long as it likes, and takes no other exchange's place.
    pub async fn open(&self, request: Request, allowance: &Allowance) -> Result<Opened, Error> {
        let exchange = self
            .prepare(request, &Caller::nobody())
            .inspect_err(|error| self.metrics.failure(error.kind()))?;
        let span = span_of(&exchange);
        let opened = self.header(exchange, allowance).instrument(span.clone()).await;
        self.observe(&span, opened.as_ref().map(Opened::status));
        opened
    }

    /// Sends, and reads the response's header; and all of a response that is no success.
    async fn header(&self, exchange: Exchange, allowance: &Allowance) -> Result<Opened, Error> {
        let Exchange { mut prepared, method, timeout, .. } = exchange;
        traces::inject(&mut prepared.headers);
        let (asked, deadline) = (prepared.endpoint(), allowance.deadline);
        let start = Instant::now();
        // Whatever ends it, the stream is opened again.
        let time = Time { start, end: deadline.min(start + timeout), bound: Bound::Exchange };
        let sent =
            timeout_at(time.end, self.courier.send(&prepared, time.end, &mut Hops::default()))
                .await;
        let (endpoint, response) =
            sent.map_err(|_elapsed| time.over(&asked, Phase::Response))??;
        let opened = if response.status().is_success() {
            let ratio = self.courier.decompression_ratio;
            Opened::Events(Box::new(Events::new(endpoint, response, ratio)))
        } else {
            let (left, mut hold) = (AtomicUsize::new(self.courier.round_bytes), allowance.hold());
            let room = Room { deadline, left: &left, hold: &mut hold };
            Opened::Response(self.courier.read(endpoint, response, room, time).await?)
        };
        let bytes = match &opened {
            Opened::Events(_to_come) => 0,
            Opened::Response(response) => response.body.len(),
        };
        self.metrics.response(method, opened.status(), bytes, start.elapsed());
        Ok(opened)
    }
}

impl Opened {
    fn status(&self) -> u16 {
        match self {
            Self::Events(events) => events.status,
            Self::Response(response) => response.status,
        }
    }
}

impl Events {
    fn new(endpoint: String, response: reqwest::Response, ratio: usize) -> Self {
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        let is_server_sent = media_type.eq_ignore_ascii_case("text/event-stream");
        let (status, headers) = (response.status().as_u16(), headers(&response));
        let pending = Arc::<AtomicUsize>::default();
        let body = body(endpoint.clone(), response, ratio, Arc::clone(&pending));
        let reader = if is_server_sent {
            Reader::ServerSentEvents(SseByteStream::new(body))
        } else {
            let body = body.map(|chunk| chunk.map_err(io::Error::other));
            let lines = LinesCodec::new_with_max_length(LIVE_EVENT_BYTES_MAX);
            Reader::Lines(FramedRead::new(StreamReader::new(Box::pin(body)), lines))
        };
        Self { endpoint, status, headers, reader, pending }
    }

    /// The next event as a response by itself, with the event's data as its body; none after the last. Events without data and empty
    /// lines are only signs of life.
    pub async fn next(&mut self) -> Result<Option<Response>, Error> {
        loop {
            let Some(data) = self.reader.next().await else { return Ok(None) };
            let data = data.map_err(|problem| problem.at(&self.endpoint))?;
            self.pending.store(0, Ordering::Relaxed);
            // What is empty may come without end, and without a pause.
            tokio::task::consume_budget().await;
            if !data.trim().is_empty() {
                let (status, headers) = (self.status, self.headers.clone());
                let body = data.into();
                return Ok(Some(Response { status, headers, body, failure: None }));
            }
        }
    }
}

/// The body's bytes, as long as there are some now and then, and no event is larger than it may be.
fn body(
    endpoint: String,
    response: reqwest::Response,
    ratio: usize,
    pending: Arc<AtomicUsize>,
) -> Body {
    let chunks = decoding::Body::of(response).into_stream(ratio);
    let chunks = Box::pin(chunks.timeout(LIVE_SILENCE_MAX));
    Box::pin(chunks.map(move |chunk| {
        let chunk = chunk.map_err(|_elapsed| Error::TimedOut {
            endpoint: endpoint.clone(),
            after: LIVE_SILENCE_MAX,
            phase: Phase::Body,
            bound: Bound::Exchange,
        })?;
        let chunk = chunk.map_err(|error| failure::of_body(endpoint.clone(), &error, 0, None))?;
        let bytes = pending.fetch_add(chunk.len(), Ordering::Relaxed).saturating_add(chunk.len());
        // Comments count as well: a mebibyte of them takes weeks, and then the stream is opened anew. The chunk itself may hold the end of one event and the beginning of the next.
        if bytes > LIVE_EVENT_BYTES_MAX + chunk.len() {
            return Err(too_large(&endpoint));
        }
        Ok(chunk)
    }))
}

impl Reader {
    async fn next(&mut self) -> Option<Result<String, Problem>> {
        match self {
            Self::ServerSentEvents(events) => {
                let event = events.next().await?;
                Some(event.map(|event| event.data.unwrap_or_default()).map_err(Problem::of))
            }
            Self::Lines(lines) => {
                let line = lines.next().await?;
                Some(line.map_err(|error| match error {
                    LinesCodecError::MaxLineLengthExceeded => Problem::TooLarge,
                    LinesCodecError::Io(error) => Problem::of(error),
                }))
            }
        }
    }
}

/// What keeps an event from being read.
enum Problem {
    Body(Error),
    TooLarge,
    Format(String),
}

impl Problem {
    /// What the body says of itself is within what the readers make of it.
    fn of(error: impl StdError + 'static) -> Self {
        let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
        while let Some(current) = cause {
            if let Some(error) = current.downcast_ref::<Error>() {
                return Self::Body(error.clone());
            }
            // `io::Error::source` skips the error that it wraps.
            cause = match current.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                Some(inner) => Some(inner),
                None => current.source(),
            };
        }
        Self::Format(error.to_string())
    }

    fn at(self, endpoint: &str) -> Error {
        match self {
            Self::Body(error) => error,
            Self::TooLarge => too_large(endpoint),
            Self::Format(reason) => {
                let cause = format!("an event cannot be read ({reason})");
                Error::Broken { endpoint: endpoint.to_owned(), cause }
            }
        }
    }
}

fn too_large(endpoint: &str) -> Error {
    let cause = format!("an event is larger than {LIVE_EVENT_BYTES_MAX} bytes");
    Error::Broken { endpoint: endpoint.to_owned(), cause }
}
