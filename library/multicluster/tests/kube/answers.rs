//! A client whose requests are answered by a function, and recorded.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::client::Body;
use multicluster::member::Member;
use multicluster_core::names::ClusterName;
use serde_json::Value;
use tower::service_fn;

/// A request as the server would see it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

pub(crate) type Reply = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// An answer with a JSON body.
pub(crate) fn json(status: u16, body: &Value) -> Reply {
    text(status, &body.to_string())
}

/// An answer with any body.
pub(crate) fn text(status: u16, body: &str) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body.to_owned())).boxed_unsync());
    *reply.status_mut() = StatusCode::from_u16(status).unwrap();
    reply
}

/// An answer whose body comes in pieces.
pub(crate) fn pieces(pieces: Vec<Vec<u8>>) -> Reply {
    let frames = pieces.into_iter().map(|piece| Ok(http_body::Frame::data(Bytes::from(piece))));
    Response::new(StreamBody::new(futures::stream::iter(frames)).boxed_unsync())
}

/// All that was asked so far.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Asked>>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<Asked> {
        self.0.lock().unwrap().clone()
    }

    /// The only request.
    pub(crate) fn only(&self) -> Asked {
        let all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all.into_iter().next().unwrap()
    }
}

/// A member that is answered by `answer`.
pub(crate) fn member(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (Member, Log) {
    let log = Log::default();
    let answer = Arc::new(answer);
    let recorded = log.clone();
    let service = service_fn(move |request: Request<Body>| {
        let (answer, recorded) = (Arc::clone(&answer), recorded.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await.unwrap();
            let header = |name| parts.headers.get(name).map_or("", |value| value.to_str().unwrap());
            let asked = Asked {
                method: parts.method.to_string(),
                path: parts.uri.path().to_owned(),
                query: parts.uri.query().unwrap_or("").to_owned(),
                content_type: header("content-type").to_owned(),
                body: if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() },
            };
            let reply = answer(&asked);
            recorded.0.lock().unwrap().push(asked);
            Ok::<_, tower::BoxError>(reply)
        }
    });
    (Member::new(ClusterName::new("aws").unwrap(), kube::Client::new(service, "default")), log)
}

/// A `Status` with a reason.
pub(crate) fn status(code: u16, reason: &str, message: &str, details: Value) -> Reply {
    let mut body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "code": code, "reason": reason, "message": message,
    });
    body["details"] = details;
    json(code, &body)
}
