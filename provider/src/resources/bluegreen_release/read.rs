//! The state as it really is.

use multicluster_core::release::journal::Version;
use tfplugin::resource::StateResponse;
use tfplugin::{Context, Diagnostics, Node, Path, Value};

use super::BluegreenRelease;
use super::look;
use super::model;
use super::record::Record;
use super::state;

pub(super) async fn read(shared: &BluegreenRelease, context: &Context, response: &mut StateResponse) {
    let Some(mut model) = model::model(&response.state, &mut Diagnostics::new()) else { return };
    let mut record = Record::parse(&response.private);
    let said = &mut response.diagnostics;
    // What is there is compared with what was released, which after a failure is not what the configuration says.
    if let Some(version) = Node::root(&response.state).attribute("version").str() {
        model.version = Version(version.to_owned());
    }
    let engine = look::engine(shared, &model, &record, said).await;
    if said.has_errors() {
        return;
    }
    let before = record.clone();
    look::look(shared, &engine, &look::run(context, &response.state), &mut record, said).await;
    let answered = record.clusters.values().filter(|cluster| cluster.standing.is_some()).count();
    if answered == 0 {
        // Unreachable is not empty: what was last known stays.
        return;
    }
    let uid = Node::root(&response.state).attribute("uid").str().map(str::to_owned);
    let ours = record.journal.as_ref().is_some_and(|journal| Some(&journal.instance) == uid.as_ref());
    if !ours && answered == model.on.len() {
        if record.journal.is_some() {
            said.warning_at(
                Path::root().attribute("name"),
                "Another creation of the release is there",
                "The journal on the clusters belongs to another Terraform state, or the release was made anew. This one is \
                 gone; import the other if it is to be kept from here.",
            );
        }
        response.state = Value::Null;
        return;
    }
    for (name, cluster) in &mut record.clusters {
        if cluster.standing.is_none()
            && let Some(known) = before.clusters.get(name)
        {
            cluster.drift.clone_from(&known.drift);
            cluster.weights = known.weights;
        }
    }
    state::fill(&mut response.state, &record);
    response.private = record.to_private();
}
