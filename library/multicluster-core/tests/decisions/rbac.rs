use std::collections::BTreeSet;

use multicluster_core::manifest;
use multicluster_core::names::FederationName;
use multicluster_core::object::Manifest;
use multicluster_core::rbac::{
    AccessCheck, BoundRole, CopySource, Feature, Needs, Place, Resource, Work, checks, required_role, to_yaml,
};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

fn needs(work: Work) -> Needs {
    Needs::new(FederationName::new("world").unwrap(), work, "multicluster-system")
}

fn object(api_version: &str, kind: &str, namespace: &str, name: &str) -> Value {
    let mut object = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name } });
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = namespace.into();
    }
    object
}

/// A federation of a few objects.
fn guestbook(work: Work) -> Needs {
    let mut needs = needs(work);
    needs.add(&object("v1", "ConfigMap", "shop", "settings"), "configmaps");
    needs.add(&object("v1", "Service", "shop", "web"), "services");
    needs.add(&object("apps/v1", "Deployment", "shop", "web"), "deployments");
    needs
}

fn questions(needs: &Needs) -> Vec<String> {
    checks(needs).iter().map(ToString::to_string).collect()
}

#[test]
fn a_plan_that_reads_asks_for_no_more_than_reading() {
    assert_eq!(
        questions(&guestbook(Work::Read)),
        [
            "get configmaps in namespace `multicluster-system`",
            "get configmaps in namespace `shop`",
            "list configmaps in all namespaces",
            "get namespaces `kube-system`",
            "get namespaces `multicluster-system`",
            "get services in namespace `shop`",
            "list services in all namespaces",
            "get deployments.apps in namespace `shop`",
            "list deployments.apps in all namespaces",
            "get leases.coordination.k8s.io in namespace `multicluster-system`",
        ]
    );
}

/// The verbs that are asked for on a resource, by `namespace/name` with `*` for any.
fn verbs(needs: &Needs, resource: &str) -> Vec<String> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for check in checks(needs).into_iter().filter(|check| check.resource == resource) {
        let star = || "*".to_owned();
        let place = format!("{}/{}", check.namespace.unwrap_or_else(star), check.name.unwrap_or_else(star));
        match found.iter_mut().find(|(known, _)| *known == place) {
            Some((_, verbs)) => verbs.push(check.verb),
            None => found.push((place, vec![check.verb])),
        }
    }
    found.sort();
    found.into_iter().map(|(place, verbs)| format!("{place}: {}", verbs.join(" "))).collect()
}

#[rstest]
#[case::read(Work::Read, &["*/*: list", "shop/*: get"])]
#[case::dry_run(Work::DryRun, &["*/*: list", "shop/*: create get patch"])]
#[case::apply(Work::Apply, &["*/*: list", "shop/*: create delete get patch watch"])]
fn verbs_on_an_object(#[case] work: Work, #[case] expect: &[&str]) {
    assert_eq!(verbs(&guestbook(work), "services"), expect);
}

#[test]
fn objects_without_a_namespace_are_named() {
    let mut needs = needs(Work::Apply);
    needs.add(&object("v1", "Namespace", "", "shop"), "namespaces");
    needs.add(&object("scheduling.k8s.io/v1", "PriorityClass", "", "high"), "priorityclasses");
    assert_eq!(
        verbs(&needs, "namespaces"),
        [
            "*/*: list",
            "*/kube-system: get",
            "*/multicluster-system: get",
            "*/shop: create delete get patch watch"
        ]
    );
    assert_eq!(verbs(&needs, "priorityclasses"), ["*/*: list", "*/high: create delete get patch watch"]);
}

#[test]
fn pods_are_looked_at_where_workloads_are_awaited() {
    let mut needs = guestbook(Work::Apply);
    needs.add(&object("apps/v1", "StatefulSet", "data", "db"), "statefulsets");
    needs.features.insert(Feature::Events);
    assert_eq!(verbs(&needs, "pods"), ["data/*: list watch", "shop/*: list watch"]);
    assert_eq!(verbs(&needs, "replicasets"), ["shop/*: get"]);
    assert_eq!(verbs(&needs, "events"), ["data/*: list", "shop/*: list"]);
    needs.work = Work::DryRun;
    assert_eq!(verbs(&needs, "pods"), [""; 0]);
    assert_eq!(verbs(&needs, "events"), [""; 0]);
}

