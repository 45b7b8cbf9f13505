//! How much memory a command's processes have at most. Linux only; elsewhere nothing is measured.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// How often the processes are looked at. The kernel itself keeps the peak of each, so that only what a process takes
/// in its last moments is missed.
const INTERVAL: Duration = Duration::from_millis(25);

/// The peaks of the resident memory (VmHWM), in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peak {
    /// Of the providers that lived at the same time, together.
    pub(crate) providers: u64,
    /// Of Terraform itself.
    pub(crate) host: u64,
}

impl Peak {
    /// Watches the descendants of a process. Never returns; what was seen is in `self`.
    pub(crate) async fn watch(&mut self, leader: u32) {
        loop {
            let now = look(leader);
            self.providers = self.providers.max(now.providers);
            self.host = self.host.max(now.host);
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

fn look(leader: u32) -> Peak {
    let mut peak = Peak::default();
    let mut left = vec![leader];
    let mut seen = BTreeSet::new();
    while let Some(process) = left.pop() {
        if !seen.insert(process) {
            continue;
        }
        left.extend(children(process));
        // A process that ends meanwhile has no files any more, and counts as nothing.
        let program = std::fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
        let program = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if program.starts_with("terraform-provider-") {
            peak.providers += high_water_mark(process);
        } else if matches!(program, "terraform" | "tofu") {
            peak.host += high_water_mark(process);
        }
    }
    peak
}

/// The children of a process. The kernel lists them by the thread that started them.
fn children(process: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

fn high_water_mark(process: u32) -> u64 {
    let status = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"));
    let status = status.unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
