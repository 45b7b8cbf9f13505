//! KubeFed's `ReplicaSchedulingPreference`: the user guide's examples, and how a result is written.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::kubefed::{Expanded, LiveReplicas};
use multicluster_core::manifest::parse;
use multicluster_core::replicas::kubefed::{ALL_OTHERS, Preference, Schedule, plan};
use rstest::rstest;
use serde_json::{Value, json};

use crate::kubefed::{World, cluster, placed, texts};

/// A preference, its target, and the federated namespace, for clusters a, b and c.
fn documents(preference: &str, placement: &str) -> String {
    format!(
        "
apiVersion: types.kubefed.io/v1beta1
kind: FederatedNamespace
metadata: {{ name: shop, namespace: shop }}
spec: {{ placement: {{ clusterSelector: {{}} }} }}
---
apiVersion: types.kubefed.io/v1beta1
kind: FederatedDeployment
metadata: {{ name: web, namespace: shop }}
spec:
  template: {{ spec: {{ replicas: 3 }} }}
  placement: {placement}
---
apiVersion: scheduling.kubefed.io/v1alpha1
kind: ReplicaSchedulingPreference
metadata: {{ name: web, namespace: shop }}
spec: {{ targetKind: FederatedDeployment, {preference} }}
"
    )
}

fn world() -> World {
    World::of(&[("a", &[("tier", "edge")]), ("b", &[("tier", "edge")]), ("c", &[])])
}

/// The replicas of the Deployment, as rendered and as reported, which must agree.
fn replicas(expanded: &Expanded) -> BTreeMap<String, u64> {
    let deployment = expanded.objects.iter().find(|(key, _)| key.kind.kind == "Deployment");
    let Some((key, objects)) = deployment else { return BTreeMap::new() };
    let rendered = |object: &Value| object["spec"]["replicas"].as_u64().unwrap();
    let rendered: BTreeMap<String, u64> =
        objects.iter().map(|(name, object)| (name.to_string(), rendered(object))).collect();
    let reported = expanded.divided.get(key).into_iter().flatten();
    let reported: BTreeMap<String, u64> = reported.map(|(name, count)| (name.to_string(), *count)).collect();
    assert!(reported.is_empty() || reported == rendered, "{reported:?} {rendered:?}");
    rendered
}

