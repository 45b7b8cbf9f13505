//! Reads what an API server was asked, so that tests can count calls by user agent, verb and object.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
    time::Duration,
};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Deserialize;

use super::{cluster::USER_AGENT, wait};

/// A place in an audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditMark(u64);

/// One answered request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// Empty for the core group and for paths that are no resources.
    pub api_group: String,
    /// Plural, such as `deployments`; empty for paths such as `/version`.
    pub resource: String,
    /// Such as `status` or `scale`; else empty.
    pub subresource: String,
    /// Empty for objects without a namespace and for lists over all of them.
    pub namespace: String,
    /// Empty for lists.
    pub name: String,
    /// Path and query, such as `/api/v1/nodes?limit=500`.
    pub uri: String,
    /// What the client called itself.
    pub user_agent: String,
    /// The HTTP status of the answer; 0 when the request was broken off.
    pub code: u16,
    /// When the request reached the server, by the machine's clock.
    pub received: Timestamp,
    /// When it was answered; for a watch, when it began to be.
    pub answered: Timestamp,
}

impl AuditMark {
    pub(super) fn end_of(log: &Path) -> anyhow::Result<Self> {
        match log.metadata() {
            Ok(metadata) => Ok(Self(metadata.len())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self(0)),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", log.display())),
        }
    }
}

/// Entries after `mark`. A request of our own is sent first and waited for in the log: the server writes in the
/// order in which it answers, so what was answered before is then in the file.
pub(super) async fn since(
    log: &Path,
    mark: AuditMark,
    client: kube::Client,
) -> anyhow::Result<Vec<AuditEntry>> {
    let marker = format!("/version?lab-audit={}", uuid::Uuid::new_v4().simple());
    let request = http::Request::get(&marker).body(Vec::new()).context("invalid request")?;
    client.request_text(request).await.context("the cluster does not answer")?;
    let text = wait::until("the audit log is written", Duration::from_secs(10), async || {
        let text = read_from(log, mark)?;
        Ok(text.contains(&marker).then_some(text))
    })
    .await?;
    Ok(parse(&text))
}

fn read_from(log: &Path, mark: AuditMark) -> anyhow::Result<String> {
    let mut file = File::open(log).with_context(|| format!("cannot read {}", log.display()))?;
    file.seek(SeekFrom::Start(mark.0))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    stage: String,
    verb: String,
    #[serde(rename = "requestURI", default)]
    request_uri: String,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: ResponseStatus,
    request_received_timestamp: Timestamp,
    stage_timestamp: Timestamp,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRef {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ResponseStatus {
    code: u16,
}

/// A watch has two lines, when it starts and when it ends; the first is taken, because the second may be an hour
/// away. Everything else has one. A line that is still being written does not parse and is left out.
fn parse(text: &str) -> Vec<AuditEntry> {
    text.lines()
        .filter_map(|line| serde_json::from_str::<Event>(line).ok())
        .filter(|event| (event.verb == "watch") == (event.stage == "ResponseStarted"))
        .filter(|event| !event.user_agent.starts_with(USER_AGENT))
        .map(|event| AuditEntry {
            verb: event.verb,
            api_group: event.object_ref.api_group,
            resource: event.object_ref.resource,
            subresource: event.object_ref.subresource,
            namespace: event.object_ref.namespace,
            name: event.object_ref.name,
            uri: event.request_uri,
            user_agent: event.user_agent,
            code: event.response_status.code,
            received: event.request_received_timestamp,
            answered: event.stage_timestamp,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(verb: &str, stage: &str, agent: &str) -> String {
        serde_json::json!({
            "kind": "Event", "stage": stage, "verb": verb, "userAgent": agent,
            "requestURI": "/apis/apps/v1/namespaces/shop/deployments/web",
            "objectRef": {"resource": "deployments", "namespace": "shop", "name": "web", "apiGroup": "apps"},
            "responseStatus": {"code": 200},
            "requestReceivedTimestamp": "2026-01-02T03:04:05.000001Z",
            "stageTimestamp": "2026-01-02T03:04:05.250001Z",
        })
        .to_string()
    }

    #[test]
    fn a_watch_counts_once_and_our_own_requests_never() {
        let text = [
            line("get", "ResponseComplete", "provider/1"),
            line("watch", "ResponseStarted", "provider/1"),
            line("watch", "ResponseComplete", "provider/1"),
            line("get", "ResponseComplete", "multicluster-lab"),
            "{\"stage\":\"Respon".to_owned(),
        ]
        .join("\n");
        let entries = parse(&text);
        let verbs: Vec<&str> = entries.iter().map(|entry| entry.verb.as_str()).collect();
        assert_eq!(verbs, ["get", "watch"]);
        assert_eq!((entries[0].resource.as_str(), entries[0].name.as_str()), ("deployments", "web"));
        assert_eq!((entries[0].api_group.as_str(), entries[0].code), ("apps", 200));
        assert_eq!(entries[0].answered.duration_since(entries[0].received).as_millis(), 250);
    }

    #[test]
    fn a_path_that_is_no_resource_has_no_object() {
        let text = r#"{"stage":"ResponseComplete","verb":"get","requestURI":"/version",
            "requestReceivedTimestamp":"2026-01-02T03:04:05.1Z","stageTimestamp":"2026-01-02T03:04:05.2Z"}"#;
        let entries = parse(&text.replace('\n', ""));
        assert_eq!((entries[0].resource.as_str(), entries[0].uri.as_str()), ("", "/version"));
    }
}
