//! Functions: what is said of them, and how they are called.

use rstest::rstest;
use tfplugin::wire::tfplugin6 as wire;
use tfplugin::wire::tfplugin6::provider_server::Provider as _;
use tfplugin::{Type, Value};
use tonic::Request;

use crate::harness::Host;
use crate::memory::join_options;

fn encode(kind: &Type, value: &Value) -> wire::DynamicValue {
    wire::DynamicValue { msgpack: value.to_msgpack(kind).expect("fits"), json: Vec::new() }
}

fn words<const N: usize>(words: [Value; N]) -> Value {
    Value::List(words.into())
}

/// Calls `join`. `Err` has the text, led by the position of the argument that it is about.
async fn join(separator: Value, options: Value, lists: &[Value]) -> Result<Value, String> {
    let mut arguments = vec![encode(&Type::String, &separator), encode(&join_options(), &options)];
    arguments.extend(lists.iter().map(|list| encode(&Type::list(Type::String), list)));
    called("join", arguments).await
}

async fn called(name: &str, arguments: Vec<wire::DynamicValue>) -> Result<Value, String> {
    let request = wire::call_function::Request { name: name.into(), arguments };
    let response = Host::new().service.call_function(Request::new(request)).await;
    let wire::call_function::Response { result, error } = response.expect("an answer").into_inner();
    match (result, error) {
        (Some(result), None) => Ok(Value::from_msgpack(&Type::String, &result.msgpack).expect("a string")),
        (None, Some(error)) => Err(match error.function_argument {
            Some(position) => format!("{position}: {}", error.text),
            None => error.text,
        }),
        _ => panic!("it answers with either a result or an error"),
    }
}

#[tokio::test]
async fn are_told_in_schema_and_metadata() {
    let service = Host::new().service;
    let functions = service.get_functions(Request::new(wire::get_functions::Request {})).await;
    let functions = functions.expect("an answer").into_inner().functions;
    let schema = service.get_provider_schema(Request::new(wire::get_provider_schema::Request {})).await;
    assert_eq!(schema.expect("an answer").into_inner().functions, functions);
    let metadata = service.get_metadata(Request::new(wire::get_metadata::Request {})).await;
    let metadata = metadata.expect("an answer").into_inner();
    assert_eq!(metadata.functions.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["join"]);

    let join = &functions["join"];
    assert_eq!(
        (join.summary.as_str(), join.description.as_str()),
        ("Joins words.", "Null words are left out.")
    );
    let types = |it: &wire::function::Parameter| String::from_utf8(it.r#type.clone()).expect("text");
    let named: Vec<_> = join.parameters.iter().map(|it| (it.name.as_str(), types(it))).collect();
    let expected =
        [("separator", r#""string""#.to_owned()), ("options", r#"["object",{"quote":"string"}]"#.to_owned())];
    assert_eq!(named, expected);
    let allowed: Vec<_> =
        join.parameters.iter().map(|it| (it.allow_null_value, it.allow_unknown_values)).collect();
    assert_eq!(allowed, [(false, false), (true, true)]);
    assert_eq!(types(join.variadic_parameter.as_ref().expect("variadic")), r#"["list","string"]"#);
    assert_eq!(join.r#return.as_ref().expect("a result").r#type, br#""string""#);
}

#[rstest]
#[case::none(&[], "")]
#[case::one(&[words(["a".into(), "b".into()])], "a, b")]
#[case::two(&[words(["a".into()]), words(["b".into()])], "a, b")]
#[case::null_within(&[words(["a".into(), Value::Null, "b".into()])], "a, b")]
#[tokio::test]
async fn take_any_number_of_further_arguments(#[case] lists: &[Value], #[case] expected: &str) {
    assert!(join(", ".into(), Value::Null, lists).await == Ok(expected.into()));
}

#[tokio::test]
async fn know_null_and_unknown_where_they_allow_it() {
    let lists = [words(["a".into(), "b".into()])];
    let quoted = Value::map([("quote", Value::from("|"))]);
    assert!(join("+".into(), quoted, &lists).await == Ok("|a|+|b|".into()));
    assert!(join("+".into(), Value::Unknown, &lists).await == Ok(Value::Unknown));
}

/// The function would panic if it were called.
#[rstest]
#[case::wholly("panic".into(), Value::Unknown)]
#[case::in_part("panic".into(), words([Value::Unknown]))]
#[tokio::test]
async fn are_not_called_with_what_they_want_to_know(#[case] separator: Value, #[case] list: Value) {
    assert!(join(separator, Value::Null, &[list]).await == Ok(Value::Unknown));
}

#[rstest]
#[case::of_an_argument("refuse", "0: That separates nothing.")]
#[case::of_all("refuse all", "Not today.")]
#[tokio::test]
async fn say_what_is_wrong(#[case] separator: &str, #[case] expected: &str) {
    assert_eq!(join(separator.into(), Value::Null, &[]).await.err().as_deref(), Some(expected));
}

#[rstest]
#[case::a_panic("panic", "The provider crashed", "while joining")]
#[case::a_wrong_result(
    "wrong type",
    "The provider returned a value that cannot be sent",
    "expected a string"
)]
#[tokio::test]
async fn that_are_broken_say_so(#[case] separator: &str, #[case] what: &str, #[case] why: &str) {
    let error = join(separator.into(), Value::Null, &[]).await.expect_err("an error");
    assert!(error.contains(what) && error.contains(why), "{error}");
}

#[tokio::test]
async fn refuse_arguments_that_do_not_fit() {
    assert_eq!(join(Value::Null, Value::Null, &[]).await, Err("0: It must not be null.".into()));
    let error = join("".into(), Value::Null, &[words([]), Value::Null]).await;
    assert_eq!(error, Err("3: It must not be null.".into()));
    let one = vec![encode(&Type::String, &"".into())];
    assert_eq!(called("join", one).await, Err("It takes 2 arguments and was given 1.".into()));
    let number = vec![encode(&Type::Number, &1.into()), encode(&join_options(), &Value::Null)];
    let error = called("join", number).await.expect_err("an error");
    assert!(error.starts_with("0: The argument does not fit"), "{error}");
    assert_eq!(called("split", Vec::new()).await, Err("The provider has no function `split`.".into()));
}
