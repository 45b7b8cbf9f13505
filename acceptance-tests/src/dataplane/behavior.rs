//! What the servers in the pods do besides answering: fail, and take their time. Pure.

use std::time::Duration;

use super::backends::Process;

/// Whose behaviour is meant: all pods for which everything that is given fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Who {
    /// Pods of this version.
    pub version: Option<String>,
    /// Pods of this colour.
    pub color: Option<String>,
}

impl Who {
    /// All pods.
    pub fn all() -> Self {
        Self::default()
    }

    /// Those of a version.
    pub fn version(version: &str) -> Self {
        Self { version: Some(version.to_owned()), color: None }
    }

    /// Those of a colour.
    pub fn color(color: &str) -> Self {
        Self { version: None, color: Some(color.to_owned()) }
    }

    fn means(&self, process: &Process) -> bool {
        self.version.as_ref().is_none_or(|version| *version == process.version)
            && self.color.as_ref().is_none_or(|color| *color == process.color)
    }
}

/// What servers do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Behavior {
    /// The part of requests that fail, from 0 to 1. They are spread evenly and not drawn, so that 0.15 is 15 of 100.
    pub errors: f64,
    /// How they fail.
    pub status: u16,
    /// How long every answer takes.
    pub latency: Duration,
}

impl Default for Behavior {
    /// Answers well, at once.
    fn default() -> Self {
        Self { errors: 0.0, status: 500, latency: Duration::ZERO }
    }
}

impl Behavior {
    /// Fails for this part of all requests.
    pub fn failing(errors: f64) -> Self {
        Self { errors, ..Self::default() }
    }

    /// Whether the request with this number fails.
    pub(super) fn fails(&self, number: u64) -> bool {
        // The rule of Bresenham's line: the count of failures is the ratio of the count, rounded down.
        let failures = |count: u64| (count as f64 * self.errors).floor();
        failures(number + 1) > failures(number)
    }
}

/// What was said last of those who are meant counts.
pub(super) fn of(rules: &[(Who, Behavior)], process: &Process) -> Behavior {
    let said = rules.iter().rev().find(|(who, _)| who.means(process));
    said.map(|(_, behavior)| *behavior).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_spread_evenly() {
        for (errors, expected) in [(0.0, 0), (0.15, 15), (0.5, 50), (1.0, 100)] {
            let behavior = Behavior::failing(errors);
            assert_eq!((0..100).filter(|number| behavior.fails(*number)).count(), expected);
        }
    }

    #[test]
    fn the_last_word_counts() {
        let process = Process { version: "2".to_owned(), ..Process::default() };
        let rules = [
            (Who::version("2"), Behavior::failing(0.5)),
            (Who::all(), Behavior::failing(0.1)),
            (Who::color("green"), Behavior::failing(1.0)),
        ];
        assert_eq!(of(&rules, &process).errors, 0.1);
        assert_eq!(of(&rules[..1], &process).errors, 0.5);
        assert_eq!(of(&[], &process), Behavior::default());
    }
}
