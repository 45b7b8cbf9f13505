//! A provider's `main` in one call.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime;

use super::{Options, ServeError, serve};
use crate::logging;
use crate::operations::Operations;
use crate::wire::tfplugin6::provider_server::Provider;

/// What blocking calls (name resolution, files) get to return in when all is done. A host kills the process two
/// seconds after Shutdown is answered.
const BLOCKING_GRACE: Duration = Duration::from_millis(500);

/// Sets up logging under `module` (`provider.multicluster`), makes the service, and serves it to the host until the
/// end. The answer is what `main` returns.
pub fn run<S: Provider>(module: &str, service: impl FnOnce(Operations) -> S) -> ExitCode {
    logging::init(module);
    let operations = Operations::new();
    let options = Options::of_process(operations.clone());
    if !options.environment.has_cookie {
        return exit_code(Err(ServeError::NoHost));
    }
    let runtime = match runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit_code(Err(ServeError::Runtime(error))),
    };
    let served = runtime.block_on(async { serve(service(operations), options).await });
    // Not a drop, which would wait for blocking calls without end.
    runtime.shutdown_timeout(BLOCKING_GRACE);
    exit_code(served)
}

/// Says on stderr what went wrong, if anything, and how the process is to end.
#[must_use]
pub fn exit_code(served: Result<(), ServeError>) -> ExitCode {
    let Err(error) = served else { return ExitCode::SUCCESS };
    // There is nowhere left to report to if stderr is closed.
    let _ = writeln!(std::io::stderr().lock(), "{}", logging::chain(&error));
    ExitCode::FAILURE
}
