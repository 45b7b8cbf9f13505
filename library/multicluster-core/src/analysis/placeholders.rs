//! Queries are written once, with places for what differs between clusters and colours: `{{color}}`.
//!
//! Invariant: what is put into a query stays where it is put. Within quotes it is escaped; outside of quotes only what cannot
//! change the meaning of the rest is put in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::dns::suggest::{hint, nearest};
use crate::names::ClusterName;
use crate::release::Color;

/// The names that can stand in a query, apart from `args.NAME`.
pub const NAMES: [&str; 7] = ["namespace", "workload", "name", "color", "pod_hash", "cluster", "interval"];

/// What `{{interval}}` stands for in a metric that is measured once.
const USUAL_INTERVAL: Duration = Duration::from_secs(60);

/// What the places of a query stand for.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// The namespace of the workload.
    pub namespace: &'a str,
    /// The name of the workload, without colour.
    pub workload: &'a str,
    /// The name of the release resource.
    pub name: &'a str,
    /// The colour that is judged, or the old one in a baseline.
    pub color: Color,
    /// The value of the label `pod-template-hash` of that colour's pods; `None` if it is not known.
    pub pod_hash: Option<&'a str>,
    /// The cluster; `None` where all are measured together.
    pub cluster: Option<&'a ClusterName>,
    /// The metric's interval.
    pub interval: Option<Duration>,
    /// What `{{args.NAME}}` stands for.
    pub args: &'a BTreeMap<String, String>,
}

/// What stands against a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceholderError {
    /// A place has no end.
    #[error("`{{{{` without `}}}}`")]
    Open,
    /// A name that is not known.
    #[error("`{{{{{name}}}}}` is not known{hint}; known are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// `; did you mean …?`, or nothing.
        hint: String,
        /// All names.
        known: String,
    },
    /// A name that has no value here.
    #[error("`{{{{{name}}}}}` has no value {place}")]
    NoValue {
        /// The name.
        name: String,
        /// Where.
        place: &'static str,
    },
    /// A value that would change the meaning of the query.
    #[error("the value of `{{{{{name}}}}}` cannot stand {place}: {advice}")]
    Unfit {
        /// The name, not the value.
        name: String,
        /// Where.
        place: &'static str,
        /// What to do.
        advice: &'static str,
    },
}

/// A piece of a query.
enum Piece<'a> {
    Text(&'a str),
    Place(&'a str),
}

/// Splits a query at its places.
fn pieces(query: &str) -> Result<Vec<Piece<'_>>, PlaceholderError> {
    let mut pieces = Vec::new();
    let mut rest = query;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, behind) = after.split_once("}}").ok_or(PlaceholderError::Open)?;
        pieces.push(Piece::Text(before));
        pieces.push(Piece::Place(name.trim()));
        rest = behind;
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

/// The names in a query, in their order, each once.
///
/// # Errors
/// [`PlaceholderError::Open`].
pub fn names(query: &str) -> Result<Vec<&str>, PlaceholderError> {
    let mut names = Vec::new();
    for piece in pieces(query)? {
        if let Piece::Place(name) = piece
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    Ok(names)
}

/// What is wrong with the names in a query, with these arguments.
#[must_use]
pub fn check(query: &str, args: &BTreeMap<String, String>) -> Vec<PlaceholderError> {
    match names(query) {
        Err(error) => vec![error],
        Ok(names) => names.into_iter().filter_map(|name| unknown(name, args)).collect(),
    }
}

/// The error of a name that is not known.
fn unknown(name: &str, args: &BTreeMap<String, String>) -> Option<PlaceholderError> {
    let is_known = match name.strip_prefix("args.") {
        Some(arg) => args.contains_key(arg),
        None => NAMES.contains(&name),
    };
    if is_known {
        return None;
    }
    let mut all: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    all.extend(args.keys().map(|arg| format!("args.{arg}")));
    let meant = nearest(name, all.iter().map(String::as_str));
    Some(PlaceholderError::Unknown {
        name: name.chars().take(64).collect(),
        hint: hint(meant),
        known: all.join(", "),
    })
}

/// The query with everything in its place.
///
/// Names are taken literally, also within regular expressions. Arguments are patterns if they stand in one.
///
/// # Errors
/// All of [`PlaceholderError`].
pub fn fill(query: &str, values: &Values<'_>) -> Result<String, PlaceholderError> {
    let mut filled = String::with_capacity(query.len() + 64);
    let mut quoting = Quoting::default();
    for piece in pieces(query)? {
        match piece {
            Piece::Text(text) => {
                quoting.read(text);
                filled.push_str(text);
            }
            Piece::Place(name) => {
                let value = value(name, values)?;
                filled.push_str(&quoting.fit(name, &value)?);
            }
        }
    }
    Ok(filled)
}

fn value(name: &str, values: &Values<'_>) -> Result<String, PlaceholderError> {
    let missing = |place| PlaceholderError::NoValue { name: name.to_owned(), place };
    if let Some(error) = unknown(name, values.args) {
        return Err(error);
    }
    if let Some(arg) = name.strip_prefix("args.") {
        return values.args.get(arg).cloned().ok_or_else(|| missing("in `args`"));
    }
    Ok(match name {
        "namespace" => values.namespace.to_owned(),
        "workload" => values.workload.to_owned(),
        "name" => values.name.to_owned(),
        "color" => values.color.to_string(),
        "pod_hash" => values.pod_hash.ok_or_else(|| missing("before there are pods"))?.to_owned(),
        "cluster" => {
            values.cluster.ok_or_else(|| missing("where all clusters are measured together"))?.to_string()
        }
        _ => prometheus_duration(values.interval.unwrap_or(USUAL_INTERVAL)),
    })
}

/// A duration as Prometheus writes it: `1m30s`, `500ms`.
#[must_use]
pub fn prometheus_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1);
    let mut text = String::new();
    for (unit, milliseconds) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if rest >= milliseconds {
            // Writing to a text cannot fail.
            let _ = write!(text, "{}{unit}", rest / milliseconds);
            rest %= milliseconds;
        }
    }
    text
}

