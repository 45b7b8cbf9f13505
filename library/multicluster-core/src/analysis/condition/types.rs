//! Operands that do not go together.
//!
//! The evaluator says of `result[0] == 'a'` that it is false, and does not look at what a short circuit leaves out. To Argo Rollouts both
//! are errors, before anything is evaluated. So the types of a condition are worked out first, with the type that the answer has.
//!
//! Only what is known to be wrong is an error: whatever is not known here is left to the evaluator.

use super::token::{Kind, Token};

/// What an operand is, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Any,
    Nil,
    Bool,
    Number,
    Text,
    /// A list of numbers.
    Numbers,
    /// A list of anything.
    List,
    Map,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Nil => "nil",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::Text => "text",
            Self::Numbers | Self::List => "list",
            Self::Map => "map",
        }
    }

    fn is_unknown(self) -> bool {
        matches!(self, Self::Any | Self::Nil)
    }

    fn is_list(self) -> bool {
        matches!(self, Self::Numbers | Self::List)
    }

    /// Whether it is one of these, or may be.
    fn may_be(self, types: &[Self]) -> bool {
        self.is_unknown() || types.contains(&self)
    }

    /// What its items are.
    fn item(self) -> Self {
        if self == Self::Numbers { Self::Number } else { Self::Any }
    }
}

/// Why the types are not worked out to the end.
enum Stop {
    /// There is something that is not known here.
    Unknown,
    /// They do not go together.
    Mismatch(String),
}

type Found = Result<Type, Stop>;

fn mismatch<T>(text: String) -> Result<T, Stop> {
    Err(Stop::Mismatch(text))
}

