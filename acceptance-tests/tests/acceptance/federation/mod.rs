//! `multicluster_federation`, as its users meet it.

mod adoption;
mod alone;
mod basics;
mod cluster;
mod copies;
mod divisions;
mod drift;
mod failures;
mod faults;
mod foretold;
pub(crate) mod hcl;
mod imports;
mod inputs;
mod inputs_more;
mod kinds;
mod kubefed;
mod leaving;
pub(crate) mod look;
mod members;
mod objects;
mod overriding;
mod placements;
mod policies;
mod preflight;
mod refused;
mod secrets;
mod throttle;
mod upheavals;
mod waiting;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::trials![
        basics::is_applied_changed_and_destroyed,
        basics::a_saved_plan_is_applied_as_it_was_shown,
        basics::is_imported_by_its_name,
        drift::is_shown_at_plan_and_corrected_at_apply,
        drift::is_not_what_others_add,
        drift::an_object_that_is_not_ours_stops_the_plan,
        drift::a_field_that_was_never_ours_is_not_taken,
        drift::a_namespace_with_something_foreign_is_kept,
        members::join_and_leave,
        members::one_unreachable_member_holds_up_nobody,
        members::a_create_writes_nothing_unless_all_answer,
        members::an_unknown_connection_is_planned_as_unknown,
        members::one_cluster_under_two_names_is_refused,
        members::another_cluster_under_a_known_name_is_joined_anew,
        members::every_form_of_connection_works_and_stays_secret,
        members::a_member_whose_entry_is_gone_can_be_left,
        members::a_plan_without_changes_asks_little,
        objects::a_load_balancer_is_gone_before_destroy_returns,
        objects::a_broken_image_fails_fast_and_is_healed,
        objects::a_definition_comes_before_its_objects,
        objects::what_blocks_a_deletion_is_named,
        failures::interrupted_once_the_next_apply_goes_on,
        failures::interrupted_twice_nothing_is_lost,
        failures::killed_anywhere_in_a_create,
        failures::killed_after_all_of_a_create_it_is_imported,
        failures::killed_anywhere_in_an_update,
        failures::killed_anywhere_in_a_destroy,
        failures::killed_anywhere_in_a_destroy_beside_others,
        failures::a_failed_create_is_replaced_cleanly,
        failures::an_existing_federation_is_not_taken_over,
        failures::a_delete_of_another_instance_touches_nothing,
        failures::two_applies_take_turns,
        upheavals::a_namespace_that_leaves_takes_nothing_along,
        upheavals::what_somebody_is_deleting_is_made_again,
        upheavals::a_renamed_member_stays,
        upheavals::a_name_that_leads_elsewhere_can_be_left,
        upheavals::a_correction_cut_short_is_gone_on_with,
        upheavals::a_version_that_is_served_no_more_hides_nothing,
        upheavals::a_needless_namespace_is_refused,
        upheavals::a_failed_create_is_replaced_with_fewer_members,
        upheavals::a_broken_workload_does_not_wait_for_a_slow_one,
        upheavals::killed_between_two_members,
        upheavals::a_failed_update_is_not_taken_over,
        upheavals::is_imported_from_any_namespace,
        cluster::tells_what_a_cluster_is,
        cluster::names_what_is_wrong,
        cluster::an_unknown_connection_is_read_at_apply,
        cluster::what_may_not_be_seen_is_null,
        inputs::are_refused_at_plan_with_their_path,
        inputs::deletion_protection_protects,
        throttle::slows_us_and_fails_nothing,
    ];
    trials.extend(crate::trials![
        inputs_more::of_all_kinds_are_refused_at_plan,
        inputs_more::that_are_no_text_or_too_long_are_refused,
        kinds::of_every_sort_are_applied_changed_and_destroyed,
    ]);
    trials.extend(crate::trials![
        divisions::move_little_as_totals_change,
        divisions::of_a_total_that_is_not_known_yet,
        divisions::by_what_fits,
        divisions::duplicated_and_nowhere,
        divisions::that_cannot_be_are_refused,
        kubefed::a_repository_moves_over_without_a_restart,
        kubefed::what_has_no_effect_is_said,
        overriding::every_kind_of_override_is_carried_out,
        overriding::overrides_of_what_is_write_only_do_not_look_like_drift,
        overriding::what_cannot_be_is_refused,
        placements::a_spread_stays_where_it_is,
        placements::on_no_member_is_shown_and_guarded,
        placements::others_stand_in_for_a_member_that_does_not_answer,
        placements::that_cannot_be_are_refused,
        placements::by_labels_that_are_not_known_yet,
    ]);
    trials.extend(crate::trials![
        copies::follow_their_originals,
        copies::that_make_no_sense_are_refused,
        copies::of_what_a_workload_needs_go_with_it,
        leaving::objects_may_stay,
        leaving::who_does_not_answer_is_forgotten_only_if_allowed,
        leaving::who_has_no_entry_is_forgotten_only_if_allowed,
        leaving::what_holds_a_member_is_named,
        leaving::who_is_set_back_catches_up,
        secrets::are_on_the_members_alone,
        secrets::are_in_no_error,
        secrets::in_plain_sight_must_be_allowed,
        waiting::for_what_is_ready_or_says_so,
        waiting::for_jobs_and_not_for_what_need_not,
    ]);
    trials.extend(crate::trials![
        alone::with_its_federation_in_one_configuration,
        alone::follows_its_federation,
        alone::is_refused,
        alone::is_resumed_and_imported,
        preflight::a_team_needs_rights_for_its_own_objects_alone,
        preflight::the_least_roles_are_enough,
        preflight::networks_that_overlap_are_told,
        imports::names_members,
        imports::works_without_one_that_is_cut_off,
    ]);
    trials.extend(crate::trials![
        adoption::says_from_whom_and_leaves_nothing_of_theirs,
        adoption::of_what_is_as_wanted_restarts_nothing,
        adoption::that_is_cut_short_lets_go,
        adoption::of_what_another_federation_keeps_is_refused,
        adoption::is_not_needed_to_rename_a_federation,
        policies::detect_shows_and_leaves,
        policies::ignore_does_not_look,
        policies::ignored_fields_are_set_once,
        policies::what_an_autoscaler_sets_is_its_own,
        policies::what_a_person_scales_is_drift,
        foretold::typos_are_errors_with_their_path,
        foretold::what_cannot_be_known_says_why,
        foretold::reading_is_enough_for_a_plan,
        foretold::too_many_deletions_are_refused,
    ]);
    trials.extend(faults::trials());
    trials
}
