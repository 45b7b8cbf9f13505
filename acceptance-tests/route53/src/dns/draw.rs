//! Draws one response from a distribution.

use std::collections::HashMap;

use crate::{
    answer::{Answer, Distribution, Fraction, Outcome, Response, Values},
    model::{Name, RecordType},
};

use super::control::Choice;

/// Turns of more names than this, or of more distributions of a name, are forgotten, so that asking for much does not
/// fill the memory.
const NAMES_MAX: usize = 10_000;
const DISTRIBUTIONS_MAX: usize = 100;

/// One response: the sets that came, in the order in which they come.
pub type Drawn = Vec<Values>;

/// Draws, and remembers what the next draw needs.
#[derive(Debug)]
pub(super) struct Drawer {
    choice: Choice,
    generator: Generator,
    /// One for each distribution of a name: who asks from elsewhere disturbs nobody's turns.
    turns: HashMap<(Name, RecordType), Vec<Turns>>,
}

/// How often each outcome of a distribution came.
#[derive(Debug)]
struct Turns {
    distribution: Distribution,
    counts: Vec<u32>,
    total: u32,
}

impl Drawer {
    pub(super) fn new(choice: Choice, seed: u64) -> Self {
        Self { choice, generator: Generator(seed), turns: HashMap::new() }
    }

    pub(super) fn draw(&mut self, name: &Name, answer: &Answer) -> Drawn {
        match self.choice {
            Choice::MostLikely => answer.most_likely().sets,
            Choice::Random => self.by_chance(&answer.distribution),
            Choice::RoundRobin => self.in_turn(name, answer),
        }
    }

    fn by_chance(&mut self, distribution: &Distribution) -> Drawn {
        let at = self.generator.fraction();
        let mut passed = Fraction::new(0.into(), 1.into());
        let mut chosen = None;
        for Outcome { probability, response } in distribution.outcomes() {
            passed += probability;
            chosen = Some(response);
            if at < passed {
                break;
            }
        }
        let Response { mut sets, drawn } = chosen.unwrap_or_default();
        self.generator.shuffle(&mut sets);
        sets.truncate(drawn);
        for set in &mut sets {
            self.generator.shuffle(&mut set.values);
        }
        sets
    }

    /// The outcome that is most behind what it should have come by now, of equal ones the first.
    fn in_turn(&mut self, name: &Name, answer: &Answer) -> Drawn {
        if self.turns.len() > NAMES_MAX {
            self.turns.clear();
        }
        let all = self.turns.entry((name.clone(), answer.record_type)).or_default();
        let known = |turns: &Turns| turns.distribution == answer.distribution && turns.total < u32::MAX;
        let position = all.iter().position(known).unwrap_or_else(|| {
            if all.len() >= DISTRIBUTIONS_MAX {
                all.clear();
            }
            all.push(Turns::of(answer));
            all.len() - 1
        });
        all.get_mut(position).map(Turns::next).unwrap_or_default()
    }
}

impl Turns {
    fn of(answer: &Answer) -> Self {
        let distribution = answer.distribution.clone();
        let counts = vec![0; distribution.outcomes().count()];
        Self { distribution, counts, total: 0 }
    }

    fn next(&mut self) -> Drawn {
        let due = Fraction::from_integer((self.total + 1).into());
        let mut best: Option<(Fraction, usize, Response)> = None;
        for (position, Outcome { probability, response }) in self.distribution.outcomes().enumerate() {
            let came = self.counts.get(position).copied().unwrap_or_default();
            let behind = probability * &due - Fraction::from_integer(came.into());
            if best.as_ref().is_none_or(|(most, ..)| behind > *most) {
                best = Some((behind, position, response));
            }
        }
        let Some((_, position, Response { mut sets, drawn })) = best else { return Drawn::new() };
        self.total += 1;
        let Some(count) = self.counts.get_mut(position) else { return Drawn::new() };
        let turn = usize::try_from(*count).unwrap_or_default();
        *count += 1;
        if !sets.is_empty() {
            let by = turn % sets.len();
            sets.rotate_left(by);
        }
        sets.truncate(drawn);
        sets
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). Any seed will do.
#[derive(Debug)]
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1, without 1.
    fn fraction(&mut self) -> Fraction {
        Fraction::new(self.next().into(), (1_u128 << 64).into())
    }

    /// The order of a fair shuffle, up to a bias of 2⁻⁵⁰ for lists of our length.
    fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let among = u64::try_from(last).unwrap_or(u64::MAX).saturating_add(1);
            // Below `among`, hence an index of the list.
            list.swap(last, usize::try_from(self.next() % among).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use super::*;
    use crate::{
        answer::{self, Client, Query, Value},
        model::{RawRecordSet, RecordSet, ServedZone, Snapshot},
    };

    #[test]
    fn the_generator_is_the_published_one() {
        let mut generator = Generator(0);
        assert_eq!(generator.next(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(generator.next(), 0x6e78_9e6a_a1b9_65f4);
    }

    /// Ten multivalue sets, and how often each is in ten responses.
    fn counts(choice: Choice) -> BTreeMap<Value, usize> {
        let set = |number: u32| {
            serde_json::json!({
                "Name": "m.example.com", "Type": "A", "SetIdentifier": number.to_string(), "MultiValueAnswer": true,
                "TTL": 60, "ResourceRecords": [{"Value": format!("192.0.2.{number}")}],
            })
        };
        let raw = (0..10).map(|number| serde_json::from_value::<RawRecordSet>(set(number)).unwrap());
        let zone = ServedZone {
            id: "Z1".to_owned(),
            name: Name::parse("example.com").unwrap(),
            private: false,
            record_sets: Arc::new(raw.map(|raw| RecordSet::from_raw(&raw).unwrap()).collect()),
        };
        let snapshot = Snapshot { zones: vec![zone], ..Snapshot::default() };
        let name = Name::parse("m.example.com").unwrap();
        let query = Query { name: name.clone(), record_type: RecordType::A, client: Client::default() };
        let answer = answer::answer(&snapshot, &query);
        let mut drawer = Drawer::new(choice, 1);
        let mut counts = BTreeMap::new();
        for _ in 0..10 {
            let drawn = drawer.draw(&name, &answer);
            assert_eq!(drawn.len(), 8);
            for value in drawn.into_iter().flat_map(|set| set.values) {
                *counts.entry(value).or_default() += 1;
            }
        }
        assert_eq!(counts.values().sum::<usize>(), 80);
        counts
    }

    #[test]
    fn eight_of_ten_sets_come_in_turn_by_chance_or_always_the_same() {
        assert!(counts(Choice::RoundRobin).values().all(|count| *count == 8));
        let likeliest = counts(Choice::MostLikely);
        assert!(likeliest.len() == 8 && likeliest.values().all(|count| *count == 10));
        let chance = counts(Choice::Random);
        assert!(chance.len() == 10 && chance.values().all(|count| (3..=10).contains(count)), "{chance:?}");
    }

    #[test]
    fn a_shuffle_keeps_what_it_shuffles() {
        let mut list: Vec<u32> = (0..20).collect();
        Generator(1).shuffle(&mut list);
        assert!(!list.is_sorted());
        list.sort_unstable();
        assert_eq!(list, (0..20).collect::<Vec<_>>());
    }
}
