//! Running a credential helper.
//!
//! The helper never gets our standard input (inside a plugin it belongs to Terraform), is ended when it takes too
//! long or when nobody waits any more, and what it prints is never quoted: it is the credential.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use jiff::Timestamp;
use multicluster_core::object::text;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    time::timeout,
};

use super::{ConnectionError, CredentialError, ExecConfig};
use crate::member::cut;

/// How long a helper may take. Clouds' helpers ask the network and may refresh a login; none needs a minute.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How much of a helper's output is read.
const OUTPUT_LIMIT: u64 = 1 << 20;

const API_VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

/// How what a helper printed is read, by the `apiVersion` that was asked for.
type Parse = fn(&[u8], &str) -> Result<Issued, &'static str>;

/// A credential helper, ready to be run.
pub(crate) struct Helper {
    api_version: String,
    command: String,
    args: Vec<String>,
    env: BTreeMap<String, SecretString>,
    /// Told to the helper if the kubeconfig says so.
    pub(crate) cluster: Option<Value>,
    /// Told to the user if the helper is not installed.
    pub(crate) install_hint: Option<String>,
}

/// What a helper gave.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) secret: IssuedSecret,
    /// When another one is needed; without it this one is good until the server refuses it.
    pub(crate) expires: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) enum IssuedSecret {
    Token(SecretString),
    /// Both PEM.
    Certificate {
        certificate: String,
        key: SecretString,
    },
}

impl Helper {
    pub(crate) fn new(exec: &ExecConfig) -> Result<Self, ConnectionError> {
        if exec.command.trim().is_empty() {
            return Err(ConnectionError::field("exec.command", "is missing"));
        }
        if !API_VERSIONS.contains(&exec.api_version.as_str()) {
            return Err(ConnectionError::field(
                "exec.api_version",
                "must be `client.authentication.k8s.io/v1` or `client.authentication.k8s.io/v1beta1`",
            ));
        }
        Ok(Self {
            api_version: exec.api_version.clone(),
            command: exec.command.clone(),
            args: exec.args.clone(),
            env: exec.env.clone(),
            cluster: None,
            install_hint: None,
        })
    }

    /// Runs the helper once.
    pub(crate) async fn issue(&self) -> Result<Issued, CredentialError> {
        self.issue_as(parse).await
    }

    /// Runs the helper once. A bare token will do too, as the clouds' own commands print it; a certificate will not.
    #[cfg(feature = "prometheus")]
    pub(crate) async fn issue_token(&self) -> Result<Issued, CredentialError> {
        self.issue_as(parse_token).await
    }

    async fn issue_as(&self, parse: Parse) -> Result<Issued, CredentialError> {
        timeout(TIME_LIMIT, self.run(parse)).await.unwrap_or_else(|_| {
            Err(CredentialError::TooSlow { command: self.command.clone(), seconds: TIME_LIMIT.as_secs() })
        })
    }

    async fn run(&self, parse: Parse) -> Result<Issued, CredentialError> {
        let mut child = self.process().spawn().map_err(|error| self.not_started(&error))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // All at once: a helper whose one pipe is full waits for a reader.
        let (stdout, stderr, status) = tokio::join!(read(stdout), read(stderr), child.wait());
        let status = status.map_err(|error| self.not_started(&error))?;
        if !status.success() {
            return Err(CredentialError::Failed {
                command: self.command.clone(),
                status: status.to_string(),
                stderr: redact(&String::from_utf8_lossy(&stderr)),
            });
        }
        parse(&stdout, &self.api_version)
            .map_err(|problem| CredentialError::NoCredential { command: self.command.clone(), problem })
    }

    fn process(&self) -> Command {
        let mut spec = json!({ "interactive": false });
        if let Some(cluster) = &self.cluster {
            spec["cluster"] = cluster.clone();
        }
        let request = json!({ "apiVersion": self.api_version, "kind": "ExecCredential", "spec": spec });
        let mut process = Command::new(&self.command);
        process
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value.expose_secret())))
            .env("KUBERNETES_EXEC_INFO", request.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        process
    }

    fn not_started(&self, error: &std::io::Error) -> CredentialError {
        let hint = self.install_hint.as_deref().map(cut).filter(|hint| !hint.is_empty());
        let hint = hint.map_or_else(String::new, |hint| format!(" ({hint})"));
        CredentialError::NotStarted { command: self.command.clone(), reason: format!("{error}{hint}") }
    }
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // An error is the end of what can be read; whether it was enough shows in the parsing.
        let _ = (&mut pipe).take(OUTPUT_LIMIT).read_to_end(&mut bytes).await;
        // The rest is read too and thrown away: otherwise a helper that says too much would never end.
        let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    bytes
}

/// Reads an `ExecCredential`.
fn parse(output: &[u8], api_version: &str) -> Result<Issued, &'static str> {
    let output: Value = serde_json::from_slice(output).map_err(|_| "it is not JSON")?;
    if text(&output, "/kind") != "ExecCredential" {
        return Err("it is not an ExecCredential");
    }
    if text(&output, "/apiVersion") != api_version {
        return Err("it is of another `apiVersion` than the one configured");
    }
    let expires = match output.pointer("/status/expirationTimestamp") {
        None | Some(Value::Null) => None,
        Some(time) => {
            let time = time.as_str().and_then(|time| time.parse().ok());
            Some(time.ok_or("its `expirationTimestamp` is not a time")?)
        }
    };
    let token = text(&output, "/status/token").trim();
    let certificate = text(&output, "/status/clientCertificateData");
    let key = text(&output, "/status/clientKeyData");
    let secret = if !certificate.is_empty() && !key.is_empty() {
        IssuedSecret::Certificate { certificate: certificate.to_owned(), key: SecretString::from(key) }
    } else if token.is_empty() {
        return Err("it holds neither a token nor a certificate with its key");
    } else if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("its token holds characters that no token holds");
    } else {
        IssuedSecret::Token(SecretString::from(token))
    };
    Ok(Issued { secret, expires })
}

