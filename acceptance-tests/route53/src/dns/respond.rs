//! From the bytes of a query to the bytes of its response.

use std::net::IpAddr;

use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, ResponseCode},
    rr::{
        self, DNSClass, Record,
        rdata::opt::{ClientSubnet, EdnsCode, EdnsOption},
    },
};

use crate::{
    answer::{self, Answer, Client, Query, Rcode, Value, Values},
    model::{CidrBlock, Name, RecordType, ServedZone, Snapshot},
};

use super::{control::Control, names, rdata};

/// The largest response over UDP that we send, whatever the client allows.
const UDP_MAX: u16 = 4096;
/// How many CNAMEs are followed within our zones.
const CNAMES_MAX: usize = 8;

/// How a query came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Responses that are too long are cut, and the client asks again over TCP.
    Udp,
    /// Any length.
    Tcp,
}

/// The response to a query from `peer`; none when nothing should be said (to what is no query).
pub fn respond(
    snapshot: &Snapshot,
    control: &Control,
    peer: IpAddr,
    transport: Transport,
    bytes: &[u8],
) -> Option<Vec<u8>> {
    let Ok(request) = Message::from_vec(bytes) else { return malformed(bytes) };
    if request.metadata.message_type != MessageType::Query {
        return None;
    }
    let mut response = Responder { snapshot, control, peer, request: &request }.response();
    let limit = match transport {
        Transport::Udp => request.max_payload().min(UDP_MAX),
        Transport::Tcp => u16::MAX,
    };
    let encoded = response.to_vec().ok().filter(|encoded| encoded.len() <= usize::from(limit));
    if let Some(encoded) = encoded {
        return Some(encoded);
    }
    response = response.truncate();
    response.to_vec().ok()
}

/// FORMERR for what has at least the header of a query.
fn malformed(bytes: &[u8]) -> Option<Vec<u8>> {
    let [high, low, flags, ..] = *bytes.get(..12)? else { return None };
    let is_response = flags & 0x80 != 0;
    if is_response {
        return None;
    }
    let id = u16::from_be_bytes([high, low]);
    let op_code = OpCode::from_u8((flags >> 3) & 0x0f);
    Message::error_msg(id, op_code, ResponseCode::FormErr).to_vec().ok()
}

/// Everything about one request.
struct Responder<'a> {
    snapshot: &'a Snapshot,
    control: &'a Control,
    peer: IpAddr,
    request: &'a Message,
}

