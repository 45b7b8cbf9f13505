//! `spec.placement`: on which members an object is.
//!
//! | `clusters` | `clusterSelector` | on                         |
//! |------------|-------------------|----------------------------|
//! | given      | any               | the named members, if any  |
//! | absent     | absent            | none                       |
//! | absent     | `{}`              | all                        |
//! | absent     | given             | those whose labels match   |

use std::collections::{BTreeMap, BTreeSet};

use super::document::{At, Reader};
use super::nowhere::Nowhere;
use crate::names::ClusterName;
use crate::selector::{Labels, Operator, Requirement, Selector};

/// Where a document goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Placement {
    /// Names as written; not all need to be members.
    pub(super) clusters: Option<BTreeSet<String>>,
    selector: Option<Selector>,
}

pub(super) fn read(at: &At<'_>, reader: &mut Reader<'_>) -> Placement {
    // Not `items`: it has to be told apart whether there is a list at all.
    reader.fields(at);
    reader.knows(at, &["clusters", "clusterSelector"]);
    let clusters = reader.items(&at.field("clusters")).map(|items| {
        let mut names = BTreeSet::new();
        for item in items {
            reader.fields(&item);
            if let Some(name) = reader.required_text(&item.field("name")) {
                names.insert(name.to_owned());
            }
        }
        names
    });
    let selector = at.field("clusterSelector");
    Placement { clusters, selector: selector.is_there().then(|| read_selector(&selector, reader)) }
}

fn read_selector(at: &At<'_>, reader: &mut Reader<'_>) -> Selector {
    reader.knows(at, &["matchLabels", "matchExpressions"]);
    reader.fields(at);
    let mut labels = Labels::new();
    for (key, value) in reader.fields(&at.field("matchLabels")) {
        if let Some(value) = reader.text(&value) {
            labels.insert(key.to_owned(), value.to_owned());
        }
    }
    let mut expressions = Vec::new();
    for item in reader.items(&at.field("matchExpressions")).unwrap_or_default() {
        reader.knows(&item, &["key", "operator", "values"]);
        if let Some(requirement) = read_requirement(&item, reader) {
            expressions.push(requirement);
        }
    }
    Selector::new(labels, expressions).unwrap_or_else(|error| {
        reader.problem(&at.field("matchLabels").path, error.to_string());
        Selector::default()
    })
}

fn read_requirement(at: &At<'_>, reader: &mut Reader<'_>) -> Option<Requirement> {
    let key = reader.required_text(&at.field("key"))?;
    let operator = reader.required_text(&at.field("operator"))?;
    let values: Vec<&str> = reader
        .items(&at.field("values"))
        .unwrap_or_default()
        .iter()
        .filter_map(|item| reader.text(item))
        .collect();
    let requirement = operator
        .parse::<Operator>()
        .and_then(|operator| Requirement::new(key, operator, values))
        .map_err(|error| reader.problem(&at.path, error.to_string()));
    requirement.ok()
}

impl Placement {
    /// The members that it selects.
    pub(super) fn select(&self, members: &BTreeMap<ClusterName, Labels>) -> BTreeSet<ClusterName> {
        match &self.clusters {
            Some(names) => members.keys().filter(|name| names.contains(name.as_str())).cloned().collect(),
            None => self.select_by_labels(members),
        }
    }

    /// The members that its selector selects, whatever it names.
    pub(super) fn select_by_labels(&self, members: &BTreeMap<ClusterName, Labels>) -> BTreeSet<ClusterName> {
        let Some(selector) = &self.selector else { return BTreeSet::new() };
        members.iter().filter(|(_, labels)| selector.matches(labels)).map(|(name, _)| name.clone()).collect()
    }

    /// Whether labels are written that the names make meaningless.
    pub(super) fn ignores_selector(&self) -> bool {
        self.clusters.is_some() && self.selector.is_some()
    }

    /// Why it selects nothing, given that it does.
    pub(super) fn emptiness(&self) -> Nowhere {
        match (&self.clusters, &self.selector) {
            (Some(names), _) if names.is_empty() => Nowhere::EmptyClusters,
            (Some(names), _) => Nowhere::UnknownClusters(names.iter().cloned().collect()),
            (None, Some(_)) => Nowhere::SelectorMatchesNothing,
            (None, None) => Nowhere::NoPlacement,
        }
    }
}
