//! What answers and failures mean: from status codes, words and broken connections to a [`MemberError`].

use std::{error::Error, io};

use http::StatusCode;
use multicluster_core::object::text;
use serde_json::Value;

use super::{
    error::{FieldConflict, FieldProblem, MemberError, behind_value},
    message::cut,
};
use crate::connection::CredentialError;

/// Whether an answer may be quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    Allowed,
    /// The request held secret data, and servers quote what they dislike.
    Forbidden,
}

impl Quoting {
    fn quote(self, said: &str) -> String {
        match self {
            Self::Allowed => cut(said),
            Self::Forbidden if said.contains("illegal base64 data") => {
                "a value under `data` is not base64 (plain text belongs under `stringData`)".to_owned()
            }
            // The words behind the value.
            Self::Forbidden if said.ends_with("field is immutable") => "field is immutable".to_owned(),
            Self::Forbidden if said.ends_with("field is immutable when `immutable` is set") => {
                "field is immutable when `immutable` is set".to_owned()
            }
            Self::Forbidden => {
                "the server's words are not shown, because they may quote secret data".to_owned()
            }
        }
    }
}

impl MemberError {
    /// What a failure to send or receive means.
    pub(super) fn from_transport(error: &kube::Error) -> Self {
        transport(error)
    }

    /// What an answer with an error status means.
    pub(super) fn from_answer(code: StatusCode, body: &[u8], quoting: Quoting) -> Self {
        let status = serde_json::from_slice::<Value>(body).unwrap_or_default();
        if text(&status, "/kind") == "Status" {
            from_status(code.as_u16(), &status, quoting)
        } else {
            from_foreign(code, body, quoting)
        }
    }

    /// What an `ERROR` event of a watch means.
    pub(super) fn from_event(status: &Value, quoting: Quoting) -> Self {
        let code = status.pointer("/code").and_then(Value::as_u64).unwrap_or(500);
        from_status(u16::try_from(code).unwrap_or(500), status, quoting)
    }
}

/// An error answer in Kubernetes' own form.
fn from_status(code: u16, status: &Value, quoting: Quoting) -> MemberError {
    let said = text(status, "/message");
    let message = quoting.quote(said);
    let reason = text(status, "/reason");
    if is_admission(said) {
        return MemberError::Rejected { message: admission(said, quoting).unwrap_or(message) };
    }
    if matches!(code, 400 | 500)
        && let Some(fields) = schema_problems(said, quoting)
    {
        return MemberError::Invalid { fields };
    }
    match (code, reason) {
        (401, _) => MemberError::Unauthorized { reason: message },
        (403, _) => MemberError::Forbidden { message: cut(said) },
        (404, _) => not_found(status),
        (409, "AlreadyExists") => MemberError::AlreadyExists,
        (409, _) => conflict(status),
        (410, _) => MemberError::Expired,
        (422, _) => MemberError::Invalid { fields: field_problems(status, quoting) },
        (429 | 502..=504, _) => MemberError::Unreachable { reason: format!("it answers {code}: {message}") },
        (500.., _) => MemberError::Internal { message },
        _ => MemberError::Other { message: format!("the API server answers {code}: {message}") },
    }
}

/// An error answer of something else: a proxy, a load balancer, a login page.
fn from_foreign(code: StatusCode, body: &[u8], quoting: Quoting) -> MemberError {
    let code = code.as_u16();
    let body = String::from_utf8_lossy(body.get(..2048).unwrap_or(body));
    let said = quoting.quote(&body);
    let said = if body.trim().is_empty() { "no explanation".to_owned() } else { said };
    match code {
        401 => MemberError::Unauthorized { reason: said },
        403 => MemberError::Forbidden { message: said },
        // The API server's own words for a path that it does not know.
        404 if body.trim() == "404 page not found" => MemberError::UnknownKind,
        429 | 502..=504 => MemberError::Unreachable { reason: format!("something answers {code}: {said}") },
        _ => MemberError::Other {
            message: format!("something that is not a Kubernetes API server answers {code}: {said}"),
        },
    }
}

