//! Writes what a cluster's programs read: certificates, tokens, kubeconfigs, Stages, the audit policy.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use anyhow::Context as _;

use super::{
    cluster::Cluster,
    commands::{self, file},
    kubeconfig,
    pki::{Authority, ServiceAccountKey},
    shape::Shape,
};

/// The group that may do everything.
const MASTERS: &str = "system:masters";
/// The user behind the token and the client certificate that tests get.
const ADMIN: &str = "lab-admin";

/// Prepares the directory of one cluster under `lab`, for an API server that will listen on `port`.
pub(crate) fn cluster(lab: &Path, shape: impl Into<Shape>, port: u16) -> anyhow::Result<Cluster> {
    let shape = shape.into();
    let name = shape.to_string();
    let directory = lab.join(&name);
    private_directory(&directory)?;
    let authority = Authority::new(&name)?;
    let server = authority.server()?;
    let service_accounts = ServiceAccountKey::new()?;
    let admin = authority.client(ADMIN, MASTERS)?;
    let token = uuid::Uuid::new_v4().simple().to_string();
    let host = format!("https://127.0.0.1:{port}");

    let write = |name: &str, text: &str| private_file(&directory.join(name), text);
    write(file::CA, authority.certificate_pem())?;
    write(file::CA_KEY, authority.key_pem())?;
    write(file::SERVER, &server.certificate_pem)?;
    write(file::SERVER_KEY, &server.key_pem)?;
    write(file::SERVICE_ACCOUNT_KEY, &service_accounts.private_pem)?;
    write(file::SERVICE_ACCOUNT_PUBLIC_KEY, &service_accounts.public_pem)?;
    write(file::TOKENS, &format!("{token},{ADMIN},{ADMIN},\"{MASTERS}\"\n"))?;
    write(file::AUDIT_POLICY, include_str!("../../lab/audit-policy.yaml"))?;
    if let Some(cloud) = shape.cloud() {
        write(file::STAGES, &cloud.stages())?;
        for component in [commands::CONTROLLER_MANAGER, commands::SCHEDULER, commands::KWOK] {
            let identity = authority.client(&format!("lab:{component}"), MASTERS)?;
            let context = kubeconfig::Context {
                name: &name,
                host: &host,
                ca_pem: authority.certificate_pem(),
                client_certificate_pem: &identity.certificate_pem,
                client_key_pem: &identity.key_pem,
            };
            let path = commands::kubeconfig(&directory, component);
            private_file(path.as_ref(), &kubeconfig::render(&[context]))?;
        }
    }
    Ok(Cluster {
        cloud: shape.cloud(),
        host,
        ca_pem: authority.certificate_pem().to_owned(),
        token,
        client_certificate_pem: admin.certificate_pem,
        client_key_pem: admin.key_pem,
        kubeconfig_path: lab.join("kubeconfig"),
        context: name,
        directory,
    })
}

/// Creates a directory that only its owner may enter, with its parents.
pub(crate) fn private_directory(path: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot create {}", path.display()))
}

/// Writes a file that only its owner may read.
pub(crate) fn private_file(path: &Path, text: &str) -> anyhow::Result<()> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::cloud::Cloud;

    #[test]
    fn secrets_are_readable_by_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let lab = tempfile::tempdir().unwrap();
        let cluster = cluster(lab.path(), Cloud::Aws, 17_000).unwrap();
        for entry in fs::read_dir(cluster.directory()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
        }
        let shown = format!("{cluster:?}");
        assert!(!shown.contains(&cluster.token) && !shown.contains("KEY"), "{shown}");
    }

    #[test]
    fn the_audit_policy_leaves_out_every_component() {
        let policy = include_str!("../../lab/audit-policy.yaml");
        for component in [commands::CONTROLLER_MANAGER, commands::SCHEDULER, commands::KWOK] {
            assert!(policy.contains(&format!("lab:{component}")), "{component}");
        }
    }
}
