//! KubeFed's documents: which kinds they make, where these go, and what becomes of templates.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::kubefed::{
    Context, Expanded, LiveReplicas, Nowhere, Problem, expand, is_kubefed, refuses,
};
use multicluster_core::manifest::parse;
use multicluster_core::names::ClusterName;
use multicluster_core::object::{Manifest, ObjectKey};
use multicluster_core::selector::Labels;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

/// Everything that documents are read against, with cluster1 (no labels) and cluster2 (`foo: bar`) as in KubeFed's own
/// tests unless others are given.
pub(crate) struct World {
    pub(crate) members: BTreeMap<ClusterName, Labels>,
    pub(crate) unready: BTreeSet<ClusterName>,
    pub(crate) elsewhere: Vec<Manifest>,
    pub(crate) live: BTreeMap<ObjectKey, BTreeMap<ClusterName, LiveReplicas>>,
}

pub(crate) fn cluster(name: &str) -> ClusterName {
    ClusterName::new(name).unwrap()
}

impl World {
    pub(crate) fn of(members: &[(&str, &[(&str, &str)])]) -> Self {
        let labels = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        Self {
            members: members.iter().map(|(name, pairs)| (cluster(name), labels(pairs))).collect(),
            unready: BTreeSet::new(),
            elsewhere: Vec::new(),
            live: BTreeMap::new(),
        }
    }

    pub(crate) fn two() -> Self {
        Self::of(&[("cluster1", &[]), ("cluster2", &[("foo", "bar")])])
    }

    pub(crate) fn expand(&self, text: &str) -> Result<Expanded, Vec<Problem>> {
        let manifests = parse(text).unwrap();
        let federation: Vec<&Manifest> = manifests.iter().chain(&self.elsewhere).collect();
        let context = Context {
            members: &self.members,
            unready: &self.unready,
            federation: &federation,
            live: &self.live,
        };
        expand(&manifests, &context)
    }
}

/// `Kind namespace/name` and the members that have it.
pub(crate) fn placed(expanded: &Expanded) -> BTreeMap<String, Vec<String>> {
    let names = |objects: &BTreeMap<ClusterName, Value>| objects.keys().map(ToString::to_string).collect();
    expanded.objects.iter().map(|(key, objects)| (key.to_string(), names(objects))).collect()
}

pub(crate) fn texts(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// The one object of a document that goes to cluster1.
pub(crate) fn object(expanded: &Expanded) -> &Value {
    assert_eq!(expanded.objects.len(), 1, "{:?}", placed(expanded));
    expanded.objects.values().next().and_then(|objects| objects.get(&cluster("cluster1"))).unwrap()
}

const EVERYWHERE: &str = "
apiVersion: types.kubefed.io/v1beta1
kind: FederatedNamespace
metadata: { name: shop, namespace: shop }
spec: { placement: { clusterSelector: {} } }
---
";

fn config_map(placement: &str) -> String {
    format!(
        "
apiVersion: types.kubefed.io/v1beta1
kind: FederatedConfigMap
metadata: {{ name: settings, namespace: shop }}
spec: {{ template: {{ data: {{ a: b }} }}, placement: {placement} }}
"
    )
}

#[rstest]
#[case::an_empty_list_wins_over_a_selector_of_all("{ clusters: [], clusterSelector: {} }", &[])]
#[case::an_empty_list_wins_over_labels("{ clusters: [], clusterSelector: { matchLabels: { foo: bar } } }", &[])]
#[case::nothing_given_selects_nothing("{}", &[])]
#[case::an_empty_selector_selects_all("{ clusterSelector: {} }", &["cluster1", "cluster2"])]
#[case::labels_select("{ clusterSelector: { matchLabels: { foo: bar } } }", &["cluster2"])]
#[case::a_null_list_is_none("{ clusters: null, clusterSelector: {} }", &["cluster1", "cluster2"])]
#[case::a_null_selector_is_none("{ clusterSelector: null }", &[])]
#[case::names("{ clusters: [{ name: cluster1 }] }", &["cluster1"])]
#[case::names_win_over_labels("{ clusters: [{ name: cluster1 }], clusterSelector: { matchLabels: { foo: bar } } }", &["cluster1"])]
#[case::strangers_are_left_out("{ clusters: [{ name: cluster1 }, { name: far.away }] }", &["cluster1"])]
#[case::expressions("{ clusterSelector: { matchExpressions: [{ key: foo, operator: In, values: [bar, baz] }] } }", &["cluster2"])]
#[case::without_the_label("{ clusterSelector: { matchExpressions: [{ key: foo, operator: NotIn, values: [bar] }] } }", &["cluster1"])]
#[case::labels_and_expressions("{ clusterSelector: { matchLabels: { foo: bar }, matchExpressions: [{ key: foo, operator: DoesNotExist }] } }", &[])]
fn placements(#[case] placement: &str, #[case] expected: &[&str]) {
    let expanded = World::two().expand(&format!("{EVERYWHERE}{}", config_map(placement))).unwrap();
    let found = placed(&expanded).remove("ConfigMap shop/settings").unwrap_or_default();
    assert_eq!(found, expected);
    assert_eq!(expanded.nowhere.is_empty(), !expected.is_empty());
}

#[rstest]
#[case::empty_list("{ clusters: [] }", Nowhere::EmptyClusters, "`spec.placement.clusters` is empty")]
#[case::nothing("{}", Nowhere::NoPlacement, "neither `clusters` nor `clusterSelector`")]
#[case::strangers("{ clusters: [{ name: x }, { name: z }] }", Nowhere::UnknownClusters(vec!["x".into(), "z".into()]), "names no member: `x`, `z`")]
#[case::labels(
    "{ clusterSelector: { matchLabels: { foo: none } } }",
    Nowhere::SelectorMatchesNothing,
    "matches the labels of no member"
)]
fn an_object_that_goes_nowhere_says_why(
    #[case] placement: &str,
    #[case] expected: Nowhere,
    #[case] words: &str,
) {
    let expanded = World::two().expand(&format!("{EVERYWHERE}{}", config_map(placement))).unwrap();
    let (key, reason) = expanded.nowhere.first_key_value().unwrap();
    assert_eq!((key.to_string().as_str(), reason), ("ConfigMap shop/settings", &expected));
    assert!(reason.to_string().contains(words), "{reason}");
}

