//! The DNS front end, asked by messages of an independent library over real sockets.

#![expect(clippy::unwrap_used, reason = "what is not as expected fails the test")]

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hickory_proto::{
    op::{Edns, Message, OpCode, Query, ResponseCode},
    rr::{
        DNSClass, Name, RData, RecordType,
        rdata::opt::{ClientSubnet, EdnsCode, EdnsOption},
    },
};
use proptest::prelude::*;
use route53_emulator::{
    dns::{self, Control, Server, Settings, Transport},
    model::{self, CidrBlock, RawRecordSet, RecordSet, Store, Zone},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
    task::JoinSet,
    time::timeout,
};

/// Generous: the machine may be busy.
const LIMIT: Duration = Duration::from_secs(20);
const ZONE_ID: &str = "Z1";

fn zone(id: &str, name: &str, private: bool, sets: serde_json::Value) -> Zone {
    let raw: Vec<RawRecordSet> = serde_json::from_value(sets).unwrap();
    let sets = Arc::new(raw.iter().map(|raw| RecordSet::from_raw(raw).unwrap()).collect());
    Zone {
        id: id.to_owned(),
        name: model::Name::parse(name).unwrap(),
        private,
        caller_reference: id.to_owned(),
        comment: None,
        vpcs: BTreeSet::new(),
        name_servers: Vec::new(),
        record_sets: Arc::clone(&sets),
        published: sets,
    }
}

/// The zone that the tests ask.
fn example() -> serde_json::Value {
    let records = |values: &[&str]| -> Vec<serde_json::Value> {
        values.iter().map(|value| json!({"Value": value})).collect()
    };
    let many: Vec<String> = (0..40).map(|number| format!("192.0.2.{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    json!([
        {"Name": "example.com", "Type": "SOA", "TTL": 900, "ResourceRecords":
            records(&["ns-1.awsdns-01.org. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 300"])},
        {"Name": "example.com", "Type": "NS", "TTL": 172_800, "ResourceRecords": records(&["ns-1.awsdns-01.org."])},
        {"Name": "geo.example.com", "Type": "A", "SetIdentifier": "eu", "GeoLocation": {"ContinentCode": "EU"},
            "TTL": 60, "ResourceRecords": records(&["192.0.2.1"])},
        {"Name": "geo.example.com", "Type": "A", "SetIdentifier": "na", "GeoLocation": {"ContinentCode": "NA"},
            "AliasTarget": {"HostedZoneId": "Z35SXDOTRQ7X7K", "DNSName": "lb.us-east-1.elb.amazonaws.com",
                "EvaluateTargetHealth": true}},
        {"Name": "geo.example.com", "Type": "A", "SetIdentifier": "tx",
            "GeoLocation": {"CountryCode": "US", "SubdivisionCode": "TX"},
            "TTL": 60, "ResourceRecords": records(&["192.0.2.2"])},
        {"Name": "geo.example.com", "Type": "A", "SetIdentifier": "d", "GeoLocation": {"CountryCode": "*"},
            "TTL": 60, "ResourceRecords": records(&["192.0.2.9"])},
        {"Name": "many.example.com", "Type": "A", "TTL": 300, "ResourceRecords": records(&many)},
        {"Name": "alias.example.com", "Type": "A", "AliasTarget": {"HostedZoneId": ZONE_ID,
            "DNSName": "many.example.com", "EvaluateTargetHealth": false}},
        {"Name": "www.example.com", "Type": "CNAME", "TTL": 300, "ResourceRecords": records(&["GEO.example.com"])},
        {"Name": "out.example.com", "Type": "CNAME", "TTL": 300, "ResourceRecords": records(&["www.example.net"])},
        {"Name": "lost.example.com", "Type": "CNAME", "TTL": 300, "ResourceRecords": records(&["no.example.com"])},
        {"Name": "*.wild.example.com", "Type": "TXT", "TTL": 30, "ResourceRecords": records(&["\"a\" \"b\""])},
        {"Name": "a.b.example.com", "Type": "A", "TTL": 30, "ResourceRecords": records(&["192.0.2.3"])},
        {"Name": "sub.example.com", "Type": "NS", "TTL": 600, "ResourceRecords": records(&["ns.example.org."])},
        {"Name": "split.example.com", "Type": "A", "SetIdentifier": "a", "Weight": 3, "TTL": 60,
            "ResourceRecords": records(&["192.0.2.11"])},
        {"Name": "split.example.com", "Type": "A", "SetIdentifier": "b", "Weight": 1, "TTL": 60,
            "ResourceRecords": records(&["192.0.2.12"])},
    ])
}

