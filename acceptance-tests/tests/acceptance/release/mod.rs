//! `multicluster_bluegreen_release`, as its users meet it.

mod basics;
mod cut_short;
mod example;
mod judged;
mod refused;
mod stage;

use libtest_mimic::Trial;

/// Trials whose names begin with `release::`.
macro_rules! trials {
    ($($module:ident :: $function:ident),* $(,)?) => {
        vec![$(Trial::test(
            concat!("release::", stringify!($module), "::", stringify!($function)),
            || $crate::world::World::run($module::$function),
        )),*]
    };
}

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        basics::colours_take_turns,
        basics::a_colour_that_crashes_gets_nobody,
        basics::a_first_release_that_fails_leaves_nothing,
        judged::a_switch_of_a_service_loses_nobody,
        judged::metrics_promote_and_roll_back,
        cut_short::by_a_kill_goes_on,
        cut_short::until_a_human_approves,
        refused::at_plan_with_the_path,
        example::of_two_releases_runs,
    ]
}
