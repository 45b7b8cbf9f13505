//! What the server's refusals become.

use multicluster::member::{ApplyOptions, FieldConflict, FieldProblem, MemberError, ResourceType};
use rstest::rstest;
use serde_json::{Value, json};

use crate::answers::{self, Reply, status};

async fn apply(ty: &ResourceType, reply: impl Fn() -> Reply + Send + Sync + 'static) -> MemberError {
    apply_as(ty, false, reply).await
}

async fn apply_as(
    ty: &ResourceType,
    confidential: bool,
    reply: impl Fn() -> Reply + Send + Sync + 'static,
) -> MemberError {
    let (member, _) = answers::member(move |_| reply());
    let body = json!({
        "apiVersion": "v1", "kind": ty.kind, "metadata": { "name": "web", "namespace": "shop" },
    });
    let options = ApplyOptions { field_manager: "m".into(), force: false, dry_run: false, confidential };
    member.apply(ty, &body, options).await.unwrap_err()
}

#[rstest]
#[case::credentials(401, "Unauthorized", "Unauthorized", json!({}), "the API server does not accept the credentials: Unauthorized")]
#[case::permissions(403, "Forbidden", "configmaps \"web\" is forbidden: User \"me\" cannot patch", json!({ "name": "web" }), "not allowed: configmaps \"web\" is forbidden: User \"me\" cannot patch")]
#[case::missing_namespace(404, "NotFound", "namespaces \"shop\" not found", json!({ "name": "shop", "kind": "namespaces" }), "`shop` (namespaces) does not exist")]
#[case::missing_kind(404, "NotFound", "the server could not find the requested resource", json!({}), "the cluster does not serve this kind")]
#[case::there_already(409, "AlreadyExists", "configmaps \"web\" already exists", json!({ "name": "web" }), "it exists already")]
#[case::changed(409, "Conflict", "Operation cannot be fulfilled", json!({ "name": "web" }), "it was changed by someone else in the meantime")]
#[case::forgotten(410, "Expired", "too old resource version", json!({}), "the API server no longer remembers that version")]
#[case::load(429, "TooManyRequests", "slow down", json!({}), "cannot reach the API server: it answers 429: slow down")]
#[case::starting(503, "ServiceUnavailable", "etcd is away", json!({}), "cannot reach the API server: it answers 503: etcd is away")]
#[case::broken(500, "InternalError", "oops", json!({}), "the API server failed: oops")]
#[case::something_new(418, "Teapot", "I am", json!({}), "the API server answers 418: I am")]
#[case::webhook_says_no(403, "Forbidden", "admission webhook \"policy.example.com\" denied the request: no", json!({}), "rejected: admission webhook \"policy.example.com\" denied the request: no")]
#[case::webhook_is_down(500, "InternalError", "Internal error occurred: failed calling webhook \"x\": connection refused", json!({}), "rejected: Internal error occurred: failed calling webhook \"x\": connection refused")]
#[case::webhook_cannot_be_asked_dry(400, "BadRequest", "admission webhook \"x\" does not support dry run", json!({}), "rejected: admission webhook \"x\" does not support dry run")]
#[case::unknown_field(400, "BadRequest", "strict decoding error: unknown field \"spec.replica\"", json!({}), "not valid: `spec.replica`: unknown field")]
#[case::unknown_fields(400, "BadRequest", "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"a\", duplicate field \"b\"", json!({}), "not valid: `a`: unknown field; duplicate field \"b\"")]
#[case::not_in_the_schema(500, "", "failed to create typed patch object (try/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema", json!({}), "not valid: `spec.replica`: unknown field")]
#[case::of_another_type(500, "", "failed to create typed patch object (try/a; example.com/v1, Kind=Thing): .spec.a: expected string, got &value.valueUnstructured{Value:7}", json!({}), "not valid: `spec.a`: expected string, got 7")]
#[case::several_at_once(500, "", "failed to create typed patch object (try/a; v1, Kind=X): errors:\n  .spec.a: field not declared in schema\n  .spec.b: expected string, got &value.valueUnstructured{Value:7}", json!({}), "not valid: `spec.a`: unknown field; `spec.b`: expected string, got 7")]
#[tokio::test]
async fn refusals(
    #[case] code: u16,
    #[case] reason: &'static str,
    #[case] message: &'static str,
    #[case] details: Value,
    #[case] expected: &str,
) {
    let error =
        apply(&ResourceType::config_map(), move || status(code, reason, message, details.clone())).await;
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.is_unreachable(), matches!(code, 429 | 503));
}

#[tokio::test]
async fn conflicts_name_managers_and_fields() {
    let cause = |manager: &str, field: &str| json!({ "reason": "FieldManagerConflict", "field": field, "message": format!("conflict with \"{manager}\" using apps/v1 at 2026") });
    let causes = json!({ "causes": [cause("kubectl", ".spec.replicas"), cause("hpa", ".spec.replicas"), cause("kubectl", ".spec.replicas")] });
    let error =
        apply(&ResourceType::config_map(), move || status(409, "Conflict", "Apply failed", causes.clone()))
            .await;
    let conflict = |manager: &str| FieldConflict { manager: manager.into(), field: "spec.replicas".into() };
    assert_eq!(error, MemberError::Conflict { conflicts: vec![conflict("hpa"), conflict("kubectl")] });
    assert_eq!(
        error.to_string(),
        "other field managers own `spec.replicas` (`hpa`); `spec.replicas` (`kubectl`)"
    );
}

