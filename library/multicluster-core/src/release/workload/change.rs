//! What is different on some clusters.

use super::{Problem, Workload, belongs};
use crate::federation::spec::Target;
use crate::names::ClusterName;
use crate::object::Manifest;
use crate::overrides::{self, Scope};
use crate::selector::Labels;

/// A change to one object of a workload on some clusters.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Which object; absent: the Deployment or StatefulSet.
    pub target: Option<Target>,
    /// On which clusters.
    pub scope: Scope,
    /// What changes, in order.
    pub changes: Vec<overrides::Change>,
}

/// The workload as it is on one cluster. `labels` are those of the cluster.
///
/// # Errors
/// Changes that cannot be applied, or after which the objects do not belong together: `["overrides", "0"]`.
pub fn change(
    workload: &Workload,
    changes: &[Change],
    cluster: &ClusterName,
    labels: &Labels,
) -> Result<Workload, Vec<Problem>> {
    let mut changed = workload.clone();
    let mut problems = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        if !change.scope.concerns(cluster, labels) {
            continue;
        }
        let index = index.to_string();
        let mut report = |text: String| problems.push(Problem::at(["overrides", index.as_str()], text));
        let Some(manifest) = changed.find(change.target.as_ref()) else {
            let target = change.target.as_ref();
            let target = target.map_or_else(String::new, |it| format!("{} `{}`", it.kind, it.name));
            report(format!("{target} does not stand in the `manifest`"));
            continue;
        };
        let mut object = manifest.value().clone();
        let applied = change.changes.iter().try_for_each(|it| overrides::apply_change(&mut object, it));
        let made = applied
            .map_err(|error| error.to_string())
            .and_then(|()| Manifest::new(object).map_err(|error| error.to_string()));
        match made {
            Ok(object) => *manifest = object,
            Err(error) => report(format!("{} on `{cluster}`: {error}", manifest.key())),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    belongs::recheck(&changed).map_err(|found| {
        let at = |problem: Problem| Problem::at(["overrides"], format!("on `{cluster}`: {}", problem.text));
        found.into_iter().map(at).collect::<Vec<_>>()
    })?;
    Ok(changed)
}

impl Workload {
    fn find(&mut self, target: Option<&Target>) -> Option<&mut Manifest> {
        let Some(target) = target else { return Some(&mut self.main) };
        std::iter::once(&mut self.main)
            .chain(&mut self.configs)
            .chain(&mut self.autoscaler)
            .chain(&mut self.budget)
            .chain(&mut self.services)
            .find(|manifest| target.is(&manifest.key()))
    }
}
