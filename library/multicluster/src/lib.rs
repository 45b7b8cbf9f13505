#![cfg_attr(feature = "kube", doc = include_str!("../README.md"))]
//!
//! # Modules
//!
//! This crate does what `multicluster-core` decides: it reads clusters, and it writes to them. Clients, credentials and
//! the clock come from the caller.
//!
//! | module | what it is for |
//! |---|---|
//! | [`connection`] | how one cluster is reached: kubeconfig, host and credential → a client |
//! | [`member`] | one cluster: discovery, reads, server-side apply, deletes and waits |
//! | [`cluster`] | what one cluster is: version, nodes, networks, kinds |
//! | [`preflight`] | what stands against members before the first of them is written to |
//! | [`lease`] | who may write to a member now |
//! | [`endpoints`] | where clients reach what runs on a cluster |
//! | [`federation`] | what a federation has on its members, and how that is changed |
//! | [`release`] | a workload's releases over its clusters, carried out |
//! | [`route53`] | a zone of Route 53: read, change, wait (feature `route53`) |
//! | [`prometheus`] | metrics from Prometheus and what speaks its API (feature `prometheus`) |
//! | [`notify`] | what chats and webhooks are told of a release (feature `webhook`) |
//! | [`failpoint`] | named points at which a test can end the process |

/// The decisions that this crate carries out.
pub use multicluster_core as core;

pub mod clock;
#[cfg(feature = "kube")]
pub mod cluster;
#[cfg(feature = "kube")]
pub mod connection;
#[cfg(feature = "kube")]
pub mod endpoints;
pub mod failpoint;
#[cfg(feature = "kube")]
pub mod federation;
#[cfg(feature = "kube")]
pub mod lease;
#[cfg(feature = "kube")]
pub mod member;
#[cfg(feature = "webhook")]
pub mod notify;
#[cfg(feature = "kube")]
pub mod preflight;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(feature = "kube")]
pub mod release;
#[cfg(feature = "route53")]
pub mod route53;
#[cfg(any(feature = "prometheus", feature = "webhook"))]
mod web;
