//! Reading and writing objects.

use http::Method;
use multicluster_core::object::text;
use serde_json::{Value, json};

use super::{
    Member, MemberError, ResourceType, refusal::Quoting, request::Payload, resource_type::percent_encode,
};

/// Objects per page of a list; what kubectl uses.
pub(super) const PAGE: u32 = 500;

/// How an object is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyOptions {
    /// Whose fields these are; at most 128 bytes.
    pub field_manager: String,
    /// Whether fields are taken from other managers instead of failing with [`MemberError::Conflict`].
    pub force: bool,
    /// Whether the server only says what it would do.
    pub dry_run: bool,
    /// Whether the object is as secret as a Secret, whatever its kind: what the server says of it is not quoted.
    pub confidential: bool,
}

/// What happens to what an object owns when it is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Propagation {
    /// What it owns is deleted first.
    Foreground,
    /// It is deleted at once and the cluster cleans up after it.
    Background,
    /// What it owns stays.
    Orphan,
}

/// How far a deletion came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// The server has noted it; finalizers or a grace period may still hold the object.
    Started,
    /// The object is not there (any more).
    Gone,
}

impl Member {
    /// Reads one object.
    ///
    /// # Errors
    /// [`MemberError`]; that there is none is `Ok(None)`, that the kind is not served is
    /// [`MemberError::UnknownKind`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn get(
        &self,
        ty: &ResourceType,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Value>, MemberError> {
        let path = ty.object(namespace, name)?;
        match self.call(Method::GET, &path, Payload::None, Quoting::Allowed).await {
            Ok(object) => Ok(Some(object)),
            Err(MemberError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads all objects with the given labels, of all namespaces, in pages.
    ///
    /// Items of a list carry no `apiVersion` and `kind`; they are filled in.
    ///
    /// # Errors
    /// [`MemberError`]. An empty selector is refused: it would list every object of that kind, and what follows from
    /// such a list (a deletion, say) must never follow from a forgotten selector.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn list(&self, ty: &ResourceType, label_selector: &str) -> Result<Vec<Value>, MemberError> {
        if label_selector.trim().is_empty() {
            return Err(MemberError::other("a list needs a label selector (a bug of this program)"));
        }
        let query = format!("labelSelector={}", percent_encode(label_selector));
        Ok(self.pages(ty, None, &query).await?.items)
    }

    /// Applies an object as the field manager's wish (server-side apply), and returns what the server made of it.
    /// Unknown and duplicate fields are errors.
    ///
    /// The same call may be repeated: it has the same effect once or many times.
    ///
    /// # Errors
    /// [`MemberError`]: [`Conflict`](MemberError::Conflict) where others own a field and `force` is off,
    /// [`Invalid`](MemberError::Invalid), [`NotFound`](MemberError::NotFound) for a missing namespace, and so on.
    ///
    /// # Cancel safety
    /// When the future is dropped the object may or may not have been written.
    pub async fn apply(
        &self,
        ty: &ResourceType,
        body: &Value,
        options: ApplyOptions,
    ) -> Result<Value, MemberError> {
        check_type(ty, body)?;
        let namespace = text(body, "/metadata/namespace");
        let path = ty.object(Some(namespace), text(body, "/metadata/name"))?;
        let mut query =
            format!("fieldManager={}&fieldValidation=Strict", percent_encode(&options.field_manager));
        if options.force {
            query.push_str("&force=true");
        }
        if options.dry_run {
            query.push_str("&dryRun=All");
        }
        let quoting = if options.confidential { Quoting::Forbidden } else { quoting(ty) };
        self.call(Method::PATCH, &format!("{path}?{query}"), Payload::Apply(body), quoting).await
    }

    /// Creates an object of our own bookkeeping, and fails if one of its name is there.
    ///
    /// # Errors
    /// [`MemberError::AlreadyExists`]; others as for [`Member::apply`].
    ///
    /// # Cancel safety
    /// When the future is dropped the object may or may not have been created.
    pub async fn create(
        &self,
        ty: &ResourceType,
        body: &Value,
        field_manager: &str,
    ) -> Result<Value, MemberError> {
        check_type(ty, body)?;
        let namespace = text(body, "/metadata/namespace");
        // The object's path is built for its checks; the collection takes the request.
        ty.object(Some(namespace), text(body, "/metadata/name"))?;
        let query = format!("fieldManager={}&fieldValidation=Strict", percent_encode(field_manager));
        let path = format!("{}?{query}", ty.collection(Some(namespace))?);
        self.call(Method::POST, &path, Payload::Json(body), quoting(ty)).await
    }

    /// Replaces an object of our own bookkeeping, if it is still in the version that `body` carries in
    /// `metadata.resourceVersion`.
    ///
    /// # Errors
    /// [`MemberError::Changed`] if it is in another version; others as for [`Member::apply`].
    ///
    /// # Cancel safety
    /// When the future is dropped the object may or may not have been replaced.
    pub async fn replace(
        &self,
        ty: &ResourceType,
        body: &Value,
        field_manager: &str,
    ) -> Result<Value, MemberError> {
        check_type(ty, body)?;
        if text(body, "/metadata/resourceVersion").is_empty() {
            return Err(MemberError::invalid(
                "metadata.resourceVersion",
                "a replacement must name a version",
            ));
        }
        let path = ty.object(Some(text(body, "/metadata/namespace")), text(body, "/metadata/name"))?;
        let query = format!("fieldManager={}&fieldValidation=Strict", percent_encode(field_manager));
        match self.call(Method::PUT, &format!("{path}?{query}"), Payload::Json(body), quoting(ty)).await {
            // Gone since it was read: a change like any other.
            Err(MemberError::NotFound { name, .. }) if name == text(body, "/metadata/name") => {
                Err(MemberError::Changed)
            }
            answer => answer,
        }
    }

    /// Deletes the object with this UID. One of the same name but another UID is left alone, and counts as
    /// [`Deletion::Gone`].
    ///
    /// # Errors
    /// [`MemberError`]; an empty UID is refused.
    ///
    /// # Cancel safety
    /// When the future is dropped the deletion may or may not have started.
    pub async fn delete(
        &self,
        ty: &ResourceType,
        namespace: Option<&str>,
        name: &str,
        uid: &str,
        propagation: Propagation,
    ) -> Result<Deletion, MemberError> {
        if uid.is_empty() {
            return Err(MemberError::other("a deletion needs the object's UID (a bug of this program)"));
        }
        let path = ty.object(namespace, name)?;
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": { "uid": uid },
            "propagationPolicy": propagation.as_str(),
        });
        match self.call(Method::DELETE, &path, Payload::Json(&options), quoting(ty)).await {
            // The server answers with a status when nothing is left, and with the object otherwise.
            Ok(answer) if text(&answer, "/kind") == "Status" => Ok(Deletion::Gone),
            Ok(_) => Ok(Deletion::Started),
            Err(MemberError::NotFound { .. }) => Ok(Deletion::Gone),
            // Another UID, or a namespace that is being emptied: the answer does not tell which.
            Err(MemberError::Changed) => match self.get(ty, namespace, name).await? {
                Some(live) if text(&live, "/metadata/uid") != uid => Ok(Deletion::Gone),
                Some(live) if is_terminating(&live) => Ok(Deletion::Started),
                Some(_) => Err(MemberError::Changed),
                None => Ok(Deletion::Gone),
            },
            Err(error) => Err(error),
        }
    }
}