fn store() -> Arc<Store> {
    let store = Store::new();
    let private = json!([
        {"Name": "corp.internal", "Type": "A", "SetIdentifier": "eu", "GeoLocation": {"ContinentCode": "EU"},
            "TTL": 60, "ResourceRecords": [{"Value": "10.0.0.1"}]},
        {"Name": "corp.internal", "Type": "A", "SetIdentifier": "d", "GeoLocation": {"CountryCode": "*"},
            "TTL": 60, "ResourceRecords": [{"Value": "10.0.0.9"}]},
    ]);
    store.write(|state| {
        state.zones.push(zone(ZONE_ID, "example.com", false, example()));
        state.zones.push(zone("Z2", "corp.internal", true, private));
    });
    Arc::new(store)
}

fn control(settings: serde_json::Value) -> Arc<Control> {
    let settings: Settings = serde_json::from_value(settings).unwrap();
    Arc::new(Control::new(settings).unwrap())
}

fn question(name: &str, record_type: RecordType) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), record_type));
    message.metadata.recursion_desired = true;
    message
}

fn from(mut message: Message, network: Option<CidrBlock>) -> Message {
    let mut edns = Edns::new();
    edns.set_max_payload(1232);
    if let Some(network) = network {
        let subnet = ClientSubnet::new(network.address(), network.prefix(), 0);
        edns.options_mut().insert(EdnsOption::Subnet(subnet));
    }
    message.set_edns(edns);
    message
}

fn country(code: &str) -> Option<CidrBlock> {
    Some(dns::network_of(code, None).unwrap())
}

/// Asks without sockets, as somebody at 127.0.0.1.
fn ask(control: &Control, message: &Message) -> Message {
    let local: IpAddr = "127.0.0.1".parse().unwrap();
    let bytes = message.to_vec().unwrap();
    let response = dns::respond(&store().snapshot(), control, local, Transport::Tcp, &bytes).unwrap();
    let response = Message::from_vec(&response).unwrap();
    assert_eq!(response.metadata.id, message.metadata.id);
    response
}

fn data(message: &Message) -> Vec<String> {
    message.answers.iter().map(|record| record.data.to_string()).collect()
}

fn only(message: &Message) -> String {
    let data = data(message);
    assert_eq!(data.len(), 1, "{data:?}");
    data[0].clone()
}

/// A running server.
struct Running {
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl Running {
    async fn start(control: Arc<Control>) -> Self {
        let server = Server::bind_loopback().await.unwrap();
        let address = server.address();
        let mut task = JoinSet::new();
        task.spawn(server.run(store(), control));
        Self { address, _task: task }
    }

    async fn udp(&self, message: &Message) -> Message {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(self.address).await.unwrap();
        socket.send(&message.to_vec().unwrap()).await.unwrap();
        let mut buffer = vec![0; 65_535];
        let length = timeout(LIMIT, socket.recv(&mut buffer)).await.unwrap().unwrap();
        Message::from_vec(&buffer[..length]).unwrap()
    }

    async fn tcp(&self, messages: &[Message]) -> Vec<Message> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut responses = Vec::new();
        for message in messages {
            let bytes = message.to_vec().unwrap();
            stream.write_u16(bytes.len().try_into().unwrap()).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
            let length = timeout(LIMIT, stream.read_u16()).await.unwrap().unwrap();
            let mut response = vec![0; length.into()];
            timeout(LIMIT, stream.read_exact(&mut response)).await.unwrap().unwrap();
            responses.push(Message::from_vec(&response).unwrap());
        }
        responses
    }
}