#[test]
fn records_are_read_by_a_plan_and_kept_by_an_apply() {
    let mut needs = needs(Work::Apply);
    assert_eq!(verbs(&needs, "configmaps"), ["multicluster-system/*: create delete get list update"]);
    assert_eq!(verbs(&needs, "leases"), ["multicluster-system/*: create delete get list update watch"]);
    assert_eq!(verbs(&needs, "secrets"), [""; 0], "a key for digests is needed only where there are secrets");
    needs.add(&object("v1", "Secret", "shop", "tls"), "secrets");
    let expect =
        ["*/*: list", "multicluster-system/*: create delete get", "shop/*: create delete get patch watch"];
    assert_eq!(verbs(&needs, "secrets"), expect);
}

#[test]
fn a_definition_is_deleted_only_after_a_look_at_its_kind() {
    let mut needs = needs(Work::Apply);
    let definition = object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "widgets.x.io");
    needs.add(&definition, "customresourcedefinitions");
    assert_eq!(verbs(&needs, "widgets"), ["*/*: list"]);
    assert!(checks(&needs).iter().any(|check| check.resource == "widgets" && check.group == "x.io"));
    needs.work = Work::DryRun;
    assert_eq!(verbs(&needs, "widgets"), [""; 0]);
}

#[rstest]
#[case::nothing(&[], &[], &[])]
#[case::capacity(&[Feature::Capacity], &["*/*: list"], &[])]
#[case::networks(&[Feature::Networks], &["*/*: list"], &["*/*: list"])]
fn nodes_and_networks(#[case] features: &[Feature], #[case] nodes: &[&str], #[case] cidrs: &[&str]) {
    let mut needs = needs(Work::Read);
    needs.features = features.iter().copied().collect();
    assert_eq!(verbs(&needs, "nodes"), nodes);
    assert_eq!(verbs(&needs, "servicecidrs"), cidrs);
}

#[test]
fn roles_and_bindings_need_leave_to_give_permissions() {
    let mut needs = needs(Work::Apply);
    let rbac = "rbac.authorization.k8s.io/v1";
    let binding = |kind: &str, namespace: &str, role: &str, name: &str| {
        let mut binding = object(rbac, kind, namespace, "b");
        binding["roleRef"] = json!({ "kind": role, "name": name });
        binding
    };
    needs.add(&object(rbac, "ClusterRole", "", "reader"), "clusterroles");
    needs.add(&object(rbac, "Role", "shop", "writer"), "roles");
    needs.add(&binding("ClusterRoleBinding", "", "ClusterRole", "reader"), "clusterrolebindings");
    needs.add(&binding("RoleBinding", "shop", "ClusterRole", "view"), "rolebindings");
    needs.add(&binding("RoleBinding", "shop", "Role", "writer"), "rolebindings");
    needs.add(&binding("Odd", "shop", "Role", "other"), "odds");
    assert_eq!(
        verbs(&needs, "clusterroles"),
        ["*/*: list", "*/reader: bind create delete escalate get patch watch", "shop/view: bind",]
    );
    assert_eq!(
        verbs(&needs, "roles"),
        ["*/*: list", "shop/*: create delete escalate get patch watch", "shop/writer: bind"]
    );
    assert!(to_yaml(&needs).contains("Without `escalate` a server refuses"));
    needs.work = Work::Read;
    assert_eq!(verbs(&needs, "roles"), ["*/*: list", "shop/*: get"]);
}