fn counts(expected: &[(&str, u64)]) -> BTreeMap<String, u64> {
    expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

fn live(world: &mut World, members: &[(&str, u64, Option<u64>)]) {
    let key = parse("{ apiVersion: apps/v1, kind: Deployment, metadata: { name: web, namespace: shop } }")
        .unwrap()[0]
        .key();
    let live = members.iter().map(|(name, current, capacity)| {
        (cluster(name), LiveReplicas { current: *current, capacity: *capacity })
    });
    world.live = BTreeMap::from([(key, live.collect())]);
}

#[rstest]
#[case::evenly_without_clusters("totalReplicas: 9", &[("a", 3), ("b", 3), ("c", 3)])]
#[case::evenly_by_star("totalReplicas: 9, clusters: { '*': { weight: 1 } }", &[("a", 3), ("b", 3), ("c", 3)])]
#[case::empty_clusters_are_none("totalReplicas: 9, clusters: {}", &[("a", 3), ("b", 3), ("c", 3)])]
#[case::weights_and_others_get_none("totalReplicas: 9, clusters: { a: { weight: 1 }, b: { weight: 2 } }", &[("a", 3), ("b", 6), ("c", 0)])]
#[case::limits("totalReplicas: 9, clusters: { a: { minReplicas: 4, maxReplicas: 6, weight: 1 }, b: { minReplicas: 4, maxReplicas: 8, weight: 2 } }", &[("a", 4), ("b", 5), ("c", 0)])]
#[case::a_name_overrides_the_star("totalReplicas: 40, clusters: { '*': { weight: 1 }, c: { maxReplicas: 4, weight: 1 } }", &[("a", 18), ("b", 18), ("c", 4)])]
#[case::weight_is_none_unless_given("totalReplicas: 9, clusters: { a: {}, b: { weight: 1 } }", &[("a", 0), ("b", 9), ("c", 0)])]
#[case::none("totalReplicas: 0", &[("a", 0), ("b", 0), ("c", 0)])]
fn divisions(#[case] preference: &str, #[case] expected: &[(&str, u64)]) {
    let expanded = world().expand(&documents(preference, "{}")).unwrap();
    assert_eq!(replicas(&expanded), counts(expected));
    assert_eq!(texts(&expanded.warnings), Vec::<String>::new());
}

#[rstest]
#[case("shop", "web")]
#[case("shop", "api")]
#[case("shop", "cache")]
#[case("other", "web")]
#[case("third", "web")]
fn the_planner_hashes_namespace_and_name(#[case] namespace: &str, #[case] name: &str) {
    let text = documents("totalReplicas: 10", "{}").replace("shop", namespace).replace("web", name);
    let planned = plan(&Schedule {
        total: 10,
        clusters: &BTreeSet::from(["a".to_owned(), "b".to_owned(), "c".to_owned()]),
        preferences: &BTreeMap::from([(
            ALL_OTHERS.to_owned(),
            Preference { weight: 1, ..Preference::default() },
        )]),
        current: &BTreeMap::new(),
        capacity: &BTreeMap::new(),
        rebalance: false,
        key: &format!("{namespace}/{name}"),
    });
    assert_eq!(replicas(&world().expand(&text).unwrap()), planned.unwrap().counts());
}

#[test]
fn running_replicas_stay_unless_it_rebalances() {
    let mut world = world();
    live(&mut world, &[("a", 9, None)]);
    let stays = world.expand(&documents("totalReplicas: 12", "{}")).unwrap();
    assert_eq!(replicas(&stays)["a"], 9);
    let moves = world.expand(&documents("totalReplicas: 12, rebalance: true", "{}")).unwrap();
    assert_eq!(replicas(&moves), counts(&[("a", 4), ("b", 4), ("c", 4)]));
}

#[test]
fn what_a_full_cluster_cannot_run_others_run_and_it_is_asked_nevertheless() {
    let mut world = world();
    live(&mut world, &[("c", 10, Some(10))]);
    let expanded = world.expand(&documents("totalReplicas: 50, rebalance: true", "{}")).unwrap();
    // 20, 20 and 10 run; 7 more are wanted on c, should there be room again.
    assert_eq!(replicas(&expanded), counts(&[("a", 20), ("b", 20), ("c", 17)]));
}

#[test]
fn members_that_do_not_answer_get_nothing() {
    let mut world = world();
    world.unready.insert(cluster("b"));
    let expanded = world.expand(&documents("totalReplicas: 9", "{}")).unwrap();
    assert_eq!(replicas(&expanded).keys().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(replicas(&expanded).values().sum::<u64>(), 9);
    // When nobody answers, the scheduler does nothing, and the document says where it goes.
    world.unready.extend([cluster("a"), cluster("c")]);
    let expanded = world.expand(&documents("totalReplicas: 9", "{ clusters: [{ name: a }] }")).unwrap();
    assert_eq!(replicas(&expanded), counts(&[("a", 3)]));
}

#[test]
fn the_result_replaces_the_named_clusters_and_the_override_of_replicas() {
    let text = documents("totalReplicas: 9", "{ clusters: [{ name: a }] }").replace(
        "  placement: { clusters",
        "  overrides:
  - clusterName: a
    clusterOverrides: [{ path: /spec/replicas, value: 7 }, { path: /spec/paused, value: true }]
  placement: { clusters",
    );
    let expanded = world().expand(&text).unwrap();
    assert_eq!(replicas(&expanded), counts(&[("a", 3), ("b", 3), ("c", 3)]));
    let objects = expanded.objects.iter().find(|(key, _)| key.kind.kind == "Deployment").unwrap().1;
    assert_eq!(objects[&cluster("a")]["spec"], json!({ "replicas": 3, "paused": true }));
}

#[test]
fn a_template_without_replicas_is_enough_but_not_one_without_spec() {
    let text = documents("totalReplicas: 9", "{}");
    let bare = text.replace("{ replicas: 3 }", "{ paused: true }");
    assert_eq!(replicas(&world().expand(&bare).unwrap()), counts(&[("a", 3), ("b", 3), ("c", 3)]));
    let none = texts(&world().expand(&text.replace("{ spec: { replicas: 3 } }", "{}")).unwrap_err());
    assert_eq!(none.len(), 3);
    assert_eq!(
        none[0],
        "FederatedDeployment shop/web: spec.template: on `a`: the object has nothing at the place above it"
    );
}

#[test]
fn a_preference_may_stand_in_another_text() {
    let text = documents("totalReplicas: 9", "{}");
    let (rest, preference) = text.rsplit_once("---").unwrap();
    let mut world = world();
    world.elsewhere = parse(preference).unwrap();
    assert_eq!(replicas(&world.expand(rest).unwrap()), counts(&[("a", 3), ("b", 3), ("c", 3)]));
}

#[rstest]
#[case::selected_only("{ clusterSelector: { matchLabels: { tier: edge } } }", &[("a", 5), ("b", 4)])]
#[case::names_do_not_matter("{ clusters: [{ name: c }], clusterSelector: { matchLabels: { tier: edge } } }", &[("a", 5), ("b", 4)])]
#[case::no_selector_leaves_all_as_it_is("{ clusters: [{ name: c }] }", &[("c", 3)])]
fn intersection_with_the_selector(#[case] placement: &str, #[case] expected: &[(&str, u64)]) {
    let text = documents("totalReplicas: 9, intersectWithClusterSelector: true", placement);
    let found = replicas(&world().expand(&text).unwrap());
    assert_eq!(found.values().sum::<u64>(), expected.iter().map(|(_, count)| count).sum::<u64>());
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.iter().map(|(name, _)| name).collect::<Vec<_>>());
}

#[test]
fn the_selector_of_the_namespace_intersects_too() {
    let text = documents("totalReplicas: 9, intersectWithClusterSelector: true", "{ clusterSelector: {} }");
    let text = text.replacen(
        "clusterSelector: {}",
        "clusterSelector: { matchExpressions: [{ key: tier, operator: Exists }] }",
        1,
    );
    assert_eq!(replicas(&world().expand(&text).unwrap()).keys().collect::<Vec<_>>(), ["a", "b"]);
    // Its selector and not its names: this leaves nobody, so that the preference has no effect.
    let named = documents("totalReplicas: 9, intersectWithClusterSelector: true", "{ clusterSelector: {} }");
    let named = named.replacen("clusterSelector: {}", "clusters: [{ name: a }]", 1);
    let expanded = world().expand(&named).unwrap();
    assert_eq!(replicas(&expanded), counts(&[("a", 3)]));
    assert!(texts(&expanded.warnings)[0].contains("has no effect"), "{:?}", expanded.warnings);
}

#[test]
fn replicas_given_to_members_without_the_namespace_are_lost_and_said() {
    let text = documents("totalReplicas: 9", "{}").replacen(
        "clusterSelector: {}",
        "clusters: [{ name: a }, { name: b }]",
        1,
    );
    let expanded = world().expand(&text).unwrap();
    assert_eq!(placed(&expanded)["Deployment shop/web"], ["a", "b"]);
    assert_eq!(
        texts(&expanded.warnings),
        [
            "FederatedDeployment shop/web: its ReplicaSchedulingPreference gives replicas to members that do not have \
          namespace `shop`, where they do not run: `c` (3)"
        ]
    );
}

#[rstest]
#[case::other_kind(
    "targetKind: FederatedDeployment",
    "targetKind: FederatedJob",
    "spec.targetKind: it must be `FederatedDeployment` or `FederatedReplicaSet`"
)]
#[case::no_total("totalReplicas: 9", "rebalance: false", "spec.totalReplicas: it is missing")]
#[case::negative_total(
    "totalReplicas: 9",
    "totalReplicas: -1",
    "spec.totalReplicas: it must be a whole number from 0 on"
)]
#[case::huge_total(
    "totalReplicas: 9",
    "totalReplicas: 2147483648",
    "spec.totalReplicas: it is more than Kubernetes can count (2147483647)"
)]
#[case::text_weight(
    "totalReplicas: 9",
    "totalReplicas: 9, clusters: { a: { weight: many } }",
    "spec.clusters.a.weight: it must be a whole number from 0 on"
)]
#[case::no_mapping(
    "totalReplicas: 9",
    "totalReplicas: 9, clusters: { a: 3 }",
    "spec.clusters.a: it must be a mapping"
)]
fn bad_preferences(#[case] from: &str, #[case] to: &str, #[case] message: &str) {
    let text = documents("totalReplicas: 9", "{}").replace(from, to);
    let problems = texts(&world().expand(&text).unwrap_err());
    assert_eq!(problems, [format!("ReplicaSchedulingPreference shop/web: {message}")]);
}

