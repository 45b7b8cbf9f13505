//! What dry runs tell, in the words of a real API server (Kubernetes 1.36).

use std::time::Duration;

use multicluster::federation::{Before, Candidate, Probed, probe};
use multicluster::member::ResourceType;
use multicluster_core::federation::identity::FederationSet;
use multicluster_core::managed_fields::Owners;
use multicluster_core::names::FederationName;
use multicluster_core::object::{GroupKind, Manifest, ObjectKey};
use multicluster_core::probe::{Adoption, Verdict};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::answers::{self, Log, Reply, status};

const MANAGER: &str = "multicluster-world";

pub(crate) fn world() -> FederationSet {
    FederationSet::default_of(FederationName::new("world").unwrap(), "multicluster-system")
}

fn deployment() -> ResourceType {
    ResourceType {
        group: "apps".into(),
        version: "v1".into(),
        kind: "Deployment".into(),
        plural: "deployments".into(),
        namespaced: true,
    }
}

fn candidate(ty: ResourceType, before: Before) -> Candidate {
    let key = ObjectKey {
        kind: GroupKind { group: ty.group.clone(), kind: ty.kind.clone() },
        namespace: Some("shop".into()),
        name: "web".into(),
    };
    let body = json!({
        "apiVersion": ty.api_version(), "kind": ty.kind, "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "replicas": 3, "serviceName": "b" },
    });
    Candidate { key, body, ty: Some(ty), before, force: false, adopt_from: None, confidential: false }
}

/// The object as it is there.
fn live(replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "7",
            "managedFields": [
                { "manager": MANAGER, "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": { "f:spec": { "f:replicas": {} } } },
                { "manager": "helm", "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": { "f:spec": { "f:paused": {} } } },
            ],
        },
        "spec": { "replicas": replicas, "serviceName": "a", "paused": true },
    })
}

async fn ask(
    candidate: Candidate,
    reply: impl Fn(&answers::Asked) -> Reply + Send + Sync + 'static,
) -> (Probed, Log) {
    let (member, log) = answers::member(reply);
    let key = candidate.key.clone();
    let mut found = probe(&member, &world(), vec![candidate], Instant::now() + Duration::from_secs(60)).await;
    (found.remove(&key).unwrap(), log)
}

async fn verdict(
    ty: ResourceType,
    before: Before,
    reply: impl Fn() -> Reply + Send + Sync + 'static,
) -> String {
    ask(candidate(ty, before), move |_| reply()).await.0.verdict.to_string()
}

#[tokio::test]
async fn a_probe_is_a_dry_run_and_writes_nothing() {
    let (probed, log) =
        ask(candidate(deployment(), Before::There(live(2))), |_| answers::json(200, &live(3))).await;
    assert_eq!(probed.verdict.to_string(), "update: spec.replicas 2 → 3");
    assert_eq!((probed.adoption, probed.left_over), (None, Vec::new()));
    let asked = log.only();
    assert_eq!(asked.method, "PATCH");
    assert_eq!(asked.query, "fieldManager=multicluster-world&fieldValidation=Strict&dryRun=All");
}

#[rstest]
#[case::there(200, "unchanged", 2)]
#[case::not_there(404, "create", 2)]
#[tokio::test]
async fn what_is_not_known_is_read(#[case] code: u16, #[case] expected: &str, #[case] requests: usize) {
    let (probed, log) =
        ask(candidate(deployment(), Before::Unread), move |asked| match (asked.method.as_str(), code) {
            ("GET", 404) => {
                status(404, "NotFound", "not found", json!({ "name": "web", "kind": "deployments" }))
            }
            _ => answers::json(200, &live(3)),
        })
        .await;
    assert_eq!(probed.verdict.to_string(), expected);
    assert_eq!(log.all().len(), requests);
    assert!(log.all().iter().all(|asked| asked.method == "GET" || asked.query.ends_with("dryRun=All")));
}

