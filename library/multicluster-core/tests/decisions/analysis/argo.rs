use std::collections::BTreeMap;
use std::time::Duration;

use multicluster_core::analysis::spec::{Range, Warnings};
use multicluster_core::analysis::{AnalysisSpec, Condition, Counting, SourceName, argo};
use proptest::prelude::*;
use rstest::rstest;

use super::seconds;

fn read(text: &str, args: &[(&str, &str)]) -> Result<AnalysisSpec, Vec<String>> {
    let args: BTreeMap<String, String> =
        args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    argo::read(text, &SourceName("main".into()), &args)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

const TEMPLATE: &str = r#"
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata:
  name: success-rate
spec:
  args:
  - name: service-name
  - name: threshold
    value: "0.95"
  - name: hash
    valueFrom:
      podTemplateHashValue: Latest
  dryRun:
  - metricName: ".*latency"
  measurementRetention:
  - metricName: success-rate
    limit: 20
  metrics:
  - name: success-rate
    interval: 1m30s
    initialDelay: 20s
    count: "5"
    successCondition: result[0] >= {{args.threshold}}
    failureLimit: 3
    provider:
      prometheus:
        address: http://prometheus.example.com:9090
        timeout: 40
        query: |
          sum(rate(requests{service="{{args.service-name}}",hash="{{args.hash}}",code!~"5.*"}[5m]))
  - name: p99-latency
    failureCondition: result[0] > 0.5
    inconclusiveLimit: 1
    consecutiveErrorLimit: 2
    consecutiveSuccessLimit: 0
    interval: 30s
    provider:
      prometheus:
        address: http://prometheus.example.com:9090
        query: latency
        rangeQuery:
          start: now() - duration("5m")
          end: now()
          step: 1m
"#;

#[test]
fn a_template_is_read() {
    let spec = read(TEMPLATE, &[("service-name", "shop")]).unwrap();
    assert_eq!(spec.counting, Counting::Argo);
    let [rate, latency] = spec.metrics.as_slice() else { panic!("{spec:?}") };
    assert_eq!((rate.name.as_str(), rate.source.0.as_str()), ("success-rate", "main"));
    assert_eq!(rate.interval, Some(seconds(90)));
    assert_eq!(rate.initial_delay, seconds(20));
    assert_eq!((rate.count, rate.failure_limit), (Some(5), Some(3)));
    assert_eq!(rate.success_condition.as_ref().map(Condition::as_str), Some("result[0] >= 0.95"));
    assert_eq!(
        rate.query.trim(),
        r#"sum(rate(requests{service="shop",hash="{{pod_hash}}",code!~"5.*"}[5m]))"#
    );
    assert_eq!((rate.timeout, rate.warnings, rate.dry_run), (seconds(40), Warnings::Ignore, false));
    assert!(latency.dry_run);
    assert_eq!(latency.range, Some(Range { start: seconds(300), end: Duration::ZERO, step: seconds(60) }));
    assert_eq!((latency.inconclusive_limit, latency.consecutive_error_limit), (Some(1), Some(2)));
    assert_eq!(latency.timeout, seconds(30));
}

#[test]
fn values_from_beside_the_template_win() {
    let spec = read(TEMPLATE, &[("service-name", "shop"), ("threshold", "0.5")]).unwrap();
    let condition = spec.metrics[0].success_condition.as_ref();
    assert_eq!(condition.map(Condition::as_str), Some("result[0] >= 0.5"));
}

#[test]
fn all_that_is_missing_is_said_at_once() {
    let problems = read(TEMPLATE, &[("other", "x")]).unwrap_err();
    assert_eq!(
        problems,
        [
            "spec.args.0: the argument `service-name` has no value; set it in `args` beside the template",
            "spec.args: the template has no argument `other`",
            "spec.metrics.0.provider.prometheus.query: the argument `service-name` has no value",
        ]
    );
}

/// A template with one metric that has these lines.
fn with(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {{name: t}}\nspec:\n  metrics:\n  - name: m\n{lines}"
    )
}

const PROVIDER: &str = "\nprovider: {prometheus: {query: up}}";

