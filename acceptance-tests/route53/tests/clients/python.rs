//! Python programs in virtual environments, each installed once per machine.
//!
//! An environment lies in the cache under a key of its requirements and cannot be moved, so it is made in its place
//! under a lock, and a file in it says that it is complete.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    time::Instant,
};

use sha2::{Digest as _, Sha256};

/// The directory with the programs of `tool`, of which the requirements are `requirements/<tool>.txt` beside this file.
pub(crate) fn programs(tool: &str) -> PathBuf {
    let requirements = match tool {
        "awscli" => include_str!("requirements/awscli.txt"),
        "moto" => include_str!("requirements/moto.txt"),
        "ministack" => include_str!("requirements/ministack.txt"),
        other => panic!("there are no requirements of {other}"),
    };
    let home = cache().join("python").join(tool);
    fs::create_dir_all(&home).unwrap();
    let lock = File::create(home.join("lock")).unwrap();
    lock.lock().unwrap();
    let environment = home.join(key(requirements));
    let complete = environment.join("complete");
    if !complete.exists() {
        if environment.exists() {
            fs::remove_dir_all(&environment).unwrap();
        }
        let started = Instant::now();
        say(&format!("installing {tool} into {} (once per machine) …", environment.display()));
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment));
        let list = environment.join("requirements.txt");
        fs::write(&list, requirements).unwrap();
        let pip = ["install", "--quiet", "--disable-pip-version-check", "--requirement"];
        run(Command::new(environment.join("bin/pip")).args(pip).arg(&list));
        fs::write(complete, "").unwrap();
        say(&format!("installing {tool}: {:.0} s", started.elapsed().as_secs_f64()));
    }
    environment.join("bin")
}

/// Where the lab keeps what outlives a run; the variables are those of the lab.
fn cache() -> PathBuf {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path: &PathBuf| path.is_absolute());
    set("MULTICLUSTER_LAB_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("multicluster-lab")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/multicluster-lab")))
        .expect("MULTICLUSTER_LAB_CACHE, XDG_CACHE_HOME or HOME is set")
}

/// What decides an environment: its requirements and the interpreter.
fn key(requirements: &str) -> String {
    let version = Command::new("python3").arg("--version").output().expect("python3 is installed");
    let mut hasher = Sha256::new();
    hasher.update(requirements);
    hasher.update(version.stdout);
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let program: OsString = command.get_program().to_owned();
    assert!(output.status.success(), "{}: {errors}", program.to_string_lossy());
}

fn say(line: &str) {
    // To the terminal itself: the test harness keeps what a test prints until it fails.
    let _ = writeln!(std::io::stderr(), "{line}");
}
