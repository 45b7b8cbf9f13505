//! A condition is tried before it is needed.

use super::token::{Kind, tokens};
use super::{Condition, ConditionError};
use crate::analysis::value::{Measured, Value};
use crate::dns::suggest::{hint, nearest};

/// The values that are known.
const VARIABLES: [&str; 1] = ["result"];
/// The values that are known with a baseline.
const COMPARING: [&str; 3] = ["baseline", "ratio", "difference"];
/// Words that are neither values nor functions.
const WORDS: [&str; 14] = [
    "true",
    "false",
    "nil",
    "not",
    "and",
    "or",
    "in",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "if",
    "else",
    "let",
];

/// Whether a condition could ever be true or false.
pub(super) fn check(condition: &Condition, has_baseline: bool) -> Result<(), ConditionError> {
    names(condition, has_baseline)?;
    let mut found = None;
    for value in samples() {
        let baseline = has_baseline.then(|| match value {
            Value::Scalar(_) => Value::Scalar(0.7),
            _ => Value::list([0.7]),
        });
        match condition.evaluate(&Measured { value, baseline }) {
            Ok(_) => return Ok(()),
            // That it is something else than true or false says more than that it has no value over some answer.
            Err(error @ ConditionError::NotBoolean(_)) => return Err(error),
            // The last answer has most in it, so that its error is of the condition and not of what is missing.
            Err(error) => found = Some(error),
        }
    }
    Err(found.unwrap_or(ConditionError::NotBoolean("nil")))
}

/// Answers of every shape.
fn samples() -> impl Iterator<Item = Value> {
    let many: Vec<f64> = (0..64).map(f64::from).collect();
    let scalars = [0.5, 1.0, 1e9, 0.0, -1.0, f64::NAN, f64::INFINITY].map(Value::Scalar);
    let lists = [vec![], vec![0.5], vec![1.0], vec![f64::NAN], vec![1e9], many].map(Value::list);
    scalars.into_iter().chain(lists)
}

/// Whether all values that are named are known. Functions are found out by the evaluator, but only those that it comes by.
fn names(condition: &Condition, has_baseline: bool) -> Result<(), ConditionError> {
    let text = condition.as_str();
    let found = tokens(text)?;
    let known: Vec<&str> =
        if has_baseline { [VARIABLES.as_slice(), &COMPARING].concat() } else { VARIABLES.to_vec() };
    let mut own: Vec<&str> = Vec::new();
    for (index, token) in found.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| found.get(index));
        let after = found.get(index + 1);
        if before.is_some_and(|before| before.is("let")) {
            own.push(token.text);
        }
        let member = before.is_some_and(|before| before.is(".") || before.is("?."));
        let key = after.is_some_and(|after| after.is(":"))
            && before.is_some_and(|before| before.is("{") || before.is(","));
        let internal = token.text.starts_with(['#', '$']);
        if token.kind != Kind::Word || member || key || internal || WORDS.contains(&token.text) {
            continue;
        }
        let function = after.is_some_and(|after| after.is("("));
        if function && super::environment::is_function(token.text) {
            continue;
        }
        if !function && (known.contains(&token.text) || own.contains(&token.text)) {
            continue;
        }
        let unknown = if function { "function" } else { "name" };
        let advice = if COMPARING.contains(&token.text) && !function {
            "; it needs a `baseline`".to_owned()
        } else {
            hint(nearest(token.text, known.iter().copied()))
        };
        return Err(ConditionError::syntax(
            text,
            &format!("the {unknown} `{}` is not known{advice}", token.text),
        ));
    }
    Ok(())
}
