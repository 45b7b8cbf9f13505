//! A server that answers by a function: for answers that no emulator gives.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use multicluster::route53::{Client, Settings, Zone};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::world::settings;

pub(crate) enum Reply {
    /// Status and body.
    Answer(u16, String),
    /// The end of the connection.
    HangUp,
    /// Nothing, for ever.
    Nothing,
}

/// The server ends with it.
pub(crate) struct Scripted {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    _accepting: JoinSet<()>,
}

type Script = Arc<dyn Fn(usize, &str) -> Reply + Send + Sync>;

impl Scripted {
    /// `script` gets the number of the request, from 0, and its first line.
    pub(crate) async fn start(script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        let script: Script = Arc::new(script);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&asked);
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Self { address, asked, _accepting: accepting }
    }

    pub(crate) fn settings(&self) -> Settings {
        settings(&format!("http://{}", self.address))
    }

    pub(crate) async fn zone(&self) -> Zone {
        Client::new(&self.settings()).await.zone("Z1")
    }

    /// The first lines of all requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, script: Script, log: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if first.is_empty() {
                line.clone_into(&mut first);
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let count = {
            let mut log = log.lock().unwrap();
            log.push(first.clone());
            log.len() - 1
        };
        match script(count, &first) {
            Reply::Answer(status, body) => {
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nx-amzn-requestid: r-{count}\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                if stream.get_mut().write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::HangUp => return,
            Reply::Nothing => std::future::pending().await,
        }
    }
}
