//! An emulator with its clients.

use std::{net::SocketAddr, time::Duration};

use aws_credential_types::Credentials;
use aws_sdk_route53::{
    Client,
    config::{BehaviorVersion, Region, retry::RetryConfig},
    error::{ProvideErrorMetadata, SdkError},
    types::{
        AliasTarget, Change, ChangeAction, ChangeBatch, ChangeInfo, ResourceRecord, ResourceRecordSet,
        RrType, builders::ResourceRecordSetBuilder,
    },
};
use route53_emulator::{Emulator, Knobs, Options};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Waiting longer than this for anything is a failure.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) client: Client,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Knobs::default()).await
    }

    pub(crate) async fn with(knobs: Knobs) -> Self {
        let emulator = Emulator::start(Options { knobs, ..Options::default() }).await.unwrap();
        let client = client(&emulator.api_url);
        Self { emulator, client }
    }

    /// A new public zone.
    pub(crate) async fn zone(&self, name: &str) -> String {
        let created =
            self.client.create_hosted_zone().name(name).caller_reference(name).send().await.unwrap();
        created.hosted_zone.unwrap().id.trim_start_matches("/hostedzone/").to_owned()
    }

    pub(crate) async fn change(
        &self,
        zone: &str,
        changes: impl IntoIterator<Item = Change>,
    ) -> Result<ChangeInfo, Failure> {
        let batch = ChangeBatch::builder().set_changes(Some(changes.into_iter().collect())).build().unwrap();
        let sent =
            self.client.change_resource_record_sets().hosted_zone_id(zone).change_batch(batch).send().await;
        sent.map(|changed| changed.change_info.unwrap()).map_err(failure)
    }

    /// All sets of a zone, page by page.
    pub(crate) async fn sets(&self, zone: &str) -> Vec<ResourceRecordSet> {
        let mut all = Vec::new();
        let mut next = self.client.list_resource_record_sets().hosted_zone_id(zone);
        loop {
            let page = next.send().await.unwrap();
            all.extend(page.resource_record_sets);
            if !page.is_truncated {
                return all;
            }
            next = self
                .client
                .list_resource_record_sets()
                .hosted_zone_id(zone)
                .set_start_record_name(page.next_record_name)
                .set_start_record_type(page.next_record_type)
                .set_start_record_identifier(page.next_record_identifier);
        }
    }

    /// A request to the control endpoint, which must succeed.
    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, value) = self.try_control(method, path, body).await;
        assert_eq!(status, 200, "{value}");
        value
    }

    pub(crate) async fn try_control(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let response = http(&self.emulator.control_url, method, path, &[], &body).await.unwrap();
        (response.status, serde_json::from_str(&response.body).unwrap())
    }

    /// A request to the API that is signed in form, with whatever body.
    pub(crate) async fn raw(&self, method: &str, path: &str, body: &str) -> Response {
        let signature = "0".repeat(64);
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKID/20260102/us-east-1/route53/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature={signature}"
        );
        let headers = [("authorization", authorization.as_str()), ("x-amz-date", "20260102T030405Z")];
        http(&self.emulator.api_url, method, path, &headers, body).await.unwrap()
    }
}

pub(crate) fn client(url: &str) -> Client {
    let config = aws_sdk_route53::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .build();
    Client::from_conf(config)
}

/// Code and message of an error of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
}

#[expect(clippy::needless_pass_by_value, reason = "so that it stands behind `unwrap_err` and in `map_err`")]
pub(crate) fn failure<E: ProvideErrorMetadata + std::fmt::Debug, R: std::fmt::Debug>(
    error: SdkError<E, R>,
) -> Failure {
    let text = |text: Option<&str>| text.map_or_else(|| format!("{error:?}"), str::to_owned);
    Failure { code: text(error.code()), message: text(error.message()) }
}

pub(crate) fn change(action: ChangeAction, set: ResourceRecordSetBuilder) -> Change {
    Change::builder().action(action).resource_record_set(set.build().unwrap()).build().unwrap()
}

pub(crate) fn create(set: ResourceRecordSetBuilder) -> Change {
    change(ChangeAction::Create, set)
}

pub(crate) fn delete(set: ResourceRecordSetBuilder) -> Change {
    change(ChangeAction::Delete, set)
}

/// An A set of 60 seconds.
pub(crate) fn a(name: &str, address: &str) -> ResourceRecordSetBuilder {
    let record = ResourceRecord::builder().value(address).build().unwrap();
    ResourceRecordSet::builder().name(name).r#type(RrType::A).ttl(60).resource_records(record)
}

pub(crate) fn alias(name: &str, zone: &str, target: &str) -> ResourceRecordSetBuilder {
    let target = AliasTarget::builder()
        .hosted_zone_id(zone)
        .dns_name(target)
        .evaluate_target_health(true)
        .build()
        .unwrap();
    ResourceRecordSet::builder().name(name).r#type(RrType::A).alias_target(target)
}

/// A response of HTTP/1.1.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// One request on a connection of its own; none when the connection ends without a response.
pub(crate) async fn http(
    url: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<Response> {
    let address: SocketAddr = url.trim_start_matches("http://").parse().unwrap();
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let headers: String =
            headers.iter().map(|(name, value)| [*name, ": ", *value, "\r\n"].concat()).collect();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        // A connection that is cut may end in an error or in nothing.
        let _ = stream.read_to_end(&mut response).await;
        String::from_utf8(response).unwrap()
    };
    let response = tokio::time::timeout(DEADLINE, exchange).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Response { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
}
