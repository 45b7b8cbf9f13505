//! The points when they can be hit.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

static POINTS: Mutex<Option<Points>> = Mutex::new(None);

#[derive(Default)]
struct Points {
    rules: Vec<Rule>,
    record: Option<File>,
    hits: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    name: String,
    /// Which hit, counted from 1; every one without it.
    nth: Option<u64>,
    action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Kill,
    Panic,
    Sleep(Duration),
}

/// A setting that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the failpoint setting `{part}` is not understood: {reason}")]
pub struct InvalidSetting {
    /// The part.
    pub part: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Sets for the whole process what happens at which point, in place of an earlier setting. Counting starts anew.
///
/// # Errors
/// [`InvalidSetting`]; the earlier setting stays.
pub fn configure(setting: &str) -> Result<(), InvalidSetting> {
    let mut points = Points::default();
    for part in setting.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let invalid = |reason: &str| InvalidSetting { part: part.to_owned(), reason: reason.to_owned() };
        let (point, action) = part.split_once('=').ok_or_else(|| invalid("it has no `=`"))?;
        if point == "record" {
            let file = OpenOptions::new().create(true).append(true).open(action);
            points.record = Some(file.map_err(|error| invalid(&error.to_string()))?);
        } else {
            points.rules.push(rule(point, action).map_err(invalid)?);
        }
    }
    *POINTS.lock().unwrap_or_else(PoisonError::into_inner) = Some(points);
    Ok(())
}

fn rule(point: &str, action: &str) -> Result<Rule, &'static str> {
    let (name, nth) = match point.split_once('#') {
        None => (point, None),
        Some((name, nth)) => {
            let nth = nth.parse().ok().filter(|nth| *nth > 0).ok_or("after `#` stands a number from 1")?;
            (name, Some(nth))
        }
    };
    if name.is_empty() {
        return Err("it names no point");
    }
    let action = match action {
        "kill" => Action::Kill,
        "panic" => Action::Panic,
        _ => {
            let milliseconds = action.strip_prefix("sleep-").and_then(|text| text.parse().ok());
            Action::Sleep(Duration::from_millis(
                milliseconds.ok_or("the action is none of `kill`, `panic` and `sleep-MILLISECONDS`")?,
            ))
        }
    };
    Ok(Rule { name: name.to_owned(), nth, action })
}

pub(super) fn hit(name: &'static str) {
    // The lock is given back first: a panic or a sleep must not hold it.
    let actions = {
        let mut points = POINTS.lock().unwrap_or_else(PoisonError::into_inner);
        points.as_mut().map(|points| points.count(name)).unwrap_or_default()
    };
    for action in actions {
        act(name, action);
    }
}

impl Points {
    fn count(&mut self, name: &'static str) -> Vec<Action> {
        if let Some(record) = &mut self.record {
            // One write per line, so that lines of several processes do not mix. A record that cannot be written
            // shows as missing lines in the test that reads it.
            let _ = record.write_all(format!("{name}\n").as_bytes());
        }
        let hits = self.hits.entry(name).or_default();
        *hits += 1;
        let hits = *hits;
        let fits = |rule: &&Rule| rule.name == name && rule.nth.is_none_or(|nth| nth == hits);
        self.rules.iter().filter(fits).map(|rule| rule.action).collect()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test asked for a pause at exactly this point, whatever runs here"
)]
#[expect(clippy::panic, reason = "a test asked for it")]
fn act(name: &'static str, action: Action) {
    match action {
        Action::Sleep(pause) => std::thread::sleep(pause),
        Action::Panic => panic!("failpoint `{name}`"),
        Action::Kill => {
            // SIGKILL and not `abort`: no handler runs, as when the machine fails.
            #[cfg(unix)]
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::kill("a.b=kill", Some(Rule { name: "a.b".into(), nth: None, action: Action::Kill }))]
    #[case::nth("a#2=panic", Some(Rule { name: "a".into(), nth: Some(2), action: Action::Panic }))]
    #[case::sleep("a=sleep-50", Some(Rule { name: "a".into(), nth: None, action: Action::Sleep(Duration::from_millis(50)) }))]
    #[case::zeroth("a#0=kill", None)]
    #[case::no_name("=kill", None)]
    #[case::unknown("a=explode", None)]
    #[case::no_time("a=sleep-", None)]
    fn rules(#[case] part: &str, #[case] expected: Option<Rule>) {
        let (point, action) = part.split_once('=').unwrap();
        assert_eq!(rule(point, action).ok(), expected);
    }

    #[test]
    fn only_the_nth_hit_counts_and_every_hit_is_recorded() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut points = Points {
            rules: vec![rule("write#2", "kill").unwrap(), rule("write", "sleep-1").unwrap()],
            record: Some(file.reopen().unwrap()),
            hits: BTreeMap::new(),
        };
        let sleep = Action::Sleep(Duration::from_millis(1));
        assert_eq!(points.count("write"), [sleep]);
        assert_eq!(points.count("other"), []);
        assert_eq!(points.count("write"), [Action::Kill, sleep]);
        assert_eq!(points.count("write"), [sleep]);
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), "write\nother\nwrite\nwrite\n");
    }
}