const NOT_FEDERATED: &str =
    "namespace `shop` is not federated (NamespaceNotFederated): add a FederatedNamespace `shop`";

#[rstest]
#[case::no_federated_namespace("", NOT_FEDERATED)]
#[case::elsewhere_only(
    "clusters: [{ name: cluster2 }]",
    "no member that it selects has its FederatedNamespace `shop`"
)]
#[case::nowhere(
    "clusters: []",
    "its FederatedNamespace `shop` is on no member: `spec.placement.clusters` is empty, which selects no member"
)]
fn a_namespace_limits_what_is_in_it(#[case] placement: &str, #[case] words: &str) {
    let namespace = EVERYWHERE.replace("clusterSelector: {}", placement);
    let namespace = if placement.is_empty() { "" } else { &namespace };
    let text = format!("{namespace}{}", config_map("{ clusters: [{ name: cluster1 }] }"));
    let expanded = World::two().expand(&text).unwrap();
    let reason = expanded.nowhere.iter().find(|(key, _)| key.kind.kind == "ConfigMap").unwrap().1;
    assert_eq!(reason.to_string(), words);
}

#[test]
fn an_object_goes_where_it_and_its_namespace_go() {
    let world = World::of(&[("a", &[]), ("b", &[]), ("c", &[])]);
    let namespace = EVERYWHERE.replace("clusterSelector: {}", "clusters: [{ name: a }, { name: b }]");
    let text = format!("{namespace}{}", config_map("{ clusters: [{ name: b }, { name: c }] }"));
    let expanded = world.expand(&text).unwrap();
    let expected = [("ConfigMap shop/settings", vec!["b"]), ("Namespace shop", vec!["a", "b"])];
    let expected =
        expected.map(|(key, names)| (key.to_owned(), names.into_iter().map(str::to_owned).collect()));
    assert_eq!(placed(&expanded), BTreeMap::from(expected));
}

#[test]
fn a_namespace_may_be_federated_in_another_text() {
    let mut world = World::two();
    world.elsewhere = parse(EVERYWHERE).unwrap();
    let expanded = world.expand(&config_map("{ clusterSelector: {} }")).unwrap();
    assert_eq!(placed(&expanded).keys().collect::<Vec<_>>(), ["ConfigMap shop/settings"]);
}

#[test]
fn a_kubefed_confined_to_one_namespace_needs_no_federated_namespace() {
    let mut world = World::two();
    world.elsewhere = parse(
        "{ apiVersion: core.kubefed.io/v1beta1, kind: KubeFedConfig, metadata: { name: kubefed, namespace: shop }, \
         spec: { scope: Namespaced } }",
    )
    .unwrap();
    let expanded = world.expand(&config_map("{ clusters: [{ name: cluster2 }] }")).unwrap();
    assert_eq!(placed(&expanded)["ConfigMap shop/settings"], ["cluster2"]);
}

