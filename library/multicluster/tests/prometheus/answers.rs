//! What is asked, and what the answers are called.

use std::time::Duration;

use multicluster::prometheus::{Client, ErrorType, Query, QueryError, QueryRange, Settings, Warnings};
use multicluster_core::analysis::Value;
use rstest::rstest;

use crate::{
    ONE, client, clock,
    server::{Reply, Server},
};

#[tokio::test]
async fn a_question_is_a_form() {
    let server = Server::new(|_, _| ONE.reply()).await;
    let asking = client(&server, |settings| settings.dedup = Some(false));
    let mut query = Query::new("sum(rate(x{a=\"b&c\"}[1m]))");
    query.at = Some("2026-01-02T03:04:05.5Z".parse().unwrap());
    query.timeout = Some(Duration::from_secs(7));
    assert_eq!(asking.query(&query).await.unwrap().value, Value::Scalar(1.0));
    let asked = &server.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/api/v1/query"));
    assert_eq!(asked.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(
        asked.body,
        "query=sum%28rate%28x%7Ba%3D%22b%26c%22%7D%5B1m%5D%29%29&time=1767323045.500&timeout=7000ms\
         &partial_response=false&dedup=false"
    );
}

#[tokio::test]
async fn values_over_time() {
    let server = Server::new(|_, _| {
        let series = r#"[{"metric":{"pod":"a"},"values":[[1,"1"],[2,"NaN"]]},{"metric":{"pod":"b"},"values":[[1,"3"]]}]"#;
        Reply::json(200, format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":{series}}}}}"#))
    })
    .await;
    let (start, end) = ("2026-01-02T03:04:00Z".parse().unwrap(), "2026-01-02T03:05:00Z".parse().unwrap());
    let range = QueryRange { start, end, step: Duration::from_millis(1500) };
    let answer =
        client(&server, |_| {}).query(&Query { range: Some(range), ..Query::new("x") }).await.unwrap();
    assert_eq!(answer.value.to_string(), "[1, NaN, 3]");
    let asked = &server.asked()[0];
    assert_eq!(asked.path, "/api/v1/query_range");
    assert_eq!(
        asked.body,
        "query=x&start=1767323040.000&end=1767323100.000&step=1.5&timeout=30000ms&partial_response=false"
    );
}

const PARTIAL: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["store eu: connection refused"],"infos":["i"]}"#;

#[tokio::test]
async fn warnings_are_errors_unless_they_are_taken() {
    let server = Server::new(|_, _| Reply::json(200, PARTIAL)).await;
    let error = client(&server, |_| {}).query(&Query::new("x")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the metrics service warns, so that the values may be wrong: store eu: connection refused; `warnings = \
         \"ignore\"` takes them nevertheless"
    );
    let by_query = Query { warnings: Warnings::Ignore, ..Query::new("x") };
    let answer = client(&server, |_| {}).query(&by_query).await.unwrap();
    assert_eq!((answer.warnings.len(), answer.infos), (1, vec!["i".to_owned()]));
    let by_settings = client(&server, |settings| settings.warnings = Warnings::Ignore);
    assert_eq!(by_settings.query(&Query::new("x")).await.unwrap().warnings, ["store eu: connection refused"]);
}

#[rstest]
#[case::bad_data(400, "bad_data", ErrorType::BadData, true)]
#[case::execution(422, "execution", ErrorType::Execution, false)]
#[case::timeout(503, "timeout", ErrorType::Timeout, false)]
#[case::canceled(499, "canceled", ErrorType::Canceled, false)]
#[case::internal(500, "internal", ErrorType::Internal, false)]
#[case::unavailable(503, "unavailable", ErrorType::Unavailable, false)]
#[case::not_found(404, "not_found", ErrorType::NotFound, false)]
#[case::not_acceptable(406, "not_acceptable", ErrorType::NotAcceptable, false)]
#[case::of_mimir(429, "too_many_requests", ErrorType::Other("too_many_requests".to_owned()), false)]
#[case::with_status_200(200, "execution", ErrorType::Execution, false)]
#[tokio::test]
async fn refusals(
    #[case] status: u16,
    #[case] word: &'static str,
    #[case] kind: ErrorType,
    #[case] about_the_query: bool,
) {
    let server = Server::new(move |_, _| {
        let data = r#""data":{"resultType":"vector","result":[]}"#;
        Reply::json(status, format!(r#"{{"status":"error","errorType":"{word}","error":"so it is",{data}}}"#))
    })
    .await;
    let error = client(&server, |_| {}).query(&Query::new("x")).await.unwrap_err();
    assert_eq!(error, QueryError::Refused { kind, message: "so it is".to_owned() });
    assert_eq!(error.is_about_the_query(), about_the_query);
    // The one who measures counts errors.
    assert_eq!(server.asked().len(), 1);
}

const HTML: &str = "content-type: text/html; charset=utf-8\r\n";

#[rstest]
#[case::a_proxy(
    502,
    HTML,
    "<html>secret</html>",
    "HTTP 502 with text/html instead of an answer of Prometheus: the service is starting, or a proxy before it cannot reach it"
)]
#[case::starting(
    503,
    "content-type: text/plain\r\n",
    "Service Unavailable",
    "HTTP 503 with text/plain instead of an answer of Prometheus: Service Unavailable"
)]
#[case::a_login_page(
    200,
    HTML,
    "<html>",
    "HTTP 200 with text/html instead of an answer of Prometheus: a login page, or a page of the service itself, is at this address"
)]
#[case::another_path(
    404,
    HTML,
    "<html>",
    "HTTP 404 with text/html instead of an answer of Prometheus: the address may lack a path, such as `/prometheus`"
)]
#[case::a_clouds_words(
    400,
    "content-type: application/json\r\n",
    r#"{"message":"no such workspace"}"#,
    "HTTP 400 with application/json instead of an answer of Prometheus: no such workspace"
)]
#[case::nothing(
    200,
    "",
    "",
    "HTTP 200 with nothing instead of an answer of Prometheus: a login page, or a page of the service itself, is at this address"
)]
#[case::unauthorized(
    401,
    HTML,
    "<html>secret</html>",
    "the metrics service does not accept the credentials (401)"
)]
#[case::forbidden(
    403,
    "content-type: application/json\r\n",
    r#"{"Message":"Missing Authentication Token"}"#,
    "the metrics service does not accept the credentials (403): Missing Authentication Token"
)]
#[case::grafana(
    401,
    "content-type: application/json\r\n",
    r#"{"status":"error","error":"authentication error"}"#,
    "the metrics service does not accept the credentials (401): authentication error"
)]
#[case::another_json(
    200,
    "content-type: application/json\r\n",
    r#"{"status":"maybe"}"#,
    "the answer cannot be read: its `status` is neither `success` nor `error`"
)]
#[case::to_a_login(
    302,
    "location: https://login.example.com/oauth?state=secret\r\n",
    "",
    "the metrics service redirects to `https://login.example.com`: give the address that it redirects to"
)]
#[case::within(
    301,
    "location: /graph\r\n",
    "",
    "the metrics service redirects to another path of the same host: give the address that it redirects to"
)]
#[tokio::test]
async fn what_is_no_answer(
    #[case] status: u16,
    #[case] headers: &'static str,
    #[case] body: &'static str,
    #[case] expected: &str,
) {
    let server = Server::new(move |_, _| Reply::Answer(status, headers, body.to_owned())).await;
    let error = client(&server, |_| {}).query(&Query::new("x")).await.unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_long_answer_is_given_up() {
    let server = Server::new(|_, _| Reply::json(200, "x".repeat((16 << 20) + 1))).await;
    let error = client(&server, |_| {}).query(&Query::new("x")).await.unwrap_err();
    assert_eq!(error, QueryError::TooLong { limit: 16 << 20 });
    assert!(error.to_string().starts_with("the answer is longer than 16 MiB: "), "{error}");
}

#[tokio::test]
async fn a_long_error_is_still_one() {
    let server = Server::new(|_, _| Reply::Answer(502, HTML, "x".repeat(1 << 20))).await;
    let error = client(&server, |_| {}).query(&Query::new("x")).await.unwrap_err();
    assert!(matches!(error, QueryError::NotPrometheus { status: 502, .. }), "{error}");
}

#[tokio::test]
async fn silence_ends() {
    let server = Server::new(|_, _| Reply::Nothing).await;
    let query = Query { timeout: Some(Duration::from_millis(50)), ..Query::new("x") };
    let error = client(&server, |_| {}).query(&query).await.unwrap_err();
    assert_eq!(error.to_string(), "the metrics service did not answer within 0.05 s");
    // It was asked, though.
    server.wait_for(1).await;
}

#[tokio::test]
async fn nobody_listens() {
    let url = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let error =
        Client::new(&Settings::new(&url, clock())).unwrap().query(&Query::new("x")).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("the metrics service does not answer: Connection refused"), "{text}");
    assert!(!text.contains("127.0.0.1"), "{text}");
}