#[tokio::test]
async fn each_place_has_its_answer_over_udp_and_tcp() {
    let running = Running::start(Arc::default()).await;
    let balancer =
        dns::address_of(&model::Name::parse("lb.us-east-1.elb.amazonaws.com").unwrap(), model::RecordType::A);
    let balancer = balancer.unwrap().to_string();
    for (network, expected) in [
        (country("DE"), "192.0.2.1"),
        (country("CA"), balancer.as_str()),
        (dns::network_of("US", Some("TX")), "192.0.2.2"),
        (dns::network_v6_of("US", Some("TX")), "192.0.2.2"),
        (dns::network_of("US", Some("CA")), balancer.as_str()),
        (country("JP"), "192.0.2.9"),
        (Some(CidrBlock::parse("198.51.100.0/24").unwrap()), "192.0.2.9"),
        (None, "192.0.2.9"),
    ] {
        let message = from(question("geo.example.com.", RecordType::A), network);
        let mut responses = running.tcp(&[message.clone(), message.clone()]).await;
        responses.push(running.udp(&message).await);
        for response in responses {
            assert_eq!(only(&response), expected, "{network:?}");
            assert!(response.metadata.authoritative && response.metadata.recursion_desired);
            assert!(!response.metadata.recursion_available);
            let echoed = response.edns.unwrap().option(EdnsCode::Subnet).cloned();
            let expected = network.map(|network| {
                EdnsOption::Subnet(ClientSubnet::new(network.address(), network.prefix(), network.prefix()))
            });
            assert_eq!(echoed, expected);
        }
    }
}

#[tokio::test]
async fn long_answers_are_cut_over_udp_and_whole_over_tcp() {
    let running = Running::start(Arc::default()).await;
    let plain = question("many.example.com.", RecordType::A);
    let cut = running.udp(&plain).await;
    assert!(cut.metadata.truncation && cut.answers.is_empty() && cut.queries == plain.queries);
    let whole = running.udp(&from(plain.clone(), None)).await;
    assert!(!whole.metadata.truncation);
    assert_eq!(whole.answers.len(), 40);
    assert_eq!(running.tcp(&[plain]).await[0].answers.len(), 40);
}

#[tokio::test]
async fn what_is_no_query_harms_nobody() {
    let running = Running::start(Arc::default()).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for bytes in [&b""[..], b"x", &[0xff; 12], &[0; 11]] {
        socket.send_to(bytes, running.address).await.unwrap();
    }
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(&[0, 3, 1, 2, 3]).await.unwrap();
    // Nothing to say to that: the connection ends.
    assert_eq!(timeout(LIMIT, stream.read(&mut [0; 8])).await.unwrap().unwrap(), 0);
    let response = running.udp(&question("geo.example.com.", RecordType::A)).await;
    assert_eq!(only(&response), "192.0.2.9");
}

#[test]
fn case_is_kept() {
    let response = ask(&Control::default(), &question("GeO.eXample.com.", RecordType::A));
    assert_eq!(response.queries[0].name.to_ascii(), "GeO.eXample.com.");
    assert_eq!(response.answers[0].name.to_ascii(), "GeO.eXample.com.");
}

#[test]
fn without_a_subnet_the_sender_counts() {
    let message = question("geo.example.com.", RecordType::A);
    let control = control(json!({"networks": {"127.0.0.0/8": {"country": "DE"}}}));
    assert_eq!(only(&ask(&control, &message)), "192.0.2.1");
    // An empty subnet asks not to be located by it.
    let unspecified = CidrBlock::parse("0.0.0.0/0").unwrap();
    assert_eq!(only(&ask(&control, &from(message.clone(), Some(unspecified)))), "192.0.2.1");
    assert_eq!(only(&ask(&control, &from(message, country("JP")))), "192.0.2.9");
}

#[test]
fn private_zones_do_not_look_at_the_subnet() {
    let message = from(question("corp.internal.", RecordType::A), country("DE"));
    let response = ask(&Control::default(), &message);
    assert_eq!(only(&response), "10.0.0.9");
    let edns = response.edns.unwrap();
    let Some(EdnsOption::Subnet(subnet)) = edns.option(EdnsCode::Subnet) else { panic!("no subnet") };
    assert_eq!((subnet.source_prefix(), subnet.scope_prefix()), (24, 0));
}

