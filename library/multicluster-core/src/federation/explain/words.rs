//! An explanation in words.

use std::fmt;

use super::{Absence, Explanation, Standing};
use crate::federation::inventory::{Origin, Phase};
use crate::federation::observation::Status;

/// What became of a recorded object: `in sync`, `deleted by somebody`, …
#[must_use]
pub fn status_words(status: &Status) -> String {
    match status {
        Status::InSync => "in sync".to_owned(),
        Status::Absent => "not made yet".to_owned(),
        Status::Pending => "not finished".to_owned(),
        Status::Removing => "being removed".to_owned(),
        Status::Outdated => "outdated: what it is a copy of has changed".to_owned(),
        Status::Missing => "deleted by somebody".to_owned(),
        Status::Drifted { fields } if fields.is_empty() => "changed by somebody".to_owned(),
        Status::Drifted { fields } => format!("changed by somebody: {}", fields.join(", ")),
        Status::Foreign { .. } => "somebody else's".to_owned(),
    }
}

impl Explanation {
    /// How it stands, in a sentence without its end.
    #[must_use]
    pub fn headline(&self) -> String {
        let by = self.resource.as_ref().map(|name| format!(", kept by entry `{name}`")).unwrap_or_default();
        match &self.standing {
            Standing::Recorded { status: Status::Missing } => {
                format!("not there{by}: somebody has deleted it")
            }
            Standing::Recorded { status: Status::Absent } if self.phase == Some(Phase::Removing) => {
                "gone: the federation was removing it".to_owned()
            }
            Standing::Recorded { status: Status::Absent } => {
                format!("not there yet{by}: the last apply did not get to it")
            }
            Standing::Recorded { status: Status::Foreign { .. } } => {
                format!("there{by}, but it is not the one that the federation made")
            }
            Standing::Recorded { .. } if self.finalizers.is_some() => {
                format!("there{by}, but it is being deleted")
            }
            Standing::Recorded { status } => format!("there{by}: {}", status_words(status)),
            Standing::Unrecorded => "there, with the federation's marks, but not in its record".to_owned(),
            Standing::Foreign => "there, but not of this federation".to_owned(),
            Standing::Absent { because } => format!("not there: {because}"),
        }
    }

    /// What else is known, each with what it is about.
    #[must_use]
    pub fn details(&self) -> Vec<(&'static str, String)> {
        let mut details = Vec::new();
        let mut say = |about, words: Option<String>| details.extend(words.map(|words| (about, words)));
        say("placement", self.placement.clone());
        say("record", self.record());
        say("replicas", self.replicas.map(|replicas| replicas.to_string()));
        let held = |finalizers: &Vec<String>| match finalizers.as_slice() {
            [] => "it waits for what belongs to it, or for its time to end".to_owned(),
            finalizers => format!("held by finalizers {}", finalizers.join(", ")),
        };
        say("deletion", self.finalizers.as_ref().map(held));
        say("owners", (!self.owners.is_empty()).then(|| self.owners.join(", ")));
        for writing in &self.written_since {
            let words = format!("{} at {}: {}", writing.manager, writing.time, writing.fields.join(", "));
            say("written", Some(words));
        }
        say("not ready", self.not_ready.clone());
        for trouble in &self.troubles {
            say("why", Some(trouble.clone()));
        }
        details
    }

    fn record(&self) -> Option<String> {
        let phase = match self.phase? {
            Phase::Pending => "about to be applied",
            Phase::Applied => "applied",
            Phase::Removing => "about to be deleted",
        };
        let origin = match self.origin? {
            Origin::Adopting => "being adopted",
            Origin::Adopted => "adopted",
            Origin::Made => "made by the federation",
            Origin::Orphan => "to stay when it is not wanted any more",
        };
        Some(format!("{phase}, {origin}"))
    }
}

/// The headline, and a line for each detail.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        let details = self.details();
        let width = details.iter().map(|(about, _)| about.len()).max().unwrap_or(0);
        for (about, words) in details {
            write!(f, "\n  {about:width$}  {words}")?;
        }
        Ok(())
    }
}

impl fmt::Display for super::Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} given", self.given)?;
        match self.now {
            Some(now) if self.autoscaled => write!(f, ", {now} now, by an autoscaler"),
            Some(now) if now != self.given => write!(f, ", {now} now"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRecord => "the federation has nothing on this cluster",
            Self::NotKept => "the federation does not keep it here",
            Self::NotApplied => "the configuration places it here, and no apply has done so yet",
            Self::NotServed => "the cluster does not serve its kind",
        })
    }
}
