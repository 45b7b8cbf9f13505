use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use multicluster_core::freeze::{Window, WindowConfig, is_frozen, next_opening};
use proptest::prelude::*;
use rstest::rstest;

fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3600)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn cron(cron: &str, duration: Duration, zone: &str) -> WindowConfig {
    WindowConfig {
        cron: Some(cron.into()),
        duration: Some(duration),
        time_zone: Some(zone.into()),
        reason: "quiet".into(),
        ..WindowConfig::default()
    }
}

fn rule(rrule: &str, duration: Duration) -> WindowConfig {
    WindowConfig { rrule: Some(rrule.into()), duration: Some(duration), ..WindowConfig::default() }
}

fn between(from: &str, until: &str, zone: Option<&str>) -> WindowConfig {
    WindowConfig {
        from: Some(from.into()),
        until: Some(until.into()),
        time_zone: zone.map(str::to_owned),
        ..WindowConfig::default()
    }
}

/// Until when it is frozen, or nothing.
fn until(config: &WindowConfig, now: &str) -> Option<Timestamp> {
    is_frozen(&[config.window().unwrap()], at(now)).map(|frozen| frozen.until)
}

const WEEKEND: (&str, &str) = ("0 18 * * FRI", "Europe/Berlin");

#[rstest]
#[case::before_it("2026-06-05T15:59:59Z", None)]
#[case::its_first_moment("2026-06-05T16:00:00Z", Some("2026-06-08T06:00:00Z"))]
#[case::in_it("2026-06-07T12:00:00Z", Some("2026-06-08T06:00:00Z"))]
#[case::its_last_second("2026-06-08T05:59:59Z", Some("2026-06-08T06:00:00Z"))]
#[case::its_end_is_not_in_it("2026-06-08T06:00:00Z", None)]
#[case::winter("2026-01-10T12:00:00Z", Some("2026-01-12T07:00:00Z"))]
#[case::the_clock_goes_forward_in_it("2026-03-28T12:00:00Z", Some("2026-03-30T06:00:00Z"))]
#[case::the_clock_goes_back_in_it("2026-10-24T12:00:00Z", Some("2026-10-26T07:00:00Z"))]
fn a_weekend_by_cron(#[case] now: &str, #[case] expect: Option<&str>) {
    assert_eq!(until(&cron(WEEKEND.0, hours(62), WEEKEND.1), now), expect.map(at));
}

#[rstest]
#[case::before_it("2026-06-05T15:59:59Z", None)]
#[case::first_moment("2026-06-05T16:00:00Z", Some("2026-06-08T06:00:00Z"))]
#[case::winter("2026-01-10T12:00:00Z", Some("2026-01-12T07:00:00Z"))]
#[case::before_the_first_time("2025-12-27T12:00:00Z", None)]
#[case::the_clock_goes_forward_in_it("2026-03-28T12:00:00Z", Some("2026-03-30T06:00:00Z"))]
#[case::left_out("2026-07-04T12:00:00Z", None)]
#[case::after_the_last("2026-12-27T12:00:00Z", None)]
fn the_same_weekend_by_rule(#[case] now: &str, #[case] expect: Option<&str>) {
    let text = "DTSTART;TZID=Europe/Berlin:20260102T180000\nRRULE:FREQ=WEEKLY;BYDAY=FR;UNTIL=20261224T230000Z\n\
                EXDATE;TZID=Europe/Berlin:20260703T180000";
    assert_eq!(until(&rule(text, hours(62)), now), expect.map(at));
}

/// On 29 March 2026 the clocks of Berlin have no 02:30, and on 25 October they have it twice.
#[rstest]
#[case::cron_in_the_gap(cron("30 2 * * *", hours(1), "Europe/Berlin"), "2026-03-29T01:40:00Z", true)]
#[case::cron_before_the_gap(cron("30 2 * * *", hours(1), "Europe/Berlin"), "2026-03-29T00:40:00Z", false)]
#[case::cron_first_of_two(cron("30 2 * * *", hours(1), "Europe/Berlin"), "2026-10-25T00:40:00Z", true)]
#[case::cron_not_the_second(cron("30 2 * * *", hours(1), "Europe/Berlin"), "2026-10-25T01:40:00Z", false)]
#[case::rule_in_the_gap(
    rule("DTSTART;TZID=Europe/Berlin:20260101T023000\nRRULE:FREQ=DAILY", hours(1)),
    "2026-03-29T01:40:00Z",
    true
)]
#[case::rule_first_of_two(
    rule("DTSTART;TZID=Europe/Berlin:20260101T023000\nRRULE:FREQ=DAILY", hours(1)),
    "2026-10-25T00:40:00Z",
    true
)]
#[case::rule_not_the_second(
    rule("DTSTART;TZID=Europe/Berlin:20260101T023000\nRRULE:FREQ=DAILY", hours(1)),
    "2026-10-25T01:40:00Z",
    false
)]
#[case::local_bounds_in_the_gap(
    between("2026-03-29T02:30:00", "2026-03-29T05:00:00", Some("Europe/Berlin")),
    "2026-03-29T01:35:00Z",
    true
)]
fn hours_that_are_left_out_or_come_twice(
    #[case] config: WindowConfig,
    #[case] now: &str,
    #[case] frozen: bool,
) {
    assert_eq!(until(&config, now).is_some(), frozen);
}

