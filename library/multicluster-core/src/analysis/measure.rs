//! What one measurement says.

use super::condition::{Condition, ConditionError, Looks};
use super::count::Phase;
use super::spec::{Counting, Metric, NoData, SeriesChoice};
use super::value::{Measured, Outcome, Series, Value};

/// What one measurement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Successful, Failed, Inconclusive or Error.
    pub phase: Phase,
    /// What was measured, for people.
    pub value: Option<String>,
    /// Why, where the value alone does not tell: the series that decides, or the error.
    pub message: Option<String>,
}

impl Judged {
    fn error(message: impl Into<String>, value: Option<String>) -> Self {
        Self { phase: Phase::Error, value, message: Some(message.into()) }
    }
}

/// What a measurement of a metric says.
#[must_use]
pub fn judge(metric: &Metric, counting: Counting, outcome: &Outcome) -> Judged {
    let measured = match outcome {
        Outcome::Failed(reason) => return Judged::error(reason.as_str(), None),
        Outcome::Answered(measured) => measured,
    };
    let shown = show(measured);
    if let Value::Text(_) = measured.value {
        return Judged::error("the query answers a text, which cannot be judged", Some(shown));
    }
    match counting {
        Counting::Argo => by_argo(metric, measured, shown),
        Counting::Ours => by_us(metric, measured, shown),
    }
}

fn show(measured: &Measured) -> String {
    match &measured.baseline {
        Some(baseline) => format!("{} (baseline {baseline})", measured.value),
        None => measured.value.to_string(),
    }
}

/// The conditions over the whole list.
fn by_argo(metric: &Metric, measured: &Measured, shown: String) -> Judged {
    match conditions(metric, measured) {
        Ok(phase) => Judged { phase, value: Some(shown), message: None },
        Err(_) if measured.value.is_empty() => Judged::error(
            "metric result is nil or empty: no data returned from the metric provider",
            Some(shown),
        ),
        Err(error) => Judged::error(error.to_string(), Some(shown)),
    }
}

/// What the conditions say together. The success condition is evaluated first, and an error of either is an error.
fn conditions(metric: &Metric, measured: &Measured) -> Result<Phase, ConditionError> {
    let holds = |condition: &Option<Condition>| {
        condition.as_ref().map(|condition| condition.evaluate(measured)).transpose()
    };
    let success = holds(&metric.success_condition)?;
    let failure = holds(&metric.failure_condition)?;
    Ok(match (success, failure) {
        (_, Some(true)) | (Some(false), None) => Phase::Failed,
        (Some(true) | None, _) => Phase::Successful,
        (Some(false), Some(false)) => Phase::Inconclusive,
    })
}

/// The conditions over every value, with a rule for what is missing.
fn by_us(metric: &Metric, measured: &Measured, shown: String) -> Judged {
    let looks = both(metric);
    if looks.whole || metric.success_condition.is_none() && metric.failure_condition.is_none() {
        let explained = looks.length || looks.nan && !measured.value.is_empty();
        if !explained && lacks_data(&measured.value) {
            return no_data(metric, shown);
        }
        let whole =
            Measured { value: chosen(&measured.value, metric.series), baseline: measured.baseline.clone() };
        return by_argo(metric, &whole, shown);
    }
    let cases = match cases(metric, measured, looks) {
        Ok(cases) => cases,
        Err(message) => return Judged::error(message, Some(shown)),
    };
    if cases.is_empty() {
        return if looks.length { by_argo(metric, measured, shown) } else { no_data(metric, shown) };
    }
    let mut worst: Option<Judged> = None;
    for (name, case) in cases {
        let judged = match conditions(metric, &case) {
            Ok(phase) => {
                let message = (phase != Phase::Successful && !name.is_empty())
                    .then(|| format!("{name}: {}", show(&case)));
                Judged { phase, value: Some(shown.clone()), message }
            }
            Err(error) => Judged::error(error.to_string(), Some(shown.clone())),
        };
        // Of values that are equally bad the first one is shown.
        if worst.as_ref().is_none_or(|worst| judged.phase.severity() > worst.phase.severity()) {
            worst = Some(judged);
        }
    }
    worst.unwrap_or_else(|| no_data(metric, shown))
}