#[tokio::test]
async fn what_would_be_adopted_is_looked_at_as_a_whole() {
    let mut asked = candidate(deployment(), Before::There(live(3)));
    (asked.force, asked.adopt_from) = (true, Some(Owners::tools()));
    let (probed, log) = ask(asked.clone(), |asked| {
        let mut answer = live(3);
        if !asked.query.contains("force=true") {
            answer["spec"].as_object_mut().unwrap().remove("paused");
        }
        answers::json(200, &answer)
    })
    .await;
    assert_eq!((probed.verdict, probed.adoption), (Verdict::Unchanged, Some(Adoption::NoDifference)));
    assert_eq!(probed.left_over.iter().map(ToString::to_string).collect::<Vec<_>>(), ["spec.paused"]);
    let queries: Vec<String> = log.all().into_iter().map(|asked| asked.query).collect();
    assert!(
        queries[0].contains("force=true") && queries.iter().all(|it| it.ends_with("dryRun=All")),
        "{queries:?}"
    );
    assert_eq!(queries.len(), 2);

    // A default comes back as it was.
    let (probed, _) = ask(asked.clone(), |_| answers::json(200, &live(3))).await;
    assert!(probed.left_over.is_empty());

    let mut resumed = live(3);
    resumed["spec"]["paused"] = false.into();
    let (probed, _) = ask(asked, move |_| answers::json(200, &resumed)).await;
    let Some(Adoption::Differs(changes)) = probed.adoption else { panic!("there is a difference") };
    assert_eq!(changes[0].to_string(), "spec.paused true → false");
}

#[tokio::test]
async fn a_kind_that_is_not_served_is_not_asked_for() {
    let mut asked = candidate(deployment(), Before::Unread);
    asked.ty = None;
    let (probed, log) = ask(asked, |_| panic!("asked")).await;
    assert_eq!(probed.verdict.to_string(), "unknown: the cluster does not serve its kind yet");
    assert!(log.all().is_empty());
}

fn cause(reason: &str, field: &str, message: &str) -> Value {
    json!({ "causes": [{ "reason": reason, "field": field, "message": message }] })
}

