//! Where metrics come from. Nothing here connects until a release measures.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use multicluster::connection::ExecConfig;
use multicluster::prometheus::{
    AccessKeys, AssumeRole, Auth, Client, ClientCertificate, Settings, SettingsError, SigV4, Warnings,
};
use secrecy::SecretString;
use tfplugin::schema::{Attribute, Nesting};
use tfplugin::{Diagnostics, Node, Type, duration, validators as checks};

use super::connection::{clock, pairs, texts};
use super::named::{self, Entries, Named};
use super::route53;
use crate::validators::sentence;

/// The metrics sources of the provider block.
#[derive(Debug)]
pub(crate) struct Metrics {
    entries: Entries<Settings>,
    /// One client per source: all who measure share its connections and tokens.
    clients: Mutex<BTreeMap<String, Client>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { entries: Entries::new("metrics"), clients: Mutex::default() }
    }
}

impl Metrics {
    /// Takes the `metrics` attribute.
    pub(crate) fn configure(&self, metrics: &Node<'_>) {
        self.entries.configure(metrics, settings);
    }

    /// The source of a name. Nothing is sent.
    pub(crate) fn source(&self, name: &str) -> Named<Client> {
        let settings = match self.entries.get(name) {
            Named::Known(settings) => settings,
            Named::Unknown => return Named::Unknown,
            Named::Missing(missing) => return Named::Missing(missing),
            Named::Invalid(problem) => return Named::Invalid(problem),
        };
        let Ok(mut clients) = self.clients.lock() else { return Named::Unknown };
        if let Some(client) = clients.get(name) {
            return Named::Known(client.clone());
        }
        match Client::new(&settings) {
            Ok(client) => {
                clients.insert(name.to_owned(), client.clone());
                Named::Known(client)
            }
            Err(error) => Named::Invalid(sentence(&error)),
        }
    }
}

/// A known entry. The schema's validators have checked that it is of one form.
fn settings(node: &Node<'_>) -> Settings {
    let text = |name: &str| node.attribute(name).str().map(str::to_owned);
    let secret = |name: &str| text(name).map(SecretString::from);
    let mut settings = Settings::new(text("prometheus").unwrap_or_default(), clock());
    settings.auth = auth(node);
    settings.client_certificate = text("client_certificate")
        .zip(secret("client_key"))
        .map(|(certificate, key)| ClientCertificate { certificate, key });
    settings.ca_certificate = text("ca_certificate");
    settings.tls_server_name = text("tls_server_name");
    settings.headers = pairs(&node.attribute("headers"));
    settings.tenant = text("tenant");
    if let Some(timeout) = timeout(node) {
        settings.timeout = timeout;
    }
    if node.attribute("warnings").str() == Some("ignore") {
        settings.warnings = Warnings::Ignore;
    }
    settings.partial_response = node.attribute("partial_response").bool().unwrap_or(false);
    settings.dedup = node.attribute("dedup").bool();
    settings
}

fn timeout(node: &Node<'_>) -> Option<Duration> {
    duration::parse(node.attribute("timeout").str()?).ok()
}

fn auth(node: &Node<'_>) -> Auth {
    let text = |node: &Node<'_>, name: &str| node.attribute(name).str().map(str::to_owned);
    let secret = |node: &Node<'_>, name: &str| text(node, name).map(SecretString::from);
    if let Some(token) = secret(node, "bearer_token") {
        return Auth::Bearer(token);
    }
    if let Some((username, password)) = text(node, "username").zip(secret(node, "password")) {
        return Auth::Basic { username, password };
    }
    let exec = node.attribute("exec");
    if let Some(command) = text(&exec, "command") {
        return Auth::Exec(ExecConfig {
            api_version: text(&exec, "api_version").unwrap_or_else(|| API_VERSION.to_owned()),
            command,
            args: texts(&exec.attribute("args")),
            env: pairs(&exec.attribute("env")),
        });
    }
    let sigv4 = node.attribute("sigv4");
    if sigv4.is_null() {
        return Auth::None;
    }
    let role = sigv4.attribute("assume_role");
    let keys = secret(&sigv4, "access_key").zip(secret(&sigv4, "secret_key"));
    Auth::SigV4(SigV4 {
        region: text(&sigv4, "region"),
        profile: text(&sigv4, "profile"),
        keys: keys.map(|(access_key, secret_key)| AccessKeys {
            access_key,
            secret_key,
            token: secret(&sigv4, "token"),
        }),
        assume_role: text(&role, "role_arn").map(|role_arn| AssumeRole {
            role_arn,
            session_name: text(&role, "session_name"),
            external_id: text(&role, "external_id"),
        }),
    })
}

