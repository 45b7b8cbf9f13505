//! Connections: who is let in, and when the last one has gone.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::UnixListenerStream;
use tokio_util::either::Either;
use tonic::transport::server::Connected;

/// How long a peer may take to prove who it is.
const TLS_LIMIT: Duration = Duration::from_secs(10);

/// How many peers may be doing so at once; a host is one.
const TLS_AT_ONCE: usize = 8;

/// The rest after a failed accept, lest a lasting failure (no file descriptors) turn into a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections there are and were. Only those count that have been let in.
#[derive(Clone, Debug)]
pub(super) struct Connections(watch::Sender<Count>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    open: usize,
    ever: usize,
}

impl Connections {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Count::default()))
    }

    /// Waits until a connection has been let in.
    pub(super) async fn first(&self) {
        self.wait_for(|count| count.ever > 0).await;
    }

    /// Waits until a connection has been let in and none is left.
    pub(super) async fn all_gone(&self) {
        self.wait_for(|count| count.ever > 0 && count.open == 0).await;
    }

    async fn wait_for(&self, reached: impl FnMut(&Count) -> bool) {
        // The sender is `self`, so that the channel cannot be closed.
        let _ = self.0.subscribe().wait_for(reached).await;
    }

    fn open(&self) -> OpenConnection {
        self.0.send_modify(|count| {
            count.open += 1;
            count.ever += 1;
        });
        OpenConnection(self.clone())
    }
}

/// Counts as one as long as it lives.
struct OpenConnection(Connections);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| count.open -= 1);
    }
}

/// A connection that has been let in.
pub(super) struct HostStream {
    stream: Either<Box<TlsStream<UnixStream>>, UnixStream>,
    _open: OpenConnection,
}

/// The connections that are let in. Whoever is refused is logged and leaves no other trace: the stream goes on.
pub(super) fn incoming(
    listener: UnixListener,
    acceptor: Option<TlsAcceptor>,
    connections: Connections,
) -> impl Stream<Item = Result<HostStream, Infallible>> + Send {
    UnixListenerStream::new(listener)
        .map(move |accepted| {
            let (acceptor, connections) = (acceptor.clone(), connections.clone());
            async move {
                let stream = match accepted {
                    Ok(stream) => stream,
                    Err(error) => {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "cannot accept a connection"
                        );
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        return None;
                    }
                };
                match admit(stream, acceptor).await {
                    Ok(stream) => Some(Ok(HostStream { stream, _open: connections.open() })),
                    Err(error) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "refused a connection");
                        None
                    }
                }
            }
        })
        .buffer_unordered(TLS_AT_ONCE)
        .filter_map(|admitted| async move { admitted })
}

async fn admit(
    stream: UnixStream,
    acceptor: Option<TlsAcceptor>,
) -> io::Result<Either<Box<TlsStream<UnixStream>>, UnixStream>> {
    let Some(acceptor) = acceptor else { return Ok(Either::Right(stream)) };
    match tokio::time::timeout(TLS_LIMIT, acceptor.accept(stream)).await {
        Ok(accepted) => Ok(Either::Left(Box::new(accepted?))),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the peer did not finish the TLS handshake")),
    }
}

impl Connected for HostStream {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for HostStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for HostStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn gone_means_that_there_was_one() {
        let connections = Connections::new();
        tokio::select! {
            biased;
            () = connections.all_gone() => panic!("nobody has been here"),
            () = std::future::ready(()) => {}
        }
        let first = connections.open();
        let second = connections.open();
        connections.first().await;
        drop(first);
        tokio::select! {
            biased;
            () = connections.all_gone() => panic!("the second is still there"),
            () = std::future::ready(()) => {}
        }
        drop(second);
        connections.all_gone().await;
    }
}
