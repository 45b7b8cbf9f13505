//! One request and its answer.

use http::{Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use serde_json::Value;

use super::{Member, MemberError, refusal::Quoting};

/// The largest answer that is read. A page of 500 of the largest objects that etcd takes would not fit, and no real
/// one comes near it; without a limit a broken or hostile endpoint could fill the memory.
const ANSWER_LIMIT: usize = 128 << 20;

/// What is sent with a request.
#[derive(Clone, Copy)]
pub(super) enum Payload<'a> {
    None,
    Json(&'a Value),
    /// An RFC 6902 patch.
    Patch(&'a Value),
    /// Server-side apply. JSON is a subset of the YAML that the server expects.
    Apply(&'a Value),
}

impl Member {
    /// Sends one request and reads its answer as JSON. An answer that breaks off is asked for again, once, where that
    /// does no harm: the transport below repeats only what breaks before its answer begins.
    pub(super) async fn call(
        &self,
        method: Method,
        path_and_query: &str,
        payload: Payload<'_>,
        quoting: Quoting,
    ) -> Result<Value, MemberError> {
        let harmless = matches!(method, Method::GET | Method::DELETE) || matches!(payload, Payload::Apply(_));
        let again = request(method.clone(), path_and_query, payload)?;
        let answer = match self.attempt(request(method, path_and_query, payload)?, quoting).await? {
            Err(_) if harmless => self.exchange(again, quoting).await?,
            answer => answer.map_err(|broken| MemberError::from_transport(&broken))?,
        };
        Ok(answer.into_body())
    }

    /// The same for a request with headers of its own, or where the answer's are needed.
    pub(super) async fn exchange(
        &self,
        request: Request<Body>,
        quoting: Quoting,
    ) -> Result<Response<Value>, MemberError> {
        self.attempt(request, quoting).await?.map_err(|broken| MemberError::from_transport(&broken))
    }

    /// The same; the inner error is that of an answer that began and broke off.
    async fn attempt(
        &self,
        request: Request<Body>,
        quoting: Quoting,
    ) -> Result<Result<Response<Value>, kube::Error>, MemberError> {
        let response =
            self.client.send(request).await.map_err(|error| MemberError::from_transport(&error))?;
        let (head, body) = response.into_parts();
        let bytes = match Limited::new(body, ANSWER_LIMIT).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                return Err(MemberError::other("the API server's answer is longer than 128 MiB"));
            }
            Err(error) => return Ok(Err(kube::Error::Service(error))),
        };
        if !head.status.is_success() {
            return Err(MemberError::from_answer(head.status, &bytes, quoting));
        }
        // The parser's own words may quote what it read.
        let body = serde_json::from_slice(&bytes).map_err(|_| {
            MemberError::other("what answers is not a Kubernetes API server: its answer is not JSON")
        })?;
        Ok(Ok(Response::from_parts(head, body)))
    }
}

/// Builds a request; the client adds the server's address and the credentials.
pub(super) fn request(
    method: Method,
    path_and_query: &str,
    payload: Payload<'_>,
) -> Result<Request<Body>, MemberError> {
    let builder = Request::builder().method(method).uri(path_and_query).header("accept", "application/json");
    let (content_type, body) = match payload {
        Payload::None => (None, Body::empty()),
        Payload::Json(value) => (Some("application/json"), Body::from(value.to_string().into_bytes())),
        Payload::Patch(value) => {
            (Some("application/json-patch+json"), Body::from(value.to_string().into_bytes()))
        }
        Payload::Apply(value) => {
            (Some("application/apply-patch+yaml"), Body::from(value.to_string().into_bytes()))
        }
    };
    let builder = match content_type {
        Some(content_type) => builder.header("content-type", content_type),
        None => builder,
    };
    builder.body(body).map_err(|_| MemberError::other("the object's name cannot be put into a path"))
}
