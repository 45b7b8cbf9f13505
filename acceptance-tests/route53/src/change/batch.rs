//! The changes of a batch, one after the other.

use std::collections::HashMap;

use super::{
    Action, Change, ZoneContext,
    alias::{self, Removals},
    group, limits, placement, quoted, values,
};
use crate::{
    error::ServiceError,
    model::{Data, RecordSet, RecordSetKey, RecordSets},
};

/// Applies valid changes in their order and returns the sets after them.
///
/// # Errors
/// `InvalidChangeBatch` with the problems of all changes.
pub(super) fn run(context: &ZoneContext, changes: &[Change]) -> Result<RecordSets, ServiceError> {
    let removals = Removals::of(changes);
    let mut sets = RecordSets::clone(&context.record_sets);
    let mut found = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        let problems = match change.action {
            Action::Delete => delete(&change.set, &mut sets, context, (changes, index)).into_iter().collect(),
            Action::Create | Action::Upsert => write(change, &mut sets, context, (&removals, index)),
        };
        found.extend(problems);
    }
    found.extend(contradictions(changes));
    if found.is_empty() && sets.len() > limits::SETS_PER_ZONE && sets.len() > context.record_sets.len() {
        found.push(format!(
            "Number of resource record sets limit of {} exceeded in zone {}.",
            limits::SETS_PER_ZONE,
            context.name
        ));
    }
    found.dedup();
    if found.is_empty() { Ok(sets) } else { Err(ServiceError::invalid_change_batch(&found)) }
}

/// Keys that the batch names more than once otherwise than to replace: a DELETE followed by one CREATE or
/// UPSERT. What of this would work one after the other is refused all the same.
fn contradictions(changes: &[Change]) -> Vec<String> {
    let mut actions: HashMap<RecordSetKey, Vec<Action>> = HashMap::new();
    let mut found = Vec::new();
    for change in changes {
        let of_key = actions.entry(change.set.key()).or_default();
        of_key.push(change.action);
        let replaces = matches!(of_key[..], [Action::Delete, Action::Create | Action::Upsert]);
        if of_key.len() > 1 && !replaces {
            found.push(format!(
                "The request contains an invalid set of changes for a resource record set '{} {}'",
                change.set.record_type, change.set.name
            ));
        }
    }
    found
}

fn write(
    change: &Change,
    sets: &mut RecordSets,
    context: &ZoneContext,
    order: (&Removals, usize),
) -> Vec<String> {
    let set = &change.set;
    if let Some(problem) = placement::outside(set, context) {
        return vec![problem];
    }
    let key = set.key();
    let before = sets.remove(&key);
    let found = if before.is_some() && change.action == Action::Create {
        vec![format!("Tried to create {} but it already exists", quoted(&key))]
    } else {
        let mut found = placement::problems(set, sets, context);
        found.extend(group::problems(set, sets, context));
        found.extend(alias::problems(set, sets, context, order));
        found.extend(values::problems(set));
        found
    };
    if found.is_empty() {
        sets.insert(set.clone());
        group::share_ttl(set, sets);
    } else if let Some(before) = before {
        sets.insert(before);
    }
    found
}

fn delete(
    set: &RecordSet,
    sets: &mut RecordSets,
    context: &ZoneContext,
    order: (&[Change], usize),
) -> Option<String> {
    let outside = placement::outside(set, context);
    if outside.is_some() {
        return outside;
    }
    let key = set.key();
    let about = || format!("Tried to delete {}", quoted(&key));
    let Some(current) = sets.get(&key) else {
        return Some(format!("{} but it was not found", about()));
    };
    if !is_same(current, set) {
        return Some(format!("{} but the values provided do not match the current values", about()));
    }
    let indispensable = placement::indispensable(set, context);
    if indispensable.is_some() {
        return indispensable;
    }
    let removed = sets.remove(&key)?;
    let orphan = alias::orphan(set, sets, context, order);
    if orphan.is_some() {
        sets.insert(removed);
    }
    orphan
}

