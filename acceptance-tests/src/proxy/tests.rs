//! The faults, seen by a plain TCP client before a server that echoes.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::lab::{Cloud, prepare};

struct Scene {
    proxy: Proxy,
    _upstream: JoinSet<()>,
    _directory: tempfile::TempDir,
}

async fn scene() -> Scene {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = upstream.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut echoes = JoinSet::new();
        while let Ok((mut connection, _)) = upstream.accept().await {
            echoes.spawn(async move {
                let (mut read, mut write) = connection.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let cluster = prepare::cluster(directory.path(), Cloud::Aws, port).unwrap();
    Scene { proxy: Proxy::start(&cluster).await.unwrap(), _upstream: tasks, _directory: directory }
}

async fn echo(connection: &mut TcpStream) -> std::io::Result<()> {
    connection.write_all(b"ping").await?;
    let mut answer = [0; 4];
    connection.read_exact(&mut answer).await.map(|_| ())
}

#[tokio::test]
async fn switching_closes_what_was_open_and_the_port_stays() {
    let scene = scene().await;
    let address = scene.proxy.address;
    let mut before = TcpStream::connect(address).await.unwrap();
    echo(&mut before).await.unwrap();

    scene.proxy.set(Fault::Cut).await.unwrap();
    assert!(echo(&mut before).await.is_err(), "an open connection survived");
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);

    scene.proxy.set(Fault::None).await.unwrap();
    let mut after = TcpStream::connect(address).await.unwrap();
    echo(&mut after).await.unwrap();
    assert_eq!(scene.proxy.connections(), 2);
}

#[tokio::test]
async fn slow_holds_data_in_both_directions() {
    let scene = scene().await;
    scene.proxy.set(Fault::Slow(Duration::from_millis(60))).await.unwrap();
    let mut connection = TcpStream::connect(scene.proxy.address).await.unwrap();
    let started = tokio::time::Instant::now();
    echo(&mut connection).await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(120), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_blackhole_accepts_and_says_nothing() {
    let scene = scene().await;
    scene.proxy.set(Fault::Blackhole).await.unwrap();
    let mut connection = TcpStream::connect(scene.proxy.address).await.unwrap();
    let answer = tokio::time::timeout(Duration::from_millis(100), echo(&mut connection)).await;
    assert!(answer.is_err(), "it answered");
    scene.proxy.set(Fault::None).await.unwrap();
    assert!(echo(&mut connection).await.is_err(), "the silent connection survived");
}

#[tokio::test]
async fn errors_are_answers_of_kubernetes_under_the_clusters_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = prepare::cluster(directory.path(), Cloud::Gcp, 17_000).unwrap();
    let proxy = Proxy::start(&cluster).await.unwrap();
    proxy.set(Fault::Errors(403)).await.unwrap();
    let client = cluster.client_at(&proxy.host()).await.unwrap();
    let kube::Error::Api(status) = client.apiserver_version().await.unwrap_err() else {
        panic!("not an answer of the API");
    };
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
}

async fn code(client: &kube::Client) -> Option<u16> {
    match client.apiserver_version().await.unwrap_err() {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

#[tokio::test]
async fn picked_requests_are_harmed_and_the_others_reach_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let mut cluster = prepare::cluster(directory.path(), Cloud::Gcp, 17_000).unwrap();
    // The server behind it is a proxy that forbids everything.
    let server = Proxy::start(&cluster).await.unwrap();
    server.set(Fault::Errors(403)).await.unwrap();
    cluster.host = server.host();
    let proxy = Proxy::start(&cluster).await.unwrap();
    let client = cluster.client_at(&proxy.host()).await.unwrap();
    let picked =
        |contains, harm| Fault::Picked(Picked { method: "GET", contains, unless: "", times: 2, harm });
    let refused = Harm::Refused { status: 500, retry_after: None };

    proxy.set(picked("/version", refused)).await.unwrap();
    let answers = [code(&client).await, code(&client).await, code(&client).await];
    assert_eq!(answers, [Some(500), Some(500), Some(403)]);
    proxy.set(picked("/elsewhere", refused)).await.unwrap();
    assert_eq!(code(&client).await, Some(403));
    proxy.set(picked("/version", Harm::HalfAnswered)).await.unwrap();
    assert_eq!(code(&client).await, None);
    assert_eq!(proxy.harmed(), 3);
}
