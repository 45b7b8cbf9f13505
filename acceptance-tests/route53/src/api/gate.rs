//! What stands before every operation: the form of the signature, faults that tests asked for, the rate.

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use super::operation::Operation;
use crate::error::{ErrorCode, ServiceError};

/// What tests can make the service do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// Milliseconds from a change to INSYNC.
    pub insync_after_ms: u64,
    /// Requests per second of the account; none for no limit. The service's limit is five.
    pub requests_per_second: Option<f64>,
    /// Milliseconds after a change of a zone in which another is refused with PriorRequestNotComplete.
    pub prior_request_ms: u64,
    /// Milliseconds that every reply waits.
    pub delay_ms: u64,
    /// The most items of a page.
    pub page_size: Option<usize>,
    /// Calls that fail, in this order.
    pub failures: VecDeque<Failure>,
    /// Calls that are carried out, after which the connection ends without a reply.
    pub drops: VecDeque<Dropped>,
    /// Health checks of addresses that are reserved for documentation are refused, as by the service.
    pub strict_addresses: bool,
}

/// Calls that fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Which operation; none for any.
    #[serde(default)]
    pub operation: Option<String>,
    /// The error code.
    pub code: String,
    /// The HTTP status.
    #[serde(default = "bad_request")]
    pub status: u16,
    /// The text.
    #[serde(default)]
    pub message: String,
    /// How many calls.
    #[serde(default = "once")]
    pub count: u32,
}

/// Calls that are carried out but not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropped {
    /// Which operation; none for any.
    #[serde(default)]
    pub operation: Option<String>,
    /// How many calls.
    #[serde(default = "once")]
    pub count: u32,
}

fn bad_request() -> u16 {
    400
}

fn once() -> u32 {
    1
}

impl Knobs {
    /// Takes the next failure that is meant for this call.
    pub(crate) fn take_failure(&mut self, operation: Operation) -> Option<Failure> {
        let index =
            self.failures.iter().position(|failure| concerns(failure.operation.as_deref(), operation))?;
        let failure = self.failures.get_mut(index)?;
        failure.count = failure.count.saturating_sub(1);
        if failure.count == 0 { self.failures.remove(index) } else { Some(failure.clone()) }
    }

    /// Whether the reply of this call is to be dropped.
    pub(crate) fn take_drop(&mut self, operation: Operation) -> bool {
        let index = self.drops.iter().position(|each| concerns(each.operation.as_deref(), operation));
        let Some(index) = index else { return false };
        if let Some(each) = self.drops.get_mut(index) {
            each.count = each.count.saturating_sub(1);
            if each.count == 0 {
                self.drops.remove(index);
            }
        }
        true
    }
}

fn concerns(named: Option<&str>, operation: Operation) -> bool {
    named.is_none_or(|name| name == operation.as_str())
}

/// Tokens of the account. A full bucket holds one second of requests.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    tokens: f64,
    filled: Option<Duration>,
}

impl Bucket {
    /// Takes a token at a time since the start.
    ///
    /// # Errors
    /// `Throttling` when there is none.
    pub(crate) fn take(&mut self, now: Duration, per_second: Option<f64>) -> Result<(), ServiceError> {
        let Some(rate) = per_second else {
            self.filled = None;
            return Ok(());
        };
        let capacity = rate.max(1.0);
        let since = self.filled.map_or(f64::INFINITY, |filled| now.saturating_sub(filled).as_secs_f64());
        self.tokens = (self.tokens + since * rate).min(capacity);
        self.filled = Some(now);
        // A little less than one: the bucket refills by additions of fractions.
        if self.tokens < 1.0 - 1e-9 {
            return Err(ServiceError::new(ErrorCode::Throttling, "Rate exceeded"));
        }
        self.tokens -= 1.0;
        Ok(())
    }
}