#[rstest]
#[case::offset(
    between("2026-12-24T00:00:00+01:00", "2026-12-27T00:00:00+01:00", None),
    "2026-12-23T23:00:00Z"
)]
#[case::local(between("2026-12-24T00:00:00", "2026-12-27", Some("Europe/Berlin")), "2026-12-23T23:00:00Z")]
#[case::zulu(between("2026-12-23T23:00:00Z", "2026-12-26T23:00:00Z", None), "2026-12-23T23:00:00Z")]
fn bounds(#[case] config: WindowConfig, #[case] first: &str) {
    assert_eq!(until(&config, first), Some(at("2026-12-26T23:00:00Z")));
    assert_eq!(is_frozen(&[config.window().unwrap()], at(first) - SignedDuration::from_nanos(1)), None);
}

#[rstest]
#[case::last_friday("DTSTART:20260101T000000Z\nRRULE:FREQ=MONTHLY;BYDAY=-1FR", "2026-02-27T05:00:00Z", true)]
#[case::not_another_friday(
    "DTSTART:20260101T000000Z\nRRULE:FREQ=MONTHLY;BYDAY=-1FR",
    "2026-02-20T05:00:00Z",
    false
)]
#[case::count("DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY;COUNT=3", "2026-01-03T05:00:00Z", true)]
#[case::after_the_count("DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY;COUNT=3", "2026-01-04T05:00:00Z", false)]
#[case::single_dates(
    "DTSTART:20260101T000000Z\nRDATE:20260301T000000Z,20260401T000000Z",
    "2026-04-01T05:00:00Z",
    true
)]
#[case::date_alone("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY", "2027-01-01T05:00:00Z", true)]
#[case::until_a_date_includes_it(
    "DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY;UNTIL=20260103",
    "2026-01-03T05:00:00Z",
    true
)]
#[case::without_a_name("DTSTART:20260101T000000Z\nFREQ=WEEKLY", "2026-01-08T05:00:00Z", true)]
#[case::folded_lines("DTSTART:20260101T000000Z\r\nRRULE:FREQ=WEE\r\n KLY\r\n", "2026-01-08T05:00:00Z", true)]
#[case::lower_case("dtstart:20260101T000000Z\nrrule:freq=weekly", "2026-01-08T05:00:00Z", true)]
fn rules(#[case] text: &str, #[case] now: &str, #[case] frozen: bool) {
    assert_eq!(until(&rule(text, hours(6)), now).is_some(), frozen);
}

