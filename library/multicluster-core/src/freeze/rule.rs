//! Times that come again by the rules of RFC 5545.
//!
//! The rules are worked out in local time, as if the clock never changed, and made moments afterwards, so that only one database
//! of time zones has a say.

use std::str::FromStr as _;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use rrule::RRuleSet;

use super::local;

/// The first year that a rule may begin in. The times from the beginning on are counted each time that is asked.
const FIRST_YEAR: i16 = 1970;
/// The same for rules that come every hour.
const FIRST_YEAR_HOURLY: i16 = 2020;
/// The longest text of a rule.
const MAX_LENGTH: usize = 16 * 1024;

/// Times that come again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    /// The rules over local times, written as if they were UTC.
    set: RRuleSet,
    pub(super) zone: TimeZone,
}

impl Rule {
    /// Reads the lines `DTSTART`, `RRULE`, `RDATE` and `EXDATE`. The zone is that of `DTSTART`, or else the one given.
    pub(super) fn parse(text: &str, zone: Option<TimeZone>) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("the rule is longer than {MAX_LENGTH} bytes"));
        }
        let lines = lines(text)?;
        let start = lines.iter().find(|line| line.name == "DTSTART").ok_or(
            "a line `DTSTART` is needed: the first time that the window begins, such as \
             `DTSTART;TZID=Europe/Berlin:20260102T180000`",
        )?;
        if lines.iter().filter(|line| line.name == "DTSTART").count() > 1 {
            return Err("there are several lines `DTSTART`".to_owned());
        }
        let zone = zone_of(start, zone)?;
        let first = start.times(&zone)?;
        let &[first] = first.as_slice() else { return Err("`DTSTART` is one time".to_owned()) };
        let hourly = lines.iter().any(|line| line.name == "RRULE" && line.value.contains("FREQ=HOURLY"));
        let earliest = if hourly { FIRST_YEAR_HOURLY } else { FIRST_YEAR };
        if first.year() < earliest {
            return Err(format!("`DTSTART` must not be before {earliest}"));
        }
        let mut floating = format!("DTSTART:{}", written(first));
        for line in &lines {
            let text = match line.name.as_str() {
                "RRULE" => format!("\nRRULE:{}", line.recurrence(&zone)?),
                "RDATE" | "EXDATE" => {
                    let times: Vec<String> = line.times(&zone)?.into_iter().map(written).collect();
                    format!("\n{}:{}", line.name, times.join(","))
                }
                _ => continue,
            };
            floating.push_str(&text);
        }
        if !lines.iter().any(|line| matches!(line.name.as_str(), "RRULE" | "RDATE")) {
            return Err("a line `RRULE` is needed, such as `RRULE:FREQ=WEEKLY;BYDAY=FR`".to_owned());
        }
        let set =
            RRuleSet::from_str(&floating).map_err(|error| format!("the rule is not valid: {error}"))?.limit();
        Ok(Self { set, zone })
    }

    /// The times, in their order.
    pub(super) fn times(&self) -> impl Iterator<Item = Timestamp> + '_ {
        self.set.into_iter().map_while(|floating| {
            let local = Timestamp::from_second(floating.timestamp()).ok()?.to_zoned(TimeZone::UTC).datetime();
            local::moment(&self.zone, local)
        })
    }
}

/// A line of a rule: `NAME;PARAMETER=VALUE:VALUE`.
struct Line {
    name: String,
    parameters: Vec<(String, String)>,
    value: String,
}

/// The lines of a text. Those that begin with white space go on with the line before.
fn lines(text: &str) -> Result<Vec<Line>, String> {
    let unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let mut lines = Vec::new();
    for line in unfolded.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let line = self::line(line);
        if !matches!(line.name.as_str(), "DTSTART" | "RRULE" | "RDATE" | "EXDATE") {
            let name: String = line.name.chars().take(32).collect();
            return Err(format!("a line `{name}` is not known; there are DTSTART, RRULE, RDATE and EXDATE"));
        }
        lines.push(line);
    }
    Ok(lines)
}

