//! What the acceptance tests, the demo and `cargo lab` stand on: real control planes, the freshly built provider
//! in a mirror, a real Terraform, and proxies that break connections on demand.
//!
//! | module | what it gives |
//! |---|---|
//! | [`lab`] | [`Lab`]: three Kubernetes control planes on loopback, and clients for them |
//! | [`tools`] | the Go programs they consist of, built once per machine |
//! | [`route53`] | the lab's [`Route53`](route53::Route53): zones, DNS clients that are somewhere, health, faults |
//! | [`proxy`] | [`Proxy`]: slows, cuts, silences a cluster or makes it answer with errors, wholly or for some requests |
//! | [`dataplane`] | [`DataPlane`]: a proxy that leads requests as Services and routes say, and the servers behind it |
//! | [`traffic`] | [`Generator`](traffic::Generator): users whose every request is counted |
//! | [`exporter`] | [`Exporter`]: metrics whose truth a test decides, or a data plane |
//! | [`prometheus`] | [`Prometheus`]: scrapes them, and answers queries |
//! | [`webhook`] | [`Webhook`]: an admission webhook whose verdict a test decides |
//! | [`provider_build`], [`mirror`] | the provider's binary, and a mirror from which `terraform init` takes it |
//! | [`terraform`] | [`Terraform`]: runs the commands and keeps what they said |
//! | [`workload`] | objects to measure with, from a seed |
//!
//! The invariant of all of it: nothing that is started outlives the process that wanted it, however that ends
//! (except [`Lab::up`], which is for people). Every program that starts a lab calls [`hidden_subcommand`] first.

pub mod cache;
pub mod dataplane;
pub mod exporter;
mod http1;
mod http_server;
pub mod lab;
pub mod mirror;
pub mod progress;
pub mod prometheus;
pub mod provider_build;
pub mod proxy;
pub mod route53;
mod supervisor;
pub mod terraform;
mod text;
pub mod tools;
pub mod traffic;
pub mod webhook;
pub mod workload;

pub use dataplane::{DataPlane, DataPlaneOptions};
pub use exporter::Exporter;
pub use lab::{AuditEntry, AuditMark, Cloud, Cluster, Crds, Lab, LabOptions};
pub use mirror::{Mirror, Plugin};
pub use progress::Progress;
pub use prometheus::Prometheus;
pub use provider_build::ProviderVariant;
pub use proxy::{Fault, Harm, Picked, Proxy};
pub use supervisor::{executable, hidden_subcommand};
pub use terraform::Terraform;
pub use webhook::{Verdict, Webhook};

/// Chooses the one TLS implementation of this workspace. Harmless when it was chosen before.
pub(crate) fn install_crypto_provider() {
    // The error means that one is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Compiles the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
