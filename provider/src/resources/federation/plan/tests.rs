//! Plans as far as they are made without a cluster: a host on a closed port does not answer.

use rstest::rstest;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::super::fixture::{SETTINGS, UNKNOWN, federation, said, value};
use multicluster_core::federation::facts::Facts;

use super::*;

/// A connection that is known, and leads nowhere.
fn nowhere() -> Json {
    json!({ "host": "https://127.0.0.1:1", "token": "hunter2" })
}

struct Planned {
    planned: Value,
    said: Vec<String>,
    failed: bool,
}

impl Planned {
    fn get(&self, name: &str) -> &Value {
        self.planned.get(name).unwrap()
    }
}

async fn planned(clusters: &Json, prior: &Value, proposed: &Value, private: &Record) -> Planned {
    let config = value(&json!({ "clusters": clusters }));
    let configured = Clusters::default();
    configured.configure(&Node::root(&config).attribute("clusters"));
    let private = private.to_private();
    let request = PlanRequest { prior, config: proposed, private: &private };
    let mut response = PlanResponse {
        planned: proposed.clone(),
        requires_replace: vec![],
        private: private.clone(),
        diagnostics: Diagnostics::new(),
    };
    let context = Context { cancelled: CancellationToken::new() };
    plan(&configured, &context, request, &mut response).await;
    assert!(!said(&response.diagnostics).concat().contains("hunter2"));
    Planned {
        planned: response.planned,
        said: said(&response.diagnostics),
        failed: response.diagnostics.has_errors(),
    }
}

fn settings() -> Json {
    json!({ "settings": { "manifest": SETTINGS } })
}

/// A state of `world` on `aws`, and the record beside it.
fn made() -> (Value, Record) {
    let members = json!({ "aws": { "labels": null } });
    let mut state = federation(&members, &settings());
    let mut diagnostics = Diagnostics::new();
    let model = model::model(&state, Some(&state), &Facts::default(), &mut diagnostics).unwrap();
    let aws = ClusterName::new("aws").unwrap();
    let desired = &model.rendered[&aws];
    let (key, wanted) = desired.first_key_value().unwrap();
    let seen: Seen = serde_json::from_value(json!({
        "cluster_uid": "u-1",
        "instance": "i-1",
        "complete": true,
        "objects": [{
            "group": key.kind.group, "kind": key.kind.kind, "namespace": key.namespace, "name": key.name,
            "desired": wanted.digest, "status": { "is": "in_sync" },
        }],
    }))
    .unwrap();
    for (name, attribute) in [
        ("id", json!("world")),
        ("uid", json!("i-1")),
        ("member_names", json!(["aws"])),
        ("cluster_uids", json!({ "aws": "u-1" })),
        ("sync", json!({ "aws": planned_sync(None, desired).unwrap() })),
        ("forecast", json!({ "aws": { "member": "join" } })),
        ("objects", json!({ "aws": ["ConfigMap shop/settings"] })),
        ("services", json!({})),
        ("member_status", json!({ "aws": { "version": "v1.36.3", "uid": "u-1", "reachable": true } })),
    ] {
        state.set(name, value(&attribute));
    }
    state.set("required_rbac", preflight::required_rbac(&model).into());
    let mut record = Record::default();
    record.members.entry(aws).or_default().seen = Some(seen);
    (state, record)
}

/// A proposal to change `prior`: the planning rule has made the computed attributes unknown.
fn changed(prior: &Value, attribute: &str, json: &Json) -> Value {
    let mut proposed = prior.clone();
    proposed.set(attribute, value(json));
    for computed in COMPUTED {
        proposed.set(computed, Value::Unknown);
    }
    proposed
}

#[rstest]
#[case::a_manifest(json!({ "aws": null }), json!({ "it": { "manifest": UNKNOWN } }))]
#[case::a_label(json!({ "aws": { "labels": { "a": UNKNOWN } } }), json!({}))]
#[case::all_members(json!(UNKNOWN), json!({}))]
#[tokio::test]
async fn unknown_inputs_make_everything_unknown(#[case] members: Json, #[case] resources: Json) {
    let proposed = federation(&members, &resources);
    let plan = planned(&json!({ "aws": nowhere() }), &Value::Null, &proposed, &Record::default()).await;
    assert!(!plan.failed, "{:?}", plan.said);
    for attribute in COMPUTED {
        assert!(plan.get(attribute).is_unknown(), "{attribute}");
    }
}

