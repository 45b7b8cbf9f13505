//! `multicluster_geo_dns`, as its users meet it, against a Route 53 of each test's own.

mod answers;
mod changes;
mod faults;
mod imports;
mod refused;
mod scale;
mod stage;

use libtest_mimic::Trial;

/// Makes trials of async functions without arguments, named by their paths: these tests need no cluster.
macro_rules! alone {
    ($($module:ident :: $function:ident),* $(,)?) => {
        vec![$(Trial::test(
            concat!("geo_dns::", stringify!($module), "::", stringify!($function)),
            || crate::programs::run($module::$function()),
        )),*]
    };
}

pub(crate) fn trials() -> Vec<Trial> {
    alone![
        answers::as_the_plan_says,
        answers::of_every_policy,
        answers::are_asked_by_function_and_data_source,
        answers::are_verified_and_drawn_on_request,
        changes::one_batch_each_and_none_without_need,
        changes::of_the_policy_leave_no_gap,
        changes::of_the_name_move_it,
        changes::by_hand_are_drift,
        changes::of_health_checks_replace_before_they_delete,
        changes::since_the_plan_stop_the_apply,
        imports::bring_back_what_was_written,
        imports::of_what_others_wrote_become_a_configuration,
        imports::take_over_from_external_dns,
        refused::at_plan_with_the_path,
        refused::what_another_owner_has,
        faults::of_the_service_are_waited_out,
        faults::a_lost_answer_is_looked_for,
        faults::killed_anywhere_in_a_change,
        faults::killed_anywhere_in_a_create,
        faults::killed_anywhere_in_a_removal,
        faults::a_zone_that_is_gone_takes_all_along,
        scale::a_full_zone_is_not_read_for_one_name,
        scale::many_names_share_calls,
    ]
}
