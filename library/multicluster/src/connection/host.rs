//! A connection given as a host and a credential.

use kube::config::AuthInfo;
use secrecy::ExposeSecret;

use super::{
    Connection, ConnectionError, ConnectionKind, Credential,
    exec::Helper,
    pem,
    target::{self, Source, Target},
};

pub(super) fn target(connection: &Connection) -> Result<Target, ConnectionError> {
    let ConnectionKind::Host { host, cluster_ca_certificate, credential, tls_server_name, proxy_url } =
        &connection.kind
    else {
        return Err(ConnectionError::field("host", "is missing"));
    };
    let proxy = proxy_url.as_ref().map(|url| ("proxy_url", url));
    let mut config = target::config(connection, "host", host, proxy)?;
    config.tls_server_name.clone_from(tls_server_name);
    if let Some(authority) = cluster_ca_certificate {
        if connection.insecure {
            return Err(ConnectionError::field(
                "cluster_ca_certificate",
                "has no effect together with `insecure = true`: remove one of them",
            ));
        }
        config.root_cert = Some(pem::certificates("cluster_ca_certificate", authority)?);
    }
    let mut source = Source::Fixed;
    match credential {
        Credential::Token(token) => {
            let token = token.expose_secret().trim();
            if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(ConnectionError::field(
                    "token",
                    "is empty or holds characters that no token holds",
                ));
            }
            config.auth_info = AuthInfo { token: Some(token.into()), ..AuthInfo::default() };
        }
        Credential::ClientCertificate { certificate, key } => {
            config.auth_info = AuthInfo {
                client_certificate_data: Some(pem::client_certificate("client_certificate", certificate)?),
                client_key_data: Some(pem::client_key("client_key", key)?),
                ..AuthInfo::default()
            };
        }
        Credential::Exec(exec) => source = Source::Helper(Helper::new(exec)?),
        Credential::None => {}
    }
    Ok(Target { config, source })
}