impl Responder<'_> {
    fn response(&self) -> Message {
        let asked = &self.request.metadata;
        let mut response = Message::response(asked.id, asked.op_code);
        response.metadata.recursion_desired = asked.recursion_desired;
        response.queries.clone_from(&self.request.queries);
        let subnet = self.subnet();
        if let Some(edns) = &self.request.edns {
            response.edns = Some(self.edns(edns, subnet));
        }
        match self.refusal(subnet) {
            Some(code) => response.metadata.response_code = code,
            None => self.fill(&mut response, subnet),
        }
        response
    }

    fn edns(&self, asked: &Edns, subnet: Option<ClientSubnet>) -> Edns {
        let mut edns = Edns::new();
        edns.set_max_payload(UDP_MAX);
        edns.set_dnssec_ok(asked.flags().dnssec_ok);
        if let Some(mut subnet) = subnet {
            // The answer holds for the whole network that was named, unless the zone does not look at it.
            let private = self.zone().is_some_and(|zone| zone.private);
            subnet.set_scope_prefix(if private { 0 } else { subnet.source_prefix() });
            edns.options_mut().insert(EdnsOption::Subnet(subnet));
        }
        edns
    }

    fn subnet(&self) -> Option<ClientSubnet> {
        match self.request.edns.as_ref()?.option(EdnsCode::Subnet)? {
            EdnsOption::Subnet(subnet) => Some(*subnet),
            _ => None,
        }
    }

    /// Why the question is not answered, if it is not.
    fn refusal(&self, subnet: Option<ClientSubnet>) -> Option<ResponseCode> {
        if self.request.edns.as_ref().is_some_and(|edns| edns.version() > 0) {
            return Some(ResponseCode::BADVERS);
        }
        if self.request.metadata.op_code != OpCode::Query {
            return Some(ResponseCode::NotImp);
        }
        let [question] = self.request.queries.as_slice() else { return Some(ResponseCode::FormErr) };
        // Queries name no scope, and no bits behind their prefix (RFC 7871 §7.1.1, §6).
        let sound = |subnet: ClientSubnet| {
            subnet.scope_prefix() == 0
                && CidrBlock::new(subnet.addr(), subnet.source_prefix())
                    .is_some_and(|block| block.address() == subnet.addr())
        };
        if subnet.is_some_and(|subnet| !sound(subnet)) {
            return Some(ResponseCode::FormErr);
        }
        let transfer = matches!(question.query_type, rr::RecordType::AXFR | rr::RecordType::IXFR);
        (transfer || question.query_class != DNSClass::IN).then_some(ResponseCode::Refused)
    }

    fn zone(&self) -> Option<&ServedZone> {
        self.snapshot.zone_of(&names::from_wire(&self.request.queries.first()?.name)?)
    }

    /// Who asks: the named subnet, unless it is empty (the client does not want to be located, RFC 7871 §7.1.2) or the
    /// zone is private; else the sender.
    fn client(&self, subnet: Option<ClientSubnet>) -> Client {
        let private = self.zone().is_some_and(|zone| zone.private);
        let named = subnet
            .filter(|subnet| subnet.source_prefix() > 0 && !private)
            .and_then(|subnet| CidrBlock::new(subnet.addr(), subnet.source_prefix()));
        let sender = self.peer.to_canonical();
        let bits = if sender.is_ipv4() { 32 } else { 128 };
        named
            .or_else(|| CidrBlock::new(sender, bits))
            .map(|network| self.control.client(network))
            .unwrap_or_default()
    }

    fn fill(&self, response: &mut Message, subnet: Option<ClientSubnet>) {
        let client = self.client(subnet);
        let Some(question) = self.request.queries.first() else { return };
        let mut owner = question.name.clone();
        let mut name = names::from_wire(&owner);
        for _ in 0..=CNAMES_MAX {
            let known = name.as_ref().and_then(|name| Some((name, self.snapshot.zone_of(name)?)));
            let Some((asked, zone)) = known else {
                // Behind a CNAME that leads out of our zones, the client's resolver goes on.
                if response.answers.is_empty() {
                    response.metadata.response_code = ResponseCode::Refused;
                }
                return;
            };
            let answer = self.answer(zone, asked, question.query_type, &client);
            let follow = self.add(response, zone, &owner, asked, &answer, question.query_type);
            let Some(target) = follow.filter(|target| target.is_within(&zone.name)) else { return };
            let Some(wire) = names::to_wire(&target) else { return };
            owner = wire;
            name = Some(target);
        }
    }

    fn answer(&self, zone: &ServedZone, name: &Name, asked: rr::RecordType, client: &Client) -> Answer {
        let ask = |record_type| {
            let query = Query { name: name.clone(), record_type, client: client.clone() };
            answer::answer_in(self.snapshot, zone, &query)
        };
        let has_data =
            |answer: &Answer| answer.distribution.outcomes().any(|outcome| outcome.response.drawn > 0);
        match (names::type_from_wire(asked), asked) {
            (Some(record_type), _) => ask(record_type),
            // One type of those that exist (RFC 8482 §4.1).
            (None, rr::RecordType::ANY) => {
                let mut answers = RecordType::ALL.iter().map(|each| ask(*each));
                answers.find(has_data).unwrap_or_else(|| ask(RecordType::A))
            }
            // A type that no set can have: a CNAME answers it too, nothing else does.
            (None, _) => {
                let answer = ask(RecordType::A);
                if answer.record_type == RecordType::Cname { answer } else { answer.emptied() }
            }
        }
    }

    /// Adds an answer to the response. Returns the target of a CNAME that is to be followed.
    fn add(
        &self,
        response: &mut Message,
        zone: &ServedZone,
        owner: &rr::Name,
        name: &Name,
        answer: &Answer,
        asked: rr::RecordType,
    ) -> Option<Name> {
        response.metadata.response_code = match answer.rcode {
            Rcode::NoError => ResponseCode::NoError,
            Rcode::NxDomain => ResponseCode::NXDomain,
            Rcode::Refused => ResponseCode::Refused,
        };
        if let Some(cut) = &answer.delegation {
            self.refer(response, zone, cut);
            return None;
        }
        response.metadata.authoritative = true;
        let drawn = self.control.draw(name, answer);
        let Some(records) = self.records(owner, answer.record_type, &drawn) else {
            response.metadata.response_code = ResponseCode::ServFail;
            return None;
        };
        if records.is_empty() {
            response.add_authorities(self.soa(zone));
            return None;
        }
        response.add_answers(records);
        let cname = names::type_to_wire(RecordType::Cname);
        if answer.record_type != RecordType::Cname || asked == cname || asked == rr::RecordType::ANY {
            return None;
        }
        match drawn.first()?.values.first()? {
            Value::Data(target) => Name::parse(target).ok(),
            Value::Outside(_) => None,
        }
    }

    /// Names the servers that are responsible from a name on.
    fn refer(&self, response: &mut Message, zone: &ServedZone, cut: &Name) {
        let sets = zone.record_sets.group(cut, RecordType::Ns).filter_map(|set| match &set.data {
            crate::model::Data::Records { ttl, values } => {
                Some(Values { ttl: *ttl, values: values.iter().cloned().map(Value::Data).collect() })
            }
            crate::model::Data::Alias(_) => None,
        });
        let sets: Vec<Values> = sets.collect();
        let owner = names::to_wire(cut);
        let records = owner.and_then(|owner| self.records(&owner, RecordType::Ns, &sets));
        response.add_authorities(records.unwrap_or_default());
    }

    /// The zone's SOA for answers without data, to be kept as long as its last field says (RFC 2308 §3).
    fn soa(&self, zone: &ServedZone) -> Vec<Record> {
        let set = zone.record_sets.group(&zone.name, RecordType::Soa).next();
        let Some(crate::model::Data::Records { ttl, values }) = set.map(|set| &set.data) else {
            return Vec::new();
        };
        let data = values.first().and_then(|value| rdata::of(RecordType::Soa, value));
        match (data, names::to_wire(&zone.name)) {
            (Some(rr::RData::SOA(soa)), Some(owner)) => {
                let ttl = soa.minimum.min(*ttl);
                vec![Record::from_rdata(owner, ttl, rr::RData::SOA(soa))]
            }
            _ => Vec::new(),
        }
    }

    /// The records of some sets, each value once. They share a TTL (RFC 2181 §5.2), the least. None when a value
    /// cannot be sent.
    fn records(&self, owner: &rr::Name, record_type: RecordType, sets: &[Values]) -> Option<Vec<Record>> {
        let ttl = sets.iter().map(|set| set.ttl).min().unwrap_or_default();
        let mut all: Vec<rr::RData> = Vec::new();
        for value in sets.iter().flat_map(|set| &set.values) {
            match value {
                Value::Data(text) => all.push(rdata::of(record_type, text)?),
                Value::Outside(name) => {
                    let addresses = self.control.addresses(name, record_type);
                    all.extend(addresses.into_iter().map(rr::RData::from));
                }
            }
        }
        let mut once: Vec<rr::RData> = Vec::with_capacity(all.len());
        for data in all {
            if !once.contains(&data) {
                once.push(data);
            }
        }
        Some(once.into_iter().map(|data| Record::from_rdata(owner.clone(), ttl, data)).collect())
    }
}
