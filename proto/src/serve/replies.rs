//! Keeps count of requests until their replies are written.
//!
//! An operation that has returned is not yet an answer: its reply has to be encoded, and to wait in HTTP/2's queue
//! for the host to make room, which takes a while if it is large. The process must not end in between. The queue
//! tells nobody when it has written something, but it drops the bytes then, and that is what is counted.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Frame, SizeHint};
use tokio_util::task::task_tracker::TaskTrackerToken;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Bytes, Service, http};
use tonic::server::NamedService;

use crate::operations::Operations;

/// A gRPC service whose requests [`Operations::drain`] waits for.
#[derive(Clone)]
pub(super) struct Counted<S> {
    inner: S,
    operations: Operations,
}

impl<S> Counted<S> {
    pub(super) fn new(inner: S, operations: Operations) -> Self {
        Self { inner, operations }
    }
}

impl<S: NamedService> NamedService for Counted<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, B> Service<http::Request<B>> for Counted<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let operations = self.operations.clone();
        let hold = operations.hold();
        let response = self.inner.call(request);
        Box::pin(async move {
            Ok(response.await?.map(|inner| Body::new(CountedBody { inner, operations, hold })))
        })
    }
}

/// A reply.
struct CountedBody {
    inner: Body,
    operations: Operations,
    hold: TaskTrackerToken,
}

/// Some bytes of a reply, dropped when they are written.
struct CountedBytes {
    bytes: Bytes,
    operations: Operations,
    _hold: TaskTrackerToken,
}

impl Drop for CountedBytes {
    fn drop(&mut self) {
        self.operations.written(self.bytes.len());
    }
}

impl AsRef<[u8]> for CountedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl http_body::Body for CountedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            let count = |bytes| {
                let operations = self.operations.clone();
                Bytes::from_owner(CountedBytes { bytes, operations, _hold: self.hold.clone() })
            };
            frame.map(|frame| frame.map_data(count))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
