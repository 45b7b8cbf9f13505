//! What a command's processes take of the machine. Linux only; elsewhere nothing is measured.

use std::collections::BTreeMap;
use std::time::Duration;

/// How often the processes are looked at. The kernel itself keeps the sums and the peak of each, so that only what a
/// process takes in its last moments is missed.
const INTERVAL: Duration = Duration::from_millis(25);
/// The unit of times in `/proc`, as every Linux has it.
const TICKS_PER_SECOND: f64 = 100.0;

/// What the processes of a command took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    /// By all providers.
    pub(crate) providers: Share,
    /// By Terraform itself.
    pub(crate) host: Share,
}

/// What some processes took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Share {
    /// The peaks of the resident memory (VmHWM) of those that lived at the same time, together, in KiB.
    pub(crate) peak_kib: u64,
    /// The processor time of each, in ticks.
    ticks: BTreeMap<u32, u64>,
}

impl Share {
    /// The processor time of all of them, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        crate::number(self.ticks.values().sum::<u64>()) / TICKS_PER_SECOND
    }

    fn note(&mut self, processes: &[u32]) {
        let now = processes.iter().map(|&process| high_water_mark(process)).sum();
        self.peak_kib = self.peak_kib.max(now);
        for &process in processes {
            if let Some(ticks) = ticks(process) {
                self.ticks.insert(process, ticks);
            }
        }
    }
}

impl Taken {
    /// Watches the descendants of a process. Never returns; what was seen is in `self`.
    pub(crate) async fn watch(&mut self, leader: u32) {
        loop {
            let (mut providers, mut hosts) = (Vec::new(), Vec::new());
            let mut left = vec![leader];
            while let Some(process) = left.pop() {
                left.extend(children(process));
                // A process that has ended meanwhile has no files any more.
                let program = std::fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
                match program.file_name().and_then(|name| name.to_str()).unwrap_or_default() {
                    name if name.starts_with("terraform-provider-") => providers.push(process),
                    "terraform" | "tofu" => hosts.push(process),
                    _ => {}
                }
            }
            self.providers.note(&providers);
            self.host.note(&hosts);
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Whether anything was seen.
    pub(crate) fn is_known(&self) -> bool {
        self.host.peak_kib > 0
    }
}

/// The children of a process. The kernel lists them by the thread that started them.
fn children(process: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    let ids = |list: String| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>();
    lists.flat_map(ids).collect()
}

fn high_water_mark(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The time in user mode and in the kernel: the 14th and 15th fields, counted from behind the name, which may hold
/// anything.
fn ticks(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields = stat.rsplit_once(')')?.1.split_whitespace();
    let times: Vec<u64> = fields.skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    (times.len() == 2).then(|| times.iter().sum())
}
