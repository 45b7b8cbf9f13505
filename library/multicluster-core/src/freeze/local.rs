//! Local times and moments.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Span, Timestamp};

use crate::dns::suggest::{hint, nearest};

/// The zone of a name such as `Europe/Berlin`.
pub(super) fn zone(name: &str) -> Result<TimeZone, String> {
    let database = TimeZoneDatabase::bundled();
    if let Ok(zone) = database.get(name) {
        return Ok(zone);
    }
    let known: Vec<String> = database.available().map(|name| name.as_str().to_owned()).collect();
    // Many write the city alone, or the zone in the wrong continent.
    let city =
        |name: &str| name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase().replace(' ', "_");
    let same_city = known.iter().find(|known| city(known) == city(name)).map(String::as_str);
    let meant = same_city.or_else(|| nearest(name, known.iter().map(String::as_str)));
    let shown: String = name.chars().take(64).collect();
    Err(format!("there is no time zone `{shown}` in the IANA database, as `Europe/Berlin` is{}", hint(meant)))
}

/// The moment of a local time. One that the clock leaves out is moved on by what is left out; of one that comes twice the first
/// is meant, as RFC 5545 has it.
pub(super) fn moment(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(local).compatible().ok()
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The end of a window: whole days go by the calendar, so that a window of `24h` from midnight ends at midnight also on a day that
/// has 23 hours; the rest goes by the clock.
pub(super) fn end(zone: &TimeZone, start: Timestamp, duration: Duration) -> Option<Timestamp> {
    let days = i32::try_from(duration.as_secs() / DAY.as_secs()).ok()?;
    let rest = Duration::new(duration.as_secs() % DAY.as_secs(), duration.subsec_nanos());
    let later = if days == 0 {
        start
    } else {
        let span = Span::new().try_days(days).ok()?;
        start.to_zoned(zone.clone()).checked_add(span).ok()?.timestamp()
    };
    later.checked_add(SignedDuration::try_from(rest).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::typo("Europe/Berln", "`Europe/Berlin`?")]
    #[case::city("Berlin", "`Europe/Berlin`?")]
    #[case::wrong_continent("America/Tokyo", "`Asia/Tokyo`?")]
    #[case::city_with_a_space("New York", "`America/New_York`?")]
    #[case::nothing_like_it("Atlantis/Nowhere", "as `Europe/Berlin` is")]
    fn a_zone_that_is_not_known_has_advice(#[case] name: &str, #[case] end: &str) {
        let error = zone(name).unwrap_err();
        assert!(error.ends_with(end), "{error}");
    }

    #[rstest]
    #[case::day_of_23_hours("2026-03-29T00:00:00+01:00", "24h", "2026-03-30T00:00:00+02:00")]
    #[case::day_of_25_hours("2026-10-25T00:00:00+02:00", "24h", "2026-10-26T00:00:00+01:00")]
    #[case::hours_go_by_the_clock("2026-03-29T00:00:00+01:00", "4h", "2026-03-29T05:00:00+02:00")]
    #[case::a_weekend("2026-03-27T18:00:00+01:00", "62h", "2026-03-30T08:00:00+02:00")]
    fn whole_days_go_by_the_calendar(#[case] start: &str, #[case] duration: &str, #[case] expect: &str) {
        let hours: u64 = duration.strip_suffix('h').unwrap().parse().unwrap();
        let found =
            end(&zone("Europe/Berlin").unwrap(), start.parse().unwrap(), Duration::from_secs(hours * 3600));
        assert_eq!(found, Some(expect.parse().unwrap()));
    }
}
