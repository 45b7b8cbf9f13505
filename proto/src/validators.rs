//! Checks of single values, for [`Attribute::validate`](crate::schema::Attribute::validate).
//!
//! Each is called for known values only. Put on a list, set or map of plain values, [`each`] checks the elements.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::diagnostics::Diagnostics;
use crate::duration;
use crate::value::{Node, Value};

/// One of these words.
pub fn one_of(words: &[&str]) -> impl Fn(&Node<'_>, &mut Diagnostics) + Send + Sync + 'static + use<> {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    move |node, diagnostics| {
        if node.str().is_some_and(|text| !words.iter().any(|word| word == text)) {
            let choice = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            refuse(node, diagnostics, "Not one of the possible values", &format!("must be one of {choice}"));
        }
    }
}

/// Text, a list, a set or a map with something in it.
pub fn non_empty() -> impl Fn(&Node<'_>, &mut Diagnostics) + Send + Sync + 'static {
    |node, diagnostics| {
        let empty = match node.value() {
            Value::String(text) => text.is_empty(),
            Value::List(elements) => elements.is_empty(),
            Value::Map(entries) => entries.is_empty(),
            _ => false,
        };
        if empty {
            refuse(node, diagnostics, "The value is empty", "must not be empty");
        }
    }
}

/// A duration, as [`duration::parse`] reads it.
pub fn duration() -> impl Fn(&Node<'_>, &mut Diagnostics) + Send + Sync + 'static {
    |node, diagnostics| {
        if let Some(Err(error)) = node.str().map(duration::parse) {
            refuse(node, diagnostics, "Not a duration", &format!("is {error}"));
        }
    }
}

/// A duration above zero.
pub fn positive_duration() -> impl Fn(&Node<'_>, &mut Diagnostics) + Send + Sync + 'static {
    |node, diagnostics| match node.str().map(duration::parse) {
        Some(Err(error)) => refuse(node, diagnostics, "Not a duration", &format!("is {error}")),
        Some(Ok(Duration::ZERO)) => refuse(node, diagnostics, "Not a duration", "must be above zero"),
        _ => {}
    }
}

/// A label of RFC 1123, as Kubernetes and DNS take it: at most 63 lower-case letters, digits and inner hyphens.
pub fn dns_label() -> impl Fn(&Node<'_>, &mut Diagnostics) + Send + Sync + 'static {
    |node, diagnostics| {
        if node.str().is_some_and(|text| !is_dns_label(text)) {
            refuse(
                node,
                diagnostics,
                "Not a valid name",
                "must be 1 to 63 lower-case letters, digits and `-`, with a letter or digit at both ends",
            );
        }
    }
}

/// A whole number within `range`.
pub fn range(range: RangeInclusive<i64>) -> impl Fn(&Node<'_>, &mut Diagnostics) + Send + Sync + 'static {
    move |node, diagnostics| {
        if node.number().is_some() && !node.i64().is_some_and(|value| range.contains(&value)) {
            let what = format!("must be a whole number from {} to {}", range.start(), range.end());
            refuse(node, diagnostics, "The number is out of range", &what);
        }
    }
}

/// Every element of a list, set or map passes `check`. Null and unknown elements are passed over.
pub fn each(
    check: impl Fn(&Node<'_>, &mut Diagnostics) + Send + Sync + 'static,
) -> impl Fn(&Node<'_>, &mut Diagnostics) + Send + Sync + 'static {
    move |node, diagnostics| {
        let entries = node.entries().into_iter().map(|(_, element)| element);
        for element in node.elements().into_iter().chain(entries) {
            if !element.is_null() && !element.is_unknown() {
                check(&element, diagnostics);
            }
        }
    }
}

fn is_dns_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The value itself is not shown: it may be a secret.
fn refuse(node: &Node<'_>, diagnostics: &mut Diagnostics, summary: &str, what: &str) {
    diagnostics.error_at(node.path(), summary, format!("It {what}."));
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::diagnostics::Diagnostic;
    use crate::value::Number;

    type Check = Box<dyn Fn(&Node<'_>, &mut Diagnostics)>;

    fn details(check: &Check, value: &Value) -> Vec<String> {
        let root = Value::map([("x", value.clone())]);
        let mut diagnostics = Diagnostics::new();
        check(&Node::root(&root).attribute("x"), &mut diagnostics);
        let named =
            |found: &Diagnostic| format!("{}: {}", found.path.clone().unwrap_or_default(), found.detail);
        diagnostics.iter().map(named).collect()
    }

    #[rstest]
    #[case(Box::new(one_of(&["auto", "explicit"])), "auto".into())]
    #[case(Box::new(non_empty()), "a".into())]
    #[case(Box::new(non_empty()), Value::from(0))]
    #[case(Box::new(duration()), "0".into())]
    #[case(Box::new(positive_duration()), "1h30m".into())]
    #[case(Box::new(dns_label()), "a".into())]
    #[case(Box::new(dns_label()), "gcp-1".into())]
    #[case(Box::new(range(0..=100)), Value::from(100))]
    #[case(Box::new(range(0..=100)), Value::Number(Number::Float(7.0)))]
    #[case(Box::new(each(dns_label())), Value::List(vec!["a".into(), Value::Null, Value::Unknown]))]
    fn good_values_pass(#[case] check: Check, #[case] value: Value) {
        assert_eq!(details(&check, &value), Vec::<String>::new());
    }

    #[rstest]
    #[case(Box::new(one_of(&["auto", "explicit"])), "x".into(), "x: It must be one of `auto`, `explicit`.")]
    #[case(Box::new(non_empty()), "".into(), "x: It must not be empty.")]
    #[case(Box::new(non_empty()), Value::List(Vec::new()), "x: It must not be empty.")]
    #[case(Box::new(duration()), "5".into(), "x: It is not a duration such as `90s`, `30m` or `1h30m`.")]
    #[case(Box::new(positive_duration()), "0s".into(), "x: It must be above zero.")]
    #[case(Box::new(range(0..=100)), Value::from(101), "x: It must be a whole number from 0 to 100.")]
    #[case(Box::new(range(0..=100)), Value::Number(Number::Decimal("0.5".into())), "x: It must be a whole number from 0 to 100.")]
    #[case(Box::new(each(range(0..=1))), Value::map([("a", Value::from(2))]), "x[\"a\"]: It must be a whole number from 0 to 1.")]
    fn bad_values_are_named(#[case] check: Check, #[case] value: Value, #[case] detail: &str) {
        assert_eq!(details(&check, &value), [detail]);
    }

    #[rstest]
    #[case("")]
    #[case("-a")]
    #[case("a-")]
    #[case("A")]
    #[case("a.b")]
    #[case("a_b")]
    #[case("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    fn other_names_are_no_labels(#[case] name: &str) {
        assert_eq!(details(&(Box::new(dns_label()) as Check), &name.into()).len(), 1);
    }
}
