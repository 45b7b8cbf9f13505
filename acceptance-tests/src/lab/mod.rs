//! Real control planes on loopback, one per cloud, and a Route 53 beside them.
//!
//! A *held* lab ([`Lab::start`]) lives as long as its value and never longer than its process. The lab that is
//! *up* ([`Lab::up`]) lives on its own until [`Lab::down`]; a machine has at most one.

pub(crate) mod audit;
pub(crate) mod cloud;
pub(crate) mod cluster;
pub(crate) mod commands;
mod crds;
mod directory;
pub(crate) mod kubeconfig;
mod parent;
pub(crate) mod pki;
pub(crate) mod ports;
pub(crate) mod prepare;
pub(crate) mod shape;
pub mod wait;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail};

pub use audit::{AuditEntry, AuditMark};
pub use cloud::{Cloud, UnknownCluster};
pub use cluster::Cluster;
pub use crds::Crds;

use crate::{
    cache,
    progress::Progress,
    prometheus::Prometheus,
    proxy::Proxy,
    route53::{Dns, Route53, Zone},
    supervisor::protocol::{Names, Spec, State},
    tools::{Tool, Tools},
};
use directory::LabDirectory;
use parent::Supervisor;
use shape::Shape;

/// What a lab consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabOptions {
    /// The clusters to start.
    pub clusters: Vec<Cloud>,
    /// How many bare API servers to start besides, named `bare-01` and so on. They store objects, but nothing acts on
    /// them: no controller, no node; a namespace that is deleted stays until somebody finalizes it.
    pub bare: u8,
    /// What is said while it starts.
    pub progress: Progress,
}

impl Default for LabOptions {
    /// All three clusters, with progress on stderr.
    fn default() -> Self {
        Self { clusters: Cloud::ALL.to_vec(), bare: 0, progress: Progress::Stderr }
    }
}

/// A running lab.
#[derive(Debug)]
pub struct Lab {
    directory: PathBuf,
    clusters: BTreeMap<String, Cluster>,
    names: Names,
    supervisor_id: u32,
    /// Present in a held lab. Dropping it ends the lab. Locked, so that a lab can be a test binary's static.
    held: Mutex<Option<Supervisor>>,
}

impl Lab {
    /// Starts a lab that ends when the value is dropped or this process dies, however it dies.
    ///
    /// Builds missing programs first, which takes minutes once per machine. Dropping takes up to some seconds
    /// and blocks.
    ///
    /// # Errors
    /// When `main` has not called [`crate::hidden_subcommand`], a program cannot be built, or a cluster does not
    /// become ready; the error holds the end of the log of a program that ended.
    ///
    /// # Cancel safety
    /// Not cancel safe: a lab that is being started is ended some time after the future was dropped.
    pub async fn start(options: LabOptions) -> anyhow::Result<Self> {
        tokio::task::spawn_blocking(move || Self::start_blocking(&options)).await?
    }

