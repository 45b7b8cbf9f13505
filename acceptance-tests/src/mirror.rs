//! A provider mirror in a directory, and a CLI configuration that knows no other source.
//!
//! `terraform init` then works without a network, and a provider that is not in the mirror is an error instead of
//! a download. The same files serve both registries' names, so that Terraform and OpenTofu find them.

use std::{
    collections::BTreeMap,
    env::consts,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// The registries whose names the mirror answers for.
const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];
/// The version that every plugin in a mirror has.
pub const VERSION: &str = "0.1.0";

/// A provider to install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// `namespace/type`, such as `multicluster/multicluster`.
    pub source: String,
    /// Its binary, copied into the mirror.
    pub binary: PathBuf,
}

impl Plugin {
    /// The provider of this repository, from the given binary.
    pub fn multicluster(binary: PathBuf) -> Self {
        Self { source: "multicluster/multicluster".to_owned(), binary }
    }
}

/// A mirror with its CLI configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    cli_config: PathBuf,
}

impl Mirror {
    /// Lays out a mirror in `directory`, which is created; what stood there before is replaced.
    ///
    /// # Errors
    /// When a source is not `namespace/type`, or the files cannot be written.
    pub fn create(directory: &Path, plugins: &[Plugin]) -> anyhow::Result<Self> {
        let packages = directory.join("packages");
        if packages.exists() {
            fs::remove_dir_all(&packages).context("cannot remove the old mirror")?;
        }
        for plugin in plugins {
            let mut first: Option<PathBuf> = None;
            for registry in REGISTRIES {
                let path = packages.join(package_path(registry, &plugin.source, &platform())?);
                fs::create_dir_all(path.parent().unwrap_or(&packages)).context("cannot create the mirror")?;
                match &first {
                    // The second name costs no space.
                    Some(first) => fs::hard_link(first, &path).context("cannot link a provider")?,
                    None => {
                        fs::copy(&plugin.binary, &path)
                            .with_context(|| format!("cannot copy {}", plugin.binary.display()))?;
                        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
                        first = Some(path);
                    }
                }
            }
        }
        let cli_config = directory.join("terraform.rc");
        fs::write(&cli_config, cli_configuration(&packages)).context("cannot write the CLI configuration")?;
        Ok(Self { cli_config })
    }

    /// The file for `TF_CLI_CONFIG_FILE`.
    pub fn cli_config_path(&self) -> &Path {
        &self.cli_config
    }

    /// The variable under which Terraform finds the mirror.
    pub fn env(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("TF_CLI_CONFIG_FILE".to_owned(), self.cli_config.display().to_string())])
    }
}

/// `os_arch` of this machine, as the registries write it.
fn platform() -> String {
    let os = if consts::OS == "macos" { "darwin" } else { consts::OS };
    let arch = match consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{os}_{arch}")
}

fn package_path(registry: &str, source: &str, platform: &str) -> anyhow::Result<PathBuf> {
    let (namespace, kind) = source
        .split_once('/')
        .filter(|(namespace, kind)| {
            [namespace, kind].iter().all(|part| {
                !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            })
        })
        .with_context(|| format!("`{source}` is not the source of a provider: write `namespace/type`"))?;
    let binary = format!("terraform-provider-{kind}_v{VERSION}");
    Ok([registry, namespace, kind, VERSION, platform, &binary].iter().collect())
}

fn cli_configuration(packages: &Path) -> String {
    let path = serde_json::Value::from(packages.display().to_string());
    format!(
        "disable_checkpoint = true\n\nprovider_installation {{\n  filesystem_mirror {{\n    path = {path}\n  }}\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_lies_where_terraform_looks_for_it() {
        let path = package_path("registry.terraform.io", "multicluster/multicluster", "linux_amd64").unwrap();
        let expected = "registry.terraform.io/multicluster/multicluster/0.1.0/linux_amd64/terraform-provider-multicluster_v0.1.0";
        assert_eq!(path, Path::new(expected));
    }

    #[test]
    fn a_source_cannot_leave_the_mirror() {
        for source in ["multicluster", "../x", "a/../b", "a/", "/a", "a/b/c", ""] {
            assert!(package_path("r", source, "p").is_err(), "{source}");
        }
    }

    #[test]
    fn a_mirror_is_replaced_as_a_whole() {
        let directory = tempfile::tempdir().unwrap();
        let binary = directory.path().join("built");
        fs::write(&binary, "one").unwrap();
        let plugin = |source: &str| Plugin { source: source.to_owned(), binary: binary.clone() };
        Mirror::create(directory.path(), &[plugin("a/old")]).unwrap();
        fs::write(&binary, "two").unwrap();
        let mirror = Mirror::create(directory.path(), &[plugin("a/new")]).unwrap();
        let packages = directory.path().join("packages");
        for registry in REGISTRIES {
            assert!(!packages.join(registry).join("a/old").exists());
            let path = packages.join(package_path(registry, "a/new", &platform()).unwrap());
            assert_eq!(fs::read_to_string(&path).unwrap(), "two");
            assert_ne!(path.metadata().unwrap().permissions().mode() & 0o100, 0, "not executable");
        }
        assert!(fs::read_to_string(mirror.cli_config_path()).unwrap().contains("filesystem_mirror"));
    }
}
