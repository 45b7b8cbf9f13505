//! A connection given as a kubeconfig, and the rules for what it may ask of us.
//!
//! Only the chosen context, its cluster and its user are looked at: a file with ten contexts is used for one of them.

use std::{collections::BTreeMap, fs, path::Path};

use kube::config::{
    AuthInfo, Cluster, Context, ExecConfig as KubeExec, ExecInteractiveMode, Kubeconfig, KubeconfigError,
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Connection, ConnectionError, ExecConfig,
    exec::Helper,
    helpers, pem,
    target::{self, Source, Target},
};

/// Whether the kubeconfig is a file of the user's own, or text from somewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Text,
    Path,
}

/// The largest kubeconfig that is read; real ones with hundreds of clusters have a few hundred KiB.
const SIZE_LIMIT: u64 = 4 << 20;

pub(super) fn from_text(
    text: &SecretString,
    context: Option<&str>,
    connection: &Connection,
) -> Result<Target, ConnectionError> {
    let text = text.expose_secret();
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > SIZE_LIMIT {
        return Err(ConnectionError::field("kubeconfig", "is longer than 4 MiB"));
    }
    let kubeconfig = Kubeconfig::from_yaml(text).map_err(|error| not_a_kubeconfig(&error))?;
    resolve(&kubeconfig, context, Origin::Text, connection)
}

pub(super) async fn from_path(
    path: &Path,
    context: Option<&str>,
    connection: &Connection,
) -> Result<Target, ConnectionError> {
    let (path, context, connection) = (path.to_owned(), context.map(str::to_owned), connection.clone());
    let read = tokio::task::spawn_blocking(move || {
        let unreadable = |reason: String| ConnectionError::Unreadable { path: path.clone(), reason };
        let size = fs::metadata(&path).map_err(|error| unreadable(error.to_string()))?;
        if !size.is_file() || size.len() > SIZE_LIMIT {
            return Err(unreadable("it is no file of at most 4 MiB".to_owned()));
        }
        let kubeconfig = Kubeconfig::read_from(&path).map_err(|error| match error {
            KubeconfigError::ReadConfig(error, _) => unreadable(error.to_string()),
            error => not_a_kubeconfig(&error),
        })?;
        resolve(&kubeconfig, context.as_deref(), Origin::Path, &connection)
    });
    read.await.unwrap_or(Err(ConnectionError::NotAKubeconfig { line: None }))
}

/// The parser's message may quote the file, so that only the place is kept.
fn not_a_kubeconfig(error: &KubeconfigError) -> ConnectionError {
    let line = match error {
        KubeconfigError::Parse(error) => error.location().map(|location| location.line()),
        _ => None,
    };
    ConnectionError::NotAKubeconfig { line }
}

fn resolve(
    kubeconfig: &Kubeconfig,
    context: Option<&str>,
    origin: Origin,
    connection: &Connection,
) -> Result<Target, ConnectionError> {
    let (name, context) = choose(kubeconfig, context)?;
    let dangling = |what| ConnectionError::Dangling { context: name.to_owned(), what };
    let cluster = kubeconfig
        .clusters
        .iter()
        .find(|named| named.name == context.cluster)
        .and_then(|named| named.cluster.as_ref())
        .ok_or_else(|| dangling("cluster"))?;
    // A context without a user is anonymous; one that names a user that is not there is a mistake.
    let user = match context.user.as_deref().filter(|user| !user.is_empty()) {
        None => AuthInfo::default(),
        Some(user) => kubeconfig
            .auth_infos
            .iter()
            .find(|named| named.name == user)
            .map(|named| named.auth_info.clone().unwrap_or_default())
            .ok_or_else(|| dangling("user"))?,
    };
    check(cluster, &user, origin, connection)?;
    let mut config = server(cluster, connection)?;
    let source = source(cluster, &user)?;
    config.auth_info = credentials(user)?;
    Ok(Target { config, source })
}

fn choose<'a>(
    kubeconfig: &'a Kubeconfig,
    context: Option<&'a str>,
) -> Result<(&'a str, &'a Context), ConnectionError> {
    let contexts = || kubeconfig.contexts.iter().map(|named| named.name.clone()).collect();
    let name = context
        .or(kubeconfig.current_context.as_deref())
        .filter(|name| !name.is_empty())
        .ok_or_else(|| ConnectionError::NoContext { contexts: contexts() })?;
    let context = kubeconfig.contexts.iter().find(|named| named.name == name);
    let context = context
        .and_then(|named| named.context.as_ref())
        .ok_or_else(|| ConnectionError::UnknownContext { context: name.to_owned(), contexts: contexts() })?;
    Ok((name, context))
}

/// What a kubeconfig may not ask for.
fn check(
    cluster: &Cluster,
    user: &AuthInfo,
    origin: Origin,
    connection: &Connection,
) -> Result<(), ConnectionError> {
    if cluster.insecure_skip_tls_verify.unwrap_or(false) && !connection.insecure {
        return Err(ConnectionError::SkipsVerification);
    }
    if user.auth_provider.is_some() {
        return Err(ConnectionError::AuthProvider);
    }
    if origin == Origin::Text {
        let files = [
            (
                &cluster.certificate_authority,
                "certificate-authority",
                "embed its contents (`certificate-authority-data`)",
            ),
            (
                &user.client_certificate,
                "client-certificate",
                "embed its contents (`client-certificate-data`)",
            ),
            (&user.client_key, "client-key", "embed its contents (`client-key-data`)"),
            (&user.token_file, "tokenFile", "give a `token`"),
        ];
        if let Some((_, field, instead)) = files.iter().find(|(file, ..)| file.is_some()) {
            return Err(ConnectionError::NamesAFile { field, instead });
        }
        if let Some(exec) = &user.exec
            && !connection.allow_exec
        {
            let exec = exec_config(exec);
            helpers::check(&exec.command, &exec.args, &exec.env)?;
        }
    }
    Ok(())
}

