//! The text format of Prometheus. Pure.

use std::{collections::BTreeMap, fmt::Write as _};

use super::series::{Labels, Shown};
use crate::dataplane::BUCKETS;

/// All series, as `http_requests_total` and the histogram `http_request_duration_seconds`, and the gauges.
pub(super) fn render(series: &[(Labels, Shown)], gauges: &BTreeMap<String, f64>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, series, gauges);
    text
}

fn write(text: &mut String, series: &[(Labels, Shown)], gauges: &BTreeMap<String, f64>) -> std::fmt::Result {
    if !series.is_empty() {
        writeln!(text, "# TYPE http_requests_total counter")?;
    }
    for (labels, shown) in series {
        for (code, count) in &shown.codes {
            writeln!(text, "http_requests_total{{{},code=\"{code}\"}} {}", names(labels), number(*count))?;
        }
    }
    if !series.is_empty() {
        writeln!(text, "# TYPE http_request_duration_seconds histogram")?;
    }
    for (labels, shown) in series {
        let names = names(labels);
        let bounds = BUCKETS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(shown.within.iter().chain([&shown.count])) {
            writeln!(
                text,
                "http_request_duration_seconds_bucket{{{names},le=\"{bound}\"}} {}",
                number(*count)
            )?;
        }
        writeln!(text, "http_request_duration_seconds_sum{{{names}}} {}", number(shown.seconds))?;
        writeln!(text, "http_request_duration_seconds_count{{{names}}} {}", number(shown.count))?;
    }
    for (name, value) in gauges {
        writeln!(text, "# TYPE {name} gauge\n{name} {}", number(*value))?;
    }
    Ok(())
}

fn names(labels: &Labels) -> String {
    let Labels { cluster, namespace, workload, color, version } = labels;
    [
        ("cluster", cluster),
        ("namespace", namespace),
        ("workload", workload),
        ("color", color),
        ("version", version),
    ]
    .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
    .join(",")
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A number as Prometheus reads it: `NaN`, `+Inf`, `-Inf` have names.
fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_written_as_prometheus_reads_them() {
        let labels =
            Labels { cluster: "aws".to_owned(), version: "a\"b\\c\nd".to_owned(), ..Labels::default() };
        let shown = Shown {
            codes: BTreeMap::from([(200, 1.5), (500, f64::NAN)]),
            count: 2.0,
            seconds: f64::INFINITY,
            ..Shown::default()
        };
        let gauges = BTreeMap::from([("queue_length".to_owned(), -1.0)]);
        let text = render(&[(labels, shown)], &gauges);
        let names = r#"cluster="aws",namespace="",workload="",color="",version="a\"b\\c\nd""#;
        for line in [
            format!("http_requests_total{{{names},code=\"200\"}} 1.5"),
            format!("http_requests_total{{{names},code=\"500\"}} NaN"),
            format!("http_request_duration_seconds_bucket{{{names},le=\"0.005\"}} 0"),
            format!("http_request_duration_seconds_bucket{{{names},le=\"+Inf\"}} 2"),
            format!("http_request_duration_seconds_sum{{{names}}} +Inf"),
            "queue_length -1".to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
        }
        assert_eq!(render(&[], &BTreeMap::new()), "");
    }
}