/// Whether a place is within quotes, as PromQL has them.
#[derive(Default)]
struct Quoting {
    /// The quote that is open.
    open: Option<char>,
    /// Whether what is in the quotes is a regular expression.
    pattern: bool,
    /// The last characters outside of quotes that are not white space.
    last: [char; 2],
    escaped: bool,
    comment: bool,
}

impl Quoting {
    fn read(&mut self, text: &str) {
        for char in text.chars() {
            match self.open {
                _ if self.comment => self.comment = char != '\n',
                Some(_) if self.escaped => self.escaped = false,
                Some(quote) if char == quote => {
                    self.open = None;
                    self.last = [' ', quote];
                }
                Some(quote) => self.escaped = char == '\\' && quote != '`',
                None if matches!(char, '"' | '\'' | '`') => {
                    self.open = Some(char);
                    self.pattern = matches!(self.last, ['=' | '!', '~']);
                }
                None if char == '#' => self.comment = true,
                None if !char.is_whitespace() => self.last = [self.last[1], char],
                None => {}
            }
        }
    }

    /// A value as it can stand here.
    fn fit(&mut self, name: &str, value: &str) -> Result<String, PlaceholderError> {
        let unfit = |place, advice| PlaceholderError::Unfit { name: name.to_owned(), place, advice };
        let is_arg = name.starts_with("args.");
        let Some(quote) = self.open else {
            let fits = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | ':' | '.');
            // Names have dashes, which PromQL would subtract by; numbers may have a sign.
            let sign = if is_arg { value.strip_prefix(['-', '+']).unwrap_or(value) } else { value };
            return if !sign.is_empty() && sign.chars().all(fits) {
                self.last = [' ', 'a'];
                Ok(value.to_owned())
            } else {
                Err(unfit("outside of quotes", "there it may be a number, a duration or a word only"))
            };
        };
        if self.comment || value.chars().any(char::is_control) {
            return Err(unfit("there", "it has characters that cannot be written in a query"));
        }
        let literal = if self.pattern && !is_arg { escape_pattern(value) } else { value.to_owned() };
        if quote == '`' {
            return if literal.contains('`') {
                Err(unfit("within backticks", "it has a backtick; use double quotes in the query"))
            } else {
                Ok(literal)
            };
        }
        let mut escaped = String::with_capacity(literal.len());
        for char in literal.chars() {
            if char == '\\' || char == quote {
                escaped.push('\\');
            }
            escaped.push(char);
        }
        Ok(escaped)
    }
}