/// What credential helpers are asked for by default.
const API_VERSION: &str = "client.authentication.k8s.io/v1";

/// The attribute `metrics` of the provider block.
pub(super) fn attribute() -> Attribute {
    Attribute::nested(
        Nesting::Map,
        "Metrics sources by a name of your choice: Prometheus, Thanos, Mimir and what speaks their API. At most one kind of \
         credentials each. Any value may be known only after apply.",
        [
            (
                "prometheus",
                Attribute::string(
                    "URL of the service: what stands before `/api/v1/query`, as \
                     `https://thanos.example.com` or `https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-…`.",
                )
                .required()
                .sensitive(),
            ),
            ("bearer_token", Attribute::string("Bearer token.").sensitive()),
            ("username", Attribute::string("User name; together with `password`.")),
            ("password", Attribute::string("Password.").sensitive()),
            ("sigv4", sigv4()),
            ("exec", exec()),
            (
                "client_certificate",
                Attribute::string("Client certificate, beside other credentials or alone: PEM, or base64 of PEM."),
            ),
            ("client_key", Attribute::string("Key of the client certificate: PEM, or base64 of PEM.").sensitive()),
            (
                "ca_certificate",
                Attribute::string("Certificate authority, instead of the system's: PEM, or base64 of PEM."),
            ),
            ("tls_server_name", Attribute::string("Name that the service's certificate must have, if not the host's.")),
            (
                "headers",
                Attribute::of(Type::map(Type::String), "Headers that are sent with every query.").sensitive(),
            ),
            ("tenant", Attribute::string("Tenant of Mimir or Cortex, sent as `X-Scope-OrgID`.")),
            (
                "timeout",
                Attribute::string("How long one answer may take. Default: `30s`.").validate(checks::positive_duration()),
            ),
            (
                "warnings",
                Attribute::string(
                    "`error`: an answer with warnings, as when a store did not answer, is none. `ignore`: it is taken. \
                     Default: `error`.",
                )
                .validate(checks::one_of(&["error", "ignore"])),
            ),
            (
                "partial_response",
                Attribute::bool("Lets Thanos answer without stores that are down; it then warns. Default: false."),
            ),
            ("dedup", Attribute::bool("Whether Thanos merges replicas. Default: what the service does.")),
        ],
    )
    .validate(named::names)
    .validate(forms)
}

fn sigv4() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "Signs queries as Amazon Managed Service for Prometheus asks for. What is absent comes from the usual places of AWS.",
        [
            ("region", Attribute::string("Region. Default: the one in the URL's host, then that of the environment.")),
            ("profile", Attribute::string("Profile in the shared configuration files.")),
            ("assume_role", route53::assume_role()),
            ("access_key", Attribute::string("Access key id; together with `secret_key`.")),
            ("secret_key", Attribute::string("Secret access key.").sensitive()),
            ("token", Attribute::string("Session token that belongs to the keys.").sensitive()),
        ],
    )
    .validate(route53::keys)
}

fn exec() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "A program that prints a bearer token, alone or as an `ExecCredential`: `gcloud auth print-access-token`, \
         `az account get-access-token --resource https://prometheus.monitor.azure.com --query accessToken --output tsv`.",
        [
            (
                "api_version",
                Attribute::string(
                    "The `ExecCredential` that is asked for: `client.authentication.k8s.io/v1` (default) or `…/v1beta1`.",
                ),
            ),
            ("command", Attribute::string("The program.").required()),
            ("args", Attribute::of(Type::list(Type::String), "Its arguments.")),
            ("env", Attribute::of(Type::map(Type::String), "Additional environment variables.").sensitive()),
        ],
    )
}