#[rstest]
#[case::namespace(404, "NotFound", "namespaces \"shop\" not found", json!({ "name": "shop", "kind": "namespaces" }), "unknown: namespace `shop` does not exist yet")]
#[case::namespace_that_goes(403, "Forbidden", "deployments.apps \"web\" is forbidden: unable to create new content in namespace shop because it is being terminated", json!({ "name": "web", "causes": [{ "reason": "NamespaceTerminating", "field": "metadata.namespace" }] }), "unknown: namespace `shop` is being deleted")]
#[case::permission(403, "Forbidden", "deployments.apps \"web\" is forbidden: User \"bob\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"shop\"", json!({ "name": "web" }), "unknown: not allowed: deployments.apps \"web\" is forbidden: User \"bob\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"shop\"")]
#[case::escalation(403, "Forbidden", "roles.rbac.authorization.k8s.io \"web\" is forbidden: user \"bob\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"*\"]}", json!({ "name": "web" }), "unknown: not allowed: roles.rbac.authorization.k8s.io \"web\" is forbidden: user \"bob\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held: {APIGroups:[\"*\"]}")]
#[case::quota(403, "Forbidden", "configmaps \"web\" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=2, limited: count/configmaps=2", json!({ "name": "web" }), "unknown: refused as things are now: configmaps \"web\" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=2, limited: count/configmaps=2")]
#[case::service_account(403, "Forbidden", "pods \"web\" is forbidden: error looking up service account shop/nobody: serviceaccount \"nobody\" not found", json!({ "name": "web" }), "unknown: refused as things are now: pods \"web\" is forbidden: error looking up service account shop/nobody: serviceaccount \"nobody\" not found")]
#[case::port(
    422,
    "Invalid",
    "Service \"web\" is invalid",
    cause(
        "FieldValueInvalid",
        "spec.ports[0].nodePort",
        "Invalid value: 31111: provided port is already allocated"
    ),
    "unknown: refused as things are now: not valid: `spec.ports[0].nodePort`: Invalid value: 31111: provided port is already allocated"
)]
#[case::webhook_without_dry_run(
    400,
    "BadRequest",
    "admission webhook \"old.example.com\" does not support dry run",
    Value::Null,
    "unknown: admission webhook `old.example.com` takes no part in dry runs"
)]
#[case::webhook_down(
    500,
    "InternalError",
    "Internal error occurred: failed calling webhook \"x.example.com\": failed to call webhook: Post \"https://127.0.0.1:1/x?timeout=2s\": dial tcp 127.0.0.1:1: connect: connection refused",
    Value::Null,
    "unknown: an admission webhook cannot be asked: failed calling webhook \"x.example.com\": failed to call webhook: Post \"https://127.0.0.1:1/x?timeout=2s\": dial tcp 127.0.0.1:1: connect: connection refused"
)]
#[case::webhook_denies(
    404,
    "",
    "admission webhook \"x.example.com\" denied the request: no such thing here",
    Value::Null,
    "refused: admission webhook \"x.example.com\" denied the request: no such thing here"
)]
#[case::policy_denies(422, "Invalid", "configmaps \"web\" is forbidden: ValidatingAdmissionPolicy 'pol.x' with binding 'pol.x' denied request: bad is bad", json!({ "name": "web", "causes": [{ "message": "…" }] }), "refused: configmaps \"web\" is forbidden: ValidatingAdmissionPolicy 'pol.x' with binding 'pol.x' denied request: bad is bad")]
#[case::unknown_field(
    500,
    "",
    "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.replicass: field not declared in schema",
    Value::Null,
    "refused: `spec.replicass`: unknown field"
)]
#[case::twice_the_same_key(
    500,
    "",
    "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.template.spec.containers: duplicate entries for key [name=\"c\"]",
    Value::Null,
    "refused: `spec.template.spec.containers`: duplicate entries for key [name=\"c\"]"
)]
#[case::no_quantity(
    500,
    "",
    "failed to convert new object (shop/web; apps/v1, Kind=Deployment) to proper version: unable to convert unstructured object to apps/v1, Kind=Deployment: quantities must match the regular expression '^([+-]?[0-9.]+)$'",
    Value::Null,
    "refused: quantities must match the regular expression '^([+-]?[0-9.]+)$'"
)]
#[case::no_base64(
    500,
    "",
    "failed to convert new object (shop/web; /v1, Kind=ConfigMap) to proper version: unable to convert unstructured object to /v1, Kind=ConfigMap: error decoding from json: illegal base64 data at input byte 0",
    Value::Null,
    "refused: illegal base64 data at input byte 0"
)]
#[case::not_valid(
    422,
    "Invalid",
    "Deployment.apps \"web\" is invalid",
    cause("FieldValueInvalid", "spec.replicas", "Invalid value: -1: must be greater than or equal to 0"),
    "refused: `spec.replicas`: Invalid value: -1: must be greater than or equal to 0"
)]
#[case::conflict(
    409,
    "Conflict",
    "Apply failed with 1 conflict: conflict with \"kubectl\": .spec.replicas",
    cause("FieldManagerConflict", ".spec.replicas", "conflict with \"kubectl\""),
    "conflict: spec.replicas is owned by kubectl"
)]
#[case::load(
    503,
    "ServiceUnavailable",
    "etcd is away",
    Value::Null,
    "unknown: the API server cannot be reached: it answers 503: etcd is away"
)]
#[case::trouble(500, "InternalError", "oops", Value::Null, "unknown: the API server could not tell: oops")]
#[case::credentials(
    401,
    "Unauthorized",
    "Unauthorized",
    Value::Null,
    "unknown: not allowed: the API server does not accept the credentials: Unauthorized"
)]
#[tokio::test]
async fn refusals(
    #[case] code: u16,
    #[case] reason: &'static str,
    #[case] message: &'static str,
    #[case] details: Value,
    #[case] expected: &str,
) {
    let reply = move || status(code, reason, message, details.clone());
    assert_eq!(verdict(deployment(), Before::Absent, reply).await, expected);
}

#[tokio::test]
async fn a_path_that_the_server_does_not_know_is_a_missing_kind() {
    let reply = || answers::text(404, "404 page not found\n");
    assert_eq!(
        verdict(deployment(), Before::Absent, reply).await,
        "unknown: the cluster does not serve its kind yet"
    );
}

