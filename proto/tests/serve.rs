//! A plugin's process from the first line to the exit code, over a real socket.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail the test")]

#[expect(unreachable_pub, reason = "shared by this test's modules only")]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::future::{poll_immediate, ready};
use futures::stream;
use rstest::rstest;
use rustix::process::Signal;
use serde_json::Value;
use tfplugin::operations::Operations;
use tfplugin::serve::serve_listener;
use tfplugin::wire::plugin::{ConnInfo, Empty, StdioData};
use tfplugin::wire::tfplugin6::provider_server::Provider;
use tfplugin::wire::tfplugin6::{DynamicValue, apply_resource_change, get_provider_schema, stop_provider};
use tokio::net::UnixListener;
use tokio::task::JoinSet;
use tonic::{Code, Status, Streaming};

use support::certificates::Identity;
use support::client::{Client, Security, Version};
use support::plugin::{Plugin, command};
use support::soon;

/// How long a host waits after Shutdown before it kills.
const HOST_PATIENCE: Duration = Duration::from_secs(2);

/// The state that an interrupted operation returns.
const PARTIAL: &[u8] = b"partial";

async fn schema(client: &Client) -> Result<get_provider_schema::Response, Status> {
    let path = "/tfplugin6.Provider/GetProviderSchema";
    soon("the schema", client.call(path, get_provider_schema::Request {})).await
}

async fn apply(
    client: Client,
    type_name: &str,
    planned: Vec<u8>,
) -> Result<apply_resource_change::Response, Status> {
    let request = apply_resource_change::Request {
        type_name: type_name.to_owned(),
        planned_state: Some(DynamicValue { msgpack: planned, json: Vec::new() }),
        ..Default::default()
    };
    soon("a reply", client.call("/tfplugin6.Provider/ApplyResourceChange", request)).await
}

async fn shutdown(client: &Client) -> Result<Empty, Status> {
    soon("the answer to Shutdown", client.call("/plugin.GRPCController/Shutdown", Empty {})).await
}

fn state(reply: Result<apply_resource_change::Response, Status>) -> Vec<u8> {
    reply.unwrap().new_state.unwrap().msgpack
}

#[tokio::test]
async fn without_a_host_it_says_so_and_ends() {
    let output = soon("its end", command().output()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("plugin for Terraform and OpenTofu"), "{said}");
}

#[tokio::test]
async fn handshake_line_names_a_private_socket() {
    let plugin = Plugin::start_secure().await;
    let fields = plugin.handshake();
    assert_eq!(fields.len(), 6, "{}", plugin.line);
    assert_eq!([fields[0], fields[1], fields[2], fields[4]], ["1", "6", "unix", "grpc"]);
    assert_eq!(plugin.socket().parent().unwrap(), plugin.directory());
    assert_eq!(fs::metadata(plugin.socket()).unwrap().permissions().mode() & 0o777, 0o600);
    // Hosts take anything shorter for no certificate at all.
    assert!(fields[5].len() >= 51);
}

#[tokio::test]
async fn a_host_that_asks_is_told_that_there_is_no_multiplexing() {
    let plugin = Plugin::start(Some(Identity::generate()), &[("PLUGIN_MULTIPLEX_GRPC", "true")]).await;
    assert_eq!(plugin.handshake().get(6), Some(&"false"));
}

#[rstest]
#[case::tls_1_3(Version::Tls13)]
#[case::tls_1_2(Version::Tls12)]
#[tokio::test]
async fn only_the_host_is_served(#[case] version: Version) {
    let host = Identity::generate();
    let other = Identity::generate();
    let wrong_key = host.with_key_of(&other);
    let mut plugin = Plugin::start(Some(host.with_key_of(&host)), &[]).await;
    let refused = [
        ("no certificate", plugin.tls(None, version)),
        ("another certificate", plugin.tls(Some(Arc::new(other)), version)),
        ("a certificate without its key", plugin.tls(Some(Arc::new(wrong_key)), version)),
        ("plaintext", Security::Plaintext),
    ];
    for (number, (what, security)) in refused.iter().enumerate() {
        let answered = match plugin.connect_with(security).await {
            Ok(client) => schema(&client).await.is_ok(),
            Err(_) => false,
        };
        assert!(!answered, "served: {what}");
        plugin.logged("refused a connection", number + 1).await;
    }
    let client = plugin.connect_with(&plugin.tls(Some(Arc::new(host)), version)).await.unwrap();
    schema(&client).await.unwrap();
    plugin.logged("called", 1).await;
    let calls = plugin.stderr().iter().filter(|line| line.contains("GetProviderSchema")).count();
    assert_eq!(calls, 1, "a refused peer reached the provider");
}

#[tokio::test]
async fn plaintext_is_served_if_the_host_wants_it() {
    let plugin = Plugin::start(None, &[]).await;
    assert_eq!(plugin.handshake()[5], "");
    schema(&plugin.connect().await).await.unwrap();
}

