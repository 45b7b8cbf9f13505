//! Reads request bodies, refusing what the API's schema does not know.

use roxmltree::{Document, Node};

use crate::{error::ServiceError, facets::invalid_xml};

/// A parsed body.
pub(crate) struct Body<'a>(Document<'a>);

/// An element of a body.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a, 'input>(Node<'a, 'input>);

impl<'a> Body<'a> {
    /// Parses a body.
    ///
    /// # Errors
    /// `InvalidInput` when it is not XML.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, ServiceError> {
        let text = std::str::from_utf8(body).map_err(invalid_xml)?;
        // Some clients send a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // Document type declarations are refused by the parser's defaults, and with them entity bombs.
        Document::parse(text).map(Self).map_err(invalid_xml)
    }

    /// The root, which must have this name.
    ///
    /// # Errors
    /// `InvalidInput` when it has another.
    pub(crate) fn root(&self, name: &str) -> Result<Element<'_, 'a>, ServiceError> {
        let root = self.0.root_element();
        if root.tag_name().name() == name {
            return Ok(Element(root));
        }
        Err(invalid_xml(format_args!(
            "cvc-elt.1: Cannot find the declaration of element '{}'.",
            root.tag_name().name()
        )))
    }
}

impl<'a, 'input> Element<'a, 'input> {
    /// Fails when there is a child of a name that is not in the list, or one that comes twice.
    ///
    /// # Errors
    /// `InvalidInput` with the parser's text.
    pub(crate) fn only(self, names: &[&str]) -> Result<Self, ServiceError> {
        let mut seen: Vec<&str> = Vec::new();
        for child in self.0.children().filter(Node::is_element) {
            let name = child.tag_name().name();
            if !names.contains(&name) || seen.contains(&name) {
                return Err(unexpected(name));
            }
            seen.push(name);
        }
        Ok(self)
    }

    /// The child of a name.
    pub(crate) fn child(self, name: &str) -> Option<Self> {
        self.0.children().find(|node| node.is_element() && node.tag_name().name() == name).map(Self)
    }

    /// The children, all of one name.
    ///
    /// # Errors
    /// `InvalidInput` when one has another name.
    pub(crate) fn list(self, name: &str) -> Result<Vec<Self>, ServiceError> {
        let children = self.0.children().filter(Node::is_element);
        children
            .map(|node| {
                let found = node.tag_name().name();
                if found == name { Ok(Self(node)) } else { Err(unexpected(found)) }
            })
            .collect()
    }

    /// The text of the element itself.
    pub(crate) fn value(self) -> String {
        self.0.children().filter(Node::is_text).filter_map(|node| node.text()).collect()
    }

    /// The text of a child.
    pub(crate) fn text(self, name: &str) -> Option<String> {
        self.child(name).map(Self::value)
    }

    /// The whole number in a child.
    ///
    /// # Errors
    /// `InvalidInput` when it is none.
    pub(crate) fn number(self, name: &str) -> Result<Option<i64>, ServiceError> {
        let parse = |text: String| {
            text.trim().parse().map_err(|_| {
                invalid_xml(format_args!(
                    "cvc-datatype-valid.1.2.1: '{text}' is not a valid value for 'integer'."
                ))
            })
        };
        self.text(name).map(parse).transpose()
    }

    /// The truth value in a child.
    ///
    /// # Errors
    /// `InvalidInput` when it is none.
    pub(crate) fn boolean(self, name: &str) -> Result<Option<bool>, ServiceError> {
        let parse = |text: String| match text.trim() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(invalid_xml(format_args!(
                "cvc-datatype-valid.1.2.1: '{text}' is not a valid value for 'boolean'."
            ))),
        };
        self.text(name).map(parse).transpose()
    }
}

fn unexpected(name: &str) -> ServiceError {
    invalid_xml(format_args!(
        "cvc-complex-type.2.4.a: Invalid content was found starting with element '{name}'."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(xml: &str, reader: impl FnOnce(Element<'_, '_>) -> T) -> T {
        let body = Body::parse(xml.as_bytes()).unwrap();
        reader(body.root("r").unwrap())
    }

    #[test]
    fn values_are_read_by_name() {
        read(r#"<r xmlns="urn:x"><a>1 &lt; 2</a><n> 7 </n><b>true</b></r>"#, |root| {
            assert_eq!(root.text("a").as_deref(), Some("1 < 2"));
            assert_eq!(root.number("n").unwrap(), Some(7));
            assert_eq!(root.boolean("b").unwrap(), Some(true));
            assert_eq!(root.text("c"), None);
            assert!(root.number("a").is_err() && root.boolean("n").is_err());
            assert!(root.only(&["a", "n", "b"]).is_ok());
            assert!(root.only(&["a", "n"]).is_err());
        });
        read("<r><a/><a/></r>", |root| {
            assert!(root.only(&["a"]).is_err());
            assert_eq!(root.list("a").unwrap().len(), 2);
            assert!(root.list("b").is_err());
        });
    }

    #[test]
    fn what_is_not_xml_is_an_error() {
        for body in [b"".as_slice(), b"<r>", b"\xff", b"<!DOCTYPE r [<!ENTITY a 'b'>]><r>&a;</r>"] {
            assert!(Body::parse(body).is_err());
        }
        assert!(Body::parse(b"<s/>").unwrap().root("r").is_err());
    }
}