#[test]
fn cluster_scoped_kinds_need_no_namespace() {
    let text = "
apiVersion: types.kubefed.io/v1beta1
kind: FederatedClusterRole
metadata: { name: reader }
spec: { template: { rules: [] }, placement: { clusterSelector: {} } }
";
    let expanded = World::of(&[("cluster1", &[])]).expand(text).unwrap();
    let expected = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": { "name": "reader" }, "rules": []
    });
    assert_eq!(object(&expanded), &expected);
}

#[test]
fn a_federated_namespace_makes_the_namespace_of_its_name() {
    let text = "
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { host: 'yes' } }
---
apiVersion: types.kubefed.io/v1beta1
kind: FederatedNamespace
metadata: { name: shop, namespace: shop }
spec:
  template: { metadata: { labels: { team: web } } }
  placement: { clusterSelector: {} }
";
    let expanded = World::of(&[("cluster1", &[])]).expand(text).unwrap();
    let expected = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop", "labels": { "team": "web" } }
    });
    assert_eq!(object(&expanded), &expected);
    assert!(expanded.plain.is_empty());
    let warnings = texts(&expanded.warnings);
    assert!(
        warnings[0].starts_with("Namespace shop: it is left out: its FederatedNamespace"),
        "{warnings:?}"
    );
}

#[test]
fn a_federated_namespace_bears_the_name_of_its_namespace() {
    let text = EVERYWHERE.replace("name: shop,", "name: other,");
    let problems = World::two().expand(&text).unwrap_err();
    assert!(
        problems[0].to_string().starts_with("FederatedNamespace shop/other: metadata.name: "),
        "{}",
        problems[0]
    );
}

#[test]
fn system_namespaces_are_not_propagated_but_what_is_in_them_is() {
    let text =
        format!("{EVERYWHERE}{}", config_map("{ clusterSelector: {} }")).replace("shop", "kube-system");
    let expanded = World::two().expand(&text).unwrap();
    assert_eq!(placed(&expanded).keys().collect::<Vec<_>>(), ["ConfigMap kube-system/settings"]);
    assert_eq!(expanded.nowhere.values().collect::<Vec<_>>(), [&Nowhere::SystemNamespace]);
}

#[rstest]
#[case("FederatedDeployment", "apps/v1")]
#[case("FederatedReplicaSet", "apps/v1")]
#[case("FederatedStatefulSet", "apps/v1")]
#[case("FederatedJob", "batch/v1")]
#[case("FederatedIngress", "networking.k8s.io/v1")]
#[case("FederatedService", "v1")]
#[case("FederatedServiceAccount", "v1")]
#[case("FederatedSecret", "v1")]
#[case("FederatedHorizontalPodAutoscaler", "autoscaling/v2")]
#[case("FederatedPodDisruptionBudget", "policy/v1")]
fn kinds_of_kubernetes_are_known(#[case] kind: &str, #[case] api_version: &str) {
    let text = format!("{EVERYWHERE}{}", config_map("{ clusters: [{ name: cluster1 }] }"));
    let expanded = World::two().expand(&text.replace("FederatedConfigMap", kind)).unwrap();
    let (key, objects) = expanded.objects.iter().find(|(key, _)| key.kind.kind != "Namespace").unwrap();
    assert_eq!(format!("Federated{}", key.kind.kind), kind);
    assert_eq!(objects[&cluster("cluster1")]["apiVersion"], api_version);
}

const WIDGET: &str = "
apiVersion: types.kubefed.io/v1beta1
kind: FederatedWidget
metadata: { name: one }
spec: { template: { spec: { size: 1 } }, placement: { clusterSelector: {} } }
";

const WIDGET_CONFIG: &str = "
---
apiVersion: core.kubefed.io/v1beta1
kind: FederatedTypeConfig
metadata: { name: widgets.example.com, namespace: kube-federation-system }
spec:
  propagation: Enabled
  targetType: { version: v1alpha1, kind: Widget, pluralName: widgets, scope: Cluster }
  federatedType: { group: types.kubefed.io, version: v1beta1, kind: FederatedWidget, pluralName: federatedwidgets, scope: Cluster }
";