/// The ways to say who asks.
const CREDENTIALS: [&str; 4] = ["bearer_token", "username", "sigv4", "exec"];

/// Each entry says at most once who asks, and can be used as far as it is known.
fn forms(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    for (_, entry) in node.entries() {
        if entry.is_null() {
            diagnostics.error_at(entry.path(), "Missing metrics source", "The entry is null.");
            continue;
        }
        if entry.is_unknown() {
            continue;
        }
        let given = |name: &str| !entry.attribute(name).is_null();
        let mut conflict = false;
        for (one, other) in [("username", "password"), ("client_certificate", "client_key")] {
            if given(one) != given(other) {
                let detail = format!("`{one}` and `{other}` go together.");
                diagnostics.error_at(entry.path(), "Incomplete credentials", detail);
                conflict = true;
            }
        }
        let several: Vec<_> = CREDENTIALS.iter().filter(|name| given(name)).collect();
        if several.len() > 1 {
            let names: Vec<_> = several.iter().map(|name| format!("`{name}`")).collect();
            let detail = format!("Give the entry only one of {}.", names.join(", "));
            diagnostics.error_at(entry.path(), "Conflicting credentials", detail);
            conflict = true;
        }
        if !conflict && entry.is_wholly_known() {
            usable(&entry, diagnostics);
        }
    }
}

fn usable(entry: &Node<'_>, diagnostics: &mut Diagnostics) {
    let settings = settings(entry);
    if let Err(error) = Client::new(&settings) {
        let attribute = error.field.split(['.', '[']).next().unwrap_or_default();
        let SettingsError { problem, .. } = &error;
        diagnostics.error_at(
            entry.attribute(attribute).path(),
            "Invalid metrics source",
            sentence(&format!("`{}` {problem}", error.field)),
        );
        return;
    }
    let url = entry.attribute("prometheus");
    let plain = url.str().is_some_and(|url| url.trim_start().starts_with("http://") && !is_loopback(url));
    let secret = !matches!(settings.auth, Auth::None) || !settings.headers.is_empty();
    if plain && secret {
        diagnostics.warning_at(
            url.path(),
            "Credentials without TLS",
            "The URL begins with `http://`: whoever is on the way to the service can read the credentials.",
        );
    }
}

