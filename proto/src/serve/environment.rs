//! What the host says to the plugin through the environment.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// Name and value by which a host of Terraform providers shows itself. Not a secret: it keeps people from starting
/// a plugin by hand and wondering.
const COOKIE: (&str, &str) =
    ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");

/// The environment variables of a go-plugin host, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostEnvironment {
    /// `TF_PLUGIN_MAGIC_COOKIE` has the value that hosts set.
    pub has_cookie: bool,
    /// `PLUGIN_PROTOCOL_VERSIONS`: the versions that the host speaks. Empty if it does not say.
    pub protocol_versions: Vec<u32>,
    /// `PLUGIN_CLIENT_CERT`: the certificate (PEM) that the host will show. None means a connection in plaintext.
    pub client_certificate: Option<String>,
    /// `PLUGIN_UNIX_SOCKET_DIR`, or the directory for temporary files.
    pub socket_directory: PathBuf,
    /// `PLUGIN_UNIX_SOCKET_GROUP`: a group's name or number that may connect as well.
    pub socket_group: Option<String>,
    /// `PLUGIN_MULTIPLEX_GRPC` is there, so that the host expects to be told that the broker does not do it.
    pub asks_for_multiplexing: bool,
}

impl HostEnvironment {
    /// Reads the environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::read(|name| env::var_os(name), env::temp_dir())
    }

    /// Reads variables through `variable`. One that is empty counts as missing, as for the host's own plugins.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>, temporary_directory: PathBuf) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| set(name).map(|value| value.to_string_lossy().into_owned());
        let versions = text("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
        Self {
            has_cookie: set(COOKIE.0).is_some_and(|value| value == COOKIE.1),
            protocol_versions: versions
                .split(',')
                .filter_map(|version| version.trim().parse().ok())
                .collect(),
            client_certificate: text("PLUGIN_CLIENT_CERT"),
            socket_directory: set("PLUGIN_UNIX_SOCKET_DIR").map_or(temporary_directory, PathBuf::from),
            socket_group: text("PLUGIN_UNIX_SOCKET_GROUP"),
            asks_for_multiplexing: set("PLUGIN_MULTIPLEX_GRPC").is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> HostEnvironment {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        HostEnvironment::read(variable, PathBuf::from("/tmp"))
    }

    #[test]
    fn nothing_is_set() {
        assert_eq!(
            read(&[]),
            HostEnvironment {
                has_cookie: false,
                protocol_versions: Vec::new(),
                client_certificate: None,
                socket_directory: PathBuf::from("/tmp"),
                socket_group: None,
                asks_for_multiplexing: false,
            }
        );
    }

    #[test]
    fn everything_is_set() {
        assert_eq!(
            read(&[
                (COOKIE.0, COOKIE.1),
                ("PLUGIN_PROTOCOL_VERSIONS", "6, 5,x"),
                ("PLUGIN_CLIENT_CERT", "-----BEGIN"),
                ("PLUGIN_UNIX_SOCKET_DIR", "/run"),
                ("PLUGIN_UNIX_SOCKET_GROUP", "builders"),
                ("PLUGIN_MULTIPLEX_GRPC", "true"),
            ]),
            HostEnvironment {
                has_cookie: true,
                protocol_versions: vec![6, 5],
                client_certificate: Some("-----BEGIN".to_owned()),
                socket_directory: PathBuf::from("/run"),
                socket_group: Some("builders".to_owned()),
                asks_for_multiplexing: true,
            }
        );
    }

    #[rstest::rstest]
    #[case::another_cookie(COOKIE.0, "d602")]
    #[case::no_certificate("PLUGIN_CLIENT_CERT", "")]
    #[case::no_directory("PLUGIN_UNIX_SOCKET_DIR", "")]
    fn counts_as_missing(#[case] name: &str, #[case] value: &str) {
        assert_eq!(read(&[(name, value)]), read(&[]));
    }
}
