//! Record sets and the changes of them.

use std::sync::Arc;

use super::{
    dispatch::{Service, no_such_zone},
    operation::Route,
    pages,
    query::Query,
    reply::Reply,
    set_xml,
};
use crate::{
    change::{RawChange, ZoneContext, apply},
    error::{ErrorCode, ServiceError},
    facets::{facet, incomplete},
    model::{ChangeInfo, ChangeStatus, Name, RecordSet, RecordSetKey, RecordType, State},
    xml::{Body, Element, Writer},
};

/// Most sets of one page.
const PAGE: usize = 300;

pub(super) fn list(service: &Service, route: &Route, query: &Query) -> Result<Reply, ServiceError> {
    let id = route.parameter(0)?;
    let size = pages::size(query, "maxitems", PAGE, service.page_limit())?;
    let start = start(query)?;
    let sets = service.store.read(|state| state.zone(id).map(|zone| Arc::clone(&zone.record_sets)));
    let sets = sets.ok_or_else(|| no_such_zone(id))?;
    let listed: Box<dyn Iterator<Item = &RecordSet>> = match &start {
        Some(start) => Box::new(sets.starting_at(start)),
        None => Box::new(sets.iter()),
    };
    let page = pages::take(listed, size);
    Ok(Reply::ok("ListResourceRecordSetsResponse", |xml| {
        xml.list("ResourceRecordSets", page.items, set_xml::write);
        xml.text("IsTruncated", page.next.is_some());
        if let Some(next) = page.next {
            xml.text("NextRecordName", &next.name);
            xml.text("NextRecordType", next.record_type);
            xml.optional("NextRecordIdentifier", next.set_identifier.as_ref());
        }
        xml.text("MaxItems", size);
    }))
}

/// Where a listing starts: the first set that is not before this key.
fn start(query: &Query) -> Result<Option<RecordSetKey>, ServiceError> {
    let (name, kind, identifier) = (query.get("name"), query.get("type"), query.get("identifier"));
    let Some(name) = name else {
        if kind.is_some() || identifier.is_some() {
            return Err(ServiceError::invalid_request(
                "type and identifier cannot be specified without name",
            ));
        }
        return Ok(None);
    };
    if kind.is_none() && identifier.is_some() {
        return Err(ServiceError::invalid_request("identifier cannot be specified without type"));
    }
    let record_type = match kind {
        // The first type of the listing's order.
        None => RecordType::A,
        Some(kind) => RecordType::parse(kind)
            .ok_or_else(|| ServiceError::invalid_request(format_args!("'{kind}' is not a record type")))?,
    };
    let name = Name::parse(name).map_err(ServiceError::invalid_request)?;
    Ok(Some(RecordSetKey { name, record_type, set_identifier: identifier.map(str::to_owned) }))
}

pub(super) fn change(service: &Service, route: &Route, body: &[u8]) -> Result<Reply, ServiceError> {
    let id = route.parameter(0)?;
    let body = Body::parse(body)?;
    let (comment, changes) = read(body.root("ChangeResourceRecordSetsRequest")?)?;
    let mut change = service.new_change(comment);
    service.store.write(|state| {
        let context = context(state, id)?;
        let sets = apply(&context, &changes)?;
        change.insync = state.replace_sets(id, sets, change.insync);
        state.changes.insert(change.id.clone(), change.clone());
        Ok(())
    })?;
    let mut reply = changed(service, "ChangeResourceRecordSetsResponse", &change);
    reply.changes = Some(changes.len());
    Ok(reply)
}

fn read(root: Element<'_, '_>) -> Result<(Option<String>, Vec<RawChange>), ServiceError> {
    let root = root.only(&["ChangeBatch"])?;
    let batch = root
        .child("ChangeBatch")
        .ok_or_else(|| incomplete("ChangeResourceRecordSetsRequest", "ChangeBatch"))?;
    let batch = batch.only(&["Comment", "Changes"])?;
    let comment = batch.text("Comment");
    if let Some(comment) = &comment {
        facet("ResourceDescription").lengths(comment, 0, 256)?;
    }
    let changes = batch.child("Changes").ok_or_else(|| incomplete("ChangeBatch", "Changes"))?;
    let changes = changes.list("Change")?.into_iter().map(|change| {
        let change = change.only(&["Action", "ResourceRecordSet"])?;
        let set =
            change.child("ResourceRecordSet").ok_or_else(|| incomplete("Change", "ResourceRecordSet"))?;
        Ok(RawChange {
            action: change.text("Action").ok_or_else(|| incomplete("Change", "Action"))?,
            resource_record_set: set_xml::read(set)?,
        })
    });
    Ok((comment, changes.collect::<Result<_, ServiceError>>()?))
}

/// What a batch for this zone is judged against.
///
/// # Errors
/// `NoSuchHostedZone`.
pub(crate) fn context(state: &State, zone_id: &str) -> Result<ZoneContext, ServiceError> {
    let zone = state.zone(zone_id).ok_or_else(|| no_such_zone(zone_id))?;
    Ok(ZoneContext {
        id: zone.id.clone(),
        name: zone.name.clone(),
        private: zone.private,
        record_sets: Arc::clone(&zone.record_sets),
        health_checks: state.health_checks.keys().cloned().collect(),
        collections: state.collections.clone(),
    })
}

pub(super) fn get_change(service: &Service, route: &Route) -> Result<Reply, ServiceError> {
    let id = route.parameter(0)?;
    let change = service.store.read(|state| state.changes.get(id).cloned()).ok_or_else(|| {
        ServiceError::new(
            ErrorCode::NoSuchChange,
            format!("A change with the specified change ID does not exist: {id}"),
        )
    })?;
    let status = change.status(service.store.now());
    Ok(Reply::ok("GetChangeResponse", |xml| write_change(xml, service, &change, status)))
}

/// A reply that holds nothing but a change that was just accepted.
pub(super) fn changed(service: &Service, root: &str, change: &ChangeInfo) -> Reply {
    Reply::ok(root, |xml| accepted(xml, service, change))
}

/// A change that was just accepted: PENDING, however soon it will be INSYNC.
pub(super) fn accepted(xml: &mut Writer, service: &Service, change: &ChangeInfo) {
    write_change(xml, service, change, ChangeStatus::Pending);
}

fn write_change(xml: &mut Writer, service: &Service, change: &ChangeInfo, status: ChangeStatus) {
    xml.nested("ChangeInfo", |xml| {
        xml.text("Id", format_args!("/change/{}", change.id));
        xml.text("Status", status.as_str());
        xml.text("SubmittedAt", service.time(change.submitted));
        xml.optional("Comment", change.comment.as_ref());
    });
}
