//! Foreign text without our secrets.
//!
//! A service, or a proxy before it, may repeat what was sent to it. What it says is shown to users, so every secret of
//! the settings is looked for in it first.

use secrecy::{ExposeSecret, SecretString};

use multicluster_core::notify::one_line;

/// How much of a foreign text is shown: its beginning says what is wrong, and messages are read in a terminal.
const LIMIT: usize = 300;

/// Shorter ones would tear words apart, and nobody can be recognised by them.
const SHORTEST: usize = 4;

/// The secrets of one client.
pub(crate) struct Scrub(Vec<SecretString>);

impl Scrub {
    pub(crate) fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let mut secrets: Vec<_> =
            secrets.into_iter().filter(|secret| secret.expose_secret().len() >= SHORTEST).collect();
        // A secret that contains another one goes first, or its rest would stay.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        Self(secrets)
    }

    /// One line of at most 300 characters, without any of the secrets.
    pub(crate) fn line(&self, text: &str) -> String {
        let replaced = self.0.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.expose_secret()) {
                text.replace(secret.expose_secret(), "[redacted]")
            } else {
                text
            }
        });
        one_line(&replaced, LIMIT)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::echo("token hunter22 is wrong", "token [redacted] is wrong")]
    #[case::the_longer_one_whole("hunter22-more", "[redacted]")]
    #[case::twice("hunter22hunter22", "[redacted][redacted]")]
    #[case::a_short_one_stays("abc", "abc")]
    fn secrets_go(#[case] text: &str, #[case] shown: &str) {
        let scrub = Scrub::new(["hunter22".into(), "hunter22-more".into(), "abc".into(), "".into()]);
        assert_eq!(scrub.line(text), shown);
    }

    #[test]
    fn a_secret_is_not_cut_in_half() {
        let secret = "s".repeat(200);
        let text = format!("{} {secret}", "x".repeat(200));
        assert!(!Scrub::new([SecretString::from(secret)]).line(&text).contains("sss"));
    }
}
