//! All that a cluster's data plane knows of one namespace, and where that leads a request. Pure.

use std::sync::Arc;

use k8s_openapi::api::{core::v1::Service, discovery::v1::EndpointSlice};

use super::{
    backends::{self, Endpoint},
    collection::{Collection, Turn},
    http_route::{BackendRef, HttpRoute, Unresolved},
    plan::{Asked, Destination, Plan},
    virtual_service::{DestinationRule, Scope, VirtualService, service_of},
};

/// Something that a watch told.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Service(Turn<Arc<Service>>),
    Slice(Turn<Arc<EndpointSlice>>),
    Route(Turn<HttpRoute>),
    VirtualService(Turn<VirtualService>),
    DestinationRule(Turn<DestinationRule>),
}

/// The objects of one namespace.
#[derive(Debug, Default)]
pub(super) struct Table {
    namespace: String,
    services: Collection<Arc<Service>>,
    slices: Collection<Arc<EndpointSlice>>,
    routes: Collection<HttpRoute>,
    virtual_services: Collection<VirtualService>,
    destination_rules: Collection<DestinationRule>,
}

impl Table {
    pub(super) fn new(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..Self::default() }
    }

    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Service(turn) => self.services.apply(turn),
            Change::Slice(turn) => self.slices.apply(turn),
            Change::Route(turn) => self.routes.apply(turn),
            Change::VirtualService(turn) => self.virtual_services.apply(turn),
            Change::DestinationRule(turn) => self.destination_rules.apply(turn),
        }
    }

    /// How many kinds have been listed once.
    pub(super) fn kinds_listed(&self) -> usize {
        let listed = [
            self.services.is_complete(),
            self.slices.is_complete(),
            self.routes.is_complete(),
            self.virtual_services.is_complete(),
            self.destination_rules.is_complete(),
        ];
        listed.into_iter().filter(|complete| *complete).count()
    }

    /// Where a request goes; `None` if nobody here knows its host.
    ///
    /// A host that is a Service is led by a virtual service or route for it, or else goes to its pods. Every other host
    /// is that of routes of a Gateway, or of a virtual service.
    pub(super) fn plan(&self, asked: &Asked<'_>) -> Option<Plan> {
        let service =
            service_of(asked.host, &self.namespace).filter(|name| self.services.get(name).is_some());
        let (found, known) = self.by_routes(asked, service);
        if let Some(plan) = found {
            return Some(plan);
        }
        if let Some(plan) = self.by_virtual_service(asked) {
            return Some(plan);
        }
        match service {
            Some(name) if !known => Some(Plan::only(name, Destination::service(name, None))),
            // A route for it that has no rule for this request.
            _ => known.then(|| Plan::only("no rule", Destination::Status(404))),
        }
    }

    /// What HTTP routes say, and whether one is meant at all.
    fn by_routes(&self, asked: &Asked<'_>, service: Option<&str>) -> (Option<Plan>, bool) {
        let meant = |route: &&HttpRoute| match service {
            Some(name) => route.is_for_service(name),
            None => route.is_for_gateway(),
        };
        let routes: Vec<&HttpRoute> = self.routes.values().filter(meant).collect();
        let found = routes
            .iter()
            .filter_map(|route| route.find(asked, service.is_some(), |backend| self.resolve(route, backend)))
            .max_by(|one, other| one.rank.cmp(&other.rank));
        (found.map(|found| found.plan), service.is_some() && !routes.is_empty())
    }

    /// The most specific virtual service decides, of several the oldest.
    fn by_virtual_service(&self, asked: &Asked<'_>) -> Option<Plan> {
        let meant = self.virtual_services.values().filter_map(|one| {
            let rank = one.rank(asked.host, &self.namespace)?;
            Some((rank, std::cmp::Reverse((one.created.as_str(), one.name.as_str())), one))
        });
        let (.., chosen) = meant.max_by_key(|(rank, age, _)| (*rank, *age))?;
        let scope = Scope {
            namespace: &self.namespace,
            exists: &|name, port| self.exists(name, port),
            rules: self.destination_rules.values().collect(),
        };
        let plan = chosen.find(asked, &scope);
        Some(plan.unwrap_or_else(|| Plan::only(chosen.name.as_str(), Destination::Status(404))))
    }

    /// The endpoints of a Service.
    pub(super) fn endpoints(&self, service: &str, port: Option<u16>) -> Vec<Endpoint> {
        let Some(found) = self.services.get(service) else { return Vec::new() };
        let slices: Vec<&EndpointSlice> = self.slices.values().map(AsRef::as_ref).collect();
        backends::endpoints(service, found, slices.iter().copied(), port)
    }

    pub(super) fn routes(&self) -> impl Iterator<Item = (&str, &HttpRoute)> {
        self.routes.iter()
    }

    /// Whether a reference of a route leads anywhere.
    pub(super) fn resolve(&self, route: &HttpRoute, backend: &BackendRef) -> Result<(), Unresolved> {
        backend.resolve(&route.namespace, |name, port| self.exists(name, port))
    }

    fn exists(&self, service: &str, port: Option<u16>) -> bool {
        self.services.get(service).is_some_and(|found| backends::has_port(found, port))
    }
}
