//! Missing permissions in words: verbs on the same thing together, namespaces with the same lack together.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::rbac::AccessCheck;

/// How many things are named before the rest is only counted.
const NAMED: usize = 12;

/// `create, patch deployments.apps in `shop`; list nodes`.
pub(super) fn words(checks: &[AccessCheck]) -> String {
    let mut verbs: BTreeMap<(String, Option<&str>), BTreeSet<&str>> = BTreeMap::new();
    for check in checks {
        verbs.entry((thing(check), namespace(check))).or_default().insert(&check.verb);
    }
    // What is lacking everywhere is not put together with what is lacking in some namespaces.
    let mut namespaces: BTreeMap<(String, BTreeSet<&str>, bool), BTreeSet<&str>> = BTreeMap::new();
    for ((thing, namespace), verbs) in verbs {
        namespaces.entry((thing, verbs, namespace.is_some())).or_default().extend(namespace);
    }
    let mut phrases: Vec<String> = namespaces
        .into_iter()
        .map(|((thing, verbs, _), namespaces)| {
            let verbs = Vec::from_iter(verbs).join(", ");
            let namespaces: Vec<String> = namespaces.iter().map(|name| format!("`{name}`")).collect();
            match namespaces.as_slice() {
                [] => format!("{verbs} {thing}"),
                names => format!("{verbs} {thing} in {}", names.join(", ")),
            }
        })
        .collect();
    let more = phrases.len().saturating_sub(NAMED);
    phrases.truncate(NAMED);
    match more {
        0 => phrases.join("; "),
        more => format!("{}; and {more} more", phrases.join("; ")),
    }
}

/// `deployments.apps`, with the name of the one object that is meant, if it is one.
fn thing(check: &AccessCheck) -> String {
    let resource = match check.group.as_str() {
        "" => check.resource.clone(),
        group => format!("{}.{group}", check.resource),
    };
    match check.name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => format!("{resource} `{name}`"),
        None => resource,
    }
}

fn namespace(check: &AccessCheck) -> Option<&str> {
    check.namespace.as_deref().filter(|namespace| !namespace.is_empty())
}
