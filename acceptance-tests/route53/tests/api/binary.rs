//! The program.

use std::process::Stdio;

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::world::{DEADLINE, client};

async fn start(arguments: &[&str]) -> (Child, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_route53-emulator"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    timeout(DEADLINE, output.read_line(&mut line)).await.unwrap().unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

#[tokio::test]
async fn it_says_where_it_is_and_ends_with_its_standard_input() {
    let (mut child, ready) =
        start(&["--until-stdin-closes", "--zone", "Example.com", "--insync-after", "0s"]).await;
    let client = client(ready["api_url"].as_str().unwrap());
    let zones = client.list_hosted_zones().send().await.unwrap().hosted_zones;
    assert_eq!(zones[0].id, format!("/hostedzone/{}", ready["zones"]["example.com."].as_str().unwrap()));
    ready["dns_addr"].as_str().unwrap().parse::<std::net::SocketAddr>().unwrap();
    assert!(ready["control_url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    drop(child.stdin.take());
    let status = timeout(DEADLINE, child.wait()).await.unwrap().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn a_zone_that_cannot_be_is_an_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_route53-emulator")).args(["--zone", "a..b"]).output();
    let output = timeout(DEADLINE, output).await.unwrap().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("a..b"));
}
