//! Hosted zones.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    dispatch::{Service, no_such_zone},
    ids,
    operation::{Route, without_prefix},
    pages,
    query::Query,
    record_sets::{accepted, changed},
    reply::Reply,
};
use crate::{
    change::SETS_PER_ZONE,
    error::{ErrorCode, ServiceError},
    facets::{facet, incomplete},
    model::{ChangeInfo, Data, Name, Policy, RecordSet, RecordSets, RecordType, State, Vpc, Zone},
    tables::all_regions,
    xml::{Body, Element, Writer},
};

/// Zones of an account, a default quota of the Developer Guide.
const ZONES: usize = 500;
/// Health checks of an account, likewise.
pub(super) const HEALTH_CHECKS: usize = 200;
/// VPCs of a zone, likewise.
const VPCS: usize = 300;

/// What makes a zone.
#[derive(Debug, Clone)]
pub(crate) struct NewZone {
    pub(crate) name: Name,
    pub(crate) caller_reference: String,
    pub(crate) comment: Option<String>,
    /// The VPC of a private zone; none for a public one.
    pub(crate) vpc: Option<Vpc>,
}

pub(super) fn create(service: &Service, body: &[u8]) -> Result<Reply, ServiceError> {
    let body = Body::parse(body)?;
    let new = read_new(body.root("CreateHostedZoneRequest")?)?;
    let vpc = new.vpc.clone();
    let change = service.new_change(None);
    let zone = service.store.write(|state| create_zone(state, new, &change))?;
    Ok(Reply::created("CreateHostedZoneResponse", &format!("hostedzone/{}", zone.id), |xml| {
        write(xml, &zone);
        accepted(xml, service, &change);
        delegation(xml, &zone);
        if let Some(vpc) = &vpc {
            write_vpc(xml, vpc);
        }
    }))
}

fn read_new(root: Element<'_, '_>) -> Result<NewZone, ServiceError> {
    let root = root.only(&["Name", "VPC", "CallerReference", "HostedZoneConfig", "DelegationSetId"])?;
    let name = root.text("Name").ok_or_else(|| incomplete("CreateHostedZoneRequest", "Name"))?;
    let reference = root
        .text("CallerReference")
        .ok_or_else(|| incomplete("CreateHostedZoneRequest", "CallerReference"))?;
    facet("DNSName").lengths(&name, 0, 1024)?;
    facet("Nonce").lengths(&reference, 1, 128)?;
    let config =
        root.child("HostedZoneConfig").map(|config| config.only(&["Comment", "PrivateZone"])).transpose()?;
    let comment = config.and_then(|config| config.text("Comment"));
    if let Some(comment) = &comment {
        facet("ResourceDescription").lengths(comment, 0, 256)?;
    }
    if root.child("DelegationSetId").is_some() {
        return Err(ServiceError::new(
            ErrorCode::NotImplemented,
            "DelegationSetId: reusable delegation sets are not implemented by this emulator",
        ));
    }
    let private = config.map(|config| config.boolean("PrivateZone")).transpose()?.flatten();
    let vpc = root.child("VPC").map(read_vpc).transpose()?;
    match (private, &vpc) {
        (Some(true), None) => {
            return Err(ServiceError::invalid_request("a private hosted zone needs a VPC"));
        }
        (Some(false), Some(_)) => {
            return Err(ServiceError::invalid_request("a public hosted zone cannot have a VPC"));
        }
        _ => {}
    }
    let name = Name::parse(&name)
        .map_err(|error| ServiceError::new(ErrorCode::InvalidDomainName, error.to_string()))?;
    Ok(NewZone { name, caller_reference: reference, comment, vpc })
}

fn read_vpc(vpc: Element<'_, '_>) -> Result<Vpc, ServiceError> {
    let vpc = vpc.only(&["VPCRegion", "VPCId"])?;
    let region = vpc.text("VPCRegion").ok_or_else(|| incomplete("VPC", "VPCRegion"))?;
    facet("VPCRegion").enumeration(&region, &all_regions())?;
    let id = vpc.text("VPCId").ok_or_else(|| incomplete("VPC", "VPCId"))?;
    if !id.starts_with("vpc-") {
        return Err(ServiceError::new(
            ErrorCode::InvalidVpcId,
            format!("The VPC: {id} in region {region} is invalid."),
        ));
    }
    Ok(Vpc { region, id })
}

