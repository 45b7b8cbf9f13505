//! What holds for every name and every sequence of batches.

#![expect(clippy::unwrap_used, reason = "what is not as expected fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    mem::discriminant,
    sync::Arc,
};

use proptest::{collection::vec, option, prelude::*, sample::select};
use route53_emulator::{
    ErrorCode,
    change::{RawChange, ZoneContext, apply},
    model::{
        Data, Name, Policy, RawAliasTarget, RawGeoLocation, RawRecordSet, RawResourceRecord, RecordSet,
        RecordSets, RecordType,
    },
};

const ZONE: &str = "Z0EXAMPLE";

fn context(sets: RecordSets) -> ZoneContext {
    ZoneContext {
        id: ZONE.to_owned(),
        name: Name::parse("example.com").unwrap(),
        private: false,
        record_sets: Arc::new(sets),
        health_checks: BTreeSet::from(["check".to_owned()]),
        collections: BTreeMap::new(),
    }
}

/// Few names, types and identifiers, so that batches meet.
fn set() -> impl Strategy<Value = RawRecordSet> {
    let names =
        select(vec!["a.example.com", "b.example.com", "*.example.com", "example.com", "a.example.org"]);
    let types = select(vec!["A", "A", "A", "A", "A", "AAAA", "CNAME", "TXT", "NS"]);

    let routing = (option::of(select(vec!["x", "y", "z"])), 0..7_u8, select(vec!["EU", "NA", "DE", "*"]));
    let target =
        option::of(select(vec!["a.example.com", "b.example.com", "lb.eu-central-1.elb.amazonaws.com"]));
    (names, types, routing, target, any::<bool>()).prop_map(|(name, kind, routing, target, checked)| {
        let (identifier, policy, place) = routing;
        // The zone's own NS set can be written but not deleted.
        let name = if kind == "NS" && name == "example.com" { "b.example.com" } else { name };
        let mut set = RawRecordSet {
            name: name.to_owned(),
            r#type: kind.to_owned(),
            set_identifier: identifier.map(str::to_owned),
            health_check_id: checked.then(|| "check".to_owned()),
            ..RawRecordSet::default()
        };
        if identifier.is_some() {
            match policy {
                0 => set.weight = Some(1),
                1 => set.region = Some("eu-central-1".to_owned()),
                2 => set.failover = Some("PRIMARY".to_owned()),
                3 => set.failover = Some("SECONDARY".to_owned()),
                4 => set.multi_value_answer = Some(true),
                _ if ["EU", "NA"].contains(&place) => {
                    set.geo_location = Some(RawGeoLocation {
                        continent_code: Some(place.to_owned()),
                        ..RawGeoLocation::default()
                    });
                }
                _ => {
                    set.geo_location = Some(RawGeoLocation {
                        country_code: Some(place.to_owned()),
                        ..RawGeoLocation::default()
                    });
                }
            }
        }
        if let Some(target) = target {
            let zone = if target.starts_with("lb") { "Z215JYRZR1TBD5" } else { ZONE };
            set.alias_target = Some(RawAliasTarget {
                hosted_zone_id: Some(zone.to_owned()),
                dns_name: Some(target.to_owned()),
                evaluate_target_health: Some(true),
            });
        } else {
            let value = match kind {
                "A" => "192.0.2.1",
                "AAAA" => "2001:db8::1",
                "TXT" => "\"text\"",
                _ => "host.example.org",
            };
            set.ttl = Some(60);
            set.resource_records = Some(vec![RawResourceRecord { value: value.to_owned() }]);
        }
        set
    })
}