/// Webhooks and policies answer with codes of their own choice, so only the words tell.
fn is_admission(said: &str) -> bool {
    said.starts_with("admission webhook ")
        || said.contains("failed calling webhook")
        || said.contains("does not support dry run")
        || said.contains("ValidatingAdmissionPolicy")
}

/// What can be said of an admission webhook where the server may not be quoted: which one, and whether it came to judge
/// the object. Its own words may repeat what it dislikes.
fn admission(said: &str, quoting: Quoting) -> Option<String> {
    if quoting == Quoting::Allowed {
        return None;
    }
    let (before, rest) = said.split_once("webhook \"")?;
    let (name, why) = rest.split_once('"')?;
    let words = match (before, why) {
        ("admission ", " does not support dry run") => format!("admission webhook \"{name}\"{why}"),
        ("admission ", _) if why.starts_with(" denied the request") => {
            format!("admission webhook \"{name}\" denied the request ({})", quoting.quote(said))
        }
        (before, _) if before.ends_with("failed calling ") => format!("failed calling webhook \"{name}\""),
        _ => return None,
    };
    Some(cut(&words))
}

fn not_found(status: &Value) -> MemberError {
    let name = text(status, "/details/name");
    if name.is_empty() {
        // Without a name it is the path that the server does not know.
        return MemberError::UnknownKind;
    }
    MemberError::NotFound { kind: cut(text(status, "/details/kind")), name: cut(name) }
}

fn causes(status: &Value) -> impl Iterator<Item = &Value> {
    status.pointer("/details/causes").and_then(Value::as_array).into_iter().flatten()
}

fn conflict(status: &Value) -> MemberError {
    let mut conflicts: Vec<_> = causes(status)
        .filter(|cause| text(cause, "/reason") == "FieldManagerConflict")
        .map(|cause| FieldConflict {
            manager: cut(quoted(text(cause, "/message"))),
            field: cut(text(cause, "/field").trim_start_matches('.')),
        })
        .collect();
    conflicts.sort();
    conflicts.dedup();
    if conflicts.is_empty() { MemberError::Changed } else { MemberError::Conflict { conflicts } }
}

/// The first quoted part of `conflict with "kubectl" using apps/v1`, or all of it.
fn quoted(message: &str) -> &str {
    message.split('"').nth(1).unwrap_or(message)
}

fn field_problems(status: &Value, quoting: Quoting) -> Vec<FieldProblem> {
    let fields: Vec<_> = causes(status)
        .map(|cause| FieldProblem {
            field: cut(text(cause, "/field")),
            message: quoting.quote(&without_dump(text(cause, "/message"))),
        })
        .collect();
    if fields.is_empty() {
        vec![FieldProblem { field: String::new(), message: quoting.quote(text(status, "/message")) }]
    } else {
        fields
    }
}

/// What is wrong, without the objects that servers put before and after it: `Invalid value: …: field is immutable`.
/// The part that matters stands at the end of the first paragraph, where a cut would lose it.
fn without_dump(message: &str) -> String {
    const SHORT: usize = 200;
    let said = message.split("\n@@").next().unwrap_or(message);
    if said.chars().count() <= SHORT {
        return said.to_owned();
    }
    match said.split_once(" value: ") {
        Some((what, value)) if what.len() < SHORT => {
            let why = behind_value(value);
            if why == value { said.to_owned() } else { format!("{what} value: …: {why}") }
        }
        _ => said.to_owned(),
    }
}

