//! The API's answers: an envelope, and in it a result of one of four kinds.

use std::{borrow::Cow, collections::BTreeMap};

use multicluster_core::analysis::{Series, Value};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{
    client::Answer,
    error::{ErrorType, QueryError},
};
use crate::web::Scrub;

/// How many warnings are kept; a store behind Thanos each is common.
const WARNINGS: usize = 10;

/// The envelope of every answer. What is in it is read only when it is wanted.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "errorType")]
    error_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    error: Option<Cow<'a, str>>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default)]
    infos: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, rename = "resultType")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    result: &'a RawValue,
}

/// A value with its time. The time is not needed: it is that of the question.
type Point<'a> = (IgnoredAny, Cow<'a, str>);

#[derive(Deserialize)]
struct Instant<'a> {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(borrow, default)]
    value: Option<Point<'a>>,
    #[serde(default)]
    histogram: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Over<'a> {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(borrow, default)]
    values: Vec<Point<'a>>,
    #[serde(default)]
    histograms: Vec<IgnoredAny>,
}

/// Reads the envelope, if it is one.
pub(super) fn open(body: &[u8]) -> Option<Envelope<'_>> {
    serde_json::from_slice(body).ok()
}

impl<'a> Envelope<'a> {
    /// What is in it, if the service says that it answered.
    pub(super) fn success(self, scrub: &Scrub) -> Result<Self, QueryError> {
        if self.status == "success" {
            return Ok(self);
        }
        if self.status != "error" {
            return Err(unreadable("its `status` is neither `success` nor `error`"));
        }
        let message = scrub.line(self.error.as_deref().unwrap_or_default());
        Err(QueryError::Refused {
            kind: ErrorType::new(self.error_type.as_deref().unwrap_or("no errorType")),
            message: if message.is_empty() { "no reason given".to_owned() } else { message },
        })
    }

    /// The answer to a query.
    pub(super) fn answer(self, scrub: &Scrub) -> Result<Answer, QueryError> {
        let lines = |texts: Option<Vec<String>>| -> Vec<String> {
            texts.unwrap_or_default().iter().take(WARNINGS).map(|text| scrub.line(text)).collect()
        };
        let data = self.data.ok_or_else(|| unreadable("it has no `data`"))?;
        Ok(Answer { value: value(data)?, warnings: lines(self.warnings), infos: lines(self.infos) })
    }
}

fn value(data: &RawValue) -> Result<Value, QueryError> {
    let data: Data<'_> = read(data, "`data` is not of the API's form")?;
    match &*data.kind {
        "scalar" => {
            let point: Point<'_> = read(data.result, "a scalar is not a time and a value")?;
            Ok(Value::Scalar(number(&point)?))
        }
        "string" => {
            let (_, text): Point<'_> = read(data.result, "a string is not a time and a text")?;
            Ok(Value::Text(text.into_owned()))
        }
        "vector" => {
            let series: Vec<Instant<'_>> = read(data.result, "a vector is not of the API's form")?;
            Ok(Value::Series(series.into_iter().map(instant).collect::<Result<_, _>>()?))
        }
        "matrix" => {
            let series: Vec<Over<'_>> = read(data.result, "a matrix is not of the API's form")?;
            Ok(Value::Series(series.into_iter().map(over).collect::<Result<_, _>>()?))
        }
        _ => Err(unreadable("its `resultType` is none of `vector`, `matrix`, `scalar` and `string`")),
    }
}

fn instant(series: Instant<'_>) -> Result<Series, QueryError> {
    match (series.value, series.histogram) {
        (Some(point), None) => Ok(Series { labels: series.metric, values: vec![number(&point)?] }),
        (_, Some(_)) => Err(QueryError::NativeHistogram),
        (None, None) => Err(unreadable("a series has no `value`")),
    }
}

fn over(series: Over<'_>) -> Result<Series, QueryError> {
    if !series.histograms.is_empty() {
        return Err(QueryError::NativeHistogram);
    }
    let values = series.values.iter().map(number).collect::<Result<_, _>>()?;
    Ok(Series { labels: series.metric, values })
}

/// Numbers are quoted, since JSON has no `NaN`, `+Inf` and `-Inf`.
fn number((_, text): &Point<'_>) -> Result<f64, QueryError> {
    text.parse().map_err(|_| unreadable("a value is not a number"))
}

fn read<'a, T: Deserialize<'a>>(json: &'a RawValue, problem: &str) -> Result<T, QueryError> {
    serde_json::from_str(json.get()).map_err(|_| unreadable(problem))
}

