//! Fields of a document, with the problems that they have.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::analysis::spec::Problem;

/// The fields of one mapping.
pub(super) struct Fields<'a> {
    map: Option<&'a Map<String, Value>>,
    path: Vec<String>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Fields<'a> {
    /// The fields of a value at a path. It is a problem if it is not a mapping.
    pub(super) fn new(value: &'a Value, path: &[&str], problems: &'a mut Vec<Problem>) -> Self {
        let path: Vec<String> = path.iter().map(|step| (*step).to_owned()).collect();
        let map = value.as_object();
        if map.is_none() {
            problems.push(Problem { path: path.clone(), text: "a mapping is expected".to_owned() });
        }
        Self { map, path, problems }
    }

    /// The fields of a field that is a mapping, if there is one.
    pub(super) fn inner(&mut self, name: &str) -> Option<Fields<'_>> {
        let value = self.value(name)?;
        let path: Vec<&str> = self.path.iter().map(String::as_str).chain([name]).collect();
        Some(Fields::new(value, &path, self.problems))
    }

    /// Adds a problem below this mapping.
    pub(super) fn problem(&mut self, path: &[&str], text: impl Into<String>) {
        let path = self.path.iter().cloned().chain(path.iter().map(|step| (*step).to_owned())).collect();
        self.problems.push(Problem { path, text: text.into() });
    }

    /// Says which fields there are, of those that are not known.
    pub(super) fn only(&mut self, known: &[&str]) {
        let unknown: Vec<String> =
            self.names().filter(|name| !known.contains(name)).map(str::to_owned).collect();
        for name in unknown {
            self.problem(&[&name], "this field is not known");
        }
    }

    /// The names of the fields that have a value.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let map = self.map;
        map.into_iter().flatten().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str())
    }

    /// A field that has a value.
    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.map?.get(name).filter(|value| !value.is_null())
    }

    /// The items of a list.
    pub(super) fn list(&mut self, name: &str) -> &'a [Value] {
        match self.value(name) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.problem(&[name], "a list is expected");
                &[]
            }
        }
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, name: &str) -> Option<&'a str> {
        match self.value(name)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text),
            _ => {
                self.problem(&[name], "a text is expected");
                None
            }
        }
    }

    /// A whole number, as number or text.
    pub(super) fn number(&mut self, name: &str) -> Option<i64> {
        let number = match self.value(name)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) if text.is_empty() => return None,
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.problem(&[name], "a whole number is expected");
        }
        number.filter(|number| {
            let fits = i32::try_from(*number).is_ok();
            if !fits {
                self.problem(&[name], "the number is too large");
            }
            fits
        })
    }

    /// Whether something is so; not so if nothing is said.
    pub(super) fn truth(&mut self, name: &str) -> bool {
        match self.value(name) {
            None => false,
            Some(Value::Bool(truth)) => *truth,
            Some(_) => {
                self.problem(&[name], "`true` or `false` is expected");
                false
            }
        }
    }

    /// A duration such as `1m30s`.
    pub(super) fn duration(&mut self, name: &str) -> Option<Duration> {
        let text = self.text(name)?;
        let duration = duration(text);
        if duration.is_none() {
            self.problem(&[name], format!("`{text}` is not a duration; write it as in `1m30s`"));
        }
        duration
    }
}

/// A duration as Go reads it: `1h30m`, `1.5s`, `300ms`; not negative.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut sum = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
        let (number, behind) = rest.split_at(end);
        let end = behind.find(|char: char| char.is_ascii_digit() || char == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let nanoseconds: u128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        sum = sum.checked_add(Duration::from_nanos(u64::try_from(times(number, nanoseconds)?).ok()?))?;
        rest = behind;
    }
    // Go counts nanoseconds in 63 bits.
    (sum.as_nanos() <= i64::MAX.unsigned_abs().into()).then_some(sum)
}

/// A decimal number times a unit, what is below one dropped.
fn times(number: &str, unit: u128) -> Option<u128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && part.is_empty() || part.contains('.') {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // More digits than these are below a nanosecond of an hour.
    let part = part.get(..part.len().min(18))?;
    let scale = 10_u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let part: u128 = if part.is_empty() { 0 } else { part.parse().ok()? };
    whole.checked_mul(unit)?.checked_add(part.checked_mul(unit)? / scale)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::minutes("5m", Some(300_000))]
    #[case::mixed("1h2m3s", Some(3_723_000))]
    #[case::part("1.5s", Some(1500))]
    #[case::leading_point(".5s", Some(500))]
    #[case::nothing("0", Some(0))]
    #[case::milliseconds("300ms", Some(300))]
    #[case::no_unit("5", None)]
    #[case::days("1d", None)]
    #[case::empty("", None)]
    #[case::negative("-1s", None)]
    #[case::point_alone(".s", None)]
    #[case::two_points("1.2.3s", None)]
    #[case::too_long("9999999999h", None)]
    #[case::white("1 s", None)]
    fn durations_are_those_of_go(#[case] text: &str, #[case] milliseconds: Option<u64>) {
        assert_eq!(duration(text), milliseconds.map(Duration::from_millis));
    }
}
