//! Which Kubernetes a server is.

use std::fmt;

use multicluster_core::object::text;
use serde_json::Value;

use super::message::cut;

/// A server's version, as it says itself.
///
/// Compare [`ServerVersion::release`]: what follows it in the text is the vendor's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerVersion {
    /// As the server writes it, such as `v1.36.3` or `v1.33.1-eks-7f9249a`.
    pub text: String,
    /// Major and minor number, where the text has them.
    pub release: Option<(u32, u32)>,
    /// `linux/amd64`; empty if the server does not say.
    pub platform: String,
}

impl ServerVersion {
    /// Reads the answer to `GET /version`; `None` if it is not one.
    #[must_use]
    pub fn parse(answer: &Value) -> Option<Self> {
        let version = text(answer, "/gitVersion");
        if version.is_empty() {
            return None;
        }
        // Some builds have a version of their own there, but never in these two.
        let apart = || Some((number(text(answer, "/major"))?, number(text(answer, "/minor"))?));
        Some(Self {
            text: cut(version),
            release: release(version).or_else(apart),
            platform: cut(text(answer, "/platform")),
        })
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The numbers of `v1.33.1-eks-7f9249a`.
fn release(version: &str) -> Option<(u32, u32)> {
    let (major, rest) = version.strip_prefix('v')?.split_once('.')?;
    Some((major.parse().ok()?, number(rest)?))
}

/// The digits that a text begins with: `29+` is 29.
fn number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, proptest};
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::plain("v1.36.3", Some((1, 36)))]
    #[case::eks("v1.33.1-eks-7f9249a", Some((1, 33)))]
    #[case::gke("v1.29.6-gke.1038001", Some((1, 29)))]
    #[case::k3s("v1.32.1+k3s1", Some((1, 32)))]
    #[case::no_patch("v1.30", Some((1, 30)))]
    #[case::alpha("v1.37.0-alpha.1.12+abcdef", Some((1, 37)))]
    #[case::of_another_make("2024-05", Some((1, 29)))]
    #[case::too_many_digits("v1.99999999999.0", Some((1, 29)))]
    fn versions(#[case] version: &str, #[case] expected: Option<(u32, u32)>) {
        let answer =
            json!({ "major": "1", "minor": "29+", "gitVersion": version, "platform": "linux/arm64" });
        let parsed = ServerVersion::parse(&answer).unwrap();
        assert_eq!((parsed.to_string().as_str(), parsed.release), (version, expected));
        assert_eq!(parsed.platform, "linux/arm64");
    }

    #[rstest]
    #[case::nothing(json!({}))]
    #[case::another_type(json!({ "gitVersion": 7 }))]
    #[case::no_object(json!([1]))]
    fn other_answers_are_no_versions(#[case] answer: Value) {
        assert_eq!(ServerVersion::parse(&answer), None);
    }

    #[test]
    fn a_version_without_numbers_is_only_text() {
        let parsed = ServerVersion::parse(&json!({ "gitVersion": "main" })).unwrap();
        assert_eq!(parsed.release, None);
    }

    proptest! {
        #[test]
        fn any_text_is_read(version in "\\PC{1,400}", minor in "\\PC{0,20}") {
            let answer = json!({ "gitVersion": version, "major": "1", "minor": minor });
            let parsed = ServerVersion::parse(&answer).unwrap();
            prop_assert!(parsed.text.chars().count() <= 301);
        }
    }
}
