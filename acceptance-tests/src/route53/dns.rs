//! A DNS client that says where it is.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, bail, ensure};
use hickory_proto::{
    op::{Edns, Message, Query, ResponseCode},
    rr::{
        Name, RecordType,
        rdata::opt::{ClientSubnet, EdnsOption},
    },
};
use route53_emulator::{dns::network_of, model::CidrBlock};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

/// For one try over UDP; a busy machine may drop a datagram.
const TRY: Duration = Duration::from_secs(3);
const TRIES: usize = 5;
/// What fits into a datagram everywhere (DNS flag day 2020).
const PAYLOAD: u16 = 1232;

/// Asks one server.
#[derive(Debug, Clone, Copy)]
pub struct Dns(SocketAddr);

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Such as `NoError` or `NXDomain`.
    pub code: ResponseCode,
    /// The data of the records of the type that was asked for, sorted; behind CNAMEs within the zone as well.
    pub values: Vec<String>,
    /// Their TTL in seconds; none without records.
    pub ttl: Option<u32>,
}

impl std::fmt::Display for Answer {
    /// Code, TTL and values in one line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.code)?;
        if let Some(ttl) = self.ttl {
            write!(f, ", {ttl} s: {}", self.values.join(", "))?;
        }
        Ok(())
    }
}

impl Dns {
    pub(super) fn new(server: SocketAddr) -> Self {
        Self(server)
    }

    /// Asks as somebody whose place is unknown.
    ///
    /// # Errors
    /// This and all other ways to ask fail when the server does not answer in five tries of 3 s, or when its answer is
    /// not one to the question.
    pub async fn ask(&self, name: &str, record_type: RecordType) -> anyhow::Result<Answer> {
        self.exchange(name, record_type, None).await
    }

    /// Asks as somebody in a country (`DE`) or a state (`US-TX`).
    ///
    /// # Errors
    /// As [`Self::ask`], and when there is no such place.
    pub async fn ask_as(&self, place: &str, name: &str, record_type: RecordType) -> anyhow::Result<Answer> {
        let (country, subdivision) = match place.split_once('-') {
            Some((country, subdivision)) => (country, Some(subdivision)),
            None => (place, None),
        };
        let network = network_of(country, subdivision);
        let network = network.with_context(|| format!("`{place}` is not a place of Route 53"))?;
        self.exchange(name, record_type, Some(network)).await
    }

    /// Asks as somebody in a network.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_from(
        &self,
        network: CidrBlock,
        name: &str,
        record_type: RecordType,
    ) -> anyhow::Result<Answer> {
        self.exchange(name, record_type, Some(network)).await
    }

    async fn exchange(
        &self,
        name: &str,
        record_type: RecordType,
        network: Option<CidrBlock>,
    ) -> anyhow::Result<Answer> {
        let question = question(name, record_type, network)?;
        let context = || format!("asked for {name} {record_type}");
        let mut response = self.udp(&question).await.with_context(context)?;
        if response.metadata.truncation {
            response = timeout(TRY, self.tcp(&question))
                .await
                .context("no answer over TCP")?
                .with_context(context)?;
        }
        let records = response.answers.iter().filter(|record| record.record_type() == record_type);
        let mut values: Vec<String> = records.clone().map(|record| record.data.to_string()).collect();
        values.sort_unstable();
        let ttl = records.map(|record| record.ttl).min();
        Ok(Answer { code: response.metadata.response_code, values, ttl })
    }

    async fn udp(&self, question: &Message) -> anyhow::Result<Message> {
        let bytes = question.to_vec()?;
        for _ in 0..TRIES {
            let socket = UdpSocket::bind((self.0.ip(), 0)).await?;
            socket.connect(self.0).await?;
            socket.send(&bytes).await?;
            let mut buffer = vec![0; usize::from(PAYLOAD)];
            if let Ok(received) = timeout(TRY, socket.recv(&mut buffer)).await {
                let length = received.context("nobody listens")?;
                buffer.truncate(length);
                return read(&buffer, question);
            }
        }
        bail!("no answer over UDP from {} in {TRIES} tries", self.0)
    }

    async fn tcp(&self, question: &Message) -> anyhow::Result<Message> {
        let bytes = question.to_vec()?;
        let mut stream = TcpStream::connect(self.0).await?;
        stream.write_u16(bytes.len().try_into()?).await?;
        stream.write_all(&bytes).await?;
        let mut buffer = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut buffer).await?;
        read(&buffer, question)
    }
}

fn question(name: &str, record_type: RecordType, network: Option<CidrBlock>) -> anyhow::Result<Message> {
    let mut name = Name::from_ascii(name).with_context(|| format!("`{name}` is not a name"))?;
    name.set_fqdn(true);
    let mut message = Message::query();
    message.add_query(Query::query(name, record_type));
    let mut edns = Edns::new();
    edns.set_max_payload(PAYLOAD);
    if let Some(network) = network {
        let subnet = ClientSubnet::new(network.address(), network.prefix(), 0);
        edns.options_mut().insert(EdnsOption::Subnet(subnet));
    }
    message.set_edns(edns);
    Ok(message)
}

fn read(bytes: &[u8], question: &Message) -> anyhow::Result<Message> {
    let response = Message::from_vec(bytes).context("cannot read the answer")?;
    ensure!(
        response.metadata.id == question.metadata.id && response.queries == question.queries,
        "an answer to another question"
    );
    Ok(response)
}
