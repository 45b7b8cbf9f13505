//! Whether a release is doing well: metrics, their measurements, and the verdict.
//!
//! [`spec`] is what the user asks for, [`condition`] and [`measure`] judge one measurement, [`count`] the measurements of one
//! metric, and [`run`] all metrics of a release over all of its clusters.
//!
//! Invariants:
//! - a verdict is a function of the specification and of the measurements in the order in which they came;
//! - a metric in `dry_run` changes nothing;
//! - what has come to its end is not measured any more, and does not change any more.
//!
//! Deliberately absent: asking a metrics service, and waiting. Who does that gives the answers to [`Run::record`].

pub mod argo;
pub mod condition;
pub mod count;
pub mod measure;
pub mod placeholders;
pub mod presets;
pub mod run;
pub mod spec;
pub mod value;

pub use self::condition::{Condition, ConditionError};
pub use self::count::{Counters, Phase};
pub use self::run::{Due, Finding, Measurement, MetricRun, Run, Subject, Verdict};
pub use self::spec::{AnalysisSpec, Counting, Metric, Problem, Scope, SourceName, check};
pub use self::value::{Measured, Outcome, Series, Value};
