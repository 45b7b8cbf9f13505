//! Waiting for a condition with a deadline.

use std::time::Duration;

use anyhow::bail;
use tokio::time::Instant;

/// How often a condition is looked at. Short, because a lab is started often; an API server on loopback answers
/// within a few milliseconds.
const INTERVAL: Duration = Duration::from_millis(50);

/// Calls `look` until it returns a value, and returns that.
///
/// An error is taken as "not yet": what is waited for is often a server that does not answer at first.
///
/// # Errors
/// After `limit`, with `what` and the last error.
///
/// # Cancel safety
/// May be dropped whenever `look` may.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        let problem = match tokio::time::timeout_at(deadline, look()).await {
            Ok(Ok(Some(value))) => return Ok(value),
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some(anyhow::anyhow!("no answer")),
        };
        if Instant::now() >= deadline {
            let message = format!("waited {} s in vain until {what}", limit.as_secs());
            match problem {
                Some(error) => return Err(error.context(message)),
                None => bail!(message),
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tells_what_was_waited_for_and_what_stood_against_it() {
        let error = until("it is ready", Duration::from_secs(2), async || -> anyhow::Result<Option<()>> {
            bail!("connection refused")
        })
        .await
        .unwrap_err();
        assert_eq!(format!("{error:#}"), "waited 2 s in vain until it is ready: connection refused");
    }

    #[tokio::test(start_paused = true)]
    async fn errors_at_first_do_not_matter() {
        let mut calls = 0;
        let value = until("it counts to three", Duration::from_secs(2), async || {
            calls += 1;
            anyhow::ensure!(calls > 1, "not yet");
            Ok((calls == 3).then_some(calls))
        })
        .await
        .unwrap();
        assert_eq!(value, 3);
    }
}