fn immutable() -> Reply {
    let cause =
        json!({ "field": "spec.selector", "message": "Invalid value: \"hunter2\": field is immutable" });
    status(422, "Invalid", "Deployment.apps \"web\" is invalid", json!({ "name": "web", "causes": [cause] }))
}

#[tokio::test]
async fn invalid_fields_are_named() {
    let error = apply(&ResourceType::config_map(), immutable).await;
    assert!(error.is_immutable());
    assert_eq!(
        error,
        MemberError::Invalid {
            fields: vec![FieldProblem {
                field: "spec.selector".into(),
                message: "Invalid value: \"hunter2\": field is immutable".into()
            }]
        }
    );
}

/// The words that servers have for it (Kubernetes 1.36), and what only looks like them.
#[rstest]
#[case::text("Invalid value: \"a\": field is immutable", true)]
#[case::number("Invalid value: 3: field is immutable", true)]
#[case::mapping("Invalid value: {\"a\":\"b\"}: field is immutable", true)]
#[case::list("Invalid value: [\"10.0.0.77\"]: may not change once set", true)]
#[case::no_value("Forbidden: field is immutable when `immutable` is set", true)]
#[case::for_now("Forbidden: may not be changed in an update.", true)]
#[case::another_reason("Invalid value: \"a\": must be no more than 63 characters", false)]
#[case::a_value_that_says_so("Invalid value: \"it is immutable\": must be no more than 63 characters", false)]
#[tokio::test]
async fn what_is_immutable(#[case] message: &'static str, #[case] expected: bool) {
    let details = json!({ "name": "web", "causes": [{ "field": "spec.a", "message": message }] });
    let reply = move || status(422, "Invalid", "it is invalid", details.clone());
    let error = apply(&ResourceType::config_map(), reply).await;
    assert_eq!(error.is_immutable(), expected, "{error}");
}

#[rstest]
#[case::invalid(immutable as fn() -> Reply)]
#[case::webhook(|| status(403, "Forbidden", "admission webhook \"x\" denied the request: hunter2", json!({})))]
#[case::strict(|| status(400, "BadRequest", "strict decoding error: hunter2", json!({})))]
#[case::schema(|| status(500, "", "failed to create typed patch object (x): .stringData.a: expected string, got &value.valueUnstructured{Value:hunter2}", json!({})))]
#[case::something_that_echoes(|| answers::text(403, "blocked: hunter2"))]
#[case::other(|| status(500, "InternalError", "hunter2", json!({})))]
#[tokio::test]
async fn about_a_secret_the_server_is_not_quoted(#[case] reply: fn() -> Reply) {
    let error = apply(&ResourceType::secret(), reply).await;
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    let error = apply_as(&ResourceType::config_map(), true, reply).await;
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn a_secret_that_is_not_base64_is_told_so() {
    let said = "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 7";
    let error = apply(&ResourceType::secret(), move || status(400, "BadRequest", said, json!({}))).await;
    assert!(error.to_string().contains("a value under `data` is not base64"), "{error}");
}

#[rstest]
#[case::login_page(
    200,
    "<html>log in</html>",
    "what answers is not a Kubernetes API server: its answer is not JSON"
)]
#[case::proxy(
    502,
    "<html>bad\n gateway</html>",
    "cannot reach the API server: something answers 502: <html>bad gateway</html>"
)]
#[case::another_server(
    404,
    "<html>nothing here</html>",
    "something that is not a Kubernetes API server answers 404: <html>nothing here</html>"
)]
#[case::unknown_path(404, "404 page not found\n", "the cluster does not serve this kind")]
#[case::silence(401, "", "the API server does not accept the credentials: no explanation")]
#[tokio::test]
async fn answers_of_something_else(#[case] code: u16, #[case] body: &'static str, #[case] expected: &str) {
    let error = apply(&ResourceType::config_map(), move || answers::text(code, body)).await;
    assert_eq!(error.to_string(), expected);
}

#[rstest]
#[case::status(|| status(500, "InternalError", &"long ".repeat(1000), json!({})))]
#[case::something_else(|| answers::text(500, &"long ".repeat(1_000_000)))]
#[tokio::test]
async fn long_answers_are_cut(#[case] reply: fn() -> Reply) {
    let error = apply(&ResourceType::config_map(), reply).await;
    assert!(error.to_string().chars().count() < 400);
}

#[tokio::test]
async fn a_read_tells_no_object_from_no_kind() {
    let (member, _) = answers::member(|_| {
        status(404, "NotFound", "not found", json!({ "name": "web", "kind": "configmaps" }))
    });
    assert_eq!(member.get(&ResourceType::config_map(), Some("shop"), "web").await, Ok(None));
    let (member, _) = answers::member(|_| answers::text(404, "404 page not found"));
    let missing = member.get(&ResourceType::config_map(), Some("shop"), "web").await;
    assert_eq!(missing, Err(MemberError::UnknownKind));
}
