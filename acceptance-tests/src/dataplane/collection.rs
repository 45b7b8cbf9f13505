//! Objects of one kind, as a watch tells of them. Pure.
//!
//! A list that begins anew replaces the objects only when it is complete, so that a watch that is interrupted never
//! looks as if everything were gone.

use std::collections::BTreeMap;

/// What a watch says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn<T> {
    /// A list begins.
    Begun,
    /// An object of that list.
    Listed(String, T),
    /// The list is complete.
    Complete,
    /// An object was made or changed.
    Applied(String, T),
    /// The object of this name is gone.
    Gone(String),
}

impl<T> Turn<T> {
    /// The same of something else.
    pub(super) fn map<U>(self, make: impl FnOnce(T) -> U) -> Turn<U> {
        match self {
            Self::Begun => Turn::Begun,
            Self::Listed(name, object) => Turn::Listed(name, make(object)),
            Self::Complete => Turn::Complete,
            Self::Applied(name, object) => Turn::Applied(name, make(object)),
            Self::Gone(name) => Turn::Gone(name),
        }
    }
}

/// Objects by name.
#[derive(Debug, Clone)]
pub(super) struct Collection<T> {
    objects: BTreeMap<String, T>,
    /// What came of the list that is under way.
    listed: BTreeMap<String, T>,
    complete: bool,
}

// Not derived: that would ask the same of `T`.
impl<T> Default for Collection<T> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), listed: BTreeMap::new(), complete: false }
    }
}

impl<T> Collection<T> {
    pub(super) fn apply(&mut self, turn: Turn<T>) {
        match turn {
            Turn::Begun => self.listed.clear(),
            Turn::Listed(name, object) => {
                self.listed.insert(name, object);
            }
            Turn::Complete => {
                self.objects = std::mem::take(&mut self.listed);
                self.complete = true;
            }
            Turn::Applied(name, object) => {
                self.objects.insert(name, object);
            }
            Turn::Gone(name) => {
                self.objects.remove(&name);
            }
        }
    }

    /// Whether a list was ever complete.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.objects.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.objects.iter().map(|(name, object)| (name.as_str(), object))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.objects.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_list_takes_nothing_away() {
        let mut found = Collection::default();
        for turn in [Turn::Begun, Turn::Listed("a".to_owned(), 1), Turn::Complete] {
            found.apply(turn);
        }
        found.apply(Turn::Begun);
        assert_eq!(found.get("a"), Some(&1), "the second list is not complete");
        found.apply(Turn::Listed("b".to_owned(), 2));
        found.apply(Turn::Begun);
        found.apply(Turn::Complete);
        assert_eq!(found.values().count(), 0, "what the first half said does not count");
        assert!(found.is_complete());
    }
}
