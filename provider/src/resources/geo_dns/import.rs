//! Finds a name by its zone: what stands there becomes a configuration.

mod checks;
mod config;

use multicluster_core::dns::grow;
use multicluster_core::route53::import::{Imported as Found, Scope, import as read_back};
use tfplugin::resource::Imported;
use tfplugin::{Context, Diagnostics, Value};

use super::GeoDns;
use super::id::Id;
use super::lookup;
use super::record::Record;
use super::schema::DEFAULT_OWNER;
use super::state;
use super::zone::{self, View};
use crate::validators::sentence;

/// The import id is `ZONE_ID/name`, or `ZONE_ID/name/TYPE` for the sets of one type.
pub(super) async fn import(
    shared: &GeoDns,
    context: &Context,
    id: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Imported> {
    let id = match Id::parse(id) {
        Ok(id) => id,
        Err(why) => {
            let detail = format!(
                "The id is that of the hosted zone, `/`, and the name: `Z0123456789/shop.example.com`; `/A` at its end takes \
                 only the sets of that type. {}",
                sentence(&why)
            );
            diagnostics.error("Invalid import id", detail);
            return None;
        }
    };
    let Some(client) = shared.route53.client().await else {
        diagnostics.error("Cannot import yet", "How Route 53 is reached is known only after apply.");
        return None;
    };
    let run = zone::run(context, &Value::Null, "read");
    let (view, collections) = match lookup::everything(&client, id.zone, &id.name, &run).await {
        Ok(found) => found,
        Err(error) => {
            zone::cannot_read(&error, diagnostics);
            return None;
        }
    };
    view.refuse_outside(&id.name, diagnostics);
    if zone::answers(&view.sets, &id.name).is_empty() {
        let detail = format!(
            "The zone `{}` has no A, AAAA or CNAME record of this name.",
            view.zone.name.as_written()
        );
        diagnostics.error(format!("There is no `{}`", id.name.as_written()), detail);
    }
    if diagnostics.has_errors() {
        return None;
    }
    let scope =
        Scope { zone: &view.zone, name: &id.name, r#type: id.r#type.as_ref(), collections: &collections };
    let found = match read_back(scope, &view.sets) {
        Ok(found) => found,
        Err(obstacles) => {
            for obstacle in obstacles {
                diagnostics
                    .error(format!("`{}` cannot be imported", id.name.as_written()), sentence(&obstacle));
            }
            return None;
        }
    };
    tell(&found, diagnostics);
    let mut record = Record::default();
    record.see(&view);
    let mut state = state_of(&id, &view, &found);
    match checks::blocks(&client, &found, &id.name, &run).await {
        Ok(blocks) => checks::write(&mut state, blocks),
        Err(error) => {
            diagnostics.error("Cannot read the health checks", sentence(&error));
            return None;
        }
    }
    Some(Imported { state, private: record.to_private() })
}

/// Says what the next apply would change by itself, and what else is worth knowing.
fn tell(found: &Found, diagnostics: &mut Diagnostics) {
    if !found.notes.is_empty() {
        let notes: Vec<String> = found.notes.iter().map(sentence).collect();
        diagnostics.warning("What was found is not all said in the configuration", notes.join(" "));
    }
}

fn state_of(id: &Id<'_>, view: &View, found: &Found) -> Value {
    let owner = zone::mark(&view.sets, &id.name);
    let owner = owner.map_or_else(|| DEFAULT_OWNER.to_owned(), |mark| mark.owner.to_string());
    let mut state = config::config(found);
    // A zone that was read back grows into a tree: that was tried.
    let tree = grow(&found.intent).ok().map(|grown| grown.node);
    state.set("routing", state::routing_of(tree.as_ref()));
    state.set("forecast", Value::map::<String>([]));
    state.set("fqdn", state::fqdn(Some(&id.name)));
    let plain = [
        ("id", Value::from(format!("{}/{}", id.zone, id.name.as_written()))),
        ("zone_id", Value::from(id.zone)),
        ("name", Value::from(id.name.as_written())),
        ("owner", Value::from(owner)),
        ("allow_empty", Value::from(false)),
        ("verify_endpoints", Value::from(false)),
        ("verify_answers", Value::from(false)),
        ("deletion_protection", Value::from(false)),
    ];
    for (attribute, value) in plain {
        state.set(attribute, value);
    }
    state
}
