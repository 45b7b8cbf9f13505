//! What works without Terraform: the command line program, and the library's example.

mod explain;
mod library;
pub(crate) mod run;
mod shop;
mod status;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::trials![
        explain::says_for_each_cluster_why_an_object_is_there_or_not,
        explain::says_what_keeps_a_workload_from_being_ready,
        library::federates_a_manifest_over_two_clusters,
        status::shows_members_and_drift_to_people_and_programs,
    ]
}
