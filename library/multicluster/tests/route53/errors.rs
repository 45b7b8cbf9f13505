//! What becomes of answers that are no success, whatever they are.

use std::time::Duration;

use multicluster::{
    core::route53::Change,
    route53::{ApplyError, CallError, CallFailure, Client, Effect, Freshness, Run, Settings},
};
use proptest::{collection::vec, prelude::any, proptest, test_runner::Config};
use rstest::rstest;

use crate::{
    scripted::{Reply, Scripted},
    world::{a, batch, made, soon},
};

const EMPTY: &str = r#"<ListResourceRecordSetsResponse><ResourceRecordSets/><IsTruncated>false</IsTruncated><MaxItems>300</MaxItems></ListResourceRecordSetsResponse>"#;

fn refusal(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>q-1</RequestId></ErrorResponse>"
    )
}

async fn listed(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Result<(), CallError>, usize) {
    let server = Scripted::start(move |count, _| reply(count)).await;
    let result = server.zone().await.list(Freshness::Cached, &soon()).await;
    (result.map(drop), server.asked().len())
}

#[tokio::test]
async fn a_refusal_says_what_the_service_said() {
    let body = refusal(
        "AccessDenied",
        "User: arn:aws:iam::1:user/me is not authorized to perform: route53:ListResourceRecordSets",
    );
    let (result, asked) = listed(move |_| Reply::Answer(403, body.clone())).await;
    let error = result.unwrap_err();
    assert_eq!(error.code(), Some("AccessDenied"));
    assert_eq!(
        error.to_string(),
        "ListResourceRecordSets of `Z1` was refused: AccessDenied: User: arn:aws:iam::1:user/me is not authorized to \
         perform: route53:ListResourceRecordSets (request r-0)"
    );
    assert_eq!(asked, 1, "it would be refused again");
}

#[rstest]
#[case::throttled(refusal("Throttling", "Rate exceeded"), 400)]
#[case::unavailable(refusal("ServiceUnavailable", "try again"), 503)]
#[case::a_proxy("<html>bad gateway</html>".to_owned(), 502)]
#[tokio::test]
async fn what_passes_is_waited_for(#[case] body: String, #[case] status: u16) {
    let reply = move |count| {
        if count == 0 { Reply::Answer(status, body.clone()) } else { Reply::Answer(200, EMPTY.to_owned()) }
    };
    assert_eq!(listed(reply).await, (Ok(()), 2));
}

#[tokio::test]
async fn a_broken_connection_is_tried_again() {
    let reply = |count| if count < 2 { Reply::HangUp } else { Reply::Answer(200, EMPTY.to_owned()) };
    let (result, _) = listed(reply).await;
    assert_eq!(result, Ok(()));
}

#[tokio::test]
async fn endless_throttling_ends_with_the_time_allowed() {
    let server = Scripted::start(|_, _| Reply::Answer(400, refusal("Throttling", "Rate exceeded"))).await;
    let run = Run::within(Duration::from_millis(700));
    let error = server.zone().await.list(Freshness::Cached, &run).await.unwrap_err();
    assert_eq!(error.reason, CallFailure::Deadline { refused: Some("Throttling".to_owned()) });
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let server = Scripted::start(|_, _| Reply::Nothing).await;
    let settings = Settings { request_timeout: Duration::from_millis(100), ..server.settings() };
    let zone = Client::new(&settings).await.zone("Z1");
    let run = Run::within(Duration::from_secs(1));
    let error = zone.list(Freshness::Cached, &run).await.unwrap_err();
    assert!(matches!(error.reason, CallFailure::Deadline { .. }), "{error}");
    assert!(server.asked().len() > 1, "a read is tried again");
}

#[tokio::test]
async fn nobody_there_is_told_without_an_address_of_ours() {
    let settings = Scripted::start(|_, _| Reply::HangUp).await.settings();
    // The server ended with its handle.
    let run = Run::within(Duration::from_secs(20));
    let error = Client::new(&settings).await.zone("Z1").list(Freshness::Cached, &run).await.unwrap_err();
    assert!(matches!(&error.reason, CallFailure::NoAnswer { .. }), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[rstest]
#[case::signature(
    "SignatureDoesNotMatch",
    "The Canonical String should have been x-amz-security-token:session-hunter2"
)]
#[case::token("InvalidClientTokenId", "AKIAIOSFODNN7EXAMPLE is not known")]
#[tokio::test]
async fn no_error_holds_a_credential(#[case] code: &'static str, #[case] message: &'static str) {
    let (result, _) = listed(move |_| Reply::Answer(403, refusal(code, message))).await;
    let error = result.unwrap_err();
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("hunter2") && !text.contains("AKIA") && text.contains(code), "{text}");
    }
}