/// All items of a collection, and the version at which they were read.
pub(super) struct Pages {
    pub(super) items: Vec<Value>,
    pub(super) version: String,
}

impl Member {
    pub(super) async fn pages(
        &self,
        ty: &ResourceType,
        namespace: Option<&str>,
        query: &str,
    ) -> Result<Pages, MemberError> {
        self.pages_of(ty, namespace, query, |item| item).await
    }

    /// The same with only what `keep` leaves of each item, for kinds whose objects are large and many.
    pub(super) async fn pages_of(
        &self,
        ty: &ResourceType,
        namespace: Option<&str>,
        query: &str,
        keep: impl Fn(Value) -> Value + Send,
    ) -> Result<Pages, MemberError> {
        let path = ty.collection(namespace)?;
        let mut pages = Pages { items: Vec::new(), version: String::new() };
        let mut more = String::new();
        let mut restarted = false;
        loop {
            let page = format!("{path}?{query}&limit={PAGE}{more}");
            let mut list = match self.call(Method::GET, &page, Payload::None, Quoting::Allowed).await {
                // The snapshot behind the pages is too old. Once more from the start; a list that takes longer than
                // the server remembers (five minutes) twice in a row is an error.
                Err(MemberError::Expired) if !restarted => {
                    (pages.items, more, restarted) = (Vec::new(), String::new(), true);
                    continue;
                }
                answer => answer?,
            };
            if let Some(Value::Array(items)) = list.get_mut("items").map(Value::take) {
                pages.items.extend(items.into_iter().map(|item| with_type(ty, keep(item))));
            }
            text(&list, "/metadata/resourceVersion").clone_into(&mut pages.version);
            match text(&list, "/metadata/continue") {
                "" => return Ok(pages),
                token => more = format!("&continue={}", percent_encode(token)),
            }
        }
    }
}

fn with_type(ty: &ResourceType, mut item: Value) -> Value {
    if let Some(fields) = item.as_object_mut() {
        fields.insert("apiVersion".to_owned(), ty.api_version().into());
        fields.insert("kind".to_owned(), ty.kind.clone().into());
    }
    item
}

/// Whether the object is on its way out.
pub(super) fn is_terminating(object: &Value) -> bool {
    !text(object, "/metadata/deletionTimestamp").is_empty()
}

pub(super) fn quoting(ty: &ResourceType) -> Quoting {
    if ty.is_secret() { Quoting::Forbidden } else { Quoting::Allowed }
}

fn check_type(ty: &ResourceType, body: &Value) -> Result<(), MemberError> {
    if text(body, "/apiVersion") == ty.api_version() && text(body, "/kind") == ty.kind {
        Ok(())
    } else {
        Err(MemberError::other("an object and its type do not agree (a bug of this program)"))
    }
}

impl Propagation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Foreground => "Foreground",
            Self::Background => "Background",
            Self::Orphan => "Orphan",
        }
    }
}
