//! Short fingerprints of values, the same for the same meaning.

use std::fmt;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
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
/// It is no protection for what can be guessed: for secrets there is [`SecretDigest`].
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
    hex(&Sha256::digest(text.as_bytes()))
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

/// Makes digests that tell nothing to who does not have the key: of what is secret.
#[derive(Clone)]
pub struct SecretDigest(Hmac<Sha256>);

impl SecretDigest {
    /// With a random key; 32 bytes are enough.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        // Every length is a key (RFC 2104): longer ones are hashed, shorter ones filled up.
        Self(Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default())))
    }

    /// The first 32 hex digits of the HMAC-SHA-256 of a value's canonical form.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::digest::SecretDigest;
    /// use serde_json::json;
    ///
    /// let digest = |key: &str| SecretDigest::new(key.as_bytes()).of(&json!({ "password": "12345" }));
    /// assert_eq!(digest("a"), digest("a"));
    /// assert_ne!(digest("a"), digest("b"));
    /// ```
    #[must_use]
    pub fn of(&self, value: &Value) -> String {
        let mut mac = self.0.clone();
        mac.update(canonical(value).as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest")
    }
}

/// The first 32 hex digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(DIGITS / 2).fold(String::with_capacity(DIGITS), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
