//! One cluster: what is there, what is written there, and waiting until it is so.
//!
//! A [`Member`] speaks in JSON values, since the objects are the user's. Every answer is bounded in size, every
//! error is a [`MemberError`] that says in the user's words what the API server refused. A member knows nothing of
//! federations, ownership or order: whoever calls it decides what may be written.
//!
//! ```no_run
//! use multicluster::member::{ApplyOptions, Member, MemberError};
//!
//! # async fn example(member: Member, deployment: serde_json::Value) -> Result<(), MemberError> {
//! if let Some(ty) = member.resource_type("apps/v1", "Deployment").await? {
//!     let options = ApplyOptions { field_manager: "example".into(), force: false, dry_run: true, confidential: false };
//!     let would_be = member.apply(&ty, &deployment, options).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Absent on purpose: typed objects, caches of objects, and retries of a write that the server may have carried out
//! (the client's transport repeats only what is safe to repeat).

mod contents;
mod discovery;
mod error;
mod established;
mod events;
mod gone;
mod may;
mod message;
mod objects;
mod patch;
mod pods;
mod ready;
mod refusal;
mod request;
mod resource_type;
mod server;
mod skew;
mod version;
mod wait;
mod watch;

use std::{fmt, sync::Arc};

use multicluster_core::{
    names::{ClusterName, ClusterUid},
    object::text,
};

pub use self::{
    error::{FieldConflict, FieldProblem, MemberError},
    may::Access,
    objects::{ApplyOptions, Deletion, Propagation},
    ready::Until,
    resource_type::ResourceType,
    server::ServedKinds,
    version::ServerVersion,
    wait::{Wait, WaitError},
};
pub(crate) use self::{
    message::cut,
    watch::{Event, Scope, Watch},
};

/// One cluster, under the name that the user gave it. Cheap to clone: clones share the client and what was
/// discovered.
#[derive(Clone)]
pub struct Member {
    /// The key of the cluster in the provider's `clusters` map.
    pub name: ClusterName,
    client: kube::Client,
    discovered: Arc<discovery::Discovered>,
    records: Arc<tokio::sync::Mutex<()>>,
}

impl Member {
    /// Wraps a client. Nothing is sent yet.
    #[must_use]
    pub fn new(name: ClusterName, client: kube::Client) -> Self {
        Self { name, client, discovered: Arc::default(), records: Arc::default() }
    }

    /// Reads which cluster this is: the UID of its namespace `kube-system`, which stays for the cluster's life.
    ///
    /// # Errors
    /// [`MemberError`]; a cluster without that namespace is [`MemberError::NotFound`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn uid(&self) -> Result<ClusterUid, MemberError> {
        let namespace = self.get(&ResourceType::namespace(), None, "kube-system").await?;
        let uid = namespace.as_ref().map_or("", |object| text(object, "/metadata/uid"));
        if uid.is_empty() {
            return Err(MemberError::NotFound {
                kind: "namespaces".to_owned(),
                name: "kube-system".to_owned(),
            });
        }
        Ok(ClusterUid(uid.to_owned()))
    }
}

impl Member {
    /// Keeps those who make records of ours on this member apart from those who remove them, within this process.
    pub(crate) async fn records_gate(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.records.lock().await
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("name", &self.name).finish_non_exhaustive()
    }
}
