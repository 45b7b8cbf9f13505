//! The grants as rules of roles.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::grants::{Grant, Verb, Why, grants};
use super::{Needs, RBAC};
use crate::object::group_of;

/// A rule of a role. Names are empty where any name is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rule {
    pub(super) why: Why,
    pub(super) group: String,
    pub(super) names: BTreeSet<String>,
    pub(super) verbs: BTreeSet<Verb>,
    pub(super) resources: BTreeSet<String>,
    /// Paths that are no resources; then the rest but the verbs is empty.
    pub(super) paths: BTreeSet<String>,
}

/// The rules by where they hold: `None` for the whole cluster, which comes first.
pub(super) type Rules = BTreeMap<Option<String>, Vec<Rule>>;

/// The least roles with which a federation can be kept on a member: the namespace of its records, a ClusterRole, and
/// a Role in every namespace where one is enough. All have the same name, rules and lists are in order.
///
/// # Examples
/// ```
/// use multicluster_core::{names::FederationName, rbac::{required_role, Needs, Work}};
///
/// let needs = Needs::new(FederationName::new("world").unwrap(), Work::Apply, "multicluster-system");
/// let kinds: Vec<_> = required_role(&needs).iter().map(|object| object["kind"].clone()).collect();
/// assert_eq!(kinds, ["Namespace", "ClusterRole", "Role"]);
/// ```
#[must_use]
pub fn required_role(needs: &Needs) -> Vec<Value> {
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": needs.records_namespace },
    });
    let name = role_name(needs);
    let roles = rules(needs).into_iter().map(|(namespace, rules)| {
        let rules: Vec<Value> = rules.iter().map(Rule::to_value).collect();
        let api_version = format!("{RBAC}/v1");
        match namespace {
            None => json!({
                "apiVersion": api_version, "kind": "ClusterRole", "metadata": { "name": name }, "rules": rules,
            }),
            Some(namespace) => json!({
                "apiVersion": api_version, "kind": "Role",
                "metadata": { "name": name, "namespace": namespace }, "rules": rules,
            }),
        }
    });
    std::iter::once(namespace).chain(roles).collect()
}

pub(super) fn role_name(needs: &Needs) -> String {
    match &needs.set {
        Some(set) => format!("multicluster-{}-{set}", needs.federation),
        None => format!("multicluster-{}", needs.federation),
    }
}

/// All rules, without those that others contain.
pub(super) fn rules(needs: &Needs) -> Rules {
    // A role cannot stand in a namespace that comes only with the federation's objects.
    let placed: BTreeMap<Grant, Why> =
        grants(needs).into_iter().fold(BTreeMap::new(), |mut placed, (mut grant, why)| {
            grant.namespace = grant.namespace.filter(|it| !needs.created_namespaces.contains(it));
            let known = placed.entry(grant).or_insert(why);
            *known = why.min(*known);
            placed
        });
    // One step per part that rules have as a list.
    let mut verbs: BTreeMap<_, BTreeSet<Verb>> = BTreeMap::new();
    for (grant, why) in placed.iter().filter(|(grant, _)| !is_contained(grant, &placed)) {
        let Grant { namespace, group, resource, name, verb } = grant.clone();
        verbs.entry((namespace, *why, group, resource, name)).or_default().insert(verb);
    }
    let mut names: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for ((namespace, why, group, resource, name), verbs) in verbs {
        // What is allowed under any name is a rule of its own.
        let any = name.is_none();
        names.entry((namespace, why, group, resource, any, verbs)).or_default().extend(name);
    }
    let mut resources: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for ((namespace, why, group, resource, _, verbs), names) in names {
        resources.entry((namespace, why, group, names, verbs)).or_default().insert(resource);
    }
    let mut rules = Rules::from([(None, vec![discovery(needs), review()])]);
    for ((namespace, why, group, names, verbs), resources) in resources {
        let rule = Rule { why, group, names, verbs, resources, paths: BTreeSet::new() };
        rules.entry(namespace).or_default().push(rule);
    }
    rules.values_mut().for_each(|rules| rules.sort_unstable());
    rules
}

/// Whether the same is allowed in more namespaces, or under more names.
fn is_contained(grant: &Grant, all: &BTreeMap<Grant, Why>) -> bool {
    let wider = [
        Grant { namespace: None, ..grant.clone() },
        Grant { name: None, ..grant.clone() },
        Grant { namespace: None, name: None, ..grant.clone() },
    ];
    wider.iter().any(|wider| wider != grant && all.contains_key(wider))
}

/// Which kinds are served is asked for by group and version.
fn discovery(needs: &Needs) -> Rule {
    let mut paths: BTreeSet<String> = ["/api", "/api/v1", "/apis", "/version"].map(str::to_owned).into();
    for resource in needs.kinds.keys().filter(|resource| !resource.group.is_empty()) {
        paths.insert(format!("/apis/{}", resource.group));
    }
    for api_version in needs.api_versions.iter().filter(|it| !group_of(it).is_empty()) {
        paths.insert(format!("/apis/{}", group_of(api_version)));
        paths.insert(format!("/apis/{api_version}"));
    }
    Rule {
        why: Why::Discovery,
        group: String::new(),
        names: BTreeSet::new(),
        verbs: [Verb::Get].into(),
        resources: BTreeSet::new(),
        paths,
    }
}

fn review() -> Rule {
    Rule {
        why: Why::Review,
        group: "authorization.k8s.io".to_owned(),
        names: BTreeSet::new(),
        verbs: [Verb::Create].into(),
        resources: ["selfsubjectaccessreviews".to_owned(), "selfsubjectrulesreviews".to_owned()].into(),
        paths: BTreeSet::new(),
    }
}

impl Rule {
    /// The fields of the rule that are not empty, in the order in which people write them.
    pub(super) fn fields(&self) -> Vec<(&'static str, Vec<&str>)> {
        let verbs = ("verbs", self.verbs.iter().map(|verb| verb.as_str()).collect());
        if !self.paths.is_empty() {
            return vec![("nonResourceURLs", self.paths.iter().map(String::as_str).collect()), verbs];
        }
        let mut fields = vec![
            ("apiGroups", vec![self.group.as_str()]),
            ("resources", self.resources.iter().map(String::as_str).collect()),
        ];
        if !self.names.is_empty() {
            fields.push(("resourceNames", self.names.iter().map(String::as_str).collect()));
        }
        fields.push(verbs);
        fields
    }

    fn to_value(&self) -> Value {
        self.fields().into_iter().map(|(field, texts)| (field.to_owned(), json!(texts))).collect()
    }
}