/// The type of a condition over answers of some type, or what does not go together in it.
pub(super) fn infer(tokens: &[Token<'_>], result: Type, baseline: Option<Type>) -> Result<Type, String> {
    let mut reader = Reader { tokens, at: 0, result, baseline, own: Vec::new(), item: None };
    match reader.whole() {
        Ok(found) => Ok(found),
        Err(Stop::Unknown) => Ok(Type::Any),
        Err(Stop::Mismatch(text)) => Err(text),
    }
}

struct Reader<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    result: Type,
    baseline: Option<Type>,
    /// What the condition itself names by `let`.
    own: Vec<(&'a str, Type)>,
    /// What `#` is.
    item: Option<Type>,
}

/// How strongly operators bind.
const COMPARES: u8 = 20;
const NEGATES: u8 = 50;
const SIGNS: u8 = 90;

pub(super) fn strength(operator: &str) -> Option<u8> {
    Some(match operator {
        "||" | "or" => 10,
        "&&" | "and" => 15,
        "==" | "!=" | "<" | ">" | "<=" | ">=" | "in" | "not" | "contains" | "startsWith" | "endsWith"
        | "matches" => COMPARES,
        ".." => 25,
        "+" | "-" => 30,
        "*" | "/" | "%" => 60,
        "**" | "^" => 100,
        _ => return None,
    })
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Token<'a>> {
        self.tokens.get(self.at)
    }

    fn next_is(&self, text: &str) -> bool {
        self.peek().is_some_and(|token| token.is(text))
    }

    fn take(&mut self, text: &str) -> bool {
        let is = self.next_is(text);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, text: &str) -> Result<(), Stop> {
        if self.take(text) { Ok(()) } else { Err(Stop::Unknown) }
    }

    fn whole(&mut self) -> Found {
        while self.take("let") {
            let name = self.peek().ok_or(Stop::Unknown)?.text;
            self.at += 1;
            self.expect("=")?;
            let value = self.expression(0)?;
            self.own.push((name, value));
            self.expect(";")?;
        }
        let found = self.expression(0)?;
        if self.peek().is_some() { Err(Stop::Unknown) } else { Ok(found) }
    }

    /// An expression whose operators bind at least so strongly.
    fn expression(&mut self, least: u8) -> Found {
        let mut left = self.operand()?;
        loop {
            let Some(token) = self.peek() else { return Ok(left) };
            if least == 0 && token.is("?") {
                self.at += 1;
                left = self.branches(left)?;
                continue;
            }
            if token.is("|") || token.is("??") {
                return Err(Stop::Unknown);
            }
            let is_operator = matches!(token.kind, Kind::Operator | Kind::Word);
            let Some(strength) = strength(token.text).filter(|strength| is_operator && *strength >= least)
            else {
                return Ok(left);
            };
            self.at += 1;
            let mut operator = token.text;
            if operator == "not" {
                self.expect("in")?;
                operator = "in";
            }
            // Powers are taken from the right, all others from the left.
            let right = self.expression(if strength == 100 { strength } else { strength + 1 })?;
            left = combined(left, operator, right)?;
            let chained = strength == COMPARES
                && self.peek().is_some_and(|next| matches!(next.text, "<" | ">" | "<=" | ">="));
            if chained {
                return Err(Stop::Unknown);
            }
        }
    }

    fn branches(&mut self, condition: Type) -> Found {
        if !condition.may_be(&[Type::Bool]) {
            return mismatch(format!("what stands before `?` is a {}, not true or false", condition.name()));
        }
        let yes = self.expression(0)?;
        self.expect(":")?;
        let no = self.expression(0)?;
        Ok(if yes == no { yes } else { Type::Any })
    }

    /// An operand with what stands before and behind it.
    fn operand(&mut self) -> Found {
        let token = self.peek().ok_or(Stop::Unknown)?;
        if token.is("!") || token.is("not") {
            self.at += 1;
            let operand = self.expression(NEGATES)?;
            return if operand.may_be(&[Type::Bool]) {
                Ok(Type::Bool)
            } else {
                mismatch(format!("`{}` is for true and false, not for a {}", token.text, operand.name()))
            };
        }
        if token.is("-") || token.is("+") {
            self.at += 1;
            let operand = self.expression(SIGNS)?;
            return if operand.may_be(&[Type::Number]) {
                Ok(Type::Number)
            } else {
                mismatch(format!("a {} has no sign", operand.name()))
            };
        }
        self.at += 1;
        let found = match (token.kind, token.text) {
            (Kind::Number, _) => Type::Number,
            (Kind::Text, _) => Type::Text,
            (Kind::Operator, "(") => {
                let found = self.expression(0)?;
                self.expect(")")?;
                found
            }
            (Kind::Operator, "[") => {
                while !self.take("]") {
                    self.expression(0)?;
                    if !self.take(",") && !self.next_is("]") {
                        return Err(Stop::Unknown);
                    }
                }
                Type::List
            }
            (Kind::Word, name) => self.word(name)?,
            _ => return Err(Stop::Unknown),
        };
        self.behind(found)
    }

    fn word(&mut self, name: &'a str) -> Found {
        if self.take("(") {
            return self.call(name);
        }
        Ok(match name {
            "true" | "false" => Type::Bool,
            "nil" => Type::Nil,
            "result" => self.result,
            "baseline" => self.baseline.unwrap_or(Type::Any),
            "ratio" | "difference" => Type::Number,
            "#" => self.item.unwrap_or(Type::Any),
            "if" | "let" => return Err(Stop::Unknown),
            _ => self.own.iter().rev().find(|(own, _)| *own == name).map_or(Type::Any, |(_, found)| *found),
        })
    }

    /// Indices, slices and members.
    fn behind(&mut self, mut found: Type) -> Found {
        loop {
            if self.take("[") {
                if !found.may_be(&[Type::Numbers, Type::List, Type::Map]) && !self.is_slice_of_text(found) {
                    return mismatch(format!("a {} has no items", found.name()));
                }
                let mut slice = self.take(":");
                if !self.next_is("]") {
                    self.expression(0)?;
                }
                slice |= self.take(":");
                if slice && !self.next_is("]") {
                    self.expression(0)?;
                }
                self.expect("]")?;
                found = if slice { found } else { found.item() };
            } else if self.next_is("?.") {
                return Err(Stop::Unknown);
            } else if self.take(".") {
                if !found.may_be(&[Type::Map]) {
                    return mismatch(format!("a {} has no fields", found.name()));
                }
                return Err(Stop::Unknown);
            } else {
                return Ok(found);
            }
        }
    }

    /// Texts can be sliced, but have no items.
    fn is_slice_of_text(&self, found: Type) -> bool {
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        found == Type::Text && rest.iter().take_while(|token| !token.is("]")).any(|token| token.is(":"))
    }

    /// A call, from behind its opening bracket.
    fn call(&mut self, name: &str) -> Found {
        let mut arguments = Vec::new();
        let judges = matches!(
            name,
            "all"
                | "any"
                | "none"
                | "one"
                | "filter"
                | "count"
                | "find"
                | "findIndex"
                | "findLast"
                | "findLastIndex"
        );
        let visits = judges || matches!(name, "map" | "sum" | "groupBy" | "sortBy" | "reduce");
        while !self.take(")") {
            if visits && arguments.len() == 1 {
                let list: Type = arguments.first().copied().unwrap_or(Type::Any);
                let said = self.predicate(list.item())?;
                if judges && !said.may_be(&[Type::Bool]) {
                    return mismatch(format!(
                        "what `{name}` asks of each item is a {}, not true or false",
                        said.name()
                    ));
                }
                arguments.push(said);
            } else {
                arguments.push(self.expression(0)?);
            }
            if !self.take(",") && !self.next_is(")") {
                return Err(Stop::Unknown);
            }
        }
        called(name, &arguments)
    }

    /// What is asked of each item: `# > 1` or `{# > 1}`.
    fn predicate(&mut self, item: Type) -> Found {
        let outer = self.item.replace(item);
        let braces = self.take("{");
        let said = self.expression(0)?;
        if braces {
            self.expect("}")?;
        }
        self.item = outer;
        Ok(said)
    }
}

