//! Random schedules of applies and misfortune, and what must hold whatever happens.
//!
//! The world runs by a clock of its own. Applies are processes in it: they take over by a higher epoch, write the journal
//! to the clusters before they act, die at any point (also half-way through writing the journal), and lose their
//! connections. [`watch`] judges by what the world knows, not by what was observed.

mod applier;
mod schedule;
mod traces;
mod watch;

use proptest::prelude::*;

use self::schedule::{Schedule, schedules};

/// `PROPTEST_CASES` asks for more schedules than the default of 256.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_happens_users_are_served_and_applies_come_to_their_end(schedule in schedules()) {
        schedule.run().map_err(TestCaseError::fail)?;
    }
}

/// One schedule, for tables.
fn holds(schedule: &Schedule) {
    if let Err(why) = schedule.run() {
        panic!("{why}");
    }
}
