//! An emulator with a zone, and a client of it.

use std::time::Duration;

use multicluster::{
    core::route53::{
        Batch, Change, Data, OwnerId, OwnerMark, RecordName, RecordSet, RecordType, Routing, SetKey,
    },
    route53::{Client, Keys, Run, Settings, Zone},
};
use route53_emulator::{Emulator, Knobs, Options, model::Name};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The emulator ends with it.
pub(crate) struct World {
    emulator: Emulator,
    pub(crate) client: Client,
    pub(crate) zone: Zone,
}

/// Settings for a server on loopback that is not asked slowly.
pub(crate) fn settings(url: &str) -> Settings {
    Settings {
        region: Some("us-east-1".to_owned()),
        endpoint_url: Some(url.to_owned()),
        credentials: Some(Keys {
            access_key: SecretString::from("AKIAIOSFODNN7EXAMPLE"),
            secret_key: SecretString::from("hunter2hunter2"),
            token: Some(SecretString::from("session-hunter2")),
        }),
        requests_per_second: 1000,
        first_poll: Duration::from_millis(20),
        ..Settings::default()
    }
}

pub(crate) fn soon() -> Run {
    Run::within(Duration::from_secs(60))
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Knobs::default()).await
    }

    pub(crate) async fn with(knobs: Knobs) -> Self {
        let emulator = Emulator::start(Options { knobs, ..Options::default() }).await.unwrap();
        let id = emulator.create_zone(Name::parse("example.com").unwrap()).unwrap();
        let client = Client::new(&settings(&emulator.api_url)).await;
        let zone = client.zone(&id);
        let world = Self { emulator, client, zone };
        world.control("DELETE", "/calls", &Value::Null).await;
        world
    }

    /// Another process that works on the same zone.
    pub(crate) async fn stranger(&self) -> Zone {
        Client::new(&settings(&self.emulator.api_url)).await.zone(self.zone.id())
    }

    pub(crate) fn url(&self) -> &str {
        &self.emulator.api_url
    }

    pub(crate) async fn turn(&self, knobs: Value) {
        self.control("POST", "/knobs", &knobs).await;
    }

    /// Fills the zone with `count` names.
    pub(crate) async fn fill(&self, count: u32) {
        let template = json!({
            "Name": "host-{i}.example.com.", "Type": "A", "TTL": 60, "ResourceRecords": [{ "Value": "{ip}" }],
        });
        let path = format!("/zones/{}/record-sets", self.zone.id());
        self.control("POST", &path, &json!({ "generate": { "count": count, "template": template } })).await;
    }

    /// The operations that were called since the last look, in order.
    pub(crate) async fn calls(&self) -> Vec<String> {
        let calls = self.control("GET", "/calls", &Value::Null).await;
        self.control("DELETE", "/calls", &Value::Null).await;
        let name = |call: &Value| call["operation"].as_str().unwrap().to_owned();
        calls.as_array().unwrap().iter().map(name).collect()
    }

    /// How often an operation was called since the last look.
    pub(crate) async fn count(&self, operation: &str) -> usize {
        self.calls().await.iter().filter(|name| *name == operation).count()
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let address = self.emulator.control_url.trim_start_matches("http://");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap()
    }
}

pub(crate) fn name(text: &str) -> RecordName {
    RecordName::new(text).unwrap()
}

pub(crate) fn key(text: &str, r#type: RecordType, identifier: Option<&str>) -> SetKey {
    SetKey { name: name(text), r#type, set_identifier: identifier.map(str::to_owned) }
}

pub(crate) fn a(text: &str, address: &str) -> RecordSet {
    RecordSet {
        key: key(text, RecordType::a(), None),
        routing: Routing::Simple,
        data: Data::Values { ttl: 60, values: [address.to_owned()].into() },
        health_check_id: None,
    }
}

/// Our mark at a name.
pub(crate) fn mark(text: &str, generation: u64) -> RecordSet {
    let mark = OwnerMark { owner: OwnerId::new("shop").unwrap(), generation, digest: "d".to_owned() };
    mark.record_set(&name(text)).unwrap()
}

pub(crate) fn batch(changes: impl IntoIterator<Item = Change>) -> Batch {
    Batch { changes: changes.into_iter().collect(), comment: "a test".to_owned() }
}

/// A name is made: its address and its mark.
pub(crate) fn made(text: &str, address: &str) -> Batch {
    batch([Change::create(a(text, address)), Change::create(mark(text, 1))])
}

/// A name gets another address, as the second writer of it.
pub(crate) fn moved(text: &str, from: &str, to: &str) -> Batch {
    batch([
        Change::delete(a(text, from)),
        Change::create(a(text, to)),
        Change::delete(mark(text, 1)),
        Change::create(mark(text, 2)),
    ])
}
