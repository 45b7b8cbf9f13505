//! Checks of single attributes.

use std::collections::BTreeSet;

use multicluster_core::release::spec::MaxFailures;
use tfplugin::{Diagnostics, Node};

use crate::validators::sentence;

/// The ways of leading traffic.
pub(super) const TRAFFIC: [&str; 3] = ["service", "http_route", "virtual_service"];

/// Names of clusters, at least one, none twice.
pub(super) fn clusters(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    let elements = node.elements();
    if node.is_wholly_known() && elements.is_empty() {
        diagnostics.error_at(node.path(), "No clusters", "A release needs at least one cluster.");
    }
    let mut seen = BTreeSet::new();
    for element in elements {
        let Some(name) = element.str() else { continue };
        if let Err(error) = multicluster_core::names::ClusterName::new(name) {
            diagnostics.error_at(element.path(), "Invalid name", sentence(&error));
        } else if !seen.insert(name.to_owned()) {
            diagnostics.error_at(
                element.path(),
                "Named twice",
                format!("Cluster `{name}` is in the list already."),
            );
        }
    }
}

/// Exactly one way of leading traffic.
pub(super) fn one_traffic(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    let given = TRAFFIC.iter().filter(|way| !node.attribute(way).is_null()).count();
    let unknown = TRAFFIC.iter().any(|way| node.attribute(way).is_unknown());
    if given != 1 && !unknown {
        diagnostics.error_at(
            node.path(),
            "Not one way of leading traffic",
            "Give exactly one of `service`, `http_route` and `virtual_service`.",
        );
    }
}

/// `3` or `25%`.
pub(super) fn count_or_percent(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if let Some(text) = node.str()
        && max_failures(text).is_none()
    {
        diagnostics.error_at(
            node.path(),
            "Neither a number nor a percentage",
            format!(
                "`{text}` must be a whole number such as `1`, or a percentage of 0 to 100 such as `25%`."
            ),
        );
    }
}

/// Reads `3` or `25%`.
pub(super) fn max_failures(text: &str) -> Option<MaxFailures> {
    match text.strip_suffix('%') {
        Some(percent) => percent.parse().ok().filter(|it| *it <= 100).map(MaxFailures::Percent),
        None => text.parse().ok().map(MaxFailures::Clusters),
    }
}