#[rstest]
#[case::other_provider(
    "provider: {datadog: {query: x}}",
    "spec.metrics.0.provider.datadog: the provider `datadog` is not supported"
)]
#[case::job(
    "provider: {job: {spec: {}}}",
    "spec.metrics.0.provider.job: the provider `job` is not supported"
)]
#[case::no_provider("interval: 1m", "spec.metrics.0.provider: a metric needs a provider")]
#[case::no_query(
    "provider: {prometheus: {address: x}}",
    "spec.metrics.0.provider.prometheus.query: the query is empty"
)]
#[case::credentials(
    "provider: {prometheus: {query: up, authentication: {sigv4: {region: x}}}}",
    "spec.metrics.0.provider.prometheus.authentication: belongs to the source"
)]
#[case::headers(
    "provider: {prometheus: {query: up, headers: [{key: a, value: b}]}}",
    "spec.metrics.0.provider.prometheus.headers: belongs to the source"
)]
#[case::insecure(
    "provider: {prometheus: {query: up, insecure: true}}",
    "spec.metrics.0.provider.prometheus.insecure: belongs to"
)]
#[case::range(
    "provider: {prometheus: {query: up, rangeQuery: {start: 'today()', end: 'now()', step: 1m}}}",
    "spec.metrics.0.provider.prometheus.rangeQuery.start: only `now()`"
)]
#[case::range_backwards(
    "provider: {prometheus: {query: up, rangeQuery: {start: 'now()', end: 'now()', step: 1m}}}",
    "spec.metrics.0.provider.prometheus.rangeQuery.start: must be longer ago"
)]
#[case::no_step(
    "provider: {prometheus: {query: up, rangeQuery: {start: 'now()', end: 'now()'}}}",
    "spec.metrics.0.provider.prometheus.rangeQuery.step: is needed"
)]
#[case::interval("interval: 1 minute@", "spec.metrics.0.interval: `1 minute` is not a duration")]
#[case::count("count: many@", "spec.metrics.0.count: a whole number is expected")]
#[case::negative_count("count: -1@", "spec.metrics.0.count: must not be negative")]
#[case::count_without_interval("count: 3@", "spec.metrics.0.interval: is needed to measure more than once")]
#[case::condition("successCondition: result[0] >=@", "spec.metrics.0.successCondition: the condition")]
#[case::not_boolean("successCondition: result[0]@", "spec.metrics.0.successCondition: expected bool")]
#[case::limits("failureLimit: -1@", "spec.metrics.0.failureLimit: nothing could fail this metric")]
#[case::unknown_field("failureLimits: 1@", "spec.metrics.0.failureLimits: this field is not known")]
#[case::unknown_place(
    "successCondition: result[0] > {{args.x}}@",
    "spec.metrics.0.successCondition: the argument `x` has no value"
)]
fn what_cannot_be_carried_out_is_a_problem(#[case] lines: &str, #[case] expect: &str) {
    let text = with(&lines.replace('@', PROVIDER));
    let problems = read(&text, &[]).unwrap_err();
    assert!(problems.iter().any(|problem| problem.starts_with(expect)), "{problems:?}");
}

#[rstest]
#[case::other_kind("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}", "kind: an AnalysisTemplate")]
#[case::other_group(
    "apiVersion: v1\nkind: AnalysisTemplate\nmetadata: {name: a}",
    "kind: an AnalysisTemplate"
)]
#[case::nothing("", "one AnalysisTemplate is expected")]
#[case::not_yaml("{", "")]
#[case::no_metrics(
    "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: a}\nspec: {}",
    "spec.metrics: an"
)]
#[case::no_spec(
    "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: a}",
    "spec: a mapping is expected"
)]
fn what_is_no_template_is_a_problem(#[case] text: &str, #[case] expect: &str) {
    let problems = read(text, &[]).unwrap_err();
    assert!(problems[0].starts_with(expect), "{problems:?}");
}

#[test]
fn secrets_of_the_cluster_are_not_read() {
    let text = TEMPLATE.replace("podTemplateHashValue: Latest", "secretKeyRef: {name: a, key: b}");
    let problems = read(&text, &[("service-name", "shop")]).unwrap_err();
    assert!(
        problems[0].starts_with("spec.args.2.valueFrom.secretKeyRef: secrets are not read from the cluster"),
        "{problems:?}"
    );
    assert!(read(&text, &[("service-name", "shop"), ("hash", "x")]).is_ok());
}

#[test]
fn a_metric_without_conditions_is_always_good_to_argo() {
    let spec = read(&with("provider: {prometheus: {query: up}}"), &[]).unwrap();
    assert_eq!(spec.metrics[0].success_condition, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Foreign text within a template is read or refused.
    #[test]
    fn any_field_is_harmless(name in "[a-zA-Z]{0,12}", value in "\\PC{0,40}") {
        let _ = read(&with(&format!("{name}: {value}{PROVIDER}")), &[]);
        let _ = read(&TEMPLATE.replace("1m30s", &value), &[("service-name", &value)]);
    }
}
