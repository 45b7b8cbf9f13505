//! What became of the requests. Pure.

use std::{collections::BTreeMap, fmt, time::Duration};

/// What became of one request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Answered with 2xx.
    Answered {
        /// The version of the pod that answered; empty if it did not say.
        version: String,
        /// Its colour; empty without one.
        color: String,
    },
    /// Answered with another status.
    Failed(u16),
    /// Not answered, and why.
    Broken(String),
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The index of its target.
    pub target: usize,
    /// When it was begun, since the generator was started.
    pub begun: Duration,
    /// How long it took.
    pub took: Duration,
    /// What became of it.
    pub outcome: Outcome,
}

/// Counts of requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Answered with 2xx, by version.
    pub answered: BTreeMap<String, u64>,
    /// Not answered with 2xx, by status, or what went wrong.
    pub lost: BTreeMap<String, u64>,
    /// When the first of them was begun, and the last one.
    pub span: Option<(Duration, Duration)>,
    /// The longest that one took.
    pub slowest: Duration,
}

impl Tally {
    /// How many requests were lost.
    pub fn lost(&self) -> u64 {
        self.lost.values().sum()
    }

    /// How many were answered with 2xx by this version.
    pub fn of(&self, version: &str) -> u64 {
        self.answered.get(version).copied().unwrap_or_default()
    }

    /// All requests.
    pub fn all(&self) -> u64 {
        self.answered.values().sum::<u64>() + self.lost()
    }

    fn add(&mut self, record: &Record) {
        let count = match &record.outcome {
            Outcome::Answered { version, .. } => self.answered.entry(version.clone()),
            Outcome::Failed(status) => self.lost.entry(status.to_string()),
            Outcome::Broken(why) => self.lost.entry(why.clone()),
        };
        *count.or_default() += 1;
        let (first, last) = self.span.unwrap_or((record.begun, record.begun));
        self.span = Some((first.min(record.begun), last.max(record.begun)));
        self.slowest = self.slowest.max(record.took);
    }
}

/// What happened in each phase at each target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    targets: Vec<String>,
    phases: Vec<(String, Duration)>,
    records: Vec<Record>,
}

impl Report {
    pub(super) fn new(targets: Vec<String>, phases: &[(String, Duration)], records: &[Record]) -> Self {
        let mut records = records.to_vec();
        records.sort_by_key(|record| record.begun);
        Self { targets, phases: phases.to_vec(), records }
    }

    /// All requests, in the order in which they were begun.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The name of a record's target.
    pub fn target(&self, record: &Record) -> &str {
        self.targets.get(record.target).map_or("", String::as_str)
    }

    /// The phase that began last.
    pub fn last_phase(&self) -> Option<&str> {
        self.phases.last().map(|(name, _)| name.as_str())
    }

    /// The phase in which a request was begun.
    pub fn phase(&self, record: &Record) -> &str {
        let phases = self.phases.iter().rev();
        let mut found = phases.skip_while(|(_, began)| *began > record.begun);
        found.next().map_or("", |(name, _)| name.as_str())
    }

    /// The counts of one target in one phase.
    pub fn total(&self, phase: &str, target: &str) -> Tally {
        self.tally(|record| self.phase(record) == phase && self.target(record) == target)
    }

    /// The counts of all targets in one phase.
    pub fn in_phase(&self, phase: &str) -> Tally {
        self.tally(|record| self.phase(record) == phase)
    }

    /// The counts of everything.
    pub fn overall(&self) -> Tally {
        self.tally(|_| true)
    }

    /// The counts of the requests that `which` picks.
    pub fn tally(&self, which: impl Fn(&Record) -> bool) -> Tally {
        let mut tally = Tally::default();
        for record in self.records.iter().filter(|record| which(record)) {
            tally.add(record);
        }
        tally
    }

    /// When the last request was begun that this version answered; `None` if it answered none.
    pub fn last_of(&self, version: &str) -> Option<Duration> {
        let mut records = self.records.iter().rev();
        let found = records.find(
            |record| matches!(&record.outcome, Outcome::Answered { version: found, .. } if found == version),
        );
        found.map(|record| record.begun)
    }
}

impl fmt::Display for Report {
    /// A line per phase and target.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in &self.phases {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        for phase in names {
            for target in &self.targets {
                let tally = self.total(phase, target);
                writeln!(
                    f,
                    "{phase}: {target}: answered {:?}, lost {:?}, slowest {:.3} s",
                    tally.answered,
                    tally.lost,
                    tally.slowest.as_secs_f64()
                )?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_belongs_to_the_phase_in_which_it_was_begun() {
        let record = |begun, took, outcome| Record {
            target: 0,
            begun: Duration::from_millis(begun),
            took: Duration::from_millis(took),
            outcome,
        };
        let by = |version: &str| Outcome::Answered { version: version.to_owned(), color: String::new() };
        let phases = [("start".to_owned(), Duration::ZERO), ("back".to_owned(), Duration::from_millis(100))];
        let records = [
            record(100, 5, by("1")),
            record(90, 50, by("2")),
            record(10, 5, Outcome::Failed(502)),
            record(120, 5, Outcome::Broken("cannot connect".to_owned())),
        ];
        let report = Report::new(vec!["aws".to_owned()], &phases, &records);
        let (start, back) = (report.total("start", "aws"), report.in_phase("back"));
        assert_eq!((start.of("2"), start.lost(), start.all()), (1, 1, 2));
        assert_eq!((back.of("2"), back.of("1"), back.lost()), (0, 1, 1));
        assert_eq!((report.last_of("2"), report.last_of("3")), (Some(Duration::from_millis(90)), None));
        assert_eq!(report.overall().slowest, Duration::from_millis(50));
        assert_eq!(report.total("start", "gcp"), Tally::default());
        assert!(report.to_string().contains("back: aws: answered {\"1\": 1}, lost {\"cannot connect\": 1}"));
    }
}
