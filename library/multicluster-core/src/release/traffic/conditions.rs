//! Whether the data plane has taken an object as it is.

use serde_json::Value;

use crate::difference::shortened;
use crate::object::text;

/// Whether those who carry out a route have taken it as it is now.
///
/// For an `HTTPRoute`: every parent that reports has `Accepted` and `ResolvedRefs` true for the present generation, and
/// at least one does. Istio reports nothing about a `VirtualService` and Kubernetes nothing about a Service: those count
/// as taken.
///
/// # Errors
/// What is missing, in words.
///
/// # Examples
/// ```
/// use multicluster_core::release::traffic::accepted;
/// use serde_json::json;
///
/// let route = json!({ "kind": "HTTPRoute", "metadata": { "generation": 2 }, "status": { "parents": [] } });
/// assert_eq!(accepted(&route).unwrap_err(), "no gateway has reported on it yet");
/// ```
pub fn accepted(live: &Value) -> Result<(), String> {
    if text(live, "/kind") != "HTTPRoute" && live.pointer("/spec/rules").is_none() {
        return Ok(());
    }
    let parents = live.pointer("/status/parents").and_then(Value::as_array);
    let parents = parents.filter(|parents| !parents.is_empty()).ok_or("no gateway has reported on it yet")?;
    let generation = live.pointer("/metadata/generation").and_then(Value::as_i64);
    for parent in parents {
        let gateway = text(parent, "/parentRef/name");
        for kind in ["Accepted", "ResolvedRefs"] {
            let conditions = parent.pointer("/conditions").and_then(Value::as_array);
            let condition =
                conditions.into_iter().flatten().find(|condition| text(condition, "/type") == kind);
            let Some(condition) = condition else {
                return Err(format!("gateway `{gateway}` has not said yet whether {kind}"));
            };
            let observed = condition.pointer("/observedGeneration").and_then(Value::as_i64);
            if generation.is_some() && observed != generation {
                return Err(format!("gateway `{gateway}` has not seen the latest change ({kind})"));
            }
            if text(condition, "/status") != "True" {
                let why: Vec<String> = ["/reason", "/message"]
                    .into_iter()
                    .map(|field| text(condition, field))
                    .filter(|said| !said.is_empty())
                    .map(|said| shortened(&said.into()).trim_matches('"').to_owned())
                    .collect();
                return Err(format!("gateway `{gateway}`: {kind} is not true ({})", why.join(": ")));
            }
        }
    }
    Ok(())
}
