//! Messages that wait to be delivered: bounded, and without what has become outdated.

use std::collections::VecDeque;

use multicluster_core::notify::Message;

/// How many messages wait at most. A service that has not taken that many will not miss the oldest.
const LENGTH: usize = 256;

/// Which messages a service gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// All events.
    All,
    /// How things stand now, and what is loud.
    Latest,
}

#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Message>,
    dropped: usize,
}

impl Queue {
    /// Puts a message in. A quiet one replaces the quiet one before it, if only how things stand is wanted.
    pub(super) fn push(&mut self, message: Message, wants: Wants) {
        let outdated = |last: &Message| {
            !last.event.kind.is_loud()
                && !message.event.kind.is_loud()
                && last.event.release == message.event.release
        };
        if wants == Wants::Latest && self.waiting.back().is_some_and(outdated) {
            self.waiting.pop_back();
        }
        self.waiting.push_back(message);
        if self.waiting.len() > LENGTH {
            let quiet = self.waiting.iter().position(|message| !message.event.kind.is_loud());
            self.waiting.remove(quiet.unwrap_or(0));
            self.dropped += 1;
        }
    }

    pub(super) fn pop(&mut self) -> Option<Message> {
        self.waiting.pop_front()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many messages had to go since this was asked last.
    pub(super) fn take_dropped(&mut self) -> usize {
        std::mem::take(&mut self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use multicluster_core::notify::{Event, EventKind, Summary};
    use rstest::rstest;

    use super::*;

    fn message(kind: EventKind, text: &str) -> Message {
        let at = jiff::Timestamp::UNIX_EPOCH;
        Message {
            event: Event { release: "r-1".to_owned(), kind, text: text.to_owned(), at },
            summary: Summary {
                name: "a".to_owned(),
                namespace: "b".to_owned(),
                from: None,
                to: "c".to_owned(),
                phase: "rolling".to_owned(),
                clusters: Vec::new(),
                metrics: Vec::new(),
                elapsed: Duration::ZERO,
                remaining: None,
                approved_by: None,
                link: None,
            },
        }
    }

    #[rstest]
    #[case::the_latest(Wants::Latest, &["2", "loud", "4"])]
    #[case::all(Wants::All, &["1", "2", "loud", "3", "4"])]
    fn what_is_outdated_goes(#[case] wants: Wants, #[case] expected: &[&str]) {
        let mut queue = Queue::default();
        for (kind, text) in [
            (EventKind::Started, "1"),
            (EventKind::Step, "2"),
            (EventKind::Rollback, "loud"),
            (EventKind::Step, "3"),
            (EventKind::Step, "4"),
        ] {
            queue.push(message(kind, text), wants);
        }
        let texts: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|message| message.event.text).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_full_queue_keeps_what_is_loud() {
        let mut queue = Queue::default();
        queue.push(message(EventKind::Rollback, "loud"), Wants::All);
        for _ in 0..LENGTH {
            queue.push(message(EventKind::Step, "quiet"), Wants::All);
        }
        assert_eq!((queue.len(), queue.take_dropped(), queue.take_dropped()), (LENGTH, 1, 0));
        assert_eq!(queue.pop().map(|message| message.event.text), Some("loud".to_owned()));
    }
}
