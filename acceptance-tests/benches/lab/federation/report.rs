//! Turns what was measured into tables.

use std::fmt::Write as _;

use super::Measures;
use super::contender::{Contender, Measure, Operation};
use super::place::Place;
use super::processes::{Share, Taken};
use crate::table::Table;
use crate::{median, number};

/// What stands where nothing was measured.
const NOTHING: &str = "–";
/// What an operation goes through, and which of it are the writes.
const PHASES: [&str; 3] =
    ["before the first write", "from the first to the last write", "after the last write"];
const WRITES: usize = 1;
/// Whose processes are told apart.
const WHO: [(&str, Who); 2] =
    [("providers", |taken| &taken.providers), ("terraform itself", |taken| &taken.host)];

type Who = fn(&Taken) -> &Share;

/// The section on whole control planes. `alone` are the seconds of Terraform without any provider.
pub(super) fn on_control_planes(
    place: &Place<'_>,
    measures: &Measures,
    alone: f64,
) -> anyhow::Result<String> {
    let found = Found(measures);
    let mut text = heading(place, "whole control planes");
    writeln!(text, "Terraform alone needs {alone:.2} s for a plan without any provider.\n")?;
    write!(text, "{}\n{}", found.against_aims(), found.tables()?)?;
    Ok(text)
}

/// The sections on bare API servers, with few and with many of them.
pub(super) fn on_bare_servers(
    few: &Place<'_>,
    at_few: &Measures,
    many: &Place<'_>,
    at_many: &Measures,
) -> anyhow::Result<String> {
    let (at_few, at_many) = (Found(at_few), Found(at_many));
    let mut text = heading(many, "bare API servers");
    let mut table = Table::new(
        ["ms per object".to_owned(), format!("{} clusters", few.clusters.len())].into_iter().chain([
            format!("{} clusters", many.clusters.len()),
            "ratio".to_owned(),
            "aim".to_owned(),
        ]),
    );
    for operation in [Operation::Create, Operation::PlanOfNothing, Operation::Destroy] {
        for contender in Contender::ALL {
            let per_object = |found: &Found<'_>, place: &Place<'_>| {
                let seconds = found.seconds(contender, operation)?;
                Some(1000.0 * seconds / number(place.objects()))
            };
            let (Some(few), Some(many)) = (per_object(&at_few, few), per_object(&at_many, many)) else {
                continue;
            };
            let aim = if contender == Contender::Ours { "1.0×" } else { "" };
            let what = format!("{}, {}", operation.name(), contender.name());
            table.row([
                what,
                format!("{few:.2}"),
                format!("{many:.2}"),
                format!("{:.2}×", many / few),
                aim.to_owned(),
            ]);
        }
    }
    write!(text, "{table}\n{}\n{}", at_many.against_aims(), at_many.tables()?)?;
    write!(text, "\n{}{}", heading(few, "bare API servers, of the same twenty"), at_few.tables()?)?;
    Ok(text)
}

fn heading(place: &Place<'_>, on: &str) -> String {
    let kinds: Vec<String> =
        place.workload.by_kind().iter().map(|(kind, objects)| format!("{} {kind}", objects.len())).collect();
    format!(
        "### {} clusters × {} objects, {on}\n\nOn each cluster: {}.\n\n",
        place.clusters.len(),
        place.workload.objects.len(),
        kinds.join(", ")
    )
}

/// What was measured, to be looked up.
struct Found<'a>(&'a Measures);