fn server(cluster: &Cluster, connection: &Connection) -> Result<kube::Config, ConnectionError> {
    let server = cluster.server.as_deref().ok_or_else(|| ConnectionError::field("server", "is missing"))?;
    let proxy = cluster.proxy_url.as_deref().filter(|url| !url.is_empty()).map(SecretString::from);
    let mut config =
        target::config(connection, "server", server, proxy.as_ref().map(|url| ("proxy-url", url)))?;
    config.tls_server_name = cluster.tls_server_name.clone().filter(|name| !name.is_empty());
    // With verification off there is nothing to verify by.
    if !connection.insecure {
        let authority = contents(
            "certificate-authority-data",
            cluster.certificate_authority_data.as_deref(),
            "certificate-authority",
            cluster.certificate_authority.as_deref(),
        )?;
        config.root_cert =
            authority.map(|(field, pem)| pem::certificates(field, pem.expose_secret())).transpose()?;
    }
    Ok(config)
}

/// What does not change: passwords, tokens and certificates that stand in the kubeconfig or in files beside it.
fn credentials(user: AuthInfo) -> Result<AuthInfo, ConnectionError> {
    let certificate = contents(
        "client-certificate-data",
        user.client_certificate_data.as_deref(),
        "client-certificate",
        user.client_certificate.as_deref(),
    )?;
    let key = contents(
        "client-key-data",
        user.client_key_data.as_ref().map(ExposeSecret::expose_secret),
        "client-key",
        user.client_key.as_deref(),
    )?;
    if certificate.is_some() != key.is_some() {
        return Err(ConnectionError::field("client-certificate", "and `client-key` must be given together"));
    }
    Ok(AuthInfo {
        client_certificate_data: certificate
            .map(|(field, pem)| pem::client_certificate(field, pem.expose_secret()))
            .transpose()?,
        client_key_data: key.map(|(field, pem)| pem::client_key(field, &pem)).transpose()?,
        client_certificate: None,
        client_key: None,
        token_file: None,
        exec: None,
        auth_provider: None,
        ..user
    })
}

/// Where changing credentials come from. As for kubectl, what stands in the kubeconfig comes first.
fn source(cluster: &Cluster, user: &AuthInfo) -> Result<Source, ConnectionError> {
    if user.token.is_some() || user.username.is_some() {
        return Ok(Source::Fixed);
    }
    if let Some(path) = &user.token_file {
        return Ok(Source::TokenFile(path.into()));
    }
    let Some(exec) = &user.exec else {
        return Ok(Source::Fixed);
    };
    if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
        return Err(ConnectionError::field("exec", "needs a terminal, which there is none of here"));
    }
    let mut helper = Helper::new(&exec_config(exec))?;
    helper.install_hint.clone_from(&exec.install_hint);
    if exec.provide_cluster_info {
        helper.cluster = Some(cluster_information(cluster));
    }
    Ok(Source::Helper(helper))
}

fn exec_config(exec: &KubeExec) -> ExecConfig {
    let env = exec.env.iter().flatten().filter_map(|variable| {
        Some((variable.get("name")?.clone(), SecretString::from(variable.get("value")?.as_str())))
    });
    ExecConfig {
        api_version: exec.api_version.clone().unwrap_or_default(),
        command: exec.command.clone().unwrap_or_default(),
        args: exec.args.clone().unwrap_or_default(),
        env: env.collect::<BTreeMap<_, _>>(),
    }
}

/// What a helper is told about the cluster when it asks for it.
fn cluster_information(cluster: &Cluster) -> serde_json::Value {
    let mut information = serde_json::json!({ "server": cluster.server });
    let mut add = |key: &str, value: Option<serde_json::Value>| {
        if let Some(value) = value {
            information[key] = value;
        }
    };
    add("tls-server-name", cluster.tls_server_name.clone().map(Into::into));
    add("insecure-skip-tls-verify", cluster.insecure_skip_tls_verify.map(Into::into));
    add("certificate-authority-data", cluster.certificate_authority_data.clone().map(Into::into));
    add("proxy-url", cluster.proxy_url.clone().map(Into::into));
    let extension = cluster
        .extensions
        .iter()
        .flatten()
        .find(|extension| extension.name == "client.authentication.k8s.io/exec");
    add("config", extension.map(|extension| extension.extension.clone()));
    information
}

/// Embedded data, else the contents of a file, with the field it came from.
fn contents(
    data_field: &'static str,
    data: Option<&str>,
    file_field: &'static str,
    file: Option<&str>,
) -> Result<Option<(&'static str, SecretString)>, ConnectionError> {
    if let Some(data) = data.filter(|data| !data.is_empty()) {
        return Ok(Some((data_field, SecretString::from(data))));
    }
    let Some(file) = file.filter(|file| !file.is_empty()) else {
        return Ok(None);
    };
    let text = fs::read_to_string(file)
        .map_err(|_| ConnectionError::field(file_field, "names a file that cannot be read"))?;
    Ok(Some((file_field, SecretString::from(text))))
}
