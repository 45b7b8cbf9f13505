//! The one line that a plugin prints.

use std::io::{self, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The version of the scheme by which plugin and host find each other.
const CORE_VERSION: u32 = 1;

/// The version of the provider protocol.
pub(super) const PROTOCOL_VERSION: u32 = 6;

/// Where to connect and whom to expect there.
pub(super) struct Handshake<'a> {
    pub(super) socket: &'a Path,
    /// DER. None for plaintext.
    pub(super) server_certificate: Option<&'a [u8]>,
    /// Says that the broker cannot multiplex; only to hosts that ask, since older ones would take it as part of
    /// the certificate.
    pub(super) decline_multiplexing: bool,
}

impl Handshake<'_> {
    fn line(&self) -> String {
        let certificate = self.server_certificate.map(|der| STANDARD_NO_PAD.encode(der)).unwrap_or_default();
        let multiplexing = if self.decline_multiplexing { "|false" } else { "" };
        let socket = self.socket.display();
        format!("{CORE_VERSION}|{PROTOCOL_VERSION}|unix|{socket}|grpc|{certificate}{multiplexing}\n")
    }

    /// Prints the line in one write. Nothing may be printed before, and nothing is afterwards.
    ///
    /// # Errors
    /// If nobody reads; then the host has gone.
    pub(super) fn print(&self, mut output: impl Write) -> io::Result<()> {
        output.write_all(self.line().as_bytes())?;
        output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::plaintext(None, false, "1|6|unix|/tmp/plugin1|grpc|\n")]
    #[case::tls(Some(b"\xff\xfe\xfd\xfc".as_slice()), false, "1|6|unix|/tmp/plugin1|grpc|//79/A\n")]
    #[case::multiplexing(Some(b"abc".as_slice()), true, "1|6|unix|/tmp/plugin1|grpc|YWJj|false\n")]
    fn line_is_what_hosts_parse(
        #[case] server_certificate: Option<&[u8]>,
        #[case] decline_multiplexing: bool,
        #[case] expected: &str,
    ) {
        let socket = Path::new("/tmp/plugin1");
        let mut printed = Vec::new();
        Handshake { socket, server_certificate, decline_multiplexing }.print(&mut printed).unwrap();
        assert_eq!(String::from_utf8(printed).unwrap(), expected);
    }
}
