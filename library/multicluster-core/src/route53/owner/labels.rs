//! The form of external-dns' values: `heritage=H,H/key=value,…`, keys in order.

use std::collections::BTreeMap;
use std::fmt;

/// A heritage and its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Labels {
    pub(super) heritage: String,
    /// By key, without the heritage before it.
    labels: BTreeMap<String, String>,
}

impl Labels {
    pub(super) fn of<'a>(heritage: &str, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let labels = labels.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self { heritage: heritage.to_owned(), labels }
    }

    /// What a text says; none if it names no heritage. What is not `key=value`, or has another prefix than the
    /// heritage, is passed over, as external-dns does.
    pub(super) fn parse(text: &str) -> Option<Self> {
        // Some writers leave quotes within the value.
        let text = text.trim().trim_matches('"');
        let pairs: Vec<(&str, &str)> = text.split(',').filter_map(|pair| pair.split_once('=')).collect();
        let (_, heritage) = pairs.iter().find(|(key, _)| key.trim() == "heritage")?;
        let heritage = heritage.trim();
        let labels = pairs.iter().filter_map(|(key, value)| {
            let key = key.trim().strip_prefix(heritage)?.strip_prefix('/')?;
            Some((key.to_owned(), value.trim().to_owned()))
        });
        Some(Self { heritage: heritage.to_owned(), labels: labels.collect() })
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "heritage={}", self.heritage)?;
        self.labels.iter().try_for_each(|(key, value)| write!(f, ",{}/{key}={value}", self.heritage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_dns_values_are_read_and_written_alike() {
        let text = "heritage=external-dns,external-dns/owner=prod,external-dns/resource=service/shop/web";
        let labels = Labels::parse(text).unwrap();
        assert_eq!(labels.get("owner"), Some("prod"));
        assert_eq!(labels.to_string(), text);
        assert_eq!(Labels::parse(&format!("\"{text}\"")), Some(labels));
    }

    #[test]
    fn foreign_keys_are_passed_over() {
        let labels = Labels::parse("x, heritage=external-dns ,other/owner=a,external-dns/owner=b").unwrap();
        assert_eq!(labels.to_string(), "heritage=external-dns,external-dns/owner=b");
    }
}
