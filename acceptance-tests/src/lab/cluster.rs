//! One running cluster, as tests see it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde::{Deserialize, Serialize};

use super::{
    audit::{AuditEntry, AuditMark},
    cloud::Cloud,
    commands::file,
    kubeconfig,
    pki::Authority,
};

/// The user agent of the lab's own requests; they are left out of [`Cluster::audit_since`].
pub(crate) const USER_AGENT: &str = "multicluster-lab";

/// How to reach a cluster, in every form that the provider accepts.
///
/// `Debug` shows neither token nor key.
#[derive(Clone, Serialize, Deserialize)]
pub struct Cluster {
    /// Which cloud it stands in for; `None` if it is a bare API server.
    pub cloud: Option<Cloud>,
    /// The API server's URL, `https://127.0.0.1:PORT`.
    pub host: String,
    /// The CA that signed the API server's certificate, PEM.
    pub ca_pem: String,
    /// A bearer token of a member of `system:masters`.
    pub token: String,
    /// A client certificate of the same rights, PEM.
    pub client_certificate_pem: String,
    /// The key of [`Self::client_certificate_pem`], PEM.
    pub client_key_pem: String,
    /// The file that holds all clusters of the lab.
    pub kubeconfig_path: PathBuf,
    /// The context of this cluster in that file.
    pub context: String,
    /// Holds certificates, logs and the audit log of this cluster.
    pub(crate) directory: PathBuf,
}

impl Cluster {
    /// The API server's audit log, one JSON object per line.
    pub fn audit_log(&self) -> PathBuf {
        self.directory.join(file::AUDIT_LOG)
    }

    /// The process id of one of this cluster's programs, such as `kube-apiserver`.
    ///
    /// # Errors
    /// When no such program was started.
    pub fn pid(&self, program: &str) -> anyhow::Result<u32> {
        let path = self.directory.join(format!("{program}.pid"));
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        text.trim().parse().context("not a process id")
    }

    /// A kubeconfig with this cluster only, as text, by client certificate.
    pub fn kubeconfig(&self) -> String {
        self.kubeconfig_for(&self.host)
    }

    /// The same for another URL, such as a proxy's.
    pub fn kubeconfig_for(&self, host: &str) -> String {
        kubeconfig::render(&[self.context_at(host)])
    }

    /// The same for another user: the `user` of a kubeconfig, such as `{ "tokenFile": … }`.
    pub fn kubeconfig_as(&self, user: &serde_json::Value) -> String {
        kubeconfig::render_as(&self.context_at(&self.host), user)
    }

    /// A client with all rights, that goes to the API server directly.
    ///
    /// # Errors
    /// When the certificates cannot be used; the cluster is not contacted.
    pub async fn client(&self) -> anyhow::Result<kube::Client> {
        self.client_at(&self.host).await
    }

    /// The same for another URL, such as a proxy's.
    ///
    /// # Errors
    /// As [`Self::client`].
    pub async fn client_at(&self, host: &str) -> anyhow::Result<kube::Client> {
        client(&self.kubeconfig_for(host)).await
    }

    /// A client for another user, as in [`Self::kubeconfig_as`].
    ///
    /// # Errors
    /// As [`Self::client`].
    pub async fn client_as(&self, user: &serde_json::Value) -> anyhow::Result<kube::Client> {
        client(&self.kubeconfig_as(user)).await
    }

    /// A client certificate for a user of this cluster, with its key, both PEM. What the user may do is up to roles.
    ///
    /// # Errors
    /// When the cluster's CA cannot be read.
    pub fn client_certificate(&self, user: &str, group: &str) -> anyhow::Result<(String, String)> {
        let key = self.directory.join(file::CA_KEY);
        let key = std::fs::read_to_string(&key).with_context(|| format!("cannot read {}", key.display()))?;
        let identity = Authority::load(&self.context, self.ca_pem.clone(), key)?.client(user, group)?;
        Ok((identity.certificate_pem, identity.key_pem))
    }

    /// The present end of the audit log; pass it to [`Self::audit_since`] later.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn audit_mark(&self) -> anyhow::Result<AuditMark> {
        AuditMark::end_of(&self.audit_log())
    }

    /// All requests that were answered since `mark`, without the lab's own and the control plane's. A watch
    /// counts when it starts.
    ///
    /// # Errors
    /// When the cluster does not answer or the log cannot be read.
    pub async fn audit_since(&self, mark: AuditMark) -> anyhow::Result<Vec<AuditEntry>> {
        super::audit::since(&self.audit_log(), mark, self.client().await?).await
    }

    pub(crate) fn context_at<'a>(&'a self, host: &'a str) -> kubeconfig::Context<'a> {
        kubeconfig::Context {
            name: &self.context,
            host,
            ca_pem: &self.ca_pem,
            client_certificate_pem: &self.client_certificate_pem,
            client_key_pem: &self.client_key_pem,
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

async fn client(kubeconfig: &str) -> anyhow::Result<kube::Client> {
    crate::install_crypto_provider();
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).context("cannot read our kubeconfig")?;
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .context("cannot use our kubeconfig")?;
    // A proxy from the environment cannot reach our loopback.
    config.proxy_url = None;
    config.headers.push((http::header::USER_AGENT, http::HeaderValue::from_static(USER_AGENT)));
    kube::Client::try_from(config).context("cannot make a client")
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("context", &self.context)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}