#[tokio::test]
async fn health_is_told() {
    use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
    let plugin = Plugin::start_secure().await;
    let client = plugin.connect().await;
    let request = HealthCheckRequest { service: "plugin".to_owned() };
    let health: HealthCheckResponse =
        soon("health", client.call("/grpc.health.v1.Health/Check", request)).await.unwrap();
    assert_eq!(health.status, 1);
}

#[tokio::test]
async fn a_method_that_we_do_not_have_is_unimplemented() {
    let plugin = Plugin::start_secure().await;
    let client = plugin.connect().await;
    let undefined: Result<Empty, Status> = client.call("/tfplugin6.Provider/PlanAction", Empty {}).await;
    assert_eq!(undefined.unwrap_err().code(), Code::Unimplemented);
    let left_out: Result<Empty, Status> = client.call("/tfplugin6.Provider/GetMetadata", Empty {}).await;
    assert_eq!(left_out.unwrap_err().code(), Code::Unimplemented);
}

#[tokio::test]
async fn large_requests_and_replies_pass() {
    let plugin = Plugin::start_secure().await;
    let large = vec![b'x'; 5_000_000];
    let reply = apply(plugin.connect().await, "echo", large.clone()).await;
    assert!(state(reply) == large);
}

#[tokio::test]
async fn side_streams_stay_silent_and_do_not_delay_the_end() {
    let mut plugin = Plugin::start_secure().await;
    let client = plugin.connect().await;
    let output = client.open("/plugin.GRPCStdio/StreamStdio", stream::once(ready(())));
    let mut output: Streaming<StdioData> = soon("the output stream", output).await.unwrap();
    let offers =
        stream::once(ready(ConnInfo { service_id: 1, ..Default::default() })).chain(stream::pending());
    let broker = client.open("/plugin.GRPCBroker/StartStream", offers);
    let mut broker: Streaming<ConnInfo> = soon("the broker's stream", broker).await.unwrap();
    schema(&client).await.unwrap();
    assert!(poll_immediate(output.message()).await.is_none());
    assert!(poll_immediate(broker.message()).await.is_none());
    shutdown(&client).await.unwrap();
    drop(client);
    let answered = Instant::now();
    assert!(plugin.ended().await.success());
    assert!(answered.elapsed() < HOST_PATIENCE, "{:?}", answered.elapsed());
}

#[tokio::test]
async fn stop_ends_what_runs_and_the_provider_lives_on() {
    let mut plugin = Plugin::start_secure().await;
    let client = plugin.connect().await;
    let mut applies = JoinSet::new();
    applies.spawn(apply(client.clone(), "cancellable", PARTIAL.to_vec()));
    plugin.logged("started", 1).await;
    let stop = client.call("/tfplugin6.Provider/StopProvider", stop_provider::Request {});
    let stopped: stop_provider::Response = soon("the answer to Stop", stop).await.unwrap();
    assert_eq!(stopped.error, "");
    assert_eq!(state(applies.join_next().await.unwrap().unwrap()), PARTIAL);

    // Not cancelled from the start.
    applies.spawn(apply(client.clone(), "cancellable", PARTIAL.to_vec()));
    plugin.logged("started", 2).await;
    assert_eq!(state(apply(client.clone(), "echo", b"more".to_vec()).await), b"more");
    assert!(applies.try_join_next().is_none());
}

#[tokio::test]
async fn shutdown_is_answered_after_the_running_operation() {
    let mut plugin = Plugin::start_secure().await;
    let socket = plugin.socket();
    let client = plugin.connect().await;
    let mut applies = JoinSet::new();
    applies.spawn(apply(client.clone(), "cancellable", PARTIAL.to_vec()));
    plugin.logged("started", 1).await;
    shutdown(&client).await.unwrap();
    let answered = Instant::now();
    // It is here already: no more waiting is needed.
    let reply = applies.try_join_next().expect("Shutdown was answered before the operation");
    assert_eq!(state(reply.unwrap()), PARTIAL);
    assert!(plugin.ended().await.success());
    assert!(answered.elapsed() < HOST_PATIENCE, "{:?}", answered.elapsed());
    assert!(!socket.exists());
}

#[tokio::test]
async fn shutdown_is_answered_after_the_last_byte_of_a_large_reply() {
    let mut plugin = Plugin::start_secure().await;
    let client = plugin.connect().await;
    let large = vec![b'x'; 20_000_000];
    let mut applies = JoinSet::new();
    applies.spawn(apply(client.clone(), "cancellable", large.clone()));
    plugin.logged("started", 1).await;
    shutdown(&client).await.unwrap();
    // So does a host.
    client.cut();
    assert!(state(applies.join_next().await.unwrap().unwrap()) == large);
    assert!(plugin.ended().await.success());
}

