//! The words that all services share, and the bounds on foreign text.

use std::time::Duration;

use super::{ClusterLine, Mark, Message, MetricLine, Summary};

/// How many clusters a message lists; the rest is counted. Twenty lines are what is read on a phone.
const CLUSTERS: usize = 20;
/// How many metrics a message lists; the rest is counted.
const METRICS: usize = 10;
/// The longest name that is shown whole.
const NAME: usize = 40;
/// The longest note or condition that is shown whole.
const NOTE: usize = 80;
/// The longest text of an event that is shown whole.
const TEXT: usize = 600;
/// The longest link that is shown at all: a link that is cut leads elsewhere.
const LINK: usize = 1000;

/// A foreign text as one line of at most `limit` characters and without control characters; what is cut ends in `…`.
///
/// # Examples
/// ```
/// use multicluster_core::notify::one_line;
/// assert_eq!(one_line("no route\n  to host", 300), "no route to host");
/// assert_eq!(one_line("too long", 5), "too l…");
/// ```
#[must_use]
pub fn one_line(text: &str, limit: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut line = String::new();
    let mut length = 0;
    for word in words {
        let blank = usize::from(!line.is_empty());
        let characters = word.chars().filter(|c| !is_invisible(*c)).count();
        if characters == 0 {
            continue;
        }
        let room = limit.saturating_sub(length + blank);
        if blank == 1 && room > 0 {
            line.push(' ');
        }
        line.extend(word.chars().filter(|c| !is_invisible(*c)).take(room));
        if characters > room {
            line.push('…');
            return line;
        }
        length += blank + characters;
    }
    line
}

/// Characters that make a text look like another one: marks of direction, joiners and the like.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The line that says it all: `frontend in shop, 3f2a → 9b1c: rolling back`.
#[must_use]
pub fn headline(message: &Message) -> String {
    let Summary { name, namespace, from, to, .. } = &message.summary;
    let to = one_line(to, NAME);
    let versions = match from {
        Some(from) => format!("{} → {to}", one_line(from, NAME)),
        None => to,
    };
    let (name, namespace) = (one_line(name, NAME), one_line(namespace, NAME));
    format!("{name} in {namespace}, {versions}: {}", message.event.kind.words())
}

/// What happened, in words; empty if there are none.
pub(super) fn detail(message: &Message) -> String {
    one_line(&message.event.text, TEXT)
}

/// A sign and a name, and what is known about it.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) value: String,
}

pub(super) fn clusters(summary: &Summary) -> Vec<Line> {
    let mut lines: Vec<_> = summary.clusters.iter().take(CLUSTERS).map(cluster).collect();
    let rest = summary.clusters.get(CLUSTERS..).unwrap_or_default();
    lines.extend(more(rest.iter().map(|line| line.mark)));
    lines
}

pub(super) fn metrics(summary: &Summary) -> Vec<Line> {
    let mut lines: Vec<_> = summary.metrics.iter().take(METRICS).map(metric).collect();
    let rest = summary.metrics.get(METRICS..).unwrap_or_default();
    lines.extend(more(rest.iter().map(|line| line.mark)));
    lines
}

fn cluster(line: &ClusterLine) -> Line {
    let name = format!("{} {}", line.mark.sign(), one_line(&line.name, NAME));
    let weight = line.weight.map(|weight| format!("{} {:>3} %", bar(weight), weight.min(100)));
    let note = Some(one_line(&line.note, NOTE)).filter(|note| !note.is_empty());
    Line { name, value: weight.into_iter().chain(note).collect::<Vec<_>>().join("  ") }
}

fn metric(line: &MetricLine) -> Line {
    let cluster = line.cluster.as_ref().map(|cluster| format!(" ({})", one_line(cluster, NAME)));
    let name = format!("{} {}{}", line.mark.sign(), one_line(&line.name, NAME), cluster.unwrap_or_default());
    let value = match one_line(&line.value, NAME) {
        value if value.is_empty() => "not measured yet".to_owned(),
        value => value,
    };
    let condition = one_line(&line.condition, NOTE);
    let condition = if condition.is_empty() { condition } else { format!("  (wanted: {condition})") };
    Line { name, value: value + &condition }
}

/// What is not listed: `… and 30 more: 27 ✓, 3 ·`.
fn more(marks: impl Iterator<Item = Mark>) -> Option<Line> {
    let mut counts = std::collections::BTreeMap::<Mark, usize>::new();
    marks.for_each(|mark| *counts.entry(mark).or_default() += 1);
    let total: usize = counts.values().sum();
    let counted: Vec<_> = counts.iter().map(|(mark, count)| format!("{count} {}", mark.sign())).collect();
    (total > 0).then(|| Line { name: format!("… and {total} more"), value: counted.join(", ") })
}

/// A weight as ten boxes.
fn bar(weight: u8) -> String {
    let full = usize::from(weight.min(100)).div_euclid(10);
    "█".repeat(full) + &"░".repeat(10 - full)
}

/// The facts below the tables: release, time, approval.
pub(super) fn facts(message: &Message) -> Vec<(&'static str, String)> {
    let summary = &message.summary;
    let mut facts = vec![
        ("Release", one_line(&message.event.release, NAME)),
        ("Phase", one_line(&summary.phase, NAME).replace('_', " ")),
        ("Elapsed", elapsed(summary.elapsed)),
    ];
    facts.extend(summary.remaining.map(|remaining| ("Remaining", format!("about {}", elapsed(remaining)))));
    let approved_by = summary.approved_by.as_ref().map(|name| one_line(name, NOTE));
    facts.extend(approved_by.map(|name| ("Approved by", name)));
    facts
}

/// `1h02m`, `3m20s`, `12s`.
fn elapsed(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest:02}s"),
        _ => format!("{hours}h{minutes:02}m"),
    }
}

/// A link that can be followed and that ends where it seems to: without characters that end a link in any of the
/// notations.
pub(super) fn link(summary: &Summary) -> Option<&str> {
    let link = summary.link.as_deref()?;
    let web = link.starts_with("https://") || link.starts_with("http://");
    let plain = |c: char| c.is_ascii_graphic() && !"<>|\"'`\\^{}()[]".contains(c);
    (web && link.len() <= LINK && link.chars().all(plain)).then_some(link)
}

/// Lines as a table in a fixed font, as long as they are together at most `limit` characters by the count of
/// `escape`.
pub(super) fn table(lines: &[Line], limit: usize, escape: impl Fn(&str) -> String) -> String {
    let width = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for line in lines {
        let row = format!("{:width$}  {}", line.name, line.value);
        let row = escape(row.trim_end());
        if text.chars().count() + row.chars().count() + 1 > limit {
            break;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&row);
    }
    text
}
