//! One entry of `clusters` as a connection. The schema's validators have checked that it has exactly one form.

use std::collections::BTreeMap;

use multicluster::clock::Clock;
use multicluster::connection::{Connection, ConnectionKind, ConnectionReference, Credential, ExecConfig};
use secrecy::SecretString;
use tfplugin::Node;

use super::expand_home;

/// The connection that a known entry describes.
pub(super) fn connection(node: &Node<'_>) -> Connection {
    let mut connection = Connection::new(kind(node), clock());
    connection.insecure = node.attribute("insecure").bool().unwrap_or(false);
    connection.allow_exec = node.attribute("allow_exec").bool().unwrap_or(false);
    connection
}

/// The connection that a state remembers.
pub(super) fn remembered(reference: &ConnectionReference) -> Connection {
    let ConnectionReference { kubeconfig_path, context } = reference.clone();
    Connection::new(ConnectionKind::KubeconfigPath { path: kubeconfig_path, context }, clock())
}

/// The time of day of this machine.
pub(crate) fn clock() -> Clock {
    Clock::new(jiff::Timestamp::now)
}

fn kind(node: &Node<'_>) -> ConnectionKind {
    let text = |name: &str| node.attribute(name).str().map(str::to_owned);
    let secret = |name: &str| text(name).map(SecretString::from);
    if let Some(path) = node.attribute("kubeconfig_path").str() {
        return ConnectionKind::KubeconfigPath { path: expand_home(path), context: text("context") };
    }
    if let Some(kubeconfig) = text("kubeconfig") {
        return ConnectionKind::KubeconfigText {
            text: SecretString::from(kubeconfig),
            context: text("context"),
        };
    }
    ConnectionKind::Host {
        host: text("host").unwrap_or_default(),
        cluster_ca_certificate: text("cluster_ca_certificate"),
        credential: credential(node),
        tls_server_name: text("tls_server_name"),
        proxy_url: secret("proxy_url"),
    }
}

fn credential(node: &Node<'_>) -> Credential {
    let secret = |name: &str| node.attribute(name).str().map(|text| SecretString::from(text.to_owned()));
    if let Some(token) = secret("token") {
        return Credential::Token(token);
    }
    if let (Some(certificate), Some(key)) = (node.attribute("client_certificate").str(), secret("client_key"))
    {
        return Credential::ClientCertificate { certificate: certificate.to_owned(), key };
    }
    let exec = node.attribute("exec");
    match exec.attribute("command").str() {
        Some(command) => Credential::Exec(ExecConfig {
            api_version: exec.attribute("api_version").str().unwrap_or_default().to_owned(),
            command: command.to_owned(),
            args: texts(&exec.attribute("args")),
            env: pairs(&exec.attribute("env")),
        }),
        None => Credential::None,
    }
}

pub(super) fn texts(node: &Node<'_>) -> Vec<String> {
    node.elements().iter().filter_map(|element| element.str().map(str::to_owned)).collect()
}

pub(super) fn pairs(node: &Node<'_>) -> BTreeMap<String, SecretString> {
    let pair = |(key, value): &(&str, Node<'_>)| {
        Some(((*key).to_owned(), SecretString::from(value.str()?.to_owned())))
    };
    node.entries().iter().filter_map(pair).collect()
}