#[test]
fn absence_is_said_with_the_soa() {
    for (name, record_type, code) in [
        ("no.example.com.", RecordType::A, ResponseCode::NXDomain),
        ("geo.example.com.", RecordType::AAAA, ResponseCode::NoError),
        ("b.example.com.", RecordType::A, ResponseCode::NoError),
        ("example.com.", RecordType::A, ResponseCode::NoError),
        ("x.wild.example.com.", RecordType::A, ResponseCode::NoError),
        ("geo.example.com.", RecordType::HINFO, ResponseCode::NoError),
        ("no.example.com.", RecordType::HINFO, ResponseCode::NXDomain),
    ] {
        let response = ask(&Control::default(), &question(name, record_type));
        assert_eq!(response.metadata.response_code, code, "{name}");
        assert!(response.answers.is_empty() && response.metadata.authoritative, "{name}");
        let [soa] = response.authorities.as_slice() else { panic!("{name}: no SOA") };
        assert_eq!(
            (soa.record_type(), soa.name.to_ascii().as_str(), soa.ttl),
            (RecordType::SOA, "example.com.", 300)
        );
    }
}

#[test]
fn other_zones_are_refused() {
    for name in ["example.net.", ".", "com."] {
        let response = ask(&Control::default(), &question(name, RecordType::A));
        assert_eq!(response.metadata.response_code, ResponseCode::Refused, "{name}");
        assert!(response.authorities.is_empty() && !response.metadata.authoritative);
    }
}

#[test]
fn ttls_are_those_of_the_target() {
    let alias = ask(&Control::default(), &question("alias.example.com.", RecordType::A));
    assert!(alias.answers.len() == 40 && alias.answers.iter().all(|record| record.ttl == 300));
    assert_eq!(alias.answers[0].name.to_ascii(), "alias.example.com.");
    let balancer = from(question("geo.example.com.", RecordType::A), country("CA"));
    assert_eq!(ask(&Control::default(), &balancer).answers[0].ttl, 60);
    let control = control(
        json!({"addresses": {"lb.us-east-1.elb.amazonaws.com": ["198.51.100.1", "198.51.100.2", "::1"]}}),
    );
    let mut addresses = data(&ask(&control, &balancer));
    addresses.sort_unstable();
    assert_eq!(addresses, ["198.51.100.1", "198.51.100.2"]);
}

#[test]
fn cnames_are_followed_within_the_zone() {
    let message = from(question("www.example.com.", RecordType::A), country("DE"));
    let response = ask(&Control::default(), &message);
    assert_eq!(data(&response), ["geo.example.com.", "192.0.2.1"]);
    assert_eq!(response.answers[1].name.to_ascii(), "geo.example.com.");
    let asked = ask(&Control::default(), &question("www.example.com.", RecordType::CNAME));
    assert_eq!(only(&asked), "geo.example.com.");
    let out = ask(&Control::default(), &question("out.example.com.", RecordType::TXT));
    assert_eq!(
        (only(&out).as_str(), out.metadata.response_code),
        ("www.example.net.", ResponseCode::NoError)
    );
    let lost = ask(&Control::default(), &question("lost.example.com.", RecordType::A));
    assert_eq!(
        (only(&lost).as_str(), lost.metadata.response_code),
        ("no.example.com.", ResponseCode::NXDomain)
    );
}

#[test]
fn delegations_are_referred() {
    for name in ["sub.example.com.", "a.sub.example.com."] {
        let response = ask(&Control::default(), &question(name, RecordType::A));
        assert!(response.answers.is_empty() && !response.metadata.authoritative, "{name}");
        let [ns] = response.authorities.as_slice() else { panic!("{name}: no referral") };
        assert_eq!(
            (ns.name.to_ascii().as_str(), ns.data.to_string().as_str()),
            ("sub.example.com.", "ns.example.org.")
        );
    }
}

