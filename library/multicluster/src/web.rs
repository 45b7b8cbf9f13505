//! What requests to foreign services have in common: bounded answers, and failures in words that hold no secret.

mod scrub;

use std::error::Error;

pub(crate) use self::scrub::Scrub;

/// How an answer's body could not be read.
pub(crate) enum BodyError {
    /// It is longer than the limit.
    TooLong,
    /// It broke off.
    Broken(reqwest::Error),
}

/// Reads a body up to a limit.
pub(crate) async fn body(mut response: reqwest::Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Broken)? {
        if bytes.len() + chunk.len() > limit {
            return Err(BodyError::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Why a request failed, by the innermost cause. The address is left out: it can be a secret.
pub(crate) fn reason(error: reqwest::Error, scrub: &Scrub) -> String {
    scrub.line(&innermost(&error.without_url()))
}

/// The last error of a chain, which is the one that says what is wrong.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

/// What a response says its body is: `text/html`, without parameters.
pub(crate) fn content_type(response: &reqwest::Response) -> String {
    let value = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    let kind = value.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    kind.chars().filter(|c| !c.is_control()).take(60).collect::<String>().to_ascii_lowercase()
}

/// Whether a host is this machine, so that nobody listens in between.
pub(crate) fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]" | "::1")
}
