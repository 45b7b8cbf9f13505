//! Tags of hosted zones and health checks.

use std::collections::BTreeMap;

use super::{
    dispatch::{Service, zone_exists},
    health_checks::no_such_check,
    operation::{Route, without_prefix},
    reply::Reply,
};
use crate::{
    error::ServiceError,
    facets::{facet, incomplete},
    model::State,
    xml::{Body, Element, Writer},
};

/// Tags of one resource, and of one request.
const TAGS: usize = 10;
/// Resources of one ListTagsForResources.
const RESOURCES: usize = 10;

type Tags = BTreeMap<String, String>;

pub(super) fn change(service: &Service, route: &Route, body: &[u8]) -> Result<Reply, ServiceError> {
    let (kind, id) = (kind(route)?, route.parameter(1)?);
    let body = Body::parse(body)?;
    let root = body.root("ChangeTagsForResourceRequest")?.only(&["AddTags", "RemoveTagKeys"])?;
    let added = root.child("AddTags").map(|list| list.list("Tag")).transpose()?;
    let added = added.map(|list| list.into_iter().map(tag).collect::<Result<Vec<_>, _>>()).transpose()?;
    let removed = root.child("RemoveTagKeys").map(|list| list.list("Key")).transpose()?;
    let removed: Option<Vec<String>> = removed.map(|list| list.into_iter().map(Element::value).collect());
    for (name, count) in
        [("AddTags", added.as_ref().map(Vec::len)), ("RemoveTagKeys", removed.as_ref().map(Vec::len))]
    {
        if count.is_some_and(|count| count == 0 || count > TAGS) {
            return Err(ServiceError::invalid_request(format_args!("{name} must have 1 to {TAGS} members")));
        }
    }
    if added.is_none() && removed.is_none() {
        return Err(ServiceError::invalid_request("neither AddTags nor RemoveTagKeys is specified"));
    }
    service.store.write(|state| {
        exists(state, kind, id)?;
        let key = (kind.to_owned(), id.to_owned());
        let mut tags = state.tags.get(&key).cloned().unwrap_or_default();
        for name in removed.unwrap_or_default() {
            tags.remove(&name);
        }
        tags.extend(added.unwrap_or_default());
        if tags.len() > TAGS {
            return Err(ServiceError::invalid_request(format_args!("a resource can have up to {TAGS} tags")));
        }
        state.tags.insert(key, tags);
        Ok(())
    })?;
    Ok(Reply::ok("ChangeTagsForResourceResponse", |_| {}))
}

fn tag(element: Element<'_, '_>) -> Result<(String, String), ServiceError> {
    let element = element.only(&["Key", "Value"])?;
    let key = element.text("Key").ok_or_else(|| incomplete("Tag", "Key"))?;
    let value = element.text("Value").unwrap_or_default();
    facet("TagKey").lengths(&key, 1, 128)?;
    facet("TagValue").lengths(&value, 0, 256)?;
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(ServiceError::invalid_request("tag keys beginning with aws: are reserved"));
    }
    Ok((key, value))
}

pub(super) fn list(service: &Service, route: &Route) -> Result<Reply, ServiceError> {
    let (kind, id) = (kind(route)?, route.parameter(1)?);
    let tags = tags_of(service, kind, id)?;
    Ok(Reply::ok("ListTagsForResourceResponse", |xml| write(xml, kind, id, &tags)))
}

pub(super) fn list_many(service: &Service, route: &Route, body: &[u8]) -> Result<Reply, ServiceError> {
    let kind = kind(route)?;
    let body = Body::parse(body)?;
    let root = body.root("ListTagsForResourcesRequest")?.only(&["ResourceIds"])?;
    let list =
        root.child("ResourceIds").ok_or_else(|| incomplete("ListTagsForResourcesRequest", "ResourceIds"))?;
    let ids: Vec<String> = list.list("ResourceId")?.into_iter().map(Element::value).collect();
    if ids.is_empty() || ids.len() > RESOURCES {
        return Err(ServiceError::invalid_request(format_args!(
            "ResourceIds must have 1 to {RESOURCES} members"
        )));
    }
    let mut found = Vec::new();
    for id in &ids {
        let id = without_prefix(id);
        found.push((id, tags_of(service, kind, id)?));
    }
    Ok(Reply::ok("ListTagsForResourcesResponse", |xml| {
        xml.list("ResourceTagSets", &found, |xml, (id, tags)| write(xml, kind, id, tags));
    }))
}

fn kind(route: &Route) -> Result<&str, ServiceError> {
    let kind = route.parameter(0)?;
    facet("TagResourceType").enumeration(kind, &["healthcheck", "hostedzone"])?;
    Ok(kind)
}

fn tags_of(service: &Service, kind: &str, id: &str) -> Result<Tags, ServiceError> {
    service.store.read(|state| {
        exists(state, kind, id)?;
        Ok(state.tags.get(&(kind.to_owned(), id.to_owned())).cloned().unwrap_or_default())
    })
}

fn exists(state: &State, kind: &str, id: &str) -> Result<(), ServiceError> {
    if kind == "hostedzone" {
        zone_exists(state, id)
    } else if state.health_checks.contains_key(id) {
        Ok(())
    } else {
        Err(no_such_check(id))
    }
}

fn write(xml: &mut Writer, kind: &str, id: &str, tags: &Tags) {
    xml.nested("ResourceTagSet", |xml| {
        xml.text("ResourceType", kind);
        xml.text("ResourceId", id);
        xml.list("Tags", tags, |xml, (key, value)| {
            xml.nested("Tag", |xml| {
                xml.text("Key", key);
                xml.text("Value", value);
            });
        });
    });
}
