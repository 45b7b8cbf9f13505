//! The unix socket that the host connects to.
//!
//! Invariant: from its first moment nobody but the user (and the host's group, if it names one) can connect, and
//! the file is gone when the value is dropped.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use tempfile::TempPath;
use tokio::net::{UnixListener, UnixSocket};

use super::environment::HostEnvironment;
use super::error::ServeError;

/// What the system has room for in a socket's address, without the closing zero.
const PATH_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The name is this and some random letters.
const PREFIX: &str = "plugin";
const RANDOM_LETTERS: usize = 10;

/// Connections that wait to be accepted; a host makes one.
const BACKLOG: u32 = 16;

/// An open socket and its file.
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    pub(super) path: TempPath,
}

impl Socket {
    /// Makes a socket with a random name. Must be called within a runtime.
    pub(super) fn open(environment: &HostEnvironment) -> Result<Self, ServeError> {
        let directory = environment.socket_directory.as_path();
        check_length(directory)?;
        let failed = |source| ServeError::Socket { directory: directory.to_owned(), source };
        let bound = tempfile::Builder::new()
            .prefix(PREFIX)
            .rand_bytes(RANDOM_LETTERS)
            .make_in(directory, |path| {
                let socket = UnixSocket::new_stream()?;
                socket.bind(path)?;
                Ok(socket)
            })
            .map_err(failed)?;
        let (socket, path) = bound.into_parts();
        // Until it listens, connections are refused; so the order leaves no moment with the umask's permissions.
        if let Some(group) = &environment.socket_group {
            share(&path, group).map_err(|source| ServeError::Group { group: group.clone(), source })?;
        } else {
            fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed)?;
        }
        let listener = socket.listen(BACKLOG).map_err(failed)?;
        Ok(Self { listener, path })
    }
}

fn check_length(directory: &Path) -> Result<(), ServeError> {
    let length = directory.as_os_str().as_bytes().len() + 1 + PREFIX.len() + RANDOM_LETTERS;
    if length > PATH_LIMIT {
        return Err(ServeError::PathTooLong { directory: directory.to_owned(), length, limit: PATH_LIMIT });
    }
    Ok(())
}

/// Lets a group connect.
fn share(path: &Path, group: &str) -> io::Result<()> {
    let id = match group.parse() {
        Ok(id) => id,
        Err(_) => group_id(&fs::read_to_string("/etc/group")?, group)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no such group in /etc/group"))?,
    };
    chown(path, None, Some(id))?;
    fs::set_permissions(path, Permissions::from_mode(0o660))
}

/// Looks a group up in the text of `/etc/group`: `name:password:number:members`.
fn group_id(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut parts = line.split(':');
        if parts.next()? != name {
            return None;
        }
        parts.nth(1)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn environment(directory: &Path, group: Option<&str>) -> HostEnvironment {
        HostEnvironment {
            socket_group: group.map(str::to_owned),
            ..HostEnvironment::read(|_| None, directory.to_owned())
        }
    }

    #[tokio::test]
    async fn only_the_user_may_connect_and_the_file_goes() {
        let directory = tempfile::tempdir().unwrap();
        let socket = Socket::open(&environment(directory.path(), None)).unwrap();
        let path = socket.path.to_path_buf();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_group_may_connect_if_the_host_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let own_group = std::os::unix::fs::MetadataExt::gid(&fs::metadata(directory.path()).unwrap());
        let socket = Socket::open(&environment(directory.path(), Some(&own_group.to_string()))).unwrap();
        assert_eq!(fs::metadata(&socket.path).unwrap().permissions().mode() & 0o7777, 0o660);
    }

    #[tokio::test]
    async fn an_unknown_group_is_an_error_and_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let error = Socket::open(&environment(directory.path(), Some("no such group"))).err().unwrap();
        assert!(matches!(error, ServeError::Group { .. }), "{error}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_long_path_is_named_before_the_system_refuses_it() {
        let directory = PathBuf::from(format!("/tmp/{}", "x".repeat(100)));
        let error = Socket::open(&environment(&directory, None)).err().unwrap();
        assert!(error.to_string().contains("TMPDIR"), "{error}");
    }

    #[tokio::test]
    async fn the_longest_path_works() {
        let directory = tempfile::tempdir().unwrap();
        let room = PATH_LIMIT - 1 - PREFIX.len() - RANDOM_LETTERS;
        let letters = room - directory.path().as_os_str().len() - 1;
        let deep = directory.path().join("x".repeat(letters));
        fs::create_dir(&deep).unwrap();
        let socket = Socket::open(&environment(&deep, None)).unwrap();
        assert_eq!(socket.path.as_os_str().len(), PATH_LIMIT);
    }

    #[rstest::rstest]
    #[case::there("wheel", Some(10))]
    #[case::missing("whe", None)]
    #[case::without_number("odd", None)]
    fn groups_are_found(#[case] name: &str, #[case] id: Option<u32>) {
        assert_eq!(group_id("root:x:0:\nwheel:x:10:a,b\nodd\n", name), id);
    }
}
