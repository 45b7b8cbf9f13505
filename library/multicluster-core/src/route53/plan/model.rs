//! A zone that takes batches as strictly as the service may.

use std::collections::BTreeMap;

use crate::route53::change::{Action, Batch};
use crate::route53::record_set::{Data, RecordSet, RecordType, Routing, SetKey};

/// The sets of a zone.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Zone(pub(crate) BTreeMap<SetKey, RecordSet>);

impl Zone {
    pub(crate) fn of(sets: impl IntoIterator<Item = RecordSet>) -> Self {
        Self(sets.into_iter().map(|set| (set.key.clone(), set)).collect())
    }

    pub(crate) fn sets(&self) -> Vec<RecordSet> {
        self.0.values().cloned().collect()
    }

    /// The zone after a batch. After every single change all groups are valid and no alias points at nothing.
    pub(crate) fn after(&self, batch: &Batch) -> Result<Self, String> {
        if batch.changes.is_empty() || !batch.fits() {
            return Err(format!("a batch of {:?}", batch.size()));
        }
        let mut zone = self.clone();
        for change in &batch.changes {
            let key = &change.set.key;
            match change.action {
                Action::Delete if zone.0.get(key) == Some(&change.set) => {
                    zone.0.remove(key);
                }
                Action::Delete => return Err(format!("deletes {key}, which does not stand so")),
                Action::Create if zone.0.contains_key(key) => return Err(format!("makes {key} again")),
                Action::Create => {
                    zone.0.insert(key.clone(), change.set.clone());
                }
                Action::Upsert => return Err(format!("overwrites {key}")),
            }
            zone.check().map_err(|fault| format!("{:?} {key}: {fault}", change.action))?;
        }
        Ok(zone)
    }

    fn check(&self) -> Result<(), String> {
        let mut groups: BTreeMap<_, Vec<&RecordSet>> = BTreeMap::new();
        for set in self.0.values() {
            groups.entry((&set.key.name, &set.key.r#type)).or_default().push(set);
        }
        let cname = RecordType::cname();
        for ((name, r#type), members) in &groups {
            if **r#type == cname && groups.keys().any(|(it, other)| it == name && **other != cname) {
                return Err(format!("{name} has something beside a CNAME"));
            }
            for (index, a) in members.iter().enumerate() {
                for b in &members[index + 1..] {
                    let by_chance = matches!(a.routing, Routing::Weighted(_) | Routing::Multivalue);
                    if std::mem::discriminant(&a.routing) != std::mem::discriminant(&b.routing)
                        || (!by_chance && a.routing == b.routing)
                    {
                        return Err(format!("{name} {type} has {a:?} beside {b:?}"));
                    }
                }
                if let Data::Alias(alias) = &a.data
                    && alias.hosted_zone_id == "Z0EXAMPLE"
                    && !groups.contains_key(&(&alias.dns_name, r#type))
                {
                    return Err(format!("{name} {type} points at nothing"));
                }
            }
        }
        Ok(())
    }
}
