//! What lies outside of a list is an error.
//!
//! The evaluator answers `nil` where an index is outside of a list. Argo Rollouts has an error there, and a condition
//! such as `result[0] != 1` must not be true because there is no data. So every index is written anew: `a[i]` becomes
//! `(a[i] ?? outside())`, and that function fails.

use super::token::{Kind, Token};

/// The function that is put in. Nobody can name it, since names with two underscores at their beginning are refused.
pub(super) const OUTSIDE: &str = "__outside";

/// An open bracket.
struct Open {
    /// Where the operand begins that ends with the bracket.
    start: usize,
    /// Whether it is an index, and as yet not a slice or the key of a map.
    index: bool,
    /// How many `?` of this bracket wait for their `:`.
    ternaries: usize,
}

/// The condition with every index guarded.
pub(super) fn guarded(text: &str, tokens: &[Token<'_>]) -> String {
    let mut open: Vec<Open> = Vec::new();
    let mut operand: Option<usize> = None;
    let mut before: Option<&Token<'_>> = None;
    let mut insertions: Vec<(usize, bool)> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let continues = before.is_some_and(|before| before.is(".") || before.is("?."));
        let after_operand = before.is_some_and(Token::ends_operand);
        match (token.kind, token.text) {
            (Kind::Operator, "(" | "{") => {
                let call = token.text == "("
                    && before.is_some_and(|before| before.kind == Kind::Word && after_operand);
                let start = if call { operand.unwrap_or(token.start) } else { token.start };
                open.push(Open { start, index: false, ternaries: 0 });
                operand = None;
            }
            (Kind::Operator, "[") => {
                let index = after_operand && operand.is_some();
                let key = tokens.get(at + 1).is_some_and(|next| next.kind == Kind::Text);
                // `a?.[i]` keeps its own rule: nothing of nothing.
                let start = if index || continues { operand.unwrap_or(token.start) } else { token.start };
                open.push(Open { start, index: index && !key, ternaries: 0 });
                operand = None;
            }
            (Kind::Operator, ")" | "]" | "}") => {
                operand = open.pop().map(|bracket| {
                    if bracket.index && token.text == "]" {
                        insertions.push((bracket.start, true));
                        insertions.push((token.end(), false));
                    }
                    bracket.start
                });
            }
            (Kind::Operator, "?") => {
                if let Some(bracket) = open.last_mut() {
                    bracket.ternaries += 1;
                }
                operand = None;
            }
            (Kind::Operator, ":") => {
                if let Some(bracket) = open.last_mut() {
                    match bracket.ternaries.checked_sub(1) {
                        Some(left) => bracket.ternaries = left,
                        None => bracket.index = false,
                    }
                }
                operand = None;
            }
            (Kind::Operator, "." | "?.") => {}
            (Kind::Operator, _) => operand = None,
            _ if continues => {}
            _ => operand = Some(token.start),
        }
        before = Some(token);
    }
    write(text, insertions)
}

/// Puts in what guards, in the order of places; at the same place what closes comes before what opens.
fn write(text: &str, mut insertions: Vec<(usize, bool)>) -> String {
    insertions.sort_unstable();
    let mut written = String::with_capacity(text.len() + insertions.len() * 16);
    let mut done = 0;
    for (place, opens) in insertions {
        written.push_str(text.get(done..place).unwrap_or_default());
        if opens {
            written.push('(');
        } else {
            written.push_str(" ?? ");
            written.push_str(OUTSIDE);
            written.push_str("())");
        }
        done = place;
    }
    written.push_str(text.get(done..).unwrap_or_default());
    written
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::token::tokens;
    use super::*;

    #[rstest]
    #[case::index("result[0] >= 0.9", "(result[0] ?? __outside()) >= 0.9")]
    #[case::twice("a[0][1]", "((a[0] ?? __outside())[1] ?? __outside())")]
    #[case::nested("a[b[1]]", "(a[(b[1] ?? __outside())] ?? __outside())")]
    #[case::of_a_call("filter(result, # > 1)[0] > 2", "(filter(result, # > 1)[0] ?? __outside()) > 2")]
    #[case::of_a_group("(result)[0]", "((result)[0] ?? __outside())")]
    #[case::of_a_member("a.b[0].c", "(a.b[0] ?? __outside()).c")]
    #[case::array("result in [1, 2]", "result in [1, 2]")]
    #[case::slice("result[1:2]", "result[1:2]")]
    #[case::slice_from_the_start("len(result[:2])", "len(result[:2])")]
    #[case::ternary_in_an_index("result[true ? 0 : 1]", "(result[true ? 0 : 1] ?? __outside())")]
    #[case::key("{a: 1}[\"a\"]", "{a: 1}[\"a\"]")]
    #[case::optional("result?.[5]", "result?.[5]")]
    #[case::text("\"a[0]\" == result[0]", "\"a[0]\" == (result[0] ?? __outside())")]
    #[case::after_not("not result[0]", "not (result[0] ?? __outside())")]
    fn indices_are_guarded(#[case] text: &str, #[case] expect: &str) {
        assert_eq!(guarded(text, &tokens(text).unwrap()), expect);
    }
}