#[rstest]
#[case::all_of_the_block(json!(UNKNOWN))]
#[case::the_entry(json!({ "aws": UNKNOWN }))]
#[case::its_token(json!({ "aws": { "host": "https://127.0.0.1:1", "token": UNKNOWN } }))]
#[case::a_file_that_is_not_there_yet(json!({ "aws": { "kubeconfig_path": "/nonexistent/kubeconfig" } }))]
#[tokio::test]
async fn an_unknown_connection_makes_its_member_unknown(#[case] clusters: Json) {
    let proposed = federation(&json!({ "aws": null }), &settings());
    let plan = planned(&clusters, &Value::Null, &proposed, &Record::default()).await;
    assert!(!plan.failed, "{:?}", plan.said);
    assert!(
        plan.said[0].starts_with(r#"members["aws"]: Cannot look at cluster `aws` yet"#),
        "{:?}",
        plan.said
    );
    assert_eq!(plan.get("member_names"), &value(&json!(["aws"])));
    assert_eq!(plan.get("cluster_uids"), &value(&json!({ "aws": UNKNOWN })));
    assert_eq!(plan.get("forecast"), &value(&json!({ "aws": UNKNOWN })));
    assert!(plan.get("sync").is_unknown());
}

#[tokio::test]
async fn a_member_that_does_not_answer_is_planned_as_far_as_it_is_known() {
    let proposed = federation(&json!({ "aws": null }), &settings());
    let plan = planned(&json!({ "aws": nowhere() }), &Value::Null, &proposed, &Record::default()).await;
    assert!(!plan.failed, "{:?}", plan.said);
    assert_eq!(plan.get("cluster_uids"), &value(&json!({ "aws": UNKNOWN })));
    let forecast = json!({ "aws": { "member": "join", "ConfigMap shop/settings": "create" } });
    assert_eq!(plan.get("forecast"), &value(&forecast));
}

#[tokio::test]
async fn a_plan_without_changes_is_empty_though_nobody_answers() {
    let (state, record) = made();
    let plan = planned(&json!({ "aws": nowhere() }), &state, &state, &record).await;
    assert!(!plan.failed, "{:?}", plan.said);
    assert_eq!(plan.planned, state);
}

#[tokio::test]
async fn a_difference_in_sync_is_a_change_though_the_configuration_is_the_same() {
    let (mut state, record) = made();
    state.set("sync", value(&json!({ "aws": "drifted-0123456789ab" })));
    let plan = planned(&json!({ "aws": nowhere() }), &state, &state, &record).await;
    assert_ne!(plan.planned, state);
    assert_eq!(plan.get("sync"), made().0.get("sync").unwrap());
    let forecast = json!({ "aws": { "member": "unchanged", "ConfigMap shop/settings": "unchanged" } });
    assert_eq!(plan.get("forecast"), &value(&forecast));
}

#[tokio::test]
async fn an_object_that_has_become_somebody_elses_is_refused() {
    let (state, mut record) = made();
    for seen in record.members.values_mut().filter_map(|member| member.seen.as_mut()) {
        seen.objects[0].status = Status::Foreign { managers: vec!["helm".to_owned()] };
    }
    let config = value(&json!({ "clusters": { "aws": nowhere() } }));
    let clusters = Clusters::default();
    clusters.configure(&Node::root(&config).attribute("clusters"));
    let aws = ClusterName::new("aws").unwrap();
    // As a read of the same process would: then the plan does not ask again.
    clusters.remember_read(&aws, &ClusterUid("u-1".to_owned()));
    let private = record.to_private();
    let request = PlanRequest { prior: &state, config: &state, private: &private };
    let mut response = PlanResponse {
        planned: state.clone(),
        requires_replace: vec![],
        private: vec![],
        diagnostics: Diagnostics::new(),
    };
    let context = Context { cancelled: CancellationToken::new() };
    plan(&clusters, &context, request, &mut response).await;
    let said = said(&response.diagnostics).concat();
    assert!(response.diagnostics.has_errors());
    assert!(said.contains("ConfigMap shop/settings") && said.contains("written by helm"), "{said}");
}

#[tokio::test]
async fn a_member_that_leaves_is_foretold_and_must_be_reachable() {
    let (state, record) = made();
    let proposed = changed(&state, "members", &json!({}));
    let plan = planned(&json!({ "aws": nowhere() }), &state, &proposed, &record).await;
    assert!(!plan.failed, "{:?}", plan.said);
    let forecast = json!({ "aws": { "member": "leave", "ConfigMap shop/settings": "delete" } });
    assert_eq!(plan.get("forecast"), &value(&forecast));
    for attribute in ["cluster_uids", "sync"] {
        assert_eq!(plan.get(attribute), &Value::map::<String>([]), "{attribute}");
    }
    let plan = planned(&json!({}), &state, &proposed, &record).await;
    assert!(plan.failed && plan.said[0].contains("Keep the entry for one more apply"), "{:?}", plan.said);
}

#[tokio::test]
async fn the_half_of_a_replacement_that_makes_leaves_nothing() {
    // A tainted federation is planned as if there were none, but its record is there in the first of the two plans only.
    let (_, record) = made();
    let proposed = federation(&json!({ "gcp": null }), &settings());
    let clusters = json!({ "aws": nowhere(), "gcp": nowhere() });
    let first = planned(&clusters, &Value::Null, &proposed, &record).await;
    let second = planned(&clusters, &Value::Null, &proposed, &Record::default()).await;
    assert!(!first.failed, "{:?}", first.said);
    assert_eq!(first.planned, second.planned);
}

#[tokio::test]
async fn a_member_without_an_entry_is_an_error() {
    let proposed = federation(&json!({ "aws": null }), &settings());
    let plan = planned(&json!({}), &Value::Null, &proposed, &Record::default()).await;
    assert!(plan.failed && plan.said[0].contains("no entry `aws`"), "{:?}", plan.said);
}

#[rstest]
#[case::protected(true, json!({ "aws": nowhere() }), Some("It is protected"))]
#[case::out_of_reach(false, json!({}), Some("Cannot leave cluster `aws`"))]
#[case::free(false, json!({ "aws": nowhere() }), None)]
#[tokio::test]
async fn a_removal(#[case] protected: bool, #[case] clusters: Json, #[case] expected: Option<&str>) {
    let (mut state, record) = made();
    state.set("deletion_protection", Value::from(protected));
    let plan = planned(&clusters, &state, &Value::Null, &record).await;
    assert_eq!(plan.said.len(), usize::from(expected.is_some()), "{:?}", plan.said);
    assert!(expected.is_none_or(|expected| plan.said[0].contains(expected)), "{:?}", plan.said);
}

#[tokio::test]
async fn an_interrupted_plan_does_not_wait() {
    let (state, record) = made();
    let config = value(&json!({ "clusters": { "aws": nowhere() } }));
    let clusters = Clusters::default();
    clusters.configure(&Node::root(&config).attribute("clusters"));
    let private = record.to_private();
    let request = PlanRequest { prior: &state, config: &state, private: &private };
    let mut response = PlanResponse {
        planned: state.clone(),
        requires_replace: vec![],
        private: vec![],
        diagnostics: Diagnostics::new(),
    };
    let context = Context { cancelled: CancellationToken::new() };
    context.cancelled.cancel();
    plan(&clusters, &context, request, &mut response).await;
    assert!(said(&response.diagnostics).concat().contains("Interrupted"), "{:?}", response.diagnostics);
}

/// A cluster that is gone, and its entry with it, can be left if the user says so.
#[tokio::test]
async fn who_is_out_of_reach_may_be_forgotten() {
    let (mut state, record) = made();
    state.set("leave", value(&json!({ "objects": null, "unreachable": "forget" })));
    let removal = planned(&json!({}), &state, &Value::Null, &record).await;
    assert!(!removal.failed && removal.said[0].contains("It is forgotten"), "{:?}", removal.said);
    let left = planned(&json!({}), &state, &changed(&state, "members", &json!({})), &record).await;
    assert!(!left.failed && left.said[0].contains("It is forgotten"), "{:?}", left.said);
    assert_eq!(left.get("forecast"), &value(&json!({ "aws": { "member": FORGOTTEN } })));
}