/// Checks that a request is signed in form: Signature Version 4 with a credential scope of this service. The
/// signature itself is not verified, as there are no secret keys to verify it with.
///
/// # Errors
/// `MissingAuthenticationToken` without an `Authorization` header, `SignatureDoesNotMatch` with one that cannot
/// be right.
pub(crate) fn signed(authorization: Option<&str>, date: Option<&str>) -> Result<(), ServiceError> {
    let Some(authorization) = authorization else {
        return Err(ServiceError::new(ErrorCode::MissingAuthenticationToken, "Missing Authentication Token"));
    };
    let fail = |message: &str| Err(ServiceError::new(ErrorCode::SignatureDoesNotMatch, message));
    let Some(fields) = authorization.strip_prefix("AWS4-HMAC-SHA256 ") else {
        return fail("Authorization header requires the algorithm AWS4-HMAC-SHA256.");
    };
    let field = |name: &str| fields.split(',').find_map(|field| field.trim().strip_prefix(name));
    let Some(credential) = field("Credential=") else {
        return fail("Authorization header requires 'Credential' parameter.");
    };
    let scope: Vec<&str> = credential.split('/').collect();
    let [key, day, region, service, terminal] = scope[..] else {
        return fail(
            "Credential must have five slash-delimited elements, e.g. keyid/date/region/service/term.",
        );
    };
    if service != "route53" {
        return fail("Credential should be scoped to correct service: 'route53'.");
    }
    if key.is_empty() || region.is_empty() || terminal != "aws4_request" || day.len() != 8 {
        return fail("Credential should be scoped with a valid terminator: 'aws4_request'.");
    }
    if !field("SignedHeaders=").is_some_and(|headers| headers.split(';').any(|header| header == "host")) {
        return fail("'Host' must be a 'SignedHeader' in the AWS Authorization.");
    }
    let hexadecimal = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !field("Signature=").is_some_and(hexadecimal) {
        return fail("Authorization header requires 'Signature' parameter.");
    }
    if !date.is_some_and(|date| date.starts_with(day)) {
        return fail(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(credential: &str) -> String {
        let signature = "0".repeat(64);
        format!(
            "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature={signature}"
        )
    }

    #[test]
    fn signatures_need_the_scope_of_the_service() {
        let check = |credential: &str| signed(Some(&header(credential)), Some("20260102T030405Z"));
        assert!(check("AKID/20260102/us-east-1/route53/aws4_request").is_ok());
        for credential in [
            "AKID/20260102/us-east-1/ec2/aws4_request",
            "AKID/20260103/us-east-1/route53/aws4_request",
            "AKID/20260102/us-east-1/route53",
            "/20260102/us-east-1/route53/aws4_request",
            "AKID/20260102/us-east-1/route53/aws5_request",
        ] {
            assert_eq!(check(credential).unwrap_err().code, ErrorCode::SignatureDoesNotMatch, "{credential}");
        }
        assert_eq!(signed(None, None).unwrap_err().code, ErrorCode::MissingAuthenticationToken);
        assert!(signed(Some("Basic eHl6"), None).is_err());
    }

    #[test]
    fn five_requests_a_second_pass() {
        let mut bucket = Bucket::default();
        let mut passed = |milliseconds| bucket.take(Duration::from_millis(milliseconds), Some(5.0)).is_ok();
        assert!((0..5).all(|_| passed(0)));
        assert!(!passed(0));
        assert!(!passed(150));
        assert!(passed(200));
        assert!(!passed(200));
        assert!((0..5).all(|_| passed(10_000)));
        assert!(!passed(10_000));
    }

    #[test]
    fn failures_come_as_often_as_they_were_asked_for() {
        let mut knobs: Knobs = serde_json::from_value(serde_json::json!({
            "failures": [{"operation": "GetChange", "code": "Throttling", "count": 2}, {"code": "InternalError", "status": 500}],
            "drops": [{"operation": "ChangeResourceRecordSets"}]
        }))
        .unwrap();
        let mut code = |operation| knobs.take_failure(operation).map(|failure| failure.code);
        assert_eq!(code(Operation::GetChange).as_deref(), Some("Throttling"));
        assert_eq!(code(Operation::GetHostedZone).as_deref(), Some("InternalError"));
        assert_eq!(code(Operation::GetHostedZone), None);
        assert_eq!(code(Operation::GetChange).as_deref(), Some("Throttling"));
        assert_eq!(code(Operation::GetChange), None);
        assert!(!knobs.take_drop(Operation::GetChange));
        assert!(knobs.take_drop(Operation::ChangeResourceRecordSets));
        assert!(!knobs.take_drop(Operation::ChangeResourceRecordSets));
    }
}
