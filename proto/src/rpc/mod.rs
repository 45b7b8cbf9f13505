//! The protocol's requests, answered by a [`Provider`].
//!
//! ```text
//! request ─▶ decode ─▶ provider or resource ─▶ settle ─▶ encode ─▶ answer
//!              │              │                  └ what cannot be stored is replaced and reported
//!              │              └ a panic becomes an error; what was recorded before it is kept
//!              └ what does not fit the schema becomes an error
//! ```
//!
//! Invariants: every request that a host makes of a provider of resources, data sources and functions has an answer,
//! never a gRPC error; no write-only value and no unknown value is in any stored state; requests are never logged.
//!
//! Not here: identities, ephemeral resources and lists. Their requests are answered with "there are none", which
//! both hosts take.

mod apply;
mod call;
mod catalogue;
mod configure;
mod convert;
mod data_source;
mod ephemeral;
mod functions;
mod identity;
mod import;
mod metadata;
mod moved;
mod plan;
mod read;
mod service;
mod settle;
mod upgrade;
mod validate;

use std::sync::Arc;

use crate::operations::Operations;
use crate::provider::Provider;
use catalogue::Catalogue;

/// The service of a provider, for [`crate::serve::serve`].
#[derive(Clone)]
pub struct Service {
    catalogue: Arc<Catalogue>,
    operations: Operations,
}

impl Service {
    /// Asks the provider for its schemas, once. In debug builds an invalid schema ends the process here, with all
    /// that is wrong with it.
    ///
    /// # Panics
    /// In debug builds, if a schema is not valid.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, operations: Operations) -> Self {
        let catalogue = Catalogue::new(provider);
        debug_assert_eq!(catalogue.problems(), Vec::<String>::new(), "the schemas are not valid");
        Self { catalogue: Arc::new(catalogue), operations }
    }
}

/// Everything that is wrong with the schemas of `provider`; for a test of each provider.
#[must_use]
pub fn schema_problems(provider: Arc<dyn Provider>) -> Vec<String> {
    Catalogue::new(provider).problems()
}
