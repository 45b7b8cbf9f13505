//! A TCP proxy before one cluster's API server, whose faults a test switches on and off.
//!
//! Invariant: when [`Proxy::set`] returns, no connection from before it is open any more, and every later one
//! meets the new fault. The proxy's port stays its own throughout.

mod canned;
mod picked;
mod relay;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

pub use picked::{Harm, Picked};

use crate::lab::{Cluster, ports};
use picked::Picker;

/// What the proxy does to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Fault {
    /// Passes everything through.
    #[default]
    None,
    /// Passes everything through, but holds every piece of data in both directions for this long.
    Slow(Duration),
    /// Resets open connections and refuses new ones, like a host whose server is not running.
    Cut,
    /// Accepts connections and never answers, like a firewall that drops packets.
    Blackhole,
    /// Answers every request with this HTTP status and a Kubernetes `Status`, over the cluster's own TLS.
    Errors(u16),
    /// Harms some requests and passes all others on. The client must use a token, not a certificate.
    Picked(Picked),
}

/// A running proxy; dropping it closes its connections and its port.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    commands: mpsc::Sender<(Fault, oneshot::Sender<anyhow::Result<()>>)>,
    accepted: Arc<AtomicU64>,
    harmed: Arc<AtomicU64>,
    /// Aborted when dropped.
    _server: JoinSet<()>,
}

impl Proxy {
    /// Starts a proxy on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port is free, or the cluster's certificate cannot be read.
    pub async fn start(cluster: &Cluster) -> anyhow::Result<Self> {
        let upstream =
            cluster.host.trim_start_matches("https://").parse().context("invalid host of a cluster")?;
        let harmed = Arc::new(AtomicU64::new(0));
        let picker = Picker {
            acceptor: canned::acceptor(cluster.directory())?,
            connector: picked::connector(cluster.directory())?,
            upstream,
            harmed: Arc::clone(&harmed),
        };
        let reserved = ports::reserve(1)?.pop().context("no free port")?.into_listener();
        reserved.set_nonblocking(true)?;
        let listener = TcpListener::from_std(reserved).context("cannot listen")?;
        let address = listener.local_addr()?;
        let (commands, orders) = mpsc::channel(1);
        let accepted = Arc::new(AtomicU64::new(0));
        let server = Server { address, upstream, picker, accepted: Arc::clone(&accepted) };
        let mut tasks = JoinSet::new();
        tasks.spawn(server.run(listener, orders));
        Ok(Self { address, commands, accepted, harmed, _server: tasks })
    }

    /// The URL to use instead of the cluster's own. The cluster's CA vouches for it.
    pub fn host(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Switches to another fault, or to none. Returns when it holds.
    ///
    /// # Errors
    /// When the port cannot be bound again after [`Fault::Cut`].
    pub async fn set(&self, fault: Fault) -> anyhow::Result<()> {
        let (done, answer) = oneshot::channel();
        self.commands.send((fault, done)).await.context("the proxy has ended")?;
        answer.await.context("the proxy has ended")?
    }

    /// How many connections were accepted since the proxy was started.
    pub fn connections(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How many requests were harmed by [`Fault::Picked`] since the proxy was started.
    pub fn harmed(&self) -> u64 {
        self.harmed.load(Ordering::Relaxed)
    }
}

struct Server {
    address: SocketAddr,
    upstream: SocketAddr,
    picker: Picker,
    accepted: Arc<AtomicU64>,
}

impl Server {
    async fn run(
        self,
        listener: TcpListener,
        mut orders: mpsc::Receiver<(Fault, oneshot::Sender<anyhow::Result<()>>)>,
    ) {
        let mut listener = Some(listener);
        let mut fault = Fault::None;
        let mut left = Arc::new(AtomicU32::new(0));
        let mut connections = JoinSet::new();
        let mut switched = CancellationToken::new();
        loop {
            tokio::select! {
                order = orders.recv() => {
                    let Some((wanted, done)) = order else { return };
                    // Refused first, closed then, so that nothing slips in between.
                    let rebound = if wanted == Fault::Cut {
                        listener = None;
                        Ok(())
                    } else if listener.is_none() {
                        self.bind().map(|bound| listener = Some(bound))
                    } else {
                        self.refuse_waiting(listener.as_ref());
                        Ok(())
                    };
                    switched.cancel();
                    while connections.join_next().await.is_some() {}
                    switched = CancellationToken::new();
                    fault = wanted;
                    if let Fault::Picked(picked) = fault {
                        left = Arc::new(AtomicU32::new(picked.times));
                    }
                    // The test may have stopped waiting.
                    let _ = done.send(rebound);
                }
                connection = accept(listener.as_ref()) => {
                    self.accepted.fetch_add(1, Ordering::Relaxed);
                    let ended = switched.clone();
                    self.serve(connection, (fault, Arc::clone(&left)), ended, &mut connections);
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }

    fn serve(
        &self,
        mut client: TcpStream,
        (fault, left): (Fault, Arc<AtomicU32>),
        switched: CancellationToken,
        connections: &mut JoinSet<()>,
    ) {
        let (upstream, picker) = (self.upstream, self.picker.clone());
        connections.spawn(async move {
            let delay = match fault {
                Fault::Slow(delay) => delay,
                _ => Duration::ZERO,
            };
            match fault {
                Fault::Errors(status) => {
                    switched.run_until_cancelled(canned::answer(client, &picker.acceptor, status)).await;
                    return;
                }
                Fault::Picked(picked) => {
                    switched.run_until_cancelled(picker.serve(client, picked, &left)).await;
                    return;
                }
                Fault::Blackhole => switched.run_until_cancelled(relay::swallow(&mut client)).await,
                _ => switched.run_until_cancelled(relay::pass(&mut client, upstream, delay)).await,
            };
            if switched.is_cancelled() {
                // Closed with a reset, so that the client notices at once.
                let _ = client.set_zero_linger();
            }
        });
    }

    fn bind(&self) -> anyhow::Result<TcpListener> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(self.address).with_context(|| format!("cannot bind {} again", self.address))?;
        Ok(socket.listen(128)?)
    }

    /// Connections that the kernel accepted before the switch, but we did not yet, belong to the old fault.
    fn refuse_waiting(&self, listener: Option<&TcpListener>) {
        let Some(listener) = listener else { return };
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        while let std::task::Poll::Ready(Ok((waiting, _))) = listener.poll_accept(&mut context) {
            let _ = waiting.set_zero_linger();
        }
    }
}

/// The next connection; never, while there is no listener.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok((connection, _)) => return connection,
            // Out of descriptors, or the client is gone already: neither is a reason to end.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

#[cfg(test)]
mod tests;
