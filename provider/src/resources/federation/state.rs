//! The computed attributes of a federation, and the members that a state knows of.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::federation::forecast::Forecast;
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