/// Whether a URL is that of a service on this machine, as through a port forwarding.
fn is_loopback(url: &str) -> bool {
    let host = url.trim().trim_start_matches("http://");
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
        host.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tfplugin::Value;

    use super::*;

    fn entry(attributes: &[(&str, &str)]) -> Value {
        Value::map(attributes.iter().map(|(name, value)| (*name, Value::from(*value))))
    }

    fn problems(entry: Value) -> Vec<(String, String)> {
        let value = Value::map([("main", entry)]);
        let mut diagnostics = Diagnostics::new();
        let node = Node::root(&value);
        named::names(&node, &mut diagnostics);
        forms(&node, &mut diagnostics);
        diagnostics
            .iter()
            .map(|it| (it.path.as_ref().map(ToString::to_string).unwrap_or_default(), it.detail.clone()))
            .collect()
    }

    const URL: (&str, &str) = ("prometheus", "https://prometheus.example.com");

    #[rstest]
    #[case::anybody(&[URL], None)]
    #[case::token(&[URL, ("bearer_token", "t")], None)]
    #[case::password(&[URL, ("username", "u"), ("password", "p")], None)]
    #[case::half_a_pair(&[URL, ("username", "u")], Some(("", "`username` and `password` go together.")))]
    #[case::half_a_certificate(&[URL, ("client_key", "k")], Some(("", "`client_certificate` and `client_key` go together.")))]
    #[case::two_kinds(
        &[URL, ("username", "u"), ("password", "p"), ("bearer_token", "t")],
        Some(("", "Give the entry only one of `bearer_token`, `username`."))
    )]
    #[case::no_url(
        &[("prometheus", "prometheus.example.com")],
        Some(("prometheus", "`prometheus` is not a URL: write it as `https://prometheus.example.com`."))
    )]
    #[case::a_token_with_blanks(
        &[URL, ("bearer_token", "a b")],
        Some(("bearer_token", "`bearer_token` is empty or holds characters that no token holds."))
    )]
    #[case::no_pem(&[URL, ("ca_certificate", "x")], Some(("ca_certificate", "`ca_certificate` is neither PEM nor base64 of PEM.")))]
    #[case::without_tls(
        &[("prometheus", "http://prometheus.example.com"), ("bearer_token", "t")],
        Some(("prometheus", "The URL begins with `http://`: whoever is on the way to the service can read the credentials."))
    )]
    #[case::on_this_machine(&[("prometheus", "http://localhost:9090"), ("bearer_token", "t")], None)]
    #[case::nobody_listens_in(&[("prometheus", "http://prometheus.example.com")], None)]
    fn entries(#[case] attributes: &[(&str, &str)], #[case] expected: Option<(&str, &str)>) {
        let expected: Vec<_> =
            expected.into_iter().map(|(path, detail)| (path_of(path), detail.to_owned())).collect();
        assert_eq!(problems(entry(attributes)), expected);
    }

    /// The path of an attribute of the entry, or of the entry itself.
    fn path_of(attribute: &str) -> String {
        if attribute.is_empty() { r#"["main"]"#.to_owned() } else { format!(r#"["main"].{attribute}"#) }
    }

    #[test]
    fn what_is_not_known_yet_is_not_refused() {
        assert_eq!(problems(Value::Unknown), []);
        let mut known_later = entry(&[URL]);
        known_later.set("username", Value::Unknown);
        known_later.set("password", Value::Unknown);
        assert_eq!(problems(known_later), []);
    }

    #[test]
    fn names_are_plain() {
        let value = Value::map([("a b", entry(&[URL]))]);
        let mut diagnostics = Diagnostics::new();
        named::names(&Node::root(&value), &mut diagnostics);
        assert!(diagnostics.has_errors());
    }

    #[test]
    fn sources_by_name() {
        let metrics = Metrics::default();
        assert!(matches!(metrics.source("main"), Named::Unknown));
        let mut later = entry(&[URL]);
        later.set("bearer_token", Value::Unknown);
        let value = Value::map([("main", entry(&[URL, ("bearer_token", "secret")])), ("later", later)]);
        metrics.configure(&Node::root(&value));
        assert!(matches!(metrics.source("main"), Named::Known(_)));
        assert!(matches!(metrics.source("later"), Named::Unknown));
        let Named::Missing(missing) = metrics.source("other") else { panic!("it is there") };
        assert_eq!(
            missing.to_string(),
            "The provider block has no entry `other` in `metrics`; it has `later`, `main`."
        );
        assert!(!format!("{metrics:?}").contains("secret"));
        metrics.configure(&Node::root(&Value::Null));
        assert!(matches!(metrics.source("main"), Named::Missing(_)));
        metrics.configure(&Node::root(&Value::Unknown));
        assert!(matches!(metrics.source("main"), Named::Unknown));
    }

    #[test]
    fn all_of_an_entry_is_taken() {
        let text = |text: &str| Value::from(text);
        let value = Value::map([
            ("prometheus", text("https://h")),
            ("username", text("u")),
            ("password", text("p")),
            ("headers", Value::map([("X-A", text("b"))])),
            ("tenant", text("shop")),
            ("timeout", text("5s")),
            ("warnings", text("ignore")),
            ("partial_response", Value::from(true)),
            ("dedup", Value::from(false)),
        ]);
        let settings = settings(&Node::root(&value));
        assert!(matches!(settings.auth, Auth::Basic { .. }));
        assert_eq!(settings.headers.len(), 1);
        assert_eq!(settings.tenant.as_deref(), Some("shop"));
        assert_eq!(settings.timeout, Duration::from_secs(5));
        assert_eq!(settings.warnings, Warnings::Ignore);
        assert!(settings.partial_response);
        assert_eq!(settings.dedup, Some(false));
    }
}
