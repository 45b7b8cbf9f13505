//! Freeze windows as users write them.

use std::str::FromStr as _;
use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::local;
use super::rule::Rule;
use super::window::{When, Window};
use crate::dns::Problem;

/// A freeze window as a user writes it: `cron` or `rrule` with a `duration`, or `from` and `until`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WindowConfig {
    /// When it begins, as a cron expression of five fields (minute, hour, day of the month, month, day of the week).
    pub cron: Option<String>,
    /// When it begins, as lines `DTSTART`, `RRULE`, `RDATE` and `EXDATE` of RFC 5545.
    pub rrule: Option<String>,
    /// How long it lasts from there.
    pub duration: Option<Duration>,
    /// The IANA zone of the local times; UTC if absent.
    pub time_zone: Option<String>,
    /// The first moment, with an offset (`2026-12-24T00:00:00+01:00`) or as a local time.
    pub from: Option<String>,
    /// The first moment after it, in the same way.
    pub until: Option<String>,
    /// Why, for people.
    pub reason: String,
}

/// The longest window.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// From here on windows are tried: a Monday at the beginning of a leap year.
const TRIED_FROM: i64 = 1_704_067_200;

/// The longest cron expression.
const MAX_CRON: usize = 256;

impl WindowConfig {
    /// The window.
    ///
    /// # Errors
    /// Everything that is wrong with it, with paths from the window on.
    pub fn window(&self) -> Result<Window, Vec<Problem>> {
        let mut problems = self.shape();
        let zone = self.time_zone.as_deref().map(local::zone).transpose();
        let zone = match zone {
            Ok(zone) => zone,
            Err(text) => {
                problems.push(Problem::at(["time_zone"], text));
                None
            }
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        let one = |problem| vec![problem];
        let (when, attribute) = match (&self.cron, &self.rrule) {
            (Some(cron), _) => (self.cron(cron, zone.unwrap_or(TimeZone::UTC)).map_err(one)?, "cron"),
            (None, Some(rrule)) => {
                let rule = Rule::parse(rrule, zone).map_err(|text| one(Problem::at(["rrule"], text)))?;
                (When::Rule { rule: Box::new(rule), duration: self.duration.unwrap_or_default() }, "rrule")
            }
            (None, None) => return self.once(&zone.unwrap_or(TimeZone::UTC)).map_err(one),
        };
        let window = Window::new(when, &self.reason);
        let tried_from = Timestamp::from_second(TRIED_FROM).unwrap_or_default();
        if !window.comes(tried_from) {
            return Err(one(Problem::at([attribute], "this never comes: no day fits")));
        }
        if window.is_endless(tried_from) {
            let text = "the window never ends: it lasts until it begins again. Make it shorter, or let it begin less often";
            return Err(one(Problem::at(["duration"], text)));
        }
        Ok(window)
    }

    /// What is missing or too much.
    fn shape(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let bounds = self.from.is_some() || self.until.is_some();
        let kinds = [self.cron.is_some(), self.rrule.is_some(), bounds].into_iter().filter(|is| *is).count();
        if kinds != 1 {
            let text = "give exactly one of `cron` with `duration`, `rrule` with `duration`, and `from` with `until`";
            problems.push(Problem::at([], text));
            return problems;
        }
        if bounds {
            if self.duration.is_some() {
                problems.push(Problem::at(["duration"], "does not go with `from` and `until`"));
            }
            for (name, value) in [("from", &self.from), ("until", &self.until)] {
                if value.is_none() {
                    problems.push(Problem::at([name], "is needed: a freeze has a beginning and an end"));
                }
            }
            return problems;
        }
        match self.duration {
            None => problems
                .push(Problem::at(["duration"], "is needed: how long the window lasts, such as `62h`")),
            Some(Duration::ZERO) => problems.push(Problem::at(["duration"], "must be longer than nothing")),
            Some(duration) if duration > LONGEST => {
                problems.push(Problem::at(
                    ["duration"],
                    "must not be longer than a year; use `from` and `until`",
                ));
            }
            Some(_) => {}
        }
        problems
    }

    fn cron(&self, text: &str, zone: TimeZone) -> Result<When, Problem> {
        let problem = |text: String| Problem::at(["cron"], text);
        if text.len() > MAX_CRON {
            return Err(problem(format!("the expression is longer than {MAX_CRON} bytes")));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|error| {
            problem(format!(
                "`{text}` is not a cron expression of five fields (minute, hour, day of the month, month, day of the \
                 week), such as `0 18 * * FRI`: {error}"
            ))
        })?;
        Ok(When::Cron { cron: Box::new(cron), zone, duration: self.duration.unwrap_or_default() })
    }

    fn once(&self, zone: &TimeZone) -> Result<Window, Problem> {
        let read = |name: &str, text: &Option<String>| {
            let text = text.as_deref().unwrap_or_default();
            moment(text, zone).ok_or_else(|| {
                let text = format!(
                    "`{text}` is not a time; write `2026-12-24T00:00:00+01:00`, or `2026-12-24T00:00:00` with `time_zone`"
                );
                Problem::at([name], text)
            })
        };
        let from = read("from", &self.from)?;
        let until = read("until", &self.until)?;
        if until <= from {
            return Err(Problem::at(["until"], "must be after `from`"));
        }
        Ok(Window::new(When::Once { from, until }, &self.reason))
    }
}

/// A moment with an offset, or a local time.
fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = Timestamp::from_str(text) {
        return Some(moment);
    }
    // What has an offset or a zone that could not be read is not a local time.
    if text.contains(['[', 'Z', 'z', '+']) {
        return None;
    }
    local::moment(zone, DateTime::from_str(text).ok()?)
}
