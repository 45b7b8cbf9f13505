//! When two values are the same: sets without regard to order, numbers by what they are worth.

use crate::value::{Type, Value};

static NULL: Value = Value::Null;

/// Whether `a` and `b` mean the same as values of `kind`. Two unknowns are the same. An attribute that is not
/// there is null.
pub(super) fn same(kind: &Type, a: &Value, b: &Value) -> bool {
    match (kind, a, b) {
        (Type::Set(element), Value::List(a), Value::List(b)) => {
            (a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(element, a, b)))
                || keys(element, a) == keys(element, b)
        }
        (Type::List(element), Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(element, a, b))
        }
        (Type::Tuple(kinds), Value::List(a), Value::List(b)) => {
            a.len() == b.len()
                && a.len() == kinds.len()
                && kinds.iter().zip(a.iter().zip(b)).all(|(kind, (a, b))| same(kind, a, b))
        }
        (Type::Map(element), Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|((key, a), (other, b))| key == other && same(element, a, b))
        }
        (Type::Object(attributes), Value::Map(a), Value::Map(b)) => attributes
            .iter()
            .all(|(name, kind)| same(kind, a.get(name).unwrap_or(&NULL), b.get(name).unwrap_or(&NULL))),
        (Type::Dynamic, Value::Dynamic(a), Value::Dynamic(b)) => a.0 == b.0 && same(&a.0, &a.1, &b.1),
        _ => a == b,
    }
}

/// The elements of a set in one order and once each, as bytes that are equal where the elements are the same.
fn keys(element: &Type, values: &[Value]) -> Vec<Vec<u8>> {
    let mut keys: Vec<_> = values.iter().map(|value| key(element, value)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn key(kind: &Type, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write_key(kind, value, &mut out);
    out
}

/// A tag, then the content, each part preceded by its length so that no two values share their bytes.
fn write_key(kind: &Type, value: &Value, out: &mut Vec<u8>) {
    match (kind, value) {
        (_, Value::Null) => out.push(b'0'),
        (_, Value::Unknown) => out.push(b'?'),
        (_, Value::Bool(value)) => out.extend_from_slice(if *value { b"T" } else { b"F" }),
        (_, Value::Number(number)) => {
            let text = number.decimal().map_or_else(|| number.to_string(), |decimal| decimal.key());
            write_part(b'N', text.as_bytes(), out);
        }
        (_, Value::String(text)) => write_part(b'S', text.as_bytes(), out),
        (Type::Set(element), Value::List(values)) => {
            let keys = keys(element, values);
            write_part(b'E', &keys.len().to_be_bytes(), out);
            keys.iter().for_each(|key| write_part(b'e', key, out));
        }
        (kind, Value::List(values)) => {
            write_part(b'L', &values.len().to_be_bytes(), out);
            for (position, value) in values.iter().enumerate() {
                let element = match kind {
                    Type::List(element) => element,
                    Type::Tuple(kinds) => kinds.get(position).unwrap_or(&Type::Dynamic),
                    _ => &Type::Dynamic,
                };
                write_key(element, value, out);
            }
        }
        (Type::Object(attributes), Value::Map(values)) => {
            write_part(b'O', &attributes.len().to_be_bytes(), out);
            for (name, kind) in attributes {
                write_key(kind, values.get(name).unwrap_or(&NULL), out);
            }
        }
        (kind, Value::Map(values)) => {
            let element = if let Type::Map(element) = kind { element } else { &Type::Dynamic };
            write_part(b'M', &values.len().to_be_bytes(), out);
            for (name, value) in values {
                write_part(b'k', name.as_bytes(), out);
                write_key(element, value, out);
            }
        }
        (_, Value::Dynamic(inner)) => {
            write_part(b'D', inner.0.to_json().as_bytes(), out);
            write_key(&inner.0, &inner.1, out);
        }
    }
}

fn write_part(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&content.len().to_be_bytes());
    out.extend_from_slice(content);
}
