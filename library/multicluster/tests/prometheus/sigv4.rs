//! AWS's signature, verified as the service verifies it: from the request as it came, by code of the test's own.

use hmac::{Hmac, KeyInit as _, Mac as _};
use multicluster::prometheus::{AccessKeys, Auth, Query, QueryError, Settings, SigV4};
use sha2::{Digest as _, Sha256};

use crate::{
    ONE, client,
    server::{Asked, Reply, Server},
};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The signature that a request must have, by its own headers and the scope that it names.
fn signature(asked: &Asked, signed: &str, scope: &str) -> String {
    let headers: String =
        signed.split(';').map(|name| format!("{name}:{}\n", asked.header(name).trim())).collect();
    let body = hex(&Sha256::digest(asked.body.as_bytes()));
    let canonical = format!("{}\n{}\n\n{headers}\n{signed}\n{body}", asked.method, asked.path);
    let time = asked.header("x-amz-date");
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let key = scope.split('/').fold(format!("AWS4{SECRET}").into_bytes(), |key, part| hmac(&key, part));
    hex(&hmac(&key, &to_sign))
}

fn keys(settings: &mut Settings, region: Option<&str>) {
    let keys = AccessKeys {
        access_key: "AKIDEXAMPLE".into(),
        secret_key: SECRET.into(),
        token: Some("session-token".into()),
    };
    let region = region.map(str::to_owned);
    settings.auth = Auth::SigV4(SigV4 { region, keys: Some(keys), ..SigV4::default() });
}

#[tokio::test]
async fn a_request_is_signed() {
    let server = Server::new(|_, _| ONE.reply()).await;
    let asking = client(&server, |settings| {
        settings.url = format!("{}/workspaces/ws-1/api/v1/query", server.url()).into();
        keys(settings, Some("eu-west-1"));
    });
    asking.query(&Query::new("sum(up)")).await.unwrap();
    let asked = &server.asked()[0];
    assert_eq!(asked.path, "/workspaces/ws-1/api/v1/query");
    assert_eq!(asked.header("x-amz-date"), "20260102T030405Z");
    assert_eq!(asked.header("x-amz-security-token"), "session-token");
    let authorization = asked.header("authorization");
    let scope = "20260102/eu-west-1/aps/aws4_request";
    let rest = authorization
        .strip_prefix(&format!("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders="));
    let (signed, found) = rest.unwrap().split_once(", Signature=").unwrap();
    for name in ["host", "content-type", "x-amz-date", "x-amz-security-token"] {
        assert!(signed.split(';').any(|it| it == name), "{signed}");
    }
    assert_eq!(found, signature(asked, signed, scope));
}

#[tokio::test]
async fn a_signed_request_is_not_sent_elsewhere() {
    let server = Server::new(|_, _| Reply::Answer(308, "location: /other\r\n", String::new())).await;
    let asking = client(&server, |settings| keys(settings, Some("eu-west-1")));
    let error = asking.query(&Query::new("x")).await.unwrap_err();
    assert!(matches!(error, QueryError::Redirected { .. }), "{error}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_profile_that_is_not_there() {
    let server = Server::new(|_, _| ONE.reply()).await;
    let asking = client(&server, |settings| {
        let sigv4 = SigV4 {
            region: Some("eu-west-1".into()),
            profile: Some("a-profile-that-nobody-has".into()),
            ..SigV4::default()
        };
        settings.auth = Auth::SigV4(sigv4);
    });
    let error = asking.query(&Query::new("x")).await.unwrap_err().to_string();
    let begin = "there are no AWS credentials for the metrics service: profile `a-profile-that-nobody-has`: ";
    assert!(error.starts_with(begin) && error.len() > begin.len(), "{error}");
    assert!(server.asked().is_empty());
}
