//! Which metrics run dry: they are named by patterns.

use serde_json::Value;

use super::fields::Fields;
use crate::analysis::spec::{Metric, Problem};

/// Marks the metrics that the template runs dry.
pub(super) fn dry_runs(spec: &Value, metrics: &mut [Metric], problems: &mut Vec<Problem>) {
    let items: Vec<Value> = {
        let mut ignored = Vec::new();
        Fields::new(spec, &["spec"], &mut ignored).list("dryRun").to_vec()
    };
    for (index, item) in items.iter().enumerate() {
        let place = index.to_string();
        let mut fields = Fields::new(item, &["spec", "dryRun", &place], problems);
        fields.only(&["metricName"]);
        let pattern = fields.text("metricName").unwrap_or_default();
        let Some(parts) = parts(pattern) else {
            let text = "only names and names with `.*` for any text are known";
            fields.problem(&["metricName"], text);
            continue;
        };
        let mut found = false;
        for metric in metrics.iter_mut().filter(|metric| fits(&metric.name, &parts)) {
            metric.dry_run = true;
            found = true;
        }
        if !found {
            fields.problem(&["metricName"], format!("no metric has a name like `{pattern}`"));
        }
    }
}

/// The texts between the `.*` of a pattern; `None` if it is of another kind. As a regular expression that is not anchored, it
/// fits wherever it is found, unless `^` or `$` says otherwise.
fn parts(pattern: &str) -> Option<Vec<String>> {
    if pattern.is_empty() {
        return None;
    }
    let from = pattern.strip_prefix('^');
    let anchored = from.unwrap_or(pattern);
    let to = anchored.strip_suffix('$');
    let core = to.unwrap_or(anchored);
    let mut whole = String::new();
    if from.is_none() {
        whole.push_str(".*");
    }
    whole.push_str(core);
    if to.is_none() {
        whole.push_str(".*");
    }
    let parts: Vec<String> = whole.split(".*").map(str::to_owned).collect();
    let plain = |part: &String| {
        part.chars().all(|char| char.is_alphanumeric() || matches!(char, '-' | '_' | ' ' | '/'))
    };
    parts.iter().all(plain).then_some(parts)
}

/// Whether a name is made of these texts in this order, with any text between them.
fn fits(name: &str, parts: &[String]) -> bool {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    if parts.len() == 1 {
        return name == first;
    }
    let Some(mut rest) = name.strip_prefix(first.as_str()) else { return false };
    for part in parts.get(1..parts.len() - 1).unwrap_or_default() {
        match rest.split_once(part.as_str()) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::name("success-rate", "success-rate", true)]
    #[case::found_within("rate", "success-rate", true)]
    #[case::anchored("^rate$", "success-rate", false)]
    #[case::anything(".*", "latency", true)]
    #[case::beginning("^success.*", "success-rate", true)]
    #[case::other("latency", "success-rate", false)]
    #[case::in_the_middle("^s.*ss.*te$", "success-rate", true)]
    #[case::not_twice_the_same_letter("^ab.*ba$", "aba", false)]
    fn patterns(#[case] pattern: &str, #[case] name: &str, #[case] expect: bool) {
        assert_eq!(fits(name, &parts(pattern).unwrap()), expect);
    }

    #[rstest]
    #[case("a|b")]
    #[case("a.b")]
    #[case("[ab]")]
    #[case("")]
    fn other_patterns_are_not_known(#[case] pattern: &str) {
        assert_eq!(parts(pattern), None);
    }
}