fn unreadable(problem: &str) -> QueryError {
    QueryError::Unreadable { problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::any, proptest};
    use rstest::rstest;

    use super::*;

    fn parse(body: &str) -> Result<Answer, QueryError> {
        let scrub = Scrub::new([]);
        open(body.as_bytes()).expect("an envelope").success(&scrub)?.answer(&scrub)
    }

    fn success(data: &str) -> Result<Value, QueryError> {
        parse(&format!(r#"{{"status":"success","data":{data}}}"#)).map(|answer| answer.value)
    }

    fn series(labels: &[(&str, &str)], values: &[f64]) -> Series {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Series { labels: labels.collect(), values: values.to_vec() }
    }

    #[rstest]
    #[case::scalar(r#"{"resultType":"scalar","result":[1435781451.781,"1e+06"]}"#, Value::Scalar(1e6))]
    #[case::not_a_number(r#"{"resultType":"scalar","result":[1,"NaN"]}"#, Value::Scalar(f64::NAN))]
    #[case::string(r#"{"resultType":"string","result":[1,"caf\u00e9"]}"#, Value::Text("café".to_owned()))]
    #[case::no_series(r#"{"resultType":"vector","result":[]}"#, Value::Series(vec![]))]
    #[case::vector(
        r#"{"resultType":"vector","result":[{"metric":{"job":"a\"b"},"value":[1,"0.95"]},{"metric":{},"value":[1,"-Inf"]}]}"#,
        Value::Series(vec![series(&[("job", "a\"b")], &[0.95]), series(&[], &[f64::NEG_INFINITY])])
    )]
    #[case::matrix(
        r#"{"resultType":"matrix","result":[{"metric":{"pod":"x"},"values":[[1,"1"],[2,"NaN"],[3,"+Inf"]]}]}"#,
        Value::Series(vec![series(&[("pod", "x")], &[1.0, f64::NAN, f64::INFINITY])])
    )]
    fn values(#[case] data: &str, #[case] expected: Value) {
        assert_eq!(success(data), Ok(expected));
    }

    #[rstest]
    #[case::another_kind(r#"{"resultType":"tensor","result":[]}"#)]
    #[case::no_result(r#"{"resultType":"vector"}"#)]
    #[case::a_bare_number(r#"{"resultType":"scalar","result":[1,2]}"#)]
    #[case::words(r#"{"resultType":"scalar","result":[1,"much"]}"#)]
    #[case::no_value(r#"{"resultType":"vector","result":[{"metric":{}}]}"#)]
    #[case::not_data("[]")]
    #[case::null("null")]
    fn what_cannot_be_read(#[case] data: &str) {
        assert!(matches!(success(data), Err(QueryError::Unreadable { .. })), "{:?}", success(data));
    }

    #[rstest]
    #[case::now(
        r#"{"resultType":"vector","result":[{"metric":{},"histogram":[1,{"count":"6","sum":"3"}]}]}"#
    )]
    #[case::over_time(r#"{"resultType":"matrix","result":[{"metric":{},"histograms":[[1,{"count":"6"}]]}]}"#)]
    #[case::mixed(
        r#"{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"]],"histograms":[[2,{}]]}]}"#
    )]
    fn native_histograms_are_named(#[case] data: &str) {
        assert_eq!(success(data), Err(QueryError::NativeHistogram));
    }

    #[test]
    fn an_error_may_carry_data_and_is_one_nevertheless() {
        let body = r#"{"status":"error","errorType":"timeout","error":"query timed out","data":{"resultType":"vector","result":[]}}"#;
        let error = parse(body).unwrap_err();
        assert_eq!(error.to_string(), "the metrics service refused the query (timeout): query timed out");
    }

    #[test]
    fn warnings_and_infos_come_with_the_answer() {
        let body = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]},"warnings":["store a:\n down"],"infos":["metric might not be a counter"]}"#;
        let answer = parse(body).unwrap();
        assert_eq!(answer.warnings, ["store a: down"]);
        assert_eq!(answer.infos, ["metric might not be a counter"]);
    }

    proptest! {
        #[test]
        fn any_body_is_understood_or_not(body in vec(any::<u8>(), 0..200)) {
            assert!(open(&body).is_none_or(|envelope| envelope.answer(&Scrub::new([])).is_err()));
        }

        #[test]
        fn any_result_is_read_or_refused(kind in "vector|matrix|scalar|string", result in r#"[\[\]{}",:0-9a-z]{0,60}"#) {
            let body = format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#);
            if let Some(envelope) = open(body.as_bytes()) {
                let _ = envelope.answer(&Scrub::new([]));
            }
        }
    }
}
