//! What clusters, networks and other people do to an apply. Each trial: a clear error that names cluster and object,
//! other members unaffected, nothing lost, and after the fault an apply that comes to its end with an empty plan
//! behind it.

mod admission;
mod claims;
mod credentials;
mod definitions;
mod immutable;
mod limits;
mod namespaces;
mod network;
mod scene;

use libtest_mimic::Trial;

pub(super) fn trials() -> Vec<Trial> {
    crate::trials![
        network::a_slow_member_is_waited_for,
        network::requests_that_fail_for_a_while_are_sent_again,
        network::requests_that_fail_are_named_and_done_by_the_next_apply,
        network::a_create_that_fails_on_one_member_is_made_again,
        network::a_record_whose_answer_is_lost_is_found_again,
        network::a_list_that_breaks_off_is_no_absence,
        network::a_cut_that_heals_in_time_is_survived,
        network::a_cut_that_lasts_ends_with_the_timeout,
        credentials::a_token_that_ends_is_replaced_or_named,
        admission::a_policy_that_denies_is_quoted,
        admission::a_webhook_that_denies_is_quoted,
        admission::a_webhook_that_changes_our_fields_is_no_fight,
        admission::a_webhook_without_dry_run_is_no_obstacle,
        admission::a_webhook_that_is_down_is_named,
        limits::a_quota_of_objects_is_quoted,
        limits::a_quota_that_stops_pods_is_quoted,
        limits::a_limit_range_is_quoted,
        definitions::a_definition_whose_names_are_taken_is_named,
        immutable::a_field_that_cannot_change_says_what_to_do,
        claims::an_object_of_another_federation_is_refused_by_its_name,
        namespaces::a_namespace_that_does_not_go_is_named,
    ]
}
