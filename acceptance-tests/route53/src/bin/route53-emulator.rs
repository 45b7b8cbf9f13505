//! `route53-emulator`: starts an emulator, says where it is in one line of JSON, and runs until it is told to end.

use std::{
    collections::BTreeMap,
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::Context as _;
use clap::Parser;
use route53_emulator::{Emulator, Knobs, Options, dns::Settings, model::Name};
use tokio::io::AsyncReadExt as _;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A strict emulator of Amazon Route 53: API, control endpoint and DNS.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where the API listens.
    #[arg(long, default_value_t = LOOPBACK)]
    listen: SocketAddr,
    /// Where the control endpoint listens.
    #[arg(long, default_value_t = LOOPBACK)]
    control: SocketAddr,
    /// Where DNS listens, UDP and TCP.
    #[arg(long, default_value_t = LOOPBACK)]
    dns: SocketAddr,
    /// Time from a change to INSYNC, such as 1s or 200ms.
    #[arg(long, default_value = "1s", value_parser = duration)]
    insync_after: Duration,
    /// Requests per second of the account; without it there is no limit. The service's own limit is 5.
    #[arg(long)]
    requests_per_second: Option<f64>,
    /// Time after a change of a zone in which another is refused with PriorRequestNotComplete.
    #[arg(long, default_value = "0s", value_parser = duration)]
    prior_request: Duration,
    /// Time that every reply waits.
    #[arg(long, default_value = "0s", value_parser = duration)]
    delay: Duration,
    /// The most items of a page.
    #[arg(long)]
    page_size: Option<usize>,
    /// Refuses health checks of addresses that are reserved for documentation, as the service does.
    #[arg(long)]
    strict_addresses: bool,
    /// Makes a public hosted zone of this name; may be given several times.
    #[arg(long = "zone")]
    zones: Vec<String>,
    /// Ends when the standard input is closed, so that the emulator never outlives the program that started it.
    #[arg(long)]
    until_stdin_closes: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    Duration::try_from(parsed).map_err(|error| error.to_string())
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let knobs = Knobs {
        insync_after_ms: milliseconds(arguments.insync_after),
        requests_per_second: arguments.requests_per_second,
        prior_request_ms: milliseconds(arguments.prior_request),
        delay_ms: milliseconds(arguments.delay),
        page_size: arguments.page_size,
        strict_addresses: arguments.strict_addresses,
        ..Knobs::default()
    };
    let emulator = Emulator::start(Options {
        listen: arguments.listen,
        control: arguments.control,
        dns: arguments.dns,
        knobs,
        dns_settings: Settings::default(),
    })
    .await
    .context("cannot start")?;
    let mut zones = BTreeMap::new();
    for name in &arguments.zones {
        let name = Name::parse(name).with_context(|| format!("cannot make the zone {name}"))?;
        let id =
            emulator.create_zone(name.clone()).with_context(|| format!("cannot make the zone {name}"))?;
        zones.insert(name.as_str().to_owned(), id);
    }
    say(&emulator, &zones)?;
    tokio::select! {
        () = stdin_closes(), if arguments.until_stdin_closes => {}
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for signals")?,
    }
    emulator.stop().await;
    Ok(())
}

fn say(emulator: &Emulator, zones: &BTreeMap<String, String>) -> anyhow::Result<()> {
    let line = serde_json::json!({
        "api_url": emulator.api_url,
        "control_url": emulator.control_url,
        "dns_addr": emulator.dns_addr,
        "zones": zones,
    });
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).context("cannot write to the standard output")
}

/// Returns when the standard input ends or fails; what is written to it is thrown away.
async fn stdin_closes() {
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 256];
    while input.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
}