#[test]
fn windows_that_follow_each_other_are_one_freeze() {
    let first = Window::between(at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"), "new year");
    let second = Window::between(at("2026-01-02T00:00:00Z"), at("2026-01-03T00:00:00Z"), "inventory");
    let apart = Window::between(at("2026-01-03T00:00:01Z"), at("2026-01-04T00:00:00Z"), "other");
    let frozen = is_frozen(&[second, first, apart], at("2026-01-01T12:00:00Z")).unwrap();
    assert_eq!((frozen.which, frozen.reason.as_str()), (1, "new year"));
    assert_eq!(frozen.until, at("2026-01-03T00:00:00Z"));
}

#[test]
fn times_that_follow_each_other_are_one_freeze() {
    let config = cron("* 8-17 * * *", Duration::from_secs(60), "UTC");
    assert_eq!(until(&config, "2026-01-01T08:00:30Z"), Some(at("2026-01-01T18:00:00Z")));
    assert_eq!(until(&config, "2026-01-01T18:00:00Z"), None);
}

#[rstest]
#[case::nothing(WindowConfig::default(), "give exactly one of")]
#[case::two(WindowConfig { rrule: Some("x".into()), ..cron("0 0 * * *", hours(1), "UTC") }, "give exactly one of")]
#[case::no_duration(WindowConfig { duration: None, ..cron("0 0 * * *", hours(1), "UTC") }, "duration: is needed")]
#[case::no_time(cron("0 0 * * *", Duration::ZERO, "UTC"), "duration: must be longer than nothing")]
#[case::always(cron("0 0 * * *", hours(24), "Europe/Berlin"), "duration: the window never ends")]
#[case::always_by_the_minute(
    cron("* * * * *", Duration::from_secs(60), "UTC"),
    "duration: the window never ends"
)]
#[case::always_by_rule(
    rule("DTSTART:20260101T000000Z\nRRULE:FREQ=WEEKLY", hours(168)),
    "duration: the window never ends"
)]
#[case::never(cron("0 0 30 2 *", hours(1), "UTC"), "cron: this never comes")]
#[case::zone(cron("0 0 * * *", hours(1), "Europe/Berln"), "did you mean `Europe/Berlin`?")]
#[case::not_cron(cron("0 0 * *", hours(1), "UTC"), "cron: `0 0 * *` is not a cron expression of five fields")]
#[case::seconds(cron("0 0 0 * * *", hours(1), "UTC"), "is not a cron expression of five fields")]
#[case::no_until(WindowConfig { until: None, ..between("2026-01-01T00:00:00Z", "", None) }, "until: is needed")]
#[case::backwards(
    between("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", None),
    "until: must be after `from`"
)]
#[case::not_a_time(between("tomorrow", "2026-01-01T00:00:00Z", None), "from: `tomorrow` is not a time")]
#[case::no_start(rule("RRULE:FREQ=WEEKLY", hours(1)), "rrule: a line `DTSTART` is needed")]
#[case::no_rule(rule("DTSTART:20260101T000000Z", hours(1)), "rrule: a line `RRULE` is needed")]
#[case::other_lines(
    rule("DTSTART:20260101T000000Z\nSUMMARY:x", hours(1)),
    "rrule: a line `SUMMARY` is not known"
)]
#[case::not_a_rule(
    rule("DTSTART:20260101T000000Z\nRRULE:FREQ=OFTEN", hours(1)),
    "rrule: the rule is not valid"
)]
#[case::too_often(
    rule("DTSTART:20260101T000000Z\nRRULE:FREQ=SECONDLY", hours(1)),
    "rrule: `FREQ=SECONDLY` is too often"
)]
#[case::two_zones(
    WindowConfig {
        time_zone: Some("UTC".into()),
        ..rule("DTSTART;TZID=Asia/Tokyo:20260101T000000\nRRULE:FREQ=YEARLY", hours(1))
    },
    "rrule: `DTSTART` is in another zone than `time_zone`"
)]
#[case::too_early(rule("DTSTART:19000101T000000Z\nRRULE:FREQ=YEARLY", hours(1)), "must not be before 1970")]
fn windows_that_cannot_be(#[case] config: WindowConfig, #[case] expect: &str) {
    let problems = config.window().unwrap_err();
    let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(text.join("; ").contains(expect), "{text:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Foreign text is a window or a problem.
    #[test]
    fn any_text_is_read_without_harm(text in "(DTSTART|RRULE|EXDATE|FREQ|COUNT|UNTIL|BY[A-Z]{2,5}|[;:=,T\n]|20260101T000000Z|[0-9]{1,3}|DAILY|-|\\PC){0,30}") {
        let _ = rule(&text, hours(1)).window();
        let _ = cron(&text, hours(1), &text).window();
        let _ = between(&text, &text, None).window();
    }

    /// Rules of RFC 5545 with any parts are read and worked out without harm.
    #[test]
    fn any_rule_is_worked_out_without_harm(
        often in prop_oneof![Just("HOURLY"), Just("DAILY"), Just("WEEKLY"), Just("MONTHLY"), Just("YEARLY")],
        parts in prop::collection::vec(
            (prop_oneof![
                Just("BYDAY"), Just("BYMONTH"), Just("BYMONTHDAY"), Just("BYHOUR"), Just("BYSETPOS"), Just("INTERVAL"),
                Just("COUNT"), Just("BYWEEKNO"), Just("BYYEARDAY"), Just("WKST"), Just("BYMINUTE"),
            ], prop_oneof![Just("MO".to_owned()), Just("-1FR".to_owned()), (-40_i32..40).prop_map(|n| n.to_string())]),
            0..4,
        ),
        days in 0_i64..3000,
    ) {
        let parts: String = parts.iter().map(|(name, value)| format!(";{name}={value}")).collect();
        let config = rule(&format!("DTSTART:20240101T000000Z\nRRULE:FREQ={often}{parts}"), Duration::from_secs(1800));
        if let Ok(window) = config.window() {
            let now = at("2024-01-01T00:00:00Z") + SignedDuration::from_hours(24 * days);
            let opening = next_opening(&[window], now);
            prop_assert!(opening >= now);
        }
    }

    /// A freeze is over when it says so, and not before.
    #[test]
    fn a_freeze_lasts_until_its_end(minutes in 0_i64..(3 * 366 * 24 * 60), length in 1_u64..70, part in 1_u32..100) {
        let windows = [
            cron(WEEKEND.0, hours(length), WEEKEND.1).window().unwrap(),
            rule("DTSTART;TZID=America/New_York:20240105T020000\nRRULE:FREQ=DAILY;INTERVAL=3", hours(length.min(40))).window().unwrap(),
        ];
        let now = at("2026-01-01T00:00:00Z") + SignedDuration::from_mins(minutes);
        match is_frozen(&windows, now) {
            None => prop_assert_eq!(next_opening(&windows, now), now),
            Some(frozen) => {
                prop_assert!(frozen.until > now);
                prop_assert_eq!(is_frozen(&windows, frozen.until), None);
                let within = now + (frozen.until.duration_since(now) * i32::try_from(part).unwrap() / 100);
                prop_assert_eq!(is_frozen(&windows, within).map(|frozen| frozen.until), Some(frozen.until));
            }
        }
    }
}
