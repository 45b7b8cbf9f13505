//! TestDNSAnswer: what the name servers would say.

use std::net::IpAddr;

use super::{
    dispatch::{Service, no_such_zone},
    operation::without_prefix,
    query::Query as Parameters,
    reply::Reply,
};
use crate::{
    answer::{Client, Query, Value, answer_in},
    error::ServiceError,
    facets::facet,
    model::{CidrBlock, Name, RecordType},
};

/// Bits of a client subnet that are sent when the client does not say: IPv4, IPv6.
const MASKS: (u8, u8) = (24, 64);

pub(super) fn test(service: &Service, parameters: &Parameters) -> Result<Reply, ServiceError> {
    let required = |name: &str| {
        parameters.get(name).ok_or_else(|| ServiceError::invalid_request(format_args!("{name} is missing")))
    };
    let id = without_prefix(required("hostedzoneid")?);
    let name = Name::parse(required("recordname")?).map_err(ServiceError::invalid_request)?;
    let types: Vec<&str> = RecordType::ALL.iter().map(|each| each.as_str()).collect();
    facet("RRType").enumeration(required("recordtype")?, &types)?;
    let record_type = RecordType::parse(required("recordtype")?)
        .ok_or_else(|| ServiceError::invalid_request("recordtype is not a record type"))?;
    let client = client(service, parameters)?;

    let snapshot = service.store.snapshot();
    let zone = snapshot.zone(id).ok_or_else(|| no_such_zone(id))?;
    if zone.private {
        return Err(ServiceError::invalid_request("answers of private hosted zones cannot be tested"));
    }
    if !name.is_within(&zone.name) {
        return Err(ServiceError::invalid_request(format_args!(
            "{name} is not in the hosted zone {}",
            zone.name
        )));
    }
    let answer = answer_in(&snapshot, zone, &Query { name: name.clone(), record_type, client });
    let drawn = service.dns.draw(&name, &answer);
    let data = drawn.iter().flat_map(|set| &set.values).flat_map(|value| match value {
        Value::Data(text) => vec![text.clone()],
        Value::Outside(target) => {
            service.dns.addresses(target, record_type).iter().map(ToString::to_string).collect()
        }
    });
    let data: Vec<String> = data.collect();
    let server =
        service.store.read(|state| state.zone(id).and_then(|zone| zone.name_servers.first().cloned()));
    Ok(Reply::ok("TestDNSAnswerResponse", |xml| {
        xml.text("Nameserver", server.unwrap_or_default());
        xml.text("RecordName", &name);
        xml.text("RecordType", answer.record_type);
        xml.list("RecordData", &data, |xml, entry| xml.text("RecordDataEntry", entry));
        xml.text("ResponseCode", answer.rcode.as_str());
        xml.text("Protocol", "UDP");
    }))
}

fn client(service: &Service, parameters: &Parameters) -> Result<Client, ServiceError> {
    let address = |name: &str| {
        let parse = |text: &str| {
            text.parse::<IpAddr>()
                .map_err(|_| ServiceError::invalid_request(format_args!("'{text}' is not an IP address")))
        };
        parameters.get(name).map(parse).transpose()
    };
    let (resolver, subnet) = (address("resolverip")?, address("edns0clientsubnetip")?);
    let mask = parameters.get("edns0clientsubnetmask");
    if resolver.is_none() && subnet.is_some() {
        return Err(ServiceError::invalid_request("edns0clientsubnetip requires resolverip"));
    }
    if subnet.is_none() && mask.is_some() {
        return Err(ServiceError::invalid_request("edns0clientsubnetmask requires edns0clientsubnetip"));
    }
    let block = match (subnet, resolver) {
        (Some(subnet), _) => {
            let default = if subnet.is_ipv4() { MASKS.0 } else { MASKS.1 };
            let prefix = mask.map_or(Ok(default), str::parse::<u8>).ok();
            prefix.and_then(|prefix| CidrBlock::new(subnet, prefix))
        }
        (None, Some(resolver)) => CidrBlock::new(resolver, if resolver.is_ipv4() { 32 } else { 128 }),
        // A resolver of the service in us-east-1, which is in Virginia.
        (None, None) => return Ok(Client::of("US", Some("VA"))),
    };
    let block =
        block.ok_or_else(|| ServiceError::invalid_request("edns0clientsubnetmask is out of range"))?;
    Ok(service.dns.client(block))
}