#[test]
fn a_type_config_tells_the_target_of_a_custom_kind() {
    let expanded = World::of(&[("cluster1", &[])]).expand(&format!("{WIDGET}{WIDGET_CONFIG}")).unwrap();
    let expected = json!({
        "apiVersion": "example.com/v1alpha1", "kind": "Widget", "metadata": { "name": "one" }, "spec": { "size": 1 }
    });
    assert_eq!(object(&expanded), &expected);
}

#[test]
fn a_type_config_may_stand_in_another_text_and_name_another_group() {
    let mut world = World::of(&[("cluster1", &[])]);
    let config = WIDGET_CONFIG.trim_start_matches("\n---\n").replace("types.kubefed.io", "fed.example.com");
    world.elsewhere = parse(&config).unwrap();
    let expanded = world.expand(&WIDGET.replace("types.kubefed.io", "fed.example.com")).unwrap();
    assert_eq!(object(&expanded)["kind"], "Widget");
    let unrelated = world.expand(&WIDGET.replace("types.kubefed.io", "other.example.com")).unwrap();
    assert_eq!((unrelated.objects.len(), unrelated.plain.len()), (0, 1));
}

#[test]
fn a_custom_kind_without_a_type_config_says_what_to_add() {
    let problems = texts(&World::two().expand(WIDGET).unwrap_err());
    let expected = [
        "FederatedWidget one: `FederatedWidget` is no kind that KubeFed federates by itself: add its FederatedTypeConfig \
         (apiVersion `core.kubefed.io/v1beta1`, with `spec.federatedType: { group, version, kind: FederatedWidget }` and \
         `spec.targetType: { group, version, kind: Widget, scope: Namespaced or Cluster }`) to the manifests, or write \
         `apiVersion` and `kind: Widget` into `spec.template`",
    ];
    assert_eq!(problems, expected);
}

#[rstest]
#[case::both("apiVersion: example.com/v2, kind: Gadget,", "example.com/v2", "Gadget")]
#[case::version_only("apiVersion: example.com/v2,", "example.com/v2", "Widget")]
fn a_template_may_tell_the_target(#[case] written: &str, #[case] api_version: &str, #[case] kind: &str) {
    let text = WIDGET.replace("template: {", &format!("template: {{ {written}"));
    let expanded = World::of(&[("cluster1", &[])]).expand(&text).unwrap();
    assert_eq!(
        (&object(&expanded)["apiVersion"], &object(&expanded)["kind"]),
        (&json!(api_version), &json!(kind))
    );
}

#[test]
fn the_version_of_a_template_wins_over_the_usual_one_but_not_its_kind() {
    let text = config_map("{ clusters: [{ name: cluster1 }] }")
        .replace("FederatedConfigMap", "FederatedIngress")
        .replace("template: {", "template: { apiVersion: extensions/v1beta1, kind: Other,");
    let mut world = World::two();
    world.elsewhere = parse(EVERYWHERE).unwrap();
    let expanded = world.expand(&text).unwrap();
    assert_eq!(object(&expanded)["apiVersion"], "extensions/v1beta1");
    assert_eq!(object(&expanded)["kind"], "Ingress");
    assert_eq!(
        texts(&expanded.warnings),
        [
            "FederatedIngress shop/settings: spec.template.kind: it is always `Ingress` for this kind of document"
        ]
    );
}

#[test]
fn an_autoscaler_of_the_old_version_stays_one() {
    let text = config_map("{ clusters: [{ name: cluster1 }] }")
        .replace("FederatedConfigMap", "FederatedHorizontalPodAutoscaler")
        .replace("data: { a: b }", "spec: { maxReplicas: 3, targetCPUUtilizationPercentage: 50 }");
    let mut world = World::two();
    world.elsewhere = parse(EVERYWHERE).unwrap();
    assert_eq!(object(&world.expand(&text).unwrap())["apiVersion"], "autoscaling/v1");
}

#[test]
fn a_type_whose_propagation_is_disabled_is_an_error_and_no_deletion() {
    let text = format!("{WIDGET}{WIDGET_CONFIG}").replace("Enabled", "Disabled");
    let problems = texts(&World::two().expand(&text).unwrap_err());
    assert!(problems[0].contains("propagation: Disabled"), "{problems:?}");
}

