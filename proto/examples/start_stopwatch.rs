//! Measures how a provider starts: `start_stopwatch PROVIDER COUNT` starts it COUNT times as a host does, with TLS on
//! both sides, asks for its schema, and ends it. Prints one JSON object with what each start took.

#![expect(clippy::unwrap_used, reason = "a measurement that fails has nothing to tell")]
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

#[expect(dead_code, unreachable_pub, reason = "shared with the tests of serving")]
#[path = "../tests/support/certificates.rs"]
mod certificates;
#[expect(dead_code, unreachable_pub, reason = "shared with the tests of serving")]
#[path = "../tests/support/client.rs"]
mod client;

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustls_pki_types::CertificateDer;
use serde_json::json;
use tfplugin::wire::plugin::Empty;
use tfplugin::wire::tfplugin6::get_provider_schema;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use certificates::Identity;
use client::{Client, Failure, Security, Version};

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// One start.
struct Start {
    handshake: Duration,
    schema: Duration,
    /// None where the system does not say.
    resident_kib: Option<u64>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(provider), Some(count)) = (arguments.next(), arguments.next()) else {
        return Err("usage: start_stopwatch PROVIDER COUNT".into());
    };
    let count: usize = count.parse()?;
    // The host makes its certificate before it starts the provider, so that is not counted.
    let host = Arc::new(Identity::generate());
    let mut starts = Vec::new();
    for _ in 0..count {
        starts.push(start(&provider, &host).await?);
    }
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    let report = json!({
        "handshake_ms": starts.iter().map(|start| milliseconds(start.handshake)).collect::<Vec<_>>(),
        "schema_ms": starts.iter().map(|start| milliseconds(start.schema)).collect::<Vec<_>>(),
        "resident_kib": starts.iter().filter_map(|start| start.resident_kib).collect::<Vec<_>>(),
    });
    println!("{report}");
    Ok(())
}

async fn start(provider: &str, host: &Arc<Identity>) -> Result<Start, Failure> {
    let sockets = tempfile::tempdir()?;
    let mut command = Command::new(provider);
    command
        .env_clear()
        .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
        .env("PLUGIN_PROTOCOL_VERSIONS", "6,5")
        .env("PLUGIN_UNIX_SOCKET_DIR", sockets.path())
        .env("PLUGIN_CLIENT_CERT", &host.pem)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);

    let begun = Instant::now();
    let mut child = command.spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no stdout")?).read_line(&mut line).await?;
    let handshake = begun.elapsed();
    let client = connect(&line, host).await?;
    let path = "/tfplugin6.Provider/GetProviderSchema";
    let schema: get_provider_schema::Response =
        client.call(path, get_provider_schema::Request::default()).await?;
    let answered = begun.elapsed();

    if schema.resource_schemas.is_empty() {
        return Err("the provider has no resources".into());
    }
    let resident_kib = child.id().and_then(resident_kib);
    let _: Empty = client.call("/plugin.GRPCController/Shutdown", Empty {}).await?;
    drop(client);
    let status = child.wait().await?;
    if !status.success() {
        return Err(format!("the provider ended with {status}").into());
    }
    Ok(Start { handshake, schema: answered, resident_kib })
}

async fn connect(line: &str, host: &Arc<Identity>) -> Result<Client, Failure> {
    let fields: Vec<&str> = line.trim_end().split('|').collect();
    let [_, _, _, socket, _, certificate] = fields.as_slice() else {
        return Err(format!("not a handshake line: {line:?}").into());
    };
    let server = CertificateDer::from(STANDARD_NO_PAD.decode(certificate)?);
    let security = Security::Tls { server, client: Some(Arc::clone(host)), version: Version::Tls13 };
    Client::connect(Path::new(socket), &security).await
}

fn resident_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
