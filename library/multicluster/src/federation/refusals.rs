//! What a refusal means that a dry run met: that an apply would fail, that it would have to replace the object, or
//! only that nobody can tell yet.

use multicluster_core::object::ObjectKey;
use multicluster_core::probe::{Contested, Problem, Verdict, Why};

use crate::member::MemberError;

/// The verdict that follows from a refused dry run.
///
/// What the same apply may set right before it comes to this object (a namespace, a definition, a quota, a service
/// account) is unknown, and so is whatever says nothing about the object. The rest is wrong for good.
pub(super) fn verdict_of(key: &ObjectKey, error: MemberError) -> Verdict {
    let immutable = error.is_immutable();
    let said = error.to_string();
    match error {
        MemberError::Unreachable { reason } => Verdict::Unknown(Why::Unreachable(reason)),
        MemberError::Unauthorized { .. } => Verdict::Unknown(Why::NotAllowed(said)),
        MemberError::Forbidden { message } => Verdict::Unknown(forbidden(key, message)),
        MemberError::NotFound { kind, name } if kind == "namespaces" => {
            Verdict::Unknown(Why::NamespaceMissing(name))
        }
        MemberError::NotFound { .. } => Verdict::Unknown(Why::ForNow(said)),
        MemberError::UnknownKind => Verdict::Unknown(Why::KindMissing),
        MemberError::Conflict { conflicts } => {
            let contested =
                |it: crate::member::FieldConflict| Contested { manager: it.manager, field: it.field };
            Verdict::Conflict { by: conflicts.into_iter().map(contested).collect() }
        }
        MemberError::Invalid { fields } if immutable => {
            let message = fields.iter().map(|field| field.message.as_str()).collect::<Vec<_>>().join("; ");
            let mut fields: Vec<String> = fields.into_iter().map(|it| named(it.field)).collect();
            fields.sort();
            fields.dedup();
            Verdict::Replace { fields, message }
        }
        // Ports and addresses that another object has, which may give them up in this very apply.
        MemberError::Invalid { fields }
            if fields.iter().all(|it| it.message.contains("is already allocated")) =>
        {
            Verdict::Unknown(Why::ForNow(said))
        }
        MemberError::Invalid { fields } => {
            let mut problems: Vec<Problem> = Vec::new();
            for it in fields {
                let field = (!it.field.is_empty()).then_some(it.field);
                let problem = Problem { field, message: it.message };
                // A server may say the same thing once per place that it looks at.
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
            Verdict::Refused { problems }
        }
        MemberError::Rejected { message } => rejected(message),
        MemberError::Internal { message } | MemberError::Other { message } => {
            Verdict::Unknown(Why::Failed(message))
        }
        MemberError::AlreadyExists | MemberError::Changed | MemberError::Expired => {
            Verdict::Unknown(Why::Failed(said))
        }
    }
}

/// A place for a field that the server did not name.
fn named(field: String) -> String {
    if field.is_empty() { "a field".to_owned() } else { field }
}

/// Permissions and admission answer with the same code; only the words tell them apart.
fn forbidden(key: &ObjectKey, message: String) -> Why {
    let of_permissions = (message.contains("cannot ") && message.contains(" resource "))
        || message.contains("attempting to grant");
    match &key.namespace {
        Some(namespace) if message.contains("because it is being terminated") => {
            Why::NamespaceTerminating(namespace.clone())
        }
        // What Kubernetes itself admits or not depends on other objects: quotas, limits, labels of the namespace,
        // service accounts.
        _ if message.contains(" is forbidden: ") && !of_permissions => Why::ForNow(message),
        _ => Why::NotAllowed(message),
    }
}

fn rejected(message: String) -> Verdict {
    let name = || message.split('"').nth(1).unwrap_or(&message).to_owned();
    if message.contains("does not support dry run") {
        Verdict::Unknown(Why::WebhookWithoutDryRun(name()))
    } else if message.contains("failed calling webhook") {
        let words = message.trim_start_matches("Internal error occurred: ").to_owned();
        Verdict::Unknown(Why::WebhookDown(words))
    } else {
        Verdict::Refused { problems: vec![Problem { field: None, message }] }
    }
}
