//! The one list of what is done on a member, and why.

use std::collections::BTreeMap;

use super::{AccessCheck, Feature, Needs, Place, RBAC, Work};

/// Why something is done. Rules are in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    Discovery,
    Review,
    Identity,
    List,
    ListSecrets,
    Objects,
    Definitions,
    Escalate,
    Bind,
    Pods,
    Events,
    Nodes,
    ServiceCidrs,
    CopySources,
    Records,
}

/// What a request does, in the order in which people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    Escalate,
    Bind,
}

/// Something that has to be allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grant {
    pub(super) namespace: Option<String>,
    pub(super) group: String,
    pub(super) resource: String,
    pub(super) name: Option<String>,
    pub(super) verb: Verb,
}

/// All grants, each with the first of its reasons.
pub(super) type Grants = BTreeMap<Grant, Why>;

/// What to ask a server before a join, in order.
///
/// Discovery is not asked for, nor whether one may ask: both show by themselves.
#[must_use]
pub fn checks(needs: &Needs) -> Vec<AccessCheck> {
    let mut checks: Vec<AccessCheck> = grants(needs)
        .into_keys()
        .map(|grant| AccessCheck {
            group: grant.group,
            resource: grant.resource,
            verb: grant.verb.as_str().to_owned(),
            namespace: grant.namespace,
            name: grant.name,
        })
        .collect();
    checks.sort_unstable();
    checks
}

/// What has to be allowed.
pub(super) fn grants(needs: &Needs) -> Grants {
    let mut list = List(Grants::new());
    for namespace in ["kube-system", &needs.records_namespace] {
        list.add(Why::Identity, None, "", "namespaces", Some(namespace), &[Verb::Get]);
    }
    objects(needs, &mut list);
    if needs.work > Work::Read {
        roles(needs, &mut list);
    }
    if needs.work == Work::Apply {
        waiting(needs, &mut list);
    }
    if needs.features.contains(&Feature::Capacity) || needs.features.contains(&Feature::Networks) {
        list.add(Why::Nodes, None, "", "nodes", None, &[Verb::List]);
    }
    if needs.features.contains(&Feature::Networks) {
        list.add(Why::ServiceCidrs, None, "networking.k8s.io", "servicecidrs", None, &[Verb::List]);
    }
    for source in &needs.copy_sources {
        let (group, plural) = (&source.resource.group, &source.resource.plural);
        list.add(
            Why::CopySources,
            source.namespace.as_deref(),
            group,
            plural,
            Some(&source.name),
            &[Verb::Get],
        );
    }
    records(needs, &mut list);
    list.0
}

fn objects(needs: &Needs, list: &mut List) {
    let verbs: &[Verb] = match needs.work {
        Work::Read => &[Verb::Get],
        Work::DryRun => &[Verb::Get, Verb::Create, Verb::Patch],
        Work::Apply => &[Verb::Get, Verb::Watch, Verb::Create, Verb::Patch, Verb::Delete],
    };
    for (resource, places) in &needs.kinds {
        let (group, plural) = (resource.group.as_str(), resource.plural.as_str());
        let secret = group.is_empty() && plural == "secrets";
        list.add(if secret { Why::ListSecrets } else { Why::List }, None, group, plural, None, &[Verb::List]);
        for place in places {
            let (namespace, name) = match place {
                Place::Cluster => (None, None),
                Place::Named(name) => (None, Some(name.as_str())),
                Place::Namespace(namespace) => (Some(namespace.as_str()), None),
            };
            list.add(Why::Objects, namespace, group, plural, name, verbs);
            // A definition is called after what it defines: `widgets.example.com`.
            if needs.work == Work::Apply
                && (group, plural) == ("apiextensions.k8s.io", "customresourcedefinitions")
                && let Some((plural, group)) = name.and_then(|name| name.split_once('.'))
            {
                list.add(Why::Definitions, None, group, plural, None, &[Verb::List]);
            }
        }
    }
}

/// A server lets nobody write roles that allow more than the writer may do, nor give roles away that are more than
/// the receiver's giver has, unless these verbs are allowed.
fn roles(needs: &Needs, list: &mut List) {
    for (resource, places) in needs.kinds.iter().filter(|(resource, _)| resource.group == RBAC) {
        if !["roles", "clusterroles"].contains(&resource.plural.as_str()) {
            continue;
        }
        for place in places {
            let (namespace, name) = match place {
                Place::Cluster => (None, None),
                Place::Named(name) => (None, Some(name.as_str())),
                Place::Namespace(namespace) => (Some(namespace.as_str()), None),
            };
            list.add(Why::Escalate, namespace, RBAC, &resource.plural, name, &[Verb::Escalate]);
        }
    }
    for role in &needs.bound_roles {
        list.add(Why::Bind, role.namespace.as_deref(), RBAC, role.plural, Some(&role.name), &[Verb::Bind]);
    }
}

/// What tells early that a workload will not become ready.
fn waiting(needs: &Needs, list: &mut List) {
    for (resource, places) in needs.kinds.iter().filter(|(resource, _)| resource.group == "apps") {
        let plural = resource.plural.as_str();
        if !["deployments", "statefulsets", "daemonsets"].contains(&plural) {
            continue;
        }
        for place in places {
            let namespace = match place {
                Place::Namespace(namespace) => Some(namespace.as_str()),
                Place::Cluster | Place::Named(_) => None,
            };
            list.add(Why::Pods, namespace, "", "pods", None, &[Verb::List, Verb::Watch]);
            if plural == "deployments" {
                list.add(Why::Pods, namespace, "apps", "replicasets", None, &[Verb::Get]);
            }
            if needs.features.contains(&Feature::Events) {
                list.add(Why::Events, namespace, "", "events", None, &[Verb::List]);
            }
        }
    }
}

fn records(needs: &Needs, list: &mut List) {
    let namespace = Some(needs.records_namespace.as_str());
    let apply = needs.work == Work::Apply;
    let mut add = |group, plural, reading: &[Verb], writing: &[Verb]| {
        list.add(Why::Records, namespace, group, plural, None, if apply { writing } else { reading });
    };
    add("", "configmaps", &[Verb::Get], &[Verb::Get, Verb::List, Verb::Create, Verb::Update, Verb::Delete]);
    add(
        "coordination.k8s.io",
        "leases",
        &[Verb::Get],
        &[Verb::Get, Verb::List, Verb::Watch, Verb::Create, Verb::Update, Verb::Delete],
    );
    // The key of the digests by which changes of secrets are seen.
    let secrets = needs.kinds.keys().any(|it| it.group.is_empty() && it.plural == "secrets");
    if secrets || needs.features.contains(&Feature::Confidential) {
        add("", "secrets", &[Verb::Get], &[Verb::Get, Verb::Create, Verb::Delete]);
    }
}

struct List(Grants);

impl List {
    fn add(
        &mut self,
        why: Why,
        namespace: Option<&str>,
        group: &str,
        resource: &str,
        name: Option<&str>,
        verbs: &[Verb],
    ) {
        for verb in verbs {
            let grant = Grant {
                namespace: namespace.map(str::to_owned),
                group: group.to_owned(),
                resource: resource.to_owned(),
                name: name.map(str::to_owned),
                verb: *verb,
            };
            let known = self.0.entry(grant).or_insert(why);
            *known = why.min(*known);
        }
    }
}

impl Verb {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Escalate => "escalate",
            Self::Bind => "bind",
        }
    }
}
