//! What marks objects as a release's. Everything is derived from the release's name and namespace, so that whoever knows
//! the two finds the objects again.
//!
//! Invariant: every name and label value fits what Kubernetes allows, whatever release it is derived from.

use super::color::Color;
use super::journal::Version;
use crate::federation::identity::DEFAULT_NAMESPACE;
use crate::names::ReleaseName;
use crate::selector::Labels;

/// Label of everything that a release makes or leads, with the release's name.
pub const RELEASE_LABEL: &str = "multicluster.dev/release";
/// Label of a colour's objects and of its pods: `blue` or `green`. Selectors of Services and budgets go by it.
pub const COLOR_LABEL: &str = "multicluster.dev/color";
/// Label of a colour's objects and of its pods: which version they are.
pub const VERSION_LABEL: &str = "multicluster.dev/version";
/// Annotation of objects that lead traffic: the release that wrote last.
pub const RELEASE_ID_ANNOTATION: &str = "multicluster.dev/release-id";
/// Annotation of objects that lead traffic: the epoch of the apply that wrote last, in decimal. Every switch tests it.
pub const EPOCH_ANNOTATION: &str = "multicluster.dev/epoch";
/// Annotation of objects that lead traffic: the step that they show, counted from 0, or `all`.
pub const STEP_ANNOTATION: &str = "multicluster.dev/step";
/// Annotation of objects that lead traffic: how it was led by whoever wrote last, so that changes by others are seen.
pub const WEIGHTS_ANNOTATION: &str = "multicluster.dev/weights";
/// Annotation of routes: the headers by which a step leads requests, as JSON, so that they are read as they were written.
pub const HEADERS_ANNOTATION: &str = "multicluster.dev/headers";
/// Annotation of a stable Service: what was taken over of a workload that was there before, see [`super::adopt`].
pub const ADOPTED_ANNOTATION: &str = "multicluster.dev/adopted";
/// Annotation of an autoscaler: the minimum that it had before it was held at a size.
pub const MINIMUM_ANNOTATION: &str = "multicluster.dev/min-replicas";
/// Label that the Deployment controller gives the pods of each of its replica sets.
pub const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// The longest suffix of a name that is per colour: `-green`.
pub(super) const LONGEST_SUFFIX: usize = "-green".len();

/// A release on every cluster that it has: its name, and the namespaces of its workload and of its records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReleaseIdentity {
    /// The release's name.
    pub name: ReleaseName,
    /// The namespace of the workload.
    pub namespace: String,
    /// The namespace of journal and lease.
    pub records: String,
}

impl ReleaseIdentity {
    /// A release whose records are where they are by default.
    #[must_use]
    pub fn new(name: ReleaseName, namespace: impl Into<String>) -> Self {
        Self { name, namespace: namespace.into(), records: DEFAULT_NAMESPACE.to_owned() }
    }

    /// The field manager of all writes.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::names::ReleaseName;
    /// use multicluster_core::release::identity::ReleaseIdentity;
    ///
    /// let release = ReleaseIdentity::new(ReleaseName::new("frontend").unwrap(), "guestbook");
    /// assert_eq!(release.field_manager(), "multicluster-release-frontend");
    /// assert_eq!(release.journal_name(), "release.guestbook.frontend");
    /// ```
    #[must_use]
    pub fn field_manager(&self) -> String {
        format!("multicluster-release-{}", self.name)
    }

    /// The name of the ConfigMap that holds the journal.
    #[must_use]
    pub fn journal_name(&self) -> String {
        // Neither a namespace nor a release's name has a dot, so that no other release has the same name here.
        format!("release.{}.{}", self.namespace, self.name)
    }

    /// The name of the Lease that keeps two applies apart.
    #[must_use]
    pub fn lease_name(&self) -> String {
        self.journal_name()
    }

    /// Labels of what belongs to the release and to no colour, such as the stable Service.
    #[must_use]
    pub fn labels(&self) -> Labels {
        Labels::from([(RELEASE_LABEL.to_owned(), self.name.to_string())])
    }

    /// Labels of a colour's objects and pods, whatever their version.
    #[must_use]
    pub fn color_labels(&self, color: Color) -> Labels {
        let mut labels = self.labels();
        labels.insert(COLOR_LABEL.to_owned(), color.to_string());
        labels
    }

    /// Labels of a colour's objects and pods in one version.
    #[must_use]
    pub fn version_labels(&self, color: Color, version: &Version) -> Labels {
        let mut labels = self.color_labels(color);
        labels.insert(VERSION_LABEL.to_owned(), version.0.clone());
        labels
    }

    /// The label selector of everything that the release made or leads, in its namespace.
    #[must_use]
    pub fn selector(&self) -> String {
        format!("{RELEASE_LABEL}={}", self.name)
    }

    /// The name of the header rules that steps add to routes.
    #[must_use]
    pub fn rule_name(&self) -> String {
        format!("multicluster-{}", self.name)
    }
}

/// The name of an object that exists per colour: `frontend-green`.
#[must_use]
pub fn colored(name: &str, color: Color) -> String {
    format!("{name}-{color}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selector::{check_key, check_value};

    fn longest() -> ReleaseIdentity {
        let name = ReleaseName::new("a".repeat(ReleaseName::LIMIT)).unwrap();
        ReleaseIdentity::new(name, "n".repeat(63))
    }

    #[test]
    fn the_longest_name_fits_everywhere() {
        let release = longest();
        assert!(release.field_manager().len() <= 128);
        assert!(release.journal_name().len() <= 253);
        assert!(release.rule_name().len() <= 63);
        for (key, value) in release.version_labels(Color::Green, &Version("0123456789".to_owned())) {
            assert_eq!((check_key(&key), check_value(&value)), (Ok(()), Ok(())), "{key}={value}");
        }
    }

    #[test]
    fn records_of_two_namespaces_are_apart() {
        let of = |namespace: &str, name: &str| {
            ReleaseIdentity::new(ReleaseName::new(name).unwrap(), namespace).journal_name()
        };
        assert_ne!(of("a-b", "c"), of("a", "b-c"));
    }
}