/// One change of a batch, before it is known what the zone holds.
#[derive(Debug, Clone)]
enum Step {
    Write(&'static str, Box<RawRecordSet>),
    /// Deletes the set at this place of the listing, counted round.
    Delete(usize),
}

impl Step {
    fn change(&self, sets: &RecordSets) -> RawChange {
        let existing = |place: usize| sets.iter().nth(place % sets.len().max(1)).map(RecordSet::to_raw);
        let (action, set) = match self {
            Self::Write(action, set) => (*action, RawRecordSet::clone(set)),
            Self::Delete(place) => ("DELETE", existing(*place).unwrap_or_default()),
        };
        RawChange { action: action.to_owned(), resource_record_set: set }
    }
}

fn batch() -> impl Strategy<Value = Vec<Step>> {
    let write = (select(vec!["CREATE", "UPSERT", "DELETE"]), set())
        .prop_map(|(action, set)| Step::Write(action, Box::new(set)));
    vec(prop_oneof![3 => write, 1 => (0..100_usize).prop_map(Step::Delete)], 1..4)
}

fn is_sound(sets: &RecordSets) {
    for set in sets.iter() {
        let group: Vec<&RecordSet> = sets.group(&set.name, set.record_type).collect();
        assert!(
            group.iter().all(|other| discriminant(&other.policy) == discriminant(&set.policy)),
            "{group:?}"
        );
        assert!(set.policy != Policy::Simple || group.len() == 1, "{group:?}");
        let unique = !matches!(set.policy, Policy::Weighted { .. } | Policy::Multivalue);
        assert!(!unique || group.iter().filter(|other| other.policy == set.policy).count() == 1, "{group:?}");
        if set.record_type == RecordType::Cname {
            assert!(sets.at_name(&set.name).all(|other| other.record_type == RecordType::Cname));
        }
        if let Data::Alias(target) = &set.data
            && target.hosted_zone_id == ZONE
        {
            assert!(
                sets.group(&target.dns_name, set.record_type).next().is_some(),
                "{set:?} points at nothing"
            );
        }
        assert_eq!(RecordSet::from_raw(&set.to_raw()).as_ref(), Ok(set));
    }
}

proptest! {
    #[test]
    fn no_sequence_of_batches_makes_an_unsound_zone(batches in vec(batch(), 1..60)) {
        let mut sets = RecordSets::default();
        for batch in batches {
            let batch: Vec<RawChange> = batch.iter().map(|step| step.change(&sets)).collect();
            match apply(&context(sets.clone()), &batch) {
                Ok(after) => sets = after,
                Err(error) => prop_assert!(matches!(error.code, ErrorCode::InvalidChangeBatch | ErrorCode::InvalidInput)),
            }
            is_sound(&sets);
        }
        // Whatever is there can be deleted as it is listed, referrers first.
        let deletes = |alias: bool| sets.iter().filter(move |set| set.alias().is_some() == alias).map(|set| RawChange {
            action: "DELETE".to_owned(),
            resource_record_set: set.to_raw(),
        });
        let referrers: Vec<RawChange> = deletes(true).filter(|change| !is_target(&sets, change)).collect();
        let targets = deletes(true).filter(|change| is_target(&sets, change)).count();
        let values: Vec<RawChange> = deletes(false).collect();
        if targets == 0 && !sets.is_empty() {
            let all: Vec<RawChange> = referrers.into_iter().chain(values).collect();
            prop_assert_eq!(apply(&context(sets.clone()), &all), Ok(RecordSets::default()));
        }
    }

    #[test]
    fn names_are_read_back_as_they_are_listed(text in any::<String>()) {
        if let Ok(name) = Name::parse(&text) {
            prop_assert_eq!(Name::parse(name.as_str()).unwrap(), name.clone());
            prop_assert_eq!(Name::from_labels(&name.labels()).unwrap(), name.clone());
            prop_assert_eq!(name.labels().len(), name.label_count());
            if let Some(parent) = name.parent() {
                prop_assert!(name.is_within(&parent) && name != parent);
            }
        }
    }

    #[test]
    fn no_text_in_a_change_is_a_panic(texts in vec(any::<String>(), 6), number in any::<i64>()) {
        let [name, kind, identifier, value, zone, code] = &texts[..] else { unreachable!("six texts") };
        for kind in [kind.as_str(), "A", "TXT", "CAA", "NAPTR", "HTTPS"] {
            let set = RawRecordSet {
                name: format!("{name}.example.com"),
                r#type: kind.to_owned(),
                ttl: Some(60),
                resource_records: Some(vec![RawResourceRecord { value: value.clone() }]),
                ..RawRecordSet::default()
            };
            let routed = RawRecordSet {
                set_identifier: Some(identifier.clone()),
                weight: Some(number),
                geo_location: Some(RawGeoLocation { country_code: Some(code.clone()), ..RawGeoLocation::default() }),
                alias_target: Some(RawAliasTarget {
                    hosted_zone_id: Some(zone.clone()),
                    dns_name: Some(value.clone()),
                    evaluate_target_health: Some(true),
                }),
                ..set.clone()
            };
            for set in [set, routed] {
                let change = RawChange { action: "CREATE".to_owned(), resource_record_set: set };
                let _ = apply(&context(RecordSets::default()), &[change]);
            }
        }
    }
}

/// Whether an alias points at what a change deletes.
fn is_target(sets: &RecordSets, change: &RawChange) -> bool {
    let set = RecordSet::from_raw(&change.resource_record_set).unwrap();
    sets.iter()
        .filter_map(RecordSet::alias)
        .any(|target| target.hosted_zone_id == ZONE && target.dns_name == set.name)
}