#[rstest]
#[case::as_an_error(refusal(
    "InvalidChangeBatch",
    "[RRSet of type CNAME is bad, Tried to create it [name='x.'] but no]"
))]
#[case::as_its_own_element(
    "<InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Messages><Message>RRSet of type CNAME is bad</Message>\
     <Message>Tried to create it [name='x.'] but no</Message></Messages><RequestId>q-1</RequestId></InvalidChangeBatch>".to_owned()
)]
#[tokio::test]
async fn all_that_is_wrong_with_a_batch_is_told(#[case] body: String) {
    let server = Scripted::start(move |_, _| Reply::Answer(400, body.clone())).await;
    let applied = server.zone().await.apply(&[made("app.x.com", "192.0.2.1")], &soon()).await;
    assert_eq!(applied.effects, [Effect::None]);
    let Some(ApplyError::Call(error)) = applied.error else { panic!("{:?}", applied.error) };
    assert_eq!(error.code(), Some("InvalidChangeBatch"));
    assert_eq!(error.messages(), ["RRSet of type CNAME is bad", "Tried to create it [name='x.'] but no"]);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_found_out_is_said_to_be_unknown() {
    // The write is not answered, and neither is what would tell.
    let script = |_: usize, line: &str| match line.starts_with("POST") {
        true => Reply::HangUp,
        false => Reply::Answer(403, refusal("AccessDenied", "no")),
    };
    let server = Scripted::start(script).await;
    let applied = server.zone().await.apply(&[made("app.x.com", "192.0.2.1")], &soon()).await;
    assert_eq!(applied.effects, [Effect::Unknown]);
    assert!(matches!(applied.error, Some(ApplyError::Unknown(_))), "{:?}", applied.error);
    let posts = server.asked().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 1, "what may have been done is not done again");
}

#[tokio::test]
async fn an_interruption_ends_what_has_not_begun() {
    let server = Scripted::start(|_, _| Reply::Answer(200, EMPTY.to_owned())).await;
    let zone = server.zone().await;
    let run = soon();
    run.cancelled.cancel();
    let applied = zone.apply(&[batch([Change::create(a("x.com", "192.0.2.1"))])], &run).await;
    assert_eq!(applied.effects, [Effect::None]);
    assert!(
        matches!(&applied.error, Some(ApplyError::Call(error)) if error.is_interruption()),
        "{applied:?}"
    );
    assert!(zone.list(Freshness::Cached, &run).await.unwrap_err().is_interruption());
    assert!(server.asked().is_empty());
}

proptest! {
    #![proptest_config(Config { cases: 40, ..Config::default() })]
    #[test]
    fn any_answer_is_understood_or_refused(body in vec(any::<u8>(), 0..200), status in 200_u16..405) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let text = String::from_utf8_lossy(&body).into_owned();
        runtime.block_on(async {
            let server = Scripted::start(move |_, _| Reply::Answer(status, text.clone())).await;
            let run = Run::within(Duration::from_millis(300));
            let _ = server.zone().await.list(Freshness::Cached, &run).await;
        });
    }
}

#[tokio::test]
async fn a_profile_that_is_not_there_is_not_replaced_by_anything_else() {
    let server = Scripted::start(|_, _| Reply::Answer(200, EMPTY.to_owned())).await;
    let profile = Some("no-such-profile".to_owned());
    let settings = Settings { credentials: None, profile, ..server.settings() };
    let error = Client::new(&settings).await.zone("Z1").list(Freshness::Cached, &soon()).await.unwrap_err();
    assert!(matches!(error.reason, CallFailure::NoCredentials { .. }), "{error}");
    assert!(error.to_string().contains("profile `no-such-profile`"), "{error}");
    assert!(server.asked().is_empty());
}
