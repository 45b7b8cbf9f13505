//! How each tool is built: which packages, which linker flags. Pure.

use std::{fmt, path::PathBuf};

use sha2::{Digest as _, Sha256};

/// A Go module of which the lab builds programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Tool {
    /// kube-apiserver, kube-controller-manager and kube-scheduler.
    Kubernetes,
    /// The etcd server.
    Etcd,
    /// kwok, which plays nodes, pods and the clouds' load balancers.
    Kwok,
    /// OpenTofu, when `terraform` is missing or a test wants both.
    OpenTofu,
    /// kubectl, for the benchmark.
    Kubectl,
    /// The Terraform provider `gavinbunney/kubectl`, which the benchmark compares ours with.
    KubectlProvider,
    /// Prometheus, for what is judged by metrics.
    Prometheus,
}

/// One program of a tool.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
}

/// The release that `go.mod` of the tool asks for. Kubernetes must be told its own version by the linker, or
/// it answers `/version` with v0.0.0-master and kubectl warns about the skew.
const KUBERNETES_FLAGS: &str = "-X k8s.io/component-base/version.gitVersion=v1.36.3 \
     -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36 \
     -X k8s.io/component-base/version.gitTreeState=clean";

impl Tool {
    /// What a control plane needs.
    pub const CONTROL_PLANE: [Self; 3] = [Self::Etcd, Self::Kwok, Self::Kubernetes];

    /// The folder under `lab/tools/` and in the cache.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Etcd => "etcd",
            Self::Kwok => "kwok",
            Self::OpenTofu => "opentofu",
            Self::Kubectl => "kubectl",
            Self::KubectlProvider => "kubectl-provider",
            Self::Prometheus => "prometheus",
        }
    }

    pub(crate) fn programs(self) -> &'static [Program] {
        match self {
            Self::Kubernetes => &[
                Program { name: "kube-apiserver", package: "k8s.io/kubernetes/cmd/kube-apiserver" },
                Program {
                    name: "kube-controller-manager",
                    package: "k8s.io/kubernetes/cmd/kube-controller-manager",
                },
                Program { name: "kube-scheduler", package: "k8s.io/kubernetes/cmd/kube-scheduler" },
            ],
            Self::Etcd => &[Program { name: "etcd", package: "go.etcd.io/etcd/server/v3" }],
            Self::Kwok => &[Program { name: "kwok", package: "sigs.k8s.io/kwok/cmd/kwok" }],
            Self::OpenTofu => &[Program { name: "tofu", package: "github.com/opentofu/opentofu/cmd/tofu" }],
            Self::Kubectl => &[Program { name: "kubectl", package: "k8s.io/kubernetes/cmd/kubectl" }],
            Self::KubectlProvider => &[Program {
                name: "terraform-provider-kubectl",
                package: "github.com/gavinbunney/terraform-provider-kubectl",
            }],
            Self::Prometheus => {
                &[Program { name: "prometheus", package: "github.com/prometheus/prometheus/cmd/prometheus" }]
            }
        }
    }

    /// The folder with this tool's `go.mod` and `go.sum`.
    pub(crate) fn module(self) -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "lab", "tools", self.name()].iter().collect()
    }

    fn linker_flags(self) -> String {
        // Without symbol tables the link of three Kubernetes programs is faster and a third smaller.
        let strip = "-s -w";
        match self {
            Self::Kubernetes | Self::Kubectl => format!("{strip} {KUBERNETES_FLAGS}"),
            Self::OpenTofu => format!("{strip} -X github.com/opentofu/opentofu/version.dev=no"),
            Self::Etcd | Self::Kwok | Self::KubectlProvider | Self::Prometheus => strip.to_owned(),
        }
    }

    /// Build tags.
    fn tags(self) -> Option<&'static str> {
        match self {
            // Targets from files and from the configuration are left; the clients of all clouds are most of a build.
            Self::Prometheus => Some("-tags=remove_all_sd"),
            _ => None,
        }
    }

    /// Arguments of `go` that build one program into `output`.
    pub(crate) fn build_arguments(self, program: &Program, output: &str) -> Vec<String> {
        let flags = format!("-ldflags={}", self.linker_flags());
        let start = ["build", "-trimpath", &flags].into_iter();
        start.chain(self.tags()).chain(["-o", output, program.package]).map(str::to_owned).collect()
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The cache key of a build: everything that decides its bytes.
///
/// Each part is preceded by its length, so that no two lists of parts give the same input.
pub(crate) fn cache_key<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Tool; 7] = [
        Tool::Kubernetes,
        Tool::Etcd,
        Tool::Kwok,
        Tool::OpenTofu,
        Tool::Kubectl,
        Tool::KubectlProvider,
        Tool::Prometheus,
    ];

    #[test]
    fn every_program_is_a_tool_of_its_module() {
        for tool in ALL {
            let module = std::fs::read_to_string(tool.module().join("go.mod")).unwrap();
            for program in tool.programs() {
                let listed =
                    module.lines().any(|line| line.trim().trim_start_matches("tool ") == program.package);
                assert!(listed, "{} is not a tool of {tool}", program.package);
            }
        }
    }

    #[test]
    fn the_linker_is_told_the_version_that_go_mod_asks_for() {
        let version = KUBERNETES_FLAGS.split(['=', ' ']).find(|word| word.starts_with("v1.")).unwrap();
        for tool in [Tool::Kubernetes, Tool::Kubectl] {
            let module = std::fs::read_to_string(tool.module().join("go.mod")).unwrap();
            assert!(module.contains(&format!("k8s.io/kubernetes {version}")), "{tool}");
        }
    }

    #[test]
    fn the_key_depends_on_where_a_part_ends() {
        let together = cache_key([b"ab".as_slice(), b"c"]);
        let apart = cache_key([b"a".as_slice(), b"bc"]);
        assert_ne!(together, apart);
        assert_eq!(together.len(), 24);
    }
}