/// Reads a token, alone or in an `ExecCredential`.
#[cfg(feature = "prometheus")]
fn parse_token(output: &[u8], api_version: &str) -> Result<Issued, &'static str> {
    let bare = std::str::from_utf8(output).map_err(|_| "it is not text")?.trim();
    if bare.starts_with('{') {
        let issued = parse(output, api_version)?;
        return match issued.secret {
            IssuedSecret::Token(_) => Ok(issued),
            IssuedSecret::Certificate { .. } => Err("it is a certificate, and a token is needed"),
        };
    }
    if bare.is_empty() {
        return Err("it is empty");
    }
    if !bare.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it is neither a token nor an ExecCredential");
    }
    Ok(Issued { secret: IssuedSecret::Token(SecretString::from(bare)), expires: None })
}

/// What a helper complained about, without what looks like a secret: any run of 32 or more characters of the
/// alphabets that tokens and keys are written in.
fn redact(stderr: &str) -> String {
    const SECRET_LENGTH: usize = 32;
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/' | '=' | '.');
    let mut shown = String::new();
    let mut run = String::new();
    for c in stderr.chars().chain(['\n']) {
        if is_token(c) {
            run.push(c);
            continue;
        }
        shown.push_str(if run.len() < SECRET_LENGTH { &run } else { "[redacted]" });
        run.clear();
        shown.push(c);
    }
    let shown = cut(&shown);
    if shown.is_empty() { "it said nothing".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, proptest};
    use rstest::rstest;

    use super::*;

    const V1: &str = "client.authentication.k8s.io/v1";

    #[rstest]
    #[case::not_json("token: secret", "it is not JSON")]
    #[case::something_else(r#"{"kind":"Secret"}"#, "it is not an ExecCredential")]
    #[case::older(
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1alpha1","status":{"token":"t"}}"#,
        "it is of another `apiVersion` than the one configured"
    )]
    #[case::no_status(
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"}"#,
        "it holds neither a token nor a certificate with its key"
    )]
    #[case::certificate_without_key(
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"clientCertificateData":"c"}}"#,
        "it holds neither a token nor a certificate with its key"
    )]
    #[case::bad_time(
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t","expirationTimestamp":"soon"}}"#,
        "its `expirationTimestamp` is not a time"
    )]
    #[case::header_injection(
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"a\r\nb"}}"#,
        "its token holds characters that no token holds"
    )]
    fn what_is_no_credential(#[case] output: &str, #[case] problem: &str) {
        assert_eq!(parse(output.as_bytes(), V1).unwrap_err(), problem);
    }

    #[cfg(feature = "prometheus")]
    #[rstest]
    #[case::bare("ya29.token\n", Ok("ya29.token"))]
    #[case::credential(
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}}"#,
        Ok("t")
    )]
    #[case::certificate(
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"clientCertificateData":"c","clientKeyData":"k"}}"#,
        Err("it is a certificate, and a token is needed")
    )]
    #[case::silence(" \n", Err("it is empty"))]
    #[case::words("not logged in", Err("it is neither a token nor an ExecCredential"))]
    #[case::two_lines("a\r\nX-Header: b", Err("it is neither a token nor an ExecCredential"))]
    fn tokens(#[case] output: &str, #[case] expected: Result<&str, &'static str>) {
        let issued = parse_token(output.as_bytes(), V1);
        let token = issued.as_ref().map(|issued| match &issued.secret {
            IssuedSecret::Token(token) => token.expose_secret(),
            IssuedSecret::Certificate { .. } => "a certificate",
        });
        assert_eq!(token.map_err(|problem| *problem), expected);
    }

    #[test]
    fn a_token_with_its_end() {
        let output = format!(
            r#"{{"kind":"ExecCredential","apiVersion":"{V1}","status":{{"token":"t","expirationTimestamp":"2026-01-02T03:04:05Z"}}}}"#
        );
        let issued = parse(output.as_bytes(), V1).unwrap();
        assert_eq!(issued.expires, Some("2026-01-02T03:04:05Z".parse().unwrap()));
        assert!(matches!(issued.secret, IssuedSecret::Token(token) if token.expose_secret() == "t"));
    }

    #[rstest]
    #[case::words("could not find profile x", "could not find profile x")]
    #[case::token("token: k8s-aws-v1.aHR0cHM6Ly9zdHMuZXUtd2VzdA rejected", "token: [redacted] rejected")]
    #[case::at_the_end("AKIAIOSFODNN7EXAMPLE/wJalrXUtnFEMI", "[redacted]")]
    #[case::silence("", "it said nothing")]
    fn complaints(#[case] stderr: &str, #[case] shown: &str) {
        assert_eq!(redact(stderr), shown);
    }

    proptest! {
        #[test]
        fn any_output_is_read_without_panic(output in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = parse(&output, V1);
        }

        #[test]
        fn a_long_token_is_never_shown(before in "[ a-z:]{0,50}", token in "[A-Za-z0-9_.-]{32,200}") {
            let shown = redact(&format!("{before} {token}"));
            prop_assert!(!shown.contains(&token));
        }
    }
}
