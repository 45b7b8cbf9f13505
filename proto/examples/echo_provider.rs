//! A provider below the level of schemas: it implements the generated service, so that tests can watch how a
//! process is served, told to stop and ended. Apply does what the resource's type says.

use std::process::ExitCode;
use std::time::Duration;

use tfplugin::operations::Operations;
use tfplugin::serve::{Limits, Options, exit_code, run, serve};
use tfplugin::wire::tfplugin6;
use tfplugin::wire::tfplugin6::provider_server::Provider;
use tonic::{Request, Response, Status};

/// What a cancelled operation takes to finish its step.
const STEP: Duration = Duration::from_millis(300);

struct Echo {
    operations: Operations,
}

#[tonic::async_trait]
impl Provider for Echo {
    async fn get_provider_schema(
        &self,
        _request: Request<tfplugin6::get_provider_schema::Request>,
    ) -> Result<Response<tfplugin6::get_provider_schema::Response>, Status> {
        tracing::info!(tf_rpc = "GetProviderSchema", "called");
        Ok(Response::new(tfplugin6::get_provider_schema::Response {
            provider: Some(tfplugin6::Schema {
                version: 0,
                block: Some(tfplugin6::schema::Block::default()),
            }),
            ..Default::default()
        }))
    }

    async fn apply_resource_change(
        &self,
        request: Request<tfplugin6::apply_resource_change::Request>,
    ) -> Result<Response<tfplugin6::apply_resource_change::Response>, Status> {
        let request = request.into_inner();
        tracing::info!(tf_rpc = "ApplyResourceChange", tf_resource_type = request.type_name, "called");
        let planned = request.planned_state.unwrap_or_default();
        let applied = self
            .operations
            .run(move |cancelled| async move {
                match request.type_name.as_str() {
                    "cancellable" => {
                        tracing::info!("started");
                        cancelled.cancelled().await;
                        tokio::time::sleep(STEP).await;
                        tracing::info!("ended in order");
                        planned
                    }
                    "stubborn" => {
                        tracing::info!("started");
                        std::future::pending().await
                    }
                    "panicking" => panic!("the echo broke"),
                    _ => planned,
                }
            })
            .await;
        Ok(Response::new(match applied {
            Ok(state) => {
                tfplugin6::apply_resource_change::Response { new_state: Some(state), ..Default::default() }
            }
            Err(panicked) => tfplugin6::apply_resource_change::Response {
                diagnostics: vec![tfplugin6::Diagnostic {
                    severity: tfplugin6::diagnostic::Severity::Error.into(),
                    summary: panicked.to_string(),
                    ..Default::default()
                }],
                ..Default::default()
            },
        }))
    }

    async fn stop_provider(
        &self,
        _request: Request<tfplugin6::stop_provider::Request>,
    ) -> Result<Response<tfplugin6::stop_provider::Response>, Status> {
        self.operations.stop();
        Ok(Response::new(tfplugin6::stop_provider::Response::default()))
    }
}

/// A limit that a test has set.
fn limit(variable: &str) -> Option<Duration> {
    std::env::var(variable).ok()?.parse().ok().map(Duration::from_millis)
}

fn main() -> ExitCode {
    let first_connection = limit("ECHO_FIRST_CONNECTION_MS");
    let shutdown = limit("ECHO_SHUTDOWN_MS");
    if first_connection.is_none() && shutdown.is_none() {
        return run("provider.echo", |operations| Echo { operations });
    }
    let default = Limits::default();
    run_within(Limits {
        first_connection: first_connection.unwrap_or(default.first_connection),
        shutdown: shutdown.unwrap_or(default.shutdown),
        ..default
    })
}

/// What [`run`] does, with other limits.
#[tokio::main]
async fn run_within(limits: Limits) -> ExitCode {
    tfplugin::logging::init("provider.echo");
    let operations = Operations::new();
    let options = Options { limits, ..Options::of_process(operations.clone()) };
    exit_code(serve(Echo { operations }, options).await)
}
