//! Seeing changes as they happen.
//!
//! A list tells what is there, then a watch tells what changes. Breaks are repaired here and never reach the caller:
//! a stream that ends goes on from the last version seen, and a version that the server has forgotten leads to a new
//! list. Only what waiting cannot repair (permissions, an unknown kind) is an error.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use multicluster_core::object::text;
use serde_json::Value;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout},
};

use super::{
    Member, MemberError, ResourceType,
    refusal::Quoting,
    request::{Payload, request},
    resource_type::percent_encode,
};

/// How long one watch lasts before it is renewed. A connection that died silently is noticed only then, so it is
/// shorter than the five minutes that others use; the price is one request a minute.
const WATCH: Duration = Duration::from_secs(60);

/// How much later than the server the client gives a silent watch up.
const MARGIN: Duration = Duration::from_secs(5);

/// The pause after a first break, doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between attempts: how late a member that comes back is noticed.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The longest event. Objects are at most a few MiB.
const EVENT_LIMIT: usize = 32 << 20;

/// How much of an error answer is read.
const ERROR_LIMIT: usize = 64 << 10;

/// What was seen.
#[derive(Debug)]
pub(crate) enum Event {
    /// All that is there now; what was seen before and is not in it is gone.
    Listed(Vec<Value>),
    /// One object is new or changed.
    Changed(Value),
    /// One object is gone; its last form.
    Deleted(Value),
}

/// Which objects of a kind are watched.
pub(crate) struct Scope {
    namespace: Option<String>,
    /// `fieldSelector=…` or `labelSelector=…`.
    query: String,
}

impl Scope {
    /// One object.
    pub(crate) fn name(namespace: Option<&str>, name: &str) -> Self {
        Self {
            namespace: namespace.map(str::to_owned),
            query: format!("fieldSelector=metadata.name%3D{}", percent_encode(name)),
        }
    }

    /// All objects of a namespace.
    pub(crate) fn namespace(namespace: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()), query: "labelSelector=".to_owned() }
    }

    /// The objects of a namespace with these labels.
    pub(crate) fn labels(namespace: Option<&str>, selector: &str) -> Self {
        Self {
            namespace: namespace.map(str::to_owned),
            query: format!("labelSelector={}", percent_encode(selector)),
        }
    }
}

enum State {
    Unlisted,
    Listed { version: String },
    Streaming { version: String, lines: Lines },
}

