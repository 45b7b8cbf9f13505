//! One request: its turn, its time, and its repetitions.

use std::{error::Error, time::Duration};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_route53::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};
use tokio::time::{sleep, timeout};

use super::{
    Run,
    client::{Client, Shared},
    error::{CallError, CallFailure},
    messages::{batch_problems, cut, sentences, without_credentials},
    retry::{self, Ended, Repeat},
    run::Stop,
};

/// What a request is, for messages and counts.
#[derive(Clone, Copy)]
pub(super) struct Operation<'a> {
    pub(super) name: &'static str,
    pub(super) subject: Option<&'a str>,
    pub(super) repeat: Repeat,
}

impl<'a> Operation<'a> {
    /// A request that may be carried out twice.
    pub(super) fn harmless(name: &'static str, subject: &'a str) -> Self {
        Self { name, subject: Some(subject), repeat: Repeat::Harmless }
    }

    /// A write that may be carried out once.
    pub(super) fn once(name: &'static str, subject: &'a str) -> Self {
        Self { name, subject: Some(subject), repeat: Repeat::OnlyIfUndone }
    }

    /// A request about no one thing.
    pub(super) fn general(name: &'static str) -> Self {
        Self { name, subject: None, repeat: Repeat::Harmless }
    }

    pub(super) fn error(&self, reason: CallFailure) -> CallError {
        CallError { operation: self.name, subject: self.subject.map(str::to_owned), reason }
    }

    pub(super) fn unintelligible(&self, problem: &'static str) -> CallError {
        self.error(CallFailure::Unintelligible { problem })
    }
}

impl Client {
    /// Sends what `send` makes until it is answered or the run ends.
    ///
    /// # Cancel safety
    /// When the future is dropped, a request that was on its way may or may not have its effect.
    pub(super) async fn call<T, E, F>(
        &self,
        operation: Operation<'_>,
        run: &Run,
        mut send: impl FnMut(&aws_sdk_route53::Client) -> F,
    ) -> Result<T, CallError>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    {
        let shared: &Shared = &self.0;
        let mut waiting_for = None;
        for repeated in 0.. {
            let stopped = |stop| operation.error(stopped(stop, waiting_for.clone()));
            run.during(shared.pacer.turn()).await.map_err(stopped)?;
            shared.count(operation.name);
            // Not interrupted: what becomes of it must be known.
            let answer = timeout(shared.request_timeout, send(&shared.sdk)).await;
            let (ended, failure) = match answer {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => understood(&error, &shared.source),
                Err(_) => (Ended::Unknown, silence(shared.request_timeout)),
            };
            let Some(pause) = retry::pause(operation.repeat, repeated, ended, chance()) else {
                return Err(operation.error(failure));
            };
            tracing::debug!(operation = operation.name, ?ended, ?pause, "request is sent again");
            if ended == Ended::Throttled {
                shared.pacer.pause_for(pause);
            }
            waiting_for = match failure {
                CallFailure::Refused { code, .. } => Some(code),
                _ => waiting_for,
            };
            let stopped = |stop| operation.error(self::stopped(stop, waiting_for.clone()));
            run.during(sleep(pause)).await.map_err(stopped)?;
        }
        Err(operation.error(CallFailure::Deadline { refused: waiting_for }))
    }
}

/// What spreads those who were refused together. No secret hangs on it.
fn chance() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().1
}

fn stopped(stop: Stop, refused: Option<String>) -> CallFailure {
    match stop {
        Stop::Cancelled => CallFailure::Cancelled,
        Stop::Deadline => CallFailure::Deadline { refused },
    }
}

fn silence(limit: Duration) -> CallFailure {
    CallFailure::NoAnswer { reason: format!("nothing within {} s", limit.as_secs_f32()) }
}

/// How an attempt ended, and what to say of it.
fn understood<E>(error: &SdkError<E, HttpResponse>, source: &str) -> (Ended, CallFailure)
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let body = error.raw_response().and_then(|response| response.body().bytes());
    if let Some(messages) = body.and_then(|body| batch_problems(std::str::from_utf8(body).ok()?)) {
        let request_id = error.request_id().map(cut);
        return (
            Ended::Refused,
            CallFailure::Refused { code: "InvalidChangeBatch".to_owned(), messages, request_id },
        );
    }
    match error {
        SdkError::ServiceError(_) => {
            let code = error.code();
            let ended = retry::ended(code, status);
            let code = code.map_or_else(|| format!("HTTP {}", status.unwrap_or(0)), cut);
            let message = without_credentials(&code, error.message().unwrap_or_default());
            if ended == Ended::Unknown {
                return (ended, CallFailure::NoAnswer { reason: cut(&format!("{code}: {message}")) });
            }
            let messages = sentences(&message);
            let request_id = error.request_id().map(cut);
            (ended, CallFailure::Refused { code, messages, request_id })
        }
        SdkError::ResponseError(_) => (
            retry::ended(None, status),
            CallFailure::NoAnswer { reason: format!("HTTP {}: {}", status.unwrap_or(0), innermost(error)) },
        ),
        _ if is_about_credentials(error) => {
            (Ended::Refused, CallFailure::NoCredentials { reason: credentials_reason(source, error) })
        }
        SdkError::ConstructionFailure(_) => (
            Ended::Refused,
            CallFailure::Refused {
                code: "not sent".to_owned(),
                messages: vec![innermost(error)],
                request_id: None,
            },
        ),
        _ => (Ended::Unknown, CallFailure::NoAnswer { reason: innermost(error) }),
    }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        error.source()
    })
}

fn is_about_credentials(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(<dyn Error>::is::<CredentialsError>)
}

/// What is said of credentials: by the first error about them and all below it, since the last alone may be about
/// whatever was tried last.
fn credentials_reason(source: &str, error: &(dyn Error + 'static)) -> String {
    let about = chain(error).skip_while(|cause| !cause.is::<CredentialsError>());
    let mut texts: Vec<String> = about.map(ToString::to_string).collect();
    texts.dedup();
    cut(&without_credentials("", &format!("{source}: {}", texts.join(": "))))
}

/// The last error of a chain, which is the one that says what is wrong.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let last = chain(error).last().unwrap_or(error);
    cut(&without_credentials("", &last.to_string()))
}
