//! What comes before the records: health checks and ranges that they will name, and how those go again if it was in vain.

use std::collections::BTreeMap;
use std::time::Duration;

use multicluster::route53::{CallError, ChecksError, Client, Run};
use multicluster_core::dns::EndpointName;
use multicluster_core::route53::{RecordName, Target};
use tfplugin::{Diagnostics, Node};

use super::super::beside::{self, Asked, Beside, Standing};
use super::super::collection;
use super::super::decide::{self, Decision, Known, decide};
use super::super::health_checks::{self, Made};
use super::super::model;
use super::super::zone::{self, View};
use super::{Change, Job, Work};
use crate::validators::sentence;

/// How long removing may take what was made in vain.
const UNDO_LIMIT: Duration = Duration::from_secs(60);

impl Change<'_> {
    /// What there is beside the records, and what shall be.
    pub(super) async fn job(
        &self,
        work: Work,
        view: View,
        targets: BTreeMap<EndpointName, Target>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Job> {
        let standing = self.standing(&work, &view, &work.name, diagnostics).await?;
        let old = match &self.before {
            Some(before) if *before != work.name => self.standing(&work, &view, before, diagnostics).await?,
            _ => Standing::default(),
        };
        let generation = zone::mark(&view.sets, &work.name).map_or(0, |mark| mark.generation) + 1;
        let beside = Beside::decide(&work.model, &work.name, &targets, standing, generation);
        match beside {
            Ok(beside) => Some(Job { work, view, targets, beside, old }),
            Err(problems) => {
                model::report("Invalid health check", &problems, diagnostics);
                None
            }
        }
    }

    /// The health checks and ranges of a name as they are now.
    pub(super) async fn standing(
        &self,
        work: &Work,
        view: &View,
        name: &RecordName,
        diagnostics: &mut Diagnostics,
    ) -> Option<Standing> {
        let prior = Node::root(self.request.prior).attribute("health_checks");
        let wanted = work.model.checks.as_ref().is_some_and(|checks| !checks.is_empty());
        let ranges = !collection::desired(&work.model).is_empty();
        let there = Asked::of(&zone::answers(&view.sets, name));
        let asked = Asked {
            checks: there.checks || wanted || !prior.entries().is_empty(),
            ranges: there.ranges || ranges,
            named: there.named,
        };
        match beside::read(self.shared, &work.model.owner, name, asked, self.run).await {
            Ok(standing) => Some(standing),
            Err(error) => {
                let detail = format!("{} Nothing was changed.", sentence(&error));
                diagnostics.error("Cannot read health checks and ranges", detail);
                None
            }
        }
    }

    /// Makes what records will name: health checks and ranges. What was made stands in `made`, also if this fails.
    pub(super) async fn prepare(
        &self,
        job: &Job,
        made: &mut Made,
        diagnostics: &mut Diagnostics,
    ) -> Option<Decision> {
        // With stand-ins first: what is refused is refused before anything was made.
        job.decide(self.before.as_ref(), &Made::default(), job.beside.collection().as_deref(), diagnostics)?;
        let client = self.shared.route53.client().await?;
        let beside = &job.beside;
        match client.prepare_checks(&beside.checks, &beside.owner, self.run).await {
            Ok(prepared) => made.prepared = prepared,
            Err(ChecksError { error, prepared, .. }) => {
                made.prepared = prepared;
                let detail = format!("{} The records were not changed.", sentence(&error));
                diagnostics.error("Cannot make the health checks", detail);
                return None;
            }
        }
        if !beside.blocks.is_empty()
            && let Err(error) = self.prepare_ranges(job, &client, &mut made.collection).await
        {
            let detail = format!("{} The records were not changed.", sentence(&error));
            diagnostics.error("Cannot set up the CIDR collection", detail);
            return None;
        }
        job.decide(self.before.as_ref(), made, made.collection.as_deref(), diagnostics)
    }

    /// Makes the ranges that records will name. The collection stands in `made` as soon as it is there.
    async fn prepare_ranges(
        &self,
        job: &Job,
        client: &Client,
        made: &mut Option<String>,
    ) -> Result<(), CallError> {
        let names = collection::Names::of(&job.work.model.owner, &job.work.name);
        let (standing, plan) = (&job.beside.standing.collection, &job.beside.ranges);
        let id = collection::obtain(client, &names, standing, plan.way, self.run).await?;
        *made = Some(id.clone());
        collection::fill(client, &id, plan, self.run).await
    }

    /// Removes what was made for records that were not changed after all. What cannot be removed is found again by the
    /// next apply.
    pub(super) async fn undo(&self, job: &Job, made: &Made, diagnostics: &mut Diagnostics) {
        let Some(client) = self.shared.route53.client().await else { return };
        let new =
            made.prepared.checks.iter().filter(|check| made.prepared.ids.values().any(|id| *id == check.id));
        let ids = health_checks::parents_first(&new.cloned().collect::<Vec<_>>());
        let run = Run::within(UNDO_LIMIT);
        for (id, error) in client.delete_checks(&ids, &run).await {
            let detail = format!(
                "Health check {} is left, and will be used or removed by the next apply. {}",
                id.0,
                sentence(&error)
            );
            diagnostics.warning("Something is left", detail);
        }
        let new =
            made.collection.as_ref().filter(|id| job.beside.standing.collection.id.as_ref() != Some(*id));
        if let Some(id) = new
            && let Err(error) = collection::remove(&client, id, &run).await
        {
            let detail = format!(
                "CIDR collection {id} is left, and will be used by the next apply. {}",
                sentence(&error)
            );
            diagnostics.warning("Something is left", detail);
        }
    }
}

impl Job {
    /// What the zone shall hold, with the ids of what was made.
    fn decide(
        &self,
        before: Option<&RecordName>,
        made: &Made,
        collection: Option<&str>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Decision> {
        let checks = self.beside.ids(&made.prepared.ids);
        let known = Known {
            name: &self.work.name,
            view: &self.view,
            targets: &self.targets,
            checks: &checks,
            collection,
            standing: before.map_or(decide::Standing::New, decide::Standing::Ours),
        };
        decide(&self.work.model, known, diagnostics)
    }
}
