//! Which requests are sent again, and when.
//!
//! What was refused before anything was done is repeated for as long as the caller has time. What may have been done
//! is repeated only where twice is the same as once; elsewhere the caller has to look what became of it.

use std::time::Duration;

/// How often a request is repeated whose fate is unknown.
const REPETITIONS: u32 = 4;

/// The pause before a first repetition, doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(400);

/// The longest pause. Route 53 counts requests by the second, and a change that is in the way takes seconds.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Whether a request may be carried out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Reads, and writes that have the same effect once or many times.
    Harmless,
    /// Any other write.
    OnlyIfUndone,
}

/// How an attempt ended without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Too many requests of the account: nothing was done, and others should wait too.
    Throttled,
    /// Another change of the zone is not done yet: nothing was done.
    PriorRequest,
    /// The service failed, or no answer came: something may have been done.
    Unknown,
    /// The service understood, and does not want to; or the request never left.
    Refused,
}

/// How long to wait before the next attempt, or that there is none. `chance` spreads those who were refused together.
pub(super) fn pause(repeat: Repeat, repeated: u32, ended: Ended, chance: u64) -> Option<Duration> {
    let again = match ended {
        Ended::Throttled | Ended::PriorRequest => true,
        Ended::Unknown => repeat == Repeat::Harmless && repeated < REPETITIONS,
        Ended::Refused => false,
    };
    let longest = FIRST_PAUSE.saturating_mul(1 << repeated.min(10)).min(LONGEST_PAUSE);
    let half = longest / 2;
    let half_ms = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
    again.then(|| half + Duration::from_millis(chance % half_ms.saturating_add(1)))
}

/// The codes by which Route 53 and what stands before it say that nothing was done for now.
pub(super) fn ended(code: Option<&str>, status: Option<u16>) -> Ended {
    match (code, status) {
        (Some("Throttling" | "ThrottlingException" | "ThrottledException" | "RequestLimitExceeded"), _)
        | (_, Some(429)) => Ended::Throttled,
        (Some("PriorRequestNotComplete"), _) => Ended::PriorRequest,
        (_, Some(500..)) | (None, None) => Ended::Unknown,
        _ => Ended::Refused,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::any, prop_assert, proptest};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::throttled(Some("Throttling"), Some(400), Ended::Throttled)]
    #[case::too_many(None, Some(429), Ended::Throttled)]
    #[case::prior(Some("PriorRequestNotComplete"), Some(400), Ended::PriorRequest)]
    #[case::invalid(Some("InvalidChangeBatch"), Some(400), Ended::Refused)]
    #[case::forbidden(Some("AccessDenied"), Some(403), Ended::Refused)]
    #[case::unavailable(Some("ServiceUnavailable"), Some(503), Ended::Unknown)]
    #[case::not_even_a_code(None, Some(502), Ended::Unknown)]
    #[case::no_answer(None, None, Ended::Unknown)]
    #[case::an_answer_that_says_nothing(None, Some(400), Ended::Refused)]
    fn endings(#[case] code: Option<&str>, #[case] status: Option<u16>, #[case] expected: Ended) {
        assert_eq!(ended(code, status), expected);
    }

    #[rstest]
    #[case::throttled(Repeat::OnlyIfUndone, 0, Ended::Throttled, Some(200))]
    #[case::throttled_for_long(Repeat::OnlyIfUndone, 1000, Ended::Throttled, Some(5000))]
    #[case::prior(Repeat::OnlyIfUndone, 2, Ended::PriorRequest, Some(800))]
    #[case::a_read_without_answer(Repeat::Harmless, 3, Ended::Unknown, Some(1600))]
    #[case::enough(Repeat::Harmless, 4, Ended::Unknown, None)]
    #[case::a_write_without_answer(Repeat::OnlyIfUndone, 0, Ended::Unknown, None)]
    #[case::refused(Repeat::Harmless, 0, Ended::Refused, None)]
    fn pauses(
        #[case] repeat: Repeat,
        #[case] repeated: u32,
        #[case] ended: Ended,
        #[case] expected: Option<u64>,
    ) {
        assert_eq!(pause(repeat, repeated, ended, 0), expected.map(Duration::from_millis));
    }

    proptest! {
        #[test]
        fn a_pause_is_never_none_at_all_nor_too_long(repeated in any::<u32>(), chance in any::<u64>()) {
            let pause = pause(Repeat::Harmless, repeated, Ended::Throttled, chance).unwrap();
            prop_assert!(pause >= FIRST_PAUSE / 2 && pause <= LONGEST_PAUSE);
        }
    }
}