/// What two operands make.
fn combined(left: Type, operator: &str, right: Type) -> Found {
    let both = |types: &[Type]| left.may_be(types) && right.may_be(types);
    let alike =
        left.is_unknown() || right.is_unknown() || left == right || (left.is_list() && right.is_list());
    let (fits, made) = match operator {
        "==" | "!=" => (alike, Type::Bool),
        "<" | ">" | "<=" | ">=" => (alike && both(&[Type::Number, Type::Text]), Type::Bool),
        "&&" | "and" | "||" | "or" => (both(&[Type::Bool]), Type::Bool),
        "in" => {
            let item = right != Type::Numbers || left.may_be(&[Type::Number]);
            (item && right.may_be(&[Type::Numbers, Type::List, Type::Map]), Type::Bool)
        }
        "contains" | "startsWith" | "endsWith" | "matches" => (both(&[Type::Text]), Type::Bool),
        "+" if left == Type::Text || right == Type::Text => (alike, Type::Text),
        ".." => (both(&[Type::Number]), Type::Numbers),
        "+" if left.is_unknown() || right.is_unknown() => (both(&[Type::Number]), Type::Any),
        _ => (both(&[Type::Number]), Type::Number),
    };
    if fits {
        Ok(made)
    } else {
        mismatch(format!("`{operator}` does not go with a {} and a {}", left.name(), right.name()))
    }
}

/// What a function makes.
fn called(name: &str, arguments: &[Type]) -> Found {
    let first = arguments.first().copied().unwrap_or(Type::Any);
    let takes = |types: &[Type], made: Type| {
        if first.may_be(types) {
            Ok(made)
        } else {
            mismatch(format!("`{name}` does not take a {}", first.name()))
        }
    };
    let lists = [Type::Numbers, Type::List];
    match name {
        "all" | "any" | "none" | "one" => takes(&lists, Type::Bool),
        "count" | "findIndex" | "findLastIndex" => takes(&lists, Type::Number),
        "len" => takes(&[Type::Numbers, Type::List, Type::Text, Type::Map], Type::Number),
        "filter" | "sort" | "reverse" | "take" => takes(&lists, first),
        "map" => takes(&lists, Type::List),
        "first" | "last" | "find" | "findLast" => takes(&lists, Type::Any),
        "abs" | "ceil" | "floor" | "round" => takes(&[Type::Number], Type::Number),
        "isNaN" => match first {
            Type::Numbers | Type::List => {
                mismatch("isNaN takes one number; for a list, write `isNaN(result[0])`".to_owned())
            }
            _ => takes(&[Type::Number], Type::Bool),
        },
        "isInf" => match first {
            Type::Numbers | Type::List => {
                mismatch("isInf takes one number; for a list, write `isInf(result[0])`".to_owned())
            }
            _ => takes(&[Type::Number], Type::Bool),
        },
        "asInt" | "asFloat" => takes(&[Type::Text], Type::Number),
        "isNil" => Ok(Type::Bool),
        _ => Ok(Type::Any),
    }
}
