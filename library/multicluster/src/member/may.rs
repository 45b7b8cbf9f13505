//! What the identity may do on a cluster, as the API server itself says.

use http::Method;
use multicluster_core::{
    object::text,
    rbac::{AccessCheck, PolicyRule},
};
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::{Member, MemberError, refusal::Quoting, request::Payload};

/// Whether something is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// It is.
    Allowed,
    /// It is not.
    Denied,
    /// The server would not or could not tell.
    Unknown,
}

impl Member {
    /// Asks whether the identity may do something. Nothing is written: the question is not stored.
    ///
    /// # Errors
    /// [`MemberError`] if the server could not be asked; that it may not be asked is [`Access::Unknown`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn may(&self, check: &AccessCheck) -> Result<Access, MemberError> {
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = self.call(Method::POST, path, Payload::Json(&review(check)), Quoting::Allowed).await;
        match answer {
            Ok(answer) => Ok(access(&answer)),
            Err(MemberError::Forbidden { .. } | MemberError::Rejected { .. } | MemberError::UnknownKind) => {
                Ok(Access::Unknown)
            }
            Err(error) => Err(error),
        }
    }

    /// The rules by which the identity may do something in every namespace, and with kinds that have none. One request
    /// that often answers what many reviews would. Empty if the server cannot list all rules.
    ///
    /// # Errors
    /// [`MemberError`] if the server could not be asked; that it may not be asked is an empty list.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn rules_everywhere(&self) -> Result<Vec<PolicyRule>, MemberError> {
        let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": { "namespace": NOWHERE },
        });
        match self.call(Method::POST, path, Payload::Json(&review), Quoting::Allowed).await {
            Ok(answer) => Ok(rules(&answer)),
            Err(MemberError::Forbidden { .. } | MemberError::Rejected { .. } | MemberError::UnknownKind) => {
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }
}

/// A namespace that cannot be: no rule holds there that does not hold everywhere.
const NOWHERE: &str = "-";

fn rules(answer: &Value) -> Vec<PolicyRule> {
    // Where an authorizer cannot list its rules, another one's may not be the last word.
    if answer.pointer("/status/incomplete").and_then(Value::as_bool) != Some(false) {
        return Vec::new();
    }
    let rules = answer.pointer("/status/resourceRules").and_then(Value::as_array);
    rules.into_iter().flatten().filter_map(|rule| PolicyRule::deserialize(rule).ok()).collect()
}

fn review(check: &AccessCheck) -> Value {
    // Reviews have a field for what RBAC writes as `deployments/scale`.
    let (resource, subresource) = check.resource.split_once('/').unwrap_or((&check.resource, ""));
    let mut attributes = json!({ "group": check.group, "resource": resource, "verb": check.verb });
    let others = [
        ("subresource", Some(subresource)),
        ("namespace", check.namespace.as_deref()),
        ("name", check.name.as_deref()),
    ];
    for (field, value) in others {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            attributes[field] = value.into();
        }
    }
    json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": attributes },
    })
}

fn access(answer: &Value) -> Access {
    match answer.pointer("/status/allowed").and_then(Value::as_bool) {
        Some(true) => Access::Allowed,
        // An authorizer that failed has not said no.
        Some(false) if text(answer, "/status/evaluationError").is_empty() => Access::Denied,
        _ => Access::Unknown,
    }
}
