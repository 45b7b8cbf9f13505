//! What a line of the log says about the request it belongs to.

use std::io;
use std::sync::{Arc, Mutex};

use tfplugin::logging::HostLayer;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::harness::{Host, note};
use crate::memory::lock;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_line_of_a_resource_names_its_request_at_any_level() {
    let written = Written::default();
    let layer = HostLayer::new("provider.memory", written.clone()).with_filter(LevelFilter::WARN);
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    Host::new().create(&note([("behaviour", "warn".into())])).await;
    drop(guard);
    let text = String::from_utf8(lock(&written.0).clone()).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert_eq!(lines[0]["@message"], "something is odd");
    assert_eq!(lines[0]["tf_rpc"], "ApplyResourceChange");
    assert_eq!(lines[0]["tf_resource_type"], "memory_note");
}
