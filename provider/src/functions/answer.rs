//! `answer`: who answers a place, by the table that `multicluster_geo_dns` shows.

use std::collections::BTreeMap;

use multicluster_core::dns::routing::resolve;
use tfplugin::function::{Function, FunctionError, Parameter, Signature};
use tfplugin::{Type, Value};

use crate::resources::geo_dns::routing_type;
use crate::validators::sentence;

/// The function.
#[derive(Debug)]
pub(crate) struct Answer;

impl Function for Answer {
    fn name(&self) -> &'static str {
        "answer"
    }

    fn signature(&self) -> Signature {
        let Type::Map(row) = routing_type() else { return Signature::new("", Type::Dynamic) };
        Signature::new("Who answers clients in a place.", *row)
            .description(
                "Looks a place up in the `routing` of a `multicluster_geo_dns`: its own row, or that of the next larger place \
                 that has one. For checks and postconditions: \
                 `provider::multicluster::answer(multicluster_geo_dns.shop.routing, \"DE\").endpoints[0].name == \"azure\"`. \
                 Where nobody answers, `endpoints` is empty.",
            )
            .parameter(Parameter::new("routing", routing_type(), "The table."))
            .parameter(Parameter::new(
                "place",
                Type::String,
                "`DE` for a country, `US-TX` for a part of one, `continent/EU` for a continent, `*` for everywhere else.",
            ))
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let [Value::Map(rows), Value::String(place)] = arguments else {
            return Err(FunctionError::new("It takes a table and a place."));
        };
        let rows: BTreeMap<String, &Value> = rows.iter().map(|(key, row)| (key.clone(), row)).collect();
        let row = resolve(&rows, place).map_err(|error| FunctionError::argument(1, sentence(&error)))?;
        Ok(row.map_or_else(nobody, |row| (*row).clone()))
    }
}

/// The row of a place where there is no answer.
fn nobody() -> Value {
    Value::map([("endpoints", Value::List(Vec::new())), ("fallback", Value::List(Vec::new()))])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn row(name: &str) -> Value {
        let endpoint = Value::map([("name", Value::from(name)), ("share", Value::from(1))]);
        Value::map([("endpoints", Value::List(vec![endpoint])), ("fallback", Value::List(Vec::new()))])
    }

    fn table() -> Value {
        Value::map([
            ("*", row("aws")),
            ("continent/EU", row("azure")),
            ("continent/SA", row("gcp")),
            ("SA", row("edge")),
            ("US-TX", row("texas")),
        ])
    }

    #[rstest]
    #[case::its_own_row("SA", "edge")]
    #[case::a_continent("continent/SA", "gcp")]
    #[case::of_the_continent("DE", "azure")]
    #[case::of_everywhere("JP", "aws")]
    #[case::a_state("US-TX", "texas")]
    #[case::of_the_country("US-CA", "aws")]
    #[case::everywhere("*", "aws")]
    fn a_place_has_its_own_row_or_that_of_a_larger_one(#[case] place: &str, #[case] expected: &str) {
        assert!(Answer.call(&[table(), place.into()]) == Ok(row(expected)));
    }

    #[test]
    fn where_nobody_answers_it_says_so() {
        let table = Value::map([("continent/EU", row("azure"))]);
        assert!(Answer.call(&[table, "JP".into()]) == Ok(nobody()));
    }

    #[test]
    fn what_is_no_place_is_refused() {
        let error = Answer.call(&[table(), "Atlantis".into()]).unwrap_err();
        assert_eq!(error.argument, Some(1));
        assert!(error.text.contains("`Atlantis`"), "{error}");
    }
}
