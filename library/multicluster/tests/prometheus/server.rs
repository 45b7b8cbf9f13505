//! A service on loopback that answers by a function and keeps what it was asked.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// How to answer.
pub(crate) enum Reply {
    /// Status, further header lines, body.
    Answer(u16, &'static str, String),
    /// Nothing, for ever.
    Nothing,
    /// The end of the connection.
    HangUp,
}

impl Reply {
    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        Self::Answer(status, "content-type: application/json\r\n", body.into())
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    count: watch::Receiver<usize>,
    // Ends with the test.
    _accepting: JoinSet<()>,
}

type Answer = Arc<dyn Fn(usize, &Asked) -> Reply + Send + Sync>;

#[derive(Clone)]
struct Serving {
    answer: Answer,
    asked: Arc<Mutex<Vec<Asked>>>,
    count: Arc<watch::Sender<usize>>,
}

impl Server {
    /// The function is given how many were asked before.
    pub(crate) async fn new(answer: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(None, answer).await
    }

    pub(crate) async fn with(
        tls: Option<TlsAcceptor>,
        answer: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, count) = watch::channel(0);
        let serving = Serving { answer: Arc::new(answer), asked: Arc::default(), count: Arc::new(sender) };
        let asked = Arc::clone(&serving.asked);
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (serving, tls) = (serving.clone(), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => serving.serve(stream).await,
                        Some(tls) => {
                            // A client that does not like our certificate goes away.
                            if let Ok(stream) = tls.accept(stream).await {
                                serving.serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, asked, count, _accepting: accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until so many were asked.
    pub(crate) async fn wait_for(&self, count: usize) {
        let mut counted = self.count.clone();
        let all = counted.wait_for(|counted| *counted >= count);
        tokio::time::timeout(std::time::Duration::from_secs(20), all).await.unwrap().unwrap();
    }
}

impl Serving {
    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut stream = BufReader::new(stream);
        while let Some(asked) = read(&mut stream).await {
            let count = {
                let mut log = self.asked.lock().unwrap();
                log.push(asked.clone());
                log.len()
            };
            let reply = (self.answer)(count - 1, &asked);
            self.count.send_replace(count);
            let (status, headers, body) = match reply {
                Reply::Answer(status, headers, body) => (status, headers, body),
                Reply::Nothing => std::future::pending().await,
                Reply::HangUp => return,
            };
            let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len());
            let sent = stream.get_mut().write_all((head + &body).as_bytes()).await;
            if sent.is_err() || stream.get_mut().flush().await.is_err() {
                return;
            }
        }
    }
}

async fn read(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers = lines.iter().skip(1).filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<_, _> =
        headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let mut words = lines.first()?.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    Some(Asked { method, path, headers, body: String::from_utf8(body).unwrap() })
}