/// A list and the watch after it.
pub(crate) struct Watch<'a> {
    member: &'a Member,
    ty: ResourceType,
    scope: Scope,
    state: State,
    breaks: u32,
    pause_until: Option<Instant>,
    /// Why nothing was seen lately; for the message of a deadline.
    trouble: Option<MemberError>,
    /// Who wants to know at once that it broke.
    broke: Option<Arc<Notify>>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(member: &'a Member, ty: ResourceType, scope: Scope) -> Self {
        Self {
            member,
            ty,
            scope,
            state: State::Unlisted,
            breaks: 0,
            pause_until: None,
            trouble: None,
            broke: None,
        }
    }

    /// Tells of every break, while it is being repaired.
    pub(crate) fn telling(self, broke: Arc<Notify>) -> Self {
        Self { broke: Some(broke), ..self }
    }

    /// Why the member cannot be seen at the moment, if so.
    pub(crate) fn trouble(&self) -> Option<&MemberError> {
        self.trouble.as_ref()
    }

    /// Waits for the next event.
    ///
    /// # Cancel safety
    /// No event is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Result<Event, MemberError> {
        loop {
            if let Some(until) = self.pause_until {
                sleep_until(until).await;
                self.pause_until = None;
            }
            match self.step().await {
                Ok(Some(event)) => {
                    (self.breaks, self.trouble) = (0, None);
                    return Ok(event);
                }
                Ok(None) => {}
                Err(MemberError::Expired) => {
                    self.state = State::Unlisted;
                    self.pause();
                }
                Err(error) if passes(&error) => {
                    tracing::debug!(cluster = %self.member.name, kind = %self.ty.kind, %error, "watch broke");
                    self.trouble = Some(error);
                    if let Some(broke) = &self.broke {
                        broke.notify_one();
                    }
                    self.pause();
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One request or one line.
    async fn step(&mut self) -> Result<Option<Event>, MemberError> {
        match &mut self.state {
            State::Unlisted => {
                let pages =
                    self.member.pages(&self.ty, self.scope.namespace.as_deref(), &self.scope.query).await?;
                self.state = State::Listed { version: pages.version };
                Ok(Some(Event::Listed(pages.items)))
            }
            State::Listed { version } => {
                let version = version.clone();
                let lines = self.open(&version).await?;
                self.state = State::Streaming { version, lines };
                Ok(None)
            }
            State::Streaming { version, lines } => {
                let line = timeout(WATCH + MARGIN, lines.next()).await;
                let version = version.clone();
                match line {
                    Ok(Ok(Some(line))) => self.read(&line),
                    Ok(Err(error)) => {
                        self.state = State::Listed { version };
                        Err(error)
                    }
                    // The server closed the watch, as it does after the time that it was asked for, or it is silent.
                    Ok(Ok(None)) | Err(_) => {
                        self.state = State::Listed { version };
                        self.pause();
                        Ok(None)
                    }
                }
            }
        }
    }

    async fn open(&self, version: &str) -> Result<Lines, MemberError> {
        let path = self.ty.collection(self.scope.namespace.as_deref())?;
        let path = format!(
            "{path}?{}&watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
            self.scope.query,
            percent_encode(version),
            WATCH.as_secs(),
        );
        let request = request(Method::GET, &path, Payload::None)?;
        let response =
            self.member.client.send(request).await.map_err(|error| MemberError::from_transport(&error))?;
        let (head, body) = response.into_parts();
        if head.status == StatusCode::OK {
            return Ok(Lines { body: Mutex::new(body), buffer: BytesMut::new(), searched: 0 });
        }
        let said = Limited::new(body, ERROR_LIMIT).collect().await;
        let said = said.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Err(MemberError::from_answer(head.status, &said, Quoting::Allowed))
    }

    fn read(&mut self, line: &[u8]) -> Result<Option<Event>, MemberError> {
        let unreadable = || MemberError::Unreachable { reason: "the watch is not readable".to_owned() };
        let mut event: Value = serde_json::from_slice(line).map_err(|_| unreadable())?;
        let object = event.get_mut("object").map(Value::take).unwrap_or_default();
        let kind = text(&event, "/type");
        if kind == "ERROR" {
            // What follows on this stream has no meaning.
            if let State::Streaming { version, .. } = &self.state {
                self.state = State::Listed { version: version.clone() };
            }
            return Err(MemberError::from_event(&object, Quoting::Allowed));
        }
        if let State::Streaming { version, .. } = &mut self.state {
            text(&object, "/metadata/resourceVersion").clone_into(version);
        }
        match kind {
            "ADDED" | "MODIFIED" => Ok(Some(Event::Changed(object))),
            "DELETED" => Ok(Some(Event::Deleted(object))),
            // Bookmarks only bring the version forward.
            _ => Ok(None),
        }
    }

    fn pause(&mut self) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.breaks.min(10)).min(LONGEST_PAUSE);
        self.breaks = self.breaks.saturating_add(1);
        self.pause_until = Some(Instant::now() + pause);
    }
}

/// Whether waiting may help. A user should not wait for a deadline to learn that a permission is missing.
fn passes(error: &MemberError) -> bool {
    matches!(error, MemberError::Unreachable { .. } | MemberError::Internal { .. })
}

/// The lines of a body.
struct Lines {
    /// Never locked: the mutex makes it `Sync`, so that futures that borrow a watch can move between threads.
    body: Mutex<Body>,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no line end.
    searched: usize,
}

impl Lines {
    /// The next line that is not empty, or `None` at the end. Dropping the future loses nothing.
    async fn next(&mut self) -> Result<Option<Bytes>, MemberError> {
        loop {
            let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(end) = unsearched.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + end).freeze();
                self.buffer.advance(1);
                self.searched = 0;
                if !line.is_empty() {
                    return Ok(Some(line));
                }
                continue;
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > EVENT_LIMIT {
                return Err(MemberError::other("the API server sent an event longer than 32 MiB"));
            }
            let body = self.body.get_mut().unwrap_or_else(PoisonError::into_inner);
            match body.frame().await {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.buffer.extend_from_slice(data);
                    }
                }
                Some(Err(error)) => return Err(MemberError::from_transport(&error)),
                // A line without its end was cut off; the next watch brings it again.
                None => return Ok(None),
            }
        }
    }
}
