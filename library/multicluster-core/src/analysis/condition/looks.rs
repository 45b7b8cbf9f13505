//! What a condition looks at.

use super::token::{Kind, Token};

/// What a condition looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looks {
    /// At the list as a whole (see [`super::Condition`]).
    pub(crate) whole: bool,
    /// At `result[0]`.
    pub(crate) first: bool,
    /// At `result` as one value.
    pub(crate) bare: bool,
    /// At the length of the list: it says itself what no data means.
    pub(crate) length: bool,
    /// At `isNaN`: it says itself what no number means.
    pub(crate) nan: bool,
    /// At what the old colour measures.
    pub(crate) baseline: bool,
}

/// Functions that take a list as a whole.
const OF_LISTS: [&str; 31] = [
    "len",
    "all",
    "any",
    "none",
    "one",
    "count",
    "sum",
    "mean",
    "median",
    "min",
    "max",
    "map",
    "filter",
    "find",
    "findIndex",
    "findLast",
    "findLastIndex",
    "groupBy",
    "sortBy",
    "reduce",
    "sort",
    "first",
    "last",
    "take",
    "reverse",
    "uniq",
    "concat",
    "flatten",
    "join",
    "get",
    "toJSON",
];

/// What a condition looks at.
pub(super) fn looks(tokens: &[Token<'_>]) -> Looks {
    let at = |index: usize| tokens.get(index);
    let is = |index: usize, text: &str| at(index).is_some_and(|token| token.is(text));
    let called =
        |name: &str| tokens.iter().enumerate().any(|(index, token)| token.is(name) && is(index + 1, "("));
    let mut looks = Looks {
        nan: called("isNaN"),
        baseline: tokens.iter().any(|token| {
            token.kind == Kind::Word && matches!(token.text, "baseline" | "ratio" | "difference")
        }),
        ..Looks::default()
    };
    let mut taken_whole = false;
    for (index, token) in tokens.iter().enumerate() {
        let member = index > 0 && (is(index - 1, ".") || is(index - 1, "?."));
        if !token.is("result") || member {
            continue;
        }
        let argument_of_len = index >= 2 && is(index - 2, "len") && is(index - 1, "(") && is(index + 1, ")");
        if argument_of_len {
            looks.length = true;
            taken_whole |= !asks_for_emptiness(tokens, index);
        } else if is(index + 1, "[") {
            let zero = at(index + 2).is_some_and(|token| token.text == "0") && is(index + 3, "]");
            looks.first |= zero;
            taken_whole |= !zero;
        } else {
            looks.bare = true;
        }
    }
    let lists = tokens.iter().enumerate().any(|(index, token)| {
        let list_word = matches!(token.text, "in" | "contains" | "|") && token.kind != Kind::Text;
        let function = token.kind == Kind::Word && OF_LISTS.contains(&token.text) && is(index + 1, "(");
        // The emptiness of the list is a question about one value too: there is none, or there is this one.
        let emptiness = token.is("len") && is(index + 2, "result") && is(index + 3, ")");
        list_word || (function && !emptiness)
    });
    looks.whole = taken_whole || (looks.bare && lists);
    looks
}

/// Whether `len(result)` is asked for nothing but whether there is something; `index` is that of `result`.
fn asks_for_emptiness(tokens: &[Token<'_>], index: usize) -> bool {
    let text = |index: usize| tokens.get(index).map(|token| token.text);
    matches!(
        (text(index + 2), text(index + 3)),
        (Some("==" | "!=" | ">"), Some("0")) | (Some("<" | ">="), Some("1"))
    )
}