#[test]
fn templates_lose_what_members_write_and_kubefeds_label() {
    let text = "
apiVersion: types.kubefed.io/v1beta1
kind: FederatedConfigMap
metadata: { name: settings, namespace: shop, labels: { not: copied } }
spec:
  template:
    metadata:
      name: ignored
      namespace: ignored
      labels: { app: web, kubefed.io/managed: 'true' }
      annotations: { a: b }
      finalizers: [example.com/guard]
    data: { a: b }
  placement: { clusters: [{ name: cluster1 }] }
";
    let mut world = World::two();
    world.elsewhere = parse(EVERYWHERE).unwrap();
    let expanded = world.expand(text).unwrap();
    let expected = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "settings", "namespace": "shop", "labels": { "app": "web" } },
        "data": { "a": "b" }
    });
    assert_eq!(object(&expanded), &expected);
    let warnings = texts(&expanded.warnings);
    assert_eq!(warnings.len(), 2);
    assert!(
        warnings[0].starts_with("FederatedConfigMap shop/settings: spec.template.metadata.annotations: ")
    );
    assert!(warnings[1].starts_with("FederatedConfigMap shop/settings: spec.template.metadata.finalizers: "));
}

#[test]
fn markers_are_recognised() {
    let text = config_map("{ clusterSelector: {} }")
        .replace("namespace: shop }", "namespace: shop, annotations: { kubefed.io/orphan: 'true' } }");
    let mut world = World::two();
    world.elsewhere = parse(EVERYWHERE).unwrap();
    let expanded = world.expand(&text).unwrap();
    assert_eq!(
        expanded.orphan.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["ConfigMap shop/settings"]
    );
    let other = world.expand(&text.replace("'true'", "'false'")).unwrap();
    assert!(other.orphan.is_empty());

    let live = |value: &str| json!({ "metadata": { "labels": { "kubefed.io/managed": value } } });
    assert!(refuses(&live("false")) && !refuses(&live("true")) && !refuses(&json!({})));
}

#[rstest]
#[case::federated("types.kubefed.io/v1beta1", "FederatedSecret", "", true)]
#[case::preference("scheduling.kubefed.io/v1alpha1", "ReplicaSchedulingPreference", "", true)]
#[case::type_config("core.kubefed.io/v1beta1", "FederatedTypeConfig", "", true)]
#[case::its_definitions("apiextensions.k8s.io/v1", "CustomResourceDefinition", "types.kubefed.io", true)]
#[case::other_definitions("apiextensions.k8s.io/v1", "CustomResourceDefinition", "example.com", false)]
#[case::plain("v1", "ConfigMap", "", false)]
#[case::similar("notkubefed.io/v1", "FederatedSecret", "", false)]
fn kubefeds_documents_are_told_apart(
    #[case] api_version: &str,
    #[case] kind: &str,
    #[case] group: &str,
    #[case] expected: bool,
) {
    let value = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": "x" }, "spec": { "group": group } });
    assert_eq!(is_kubefed(&Manifest::new(value).unwrap()), expected);
}

#[test]
fn a_whole_repository_is_sorted() {
    let text = "
apiVersion: core.kubefed.io/v1beta1
kind: KubeFedCluster
metadata: { name: cluster1, namespace: kube-federation-system, labels: { region: eu } }
---
apiVersion: core.kubefed.io/v1beta1
kind: KubeFedCluster
metadata: { name: cluster3, namespace: kube-federation-system }
---
apiVersion: multiclusterdns.kubefed.io/v1alpha1
kind: Domain
metadata: { name: d, namespace: kube-federation-system }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: plain, namespace: shop }
";
    let expanded = World::two().expand(text).unwrap();
    assert_eq!(
        expanded.plain.iter().map(|it| it.key().to_string()).collect::<Vec<_>>(),
        ["ConfigMap shop/plain"]
    );
    let expected = [
        "KubeFedCluster kube-federation-system/cluster1: metadata.labels.region: member `cluster1` has no such label, so \
         that selectors do not see it",
        "KubeFedCluster kube-federation-system/cluster3: metadata.name: `cluster3` is no member of the federation: add it \
         to the members",
        "Domain kube-federation-system/d: it runs KubeFed and is left out: nothing here needs it",
    ];
    assert_eq!(texts(&expanded.warnings), expected);
}

