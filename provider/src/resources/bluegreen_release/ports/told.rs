//! Who is told of a release: a file, and chats. Neither holds it up, and neither makes it fail.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use multicluster::notify::{self as chat, EventKind, Message, Notifiers};
use multicluster::release::{self as engine, Event, Kind};
use multicluster_core::release::identity::ReleaseIdentity;
use multicluster_core::release::journal::{Journal, Phase};
use multicluster_core::release::spec::ReleaseSpec;
use multicluster_core::release::summary::summary;
use tfplugin::{Diagnostics, Node, Path, Value};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::super::BluegreenRelease;
use super::super::model::Model;
use super::super::record::Record;
use crate::config::{Named, expand_home};

/// How long an apply that is done waits for chats.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// Who is told.
pub(in super::super) struct Told {
    identity: ReleaseIdentity,
    spec: ReleaseSpec,
    chats: Notifiers,
    lines: Mutex<Option<UnboundedSender<String>>>,
    writer: Mutex<JoinSet<Option<String>>>,
}

impl Told {
    /// Everybody whom the configuration names. `None` if one of them is not known even now, which is said.
    pub(in super::super) fn new(
        shared: &BluegreenRelease,
        config: &Value,
        model: &Model,
        record: &Record,
        diagnostics: &mut Diagnostics,
    ) -> Option<Arc<Self>> {
        let node = Node::root(config);
        let mut chats = Notifiers::default();
        for element in node.attribute("notify").elements() {
            let Some(name) = element.str() else { continue };
            match shared.notify.notifier(name) {
                Named::Known(notifier) => chats.insert(notifier),
                Named::Unknown => diagnostics.warning_at(
                    element.path(),
                    "Nobody is told",
                    format!("How `{name}` is reached is not known even now."),
                ),
                Named::Missing(missing) => {
                    diagnostics.error_at(element.path(), "Unknown notifier", missing.to_string());
                }
                Named::Invalid(problem) => diagnostics.error_at(element.path(), "Unknown notifier", problem),
            }
        }
        if diagnostics.has_errors() {
            return None;
        }
        if let Some(journal) = &record.journal {
            chats.restore(&journal.notifiers);
        }
        let mut writer = JoinSet::new();
        let lines = node.attribute("progress_file").str().map(|path| {
            let (sender, mut receiver) = unbounded_channel::<String>();
            let path: PathBuf = expand_home(path);
            // A disk can be slow, too.
            writer.spawn_blocking(move || {
                let mut file = match std::fs::OpenOptions::new().create(true).append(true).open(&path) {
                    Ok(file) => file,
                    Err(error) => return Some(format!("cannot open {}: {error}", path.display())),
                };
                while let Some(line) = receiver.blocking_recv() {
                    if let Err(error) = writeln!(file, "{line}") {
                        return Some(format!("cannot write to {}: {error}", path.display()));
                    }
                }
                None
            });
            sender
        });
        Some(Arc::new(Self {
            identity: model.identity.clone(),
            spec: model.spec.clone(),
            chats,
            lines: Mutex::new(lines),
            writer: Mutex::new(writer),
        }))
    }

    /// Waits until everything has been told, and says what could not be.
    pub(in super::super) async fn close(&self, diagnostics: &mut Diagnostics) {
        if let Ok(mut lines) = self.lines.lock() {
            *lines = None;
        }
        let mut writer =
            self.writer.lock().map(|mut writer| std::mem::take(&mut *writer)).unwrap_or_default();
        while let Some(ended) = writer.join_next().await {
            if let Ok(Some(why)) = ended {
                diagnostics.warning_at(
                    Path::root().attribute("progress_file"),
                    "The progress was not written",
                    format!("{why}. The release was not held up."),
                );
            }
        }
        for warning in self.chats.flush(Instant::now() + LAST_WORDS).await {
            let detail =
                format!("{} The release was not held up.", crate::validators::sentence(&warning.reason));
            diagnostics.warning_at(
                Path::root().attribute("notify"),
                format!("`{}` was not told everything", warning.notifier),
                detail,
            );
        }
    }
}

impl engine::Progress for Told {
    fn tell(&self, event: &Event, journal: &Journal) {
        if let Ok(lines) = self.lines.lock()
            && let Some(lines) = lines.as_ref()
            && let Ok(line) = serde_json::to_string(event)
        {
            // If the file cannot be written, that is said at the end.
            let _ = lines.send(line);
        }
        let Some(summary) = summary(&self.identity, journal, Some(&self.spec), event.at) else { return };
        let event = chat::Event {
            release: event.release.clone(),
            kind: kind(event),
            text: event.message.clone(),
            at: event.at,
        };
        self.chats.send(&Message { event, summary });
    }

    fn remembered(&self) -> BTreeMap<String, serde_json::Value> {
        self.chats.states()
    }
}

/// What kind of message an event is.
fn kind(event: &Event) -> EventKind {
    match (event.kind, event.phase) {
        (Kind::Started, _) => EventKind::Started,
        (Kind::Wave, _) => EventKind::Wave,
        (Kind::Measurement, _) => EventKind::Analysis,
        (Kind::ApprovalNeeded, _) => EventKind::ApprovalNeeded,
        (Kind::Rollback, _) => EventKind::Rollback,
        (Kind::Ended, Phase::Completed) => EventKind::Done,
        (Kind::Ended, Phase::RolledBack) => EventKind::RolledBack,
        (Kind::Ended | Kind::Failure, Phase::Halted) => EventKind::Halted,
        (Kind::Ended, _) => EventKind::Failed,
        (Kind::Phase, Phase::Holding) => EventKind::Holding,
        (Kind::Phase, Phase::Frozen) => EventKind::Frozen,
        _ => EventKind::Step,
    }
}