#[test]
fn what_a_preference_names_in_vain_is_a_warning() {
    let text =
        documents("totalReplicas: 9, clusters: { x: { weight: 1 }, '*': { weight: 1, min: 3 } }", "{}");
    let text = text.replace(
        "kind: ReplicaSchedulingPreference\nmetadata: { name: web",
        "kind: ReplicaSchedulingPreference\nmetadata: { name: api",
    );
    let expected = [
        "spec.clusters[\"*\"].min: KubeFed knows no such field, so it means nothing",
        "spec.clusters.x: `x` is no member of the federation, so it gets nothing",
        "spec.targetKind: there is no FederatedDeployment `api` in namespace `shop`, so it divides nothing",
    ];
    let warnings = texts(&world().expand(&text).unwrap().warnings);
    assert_eq!(warnings, expected.map(|text| format!("ReplicaSchedulingPreference shop/api: {text}")));
}

#[rstest]
#[case::all_ready(3, 3, &[], LiveReplicas { current: 3, capacity: None })]
#[case::some_run(3, 1, &["running"], LiveReplicas { current: 1, capacity: None })]
#[case::some_are_stuck(3, 1, &["running", "stuck", "stuck"], LiveReplicas { current: 1, capacity: Some(1) })]
#[case::only_just_unschedulable(3, 1, &["running", "recent", "stuck"], LiveReplicas { current: 1, capacity: Some(2) })]
#[case::pods_do_not_matter_when_all_are_ready(1, 1, &["stuck"], LiveReplicas { current: 1, capacity: None })]
#[case::more_stuck_than_wanted(1, 0, &["stuck", "stuck"], LiveReplicas { current: 0, capacity: Some(0) })]
fn what_runs(#[case] wanted: u64, #[case] ready: u64, #[case] pods: &[&str], #[case] expected: LiveReplicas) {
    let workload = json!({ "spec": { "replicas": wanted }, "status": { "readyReplicas": ready } });
    let unschedulable = |since: &str| {
        json!({ "status": { "phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": since
        }] } })
    };
    let pods: Vec<Value> = pods
        .iter()
        .map(|kind| match *kind {
            "running" => json!({ "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] } }),
            "stuck" => unschedulable("2026-03-01T10:00:00Z"),
            _ => unschedulable("2026-03-01T10:04:30Z"),
        })
        .collect();
    assert_eq!(LiveReplicas::needs_pods(&workload), wanted != ready);
    assert_eq!(LiveReplicas::read(&workload, &pods, "2026-03-01T10:04:00Z"), expected);
}

#[test]
fn what_runs_survives_storing() {
    let live = LiveReplicas { current: 3, capacity: Some(5) };
    let stored = serde_json::to_string(&live).unwrap();
    assert_eq!(serde_json::from_str::<LiveReplicas>(&stored).unwrap(), live);
}
