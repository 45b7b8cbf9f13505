//! What a line of the log says about the request it belongs to.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use tfplugin::logging::HostLayer;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::harness::{Host, note};

thread_local! {
    /// What was written on this thread. A test and the service that it calls share one.
    static WRITTEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct ThisThread;

impl io::Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.with_borrow_mut(|written| written.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Warnings and errors are written, as in a process with `TF_LOG=WARN`. Whether a span is of interest is remembered for
/// the whole process, so that one test with a subscriber of its own would depend on what other tests met first.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let layer = HostLayer::new("provider.memory", ThisThread).with_filter(LevelFilter::WARN);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))
            .expect("no other subscriber");
    });
}

#[tokio::test]
async fn a_line_of_a_resource_names_its_request_at_any_level() {
    Host::new().create(&note([("behaviour", "warn".into())])).await;
    let text = String::from_utf8(WRITTEN.take()).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert_eq!(lines[0]["@message"], "something is odd");
    assert_eq!(lines[0]["tf_rpc"], "ApplyResourceChange");
    assert_eq!(lines[0]["tf_resource_type"], "memory_note");
}
