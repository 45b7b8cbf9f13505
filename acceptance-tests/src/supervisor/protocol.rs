//! What a lab's parent and its supervisor say to each other: one JSON object per line.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    lab::{Cloud, Cluster},
    route53::{Route53, Zone},
};

/// The first line on the supervisor's standard input.
///
/// What follows decides the lab's life: the end of the stream (the parent closed it or died) ends the lab, the
/// byte [`DETACH`] lets it live on its own.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// Exists and is empty.
    pub(crate) directory: PathBuf,
    pub(crate) clusters: Vec<Cloud>,
    /// How many bare API servers there are besides.
    pub(crate) bare: u8,
    /// Paths of programs by name.
    pub(crate) programs: BTreeMap<String, PathBuf>,
    /// Whether the directory stays when the lab has ended, for a look at its logs.
    pub(crate) keep_directory: bool,
}

/// See [`Spec`].
pub(crate) const DETACH: u8 = b'd';

/// A line on the supervisor's standard output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Message {
    /// Something became ready.
    Progress { text: String },
    /// Everything is ready; the state file is written.
    Ready,
    /// The lab is ending because of this.
    Failed { error: String },
}

/// The state file: what a later process needs to use a running lab. It holds credentials.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// The supervisor's process id.
    pub(crate) supervisor: u32,
    pub(crate) clusters: Vec<Cluster>,
    /// None in the file of a lab that an older program started.
    #[serde(default)]
    pub(crate) names: Option<Names>,
}

/// The Route 53 of a lab.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Names {
    pub(crate) route53: Route53,
    /// A zone that is ready for people; tests have their own.
    pub(crate) zone: Zone,
}

/// File names in a lab's directory.
pub(crate) const STATE_FILE: &str = "lab.json";
/// Locked by the supervisor as long as it lives.
pub(crate) const LOCK_FILE: &str = "lock";
/// The supervisor's own messages.
pub(crate) const LOG_FILE: &str = "supervisor.log";
