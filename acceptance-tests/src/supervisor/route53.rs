//! The Route 53 emulator as a process of a lab: this same program, started once more.

use std::{ffi::OsString, net::SocketAddr, process::ExitCode};

use anyhow::Context as _;
use route53_emulator::{
    Emulator, Knobs, Options,
    dns::{Choice, Settings},
};
use tokio::signal::unix::{SignalKind, signal};

/// The name of the hidden subcommand.
pub(super) const SUBCOMMAND: &str = "__lab-route53";

/// Milliseconds from a change to INSYNC: long enough that who does not wait is caught, short enough for tests.
const INSYNC_AFTER: u64 = 300;

/// Its arguments: where API, control endpoint and DNS listen.
pub(super) fn arguments(addresses: [SocketAddr; 3]) -> Vec<String> {
    let addresses = addresses.iter().map(ToString::to_string);
    std::iter::once(SUBCOMMAND.to_owned()).chain(addresses).collect()
}

/// Runs it until it is told to end.
pub(super) fn run(arguments: impl Iterator<Item = OsString>) -> anyhow::Result<ExitCode> {
    let address = |text: OsString| text.to_str().and_then(|text| text.parse().ok());
    let addresses: Vec<SocketAddr> = arguments.filter_map(address).collect();
    let [listen, control, dns] = addresses[..] else {
        anyhow::bail!("the emulator needs three addresses");
    };
    let options = Options {
        listen,
        control,
        dns,
        knobs: Knobs { insync_after_ms: INSYNC_AFTER, ..Knobs::default() },
        // Weighted answers in turn, so that tests need not count on chance.
        dns_settings: Settings { choice: Choice::RoundRobin, ..Settings::default() },
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminations = signal(SignalKind::terminate())?;
        let emulator = Emulator::start(options).await.context("cannot start the Route 53 emulator")?;
        terminations.recv().await;
        emulator.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}