/// What either condition looks at.
fn both(metric: &Metric) -> Looks {
    let mut looks = Looks::default();
    for condition in metric.success_condition.iter().chain(&metric.failure_condition) {
        let more = condition.looks();
        looks.whole |= more.whole;
        looks.first |= more.first;
        looks.bare |= more.bare;
        looks.length |= more.length;
        looks.nan |= more.nan;
        looks.baseline |= more.baseline;
    }
    looks
}

fn lacks_data(value: &Value) -> bool {
    value.numbers().all(f64::is_nan)
}

fn no_data(metric: &Metric, shown: String) -> Judged {
    let phase = match metric.no_data {
        NoData::Inconclusive => Phase::Inconclusive,
        NoData::Error => Phase::Error,
        NoData::Success => Phase::Successful,
        NoData::Failure => Phase::Failed,
    };
    Judged { phase, value: Some(shown), message: Some("no data".to_owned()) }
}

/// The series that are judged.
fn chosen(value: &Value, choice: SeriesChoice) -> Value {
    match (value, choice) {
        (Value::Series(series), SeriesChoice::First) => {
            Value::Series(series.first().cloned().into_iter().collect())
        }
        (Value::Series(series), SeriesChoice::Last) => {
            Value::Series(series.last().cloned().into_iter().collect())
        }
        _ => value.clone(),
    }
}

/// Every value by itself, with the name of its series. Values that are no number are left out, unless the conditions ask
/// for them.
fn cases(metric: &Metric, measured: &Measured, looks: Looks) -> Result<Vec<(String, Measured)>, String> {
    let value = chosen(&measured.value, metric.series);
    let several = value.numbers().nth(1).is_some();
    let series = match value {
        Value::Scalar(number) => {
            vec![Series { labels: std::collections::BTreeMap::new(), values: vec![number] }]
        }
        Value::Series(series) => series,
        Value::Text(_) => Vec::new(),
    };
    let mut cases = Vec::new();
    for one in series {
        let compared = compared(metric, measured, looks, &one)?;
        let Some(baseline) = compared else { continue };
        for (index, number) in one.values.iter().enumerate() {
            if number.is_nan() && !looks.nan {
                continue;
            }
            // `result` is what the condition takes it for: a list if it looks for an item, else a number.
            let value = if looks.first { Value::list([*number]) } else { Value::Scalar(*number) };
            let name = if several { name(&one, index) } else { String::new() };
            cases.push((name, Measured { value, baseline: baseline.clone() }));
        }
    }
    Ok(cases)
}

/// The baseline of one series: the only value of the old colour, or the series with the same labels. Outer `None`: there
/// is no data to compare with.
fn compared(
    metric: &Metric,
    measured: &Measured,
    looks: Looks,
    one: &Series,
) -> Result<Option<Option<Value>>, String> {
    if metric.baseline.is_none() || !looks.baseline {
        return Ok(Some(None));
    }
    let old = match &measured.baseline {
        Some(Value::Scalar(number)) => Some(*number),
        Some(Value::Series(old)) => match old.as_slice() {
            [] => None,
            [only] => newest(only)?,
            several => match several.iter().find(|series| series.labels == one.labels) {
                Some(series) => newest(series)?,
                None => return Err(format!("no series of the baseline has the labels {}", name(one, 0))),
            },
        },
        Some(Value::Text(_)) => return Err("the baseline answers a text, which cannot be judged".to_owned()),
        None => None,
    };
    Ok(old.filter(|old| !old.is_nan() || looks.nan).map(|old| Some(Value::Scalar(old))))
}

fn newest(series: &Series) -> Result<Option<f64>, String> {
    Ok(series.values.last().copied())
}

/// `{pod="a"}`, with the number of the value where a series has several.
fn name(series: &Series, index: usize) -> String {
    let labels: Vec<String> =
        series.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", value.escape_debug())).collect();
    let place = if series.values.len() > 1 { format!(" value {}", index + 1) } else { String::new() };
    format!("{{{}}}{place}", labels.join(", "))
}
