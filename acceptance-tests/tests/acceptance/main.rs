//! The tests that run real Terraform against real control planes.
//!
//! One binary with its own harness: the first test that needs a provider or the lab builds or starts it, with
//! visible progress, for all others. Each test of a federation has a federation and a namespace of its own, each
//! test of the protocol a directory, so that they run side by side. Nothing is built or started when only a list
//! is asked for.

mod cli;
mod drain;
mod federation;
mod geo_dns;
mod lab;
mod programs;
mod protocol;
#[path = "../../route53/tests/clients/python.rs"]
#[expect(
    clippy::unwrap_used,
    reason = "shared with the tests of the emulator; what fails here fails the test"
)]
mod python;
mod release;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::world::World;

fn main() -> ExitCode {
    if let Some(code) = acceptance_tests::hidden_subcommand() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    // Tests wait more than they compute; the control planes take what two cores have.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    let conclusion = libtest_mimic::run(&arguments, trials());
    World::stop();
    programs::clean();
    conclusion.exit_code()
}

fn trials() -> Vec<Trial> {
    federation::trials()
        .into_iter()
        .chain(geo_dns::trials())
        .chain(cli::trials())
        .chain(lab::trials())
        .chain(drain::trials())
        .chain(protocol::trials())
        .chain(release::trials())
        .collect()
}

/// Makes trials of async functions `fn(&'static World) -> anyhow::Result<()>`, named by their paths.
#[macro_export]
macro_rules! trials {
    ($($module:ident :: $function:ident),* $(,)?) => {
        vec![$(libtest_mimic::Trial::test(
            concat!(stringify!($module), "::", stringify!($function)),
            || $crate::world::World::run($module::$function),
        )),*]
    };
}
