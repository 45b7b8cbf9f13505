//! What a provider implements.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::diagnostics::Diagnostics;
use crate::function::Function;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::value::{Node, Value};

/// What comes with every request.
#[derive(Clone, Debug)]
pub struct Context {
    /// Cancelled when the user interrupts or the host is gone. The running operation then finishes its step,
    /// starts no new one, and returns the state that it reached.
    pub cancelled: CancellationToken,
}

/// Who calls.
#[derive(Clone, Debug, Default)]
pub struct ClientInfo {
    /// The version of Terraform that the host claims to be (OpenTofu sends one of its own choosing).
    pub terraform_version: String,
}

/// A provider: a schema for its configuration and the resources it offers.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The schema of the provider block.
    fn schema(&self) -> Schema;

    /// The managed resources.
    fn resources(&self) -> Vec<Arc<dyn Resource>>;

    /// The data sources.
    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        Vec::new()
    }

    /// The functions.
    fn functions(&self) -> Vec<Arc<dyn Function>> {
        Vec::new()
    }

    /// Checks the provider block as a whole; the schema's validators have been run. Values may be unknown.
    async fn validate(&self, _config: Node<'_>, _diagnostics: &mut Diagnostics) {}

    /// Takes the provider block. At plan any part of it may be unknown, down to single leaves; at apply it is
    /// known, except in a destroy whose sources have gone. Must not connect anywhere.
    async fn configure(
        &self,
        context: &Context,
        config: &Value,
        client: &ClientInfo,
        diagnostics: &mut Diagnostics,
    );
}

/// Something read only.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// The type's full name: `multicluster_member`.
    fn name(&self) -> &'static str;

    /// Its schema.
    fn schema(&self) -> Schema;

    /// Checks the configuration as a whole; the schema's validators have been run. Values may be unknown.
    async fn validate(&self, _config: Node<'_>, _diagnostics: &mut Diagnostics) {}

    /// Reads it. The configuration is known, but the provider's own may not be at plan: then add an error, since
    /// what is answered is taken as final.
    async fn read(&self, context: &Context, config: &Value, state: &mut Value, diagnostics: &mut Diagnostics);
}