#[tokio::test]
async fn shutdown_does_not_wait_for_ever() {
    let limit = ("ECHO_SHUTDOWN_MS", "200");
    let mut plugin = Plugin::start(Some(Identity::generate()), &[limit]).await;
    let client = plugin.connect().await;
    let mut applies = JoinSet::new();
    applies.spawn(apply(client.clone(), "stubborn", Vec::new()));
    plugin.logged("started", 1).await;
    shutdown(&client).await.unwrap();
    assert!(plugin.ended().await.success());
    plugin.logged("ending in the middle of operations", 1).await;
}

#[tokio::test]
async fn a_lost_host_ends_operations_in_order_and_then_the_process() {
    let mut plugin = Plugin::start_secure().await;
    let socket = plugin.socket();
    let client = plugin.connect().await;
    let mut applies = JoinSet::new();
    applies.spawn(apply(client.clone(), "cancellable", PARTIAL.to_vec()));
    plugin.logged("started", 1).await;
    client.cut();
    assert!(applies.join_next().await.unwrap().unwrap().is_err());
    plugin.logged("ended in order", 1).await;
    assert!(plugin.ended().await.success());
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_host_that_never_connects_is_given_up() {
    let limit = ("ECHO_FIRST_CONNECTION_MS", "100");
    let mut plugin = Plugin::start(Some(Identity::generate()), &[limit]).await;
    let socket = plugin.socket();
    assert_eq!(plugin.ended().await.code(), Some(1));
    assert!(!socket.exists());
}

#[rstest]
#[case::interrupt(Signal::INT)]
#[case::hangup(Signal::HUP)]
#[tokio::test]
async fn signals_of_the_terminal_are_left_to_the_host(#[case] signal: Signal) {
    let mut plugin = Plugin::start_secure().await;
    let client = plugin.connect().await;
    let mut applies = JoinSet::new();
    applies.spawn(apply(client.clone(), "cancellable", PARTIAL.to_vec()));
    plugin.logged("started", 1).await;
    plugin.signal(signal);
    assert_eq!(state(apply(client.clone(), "echo", b"here".to_vec()).await), b"here");
    assert!(applies.try_join_next().is_none(), "the operation was cancelled");
}

#[tokio::test]
async fn sigterm_lets_operations_reply() {
    let mut plugin = Plugin::start_secure().await;
    let socket = plugin.socket();
    let client = plugin.connect().await;
    let mut applies = JoinSet::new();
    applies.spawn(apply(client.clone(), "cancellable", PARTIAL.to_vec()));
    plugin.logged("started", 1).await;
    plugin.signal(Signal::TERM);
    assert_eq!(state(applies.join_next().await.unwrap().unwrap()), PARTIAL);
    assert!(plugin.ended().await.success());
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_panic_is_answered_and_shown_to_the_host() {
    let mut plugin = Plugin::start_secure().await;
    let client = plugin.connect().await;
    let reply = apply(client.clone(), "panicking", Vec::new()).await.unwrap();
    assert_eq!(reply.diagnostics[0].summary, "the operation panicked: the echo broke");
    assert_eq!(state(apply(client, "echo", b"alive".to_vec()).await), b"alive");
    // Hosts look for lines that begin so.
    plugin.wrote("the panic", 1, |line| line == "panic: the echo broke").await;
}

#[tokio::test]
async fn log_lines_are_what_the_host_takes_apart() {
    let mut plugin = Plugin::start(Some(Identity::generate()), &[("TF_LOG", "INFO")]).await;
    schema(&plugin.connect().await).await.unwrap();
    plugin.logged("called", 1).await;
    let lines: Vec<Value> =
        plugin.stderr().iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for line in &lines {
        assert!(["info", "warn", "error"].contains(&line["@level"].as_str().unwrap()), "{line}");
        assert!(line["@message"].is_string() && line["@module"] == "provider.echo", "{line}");
        let time = line["@timestamp"].as_str().unwrap();
        let digits = time.strip_suffix('Z').and_then(|time| time.rsplit_once('.')).unwrap().1;
        assert!(digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_digit()), "{time}");
    }
    assert!(lines.iter().any(|line| line["tf_rpc"] == "GetProviderSchema"), "{lines:#?}");
}

#[tokio::test]
async fn nothing_is_logged_if_nobody_asks() {
    let mut plugin = Plugin::start(Some(Identity::generate()), &[("TF_LOG", "")]).await;
    let client = plugin.connect().await;
    schema(&client).await.unwrap();
    shutdown(&client).await.unwrap();
    assert!(plugin.ended().await.success());
    assert_eq!(plugin.all_stderr().await, Vec::<String>::new());
}

/// A process under a debugger outlives the hosts that attach to it.
#[tokio::test]
async fn a_listener_serves_one_host_after_another() {
    struct Empty;
    impl Provider for Empty {}

    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let mut server = JoinSet::new();
    server.spawn(serve_listener(listener, Empty, Operations::new()));
    for _host in 0..2 {
        let client = soon("a connection", Client::connect(&socket, &Security::Plaintext)).await.unwrap();
        assert_eq!(schema(&client).await.unwrap_err().code(), Code::Unimplemented);
        client.cut();
    }
    assert!(server.try_join_next().is_none(), "the server has ended");
}
