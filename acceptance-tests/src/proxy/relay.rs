//! Moves bytes between a client and a server.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};

/// Passes both directions through until both have ended, holding each piece for `delay`.
pub(super) async fn pass(client: &mut TcpStream, upstream: SocketAddr, delay: Duration) {
    let Ok(mut server) = TcpStream::connect(upstream).await else { return };
    // Small answers must not wait for a full packet: tests measure time.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_reads, client_writes) = client.split();
    let (server_reads, server_writes) = server.split();
    tokio::join!(copy(client_reads, server_writes, delay), copy(server_reads, client_writes, delay));
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, delay: Duration) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(buffer.get(..count).unwrap_or_default()).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

/// Reads until the client gives up, and never answers.
pub(super) async fn swallow(client: &mut TcpStream) {
    let mut buffer = vec![0; 16 * 1024];
    while matches!(client.read(&mut buffer).await, Ok(1..)) {}
}