/// Makes a zone with its NS and SOA sets, which the name servers have at once.
///
/// # Errors
/// When the reference was used, the account has its zones, or the name cannot be a zone.
pub(crate) fn create_zone(
    state: &mut State,
    new: NewZone,
    change: &ChangeInfo,
) -> Result<Zone, ServiceError> {
    if state.zones.iter().any(|zone| zone.caller_reference == new.caller_reference) {
        return Err(ServiceError::new(
            ErrorCode::HostedZoneAlreadyExists,
            "A hosted zone has already been created with the specified caller reference.",
        ));
    }
    if state.zones.len() >= ZONES {
        return Err(ServiceError::new(
            ErrorCode::TooManyHostedZones,
            format!("Limit of {ZONES} hosted zones exceeded."),
        ));
    }
    if new.vpc.is_none() && new.name.label_count() < 2 {
        return Err(ServiceError::new(
            ErrorCode::InvalidDomainName,
            format!("{} is a top-level domain, which cannot be a public hosted zone.", new.name),
        ));
    }
    if let Some(vpc) = &new.vpc
        && state.zones.iter().any(|zone| zone.name == new.name && zone.vpcs.contains(vpc))
    {
        return Err(ServiceError::new(
            ErrorCode::ConflictingDomainExists,
            format!(
                "The VPC {} in region {} has already been associated with a hosted zone of that name.",
                vpc.id, vpc.region
            ),
        ));
    }
    let id = ids::zone();
    let private = new.vpc.is_some();
    let name_servers = name_servers(&id, private);
    let sets = Arc::new(own_sets(&new.name, &name_servers));
    let zone = Zone {
        id,
        name: new.name,
        private,
        caller_reference: new.caller_reference,
        comment: new.comment.filter(|comment| !comment.is_empty()),
        vpcs: new.vpc.into_iter().collect::<BTreeSet<_>>(),
        name_servers,
        record_sets: Arc::clone(&sets),
        published: sets,
    };
    state.zones.push(zone.clone());
    state.changes.insert(change.id.clone(), change.clone());
    Ok(zone)
}

/// Four name servers in four top-level domains. Those of a private zone are the same for all.
fn name_servers(id: &str, private: bool) -> Vec<String> {
    let sum =
        if private { 0 } else { id.bytes().fold(7_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 512) };
    let domains = [("com", 0), ("net", 512), ("org", 1024), ("co.uk", 1536)];
    domains.map(|(domain, base)| format!("ns-{}.awsdns-{:02}.{domain}", base + sum, sum % 64)).to_vec()
}

fn own_sets(name: &Name, name_servers: &[String]) -> RecordSets {
    let set = |record_type, ttl, values| RecordSet {
        name: name.clone(),
        record_type,
        set_identifier: None,
        policy: Policy::Simple,
        data: Data::Records { ttl, values },
        health_check_id: None,
    };
    let servers = name_servers.iter().map(|server| format!("{server}.")).collect();
    let first = name_servers.first().cloned().unwrap_or_default();
    let soa = format!("{first}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400");
    [set(RecordType::Ns, 172_800, servers), set(RecordType::Soa, 900, vec![soa])].into_iter().collect()
}

pub(super) fn get(service: &Service, route: &Route) -> Result<Reply, ServiceError> {
    let zone = find(service, route.parameter(0)?)?;
    Ok(Reply::ok("GetHostedZoneResponse", |xml| {
        write(xml, &zone);
        delegation(xml, &zone);
        if zone.private {
            xml.list("VPCs", &zone.vpcs, write_vpc);
        }
    }))
}