#[test]
fn the_role_of_a_small_federation_as_text() {
    let mut needs = guestbook(Work::Apply);
    needs.add(&object("v1", "Namespace", "", "fresh"), "namespaces");
    needs.add(&object("v1", "Secret", "fresh", "tls"), "secrets");
    insta::assert_snapshot!(to_yaml(&needs), @r#"
    # The least that is needed to plan and apply the federation `world` on this cluster.
    # Bind the ClusterRole with a ClusterRoleBinding, and each Role with a RoleBinding in its namespace.
    # The first namespace is for the federation's records. It stays when the federation leaves.
    # Before a namespace of the federation is deleted, all that is in it is listed. Where a kind may not be
    # listed, the namespace is kept, and a warning says so.
    apiVersion: v1
    kind: Namespace
    metadata:
      name: "multicluster-system"
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata:
      name: "multicluster-world"
    rules:
      # How kinds are served, and which Kubernetes this is. Clusters allow this to everybody by default.
      - nonResourceURLs: ["/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/version"]
        verbs: ["get"]
      # Asks in advance whether something is allowed. Clusters allow this to everybody by default.
      - apiGroups: ["authorization.k8s.io"]
        resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
        verbs: ["create"]
      # Which cluster this is, by the UID of kube-system, and whether the namespace of the records is there.
      - apiGroups: [""]
        resources: ["namespaces"]
        resourceNames: ["kube-system", "multicluster-system"]
        verbs: ["get"]
      # Finds the federation's objects by their label in all namespaces. RBAC knows no labels: who may list a kind
      # may read all objects of it.
      - apiGroups: [""]
        resources: ["configmaps", "namespaces", "services"]
        verbs: ["list"]
      - apiGroups: ["apps"]
        resources: ["deployments"]
        verbs: ["list"]
      # The same for secrets: this allows to read every secret of the cluster. It is needed because the federation
      # keeps secrets here.
      - apiGroups: [""]
        resources: ["secrets"]
        verbs: ["list"]
      # The federation's objects themselves. Server-side apply is `patch`, and `create` for what is not there yet.
      # Some stand for all namespaces, because a Role cannot stand in a namespace before the federation has made
      # it.
      - apiGroups: [""]
        resources: ["secrets"]
        verbs: ["get", "watch", "create", "patch", "delete"]
      - apiGroups: [""]
        resources: ["namespaces"]
        resourceNames: ["fresh"]
        verbs: ["get", "watch", "create", "patch", "delete"]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata:
      name: "multicluster-world"
      namespace: "multicluster-system"
    rules:
      # The federation's records: what it keeps here, and who is at work.
      - apiGroups: [""]
        resources: ["configmaps"]
        verbs: ["get", "create", "update", "delete"]
      - apiGroups: ["coordination.k8s.io"]
        resources: ["leases"]
        verbs: ["get", "list", "watch", "create", "update", "delete"]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata:
      name: "multicluster-world"
      namespace: "shop"
    rules:
      # The federation's objects themselves. Server-side apply is `patch`, and `create` for what is not there yet.
      - apiGroups: [""]
        resources: ["configmaps", "services"]
        verbs: ["get", "watch", "create", "patch", "delete"]
      - apiGroups: ["apps"]
        resources: ["deployments"]
        verbs: ["get", "watch", "create", "patch", "delete"]
      # Says early that a pod of a workload cannot start. Without it only the time limit ends the wait.
      - apiGroups: [""]
        resources: ["pods"]
        verbs: ["list", "watch"]
      - apiGroups: ["apps"]
        resources: ["replicasets"]
        verbs: ["get"]
    "#);
}

/// The rules of a role that are about resources, each for one of everything.
fn atoms(objects: &[Value]) -> BTreeSet<AccessCheck> {
    let texts = |rule: &Value, field: &str| -> Vec<String> {
        let list = rule[field].as_array().into_iter().flatten();
        list.map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    let mut atoms = BTreeSet::new();
    for role in objects.iter().filter(|it| it["kind"] != "Namespace") {
        let namespace = role["metadata"]["namespace"].as_str().map(str::to_owned);
        assert_eq!(namespace.is_some(), role["kind"] == "Role");
        for rule in role["rules"].as_array().unwrap() {
            let mut names: Vec<Option<String>> = texts(rule, "resourceNames").into_iter().map(Some).collect();
            if names.is_empty() {
                names.push(None);
            }
            for group in texts(rule, "apiGroups") {
                for resource in texts(rule, "resources") {
                    for verb in texts(rule, "verbs") {
                        for name in &names {
                            let (group, resource, verb) = (group.clone(), resource.clone(), verb.clone());
                            let (namespace, name) = (namespace.clone(), name.clone());
                            atoms.insert(AccessCheck { group, resource, verb, namespace, name });
                        }
                    }
                }
            }
        }
    }
    atoms
}

/// What an API server with RBAC answers.
fn allows(atoms: &BTreeSet<AccessCheck>, check: &AccessCheck) -> bool {
    atoms.iter().any(|it| {
        (&it.group, &it.resource, &it.verb) == (&check.group, &check.resource, &check.verb)
            && (it.namespace.is_none() || it.namespace == check.namespace)
            && (it.name.is_none() || it.name == check.name)
    })
}

fn any_needs() -> impl Strategy<Value = Needs> {
    let resource = prop_oneof![
        Just(("", "configmaps")),
        Just(("", "secrets")),
        Just(("", "pods")),
        Just(("", "namespaces")),
        Just(("apps", "deployments")),
        Just(("apps", "replicasets")),
        Just(("x.io", "widgets")),
        Just(("rbac.authorization.k8s.io", "clusterroles")),
        Just(("rbac.authorization.k8s.io", "roles")),
        Just(("apiextensions.k8s.io", "customresourcedefinitions")),
        Just(("coordination.k8s.io", "leases")),
    ]
    .prop_map(|(group, plural)| Resource { group: group.to_owned(), plural: plural.to_owned() });
    let namespace = "(shop|data|multicluster-system)";
    let place = prop_oneof![
        Just(Place::Cluster),
        "(a|b|kube-system|widgets\\.x\\.io|.{1,4})".prop_map(Place::Named),
        namespace.prop_map(Place::Namespace),
    ];
    let bound =
        (any::<bool>(), "[ab]", proptest::option::of(namespace)).prop_map(|(cluster, name, namespace)| {
            BoundRole { plural: if cluster { "clusterroles" } else { "roles" }, name, namespace }
        });
    let source = (resource.clone(), proptest::option::of(namespace), "[ab]")
        .prop_map(|(resource, namespace, name)| CopySource { resource, namespace, name });
    let feature = prop_oneof![Just(Feature::Capacity), Just(Feature::Networks), Just(Feature::Events)];
    (
        prop_oneof![Just(Work::Read), Just(Work::DryRun), Just(Work::Apply)],
        proptest::collection::btree_map(resource, proptest::collection::btree_set(place, 1..4), 0..6),
        proptest::collection::btree_set("(shop|data|new)", 0..2),
        proptest::collection::btree_set(bound, 0..3),
        proptest::collection::btree_set(source, 0..3),
        proptest::collection::btree_set(feature, 0..3),
    )
        .prop_map(|(work, kinds, created_namespaces, bound_roles, copy_sources, features)| Needs {
            kinds,
            created_namespaces,
            bound_roles,
            copy_sources,
            features,
            api_versions: ["apps/v1".to_owned(), "v1".to_owned()].into(),
            ..needs(work)
        })
}

proptest! {
    #[test]
    fn who_has_the_role_is_denied_nothing(needs in any_needs()) {
        let role = atoms(&required_role(&needs));
        for check in checks(&needs) {
            prop_assert!(allows(&role, &check), "{}", check);
        }
    }

    #[test]
    fn nothing_can_be_taken_away_from_the_role(needs in any_needs()) {
        let role = atoms(&required_role(&needs));
        let checks = checks(&needs);
        for atom in role.iter().filter(|atom| !atom.resource.starts_with("selfsubject")) {
            let mut less = role.clone();
            less.remove(atom);
            prop_assert!(checks.iter().any(|check| !allows(&less, check)), "{} is not needed", atom);
        }
    }

    #[test]
    fn no_role_is_in_a_namespace_that_may_not_be_there(needs in any_needs()) {
        let roles = required_role(&needs);
        let namespaces: Vec<&str> =
            roles.iter().filter_map(|role| role["metadata"]["namespace"].as_str()).collect();
        prop_assert!(namespaces.iter().all(|it| !needs.created_namespaces.contains(*it)));
        prop_assert!(namespaces.is_sorted());
        prop_assert!(atoms(&roles).iter().all(|it| ![&it.group, &it.resource, &it.verb].contains(&&"*".to_owned())));
    }

    #[test]
    fn the_text_says_the_same(needs in any_needs()) {
        let read: Vec<Value> =
            manifest::parse(&to_yaml(&needs)).unwrap().into_iter().map(Manifest::into_value).collect();
        prop_assert_eq!(read, required_role(&needs));
    }
}
