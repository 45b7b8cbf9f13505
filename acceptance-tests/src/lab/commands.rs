//! The command lines of a control plane. Pure: paths and ports come in, argument lists go out.

use std::path::Path;

use super::{cloud::Cloud, shape::Shape};

/// Names of the programs, in the order in which they end: those that write to the API first.
pub(crate) const KWOK: &str = "kwok";
pub(crate) const SCHEDULER: &str = "kube-scheduler";
pub(crate) const CONTROLLER_MANAGER: &str = "kube-controller-manager";
pub(crate) const API_SERVER: &str = "kube-apiserver";
pub(crate) const ETCD: &str = "etcd";
pub(crate) const ROUTE53: &str = "route53";

/// File names inside a cluster's directory.
pub(crate) mod file {
    pub(crate) const AUDIT_LOG: &str = "audit.log";
    pub(crate) const AUDIT_POLICY: &str = "audit-policy.yaml";
    pub(crate) const CA: &str = "ca.crt";
    pub(crate) const CA_KEY: &str = "ca.key";
    pub(crate) const SERVER: &str = "server.crt";
    pub(crate) const SERVER_KEY: &str = "server.key";
    pub(crate) const SERVICE_ACCOUNT_KEY: &str = "service-account.key";
    pub(crate) const SERVICE_ACCOUNT_PUBLIC_KEY: &str = "service-account.pub";
    pub(crate) const STAGES: &str = "stages.yaml";
    pub(crate) const TOKENS: &str = "tokens.csv";
}

/// The address that the API server publishes for itself. Nobody connects to it, but it refuses to publish a
/// loopback address and, without a default route, to start: this one is reserved for documentation.
const ADVERTISED: &str = "192.0.2.1";

pub(crate) fn etcd(data: &Path, client_port: u16, peer_port: u16) -> Vec<String> {
    let client = format!("http://127.0.0.1:{client_port}");
    let peer = format!("http://127.0.0.1:{peer_port}");
    vec![
        "--name=lab".to_owned(),
        format!("--data-dir={}", data.display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=lab={peer}"),
        // The data never outlives the processes, so nothing is gained by waiting for a disk.
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ]
}

pub(crate) fn api_server(cluster: Shape, directory: &Path, port: u16, etcd_port: u16) -> Vec<String> {
    let file = |name: &str| directory.join(name).display().to_string();
    vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        format!("--etcd-prefix=/{cluster}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!("--advertise-address={ADVERTISED}"),
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--tls-cert-file={}", file(file::SERVER)),
        format!("--tls-private-key-file={}", file(file::SERVER_KEY)),
        format!("--client-ca-file={}", file(file::CA)),
        format!("--token-auth-file={}", file(file::TOKENS)),
        format!("--service-account-issuer=https://{cluster}.lab.invalid"),
        format!("--service-account-signing-key-file={}", file(file::SERVICE_ACCOUNT_KEY)),
        format!("--service-account-key-file={}", file(file::SERVICE_ACCOUNT_PUBLIC_KEY)),
        format!("--service-cluster-ip-range={}", cluster.service_cidr()),
        "--authorization-mode=RBAC".to_owned(),
        format!("--audit-policy-file={}", file(file::AUDIT_POLICY)),
        format!("--audit-log-path={}", file(file::AUDIT_LOG)),
        // Written before the response is finished, so that a test sees the calls that it waited for.
        "--audit-log-mode=blocking".to_owned(),
        // In MB; never rotated, because a mark is a position in the file.
        "--audit-log-maxsize=100000".to_owned(),
        "--profiling=false".to_owned(),
    ]
}

pub(crate) fn controller_manager(cloud: Cloud, directory: &Path) -> Vec<String> {
    let file = |name: &str| directory.join(name).display().to_string();
    vec![
        format!("--kubeconfig={}", kubeconfig(directory, CONTROLLER_MANAGER)),
        format!("--cluster-name={cloud}"),
        format!("--service-account-private-key-file={}", file(file::SERVICE_ACCOUNT_KEY)),
        format!("--root-ca-file={}", file(file::CA)),
        format!("--cluster-signing-cert-file={}", file(file::CA)),
        format!("--cluster-signing-key-file={}", file(file::CA_KEY)),
        "--use-service-account-credentials=false".to_owned(),
        "--leader-elect=false".to_owned(),
        // No port at all: its metrics have no reader.
        "--secure-port=0".to_owned(),
        "--profiling=false".to_owned(),
    ]
}

pub(crate) fn scheduler(directory: &Path) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", kubeconfig(directory, SCHEDULER)),
        "--leader-elect=false".to_owned(),
        "--secure-port=0".to_owned(),
        "--profiling=false".to_owned(),
    ]
}

pub(crate) fn kwok(cloud: Cloud, directory: &Path) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", kubeconfig(directory, KWOK)),
        format!("--config={}", directory.join(file::STAGES).display()),
        "--manage-all-nodes=true".to_owned(),
        // The lease is the nodes' heartbeat; without one they are tainted as unreachable after 50 s.
        "--node-lease-duration-seconds=40".to_owned(),
        format!("--cidr={}", cloud.pod_cidr()),
    ]
}

/// The kubeconfig of one component.
pub(crate) fn kubeconfig(directory: &Path, component: &str) -> String {
    directory.join(format!("{component}.kubeconfig")).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_listens_beyond_loopback() {
        let directory = Path::new("/lab/aws");
        let all = [
            etcd(directory, 17_001, 17_002),
            api_server(Cloud::Aws.into(), directory, 17_003, 17_001),
            controller_manager(Cloud::Aws, directory),
            scheduler(directory),
            kwok(Cloud::Aws, directory),
        ];
        for argument in all.iter().flatten() {
            assert!(!argument.contains("0.0.0.0"), "{argument}");
        }
        for off in [&all[2], &all[3]] {
            assert!(off.contains(&"--secure-port=0".to_owned()));
        }
    }

    #[test]
    fn clusters_share_etcd_but_no_key() {
        let prefixes = Cloud::ALL.map(|cloud| {
            let arguments = api_server(cloud.into(), Path::new("/lab"), 1, 2);
            arguments.into_iter().find(|argument| argument.starts_with("--etcd-prefix=")).unwrap()
        });
        assert_eq!(prefixes, ["--etcd-prefix=/aws", "--etcd-prefix=/azure", "--etcd-prefix=/gcp"]);
    }
}
