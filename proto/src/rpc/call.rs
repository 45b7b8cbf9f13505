//! What surrounds every request: its own task, a span, a duration, and an answer even to a panic.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt as _;
use tonic::{Response, Status};
use tracing::Instrument as _;

use super::catalogue::Catalogue;
use super::{Service, convert, functions};
use crate::diagnostics::Diagnostics;
use crate::operations::panic_message;
use crate::provider::Context;
use crate::wire::tfplugin6 as wire;

/// What a request is answered with.
pub(super) struct Call {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) context: Context,
}

/// An answer that can be made of diagnostics alone.
pub(super) trait Answer: Send + 'static {
    fn failed(diagnostics: Vec<wire::Diagnostic>) -> Self;
}

impl Service {
    /// Answers one request. `rpc` and `type_name` are for the log; nothing else of a request ever gets there.
    pub(super) async fn answer<A, F, Fut>(
        &self,
        rpc: &'static str,
        type_name: &str,
        work: F,
    ) -> Result<Response<A>, Status>
    where
        A: Answer,
        F: FnOnce(Call) -> Fut + Send + 'static,
        Fut: Future<Output = Result<A, Diagnostics>> + Send,
    {
        // Of the highest level, because a line has the fields of a span only where the span's own level is wanted.
        let span = tracing::error_span!("rpc", tf_rpc = rpc, tf_resource_type = type_name);
        let catalogue = Arc::clone(&self.catalogue);
        let timed = async {
            let started = Instant::now();
            let run = self.operations.run(move |cancelled| {
                // Decoded values make these futures large; the task's own allocation should not be.
                Box::pin(work(Call { catalogue, context: Context { cancelled } }))
            });
            let answered = match run.await {
                Ok(Ok(answer)) => answer,
                Ok(Err(diagnostics)) => A::failed(convert::diagnostics(&diagnostics, None)),
                Err(panicked) => {
                    let mut diagnostics = Diagnostics::new();
                    report_panic(&panicked.message, &mut diagnostics);
                    A::failed(convert::diagnostics(&diagnostics, None))
                }
            };
            let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::debug!(tf_req_duration_ms = milliseconds, "answered");
            answered
        };
        Ok(Response::new(timed.instrument(span).await))
    }
}

/// Runs a provider's code to its end. A panic in it is reported, and what it wrote before the panic stays.
pub(super) async fn guarded(code: impl Future<Output = ()> + Send) -> Result<(), String> {
    // What the code leaves behind is values of our own, whole at any time.
    let caught = AssertUnwindSafe(code).catch_unwind().await;
    caught.map_err(|payload| panic_message(payload.as_ref()).to_owned())
}

/// Adds the error for what [`guarded`] caught.
pub(super) fn report_panic(message: &str, diagnostics: &mut Diagnostics) {
    diagnostics.error(
        "The provider crashed",
        format!(
            "This is a bug of the provider; please report it with the lines that start with \"panic:\" in the log. \
             What was recorded before the crash is kept. The message was: {message}"
        ),
    );
}

/// Answers that have more fields than the diagnostics, and those that have not.
macro_rules! answers {
    (more: $($more:ident),+; bare: $($bare:ident),+ $(;)?) => {
        $(impl Answer for wire::$more::Response {
            fn failed(diagnostics: Vec<wire::Diagnostic>) -> Self {
                Self { diagnostics, ..Default::default() }
            }
        })+
        $(impl Answer for wire::$bare::Response {
            fn failed(diagnostics: Vec<wire::Diagnostic>) -> Self {
                Self { diagnostics }
            }
        })+
    };
}

answers! {
    more: get_provider_schema, get_metadata, get_resource_identity_schemas, upgrade_resource_state,
        upgrade_resource_identity, read_resource, plan_resource_change, apply_resource_change,
        import_resource_state, move_resource_state, read_data_source, get_functions, open_ephemeral_resource,
        renew_ephemeral_resource;
    bare: validate_provider_config, validate_resource_config, validate_data_resource_config, configure_provider,
        validate_ephemeral_resource_config, close_ephemeral_resource, validate_list_resource_config;
}

/// A function has one message to answer with instead of diagnostics.
impl Answer for wire::call_function::Response {
    fn failed(diagnostics: Vec<wire::Diagnostic>) -> Self {
        Self { result: None, error: Some(functions::in_words(&diagnostics)) }
    }
}
