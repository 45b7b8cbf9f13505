//! Members that do not answer, and documents that outlive what they are for.

use rstest::rstest;
use serde_json::json;

use super::{entry, name, replicas, spec};
use crate::federation::facts::{Facts, MemberFacts, ObjectFacts};
use crate::federation::render::{Desired, render_all};
use crate::federation::spec::{FederationSpec, ResourceSpec};
use crate::manifest;
use crate::object::ObjectKey;
use crate::placement::Placement;

/// `a` answers, `b` does not and has `recorded`.
fn b_is_silent(recorded: &[ObjectKey]) -> Facts {
    let object = ObjectFacts { digest: Some("as it is".to_owned()), ..ObjectFacts::default() };
    let b = MemberFacts {
        unreachable: true,
        objects: recorded.iter().map(|key| (key.clone(), object.clone())).collect(),
        ..MemberFacts::default()
    };
    Facts {
        known: true,
        members: [(name("a"), MemberFacts::default()), (name("b"), b)].into(),
        ..Facts::default()
    }
}

fn web() -> ResourceSpec {
    let placement = Placement { tolerate_unreachable: Some(false), ..Placement::default() };
    ResourceSpec { placement, replicas: Some(replicas(Some(6))), ..entry(&[super::deployment(1)]) }
}

/// KubeFed's scheduler gives nothing to a cluster that is not ready.
fn preferred() -> ResourceSpec {
    let text = "
apiVersion: types.kubefed.io/v1beta1
kind: FederatedNamespace
metadata: { name: shop, namespace: shop }
spec: { placement: { clusterSelector: {} } }
---
apiVersion: types.kubefed.io/v1beta1
kind: FederatedDeployment
metadata: { name: web, namespace: shop }
spec: { template: { spec: { replicas: 1 } }, placement: { clusterSelector: {} } }
---
apiVersion: scheduling.kubefed.io/v1alpha1
kind: ReplicaSchedulingPreference
metadata: { name: web, namespace: shop }
spec: { targetKind: FederatedDeployment, totalReplicas: 6 }";
    ResourceSpec::new(manifest::parse(text).unwrap())
}

fn web_on<'a>(rendering: &'a super::super::Rendering, member: &str) -> Option<&'a Desired> {
    rendering.objects[&name(member)].iter().find(|(key, _)| key.kind.kind == "Deployment").map(|(_, it)| it)
}

#[rstest]
#[case::by_placement(web())]
#[case::by_a_preference_of_kubefed(preferred())]
fn the_others_stand_in_and_what_is_there_stays(#[case] resource: ResourceSpec) {
    let spec: FederationSpec = spec([("web", resource)]);
    let both = render_all(&spec, &Facts::default()).unwrap();
    let key = both.objects[&name("b")].keys().find(|key| key.kind.kind == "Deployment").unwrap().clone();
    let replicas = |it: &Desired| it.object["spec"]["replicas"].clone();
    assert_eq!(web_on(&both, "a").map(replicas), Some(json!(3)));

    let rendering = render_all(&spec, &b_is_silent(&[key])).unwrap();
    assert_eq!(web_on(&rendering, "a").map(replicas), Some(json!(6)));
    let held = web_on(&rendering, "b").unwrap();
    assert!(held.held && !web_on(&rendering, "a").unwrap().held);
    assert_eq!(held.digest, "as it is");

    // Where it never was, it does not get to.
    assert!(web_on(&render_all(&spec, &b_is_silent(&[])).unwrap(), "b").is_none());
}

#[test]
fn what_is_placed_there_all_the_same_is_not_held() {
    let tolerant = ResourceSpec { placement: Placement::default(), ..web() };
    let spec = spec([("web", tolerant)]);
    let key =
        render_all(&spec, &Facts::default()).unwrap().objects[&name("b")].keys().next().unwrap().clone();
    let rendering = render_all(&spec, &b_is_silent(&[key])).unwrap();
    assert!(!web_on(&rendering, "b").unwrap().held);
}

/// `kubefed.io/orphan` is about the end of the document, not about its placement.
#[test]
fn a_document_that_outlives_itself_is_told_apart_from_one_that_selects_others() {
    let text = "
apiVersion: types.kubefed.io/v1beta1
kind: FederatedClusterRole
metadata: { name: reader, annotations: { kubefed.io/orphan: \"true\" } }
spec: { template: { rules: [] }, placement: { clusters: [{ name: a }] } }";
    let with = spec([("roles", ResourceSpec::new(manifest::parse(text).unwrap()))]);
    let rendering = render_all(&with, &Facts::default()).unwrap();
    let (key, desired) = rendering.objects[&name("a")].first_key_value().unwrap();
    assert!(desired.policy.orphan);
    assert!(rendering.unselected[&name("a")].is_empty());
    assert!(rendering.unselected[&name("b")].contains(key));
    let forgetful = text.replace("true", "false");
    let changed = spec([("roles", ResourceSpec::new(manifest::parse(&forgetful).unwrap()))]);
    let changed = render_all(&changed, &Facts::default()).unwrap();
    assert_ne!(changed.objects[&name("a")][key].digest, desired.digest, "the apply has to note it");

    let without = render_all(&spec([]), &Facts::default()).unwrap();
    assert!(without.unselected.values().all(std::collections::BTreeSet::is_empty));
}
