//! The end of calls that outlive the drain: each gets a status that says so, instead of a connection that breaks.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::body::Body as AnyBody;
use tower::{Layer, Service};

/// Puts [`CutOffService`] around a server's services.
#[derive(Clone)]
pub(super) struct CutOff {
    /// Cancelled when calls have had their time.
    pub(super) now: CancellationToken,
}

impl<S> Layer<S> for CutOff {
    type Service = CutOffService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CutOffService { inner, now: self.now.clone() }
    }
}

/// Answers by the service inside, or by "unavailable" when there is no time left.
#[derive(Clone)]
pub(super) struct CutOffService<S> {
    inner: S,
    now: CancellationToken,
}

impl<S> Service<Request<AnyBody>> for CutOffService<S>
where
    S: Service<Request<AnyBody>, Response = Response<AnyBody>>,
    S::Future: Send + 'static,
{
    type Response = Response<CutOffBody>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, ctx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(ctx)
    }

    fn call(&mut self, request: Request<AnyBody>) -> Self::Future {
        let (answer, now) = (self.inner.call(request), self.now.clone());
        Box::pin(async move {
            let response = tokio::select! {
                answer = answer => answer?,
                () = now.cancelled() => status().into_http(),
            };
            let now = Box::pin(now.cancelled_owned());
            Ok(response.map(|inner| CutOffBody { inner: Some(inner), now }))
        })
    }
}

/// What a caller reads who waited too long. Grafana shows it in the panel.
fn status() -> Status {
    Status::unavailable(
        "Grafana stopped this plugin before the answer was complete. Once it runs again, ask again.",
    )
}

/// A body that ends, when there is no time left, with the status in place of what was still to come.
pub(super) struct CutOffBody {
    /// None when it has ended.
    inner: Option<AnyBody>,
    now: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Body for CutOffBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(inner).poll_frame(ctx) {
            return Poll::Ready(frame);
        }
        if self.now.as_mut().poll(ctx).is_pending() {
            return Poll::Pending;
        }
        self.inner = None;
        let mut trailers = HeaderMap::new();
        let added = status().add_header(&mut trailers);
        Poll::Ready(Some(added.map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}
