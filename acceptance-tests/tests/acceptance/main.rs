//! The tests that run real Terraform against real control planes.
//!
//! One binary with its own harness: it builds the lab and the providers first, with visible progress, and starts one
//! lab for the whole run. Each test has a federation and a namespace of its own, so that they run side by side.
//! Nothing is built or started when only a list is asked for.

mod federation;
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
    conclusion.exit_code()
}

fn trials() -> Vec<Trial> {
    federation::trials()
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
