//! What is known of one cluster at the moment: its objects of the release as the watches show them.
//!
//! Nothing here reads or decides. An object that a write of ours has returned counts at once, so that nobody has to wait
//! for the watch to show it; an older form of it that the watch still brings does not.

use std::collections::BTreeMap;

use multicluster_core::object::text;
use multicluster_core::release::Color;
use serde_json::Value;

use crate::member::Event;

/// What is watched on a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    /// The workload of a colour.
    Workload(Color),
    /// The workload under its own name: one that was there before the release, or that is updated in place.
    Plain,
    /// The replica sets of both colours: they tell which pods are of the current template.
    ReplicaSets,
    /// The pods of both colours.
    Pods,
    /// The endpoints of the Services of both colours.
    Slices,
    /// The autoscalers of the namespace.
    Autoscalers,
    /// The Services that the release made.
    Services,
    /// An object that leads traffic, by its place among them; the first has the weights.
    Target(usize),
}

impl Slot {
    /// Whether nothing can be said of the cluster without it.
    pub(super) fn is_needed(self) -> bool {
        matches!(self, Self::Workload(_) | Self::Plain | Self::Slices | Self::Services | Self::Target(0))
    }

    /// What it is called in messages.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Workload(_) | Self::Plain => "the workload",
            Self::ReplicaSets => "replica sets",
            Self::Pods => "pods",
            Self::Slices => "endpoint slices",
            Self::Autoscalers => "autoscalers",
            Self::Services => "Services",
            Self::Target(_) => "the object that leads traffic",
        }
    }
}

/// The objects of one slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Whether they have been listed.
    pub(super) listed: bool,
    /// By name.
    pub(super) objects: BTreeMap<String, Value>,
    /// Why they may not be looked at.
    pub(super) denied: Option<String>,
}

/// All that is known of one cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Sight {
    pub(super) slots: BTreeMap<Slot, Seen>,
    /// Why the cluster does not answer at the moment.
    pub(super) away: Option<String>,
}

impl Sight {
    /// Notes what a watch shows.
    pub(super) fn note(&mut self, slot: Slot, event: Event) {
        let seen = self.slots.entry(slot).or_default();
        seen.denied = None;
        match event {
            Event::Listed(objects) => {
                let before = std::mem::take(&mut seen.objects);
                seen.objects =
                    objects.into_iter().map(|object| (name(&object), slim(slot, object))).collect();
                // A list is as new as the server, but an object may have been written by us in the meantime.
                for (name, old) in before {
                    if seen.objects.get(&name).is_some_and(|new| is_older(new, &old)) {
                        seen.objects.insert(name, old);
                    }
                }
                seen.listed = true;
            }
            Event::Changed(object) => seen.put(slot, object),
            Event::Deleted(object) => {
                let name = name(&object);
                let same = |old: &Value| text(old, "/metadata/uid") == text(&object, "/metadata/uid");
                if seen.objects.get(&name).is_none_or(same) {
                    seen.objects.remove(&name);
                }
            }
        }
    }

    /// Notes an object that a write has returned.
    pub(super) fn put(&mut self, slot: Slot, object: Value) {
        self.slots.entry(slot).or_default().put(slot, object);
    }

    /// Notes that a slot may not be watched.
    pub(super) fn deny(&mut self, slot: Slot, why: String) {
        self.slots.entry(slot).or_default().denied = Some(why);
    }

    /// The only object of a slot, or the first.
    pub(super) fn one(&self, slot: Slot) -> Option<&Value> {
        self.all(slot).next()
    }

    /// The objects of a slot, by name.
    pub(super) fn all(&self, slot: Slot) -> impl Iterator<Item = &Value> + use<'_> {
        self.slots.get(&slot).into_iter().flat_map(|seen| seen.objects.values())
    }

    /// Whether everything has been looked at that is needed; what may not be looked at is not waited for.
    pub(super) fn is_complete(&self, needed: &[Slot]) -> bool {
        needed
            .iter()
            .all(|slot| self.slots.get(slot).is_some_and(|seen| seen.listed || seen.denied.is_some()))
    }
}

impl Seen {
    fn put(&mut self, slot: Slot, object: Value) {
        let name = name(&object);
        if self.objects.get(&name).is_none_or(|old| !is_older(&object, old)) {
            self.objects.insert(name, slim(slot, object));
        }
    }
}

fn name(object: &Value) -> String {
    text(object, "/metadata/name").to_owned()
}

/// Whether one form of an object is older than another. Revisions that are no numbers cannot be compared; then what
/// comes later is newer.
fn is_older(object: &Value, than: &Value) -> bool {
    let revision = |object: &Value| text(object, "/metadata/resourceVersion").parse::<u64>().ok();
    let same = text(object, "/metadata/uid") == text(than, "/metadata/uid");
    same && matches!((revision(object), revision(than)), (Some(one), Some(other)) if one < other)
}

/// A pod or a replica set without what is large and of no use here.
fn slim(slot: Slot, mut object: Value) -> Value {
    let parts: &[(&str, &[&str])] = match slot {
        Slot::Pods | Slot::ReplicaSets => &[("/metadata", &["managedFields"]), ("", &["spec"])],
        Slot::Slices => &[("/metadata", &["managedFields"])],
        Slot::Workload(_) | Slot::Plain | Slot::Autoscalers | Slot::Services | Slot::Target(_) => &[],
    };
    for (place, fields) in parts {
        if let Some(map) = object.pointer_mut(place).and_then(Value::as_object_mut) {
            fields.iter().for_each(|field| drop(map.remove(*field)));
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(uid: &str, revision: &str) -> Value {
        json!({ "metadata": { "name": "web", "uid": uid, "resourceVersion": revision } })
    }

    fn revision(sight: &Sight) -> &str {
        sight.one(Slot::Target(0)).map_or("", |object| text(object, "/metadata/resourceVersion"))
    }

    #[test]
    fn what_a_write_returned_is_not_lost_to_an_older_form() {
        let mut sight = Sight::default();
        sight.note(Slot::Target(0), Event::Listed(vec![object("a", "9")]));
        sight.put(Slot::Target(0), object("a", "11"));
        sight.note(Slot::Target(0), Event::Changed(object("a", "10")));
        assert_eq!(revision(&sight), "11");
        sight.note(Slot::Target(0), Event::Listed(vec![object("a", "10")]));
        assert_eq!(revision(&sight), "11");
        sight.note(Slot::Target(0), Event::Changed(object("a", "12")));
        assert_eq!(revision(&sight), "12");
    }

    #[test]
    fn an_object_made_anew_counts_whatever_its_revision() {
        let mut sight = Sight::default();
        sight.note(Slot::Target(0), Event::Listed(vec![object("a", "9")]));
        sight.note(Slot::Target(0), Event::Changed(object("b", "8")));
        assert_eq!(revision(&sight), "8");
        sight.note(Slot::Target(0), Event::Deleted(object("a", "9")));
        assert_eq!(revision(&sight), "8", "the end of the old one says nothing of the new one");
        sight.note(Slot::Target(0), Event::Listed(Vec::new()));
        assert!(sight.one(Slot::Target(0)).is_none());
    }

    #[test]
    fn what_may_not_be_seen_is_not_waited_for() {
        let mut sight = Sight::default();
        let needed = [Slot::Target(0), Slot::Slices];
        assert!(!sight.is_complete(&needed));
        sight.note(Slot::Target(0), Event::Listed(Vec::new()));
        sight.deny(Slot::Slices, "not allowed".to_owned());
        assert!(sight.is_complete(&needed));
    }
}
