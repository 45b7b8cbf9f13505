//! Facets of the API's XML schema: lengths, ranges, enumerations and patterns of single values.
//!
//! The service checks them before it looks at the meaning of a request, and reports them as `InvalidInput` with
//! the text of its XML parser. One text was seen in public reports (`cvc-length-valid … ContinentCode`); the
//! others follow the same parser's wording for the other kinds of facets.

use std::fmt;

use crate::error::ServiceError;

/// Checks of values, each failing with the parser's text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facet {
    /// The schema's name of the type, as it stands in the text.
    type_name: &'static str,
}

pub(crate) type Checked = Result<(), ServiceError>;

/// The facets of a type of the schema.
pub(crate) const fn facet(type_name: &'static str) -> Facet {
    Facet { type_name }
}

impl Facet {
    /// Exactly `expected` characters.
    pub(crate) fn length(self, value: &str, expected: usize) -> Checked {
        let length = value.chars().count();
        if length == expected {
            return Ok(());
        }
        Err(self.length_error("length", value, length, "length", expected))
    }

    /// `min` to `max` characters.
    pub(crate) fn lengths(self, value: &str, min: usize, max: usize) -> Checked {
        let length = value.chars().count();
        if length < min {
            return Err(self.length_error("minLength", value, length, "minLength", min));
        }
        if length > max {
            return Err(self.length_error("maxLength", value, length, "maxLength", max));
        }
        Ok(())
    }

    /// A number from `min` to `max`.
    pub(crate) fn range(self, value: i64, min: i64, max: i64) -> Checked {
        let (kind, limit) = if value < min {
            ("minInclusive", min)
        } else if value > max {
            ("maxInclusive", max)
        } else {
            return Ok(());
        };
        Err(invalid_xml(format_args!(
            "cvc-{kind}-valid: Value '{value}' is not facet-valid with respect to {kind} '{limit}' for type '{}'.",
            self.type_name
        )))
    }

    /// One of a list.
    pub(crate) fn enumeration(self, value: &str, allowed: &[&str]) -> Checked {
        if allowed.contains(&value) {
            return Ok(());
        }
        Err(invalid_xml(format_args!(
            "cvc-enumeration-valid: Value '{value}' is not facet-valid with respect to enumeration '[{}]'. It must \
             be a value from the enumeration.",
            allowed.join(", ")
        )))
    }

    /// A text for which `matches` holds; `pattern` is what the message names.
    pub(crate) fn pattern(self, value: &str, pattern: &str, matches: bool) -> Checked {
        if matches {
            return Ok(());
        }
        Err(invalid_xml(format_args!(
            "cvc-pattern-valid: Value '{value}' is not facet-valid with respect to pattern '{pattern}' for type \
             '{}'.",
            self.type_name
        )))
    }

    fn length_error(
        self,
        kind: &str,
        value: &str,
        length: usize,
        bound: &str,
        expected: usize,
    ) -> ServiceError {
        // The parser quotes the whole value; four thousand characters of it help nobody.
        let shown: String = value.chars().take(100).collect();
        invalid_xml(format_args!(
            "cvc-{kind}-valid: Value '{shown}' with length = '{length}' is not facet-valid with respect to {bound} \
             '{expected}' for type '{}'.",
            self.type_name
        ))
    }
}

/// `InvalidInput` with a message of the XML parser.
pub(crate) fn invalid_xml(message: impl fmt::Display) -> ServiceError {
    ServiceError::invalid_input(format!("Invalid XML ; {message}"))
}

/// An element that ends before a required child.
pub(crate) fn incomplete(element: &str, expected: &str) -> ServiceError {
    invalid_xml(format_args!(
        "cvc-complex-type.2.4.b: The content of element '{element}' is not complete. One of '{{\"{NAMESPACE}\":\
         {expected}}}' is expected."
    ))
}

/// The XML namespace of the API.
pub(crate) const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";

/// Whether a text is a UUID in lower case, as ids of CIDR collections must be.
pub(crate) fn is_uuid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| {
            if dashes.contains(&index) { byte == b'-' } else { matches!(byte, b'0'..=b'9' | b'a'..=b'f') }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_parser() {
        let error = facet("ContinentCode").length("Default", 2).unwrap_err();
        assert_eq!(
            error.message,
            "Invalid XML ; cvc-length-valid: Value 'Default' with length = '7' is not facet-valid with respect to \
             length '2' for type 'ContinentCode'."
        );
        let error = incomplete("ResourceRecords", "ResourceRecord");
        assert!(error.message.contains("The content of element 'ResourceRecords' is not complete."));
    }

    #[test]
    fn bounds_are_inclusive() {
        let weight = facet("ResourceRecordSetWeight");
        assert!(weight.range(0, 0, 255).is_ok() && weight.range(255, 0, 255).is_ok());
        assert!(weight.range(-1, 0, 255).is_err() && weight.range(256, 0, 255).is_err());
        assert!(weight.lengths("é", 1, 1).is_ok());
        assert!(weight.lengths("", 1, 2).is_err() && weight.lengths("abc", 1, 2).is_err());
    }

    #[test]
    fn uuids_are_lower_case() {
        assert!(is_uuid("c0111111-0000-4000-8000-000000000001"));
        assert!(!is_uuid("C0111111-0000-4000-8000-000000000001"));
        assert!(!is_uuid("c0111111-0000-4000-8000-00000000000"));
        assert!(!is_uuid("c01111110000-4000-8000-0000-00000001"));
    }
}