#[test]
fn wildcards_answer_under_the_name_that_was_asked() {
    let response = ask(&Control::default(), &question("x.y.wild.example.com.", RecordType::TXT));
    let [record] = response.answers.as_slice() else { panic!("no answer") };
    assert_eq!(record.name.to_ascii(), "x.y.wild.example.com.");
    let RData::TXT(texts) = &record.data else { panic!("no TXT") };
    assert_eq!(*texts.txt_data, [b"a"[..].into(), b"b"[..].into()]);
}

#[test]
fn any_is_answered_by_one_type() {
    let response = ask(&Control::default(), &question("example.com.", RecordType::ANY));
    assert_eq!(response.answers[0].record_type(), RecordType::NS);
}

#[test]
fn turns_are_exact_chance_is_repeatable_and_the_likeliest_is_certain() {
    let message = question("split.example.com.", RecordType::A);
    let count = |control: &Control, queries: usize| {
        let answers = (0..queries).map(|_| only(&ask(control, &message)));
        answers.filter(|answer| answer == "192.0.2.12").count()
    };
    let turns = control(json!({"choice": "round_robin"}));
    assert_eq!((count(&turns, 4), count(&turns, 40)), (1, 10));
    // Turns of other names, and of other answers of the same name, go on beside.
    let other = from(question("geo.example.com.", RecordType::A), country("DE"));
    let between = (0..4).map(|_| {
        ask(&turns, &other);
        only(&ask(&turns, &message))
    });
    assert_eq!(between.filter(|answer| answer == "192.0.2.12").count(), 1);
    assert_eq!(count(&control(json!({"choice": "most_likely"})), 20), 0);
    let chance = |seed: u64| count(&control(json!({"choice": "random", "seed": seed})), 400);
    assert_eq!(chance(7), chance(7));
    assert!((60..140).contains(&chance(7)), "{}", chance(7));
}

#[test]
fn what_cannot_be_answered_says_so() {
    let code = |message: &Message| ask(&Control::default(), message);
    let mut update = question("example.com.", RecordType::A);
    update.metadata.op_code = OpCode::Notify;
    assert_eq!(code(&update).metadata.response_code, ResponseCode::NotImp);
    let mut none = question("example.com.", RecordType::A);
    none.queries.clear();
    assert_eq!(code(&none).metadata.response_code, ResponseCode::FormErr);
    let mut chaos = question("example.com.", RecordType::TXT);
    chaos.queries[0].set_query_class(DNSClass::CH);
    assert_eq!(code(&chaos).metadata.response_code, ResponseCode::Refused);
    let transfer = question("example.com.", RecordType::AXFR);
    assert_eq!(code(&transfer).metadata.response_code, ResponseCode::Refused);
    let mut version = from(question("geo.example.com.", RecordType::A), None);
    version.edns.as_mut().unwrap().set_version(1);
    let answer = code(&version);
    assert!(answer.answers.is_empty());
    // BADVERS; the library reads the number by its other name.
    assert_eq!(u16::from(answer.metadata.response_code), 16);
    let mut scope = from(question("geo.example.com.", RecordType::A), None);
    let subnet = ClientSubnet::new("10.53.54.0".parse().unwrap(), 24, 24);
    scope.edns.as_mut().unwrap().options_mut().insert(EdnsOption::Subnet(subnet));
    assert_eq!(code(&scope).metadata.response_code, ResponseCode::FormErr);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let local: IpAddr = "127.0.0.1".parse().unwrap();
        let _ = dns::respond(&store().snapshot(), &Control::default(), local, Transport::Udp, &bytes);
    }

    #[test]
    fn a_query_with_any_byte_changed_is_survived(
        position in any::<prop::sample::Index>(), byte in any::<u8>(), end in any::<prop::sample::Index>(),
    ) {
        let message = from(question("geo.example.com.", RecordType::A), country("DE"));
        let mut bytes = message.to_vec().unwrap();
        *position.get_mut(&mut bytes) = byte;
        bytes.truncate(end.index(bytes.len() + 1));
        let local: IpAddr = "127.0.0.1".parse().unwrap();
        let response = dns::respond(&store().snapshot(), &Control::default(), local, Transport::Udp, &bytes);
        if let Some(response) = response {
            prop_assert!(response.len() <= 1232 && Message::from_vec(&response).is_ok());
        }
    }
}
