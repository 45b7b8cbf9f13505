//! Short fingerprints of values, the same for the same meaning.

use std::fmt::Write as _;

use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};

/// How many hex digits of the SHA-256 a digest keeps: 128 bits, beyond any accidental collision.
const DIGITS: usize = 32;

/// A value as one line of JSON: keys sorted, no white space, whole numbers without a fraction.
///
/// Two values that an API server takes for the same have the same canonical form, whatever order their keys have.
///
/// # Examples
/// ```
/// use multicluster_core::digest::canonical;
/// use serde_json::json;
///
/// assert_eq!(canonical(&json!({ "b": [1.0, true], "a": null })), r#"{"a":null,"b":[1,true]}"#);
/// ```
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_value(value, &mut text);
    text
}

/// The first 32 hex digits of the SHA-256 of a value's canonical form.
///
/// It is no protection for what can be guessed: a secret's digest needs a key.
///
/// # Examples
/// ```
/// use multicluster_core::digest::digest;
/// use serde_json::json;
///
/// assert_eq!(digest(&json!({ "a": 1, "b": 2 })), digest(&json!({ "b": 2, "a": 1 })));
/// ```
#[must_use]
pub fn digest(value: &Value) -> String {
    digest_text(&canonical(value))
}

/// The first 32 hex digits of the SHA-256 of a text.
///
/// # Examples
/// ```
/// assert_eq!(multicluster_core::digest::digest_text(""), "e3b0c44298fc1c149afbf4c8996fb924");
/// ```
#[must_use]
pub fn digest_text(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().take(DIGITS / 2).fold(String::with_capacity(DIGITS), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A number written without a fraction if it is whole and exact as a 64-bit float, else as it is.
///
/// YAML and Go print `1e3` and `1.0` as whole numbers, and API servers answer with those.
pub(crate) fn whole(number: &Number) -> Number {
    /// Up to here every whole number is exact in a 64-bit float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT => {
            // The text of a whole float is an integer, so this avoids a narrowing cast.
            format!("{float:.0}").parse::<i64>().map_or_else(|_| number.clone(), Number::from)
        }
        _ => number.clone(),
    }
}

fn write_value(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => text.push_str(&whole(number).to_string()),
        Value::String(string) => write_string(string, text),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_value(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            // serde_json keeps insertion order if any crate in the build asks for it, so sorting is ours.
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (index, (key, field)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_string(key, text);
                text.push(':');
                write_value(field, text);
            }
            text.push('}');
        }
    }
}

fn write_string(string: &str, text: &mut String) {
    text.push_str(&Value::from(string).to_string());
}
