//! What every response has, and what requests must have.

use crate::world::{World, http};

#[tokio::test]
async fn errors_have_the_shape_of_the_service() {
    let world = World::new().await;
    let response = world.raw("GET", "/2013-04-01/hostedzone/ZNONE", "").await;
    assert_eq!(response.status, 404);
    assert!(response.head.contains("content-type: text/xml"));
    let id = response.head.lines().find_map(|line| line.strip_prefix("x-amzn-requestid: ")).unwrap();
    assert!(response.body.contains(
        "<ErrorResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Error><Type>Sender</Type>\
         <Code>NoSuchHostedZone</Code><Message>No hosted zone found with ID: ZNONE</Message></Error>"
    ));
    assert!(response.body.contains(&format!("<RequestId>{id}</RequestId>")));
}

#[tokio::test]
async fn requests_are_signed_in_form() {
    let world = World::new().await;
    let response = http(&world.emulator.api_url, "GET", "/2013-04-01/hostedzone", &[], "").await.unwrap();
    assert_eq!(response.status, 403);
    assert!(response.body.contains("MissingAuthenticationToken"));
    let headers = [("authorization", "AWS4-HMAC-SHA256 Credential=a/20260102/us-east-1/s3/aws4_request")];
    let response =
        http(&world.emulator.api_url, "GET", "/2013-04-01/hostedzone", &headers, "").await.unwrap();
    assert!(response.body.contains("Credential should be scoped to correct service: 'route53'."));
}

#[tokio::test]
async fn operations_that_are_missing_are_named() {
    let world = World::new().await;
    let response = world.raw("POST", "/2013-04-01/trafficpolicy", "").await;
    assert_eq!(response.status, 501);
    assert!(response.body.contains("CreateTrafficPolicy is not implemented by this emulator"));
    let response = world.raw("GET", "/2013-04-01/nothing", "").await;
    assert_eq!(response.status, 404);
    assert!(response.body.contains("UnknownOperationException"));
}

#[tokio::test]
async fn ids_are_taken_with_their_prefix() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    for path in [
        format!("hostedzone/{zone}"),
        format!("hostedzone//hostedzone/{zone}"),
        format!("hostedzone/%2Fhostedzone%2F{zone}"),
    ] {
        assert_eq!(world.raw("GET", &format!("/2013-04-01/{path}"), "").await.status, 200, "{path}");
    }
}

#[rstest::rstest]
#[case::not_xml("nonsense", "Invalid XML")]
#[case::another_root("<Other/>", "Cannot find the declaration of element 'Other'")]
#[case::unknown_element(
    "<ChangeResourceRecordSetsRequest><ChangeBatch><Changes/><X/></ChangeBatch></ChangeResourceRecordSetsRequest>",
    "Invalid content was found starting with element 'X'"
)]
#[case::no_changes(
    "<ChangeResourceRecordSetsRequest><ChangeBatch><Changes/></ChangeBatch></ChangeResourceRecordSetsRequest>",
    "The content of element 'Changes' is not complete"
)]
#[case::no_type(
    "<ChangeResourceRecordSetsRequest><ChangeBatch><Changes><Change><Action>CREATE</Action><ResourceRecordSet>\
     <Name>a.example.com</Name></ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
    "The content of element 'ResourceRecordSet' is not complete"
)]
#[case::entities(
    "<!DOCTYPE x [<!ENTITY a \"b\">]><ChangeResourceRecordSetsRequest>&a;</ChangeResourceRecordSetsRequest>",
    "Invalid XML"
)]
#[tokio::test]
async fn bodies_that_the_schema_does_not_know_are_refused(#[case] body: &str, #[case] message: &str) {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    let response = world.raw("POST", &format!("/2013-04-01/hostedzone/{zone}/rrset/"), body).await;
    assert_eq!(response.status, 400);
    assert!(response.body.contains("<Code>InvalidInput</Code>"), "{}", response.body);
    assert!(response.body.contains(message), "{}", response.body);
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let world = World::new().await;
    let body = "x".repeat(9 << 20);
    // The connection may end while the body is still being sent.
    let response = post(&world.emulator.api_url, &body).await;
    assert!(response.is_none_or(|status| status == 413));
    world.zone("example.com").await;
}

/// The status of the response, if there is one.
async fn post(url: &str, body: &str) -> Option<u16> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    let head =
        format!("POST /2013-04-01/hostedzone HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.ok()?;
    let _ = stream.write_all(body.as_bytes()).await;
    let mut response = Vec::new();
    let mut buffer = [0; 1024];
    while !response.windows(4).any(|window| window == b"\r\n\r\n") {
        let length = stream.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
        response.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8_lossy(&response).split(' ').nth(1)?.parse().ok()
}