impl Found<'_> {
    /// The median of a figure over the rounds.
    fn median(
        &self,
        contender: Contender,
        operation: Operation,
        figure: impl Fn(&Measure) -> Option<f64>,
    ) -> Option<f64> {
        let measures = self.0.get(&(contender, operation))?;
        median(measures.iter().filter_map(figure).collect()).ok()
    }

    fn seconds(&self, contender: Contender, operation: Operation) -> Option<f64> {
        self.median(contender, operation, |measure| Some(measure.seconds))
    }

    /// The seconds of a phase of the create: before the first write, the writes, after the last.
    fn phase(&self, contender: Contender, phase: usize) -> Option<f64> {
        self.median(contender, Operation::Create, |measure| measure.phases?.get(phase).copied())
    }

    fn contenders(&self) -> Vec<Contender> {
        let measured = |it: &Contender| self.0.keys().any(|(contender, _)| contender == it);
        Contender::ALL.into_iter().filter(measured).collect()
    }

    /// How we compare, beside the aims.
    fn against_aims(&self) -> Table {
        use Contender::{Bare, Kubectl, Ours, Peer};
        use Operation::{Create, Destroy, PlanOfNothing};
        let ratio = |over: Option<f64>, under: Option<f64>| {
            over.zip(under).map_or(NOTHING.to_owned(), |(over, under)| format!("{:.2}×", over / under))
        };
        let mut table = Table::new(["against the aims", "aim", "measured"]);
        let mut row = |what: &str, aim: &str, measured: String| table.row([what, aim, &measured]);
        row(
            "writes of create, over the bare loop's",
            "≤ 1.3×",
            ratio(self.phase(Ours, WRITES), self.phase(Bare, WRITES)),
        );
        for (operation, other, aim) in [
            (Create, Kubectl, "≥ 3×"),
            (Create, Peer, "≥ 3×"),
            (PlanOfNothing, Peer, "≥ 10×"),
            (Destroy, Kubectl, "≥ 3×"),
            (Destroy, Peer, "≥ 3×"),
        ] {
            let what = format!("{}, of which {} needs", operation.name(), other.name());
            row(&what, aim, ratio(self.seconds(other, operation), self.seconds(Ours, operation)));
        }
        row(
            "memory of the provider",
            "≤ 150 MB",
            self.peak(Ours, |taken| &taken.providers).unwrap_or_else(|| NOTHING.to_owned()),
        );
        table
    }

    fn tables(&self) -> anyhow::Result<String> {
        let mut text = String::new();
        let contenders = self.contenders();
        let heads = |what: &str| {
            let names = contenders.iter().map(|contender| contender.name().to_owned());
            Table::new(std::iter::once(what.to_owned()).chain(names))
        };
        let fill = |table: &mut Table, what: &str, cell: &dyn Fn(Contender) -> Option<String>| {
            let cells: Vec<Option<String>> = contenders.iter().map(|contender| cell(*contender)).collect();
            if cells.iter().any(Option::is_some) {
                let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| NOTHING.to_owned()));
                table.row(std::iter::once(what.to_owned()).chain(cells));
            }
        };
        let seconds = |it: f64| format!("{it:.2}");

        let mut table = heads("seconds");
        for operation in Operation::ALL {
            fill(&mut table, operation.name(), &|contender| self.seconds(contender, operation).map(seconds));
        }
        writeln!(text, "{table}")?;

        let mut table = heads("seconds of create");
        for (phase, name) in PHASES.into_iter().enumerate() {
            fill(&mut table, name, &|contender| self.phase(contender, phase).map(seconds));
        }
        writeln!(text, "{table}")?;

        let mut table = heads("API calls, all clusters");
        for operation in Operation::ALL {
            fill(&mut table, operation.name(), &|contender| {
                let calls = self.median(contender, operation, |it| Some(number(it.calls.total())))?;
                Some(format!("{calls:.0}"))
            });
        }
        writeln!(text, "{table}")?;

        let mut table = Table::new(["calls of ours, by verb", "calls"]);
        for operation in Operation::ALL {
            let Some(measure) = self.0.get(&(Contender::Ours, operation)).and_then(|it| it.first()) else {
                continue;
            };
            let verbs: Vec<String> =
                measure.calls.by_verb.iter().map(|(verb, count)| format!("{count} {verb}")).collect();
            table.row([operation.name(), &verbs.join(", ")]);
        }
        writeln!(text, "{table}")?;

        let mut table = heads("seconds of processor time");
        for operation in Operation::ALL {
            for (who, share) in WHO {
                fill(&mut table, &format!("{}, {who}", operation.name()), &|contender| {
                    self.median(contender, operation, |it| Some(share(it.taken.as_ref()?).cpu_seconds()))
                        .map(seconds)
                });
            }
        }
        writeln!(text, "{table}")?;

        let mut table = heads("peak memory");
        for (who, share) in WHO {
            fill(&mut table, who, &|contender| self.peak(contender, share));
        }
        write!(text, "{table}")?;
        Ok(text)
    }

    /// The largest of all operations and rounds, in MB.
    fn peak(&self, contender: Contender, share: Who) -> Option<String> {
        let all = Operation::ALL.into_iter().filter_map(|operation| self.0.get(&(contender, operation)));
        let most = all.flatten().filter_map(|it| Some(share(it.taken.as_ref()?).peak_kib)).max()?;
        Some(format!("{:.0} MB", number(most) * 1024.0 / 1e6))
    }
}
