//! Failpoints end a process as a failing machine would. This test is its own victim: started with a setting, it hits
//! two points and says that it survived.

use std::{
    env, fs,
    io::Write,
    process::{Command, Output},
    time::{Duration, Instant},
};

use multicluster::failpoint;

const VICTIM: &str = "FAILPOINT_VICTIM";

fn main() {
    match env::var(VICTIM) {
        Ok(setting) => hit_points(&setting),
        Err(_) => start_victims(),
    }
}

fn hit_points(setting: &str) {
    failpoint::hit("before-any-setting");
    failpoint::configure(setting).expect("the setting is valid");
    failpoint::hit("one");
    failpoint::hit("two");
    failpoint::hit("one");
    std::io::stdout().write_all(b"survived\n").expect("standard output is a pipe");
}

fn victim(setting: &str) -> Output {
    let program = env::current_exe().expect("a test has a path");
    Command::new(program).env(VICTIM, setting).output().expect("a test can start itself")
}

fn start_victims() {
    let survived = |output: &Output| output.stdout == b"survived\n" && output.status.success();
    assert!(survived(&victim("")));
    assert!(survived(&victim("three=kill; one#3=kill")));

    for setting in ["one=kill", "one#2=kill", "two=kill"] {
        let killed = victim(setting);
        assert!(!survived(&killed), "{setting}");
        #[cfg(unix)]
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed.status), Some(9), "{setting}");
    }

    let panicked = victim("two=panic");
    assert_eq!(panicked.status.code(), Some(101));
    assert!(String::from_utf8_lossy(&panicked.stderr).contains("failpoint `two`"));

    let start = Instant::now();
    assert!(survived(&victim("one=sleep-100")));
    assert!(start.elapsed() >= Duration::from_millis(200), "it slept twice");

    let record = tempfile::NamedTempFile::new().expect("a temporary file");
    let killed = victim(&format!("record={};two=kill", record.path().display()));
    assert!(!survived(&killed));
    let recorded = fs::read_to_string(record.path()).expect("the record");
    assert_eq!(recorded, "one\ntwo\n", "the point that killed is recorded too");

    for setting in ["one", "one=explode", "one#0=kill", "=kill", "record=/missing/folder/record"] {
        failpoint::configure(setting).expect_err(setting);
    }
}
