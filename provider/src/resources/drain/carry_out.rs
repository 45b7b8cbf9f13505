//! The draining itself: DNS, then the wait, then the objects.

use std::time::Duration;

use futures::future::join_all;
use multicluster::federation::withdraw;
use multicluster::member::Member;
use multicluster::route53;
use multicluster_core::federation::identity::{DEFAULT_NAMESPACE, FederationSet};
use multicluster_core::names::{ClusterName, FederationName};
use tfplugin::resource::ApplyRequest;
use tfplugin::{Context, Diagnostics, Node, Path, Value, duration, timeouts};
use tokio::time::Instant;

use super::{Drain, cluster_of, reference_of};
use crate::resources::federation::run_until;
use crate::resources::geo_dns::withdraw_endpoint;
use crate::validators::sentence;

/// As the schema says.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// What is to be drained, and how.
struct Job {
    cluster: ClusterName,
    federation: Option<FederationSet>,
    names: Vec<String>,
    wait: Option<Duration>,
    forget: bool,
    deadline: Instant,
}

impl Job {
    fn of(state: &Value) -> Option<Self> {
        let node = Node::root(state);
        let namespace = node.attribute("inventory_namespace").str().unwrap_or(DEFAULT_NAMESPACE);
        let federation = node.attribute("federation").str().and_then(|name| FederationName::new(name).ok());
        let timeout = timeouts::get(&node.attribute("timeouts"), "delete").unwrap_or(DEFAULT_TIMEOUT);
        Some(Self {
            cluster: cluster_of(state)?,
            federation: federation.map(|name| FederationSet::default_of(name, namespace)),
            names: node
                .attribute("geo_dns")
                .elements()
                .iter()
                .filter_map(|it| it.str().map(str::to_owned))
                .collect(),
            wait: node.attribute("wait").str().and_then(|text| duration::parse(text).ok()),
            forget: node.attribute("unreachable").str() == Some("forget"),
            deadline: Instant::now() + timeout,
        })
    }
}

/// Drains the cluster. An error leaves the resource as it is, so that the cluster is not destroyed and the next apply
/// goes on: each step finds out what is done already.
pub(super) async fn carry_out(
    shared: &Drain,
    context: &Context,
    request: ApplyRequest<'_>,
    diagnostics: &mut Diagnostics,
) {
    let Some(job) = Job::of(request.prior) else { return };
    let Some(ttl) = leave_names(shared, context, &job, diagnostics).await else { return };
    let wait = ttl.map(|ttl| job.wait.unwrap_or(ttl)).unwrap_or_default();
    if !wait.is_zero() {
        tracing::info!(cluster = %job.cluster, wait = ?wait, "waiting until resolvers have forgotten the cluster");
        tokio::select! {
            () = context.cancelled.cancelled() => {
                diagnostics.error(
                    "Interrupted",
                    format!(
                        "Cluster `{}` is withdrawn from DNS; resolvers may still know it, and nothing was removed from \
                         it. The next apply goes on.",
                        job.cluster
                    ),
                );
                return;
            }
            () = tokio::time::sleep(wait) => {}
        }
    }
    let Some(federation) = &job.federation else { return };
    match shared.clusters.member(&job.cluster, reference_of(request.private).as_ref()).await {
        Ok(member) => remove_objects(shared, context, &job, federation, &member, diagnostics).await,
        Err(error) if job.forget => forgotten(&job, &sentence(&error), diagnostics),
        Err(error) => not_removed(&job, &sentence(&error), diagnostics),
    }
}

/// Withdraws the endpoint from all names. The longest time for which resolvers may keep what was withdrawn; none inside
/// if nothing was. `None` after an error.
async fn leave_names(
    shared: &Drain,
    context: &Context,
    job: &Job,
    diagnostics: &mut Diagnostics,
) -> Option<Option<Duration>> {
    let run = route53::Run { cancelled: context.cancelled.clone(), deadline: job.deadline };
    let withdrawn = join_all(
        job.names
            .iter()
            .map(async |id| (id, withdraw_endpoint(&shared.route53, id, &job.cluster, &run).await)),
    );
    let mut longest = None;
    let mut failed = false;
    for (id, outcome) in withdrawn.await {
        match outcome {
            Ok(ttl) => longest = longest.max(ttl),
            Err(why) => {
                failed = true;
                diagnostics.error_at(
                    Path::root().attribute("geo_dns"),
                    format!("Cannot withdraw `{}` from `{id}`", job.cluster),
                    format!(
                        "{} Nothing was removed from the cluster. If that stays so, set `state = \"drained\"` on the \
                         endpoint itself and apply that first.",
                        sentence(&why)
                    ),
                );
            }
        }
    }
    (!failed).then_some(longest)
}

async fn remove_objects(
    shared: &Drain,
    context: &Context,
    job: &Job,
    federation: &FederationSet,
    member: &std::sync::Arc<Member>,
    diagnostics: &mut Diagnostics,
) {
    let run = run_until(context, job.deadline);
    let lock = shared.clusters.lock(&federation.inventory_name());
    let _guard = lock.lock().await;
    let reports = match withdraw(member, federation, None, &run).await {
        Ok(reports) => reports,
        Err(error) if job.forget && error.is_unreachable() => {
            return forgotten(job, &sentence(&error), diagnostics);
        }
        Err(error) => return not_removed(job, &sentence(&error), diagnostics),
    };
    for (set, report) in &reports {
        for warning in &report.warnings {
            diagnostics.warning(format!("Cluster `{}`, set `{set}`", job.cluster), sentence(warning));
        }
        if let Some(error) = &report.error {
            return not_removed(job, &sentence(error), diagnostics);
        }
    }
    shared.clusters.note_departed(&federation.federation, &job.cluster);
}

fn forgotten(job: &Job, why: &str, diagnostics: &mut Diagnostics) {
    let detail = format!("{why} What the federation keeps on it is left there (`unreachable = \"forget\"`).");
    diagnostics.warning(format!("Cluster `{}` was forgotten", job.cluster), detail);
}

fn not_removed(job: &Job, why: &str, diagnostics: &mut Diagnostics) {
    let detail = format!(
        "{why} The cluster is withdrawn from DNS, and not destroyed. The next apply goes on. If it will never answer again, \
         set `unreachable = \"forget\"` and apply that first."
    );
    diagnostics.error_at(
        Path::root().attribute("federation"),
        format!("Cannot remove the federation's objects from cluster `{}`", job.cluster),
        detail,
    );
}