/// Reads a line. Names are the same in upper and lower case. A rule may be written without `RRULE:`.
fn line(text: &str) -> Line {
    let (head, value) = match text.split_once(':') {
        Some(parts) => parts,
        None if text.to_ascii_uppercase().starts_with("FREQ=") => ("RRULE", text),
        None => (text, ""),
    };
    let mut parts = head.split(';');
    let name = parts.next().unwrap_or_default().trim().to_ascii_uppercase();
    let parameters = parts
        .filter_map(|part| part.split_once('='))
        .map(|(name, value)| (name.trim().to_ascii_uppercase(), value.trim().trim_matches('"').to_owned()))
        .collect();
    Line { name, parameters, value: value.trim().to_owned() }
}

impl Line {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The local times of a line.
    fn times(&self, zone: &TimeZone) -> Result<Vec<DateTime>, String> {
        let own = self.parameter("TZID").map(local::zone).transpose()?;
        let read = |text: &str| {
            let (time, utc) = time(text.trim()).ok_or_else(|| {
                format!("`{}` has a time that is not written as `20260102T180000`", self.name)
            })?;
            match (utc, &own) {
                (true, _) => in_zone(time, &TimeZone::UTC, zone),
                (false, Some(own)) if own != zone => in_zone(time, own, zone),
                (false, _) => Ok(time),
            }
        };
        self.value.split(',').map(read).collect()
    }

    /// A rule whose end is a local time too.
    fn recurrence(&self, zone: &TimeZone) -> Result<String, String> {
        let mut parts = Vec::new();
        for part in self.value.to_ascii_uppercase().split(';').filter(|part| !part.is_empty()) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| format!("`{part}` is not `NAME=VALUE`"))?;
            match (name.trim(), value.trim()) {
                ("FREQ", often @ ("SECONDLY" | "MINUTELY")) => {
                    return Err(format!(
                        "`FREQ={often}` is too often for a freeze; the shortest is `HOURLY`"
                    ));
                }
                ("UNTIL", value) => {
                    let (until, utc) = time(value).ok_or("`UNTIL` is not written as `20261231T230000Z`")?;
                    // A date alone includes its day.
                    let until = if value.contains('T') { until } else { until.date().at(23, 59, 59, 0) };
                    let until = if utc { in_zone(until, &TimeZone::UTC, zone)? } else { until };
                    parts.push(format!("UNTIL={}", written(until)));
                }
                (name, value) => parts.push(format!("{name}={value}")),
            }
        }
        Ok(parts.join(";"))
    }
}

/// The zone that the rules hold in.
fn zone_of(start: &Line, given: Option<TimeZone>) -> Result<TimeZone, String> {
    let own = match start.parameter("TZID") {
        Some(name) => Some(local::zone(name)?),
        None if start.value.ends_with(['Z', 'z']) => Some(TimeZone::UTC),
        None => None,
    };
    match (own, given) {
        (Some(own), Some(given)) if own != given => {
            Err("`DTSTART` is in another zone than `time_zone`; leave one of them out".to_owned())
        }
        (own, given) => Ok(own.or(given).unwrap_or(TimeZone::UTC)),
    }
}

/// A local time in another zone.
fn in_zone(time: DateTime, from: &TimeZone, to: &TimeZone) -> Result<DateTime, String> {
    let moment = local::moment(from, time).ok_or("a time is too far away")?;
    Ok(moment.to_zoned(to.clone()).datetime())
}

/// `20260102T180000`, with a `Z` or without, or `20260102`.
fn time(text: &str) -> Option<(DateTime, bool)> {
    let bare = text.strip_suffix(['Z', 'z']);
    let digits = bare.unwrap_or(text);
    let (date, time) = match digits.split_once(['T', 't']) {
        Some((date, time)) => (date, time),
        None => (digits, "000000"),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if date.len() != 8 || time.len() != 6 || !all_digits(date) || !all_digits(time) {
        return None;
    }
    let date =
        Date::new(date.get(..4)?.parse().ok()?, date.get(4..6)?.parse().ok()?, date.get(6..)?.parse().ok()?);
    let time = Time::new(
        time.get(..2)?.parse().ok()?,
        time.get(2..4)?.parse().ok()?,
        time.get(4..)?.parse().ok()?,
        0,
    );
    Some((date.ok()?.to_datetime(time.ok()?), bare.is_some()))
}

/// A local time as if it were UTC.
fn written(time: DateTime) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}