/// The head and the end of what is said of a Job's template, which is printed whole between them.
fn job_template() -> String {
    let dump = "\"SecurityContext\":null,\"Stdin\":false,".repeat(60);
    format!(
        "Invalid value: {{\"labels\":{{\"job-name\":\"j\"}},\"Spec\":{{{dump}\"HostnameOverride\":null}}}}: field is immutable"
    )
}

#[rstest]
#[case::selector(
    "spec.selector",
    "Invalid value: {\"matchLabels\":{\"app\":\"web2\"}}: field is immutable",
    "replace: spec.selector cannot be changed"
)]
#[case::stateful_set(
    "spec",
    "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    "replace: spec.serviceName cannot be changed"
)]
#[case::job("spec.template", &job_template(), "replace: spec.template cannot be changed")]
#[case::volume_claim(
    "spec.resources",
    "Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n@@ -1,6 +1,6 @@\n {\n  \"AccessModes\": [\n-  \"ReadWriteOnce\"\n+  \"ReadWriteMany\"\n",
    "replace: spec.resources cannot be changed"
)]
#[case::cluster_ip(
    "spec.clusterIPs[0]",
    "Invalid value: [\"10.0.0.77\"]: may not change once set",
    "replace: spec.clusterIPs[0] cannot be changed"
)]
#[case::role_ref(
    "roleRef",
    "Invalid value: {\"APIGroup\":\"rbac.authorization.k8s.io\",\"Kind\":\"ClusterRole\",\"Name\":\"edit\"}: cannot change roleRef",
    "replace: roleRef cannot be changed"
)]
#[case::config_map(
    "data",
    "Forbidden: field is immutable when `immutable` is set",
    "replace: data cannot be changed"
)]
#[case::priority_class(
    "value",
    "Forbidden: may not be changed in an update.",
    "replace: value cannot be changed"
)]
#[case::pod(
    "spec.hostNetwork",
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n@@ -142,7 +142,7 @@\n",
    "replace: spec.hostNetwork cannot be changed"
)]
#[case::definition(
    "spec.scope",
    "Invalid value: \"Cluster\": field is immutable",
    "replace: spec.scope cannot be changed"
)]
#[case::rule_of_a_definition(
    "spec.a",
    "Invalid value: \"2\": failed rule: self == oldSelf",
    "replace: spec.a cannot be changed"
)]
#[case::rule_with_words(
    "spec.a",
    "Invalid value: \"2\": a is immutable",
    "replace: spec.a cannot be changed"
)]
#[tokio::test]
async fn immutable_fields(#[case] field: &'static str, #[case] message: &str, #[case] expected: &str) {
    let details = cause("FieldValueInvalid", field, message);
    let reply = move || status(422, "Invalid", "it is invalid", details.clone());
    let (probed, _) = ask(candidate(deployment(), Before::There(live(2))), move |_| reply()).await;
    assert_eq!(probed.verdict.to_string(), expected);
    let Verdict::Replace { message, .. } = probed.verdict else { panic!("not replaced") };
    assert!(!message.contains("SecurityContext") && !message.contains("@@"), "{message}");
}

#[tokio::test]
async fn of_a_secret_it_is_told_what_but_not_its_words() {
    let ask = async |code, message: &'static str, details: Value| {
        verdict(ResourceType::secret(), Before::Absent, move || status(code, "", message, details.clone()))
            .await
    };
    let immutable = cause("FieldValueForbidden", "type", "Invalid value: \"hunter2\": field is immutable");
    assert_eq!(ask(422, "hunter2", immutable).await, "replace: type cannot be changed");
    let frozen =
        cause("FieldValueForbidden", "data", "Forbidden: field is immutable when `immutable` is set");
    assert_eq!(ask(422, "hunter2", frozen).await, "replace: data cannot be changed");
    assert_eq!(
        ask(400, "admission webhook \"x.example.com\" does not support dry run", Value::Null).await,
        "unknown: admission webhook `x.example.com` takes no part in dry runs"
    );
    assert_eq!(
        ask(
            500,
            "Internal error occurred: failed calling webhook \"x.example.com\": it said hunter2",
            Value::Null
        )
        .await,
        "unknown: an admission webhook cannot be asked: failed calling webhook \"x.example.com\""
    );
    let denied =
        ask(403, "admission webhook \"x.example.com\" denied the request: hunter2", Value::Null).await;
    assert!(
        denied.contains("\"x.example.com\" denied the request") && !denied.contains("hunter2"),
        "{denied}"
    );
    let no_base64 = "failed to convert new object (shop/web; /v1, Kind=Secret) to proper version: unable to convert unstructured object to /v1, Kind=Secret: error decoding from json: illegal base64 data at input byte 0";
    assert!(
        ask(500, no_base64, Value::Null).await.starts_with("refused: a value under `data` is not base64")
    );
    let shown = format!(
        "{:?}",
        candidate(ResourceType::secret(), Before::There(json!({ "data": { "a": "hunter2" } })))
    );
    assert!(!shown.contains("hunter2"), "{shown}");
}

