//! Secrets as servers keep them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::object::text;

/// Turns the plain texts of a Secret's `stringData` into base64 in its `data`, where they win, as on a server.
///
/// `stringData` is never read back: a server that is sent it keeps the entries as `data`, but notes `stringData` as the
/// fields that the manager owns. An entry that is no longer sent would then stay for ever.
///
/// What is no Secret, or malformed, stays as it is: the server says what is wrong with it.
///
/// # Examples
/// ```
/// use multicluster_core::copies::secret_data;
/// use serde_json::json;
///
/// let mut secret = json!({ "apiVersion": "v1", "kind": "Secret", "stringData": { "user": "admin" } });
/// secret_data(&mut secret);
/// assert_eq!(secret, json!({ "apiVersion": "v1", "kind": "Secret", "data": { "user": "YWRtaW4=" } }));
/// ```
pub fn secret_data(object: &mut Value) {
    if text(object, "/apiVersion") != "v1" || text(object, "/kind") != "Secret" {
        return;
    }
    let Some(fields) = object.as_object_mut() else { return };
    let Some(encoded) = fields.get("stringData").and_then(encoded) else { return };
    if encoded.is_empty() {
        fields.remove("stringData");
        return;
    }
    let data = fields.entry("data").or_insert(Value::Null);
    if data.is_null() {
        *data = Map::new().into();
    }
    if let Some(data) = data.as_object_mut() {
        data.extend(encoded);
        fields.remove("stringData");
    }
}

/// The texts in base64; `None` if something else is among them.
fn encoded(texts: &Value) -> Option<Map<String, Value>> {
    if texts.is_null() {
        return Some(Map::new());
    }
    texts
        .as_object()?
        .iter()
        .map(|(key, value)| Some((key.clone(), STANDARD.encode(value.as_str()?).into())))
        .collect()
}
