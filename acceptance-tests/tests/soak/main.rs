//! `cargo soak`: long runs in which everything goes wrong, and after each of which all has to be right.
//!
//! | part | what it does |
//! |---|---|
//! | `federation` | a federation is changed while members, Terraform and the provider fail |
//! | `geo-dns` | a name in DNS is changed while Route 53, Terraform and the provider fail, and somebody asks all the time |
//! | `answers` | random policies, ranges and failures: what the simulation answers everywhere, and the emulator |
//!
//! `SOAK_ROUNDS` (default 60) says how long each part is, `SOAK_SEED` repeats a run; both are printed.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports to its user")]
#![expect(clippy::disallowed_methods, reason = "the seed is the time of day unless the user gives one")]

mod answers;
mod dice;
mod federation;
mod geo_dns;
#[path = "../acceptance/federation/hcl.rs"]
#[expect(dead_code, reason = "shared with the acceptance tests, which use more of it")]
mod hcl;
#[path = "../acceptance/federation/look.rs"]
#[expect(dead_code, reason = "shared with the acceptance tests, which use more of it")]
mod look;
#[path = "../acceptance/programs.rs"]
#[expect(dead_code, reason = "shared with the acceptance tests, which use more of it")]
mod programs;
#[path = "../acceptance/geo_dns/stage.rs"]
#[expect(dead_code, reason = "shared with the acceptance tests, which use more of it")]
mod stage;
#[path = "../acceptance/geo_dns/watch.rs"]
mod watch;
#[path = "../acceptance/world.rs"]
#[expect(dead_code, reason = "shared with the acceptance tests, which use more of it")]
mod world;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Parser, ValueEnum};
use libtest_mimic::Failed;

use crate::dice::Dice;
use crate::world::World;

/// Long runs; all parts, or those that are named.
#[derive(Parser)]
#[command(name = "cargo soak", bin_name = "cargo soak")]
struct Arguments {
    /// What to run.
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A federation on the lab.
    Federation,
    /// A name in DNS; needs no lab.
    GeoDns,
    /// The simulation and the emulator.
    Answers,
}

fn main() -> ExitCode {
    if let Some(code) = acceptance_tests::hidden_subcommand() {
        return code;
    }
    let arguments = Arguments::parse();
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
    let rounds = number("SOAK_ROUNDS").and_then(|it| usize::try_from(it).ok()).unwrap_or(60);
    let seed = number("SOAK_SEED").unwrap_or(now);
    println!("soak: SOAK_ROUNDS={rounds} SOAK_SEED={seed}");
    let parts = [Part::Answers, Part::GeoDns, Part::Federation];
    let wanted = parts.iter().filter(|part| arguments.parts.is_empty() || arguments.parts.contains(part));
    let mut code = ExitCode::SUCCESS;
    for part in wanted {
        if let Err(failed) = run(*part, rounds, Dice(seed)) {
            eprintln!("soak: {part:?}: {}", failed.message().unwrap_or("failed"));
            code = ExitCode::FAILURE;
        }
    }
    World::stop();
    programs::clean();
    code
}

fn run(part: Part, rounds: usize, dice: Dice) -> Result<(), Failed> {
    match part {
        Part::Federation => World::run(|world| federation::soak(world, rounds, dice)),
        Part::GeoDns => programs::run(geo_dns::soak(rounds, dice)),
        Part::Answers => answers::soak(rounds, dice).map_err(|error| Failed::from(format!("{error:#}"))),
    }
}
