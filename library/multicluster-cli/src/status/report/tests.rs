use multicluster::core::federation::identity::DEFAULT_NAMESPACE;
use multicluster::core::names::FederationName;
use rstest::rstest;
use serde_json::{Value, json};

use super::super::table::table;
use super::*;

fn set() -> FederationSet {
    FederationSet::default_of(FederationName::new("world").unwrap(), DEFAULT_NAMESPACE)
}

fn live() -> Live {
    Live {
        uid: "u-1".to_owned(),
        labelled: true,
        owned: Some("fields".to_owned()),
        lost: vec![],
        scaled: false,
        autoscaled: false,
        content: None,
        managers: vec![],
        federation: None,
        terminating: false,
        object: json!({ "spec": { "replicas": 5 } }),
    }
}

fn entry(replicas: Option<u64>) -> Entry {
    let mut entry = json!({
        "group": "apps", "version": "v1", "kind": "Deployment", "plural": "deployments", "namespace": "shop",
        "name": "web", "resource": "web", "uid": "u-1", "desired": "d", "owned": "fields", "phase": "applied",
    });
    entry["replicas"] = replicas.into();
    serde_json::from_value(entry).unwrap()
}

fn object(replicas: Option<u64>, live: Option<&Live>) -> ObjectReport {
    ObjectReport::of(&entry(replicas), live, &set())
}

fn report(objects: Vec<ObjectReport>) -> StatusReport {
    let here = ClusterReport {
        reachable: true,
        uid: Some("u-7".to_owned()),
        kubernetes: Some("v1.36.3".to_owned()),
        record: Some(Record::Complete),
        lease_holder: Some("ci-17".to_owned()),
        other_sets: vec!["team-a".to_owned()],
        objects,
        ..ClusterReport::default()
    };
    let away = ClusterReport::unreachable("the API server cannot be reached".to_owned());
    StatusReport::new(&set(), vec![("aws".to_owned(), here), ("azure".to_owned(), away)])
}

#[rstest]
#[case::as_it_was_left(None, Some(live()), "in_sync", true)]
#[case::given_as_many(Some(5), Some(live()), "in_sync", true)]
#[case::given_less(Some(2), Some(live()), "in_sync", false)]
#[case::deleted(None, None, "missing", false)]
#[case::changed(None, Some(Live { owned: Some("other".to_owned()), ..live() }), "drifted", false)]
#[case::another_one(None, Some(Live { uid: "u-2".to_owned(), labelled: false, ..live() }), "foreign", false)]
fn objects(
    #[case] replicas: Option<u64>,
    #[case] live: Option<Live>,
    #[case] status: &str,
    #[case] well: bool,
) {
    let object = object(replicas, live.as_ref());
    assert_eq!((object.status, object.is_well()), (status, well));
}

#[test]
fn people_see_what_differs_and_a_count_of_the_rest() {
    let objects = vec![object(None, Some(&live())), object(Some(2), Some(&live())), object(None, None)];
    assert_eq!(
        table(&report(objects)),
        "aws    complete  v1.36.3  u-7\n  \
         Deployment shop/web  in sync; 2 given, 5 now\n  \
         Deployment shop/web  deleted by somebody\n  \
         1 object in sync\n  \
         lease held by ci-17\n  \
         other sets: team-a\n\
         azure  the API server cannot be reached\n"
    );
}

#[test]
fn programs_see_the_shape_that_the_readme_describes() {
    let report = report(vec![object(Some(2), Some(&live()))]);
    assert!(!report.is_well());
    let shown: Value = serde_json::to_value(&report).unwrap();
    let expected = json!({
        "version": 1,
        "federation": "world",
        "well": false,
        "clusters": [
            { "context": "aws", "status": {
                "reachable": true, "error": null, "uid": "u-7", "kubernetes": "v1.36.3",
                "record": "complete", "labels": {}, "lease_holder": "ci-17", "other_sets": ["team-a"],
                "objects": [{
                    "group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web",
                    "object": "Deployment shop/web", "resource": "web", "status": "in_sync", "words": "in sync",
                    "owners": [], "replicas": { "given": 2, "now": 5, "autoscaled": false } }] } },
            { "context": "azure", "status": {
                "reachable": false, "error": "the API server cannot be reached", "uid": null, "kubernetes": null,
                "record": null, "labels": {}, "lease_holder": null, "other_sets": [], "objects": [] } },
        ],
    });
    assert_eq!(shown, expected);
}
