//! The computed attributes of a federation, and the members that a state knows of.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::federation::forecast::Forecast;
use multicluster_core::federation::render::{MemberDesired, Rendered};
use multicluster_core::names::{ClusterName, ClusterUid};
use tfplugin::{Node, Path, Value};

use super::record::Record;

/// A value per member, any of which may be unknown.
pub(super) type PerMember<T> = BTreeMap<ClusterName, Option<T>>;

/// The UIDs of the clusters that a state or plan names, where they are known.
pub(super) fn cluster_uids(value: &Value) -> BTreeMap<ClusterName, ClusterUid> {
    texts(value, "cluster_uids").into_iter().map(|(name, uid)| (name, ClusterUid(uid))).collect()
}

/// What `sync` says of each member.
pub(super) fn syncs(value: &Value) -> BTreeMap<ClusterName, String> {
    texts(value, "sync")
}

fn texts(value: &Value, attribute: &str) -> BTreeMap<ClusterName, String> {
    let entry = |(name, node): (&str, Node<'_>)| Some((ClusterName::new(name).ok()?, node.str()?.to_owned()));
    Node::root(value).attribute(attribute).entries().into_iter().filter_map(entry).collect()
}

/// Every member that has, or may have, something of the federation, by a state and its record.
pub(super) fn known_members(state: &Value, record: &Record) -> BTreeSet<ClusterName> {
    let configured = Node::root(state).attribute("members").entries();
    configured
        .iter()
        .filter_map(|(name, _)| ClusterName::new(*name).ok())
        .chain(texts(state, "sync").into_keys())
        .chain(texts(state, "cluster_uids").into_keys())
        .chain(record.members.keys().cloned())
        .collect()
}

/// The path of a member's entry.
pub(super) fn member_path(name: &ClusterName) -> Path {
    Path::root().attribute("members").key(name.as_str())
}

/// A map of texts as a value.
pub(super) fn text_map(texts: impl IntoIterator<Item = (ClusterName, String)>) -> Value {
    Value::map(texts.into_iter().map(|(name, text)| (name.to_string(), Value::from(text))))
}

/// A map of texts of which some are known only after apply.
pub(super) fn partial_text_map(texts: PerMember<String>) -> Value {
    let value = |text: Option<String>| text.map_or(Value::Unknown, Value::from);
    Value::map(texts.into_iter().map(|(name, text)| (name.to_string(), value(text))))
}

/// The objects of each member, in words.
pub(super) fn objects(rendered: &Rendered) -> Value {
    let list = |desired: &MemberDesired| {
        Value::List(desired.keys().map(|key| Value::from(key.to_string())).collect())
    };
    Value::map(rendered.iter().map(|(name, desired)| (name.to_string(), list(desired))))
}

/// The Services that are kept, by `namespace/name` and member.
pub(super) fn services(rendered: &Rendered) -> Value {
    let mut services: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for (member, desired) in rendered {
        let keys = desired.keys().filter(|key| key.kind.group.is_empty() && key.kind.kind == "Service");
        for key in keys {
            let namespace = key.namespace.as_deref().unwrap_or_default();
            let reference = Value::map([
                ("cluster", Value::from(member.as_str())),
                ("namespace", Value::from(namespace)),
                ("name", Value::from(key.name.as_str())),
            ]);
            let service = services.entry(format!("{namespace}/{}", key.name)).or_default();
            service.insert(member.to_string(), reference);
        }
    }
    Value::map(services.into_iter().map(|(name, members)| (name, Value::map(members))))
}

/// What is known of each member.
pub(super) fn member_status<'a>(names: impl IntoIterator<Item = &'a ClusterName>, record: &Record) -> Value {
    let status = |name: &'a ClusterName| {
        let member = record.members.get(name);
        let text = |text: Option<String>| text.map_or(Value::Null, Value::from);
        let uid = member.and_then(|it| it.seen.as_ref()).map(|seen| seen.cluster_uid.to_string());
        let status = [
            ("version", text(member.and_then(|it| it.version.clone()))),
            ("uid", text(uid)),
            ("reachable", member.map_or(Value::Null, |it| Value::from(!it.silent))),
        ];
        (name.to_string(), Value::map(status))
    };
    Value::map(names.into_iter().map(status))
}

/// Forecasts as a value.
pub(super) fn forecasts(forecasts: PerMember<Forecast>) -> Value {
    let value = |forecast: Option<Forecast>| {
        forecast.map_or(Value::Unknown, |forecast| {
            Value::map(
                forecast.into_iter().map(|(object, text)| (object, text.map_or(Value::Unknown, Value::from))),
            )
        })
    };
    Value::map(forecasts.into_iter().map(|(name, forecast)| (name.to_string(), value(forecast))))
}