pub(super) fn list(service: &Service, query: &Query) -> Result<Reply, ServiceError> {
    let size = pages::size(query, "maxitems", 100, service.page_limit())?;
    let kind = query.get("hostedzonetype");
    if let Some(kind) = kind {
        facet("HostedZoneType").enumeration(kind, &["PrivateHostedZone"])?;
    }
    let marker = query.get("marker").map(without_prefix);
    let zones = service.store.read(|state| state.zones.clone());
    if marker.is_some_and(|marker| !zones.iter().any(|zone| zone.id == marker)) {
        return Err(ServiceError::invalid_request("the marker is no hosted zone"));
    }
    let zones = zones.iter().filter(|zone| kind.is_none() || zone.private);
    let page = pages::take(zones.skip_while(|zone| marker.is_some_and(|marker| zone.id != marker)), size);
    Ok(Reply::ok("ListHostedZonesResponse", |xml| {
        xml.list("HostedZones", page.items, write);
        xml.text("Marker", marker.unwrap_or_default());
        xml.text("IsTruncated", page.next.is_some());
        xml.optional("NextMarker", page.next.map(|zone| &zone.id));
        xml.text("MaxItems", size);
    }))
}

pub(super) fn list_by_name(service: &Service, query: &Query) -> Result<Reply, ServiceError> {
    let size = pages::size(query, "maxitems", 100, service.page_limit())?;
    let start = query.get("dnsname").map(Name::parse).transpose();
    let start = start.map_err(|error| ServiceError::new(ErrorCode::InvalidDomainName, error.to_string()))?;
    let start_id = query.get("hostedzoneid").map(without_prefix);
    if start_id.is_some() && start.is_none() {
        return Err(ServiceError::invalid_request("hostedzoneid cannot be specified without dnsname"));
    }
    let mut zones = service.store.read(|state| state.zones.clone());
    let key = |zone: &Zone| (zone.name.clone(), zone.id.clone());
    zones.sort_by_key(key);
    let from = start.as_ref().map(|name| (name.clone(), start_id.unwrap_or_default().to_owned()));
    let zones = zones.iter().filter(|zone| from.as_ref().is_none_or(|from| key(zone) >= *from));
    let page = pages::take(zones, size);
    Ok(Reply::ok("ListHostedZonesByNameResponse", |xml| {
        xml.list("HostedZones", page.items, write);
        xml.optional("DNSName", start.as_ref());
        xml.optional("HostedZoneId", start_id);
        xml.text("IsTruncated", page.next.is_some());
        xml.optional("NextDNSName", page.next.map(|zone| &zone.name));
        xml.optional("NextHostedZoneId", page.next.map(|zone| &zone.id));
        xml.text("MaxItems", size);
    }))
}

pub(super) fn delete(service: &Service, route: &Route) -> Result<Reply, ServiceError> {
    let id = route.parameter(0)?;
    let change = service.new_change(None);
    service.store.write(|state| {
        let zone = state.zone(id).ok_or_else(|| no_such_zone(id))?;
        let own = |set: &RecordSet| {
            set.name == zone.name && matches!(set.record_type, RecordType::Ns | RecordType::Soa)
        };
        if !zone.record_sets.iter().all(own) {
            return Err(ServiceError::new(
                ErrorCode::HostedZoneNotEmpty,
                "The specified hosted zone contains non-required resource record sets and so cannot be deleted.",
            ));
        }
        state.zones.retain(|zone| zone.id != id);
        state.tags.remove(&("hostedzone".to_owned(), id.to_owned()));
        state.changes.insert(change.id.clone(), change.clone());
        Ok(())
    })?;
    Ok(changed(service, "DeleteHostedZoneResponse", &change))
}

pub(super) fn update_comment(service: &Service, route: &Route, body: &[u8]) -> Result<Reply, ServiceError> {
    let id = route.parameter(0)?;
    let body = Body::parse(body)?;
    let comment = body.root("UpdateHostedZoneCommentRequest")?.only(&["Comment"])?.text("Comment");
    if let Some(comment) = &comment {
        facet("ResourceDescription").lengths(comment, 0, 256)?;
    }
    let zone = service.store.write(|state| {
        let zone = state.zone_mut(id).ok_or_else(|| no_such_zone(id))?;
        zone.comment = comment.filter(|comment| !comment.is_empty());
        Ok(zone.clone())
    })?;
    Ok(Reply::ok("UpdateHostedZoneCommentResponse", |xml| write(xml, &zone)))
}

