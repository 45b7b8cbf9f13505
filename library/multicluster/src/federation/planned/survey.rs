//! One member of a federation at a glance.

use multicluster_core::federation::identity::FederationSet;
use multicluster_core::federation::observation::Observation;
use multicluster_core::federation::render::MemberDesired;

use crate::clock::Clock;
use crate::federation::error::FederationError;
use crate::federation::observe::observe;
use crate::federation::records;
use crate::lease;
use crate::member::{Member, ServerVersion};

/// What there is to say about a federation on one member.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Which Kubernetes it is.
    pub version: ServerVersion,
    /// What the federation has on it.
    pub observation: Observation,
    /// Who may write to it now, if anybody: an apply that runs, or one that has died.
    pub lease_holder: Option<String>,
    /// The other sets of the federation that have objects on it, by name.
    pub other_sets: Vec<String>,
}

/// Looks at a member. `desired` is what is wanted there, as far as that is known: it names fields that were changed.
///
/// # Errors
/// [`FederationError`] if anything of it cannot be read.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn survey(
    member: &Member,
    set: &FederationSet,
    desired: &MemberDesired,
    clock: &Clock,
) -> Result<Survey, FederationError> {
    let version = async {
        let answer = member.server_version(clock).await;
        answer.map_err(FederationError::while_("read its version"))
    };
    let holder = async {
        let holder = lease::holder(member, &set.namespace, &set.lease_name()).await;
        holder.map_err(FederationError::while_("read the federation's lease"))
    };
    let (observed, (version, _), lease_holder, other_sets) =
        futures::try_join!(observe(member, set, desired), version, holder, records::other_sets(member, set))?;
    Ok(Survey { version, observation: observed.observation, lease_holder, other_sets })
}
