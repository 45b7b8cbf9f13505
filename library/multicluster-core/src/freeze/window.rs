//! One freeze window.

use std::time::Duration;

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::local;
use super::rule::Rule;

/// A time, or times that come again, in which no wave may begin.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use multicluster_core::freeze::{WindowConfig, is_frozen};
///
/// let weekend = WindowConfig {
///     cron: Some("0 18 * * FRI".into()),
///     duration: Some(Duration::from_secs(62 * 60 * 60)),
///     time_zone: Some("Europe/Berlin".into()),
///     reason: "weekend".into(),
///     ..WindowConfig::default()
/// }
/// .window()
/// .unwrap();
/// let saturday = "2026-06-06T12:00:00Z".parse().unwrap();
/// let frozen = is_frozen(&[weekend], saturday).unwrap();
/// assert_eq!(frozen.until, "2026-06-08T06:00:00Z".parse().unwrap());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    when: When,
    reason: String,
}

/// When a window holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum When {
    /// Once.
    Once {
        /// The first moment of it.
        from: Timestamp,
        /// The first moment after it.
        until: Timestamp,
    },
    /// For some time from every moment on that a cron expression fits.
    Cron { cron: Box<Cron>, zone: TimeZone, duration: Duration },
    /// For some time from every moment on that rules name.
    Rule { rule: Box<Rule>, duration: Duration },
}

/// How many times in a row may follow each other without a gap.
const ROW: usize = 10_000;
/// How long a row of times without a gap may be before it is taken for one without an end.
const LONGEST_ROW: SignedDuration = SignedDuration::from_hours(400 * 24);

impl Window {
    /// A window that holds once, from a moment on and until another, that one left out.
    #[must_use]
    pub fn between(from: Timestamp, until: Timestamp, reason: impl Into<String>) -> Self {
        Self { when: When::Once { from, until }, reason: reason.into() }
    }

    pub(super) fn new(when: When, reason: &str) -> Self {
        Self { when, reason: reason.to_owned() }
    }

    /// Why there is a freeze, as the user says.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// When it ends, if it holds now. Times that come again and follow each other without a gap have the end of the last.
    #[must_use]
    pub fn end_if_open(&self, now: Timestamp) -> Option<Timestamp> {
        let mut end = None;
        for (count, (from, until)) in self.times_around(now).enumerate() {
            match end {
                None if from <= now && now < until => end = Some(until),
                None if from > now => return None,
                Some(latest) if from > latest => break,
                Some(latest) => end = Some(until.max(latest)),
                None => {}
            }
            let endless = end.is_some_and(|end| end.duration_since(now) > LONGEST_ROW);
            if count > ROW || endless {
                break;
            }
        }
        end
    }

    /// Whether it never ends once it has begun, tried from the first time on after a moment.
    pub(super) fn is_endless(&self, after: Timestamp) -> bool {
        let Some((first, _)) = self.times_around(after).find(|(from, _)| *from >= after) else {
            return false;
        };
        let mut end = first;
        for (count, (from, until)) in self.times_around(first).enumerate() {
            if from > end {
                return false;
            }
            end = end.max(until);
            if count >= ROW || end.duration_since(first) > LONGEST_ROW {
                return !matches!(self.when, When::Once { .. });
            }
        }
        false
    }

    /// Whether there is a time at all.
    pub(super) fn comes(&self, after: Timestamp) -> bool {
        self.times_around(after).next().is_some()
    }

    /// Times from the last one on that began before a moment, as far as there are any; at least all those that begin after it,
    /// without an end.
    fn times_around<'a>(&'a self, now: Timestamp) -> Box<dyn Iterator<Item = (Timestamp, Timestamp)> + 'a> {
        match &self.when {
            When::Once { from, until } => Box::new(std::iter::once((*from, *until))),
            When::Cron { cron, zone, duration } => {
                let time = now.to_zoned(zone.clone());
                let last = cron.find_previous_occurrence(&time, true).ok();
                let later = cron.iter_after(time).take_while(|time| time.timestamp() < Timestamp::MAX);
                let times = last.into_iter().chain(later).map(|time| time.timestamp());
                Box::new(times.filter_map(|from| Some((from, local::end(zone, from, *duration)?))))
            }
            When::Rule { rule, duration } => {
                let mut times = rule.times().peekable();
                let mut last = None;
                while let Some(time) = times.next_if(|time| *time <= now) {
                    last = Some(time);
                }
                let times = last.into_iter().chain(times);
                Box::new(times.filter_map(|from| Some((from, local::end(&rule.zone, from, *duration)?))))
            }
        }
    }
}
