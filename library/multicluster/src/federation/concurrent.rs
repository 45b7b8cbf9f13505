//! Several requests to one member at a time.

use futures::{StreamExt as _, stream};

/// Requests to one member at a time. An API server gives a client some tens of seats; a few keep it busy enough.
const REQUESTS: usize = 8;

/// Awaits all futures, some at a time, and returns what they return in the same order.
pub(super) async fn some_at_a_time<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    stream::iter(futures).buffered(REQUESTS).collect().await
}
