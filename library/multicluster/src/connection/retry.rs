//! Which requests are sent again, and when.
//!
//! A request is repeated only when it had no effect, or when having it twice is the same as having it once. The
//! client library's own rule (15 times, up to 1000 s each) would hide a member's trouble for hours.

use std::time::Duration;

use http::{Method, Request, StatusCode, header::CONTENT_TYPE};

/// How often one request is repeated at most.
const REPETITIONS: u32 = 4;

/// The pause before a first repetition, doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause that a server's wish (`Retry-After`) is followed for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Whether a request may be carried out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Reads, server-side apply, and deletions (which carry the object's UID).
    Harmless,
    /// A second creation or replacement fails because of the first.
    OnlyIfUnseen,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With an answer, and the seconds that the server asks to wait.
    Answered { status: StatusCode, retry_after: Option<u64> },
    /// The connection was there and broke.
    Broken,
}

impl Ended {
    /// Whether the server did not take the credential.
    pub(super) fn is_unauthorized(self) -> bool {
        matches!(self, Self::Answered { status: StatusCode::UNAUTHORIZED, .. })
    }
}

pub(super) fn repeat<B>(request: &Request<B>) -> Repeat {
    let apply =
        request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/apply-patch+yaml");
    match *request.method() {
        Method::GET | Method::HEAD | Method::DELETE => Repeat::Harmless,
        Method::PATCH if apply => Repeat::Harmless,
        _ => Repeat::OnlyIfUnseen,
    }
}

/// How long to wait before the next attempt, or that there is none.
pub(super) fn pause(repeat: Repeat, repeated: u32, ended: Ended) -> Option<Duration> {
    let (again, wish) = match ended {
        // Refused for load before anything was done.
        Ended::Answered { status: StatusCode::TOO_MANY_REQUESTS, retry_after } => (true, retry_after),
        Ended::Answered {
            status: StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT,
            retry_after,
        } => (repeat == Repeat::Harmless, retry_after),
        Ended::Answered { .. } => (false, None),
        // Once: a server that closes idle connections is common, one that breaks each is down.
        Ended::Broken => (repeat == Repeat::Harmless && repeated == 0, None),
    };
    let own = FIRST_PAUSE.saturating_mul(1 << repeated.min(10));
    (again && repeated < REPETITIONS)
        .then(|| own.max(Duration::from_secs(wish.unwrap_or(0))).min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn answered(status: u16, retry_after: Option<u64>) -> Ended {
        Ended::Answered { status: StatusCode::from_u16(status).unwrap(), retry_after }
    }

    #[rstest]
    #[case::success(Repeat::Harmless, 0, answered(200, None), None)]
    #[case::refusal(Repeat::Harmless, 0, answered(403, None), None)]
    #[case::error(Repeat::Harmless, 0, answered(500, None), None)]
    #[case::load(Repeat::OnlyIfUnseen, 0, answered(429, None), Some(250))]
    #[case::load_with_a_wish(Repeat::OnlyIfUnseen, 0, answered(429, Some(1)), Some(1000))]
    #[case::an_absurd_wish(Repeat::Harmless, 0, answered(429, Some(u64::MAX)), Some(10_000))]
    #[case::unavailable(Repeat::Harmless, 1, answered(503, None), Some(500))]
    #[case::a_creation_may_have_happened(Repeat::OnlyIfUnseen, 0, answered(504, None), None)]
    #[case::enough(Repeat::Harmless, 4, answered(503, None), None)]
    #[case::broken(Repeat::Harmless, 0, Ended::Broken, Some(250))]
    #[case::broken_twice(Repeat::Harmless, 1, Ended::Broken, None)]
    #[case::a_broken_creation(Repeat::OnlyIfUnseen, 0, Ended::Broken, None)]
    fn pauses(
        #[case] repeat: Repeat,
        #[case] repeated: u32,
        #[case] ended: Ended,
        #[case] expected: Option<u64>,
    ) {
        assert_eq!(pause(repeat, repeated, ended), expected.map(Duration::from_millis));
    }

    #[test]
    fn all_repetitions_together_stay_below_a_minute() {
        let total: Duration =
            (0..100).map_while(|n| pause(Repeat::Harmless, n, answered(503, Some(9999)))).sum();
        assert!(total < Duration::from_secs(60));
    }

    #[rstest]
    #[case::read(Method::GET, "", Repeat::Harmless)]
    #[case::delete(Method::DELETE, "application/json", Repeat::Harmless)]
    #[case::apply(Method::PATCH, "application/apply-patch+yaml", Repeat::Harmless)]
    #[case::a_patch_that_tests(Method::PATCH, "application/json-patch+json", Repeat::OnlyIfUnseen)]
    #[case::create(Method::POST, "application/json", Repeat::OnlyIfUnseen)]
    #[case::replace(Method::PUT, "application/json", Repeat::OnlyIfUnseen)]
    fn requests(#[case] method: Method, #[case] content_type: &str, #[case] expected: Repeat) {
        let request = Request::builder().method(method).header(CONTENT_TYPE, content_type).body(()).unwrap();
        assert_eq!(repeat(&request), expected);
    }
}
