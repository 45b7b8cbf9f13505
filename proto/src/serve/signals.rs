//! Signals.
//!
//! A terminal sends SIGINT and SIGHUP to the whole group, so they reach host and plugin alike. The host decides
//! what they mean: it calls StopProvider, or dies, which closes the connection, or was started to survive them.
//! A plugin that died of them would lose what it is just creating. SIGTERM is meant for this process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals of this process, from now on.
pub(super) struct Signals {
    terminate: Signal,
}

impl Signals {
    /// Takes over from the system. Must be called within a runtime.
    pub(super) fn install() -> io::Result<Self> {
        for ignored in [SignalKind::interrupt(), SignalKind::hangup()] {
            // The handler stays when its stream is dropped, and does nothing then.
            drop(signal(ignored)?);
        }
        Ok(Self { terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for SIGTERM.
    pub(super) async fn terminated(&mut self) {
        // None would mean that signals are no longer delivered; then this can never happen.
        if self.terminate.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}