#[tokio::test]
async fn a_broken_connection_is_no_answer() {
    let server = Server::new(|_, _| Reply::HangUp).await;
    let error = client(&server, |_| {}).query(&Query::new("x")).await.unwrap_err();
    assert!(matches!(error, QueryError::NoAnswer { .. }), "{error}");
}

#[tokio::test]
async fn a_redirect_within_the_host_keeps_the_question() {
    let server = Server::new(|_, asked| match asked.path.as_str() {
        "/api/v1/query" => Reply::Answer(308, "location: /prometheus/api/v1/query\r\n", String::new()),
        _ => ONE.reply(),
    })
    .await;
    client(&server, |_| {}).query(&Query::new("x")).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[1].path, "/prometheus/api/v1/query");
    assert_eq!(asked[1].body, asked[0].body);
}

#[tokio::test]
async fn credentials_do_not_follow_to_another_host() {
    let other = Server::new(|_, _| ONE.reply()).await;
    let location: &'static str = Box::leak(format!("location: {}/api/v1/query\r\n", other.url()).into());
    let server = Server::new(move |_, _| Reply::Answer(307, location, String::new())).await;
    let error =
        client(&server, |settings| settings.tenant = Some("shop".into())).query(&Query::new("x")).await;
    assert!(matches!(error, Err(QueryError::Redirected { .. })), "{error:?}");
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn a_service_is_found() {
    let server = Server::new(|_, asked| match asked.path.as_str() {
        "/api/v1/status/buildinfo" => {
            Reply::json(200, r#"{"status":"success","data":{"version":"3.7.1","revision":"x"}}"#)
        }
        _ => ONE.reply(),
    })
    .await;
    let found = client(&server, |_| {}).probe().await.unwrap();
    assert_eq!(found.version.as_deref(), Some("3.7.1"));
    assert!(server.asked()[0].body.starts_with("query=vector%281%29&"));
    assert_eq!(server.asked()[1].method, "GET");
}

#[tokio::test]
async fn a_service_need_not_tell_its_version() {
    let server = Server::new(|_, asked| match asked.path.as_str() {
        "/api/v1/status/buildinfo" => Reply::Answer(404, HTML, "<html>".to_owned()),
        _ => ONE.reply(),
    })
    .await;
    assert_eq!(client(&server, |_| {}).probe().await.unwrap().version, None);
    let nobody = Server::new(|_, _| Reply::Answer(503, HTML, String::new())).await;
    assert!(client(&nobody, |_| {}).probe().await.is_err());
}
