//! The state as it really is.

use std::time::Duration;

use futures::future::join_all;
use multicluster::federation::{FederationError, Observed, observe};
use multicluster_core::federation::facts::Facts;
use multicluster_core::federation::identity::FederationSet;
use multicluster_core::federation::render::MemberDesired;
use multicluster_core::names::ClusterName;
use tfplugin::resource::StateResponse;
use tfplugin::{Context, Diagnostics, Node, Value, timeouts};
use tokio::time::{Instant, sleep_until};

use super::facts::{self, Ask};
use super::membership;
use super::model;
use super::record::Record;
use super::state::{self, member_path};
use crate::config::{Clusters, NoMember, clock};
use crate::validators::sentence;

/// Unless `timeouts` says otherwise. The same as the schema's descriptions say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2 * 60);

pub(super) async fn read(clusters: &Clusters, context: &Context, response: &mut StateResponse) {
    let Some(set) = model::set_of(&response.state) else { return };
    let mut record = Record::parse(&response.private);
    membership::refresh(clusters, &record, &mut response.state).await;
    facts::read_nodes(clusters, &mut record, &response.state, Ask::All).await;
    let mut model = model::model(&response.state, None, &record.facts(), &mut Diagnostics::new());
    if let Some(model) = &mut model {
        let copies = facts::read_copies(clusters, &record, &model.spec).await;
        if !copies.objects.is_empty() {
            // What does not fit is said by the plan or the apply.
            let _ = model.copy(&Facts { copies: copies.objects, ..record.facts() });
        }
    }
    let model = model;
    let members = state::known_members(&response.state, &record);
    let instance = Node::root(&response.state).attribute("uid").str().unwrap_or_default().to_owned();
    let known = state::cluster_uids(&response.state);

    let timeouts = Node::root(&response.state).attribute("timeouts");
    let deadline = Instant::now() + timeouts::get(&timeouts, "read").unwrap_or(DEFAULT_TIMEOUT);

    let none = MemberDesired::new();
    let looks = join_all(members.iter().map(async |name| {
        let desired = model.as_ref().and_then(|model| model.rendered.get(name)).unwrap_or(&none);
        let look = tokio::select! {
            biased;
            () = context.cancelled.cancelled() => Err(CannotLook::Interrupted),
            look = look(clusters, &record, &set, name, desired) => look,
            () = sleep_until(deadline) => Err(CannotLook::OutOfTime),
        };
        (name, look)
    }))
    .await;

    let mut syncs = state::syncs(&response.state);
    let mut uids = known.clone();
    let mut found = record.without_records;
    for (name, look) in looks {
        let (observed, version) = match look {
            Ok(look) => look,
            Err(why) => {
                // Unreachable is not empty: what was last known stays.
                found = true;
                keep(name, &why, &mut response.diagnostics);
                record.members.entry(name.clone()).or_default().silent = true;
                continue;
            }
        };
        let desired = model.as_ref().and_then(|model| model.rendered.get(name)).unwrap_or(&none);
        let seen = observed.observation.seen(desired);
        clusters.remember_read(name, &seen.cluster_uid);
        let same_cluster = known.get(name).is_none_or(|uid| *uid == seen.cluster_uid);
        let ours = seen.instance.as_deref() == Some(instance.as_str());
        match seen.sync().filter(|_| same_cluster && ours) {
            Some(sync) => {
                found = true;
                syncs.insert(name.clone(), sync);
                uids.insert(name.clone(), seen.cluster_uid.clone());
            }
            None => {
                // Another cluster under the name does not mean that the federation is gone.
                found |= !same_cluster;
                syncs.remove(name);
            }
        }
        if let (Some(model), Ok(member)) = (&model, clusters.member(name, record.reference(name)).await) {
            facts::note_live_replicas(&member, model, &observed.observation, &mut record).await;
        }
        let member = record.members.entry(name.clone()).or_default();
        member.seen = Some(seen);
        member.silent = false;
        member.version = version.or(member.version.take());
        member.reference = clusters.reference(name).or(member.reference.take());
    }
    if !found && !members.is_empty() {
        response.state = Value::Null;
        return;
    }
    response.state.set("sync", state::text_map(syncs));
    response.state.set("cluster_uids", state::text_map(uids.into_iter().map(|(name, uid)| (name, uid.0))));
    response.state.set("member_status", state::member_status(&members, &record));
    response.private = record.to_private();
}

/// Why a member could not be looked at.
#[derive(Debug, thiserror::Error)]
enum CannotLook {
    #[error(transparent)]
    NoMember(#[from] NoMember),
    #[error(transparent)]
    Failed(#[from] FederationError),
    #[error("it did not answer everything in the time allowed (`timeouts.read`)")]
    OutOfTime,
    #[error("interrupted")]
    Interrupted,
}

async fn look(
    clusters: &Clusters,
    record: &Record,
    set: &FederationSet,
    name: &ClusterName,
    desired: &MemberDesired,
) -> Result<(Observed, Option<String>), CannotLook> {
    let member = clusters.member(name, record.reference(name)).await?;
    let version = async { member.server_version(&clock()).await.ok().map(|(version, _)| version.text) };
    let (observed, version) = futures::join!(observe(&member, set, desired), version);
    Ok((observed?, version))
}

fn keep(name: &ClusterName, why: &CannotLook, diagnostics: &mut Diagnostics) {
    let detail = format!("{} What was last known of it is kept.", sentence(why));
    diagnostics.warning_at(member_path(name), format!("Cannot read cluster `{name}`"), detail);
}