/// The same holds for an object of another kind of which the user keeps the content secret.
#[tokio::test]
async fn of_what_is_kept_secret_no_value_is_shown() {
    let candidate = || Candidate {
        confidential: true,
        force: true,
        adopt_from: Some(Owners::tools()),
        ..candidate(deployment(), Before::There(live(2)))
    };
    let (probed, _) = ask(candidate(), |_| answers::json(200, &live(3))).await;
    assert_eq!(probed.verdict.to_string(), "update: spec.replicas changed");
    let Some(Adoption::Differs(changes)) = probed.adoption else { panic!("no difference") };
    assert_eq!(changes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["spec.replicas changed"]);
    let invalid = || {
        status(
            422,
            "Invalid",
            "hunter2",
            cause("FieldValueInvalid", "spec.a", "Invalid value: \"hunter2\": no"),
        )
    };
    let (probed, _) = ask(candidate(), move |_| invalid()).await;
    let said = probed.verdict.to_string();
    assert!(said.starts_with("refused: `spec.a`: ") && !said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn a_dry_run_that_met_a_change_is_made_again() {
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let (probed, log) = ask(candidate(deployment(), Before::Absent), move |asked| {
        let patches =
            if asked.method == "PATCH" { tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) } else { 1 };
        match patches {
            0 => status(
                409,
                "AlreadyExists",
                "deployments.apps \"web\" already exists",
                json!({ "name": "web" }),
            ),
            _ => answers::json(200, &live(3)),
        }
    })
    .await;
    assert_eq!(probed.verdict, Verdict::Unchanged);
    let methods: Vec<_> = log.all().into_iter().map(|asked| asked.method).collect();
    assert_eq!(methods, ["PATCH", "GET", "PATCH"]);
}

#[tokio::test]
async fn one_that_changes_for_ever_is_unknown() {
    let (probed, log) =
        ask(candidate(deployment(), Before::There(live(2))), |asked| match asked.method.as_str() {
            "GET" => answers::json(200, &live(2)),
            _ => status(409, "Conflict", "the object has been modified", json!({ "name": "web" })),
        })
        .await;
    assert!(probed.verdict.to_string().starts_with("unknown: "), "{}", probed.verdict);
    assert_eq!(log.all().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn everything_has_an_answer_at_the_deadline() {
    let service = tower::service_fn(|_: http::Request<kube::client::Body>| {
        std::future::pending::<Result<http::Response<kube::client::Body>, tower::BoxError>>()
    });
    let name = multicluster_core::names::ClusterName::new("aws").unwrap();
    let member = multicluster::member::Member::new(name, kube::Client::new(service, "default"));
    let candidates: Vec<Candidate> = (0..30)
        .map(|number| {
            let mut it = candidate(deployment(), Before::Unread);
            it.key.name = format!("web-{number}");
            it.body["metadata"]["name"] = it.key.name.clone().into();
            assert_eq!(Manifest::new(it.body.clone()).unwrap().key(), it.key);
            it
        })
        .collect();
    let found = probe(&member, &world(), candidates, Instant::now() + Duration::from_secs(20)).await;
    assert_eq!(found.len(), 30);
    for probed in found.values() {
        assert_eq!(
            probed.verdict.to_string(),
            "unknown: the API server cannot be reached: no answer in time"
        );
    }
}
