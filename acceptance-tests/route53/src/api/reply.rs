//! What goes back to the client.

use crate::{error::ServiceError, xml::Writer};

/// A reply before it is HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The `Location` header.
    pub(crate) location: Option<String>,
    pub(crate) body: String,
    /// How many changes of record sets were accepted, for the log of calls.
    pub(crate) changes: Option<usize>,
}

impl Reply {
    /// 200 with a document.
    pub(crate) fn ok(root: &str, content: impl FnOnce(&mut Writer)) -> Self {
        Self { status: 200, location: None, body: Writer::document(root, content), changes: None }
    }

    /// 201 with a document and where the new thing is.
    pub(crate) fn created(root: &str, path: &str, content: impl FnOnce(&mut Writer)) -> Self {
        let location = Some(format!("https://route53.amazonaws.com/2013-04-01/{path}"));
        Self { status: 201, location, body: Writer::document(root, content), changes: None }
    }

    /// The error document.
    pub(crate) fn error(error: &ServiceError, request_id: &str) -> Self {
        Self::failure(error.code.status(), error.code.as_str(), &error.message, request_id)
    }

    /// An error document of any code and status.
    pub(crate) fn failure(status: u16, code: &str, message: &str, request_id: &str) -> Self {
        let body = Writer::document("ErrorResponse", |xml| {
            xml.nested("Error", |xml| {
                xml.text("Type", if status < 500 { "Sender" } else { "Receiver" });
                xml.text("Code", code);
                xml.text("Message", message);
            });
            xml.text("RequestId", request_id);
        });
        Self { status, location: None, body, changes: None }
    }
}
