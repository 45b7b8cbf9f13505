//! Writes responses.

use std::fmt::Display;

use crate::facets::NAMESPACE;

/// An XML document that grows.
#[derive(Debug, Default)]
pub(crate) struct Writer(String);

impl Writer {
    /// A document with a root of the API's namespace.
    pub(crate) fn document(root: &str, content: impl FnOnce(&mut Self)) -> String {
        let mut writer = Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned());
        writer.0.push_str(&["<", root, " xmlns=\"", NAMESPACE, "\">"].concat());
        content(&mut writer);
        writer.close(root);
        writer.0
    }

    /// An element with text.
    pub(crate) fn text(&mut self, name: &str, value: impl Display) {
        self.open(name);
        self.escaped(&value.to_string());
        self.close(name);
    }

    /// An element with text, if there is a value.
    pub(crate) fn optional(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// An element with elements.
    pub(crate) fn nested(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.open(name);
        content(self);
        self.close(name);
    }

    /// An element that holds one element per item.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut item: impl FnMut(&mut Self, T),
    ) {
        self.nested(name, |writer| items.into_iter().for_each(|each| item(writer, each)));
    }

    fn open(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
    }

    fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\r' => self.0.push_str("&#13;"),
                '\t' | '\n' => self.0.push(character),
                // XML 1.0 has no way to write the other control characters.
                control if control.is_control() => self.0.push('\u{fffd}'),
                other => self.0.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let document = Writer::document("R", |xml| {
            xml.text("V", "\"a\" & <b>\u{1}");
            xml.optional("N", None::<u8>);
            xml.list("L", [1, 2], |xml, each| xml.text("I", each));
        });
        assert!(document.ends_with(
            "<R xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><V>&quot;a&quot; &amp; \
             &lt;b&gt;\u{fffd}</V><L><I>1</I><I>2</I></L></R>"
        ));
    }
}