/// The fields that do not fit the schema. For these there are no causes, only words, in one of three forms:
/// `failed to create typed patch object (…): .spec.a: expected string, got …`,
/// `failed to convert new object (…) to proper version: unable to convert unstructured object to v1, Kind=X: …` and
/// `strict decoding error: unknown field "spec.a", unknown field "spec.b"`.
fn schema_problems(said: &str, quoting: Quoting) -> Option<Vec<FieldProblem>> {
    let problem = |field: &str, message: &str| FieldProblem {
        field: cut(field.trim_start_matches('.')),
        message: match message {
            // Nothing is quoted in these.
            "field not declared in schema" | "unknown field" => "unknown field".to_owned(),
            message => quoting.quote(&without_go(message)),
        },
    };
    if let Some((_, list)) = said.split_once("strict decoding error: ") {
        let problems = list.split(", ").map(|item| match item.split_once(" field \"") {
            Some(("unknown", field)) => problem(field.trim_end_matches('"'), "unknown field"),
            _ => problem("", item),
        });
        return Some(problems.collect());
    }
    if let Some((_, why)) = said.split_once(") to proper version: ") {
        let why = why
            .strip_prefix("unable to convert unstructured object to ")
            .map_or(why, |rest| rest.split_once(": ").map_or(rest, |(_, why)| why));
        return Some(vec![problem("", why.trim_start_matches("error decoding from json: "))]);
    }
    let (_, rest) = said.split_once("typed patch object (")?;
    let (_, list) = rest.split_once("): ")?;
    let lines = list.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "errors:");
    let problems = lines.map(|line| match line.split_once(": ") {
        Some((field, message)) if field.starts_with('.') => problem(field, message),
        _ => problem("", line),
    });
    Some(problems.collect())
}

/// `got &value.valueUnstructured{Value:7}` as `got 7`.
fn without_go(message: &str) -> String {
    match message.split_once("&value.valueUnstructured{Value:") {
        Some((before, value)) => format!("{before}{}", value.trim_end_matches('}')),
        None => message.to_owned(),
    }
}

/// Finds in a chain of causes the one that a user can act on.
fn transport(error: &(dyn Error + 'static)) -> MemberError {
    let mut reason = String::from("the connection failed");
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(credential) = cause.downcast_ref::<CredentialError>() {
            return MemberError::Unauthorized { reason: credential.to_string() };
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return MemberError::Unreachable { reason: format!("the TLS handshake failed: {tls}") };
        }
        if let Some(inner) = cause.downcast_ref::<io::Error>() {
            if let Some(words) = io_words(inner) {
                return MemberError::Unreachable { reason: words.to_owned() };
            }
            // An error that wraps another one hides it from `source`.
            if let Some(wrapped) = inner.get_ref() {
                next = Some(wrapped);
                continue;
            }
        }
        reason = cut(&cause.to_string());
        next = cause.source();
    }
    MemberError::Unreachable { reason }
}

fn io_words(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some("connection refused"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            Some("the connection was closed")
        }
        io::ErrorKind::TimedOut => Some("no answer in time"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some("no route to the host"),
        _ if error.to_string().contains("lookup address information") => {
            Some("its host name cannot be resolved")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::any, prop_assert, proptest};
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn any_answer_becomes_a_short_message(code in 400_u16..600, body in vec(any::<u8>(), 0..3000)) {
            let code = StatusCode::from_u16(code).unwrap();
            let message = MemberError::from_answer(code, &body, Quoting::Allowed).to_string();
            prop_assert!(!message.is_empty() && message.chars().count() < 500, "{message}");
        }

        #[test]
        fn any_status_becomes_a_short_message_and_about_a_secret_quotes_nothing(
            code in 400_u16..600, reason in "[A-Z][a-z]{0,20}", prefix in "(strict decoding error: |typed patch object \\(x\\): |)",
            said in "\\PC{0,200}hunter2\\PC{0,200}",
        ) {
            let status = json!({ "kind": "Status", "message": format!("{prefix}{said}"), "reason": reason,
                "details": { "causes": [{ "field": "data.a", "message": said }, 7] } });
            let body = status.to_string();
            let code = StatusCode::from_u16(code).unwrap();
            let message = MemberError::from_answer(code, body.as_bytes(), Quoting::Allowed).to_string();
            prop_assert!(message.chars().count() < 3000);
            let message = MemberError::from_answer(code, body.as_bytes(), Quoting::Forbidden).to_string();
            let allowed = code == StatusCode::FORBIDDEN;
            prop_assert!(allowed || !message.contains("hunter2"), "{message}");
        }
    }
}
