//! A host of our own: it starts a plugin, connects to it as go-plugin does (or wrongly), and watches it.

pub mod certificates;
pub mod client;
pub mod plugin;

use std::time::Duration;

/// How long anything may take that is expected to happen.
pub const SOON: Duration = Duration::from_secs(20);

/// Fails the test if `future` takes longer than [`SOON`].
pub async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(SOON, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited {SOON:?} in vain: {what}"),
    }
}