#[test]
fn all_problems_come_at_once_with_their_places() {
    let text = "
apiVersion: types.kubefed.io/v1beta1
kind: FederatedConfigMap
metadata: { name: settings, namespace: shop }
spec:
  template: text
  placement:
    clusters: [cluster1, {}]
    clusterSelector: { matchExpressions: [{ key: foo, operator: Is }, { key: foo, operator: In }] }
  retainReplicas: 'yes'
---
apiVersion: types.kubefed.io/v1beta1
kind: FederatedWidget
metadata: { name: one }
";
    let problems = texts(&World::two().expand(text).unwrap_err());
    let places: Vec<&str> = problems.iter().map(|text| text.split(": ").nth(1).unwrap()).collect();
    let expected = [
        "spec.placement.clusters[0]",
        "spec.placement.clusters[0].name",
        "spec.placement.clusters[1].name",
        "spec.placement.clusterSelector.matchExpressions[0]",
        "spec.placement.clusterSelector.matchExpressions[1]",
        "spec.retainReplicas",
        "spec.template",
    ];
    assert_eq!(&places[..7], expected, "{problems:#?}");
    assert!(problems[7].starts_with("FederatedWidget one: "));
    assert_eq!(problems.len(), 8);
}

#[test]
fn what_surely_is_a_mistake_is_a_warning() {
    let text = "
apiVersion: types.kubefed.io/v1beta1
kind: FederatedConfigMap
metadata: { name: settings, namespace: shop }
spec:
  template: {}
  placement: { clusters: [{ name: cluster1 }, { name: x }], clusterSelector: {}, clusterNames: [y] }
  overrides: [{ clusterName: z, clusterOverrides: [] }]
  replicas: 3
";
    let mut world = World::two();
    world.elsewhere = parse(EVERYWHERE).unwrap();
    let warnings = texts(&world.expand(text).unwrap().warnings);
    let expected = [
        "spec.replicas: KubeFed knows no such field, so it means nothing",
        "spec.placement.clusterNames: KubeFed knows no such field, so it means nothing",
        "spec.placement.clusters: `x` is no member of the federation, so nothing goes there",
        "spec.placement.clusterSelector: it has no effect, because `clusters` is given",
        "spec.overrides: `z` is no member of the federation, so its overrides apply to nothing",
    ];
    assert_eq!(warnings, expected.map(|text| format!("FederatedConfigMap shop/settings: {text}")));
}

#[test]
fn two_documents_cannot_make_one_object() {
    let template = "template: { apiVersion: example.com/v1, kind: Widget,";
    let one = WIDGET.replace("template: {", template);
    let other = one.replace("FederatedWidget", "FederatedGadget");
    let problems = texts(&World::two().expand(&format!("{one}---{other}")).unwrap_err());
    let expected = "FederatedGadget one: Widget.example.com one is made by FederatedWidget one already";
    assert_eq!(problems, [expected]);
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_or_refused(spec in any_value(), broken in any_value(), field in any_field()) {
        let mut whole = json!({
            "template": { "spec": { "replicas": 1 } }, "placement": { "clusterSelector": {} },
            "overrides": [{ "clusterName": "cluster1", "clusterOverrides": [{ "path": "/spec/replicas", "value": 2 }] }]
        });
        *whole.pointer_mut(field).unwrap() = broken;
        for spec in [spec, whole] {
            for (api_version, kind) in [
                ("types.kubefed.io/v1beta1", "FederatedDeployment"),
                ("types.kubefed.io/v1beta1", "FederatedNamespace"),
                ("scheduling.kubefed.io/v1alpha1", "ReplicaSchedulingPreference"),
                ("core.kubefed.io/v1beta1", "FederatedTypeConfig"),
            ] {
                let value = json!({
                    "apiVersion": api_version, "kind": kind,
                    "metadata": { "name": "shop", "namespace": "shop", "labels": spec }, "spec": spec
                });
                let manifests = [Manifest::new(value).unwrap()];
                let world = World::two();
                let context = Context {
                    members: &world.members, unready: &world.unready, live: &world.live,
                    federation: &[&manifests[0]],
                };
                if let Ok(expanded) = expand(&manifests, &context) {
                    prop_assert!(expanded.objects.values().all(|objects| !objects.is_empty()));
                }
            }
        }
    }
}

fn any_field() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "/template",
        "/template/spec",
        "/placement",
        "/placement/clusterSelector",
        "/overrides",
        "/overrides/0",
        "/overrides/0/clusterOverrides",
        "/overrides/0/clusterOverrides/0",
        "/overrides/0/clusterOverrides/0/path",
    ])
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[/a-z*.-]{0,8}".prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "template",
        "placement",
        "clusters",
        "name",
        "clusterSelector",
        "matchLabels",
        "overrides",
        "clusterName",
        "path",
        "targetKind",
        "totalReplicas",
        "*",
        "metadata",
        "labels",
        "kind",
    ]);
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..4).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}
