//! CIDR collections.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use super::{dispatch::Service, ids, operation::Route, pages, query::Query, reply::Reply};
use crate::{
    error::{ErrorCode, ServiceError},
    facets::{Checked, facet, incomplete, is_uuid},
    model::{CidrBlock, CidrCollection, Policy, State},
    xml::{Body, Element, Writer},
};

/// Collections of an account, a default quota of the Developer Guide.
const COLLECTIONS: usize = 5;
/// Blocks of a collection, and of one ChangeCidrCollection.
const BLOCKS: usize = 1000;
/// Longest prefixes of blocks.
const PREFIX_V4: u8 = 24;
const PREFIX_V6: u8 = 48;

/// One change of a collection.
#[derive(Debug)]
struct Change {
    location: String,
    put: bool,
    blocks: Vec<CidrBlock>,
}

pub(super) fn create(service: &Service, body: &[u8]) -> Result<Reply, ServiceError> {
    let body = Body::parse(body)?;
    let root = body.root("CreateCidrCollectionRequest")?.only(&["Name", "CallerReference"])?;
    let name = root.text("Name").ok_or_else(|| incomplete("CreateCidrCollectionRequest", "Name"))?;
    let reference = root
        .text("CallerReference")
        .ok_or_else(|| incomplete("CreateCidrCollectionRequest", "CallerReference"))?;
    facet("CollectionName").lengths(&name, 1, 64)?;
    facet("CollectionName").pattern(&name, "[0-9A-Za-z_\\-]+", is_word(&name))?;
    facet("CidrNonce").lengths(&reference, 1, 64)?;
    facet("CidrNonce").pattern(&reference, "\\p{ASCII}+", reference.is_ascii())?;
    let collection = service.store.write(|state| {
        if let Some(existing) = state.collections.values().find(|each| each.name == name) {
            if existing.caller_reference == reference && existing.locations.is_empty() {
                return Ok(Arc::clone(existing));
            }
            let message = "A CIDR collection with this name and a different caller reference already exists.";
            return Err(ServiceError::new(ErrorCode::CidrCollectionAlreadyExists, message));
        }
        if state.collections.len() >= COLLECTIONS {
            let message = format!("Limit of {COLLECTIONS} CIDR collections exceeded.");
            return Err(ServiceError::new(ErrorCode::LimitsExceeded, message));
        }
        let collection = Arc::new(CidrCollection {
            id: ids::uuid(),
            name,
            version: 1,
            caller_reference: reference,
            locations: BTreeMap::new(),
        });
        state.collections.insert(collection.id.clone(), Arc::clone(&collection));
        Ok(collection)
    })?;
    Ok(Reply::created("CreateCidrCollectionResponse", &format!("cidrcollection/{}", collection.id), |xml| {
        xml.nested("Collection", |xml| summary(xml, &collection));
    }))
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

pub(super) fn change(service: &Service, route: &Route, body: &[u8]) -> Result<Reply, ServiceError> {
    let id = id(route)?;
    let body = Body::parse(body)?;
    let root = body.root("ChangeCidrCollectionRequest")?.only(&["CollectionVersion", "Changes"])?;
    let version = root.number("CollectionVersion")?;
    let list = root.child("Changes").ok_or_else(|| incomplete("ChangeCidrCollectionRequest", "Changes"))?;
    let changes = list.list("member")?.into_iter().map(read_change).collect::<Result<Vec<_>, _>>()?;
    if changes.is_empty() {
        return Err(incomplete("Changes", "member"));
    }
    if changes.iter().map(|change| change.blocks.len()).sum::<usize>() > BLOCKS {
        let message = format!("A request can have up to {BLOCKS} CIDR blocks.");
        return Err(ServiceError::new(ErrorCode::LimitsExceeded, message));
    }
    let change = service.new_change(None);
    service.store.write(|state| {
        let current = state.collections.get(id).ok_or_else(|| no_such_collection(id))?;
        if version.is_some_and(|version| u64::try_from(version) != Ok(current.version)) {
            let message = format!("The version of the CIDR collection is {}.", current.version);
            return Err(ServiceError::new(ErrorCode::CidrCollectionVersionMismatch, message));
        }
        let changed = changed(current, &changes)?;
        let used = used_locations(state, id);
        if let Some(location) =
            used.iter().find(|used| *used != "*" && !changed.locations.contains_key(*used))
        {
            let message = format!("The location {location} is in use by resource record sets.");
            return Err(ServiceError::new(ErrorCode::CidrBlockInUse, message));
        }
        state.collections.insert(id.to_owned(), Arc::new(changed));
        state.changes.insert(change.id.clone(), change.clone());
        Ok(())
    })?;
    Ok(Reply::ok("ChangeCidrCollectionResponse", |xml| xml.text("Id", &change.id)))
}

fn read_change(element: Element<'_, '_>) -> Result<Change, ServiceError> {
    let element = element.only(&["LocationName", "Action", "CidrList"])?;
    let field = |name: &str| element.text(name).ok_or_else(|| incomplete("member", name));
    let (location, action) = (field("LocationName")?, field("Action")?);
    location_name(&location)?;
    facet("CidrCollectionChangeAction").enumeration(&action, &["PUT", "DELETE_IF_EXISTS"])?;
    let list = element.child("CidrList").ok_or_else(|| incomplete("member", "CidrList"))?;
    let blocks =
        list.list("Cidr")?.into_iter().map(|cidr| block(&cidr.value())).collect::<Result<Vec<_>, _>>()?;
    if blocks.is_empty() {
        return Err(incomplete("CidrList", "Cidr"));
    }
    Ok(Change { location, put: action == "PUT", blocks })
}

fn location_name(name: &str) -> Checked {
    facet("CidrLocationNameDefaultNotAllowed").lengths(name, 1, 16)?;
    facet("CidrLocationNameDefaultNotAllowed").pattern(name, "[0-9A-Za-z_\\-]+", is_word(name))
}

fn block(text: &str) -> Result<CidrBlock, ServiceError> {
    let block = CidrBlock::parse(text).map_err(ServiceError::invalid_request)?;
    let longest = if matches!(block.address(), IpAddr::V4(_)) { PREFIX_V4 } else { PREFIX_V6 };
    if (1..=longest).contains(&block.prefix()) {
        return Ok(block);
    }
    Err(ServiceError::invalid_request(format_args!(
        "the prefix length of {text} is not within 1 and {longest}"
    )))
}

/// The collection after all changes. A block may move between locations in one request, whatever the order.
fn changed(current: &CidrCollection, changes: &[Change]) -> Result<CidrCollection, ServiceError> {
    let mut collection = CidrCollection { version: current.version + 1, ..current.clone() };
    let (puts, deletes): (Vec<&Change>, Vec<&Change>) = changes.iter().partition(|change| change.put);
    for change in deletes {
        if let Some(blocks) = collection.locations.get_mut(&change.location) {
            blocks.retain(|block| !change.blocks.contains(block));
        }
    }
    for change in puts {
        collection.locations.entry(change.location.clone()).or_default().extend(&change.blocks);
    }
    collection.locations.retain(|_, blocks| !blocks.is_empty());
    let mut seen = BTreeSet::new();
    for block in collection.locations.values().flatten() {
        if !seen.insert(block) {
            let message = format!("The CIDR block {block} is in use by another location of the collection.");
            return Err(ServiceError::new(ErrorCode::CidrBlockInUse, message));
        }
    }
    if seen.len() > BLOCKS {
        let message = format!("Limit of {BLOCKS} CIDR blocks in a collection exceeded.");
        return Err(ServiceError::new(ErrorCode::LimitsExceeded, message));
    }
    Ok(collection)
}

/// The locations of a collection that record sets name.
fn used_locations(state: &State, id: &str) -> BTreeSet<String> {
    let policies = state.zones.iter().flat_map(|zone| zone.record_sets.iter()).map(|set| &set.policy);
    policies
        .filter_map(|policy| match policy {
            Policy::Cidr { collection_id, location_name } if collection_id == id => {
                Some(location_name.clone())
            }
            _ => None,
        })
        .collect()
}

pub(super) fn delete(service: &Service, route: &Route) -> Result<Reply, ServiceError> {
    let id = id(route)?;
    service.store.write(|state| {
        let collection = state.collections.get(id).ok_or_else(|| no_such_collection(id))?;
        if !collection.locations.is_empty() || !used_locations(state, id).is_empty() {
            let message = "This CIDR collection is in use, and isn't empty.";
            return Err(ServiceError::new(ErrorCode::CidrCollectionInUse, message));
        }
        state.collections.remove(id);
        Ok(())
    })?;
    Ok(Reply::ok("DeleteCidrCollectionResponse", |_| {}))
}

pub(super) fn list(service: &Service, query: &Query) -> Result<Reply, ServiceError> {
    let size = pages::size(query, "maxresults", 100, service.page_limit())?;
    let token = query.get("nexttoken").unwrap_or_default();
    let collections: Vec<_> = service.store.read(|state| state.collections.values().cloned().collect());
    let page = pages::take(collections.iter().skip_while(|each| each.id.as_str() < token), size);
    Ok(Reply::ok("ListCidrCollectionsResponse", |xml| {
        xml.optional("NextToken", page.next.map(|next| &next.id));
        xml.list("CidrCollections", page.items, |xml, each| xml.nested("member", |xml| summary(xml, each)));
    }))
}

pub(super) fn list_locations(service: &Service, route: &Route, query: &Query) -> Result<Reply, ServiceError> {
    let collection = find(service, id(route)?)?;
    let size = pages::size(query, "maxresults", 100, service.page_limit())?;
    let token = query.get("nexttoken").unwrap_or_default();
    let page = pages::take(collection.locations.keys().skip_while(|name| name.as_str() < token), size);
    Ok(Reply::ok("ListCidrLocationsResponse", |xml| {
        xml.optional("NextToken", page.next);
        xml.list("CidrLocations", page.items, |xml, name| {
            xml.nested("member", |xml| xml.text("LocationName", name));
        });
    }))
}

pub(super) fn list_blocks(service: &Service, route: &Route, query: &Query) -> Result<Reply, ServiceError> {
    let collection = find(service, id(route)?)?;
    let size = pages::size(query, "maxresults", 100, service.page_limit())?;
    let location = query.get("location");
    if let Some(location) = location {
        location_name(location)?;
        if !collection.locations.contains_key(location) {
            let message = format!("The CIDR collection has no location {location}.");
            return Err(ServiceError::new(ErrorCode::NoSuchCidrLocation, message));
        }
    }
    let blocks: Vec<(&String, String)> = collection
        .locations
        .iter()
        .filter(|(name, _)| location.is_none_or(|location| *name == location))
        .flat_map(|(name, blocks)| blocks.iter().map(move |block| (name, block.to_string())))
        .collect();
    // A token is the place at which the page starts.
    let start = query.get("nexttoken").map(str::parse::<usize>).transpose();
    let start = start.map_err(|_| ServiceError::invalid_request("the token is not valid"))?.unwrap_or(0);
    let page = pages::take(blocks.iter().skip(start), size);
    Ok(Reply::ok("ListCidrBlocksResponse", |xml| {
        xml.optional("NextToken", page.next.map(|_| start + size));
        xml.list("CidrBlocks", page.items, |xml, (name, block)| {
            xml.nested("member", |xml| {
                xml.text("CidrBlock", block);
                xml.text("LocationName", name);
            });
        });
    }))
}

fn id(route: &Route) -> Result<&str, ServiceError> {
    let id = route.parameter(0)?;
    facet("UUID").pattern(id, "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", is_uuid(id))?;
    Ok(id)
}

fn find(service: &Service, id: &str) -> Result<Arc<CidrCollection>, ServiceError> {
    service.store.read(|state| state.collections.get(id).cloned()).ok_or_else(|| no_such_collection(id))
}

fn no_such_collection(id: &str) -> ServiceError {
    ServiceError::new(ErrorCode::NoSuchCidrCollection, format!("No CIDR collection exists with ID {id}."))
}

fn summary(xml: &mut Writer, collection: &CidrCollection) {
    xml.text("Arn", format_args!("arn:aws:route53:::cidrcollection/{}", collection.id));
    xml.text("Id", &collection.id);
    xml.text("Name", &collection.name);
    xml.text("Version", collection.version);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(location: &str, put: bool, blocks: &[&str]) -> Change {
        let blocks = blocks.iter().map(|text| block(text).unwrap()).collect();
        Change { location: location.to_owned(), put, blocks }
    }

    fn empty() -> CidrCollection {
        CidrCollection {
            id: String::new(),
            name: String::new(),
            version: 1,
            caller_reference: String::new(),
            locations: BTreeMap::new(),
        }
    }

    #[test]
    fn a_block_moves_in_one_request_and_is_never_in_two_places() {
        let first = changed(&empty(), &[change("a", true, &["203.0.113.0/24"])]).unwrap();
        assert_eq!(first.version, 2);
        let both = changed(&first, &[change("b", true, &["203.0.113.0/24"])]).unwrap_err();
        assert_eq!(both.code, ErrorCode::CidrBlockInUse);
        let moves = [change("b", true, &["203.0.113.0/24"]), change("a", false, &["203.0.113.0/24"])];
        let moved = changed(&first, &moves).unwrap();
        assert_eq!(moved.locations.keys().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn prefixes_are_as_long_as_the_service_takes_them() {
        for good in ["203.0.113.0/24", "128.0.0.0/1", "2001:db8::/48"] {
            assert!(block(good).is_ok(), "{good}");
        }
        for bad in ["203.0.113.0/25", "0.0.0.0/0", "2001:db8::/49", "203.0.113.7/24", "x"] {
            assert!(block(bad).is_err(), "{bad}");
        }
    }
}
