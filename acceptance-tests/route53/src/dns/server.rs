//! The sockets: UDP and TCP on the same port.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::model::Store;

use super::{
    control::Control,
    respond::{Transport, respond},
};

/// A TCP connection on which nothing was asked for this long is closed (RFC 7766 §6.2.3 asks for seconds).
const IDLE: Duration = Duration::from_secs(10);
/// TCP connections at the same time; more wait.
const CONNECTIONS_MAX: usize = 128;
/// How long to wait after a failure that may pass.
const RETRY: Duration = Duration::from_millis(20);
/// How often another port is tried when the one that UDP got is taken for TCP.
const ATTEMPTS: usize = 50;

/// A front end that is bound and not yet answering.
#[derive(Debug)]
pub struct Server {
    udp: UdpSocket,
    tcp: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Binds UDP and TCP. With port 0, both get the same free port.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let mut attempt = 1;
        loop {
            let udp = UdpSocket::bind(address).await?;
            let bound = udp.local_addr()?;
            match TcpListener::bind(bound).await {
                Ok(tcp) => return Ok(Self { udp, tcp, address: bound }),
                Err(error) if address.port() != 0 || attempt >= ATTEMPTS => return Err(error),
                Err(_) => attempt += 1,
            }
        }
    }

    /// As [`Self::bind`], with a free port on 127.0.0.1.
    ///
    /// # Errors
    /// When there is none.
    pub async fn bind_loopback() -> io::Result<Self> {
        Self::bind((Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until dropped.
    ///
    /// # Cancel safety
    /// May be dropped at any time; connections are closed then.
    pub async fn run(self, store: Arc<Store>, control: Arc<Control>) {
        let Self { udp, tcp, .. } = self;
        tokio::join!(
            datagrams(&udp, &store, &control),
            connections(&tcp, Arc::clone(&store), Arc::clone(&control)),
        );
    }
}

async fn datagrams(udp: &UdpSocket, store: &Store, control: &Control) {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let Ok((length, peer)) = udp.recv_from(&mut buffer).await else {
            // Such as news of a client that went away before its response came; the socket itself lives on.
            sleep(RETRY).await;
            continue;
        };
        let bytes = buffer.get(..length).unwrap_or_default();
        if let Some(response) = respond(&store.snapshot(), control, peer.ip(), Transport::Udp, bytes) {
            // As lost as a datagram can be: the client asks again.
            let _ = udp.send_to(&response, peer).await;
        }
    }
}

async fn connections(tcp: &TcpListener, store: Arc<Store>, control: Arc<Control>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        // Nobody closes the semaphore.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = tcp.accept().await else {
            // A client that was gone before we came to it, or no file descriptor left for the moment.
            sleep(RETRY).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let (store, control) = (Arc::clone(&store), Arc::clone(&control));
        connections.spawn(async move {
            // A client that breaks off hurts itself alone.
            let _ = connection(stream, &store, &control).await;
            drop(place);
        });
    }
}

/// Answers one query after the other, each with its length before it (RFC 1035 §4.2.2).
async fn connection(mut stream: TcpStream, store: &Store, control: &Control) -> io::Result<()> {
    let peer = stream.peer_addr()?.ip();
    loop {
        let read = async {
            let length = stream.read_u16().await?;
            let mut query = vec![0; usize::from(length)];
            stream.read_exact(&mut query).await?;
            io::Result::Ok(query)
        };
        let query = timeout(IDLE, read).await??;
        let Some(response) = respond(&store.snapshot(), control, peer, Transport::Tcp, &query) else {
            return Ok(());
        };
        let length = u16::try_from(response.len()).map_err(io::Error::other)?;
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend(response);
        timeout(IDLE, stream.write_all(&framed)).await??;
    }
}
