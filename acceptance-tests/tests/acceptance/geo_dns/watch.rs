//! Somebody who asks DNS all the time while something else goes on.

use std::collections::{BTreeMap, BTreeSet};

use acceptance_tests::route53::{Dns, RecordType};
use anyhow::ensure;

/// From where a name is asked for, and the name.
pub(crate) type Question = (String, String);

/// The values that each question was answered with at some time.
pub(crate) type Answers = BTreeMap<Question, BTreeSet<String>>;

/// Answers come in turn, so that after so many questions every value has come that can, while weights are small.
const TURNS: usize = 12;

/// All that each question is answered with now, chance aside.
pub(crate) async fn all(dns: Dns, questions: &[Question]) -> anyhow::Result<Answers> {
    let mut answers = Answers::new();
    for question in questions {
        let (place, name) = question;
        // One after the other: the turn goes on whoever asks.
        for _ in 0..TURNS {
            let values = dns.ask_as(place, name, RecordType::A).await?.values;
            answers.entry(question.clone()).or_default().extend(values);
        }
    }
    Ok(answers)
}

/// What was answered while something went on.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Each answer, once: who asked, and all values of one response.
    pub(crate) answers: BTreeSet<(Question, Vec<String>)>,
    /// How often somebody asked.
    pub(crate) asked: usize,
}

/// Asks all questions again and again until `work` is done.
pub(crate) async fn during<T>(
    dns: Dns,
    questions: &[Question],
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<(T, Seen)> {
    let mut work = std::pin::pin!(work);
    let mut seen = Seen::default();
    loop {
        for question in questions {
            tokio::select! {
                biased;
                done = &mut work => return Ok((done?, seen)),
                answer = dns.ask_as(&question.0, &question.1, RecordType::A) => {
                    seen.answers.insert((question.clone(), answer?.values));
                    seen.asked += 1;
                }
            }
        }
    }
}

impl Seen {
    /// Whoever had an answer before and has one afterwards had one all the time, and it was one of these.
    pub(crate) fn between(&self, before: &Answers, after: &Answers) -> anyhow::Result<()> {
        let nobody = BTreeSet::new();
        for (question, values) in &self.answers {
            let ends = [before, after].map(|end| end.get(question).unwrap_or(&nobody));
            let is_known = |value: &String| ends.iter().any(|end| end.contains(value));
            let gap = values.is_empty() && ends.iter().all(|end| !end.is_empty());
            ensure!(
                !gap && values.iter().all(is_known),
                "{question:?} was answered {values:?} on the way from {:?} to {:?}",
                ends[0],
                ends[1]
            );
        }
        Ok(())
    }
}
