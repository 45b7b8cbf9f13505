//! A plugin's process, as its host sees it.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustix::process::{Pid, Signal, kill_process};
use rustls_pki_types::CertificateDer;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::certificates::Identity;
use super::client::{Client, Failure, Security, Version};
use super::soon;

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// The example `echo_provider`, not started yet, in an environment with nothing of ours in it.
pub fn command() -> Command {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().and_then(Path::parent).unwrap().join("examples/echo_provider");
    assert!(path.exists(), "{} is missing; `cargo test -p tfplugin` builds it", path.display());
    let mut command = Command::new(path);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// A running plugin. Killed when dropped.
pub struct Plugin {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: watch::Receiver<Vec<String>>,
    /// Reads stderr.
    reader: JoinSet<()>,
    directory: TempDir,
    host: Option<Arc<Identity>>,
    pub line: String,
}

impl Plugin {
    /// Starts it as a host that uses TLS, or does not, and reads the handshake line.
    pub async fn start(host: Option<Identity>, variables: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = command();
        command
            .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
            .env("PLUGIN_PROTOCOL_VERSIONS", "6,5")
            .env("PLUGIN_UNIX_SOCKET_DIR", directory.path())
            .env("TF_LOG", "TRACE")
            .envs(variables.iter().copied());
        if let Some(host) = &host {
            command.env("PLUGIN_CLIENT_CERT", &host.pem);
        }
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (lines, stderr) = watch::channel(Vec::new());
        let mut from_child = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            while let Ok(Some(line)) = from_child.next_line().await {
                lines.send_modify(|lines| lines.push(line));
            }
        });
        let mut line = String::new();
        soon("the handshake line", stdout.read_line(&mut line)).await.unwrap();
        Self { child, stdout, stderr, reader, directory, host: host.map(Arc::new), line }
    }

    /// Starts it with TLS.
    pub async fn start_secure() -> Self {
        Self::start(Some(Identity::generate()), &[]).await
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The fields of the handshake line.
    pub fn handshake(&self) -> Vec<&str> {
        self.line.trim_end().split('|').collect()
    }

    pub fn socket(&self) -> PathBuf {
        PathBuf::from(self.handshake()[3])
    }

    /// What a client with this identity is to do.
    pub fn tls(&self, client: Option<Arc<Identity>>, version: Version) -> Security {
        let certificate = STANDARD_NO_PAD.decode(self.handshake()[5]).unwrap();
        Security::Tls { server: CertificateDer::from(certificate), client, version }
    }

    pub async fn connect_with(&self, security: &Security) -> Result<Client, Failure> {
        soon("a connection", Client::connect(&self.socket(), security)).await
    }

    /// Connects as the host that started it.
    pub async fn connect(&self) -> Client {
        let security = match &self.host {
            Some(host) => self.tls(Some(host.clone()), Version::Tls13),
            None => Security::Plaintext,
        };
        self.connect_with(&security).await.unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id().expect("has not ended")).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// What it wrote to stderr so far.
    pub fn stderr(&self) -> Vec<String> {
        self.stderr.borrow().clone()
    }

    /// Waits until `count` lines of its log have this message.
    pub async fn logged(&mut self, message: &str, count: usize) {
        self.wrote(message, count, |line| message_of(line).is_some_and(|found| found == message)).await;
    }

    /// Waits until `count` lines of stderr are what `is_it` looks for.
    pub async fn wrote(&mut self, what: &str, count: usize, is_it: impl Fn(&str) -> bool) {
        let found = |lines: &Vec<String>| lines.iter().filter(|line| is_it(line)).count() >= count;
        let waited = soon(what, self.stderr.wait_for(found)).await.is_ok();
        assert!(waited, "it ended without writing `{what}`: {:#?}", self.stderr());
    }

    /// Everything that it wrote to stderr in its life, if it has ended.
    pub async fn all_stderr(&mut self) -> Vec<String> {
        soon("the end of stderr", self.reader.join_next()).await;
        self.stderr()
    }

    /// Waits until it ends. Whatever it printed after the handshake line is an error.
    pub async fn ended(&mut self) -> ExitStatus {
        let status = soon("the end of the process", self.child.wait()).await.unwrap();
        let mut printed = String::new();
        self.stdout.read_to_string(&mut printed).await.unwrap();
        assert_eq!(printed, "");
        status
    }
}

fn message_of(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    Some(line.get("@message")?.as_str()?.to_owned())
}
