//! Making a value fit a type, whatever a resource has put into it.
//!
//! A state that cannot be encoded would be lost, and with it the object that it describes. So what does not fit is
//! replaced by null and reported, and the rest is kept.

use std::collections::BTreeMap;

use crate::path::Path;
use crate::value::error::Problem;
use crate::value::{Type, Value, index_step, type_name, value_name};

/// What was replaced or left out, and where.
pub(crate) type Misfit = (Path, Problem);

/// The part of `value` that is of `kind`. Attributes that are not there become null, which is no misfit.
pub(super) fn conform(kind: &Type, value: Value, path: &Path, misfits: &mut Vec<Misfit>) -> Value {
    match (kind, value) {
        (_, value @ (Value::Null | Value::Unknown))
        | (Type::Bool, value @ Value::Bool(_))
        | (Type::String, value @ Value::String(_)) => value,
        (Type::Number, Value::Number(number)) => {
            if number.decimal().is_some() {
                return Value::Number(number);
            }
            misfits.push((path.clone(), Problem::NotANumber));
            Value::Null
        }
        (Type::List(element) | Type::Set(element), Value::List(values)) => {
            elements(std::iter::repeat(element.as_ref()), values, path, misfits)
        }
        (Type::Tuple(kinds), Value::List(values)) if kinds.len() == values.len() => {
            elements(kinds.iter(), values, path, misfits)
        }
        (Type::Tuple(kinds), Value::List(values)) => {
            let problem = Problem::WrongLength { expected: kinds.len(), found: values.len() };
            misfits.push((path.clone(), problem));
            Value::Null
        }
        (Type::Map(element), Value::Map(entries)) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let value = conform(element, value, &path.key(&key), misfits);
                    (key, value)
                })
                .collect(),
        ),
        (Type::Object(attributes), Value::Map(values)) => object(attributes, values, path, misfits),
        (Type::Dynamic, Value::Dynamic(inner)) => {
            let (kind, value) = *inner;
            let value = conform(&kind, value, path, misfits);
            Value::Dynamic(Box::new((kind, value)))
        }
        (kind, value) => {
            let problem = Problem::WrongType { expected: type_name(kind), found: value_name(&value) };
            misfits.push((path.clone(), problem));
            Value::Null
        }
    }
}

fn elements<'a>(
    kinds: impl Iterator<Item = &'a Type>,
    values: Vec<Value>,
    path: &Path,
    misfits: &mut Vec<Misfit>,
) -> Value {
    let fit = |(position, (kind, value)): (usize, (&Type, Value))| {
        conform(kind, value, &path.step(index_step(position)), misfits)
    };
    Value::List(kinds.zip(values).enumerate().map(fit).collect())
}

fn object(
    attributes: &BTreeMap<String, Type>,
    mut values: BTreeMap<String, Value>,
    path: &Path,
    misfits: &mut Vec<Misfit>,
) -> Value {
    let fitted = attributes
        .iter()
        .map(|(name, kind)| {
            let value = values.remove(name).unwrap_or(Value::Null);
            (name.clone(), conform(kind, value, &path.attribute(name), misfits))
        })
        .collect();
    misfits.extend(values.into_keys().map(|name| (path.attribute(name), Problem::UnknownAttribute)));
    Value::Map(fitted)
}