/// A text as a pattern (RE2) that fits nothing else.
fn escape_pattern(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if r"\.+*?()|[]{}^$".contains(char) {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn filled(query: &str, workload: &str, arg: &str) -> Result<String, PlaceholderError> {
        let args = BTreeMap::from([("x".to_owned(), arg.to_owned())]);
        fill(
            query,
            &Values {
                namespace: "shop",
                workload,
                name: "frontend",
                color: Color::Green,
                pod_hash: Some("5d9c7b"),
                cluster: Some(&ClusterName::new("eu-1").unwrap()),
                interval: Some(Duration::from_secs(90)),
                args: &args,
            },
        )
    }

    #[rstest]
    #[case::names(
        r#"up{ns="{{namespace}}",pod=~"{{workload}}-{{ color }}-.*"}"#,
        r#"up{ns="shop",pod=~"web-green-.*"}"#
    )]
    #[case::interval("rate(x[{{interval}}])", "rate(x[1m30s])")]
    #[case::more_names(
        r#"x{c="{{cluster}}",h="{{pod_hash}}",n="{{name}}"}"#,
        r#"x{c="eu-1",h="5d9c7b",n="frontend"}"#
    )]
    #[case::argument_in_quotes(r#"x{a="{{args.x}}"}"#, r#"x{a="0.5"}"#)]
    #[case::argument_outside("x > {{args.x}}", "x > 0.5")]
    fn places_are_filled(#[case] query: &str, #[case] expect: &str) {
        assert_eq!(filled(query, "web", "0.5").unwrap(), expect);
    }

    #[rstest]
    #[case::double("x{a=\"{{args.x}}\"}", "a\"} or up{b=\"", "x{a=\"a\\\"} or up{b=\\\"\"}")]
    #[case::single("x{a='{{args.x}}'}", "it's", r"x{a='it\'s'}")]
    #[case::backslash("x{a=\"{{args.x}}\"}", "\\", r#"x{a="\\"}"#)]
    #[case::pattern_stays_a_pattern("x{a=~\"{{args.x}}\"}", "a|b.*", "x{a=~\"a|b.*\"}")]
    #[case::backticks("x{a=~`{{args.x}}`}", r"a\d", r"x{a=~`a\d`}")]
    #[case::after_an_escaped_quote(r#"x{b="\"",a="{{args.x}}"}"#, "\"", r#"x{b="\"",a="\""}"#)]
    fn values_stay_within_their_quotes(#[case] query: &str, #[case] arg: &str, #[case] expect: &str) {
        assert_eq!(filled(query, "web", arg).unwrap(), expect);
    }

    #[test]
    fn a_name_in_a_pattern_stands_for_itself() {
        assert_eq!(filled("x{a=~\"{{workload}}-.*\"}", "a.b", "").unwrap(), r#"x{a=~"a\\.b-.*"}"#);
        assert_eq!(filled("x{a=~`{{workload}}`}", "a.b", "").unwrap(), r"x{a=~`a\.b`}");
        assert_eq!(filled("x{a=\"{{workload}}\"}", "a.b", "").unwrap(), r#"x{a="a.b"}"#);
    }

    #[rstest]
    #[case::an_expression("x > {{args.x}}", "1 or up")]
    #[case::nothing("x > {{args.x}}", "")]
    #[case::a_backtick("x{a=`{{args.x}}`}", "`")]
    #[case::a_line("x{a=\"{{args.x}}\"}", "a\nb")]
    #[case::a_name_outside_of_quotes("{{cluster}}_requests_total", "")]
    fn values_that_do_not_fit_are_refused(#[case] query: &str, #[case] arg: &str) {
        assert!(matches!(filled(query, "web", arg), Err(PlaceholderError::Unfit { .. })), "{query}");
    }

    #[test]
    fn names_that_are_not_known_are_found() {
        let args = BTreeMap::from([("threshold".to_owned(), "1".to_owned())]);
        let texts: Vec<String> = check("{{colour}} {{args.treshold}} {{color}} {{zzzzzzzz}}", &args)
            .iter()
            .map(ToString::to_string)
            .collect();
        let known = "known are namespace, workload, name, color, pod_hash, cluster, interval, args.threshold";
        assert_eq!(
            texts,
            [
                format!("`{{{{colour}}}}` is not known; did you mean `color`?; {known}"),
                format!("`{{{{args.treshold}}}}` is not known; did you mean `args.threshold`?; {known}"),
                format!("`{{{{zzzzzzzz}}}}` is not known; {known}"),
            ]
        );
        assert_eq!(check("{{color", &args), [PlaceholderError::Open]);
    }

    #[rstest]
    #[case(Duration::from_secs(3661), "1h1m1s")]
    #[case(Duration::from_millis(1500), "1s500ms")]
    #[case(Duration::ZERO, "1ms")]
    fn durations(#[case] duration: Duration, #[case] expect: &str) {
        assert_eq!(prometheus_duration(duration), expect);
    }

    proptest! {
        /// Whatever the value, the quotes of the query end where they did.
        #[test]
        fn no_value_leaves_its_quotes(arg in any::<String>(), quote in prop_oneof![Just('"'), Just('\''), Just('`')]) {
            if let Ok(filled) = filled(&format!("x{{a={quote}{{{{args.x}}}}{quote}}}"), "web", &arg) {
                let mut quoting = Quoting::default();
                let inner = filled.strip_suffix('}').unwrap().strip_suffix(quote).unwrap();
                quoting.read(inner);
                prop_assert_eq!(quoting.open, Some(quote));
                prop_assert!(!quoting.escaped);
            }
        }
    }
}
