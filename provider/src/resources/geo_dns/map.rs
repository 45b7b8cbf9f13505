//! The map of the world beside the state.

use multicluster_core::dns::map::svg;
use tfplugin::{Diagnostics, Path, Value};

use super::model::Model;
use super::state;

/// Writes the map, if one is wanted. That it cannot be written changes nothing about the records.
pub(super) async fn write(model: &Model, state: &Value, diagnostics: &mut Diagnostics) {
    let (Some(path), Some(tree), Some(name)) = (state::map_file(state), &model.tree, &model.name) else {
        return;
    };
    let picture = svg(tree, &name.as_written());
    if let Err(error) = tokio::fs::write(path, picture).await {
        let detail = format!("`{path}` cannot be written: {error}. The records are as they should be.");
        diagnostics.warning_at(Path::root().attribute("map_file"), "No map", detail);
    }
}
