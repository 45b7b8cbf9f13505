//! A Prometheus that scrapes what a test wants, and a front that says of its answers what a test wants.
//!
//! It runs on a leash: it ends with its value, with this process however that ends, and with the process that holds the
//! leash.

mod front;
mod query;

use std::{
    net::SocketAddr,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};
use serde_json::json;

pub use front::{Answering, Front, Seen};
pub use query::Samples;

use crate::{
    lab::{ports, prepare::private_directory, wait},
    progress::Progress,
    supervisor,
    tools::{Tool, Tools},
};

/// How long it may take to start, and to scrape for the first time.
const LIMIT: Duration = Duration::from_secs(60);

/// A running Prometheus; dropping it ends it.
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    /// Its standard input is the leash.
    process: Child,
    directory: PathBuf,
}

impl Prometheus {
    /// Starts one in a directory of its own under `home`, and returns when it has scraped every target once.
    ///
    /// Builds it first, which takes some minutes once per machine.
    ///
    /// # Errors
    /// When `main` has not called [`crate::hidden_subcommand`], it cannot be built, or does not start; the error holds
    /// the end of its log.
    ///
    /// # Cancel safety
    /// May be dropped: a process that was started ends.
    pub(crate) async fn start(
        home: PathBuf,
        targets: &[SocketAddr],
        every: Duration,
    ) -> anyhow::Result<Self> {
        let program = tokio::task::spawn_blocking(|| {
            Tools::ensure(&[Tool::Prometheus], Progress::default())?.program("prometheus").map(PathBuf::from)
        })
        .await??;
        let reserved = ports::reserve(1)?.pop().context("no free port")?;
        let address = SocketAddr::from(([127, 0, 0, 1], reserved.port()));
        let directory = home.join(format!("prometheus-{}", reserved.port()));
        private_directory(&directory)?;
        std::fs::write(directory.join("prometheus.yml"), configuration(targets, every).to_string())?;
        let log = std::fs::File::create(directory.join("prometheus.log"))?;
        let (leash, start) =
            supervisor::leashed(&program).context("`main` has to call `hidden_subcommand` first")?;
        reserved.release();
        let process = Command::new(leash)
            .args(start)
            .args(arguments(&directory, address))
            .env_clear()
            .env("GOGC", "70")
            .current_dir(&directory)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .context("cannot start Prometheus")?;
        let mut this = Self { address, process, directory };
        this.wait_until_ready(targets.len()).await?;
        Ok(this)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The process id of what holds its leash, for tests that kill it.
    pub fn leash_id(&self) -> u32 {
        self.process.id()
    }

    /// A front before it, that passes everything through at first.
    ///
    /// # Errors
    /// When no port is free.
    pub fn front(&self) -> anyhow::Result<Front> {
        Front::start(self.address)
    }

    /// What an instant query gives now.
    ///
    /// # Errors
    /// When it does not answer, or refuses the query.
    pub async fn query(&self, query: &str) -> anyhow::Result<Samples> {
        query::instant(self.address, query).await
    }

    async fn wait_until_ready(&mut self, targets: usize) -> anyhow::Result<()> {
        let address = self.address;
        let process = &mut self.process;
        let ready = wait::until("Prometheus has scraped its targets", LIMIT, async || {
            if let Some(status) = process.try_wait()? {
                // An error would be taken for "not yet".
                return Ok(Some(Err(status)));
            }
            let up = query::instant(address, "up == 1").await?;
            Ok((up.0.len() == targets).then_some(Ok(())))
        })
        .await;
        let log = || {
            let log = std::fs::read(self.directory.join("prometheus.log")).unwrap_or_default();
            crate::text::last_lines(&String::from_utf8_lossy(&log), 15)
        };
        match ready {
            Ok(Ok(())) => Ok(()),
            Ok(Err(status)) => bail!("Prometheus ended: {status}; the end of its log:\n{}", log()),
            Err(error) => Err(error.context(format!("the end of its log:\n{}", log()))),
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // The leash kills its group when its input ends.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// JSON, which is YAML as well.
fn configuration(targets: &[SocketAddr], every: Duration) -> serde_json::Value {
    let every = format!("{}ms", every.as_millis());
    let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
    json!({
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "scrape_configs": [{
            "job_name": "lab",
            // Labels of the exporter are what they are: `namespace` is that of the workload.
            "honor_labels": true,
            "static_configs": [{"targets": targets}],
        }],
    })
}

fn arguments(directory: &Path, address: SocketAddr) -> Vec<String> {
    vec![
        format!("--config.file={}", directory.join("prometheus.yml").display()),
        format!("--storage.tsdb.path={}", directory.join("data").display()),
        format!("--web.listen-address={address}"),
        // Five seconds by default, which every test would wait.
        "--scrape.discovery-reload-interval=50ms".to_owned(),
        "--log.level=warn".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_listens_beyond_loopback() {
        let address = SocketAddr::from(([127, 0, 0, 1], 17_000));
        let arguments = arguments(Path::new("/lab"), address);
        assert!(arguments.contains(&"--web.listen-address=127.0.0.1:17000".to_owned()), "{arguments:?}");
        let configuration = configuration(&[address], Duration::from_millis(200));
        assert_eq!(configuration["global"]["scrape_interval"], "200ms");
        assert_eq!(configuration["scrape_configs"][0]["static_configs"][0]["targets"][0], "127.0.0.1:17000");
    }
}
