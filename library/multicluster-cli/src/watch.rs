//! `multicluster watch`: follows a release by the journals on its clusters, whoever carries it out, and also when nobody does any
//! more.

mod lines;
mod table;

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use futures::future::join_all;
use multicluster::core::notify::Summary;
use multicluster::core::release::identity::ReleaseIdentity;
use multicluster::core::release::journal::Journal;
use multicluster::core::release::summary::summary;
use multicluster::release::{choose, read_one};

use crate::Said;
use crate::arguments::WatchArguments;
use crate::clusters::{Cluster, clock, clusters};

/// How often the journals are read. A release writes them at every step, and steps take seconds.
const INTERVAL: Duration = Duration::from_secs(1);

/// What the journals say at one time.
pub(crate) struct Look {
    /// Of all journals the newest.
    pub(crate) journal: Option<Journal>,
    /// Contexts that could not be read, and why.
    pub(crate) silent: Vec<(String, String)>,
}

pub(crate) async fn watch(arguments: WatchArguments) -> anyhow::Result<Said> {
    let WatchArguments { release, place, once, json } = arguments;
    let records = place.inventory_namespace.clone();
    let identity = ReleaseIdentity { name: release.name, namespace: release.namespace, records };
    let clusters = clusters(&place).await;
    let mut stdout = std::io::stdout();
    let draws = stdout.is_terminal() && !json && !once;
    let mut before = None;
    loop {
        let look = look(&clusters, &identity).await;
        let now = clock().now();
        let found = look.journal.as_ref().and_then(|journal| summary(&identity, journal, None, now));
        let over = look.journal.as_ref().is_some_and(is_over);
        if once || json {
            let text = if json { as_json(&look)? } else { table::table(&look, found.as_ref()) };
            return Ok(Said { text, well: look.silent.is_empty() });
        }
        if draws {
            // Home, then the table, then nothing of what was below it.
            write!(stdout, "\x1b[H\x1b[2J{}", table::table(&look, found.as_ref()))?;
        } else {
            write!(stdout, "{}", lines::changes(before.as_ref(), found.as_ref(), now))?;
        }
        stdout.flush()?;
        if over {
            return Ok(Said { text: String::new(), well: true });
        }
        before = found;
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Whether nothing more happens without another apply.
fn is_over(journal: &Journal) -> bool {
    journal.release.as_ref().is_none_or(|release| release.phase.is_at_rest())
}

async fn look(clusters: &[Cluster], identity: &ReleaseIdentity) -> Look {
    let reads = clusters.iter().map(async |cluster| {
        let read = match &cluster.member {
            Ok(member) => read_one(member, identity).await.map_err(|error| error.to_string()),
            Err(error) => Err(format!("{error:#}")),
        };
        (cluster.context.clone(), read)
    });
    let (mut journals, mut silent) = (Vec::new(), Vec::new());
    for (context, read) in join_all(reads).await {
        match read {
            Ok(stored) => journals.extend(stored.map(|stored| stored.journal)),
            Err(why) => silent.push((context, why)),
        }
    }
    Look { journal: choose(journals.iter(), None).cloned(), silent }
}

/// For programs: the journal as it is written, of which `active` says what is live.
fn as_json(look: &Look) -> anyhow::Result<String> {
    let silent: serde_json::Map<String, serde_json::Value> =
        look.silent.iter().map(|(context, why)| (context.clone(), why.as_str().into())).collect();
    let all = serde_json::json!({ "journal": look.journal, "unreachable": silent });
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}

/// `12m05s`
fn time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

/// `frontend: 3f2a9c01d4 → b81c22e07a, rolling, 1m05s`
fn headline(summary: &Summary) -> String {
    let versions = match &summary.from {
        Some(from) => format!("{from} → {}", summary.to),
        None => summary.to.clone(),
    };
    format!(
        "{}/{}: {versions}, {}, {}",
        summary.namespace,
        summary.name,
        summary.phase.replace('_', " "),
        time(summary.elapsed)
    )
}
