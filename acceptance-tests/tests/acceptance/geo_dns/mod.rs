//! `multicluster_geo_dns`, as its users meet it, against a Route 53 of each test's own.

mod answers;
mod changes;
mod discovery;
mod faults;
mod imports;
mod listed;
mod refused;
mod scale;
mod stage;
mod states;
mod watch;

use libtest_mimic::Trial;

use crate::world::World;

/// Makes trials of async functions without arguments, named by their paths: these tests need no cluster.
macro_rules! alone {
    ($($module:ident :: $function:ident),* $(,)?) => {
        vec![$(Trial::test(
            concat!("geo_dns::", stringify!($module), "::", stringify!($function)),
            || crate::programs::run($module::$function()),
        )),*]
    };
}

/// Makes trials of those that look at clusters.
macro_rules! with_clusters {
    ($($module:ident :: $function:ident),* $(,)?) => {
        vec![$(Trial::test(
            concat!("geo_dns::", stringify!($module), "::", stringify!($function)),
            || World::run($module::$function),
        )),*]
    };
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = with_clusters![
        discovery::a_replaced_load_balancer_is_drift,
        discovery::waits_for_the_address_of_an_ingress,
        discovery::waits_for_the_addresses_of_a_gateway,
        discovery::refuses_what_is_never_exposed,
        discovery::warns_of_endpoints_that_leave,
    ];
    trials.extend(alone![
        answers::as_the_plan_says,
        answers::of_every_policy,
        answers::are_asked_by_function_and_data_source,
        answers::are_verified_and_drawn_on_request,
        answers::are_verified_for_clients_of_places,
        answers::need_a_zone_that_is_delegated,
        changes::one_batch_each_and_none_without_need,
        changes::of_the_policy_leave_no_gap,
        changes::of_the_name_move_it,
        changes::of_ranges_leave_no_gap,
        changes::alone_bring_advice,
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
        faults::a_lost_answer_does_not_stop_a_removal,
        faults::killed_anywhere_while_ranges_move,
        faults::killed_anywhere_in_a_change,
        faults::killed_anywhere_in_a_create,
        faults::killed_anywhere_in_a_removal,
        faults::a_zone_that_is_gone_takes_all_along,
        listed::by_the_aws_cli,
        listed::by_the_rules_of_external_dns,
        states::lead_from_active_over_standby_to_drained,
        states::leave_somebody_who_answers,
        scale::a_full_zone_is_not_read_for_one_name,
        scale::many_names_share_calls,
    ]);
    trials
}
