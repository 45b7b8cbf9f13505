//! Follows the objects of a namespace, and lets what it hears take effect after a delay, as a data plane does that has
//! to tell its proxies.

use std::{fmt::Debug, pin::pin, sync::Arc, time::Duration};

use futures::StreamExt as _;
use k8s_openapi::api::{
    core::v1::{Pod, Service},
    discovery::v1::EndpointSlice,
};
use kube::{
    Api, Client, ResourceExt as _,
    api::{ApiResource, DynamicObject},
    core::GroupVersionKind,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};

use super::{
    State, backends, collection::Turn, http_route::HttpRoute, table::Change, virtual_service::VirtualService,
};

/// How many events may wait for their effect. Beyond that the watch waits.
const WAITING: usize = 10_000;

/// The kinds of routes that a data plane can follow, if the cluster serves them.
const ROUTES: [(&str, &str, &str); 3] = [
    ("gateway.networking.k8s.io", "v1", "HTTPRoute"),
    ("networking.istio.io", "v1", "VirtualService"),
    ("networking.istio.io", "v1", "DestinationRule"),
];

/// What was heard, and when.
type Heard = (Instant, Change);

/// Starts following. Returns the number of kinds that the table is about to hear of.
pub(super) async fn start(
    client: &Client,
    state: &State,
    delay: watch::Receiver<Duration>,
    tasks: &mut JoinSet<()>,
) -> anyhow::Result<usize> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let namespace = &state.namespace;
    let plain = Follow { state: state.clone(), sender };
    let services = Api::<Service>::namespaced(client.clone(), namespace);
    tasks.spawn(plain.clone().run(services, |turn| Change::Service(turn.map(Arc::new))));
    let slices = Api::<EndpointSlice>::namespaced(client.clone(), namespace);
    tasks.spawn(plain.clone().run(slices, |turn| Change::Slice(turn.map(Arc::new))));
    tasks.spawn(pods(Api::namespaced(client.clone(), namespace), state.clone()));
    let mut kinds = 2;
    for (group, version, kind) in ROUTES {
        let Some(resource) = served(client, group, version, kind).await? else { continue };
        let api = Api::<DynamicObject>::namespaced_with(client.clone(), namespace, &resource);
        let change: fn(Turn<DynamicObject>) -> Change = match kind {
            "HTTPRoute" => |turn| Change::Route(turn.map(|object| http_route(&object))),
            "VirtualService" => |turn| Change::VirtualService(turn.map(|object| virtual_service(&object))),
            _ => |turn| Change::DestinationRule(turn.map(|object| spec(&object))),
        };
        tasks.spawn(plain.clone().run(api, change));
        kinds += 1;
    }
    tasks.spawn(take_effect(receiver, delay, state.clone(), kinds));
    Ok(kinds)
}

/// The kind as the cluster serves it; `None` if it does not.
async fn served(
    client: &Client,
    group: &str,
    version: &str,
    kind: &str,
) -> anyhow::Result<Option<ApiResource>> {
    let found = match client.list_api_group_resources(&format!("{group}/{version}")).await {
        Ok(list) => list.resources.into_iter().find(|one| one.kind == kind && !one.name.contains('/')),
        Err(kube::Error::Api(status)) if status.code == 404 => None,
        Err(error) => return Err(error.into()),
    };
    let kind =
        GroupVersionKind { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() };
    Ok(found.map(|found| ApiResource::from_gvk_with_plural(&kind, &found.name)))
}

#[derive(Clone)]
struct Follow {
    state: State,
    sender: mpsc::Sender<Heard>,
}

impl Follow {
    /// Passes on what the watch of one kind says, until nobody listens.
    async fn run<K>(self, api: Api<K>, change: fn(Turn<K>) -> Change)
    where
        K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        let mut events = pin!(watcher(api, watcher::Config::default()).default_backoff());
        while let Some(event) = events.next().await {
            // The watcher itself begins anew after an error.
            let Ok(event) = event else { continue };
            let change = change(turn(event));
            self.state.heard(change.clone());
            if self.sender.send((Instant::now(), change)).await.is_err() {
                return;
            }
        }
    }
}

/// Pods are not told of but real: what happens to one happens at once.
async fn pods(api: Api<Pod>, state: State) {
    let mut events = pin!(watcher(api, watcher::Config::default()).default_backoff());
    while let Some(event) = events.next().await {
        if let Ok(event) = event {
            state.pod(turn(event).map(|pod| backends::process(&pod)));
        }
    }
}

fn turn<K: kube::Resource>(event: Event<K>) -> Turn<K> {
    match event {
        Event::Init => Turn::Begun,
        Event::InitApply(object) => Turn::Listed(object.name_any(), object),
        Event::InitDone => Turn::Complete,
        Event::Apply(object) => Turn::Applied(object.name_any(), object),
        Event::Delete(object) => Turn::Gone(object.name_any()),
    }
}

/// Applies everything in the order in which it was heard, each after the delay that holds by then. What the first lists
/// say holds at once: a data plane that is just being started is no delay that anybody measures.
async fn take_effect(
    mut receiver: mpsc::Receiver<Heard>,
    mut delay: watch::Receiver<Duration>,
    state: State,
    kinds: usize,
) {
    while let Some((when, change)) = receiver.recv().await {
        while state.kinds_listed() >= kinds {
            let due = when + *delay.borrow_and_update();
            tokio::select! {
                () = tokio::time::sleep_until(due) => break,
                changed = delay.changed() => if changed.is_err() { return },
            }
        }
        state.applied(change);
    }
}

fn http_route(object: &DynamicObject) -> HttpRoute {
    let parents = object.data["status"]["parents"].as_array().cloned().unwrap_or_default();
    HttpRoute {
        name: object.name_any(),
        namespace: object.namespace().unwrap_or_default(),
        created: created(object),
        generation: object.metadata.generation.unwrap_or_default(),
        resource_version: object.resource_version().unwrap_or_default(),
        spec: spec(object),
        parents,
    }
}

fn virtual_service(object: &DynamicObject) -> VirtualService {
    VirtualService { name: object.name_any(), created: created(object), spec: spec(object) }
}

fn created(object: &DynamicObject) -> String {
    object.creation_timestamp().map(|time| time.0.to_string()).unwrap_or_default()
}

/// The `spec`, which the cluster's own schema has checked; of one that is not as we know it, nothing is taken.
fn spec<T: DeserializeOwned + Default>(object: &DynamicObject) -> T {
    serde_json::from_value(object.data["spec"].clone()).unwrap_or_default()
}
