//! Why serving could not begin, or went wrong.

use std::io;
use std::path::PathBuf;

/// Serving failed. None of these is about a single request; those are answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// There is no host: somebody started the binary by hand.
    #[error(
        "this is a plugin for Terraform and OpenTofu, which start it themselves; it is not meant to be run \
         directly. Name it under `required_providers` in a configuration instead"
    )]
    NoHost,
    /// The socket's path would be longer than the system allows.
    #[error(
        "a socket in `{}` would have a path of {length} bytes, and at most {limit} are possible; set TMPDIR to a \
         directory with a shorter path", directory.display()
    )]
    PathTooLong {
        /// Where the socket was to be.
        directory: PathBuf,
        /// What its path would have, in bytes.
        length: usize,
        /// What it may have, in bytes.
        limit: usize,
    },
    /// The socket could not be made.
    #[error("cannot listen on a socket in `{}`", directory.display())]
    Socket {
        /// Where it was to be.
        directory: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The host's group for the socket does not exist, or is not ours to give.
    #[error("cannot give the socket to group `{group}`, which PLUGIN_UNIX_SOCKET_GROUP names")]
    Group {
        /// Name or number.
        group: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The host's certificate could not be read.
    #[error("PLUGIN_CLIENT_CERT is not a certificate in PEM: {reason}")]
    ClientCertificate {
        /// What is wrong with it.
        reason: String,
    },
    /// Our own certificate could not be made.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// TLS could not be set up.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The handshake line could not be written to stdout.
    #[error("cannot tell the host where to connect")]
    Handshake(#[source] io::Error),
    /// Signals could not be handled.
    #[error("cannot handle signals")]
    Signals(#[source] io::Error),
    /// Nobody connected.
    #[error("no host connected within {seconds} s")]
    Lonely {
        /// How long was waited.
        seconds: u64,
    },
    /// The server broke.
    #[error("the server failed")]
    Transport(#[from] tonic::transport::Error),
    /// The runtime could not be started.
    #[error("cannot start threads")]
    Runtime(#[source] io::Error),
}
