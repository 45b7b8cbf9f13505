//! Several requests to one member at a time.

use futures::{StreamExt as _, stream};

/// Requests to one member at a time. An API server gives a client some tens of seats; a few keep it busy enough.
const REQUESTS: usize = 8;

/// Awaits all futures, some at a time, and returns what they return in the same order.
///
/// One that takes long holds up none of the others: a server that throttles makes some wait and answers the rest.
pub(super) async fn some_at_a_time<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let numbered = futures.into_iter().enumerate().map(async |(place, future)| (place, future.await));
    let mut answers: Vec<(usize, T)> = stream::iter(numbered).buffer_unordered(REQUESTS).collect().await;
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
