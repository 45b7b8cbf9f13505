//! The Terraform provider `multicluster`.
//!
//! Read a resource in this order: `schema` (what users write) → `model` (the same, typed) → `plan` → `apply`.
//! Decisions are made in `multicluster-core`, effects in `multicluster`, the protocol is `tfplugin`'s; what remains
//! here is to translate between them.

mod config;
mod data_sources;
mod functions;
mod provider;
mod resources;
mod validators;

use std::process::ExitCode;
use std::sync::Arc;

pub use provider::MulticlusterProvider;

/// Serves the provider to the program that started this one, until it says goodbye.
#[must_use]
pub fn run() -> ExitCode {
    #[cfg(feature = "failpoints")]
    if let Ok(setting) = std::env::var("MULTICLUSTER_FAILPOINTS") {
        // A test that names no failpoint by mistake must not seem to pass.
        if let Err(error) = multicluster::failpoint::configure(&setting) {
            tracing::error!(%error, "no failpoint is set");
            return ExitCode::FAILURE;
        }
    }
    tfplugin::serve::run("provider.multicluster", |operations| {
        tfplugin::rpc::Service::new(Arc::new(MulticlusterProvider::new()), operations)
    })
}