    /// As [`Self::start`], for callers without a runtime.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_blocking(options: &LabOptions) -> anyhow::Result<Self> {
        let labs = cache::labs(&cache::directory()?);
        directory::sweep(&labs)?;
        let path = labs.join(format!("held-{}", uuid::Uuid::new_v4().simple()));
        Self::start_in(path, options)
    }

    /// Starts the lab that lives on its own, or finds it running.
    ///
    /// # Errors
    /// As [`Self::start`], and when it runs with other clusters.
    pub fn up(options: &LabOptions) -> anyhow::Result<Self> {
        let labs = cache::labs(&cache::directory()?);
        let _gate = directory::lock_up(&labs)?;
        let mut wanted = options.clusters.clone();
        wanted.sort_unstable();
        wanted.dedup();
        if let Some(lab) = Self::attach()? {
            let present: Vec<&str> = lab.clusters.keys().map(String::as_str).collect();
            let names: Vec<String> = Shape::all(&wanted, options.bare).iter().map(Shape::to_string).collect();
            if present != names {
                bail!("the lab is up with {}; run `cargo lab down` first", present.join(","));
            }
            return Ok(lab);
        }
        let place = LabDirectory::up(&labs);
        place.clear()?;
        let lab = Self::start_in(place.into_path(), &LabOptions { clusters: wanted, ..options.clone() })?;
        if let Some(supervisor) = lab.take_supervisor() {
            supervisor.detach()?;
        }
        Ok(lab)
    }

    /// The lab that is up, if there is one.
    ///
    /// # Errors
    /// When its state cannot be read.
    pub fn attach() -> anyhow::Result<Option<Self>> {
        let place = LabDirectory::up(&cache::labs(&cache::directory()?));
        let Some(state) = place.state()? else { return Ok(None) };
        Self::of(place.into_path(), state, None).map(Some)
    }

    /// Ends the lab that is up and removes its directory; `false` when there was none.
    ///
    /// # Errors
    /// When its supervisor does not end.
    pub fn down() -> anyhow::Result<bool> {
        let labs = cache::labs(&cache::directory()?);
        let _gate = directory::lock_up(&labs)?;
        directory::sweep(&labs)?;
        LabDirectory::up(&labs).end()
    }

    /// The cluster of this name: aws, azure, gcp, or that of a bare one.
    ///
    /// # Panics
    /// When the lab was started without it, which is a mistake in the calling test.
    pub fn cluster(&self, name: &str) -> &Cluster {
        self.clusters.get(name).unwrap_or_else(|| panic!("the lab has no cluster `{name}`"))
    }

    /// All clusters, by name.
    pub fn clusters(&self) -> impl Iterator<Item = &Cluster> {
        self.clusters.values()
    }

    /// A client with all rights.
    ///
    /// # Errors
    /// As [`Cluster::client`].
    ///
    /// # Panics
    /// As [`Self::cluster`].
    pub async fn client(&self, name: &str) -> anyhow::Result<kube::Client> {
        self.cluster(name).client().await
    }

    /// A new proxy before a cluster's API server, that passes everything through at first.
    ///
    /// # Errors
    /// When no port is free.
    ///
    /// # Panics
    /// As [`Self::cluster`].
    pub async fn proxy(&self, name: &str) -> anyhow::Result<Proxy> {
        Proxy::start(self.cluster(name)).await
    }

    /// Makes a cluster serve more kinds, for all tests. Returns when it does; at once when it did already.
    ///
    /// # Errors
    /// When the definitions cannot be fetched, or the cluster does not take them.
    ///
    /// # Panics
    /// As [`Self::cluster`].
    pub async fn install_crds(&self, name: &str, crds: Crds) -> anyhow::Result<()> {
        crds::install(self.cluster(name), crds).await.with_context(|| format!("cluster {name}"))
    }

    /// A Prometheus for one test, that scrapes these targets in this interval (200 ms to 1 s are good ones).
    ///
    /// Builds it first, which takes some minutes once per machine. It ends when dropped.
    ///
    /// # Errors
    /// When it cannot be built or does not start.
    pub async fn prometheus(&self, targets: &[SocketAddr], every: Duration) -> anyhow::Result<Prometheus> {
        Prometheus::start(self.directory.clone(), targets, every).await
    }

    /// The lab's Route 53, which all tests share.
    pub fn route53(&self) -> &Route53 {
        &self.names.route53
    }

    /// A client of its DNS.
    pub fn dns(&self) -> Dns {
        self.route53().dns()
    }

    /// A new hosted zone for one test, with a name of its own that begins with `label`.
    ///
    /// # Errors
    /// As [`Route53::zone`].
    pub async fn zone(&self, label: &str) -> anyhow::Result<Zone> {
        self.route53().zone(label).await
    }

    /// The hosted zone that is there from the start, for people; tests make their own.
    pub fn ready_zone(&self) -> &Zone {
        &self.names.zone
    }

    /// Variables under which `kubectl`, AWS SDKs and Terraform find the lab.
    pub fn env(&self) -> BTreeMap<String, String> {
        let Names { route53, zone } = &self.names;
        let mut variables = route53.env();
        let ours = [
            ("KUBECONFIG", self.kubeconfig_path().display().to_string()),
            // The machine's proxy cannot reach our loopback.
            ("NO_PROXY", "127.0.0.1,localhost".to_owned()),
            ("LAB_ZONE_ID", zone.id.clone()),
            ("LAB_ZONE_NAME", zone.name.clone()),
            ("LAB_DNS", route53.dns.to_string()),
            ("LAB_ROUTE53_CONTROL", format!("http://{}", route53.control)),
        ];
        variables.extend(ours.map(|(name, value)| (name.to_owned(), value)));
        variables
    }

    /// One kubeconfig file with a context per cluster.
    pub fn kubeconfig_path(&self) -> PathBuf {
        self.directory.join("kubeconfig")
    }

    /// Where the lab keeps its logs, and where callers may put what is to vanish with it.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The supervisor's process id, for tests that kill it.
    pub fn supervisor_id(&self) -> u32 {
        self.supervisor_id
    }

    /// Ends a held lab and waits until all of it is gone. Needed where a lab is never dropped, such as in a
    /// static; without it the lab ends when the process does, and nobody waits. Blocks.
    pub fn stop(&self) {
        drop(self.take_supervisor());
    }

    fn take_supervisor(&self) -> Option<Supervisor> {
        // A panic elsewhere does not make a supervisor less worth ending.
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn start_in(directory: PathBuf, options: &LabOptions) -> anyhow::Result<Self> {
        if options.clusters.is_empty() && options.bare == 0 {
            bail!("a lab needs at least one cluster");
        }
        let tools = Tools::ensure(&Tool::CONTROL_PLANE, options.progress)?;
        let spec = Spec {
            directory: directory.clone(),
            clusters: options.clusters.clone(),
            bare: options.bare,
            programs: tools.into_programs(),
            keep_directory: std::env::var_os("MULTICLUSTER_LAB_KEEP").is_some(),
        };
        let supervisor = Supervisor::start(&spec, options.progress)?;
        let state = LabDirectory::new(directory.clone()).read_state()?;
        debug_assert_eq!(state.supervisor, supervisor.id());
        Self::of(directory, state, Some(supervisor))
    }

    fn of(directory: PathBuf, state: State, held: Option<Supervisor>) -> anyhow::Result<Self> {
        let names = state.names.context("the lab was started by an older program; run `cargo lab down`")?;
        let clusters = state.clusters.into_iter().map(|cluster| (cluster.context.clone(), cluster)).collect();
        Ok(Self { directory, clusters, names, supervisor_id: state.supervisor, held: Mutex::new(held) })
    }
}