pub(super) fn count(service: &Service) -> Result<Reply, ServiceError> {
    let count = service.store.read(|state| state.zones.len());
    Ok(Reply::ok("GetHostedZoneCountResponse", |xml| xml.text("HostedZoneCount", count)))
}

pub(super) fn limit(service: &Service, route: &Route) -> Result<Reply, ServiceError> {
    let (id, kind) = (route.parameter(0)?, route.parameter(1)?);
    let kinds = ["MAX_RRSETS_BY_ZONE", "MAX_VPCS_ASSOCIATED_BY_ZONE"];
    facet("HostedZoneLimitType").enumeration(kind, &kinds)?;
    let zone = find(service, id)?;
    let (value, count) = if kind == "MAX_RRSETS_BY_ZONE" {
        (SETS_PER_ZONE, zone.record_sets.len())
    } else if zone.private {
        (VPCS, zone.vpcs.len())
    } else {
        return Err(ServiceError::new(
            ErrorCode::HostedZoneNotPrivate,
            "The specified hosted zone is a public zone.",
        ));
    };
    Ok(write_limit("GetHostedZoneLimitResponse", kind, value, count))
}

/// No zone is signed. Clients ask before they delete one.
pub(super) fn dnssec(service: &Service, route: &Route) -> Result<Reply, ServiceError> {
    find(service, route.parameter(0)?)?;
    Ok(Reply::ok("GetDNSSECResponse", |xml| {
        xml.nested("Status", |xml| xml.text("ServeSignature", "NOT_SIGNING"));
        xml.nested("KeySigningKeys", |_| {});
    }))
}

pub(super) fn account_limit(service: &Service, route: &Route) -> Result<Reply, ServiceError> {
    let kind = route.parameter(0)?;
    let (zones, checks) = service.store.read(|state| (state.zones.len(), state.health_checks.len()));
    // What the emulator does not have stands with its default quota and none in use.
    let limits = [
        ("MAX_HEALTH_CHECKS_BY_OWNER", HEALTH_CHECKS, checks),
        ("MAX_HOSTED_ZONES_BY_OWNER", ZONES, zones),
        ("MAX_TRAFFIC_POLICY_INSTANCES_BY_OWNER", 5, 0),
        ("MAX_REUSABLE_DELEGATION_SETS_BY_OWNER", 100, 0),
        ("MAX_TRAFFIC_POLICIES_BY_OWNER", 50, 0),
    ];
    facet("AccountLimitType").enumeration(kind, &limits.map(|(name, ..)| name))?;
    let found = limits.into_iter().find(|(name, ..)| *name == kind);
    let (_, value, count) = found.ok_or_else(|| ServiceError::invalid_request("unknown limit"))?;
    Ok(write_limit("GetAccountLimitResponse", kind, value, count))
}

fn write_limit(root: &str, kind: &str, value: usize, count: usize) -> Reply {
    Reply::ok(root, |xml| {
        xml.nested("Limit", |xml| {
            xml.text("Type", kind);
            xml.text("Value", value);
        });
        xml.text("Count", count);
    })
}

fn find(service: &Service, id: &str) -> Result<Zone, ServiceError> {
    service.store.read(|state| state.zone(id).cloned()).ok_or_else(|| no_such_zone(id))
}

fn write(xml: &mut Writer, zone: &Zone) {
    xml.nested("HostedZone", |xml| {
        xml.text("Id", format_args!("/hostedzone/{}", zone.id));
        xml.text("Name", &zone.name);
        xml.text("CallerReference", &zone.caller_reference);
        xml.nested("Config", |xml| {
            xml.optional("Comment", zone.comment.as_ref());
            xml.text("PrivateZone", zone.private);
        });
        xml.text("ResourceRecordSetCount", zone.record_sets.len());
    });
}

fn delegation(xml: &mut Writer, zone: &Zone) {
    if !zone.private {
        xml.nested("DelegationSet", |xml| {
            xml.list("NameServers", &zone.name_servers, |xml, server| xml.text("NameServer", server));
        });
    }
}

fn write_vpc(xml: &mut Writer, vpc: &Vpc) {
    xml.nested("VPC", |xml| {
        xml.text("VPCRegion", &vpc.region);
        xml.text("VPCId", &vpc.id);
    });
}
