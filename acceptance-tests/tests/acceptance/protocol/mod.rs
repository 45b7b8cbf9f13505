//! The protocol, spoken with real hosts: every case with Terraform and with OpenTofu.
//!
//! The provider is one of files (`proto/examples/fixture_provider.rs`), so that no case needs the lab.

mod interrupts;
mod life;
mod logs;
mod notes;
mod panics;
#[cfg(target_os = "linux")]
mod processes;
mod providers;
mod secrets;
mod states;
mod values;

use acceptance_tests::Progress;
use acceptance_tests::terraform::Cli;
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    // A machine without Terraform tests with OpenTofu, which the lab builds.
    let terraform = Cli::Terraform.locate(Progress::Silent).map(|_| trials_of("terraform", Cli::Terraform));
    terraform.unwrap_or_default().into_iter().chain(trials_of("opentofu", Cli::OpenTofu)).collect()
}

/// Makes trials of async functions `fn(Cli) -> anyhow::Result<()>`, named by the host and the function.
macro_rules! cases {
    ($host:ident, $cli:ident, [$($module:ident :: $function:ident),* $(,)?]) => {
        vec![$(Trial::test(
            format!("protocol::{}::{}", $host, stringify!($function)),
            move || crate::programs::run($module::$function($cli)),
        )),*]
    };
}

fn trials_of(host: &str, cli: Cli) -> Vec<Trial> {
    #[cfg_attr(not(target_os = "linux"), expect(unused_mut, reason = "processes are found in /proc"))]
    let mut trials = cases![
        host,
        cli,
        [
            life::from_init_to_destroy,
            life::validation_names_the_attribute,
            life::a_saved_plan_is_applied,
            life::drift_is_shown_and_corrected,
            life::tests_of_a_module_run,
            life::many_notes_are_made_side_by_side,
            states::imported_by_id,
            states::imported_by_a_block_that_writes_the_configuration,
            states::moved_without_a_change,
            states::of_an_older_version_are_upgraded,
            interrupts::once_in_a_create,
            interrupts::once_in_an_update,
            interrupts::twice_nothing_is_lost,
            interrupts::a_creation_has_a_time_limit,
            panics::in_a_create_keep_the_state,
            panics::in_an_update_keep_the_state,
            panics::elsewhere_are_messages,
            values::of_five_megabytes,
            values::decimals_are_exact,
            values::collections_come_back_as_they_were,
            secrets::that_are_write_only_are_nowhere,
            providers::unknown_at_plan,
            providers::gone_before_its_notes,
            providers::two_in_one_configuration,
            providers::in_plaintext,
            providers::ours_has_a_schema,
            logs::have_their_level,
        ]
    ];
    #[cfg(target_os = "linux")]
    trials.extend(cases![host, cli, [interrupts::a_killed_host_leaves_no_provider]]);
    trials
}