/// Whether a DELETE repeats the set: everything, with the values in any order.
fn is_same(current: &RecordSet, given: &RecordSet) -> bool {
    let (Data::Records { ttl: a, values: x }, Data::Records { ttl: b, values: y }) =
        (&current.data, &given.data)
    else {
        return current == given;
    };
    let sorted = |values: &[String]| {
        let mut values = values.to_vec();
        values.sort_unstable();
        values
    };
    let rest =
        |set: &RecordSet| RecordSet { data: Data::Records { ttl: 0, values: Vec::new() }, ..set.clone() };
    a == b && sorted(x) == sorted(y) && rest(current) == rest(given)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use crate::{
        change::{RawChange, ZoneContext, apply},
        error::{ErrorCode, ServiceError},
        model::{Name, RecordSets},
    };

    const ZONE: &str = "Z0EXAMPLE";

    fn context(sets: RecordSets) -> ZoneContext {
        ZoneContext {
            id: ZONE.to_owned(),
            name: Name::parse("example.com").unwrap(),
            private: false,
            record_sets: Arc::new(sets),
            health_checks: ["check".to_owned()].into(),
            collections: std::collections::BTreeMap::default(),
        }
    }

    fn run(before: &[Value], changes: &[(&str, Value)]) -> Result<RecordSets, ServiceError> {
        let set = |value: &Value| serde_json::from_value(value.clone()).unwrap();
        let change = |action: &str, value: &Value| RawChange {
            action: action.to_owned(),
            resource_record_set: set(value),
        };
        let created: Vec<RawChange> = before.iter().map(|value| change("CREATE", value)).collect();
        let sets = if created.is_empty() {
            RecordSets::default()
        } else {
            apply(&context(RecordSets::default()), &created)?
        };
        let changes: Vec<RawChange> = changes.iter().map(|(action, value)| change(action, value)).collect();
        apply(&context(sets), &changes)
    }

    fn a(name: &str, address: &str) -> Value {
        json!({"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": address}]})
    }

    fn with(mut set: Value, fields: &Value) -> Value {
        set.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        set
    }

    fn alias(name: &str, target: &str) -> Value {
        let target = json!({"HostedZoneId": ZONE, "DNSName": target, "EvaluateTargetHealth": true});
        json!({"Name": name, "Type": "A", "AliasTarget": target})
    }

    fn refused(before: &[Value], changes: &[(&str, Value)]) -> String {
        let error = run(before, changes).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidChangeBatch, "{error}");
        error.message
    }

    const LEAF: &str = "leaf.example.com";
    const ROOT: &str = "root.example.com";

    #[test]
    fn a_target_that_the_batch_takes_out_later_does_not_count() {
        let leaf = a(LEAF, "192.0.2.1");
        for action in ["UPSERT", "DELETE"] {
            let message = refused(
                std::slice::from_ref(&leaf),
                &[("CREATE", alias(ROOT, LEAF)), (action, leaf.clone())],
            );
            assert!(message.contains("but that target was not found"), "{action}: {message}");
        }
        run(std::slice::from_ref(&leaf), &[("UPSERT", leaf.clone()), ("CREATE", alias(ROOT, LEAF))]).unwrap();
    }

    #[test]
    fn a_target_goes_after_its_referrers() {
        let tree = [a(LEAF, "192.0.2.1"), alias(ROOT, LEAF)];
        let [leaf, root] = tree.clone();
        refused(&tree, &[("DELETE", leaf.clone())]);
        refused(&tree, &[("DELETE", leaf.clone()), ("DELETE", root.clone())]);
        assert!(run(&tree, &[("DELETE", root), ("DELETE", leaf.clone())]).unwrap().is_empty());
        let replaced = with(a(LEAF, "192.0.2.1"), &json!({"SetIdentifier": "x", "Weight": 1}));
        run(&tree, &[("DELETE", leaf), ("CREATE", replaced)]).unwrap();
    }

    #[test]
    fn an_alias_to_itself_has_no_target() {
        let weighted = |set, identifier| with(set, &json!({"SetIdentifier": identifier, "Weight": 1}));
        refused(&[], &[("CREATE", alias(ROOT, ROOT))]);
        let changes =
            [("CREATE", weighted(a(ROOT, "192.0.2.1"), "x")), ("CREATE", weighted(alias(ROOT, ROOT), "y"))];
        refused(&[], &changes);
    }

    #[test]
    fn a_set_is_named_once_or_replaced() {
        let (old, new) = (a(LEAF, "192.0.2.1"), a(LEAF, "192.0.2.2"));
        let contradiction = "invalid set of changes for a resource record set 'A leaf.example.com.'";
        for (before, changes) in [
            (vec![], [("CREATE", &old), ("DELETE", &old)]),
            (vec![], [("UPSERT", &old), ("UPSERT", &new)]),
            (vec![old.clone()], [("UPSERT", &new), ("DELETE", &new)]),
        ] {
            let changes = changes.map(|(action, set)| (action, set.clone()));
            assert!(refused(&before, &changes).contains(contradiction));
        }
        let message = refused(&[], &[("CREATE", old.clone()), ("CREATE", new.clone())]);
        assert!(message.contains("but it already exists") && message.contains(contradiction), "{message}");
        for action in ["CREATE", "UPSERT"] {
            run(std::slice::from_ref(&old), &[("DELETE", old.clone()), (action, new.clone())]).unwrap();
        }
    }

    #[test]
    fn load_balancers_have_the_zone_of_their_region() {
        let alias = |zone: &str, name: &str, record_type: &str, health: bool| {
            let target = json!({"HostedZoneId": zone, "DNSName": name, "EvaluateTargetHealth": health});
            let set = json!({"Name": ROOT, "Type": record_type, "AliasTarget": target});
            run(&[], &[("CREATE", set)]).map_err(|error| error.message)
        };
        let frankfurt = "dualstack.lb.eu-central-1.elb.amazonaws.com";
        alias("Z215JYRZR1TBD5", frankfurt, "AAAA", true).unwrap();
        for (zone, name) in [
            ("Z35SXDOTRQ7X7K", frankfurt),
            ("Z0OTHER", frankfurt),
            (ZONE, frankfurt),
            ("Z215JYRZR1TBD5", "lb.example.net"),
        ] {
            let message = alias(zone, name, "A", false).unwrap_err();
            assert!(
                message.contains("the alias target name does not lie within the target zone"),
                "{message}"
            );
        }
        assert!(alias("Z215JYRZR1TBD5", frankfurt, "CNAME", true).is_err());
        let distribution = "d111111abcdef8.cloudfront.net";
        alias("Z2FDTNDATAQYW2", distribution, "HTTPS", false).unwrap();
        assert!(alias("Z2FDTNDATAQYW2", distribution, "A", true).is_err());
        // Services that are in no table.
        alias("Z3AQBSTGFYJSTF", "s3-website-us-east-1.amazonaws.com", "A", false).unwrap();
    }

    #[test]
    fn repeated_values_are_refused() {
        let twice = json!({"Name": ROOT, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}, {"Value": "192.0.2.1"}]});
        assert!(refused(&[], &[("CREATE", twice)]).contains("Duplicate Resource Record: '192.0.2.1'"));
    }
}
