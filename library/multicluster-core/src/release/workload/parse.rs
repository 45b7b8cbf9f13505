//! From a manifest to a workload.

use serde_json::Value;

use super::belongs::{belongs, labels_of_pods};
use super::{Problem, Workload};
use crate::object::Manifest;
use crate::overrides::is_reserved;
use crate::release::identity::LONGEST_SUFFIX;
use crate::release::spec::Strategy;
use crate::release::traffic::TrafficSpec;
use crate::selector::Labels;

/// Kubernetes gives Services names of at most 63 characters, and other objects 253.
const LONGEST_SERVICE: usize = 63 - LONGEST_SUFFIX;
const LONGEST_NAME: usize = 253 - LONGEST_SUFFIX;

/// What a user gives of a workload.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    /// The objects of `manifest`.
    pub manifests: Vec<Manifest>,
    /// The release's namespace.
    pub namespace: &'a str,
    /// `traffic`.
    pub traffic: Option<&'a TrafficSpec>,
    /// `strategy`, if the user says it: else a Deployment gets colours, and a StatefulSet is updated in place.
    pub strategy: Option<Strategy>,
    /// Whether Secrets with data may stand in the manifest.
    pub secrets: Secrets,
}

/// Whether Secrets with data may stand in a manifest, which is stored in Terraform's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// They may not.
    Refused,
    /// The user has allowed it.
    Allowed,
}

/// Sorts the objects of a manifest by the part that they have in a release.
///
/// # Errors
/// Everything that cannot be, at once, by attribute: `manifest`, `strategy`, `traffic`.
///
/// # Examples
/// ```
/// use multicluster_core::manifest;
/// use multicluster_core::release::traffic::TrafficSpec;
/// use multicluster_core::release::workload::{Given, Secrets, parse};
///
/// let text = "
/// apiVersion: apps/v1
/// kind: Deployment
/// metadata: { name: frontend }
/// spec:
///   replicas: 3
///   selector: { matchLabels: { app: frontend } }
///   template:
///     metadata: { labels: { app: frontend } }
///     spec: { containers: [{ name: web, image: nginx }] }
/// ---
/// apiVersion: v1
/// kind: Service
/// metadata: { name: frontend }
/// spec: { selector: { app: frontend }, ports: [{ port: 80 }] }
/// ";
/// let given = Given {
///     manifests: manifest::parse(text).unwrap(),
///     namespace: "guestbook",
///     traffic: Some(&TrafficSpec::Service { name: None }),
///     strategy: None,
///     secrets: Secrets::Refused,
/// };
/// let workload = parse(given).unwrap();
/// assert_eq!(workload.service(), Some("frontend"));
/// assert_eq!(workload.replicas(), 3);
/// ```
pub fn parse(given: Given<'_>) -> Result<Workload, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut sorted = Sorted::default();
    for manifest in given.manifests {
        if let Some(manifest) = in_namespace(manifest, given.namespace, &mut problems) {
            check(&manifest, given.secrets, &mut problems);
            sorted.add(manifest, &mut problems);
        }
    }
    let mut mains = std::mem::take(&mut sorted.mains).into_iter();
    let main = match (mains.next(), mains.next()) {
        (Some(main), None) => main,
        (None, _) => {
            problems.push(problem(
                "there is no Deployment and no StatefulSet in it: a release is of one of them",
            ));
            return Err(problems);
        }
        (Some(one), Some(other)) => {
            problems.push(problem(format!(
                "{} and {} stand in it, and a release is of one workload: make a release of each",
                one.key(),
                other.key()
            )));
            return Err(problems);
        }
    };
    let strategy = strategy(&main, given.strategy, &mut problems);
    let labels = labels_of_pods(&main, &mut problems);
    let mut workload = Workload {
        namespace: given.namespace.to_owned(),
        strategy,
        main,
        configs: sorted.configs,
        autoscaler: sorted.autoscaler,
        budget: sorted.budget,
        services: sorted.services,
        traffic: None,
        service: None,
    };
    belongs(&workload, &labels, &mut problems);
    match strategy {
        Strategy::BlueGreen => find_service(&mut workload, given.traffic, &labels, &mut problems),
        Strategy::InPlace => {
            if given.traffic.is_some() {
                let text = "a workload that is updated in place has no second colour to lead traffic to: leave it out";
                problems.push(Problem::at(["traffic"], text));
            }
        }
    }
    if problems.is_empty() { Ok(workload) } else { Err(problems) }
}

/// The objects by their part.
#[derive(Default)]
struct Sorted {
    mains: Vec<Manifest>,
    configs: Vec<Manifest>,
    autoscaler: Option<Manifest>,
    budget: Option<Manifest>,
    services: Vec<Manifest>,
}

impl Sorted {
    fn add(&mut self, manifest: Manifest, problems: &mut Vec<Problem>) {
        let key = manifest.key();
        let only = |place: &mut Option<Manifest>, manifest: Manifest, problems: &mut Vec<Problem>| {
            if let Some(first) = place {
                problems.push(problem(format!("{} and {key} stand in it: one is enough", first.key())));
            }
            *place = Some(manifest);
        };
        match (key.kind.group.as_str(), key.kind.kind.as_str()) {
            ("apps", "Deployment" | "StatefulSet") => self.mains.push(manifest),
            ("", "ConfigMap" | "Secret") => self.configs.push(manifest),
            ("", "Service") => self.services.push(manifest),
            ("autoscaling", "HorizontalPodAutoscaler") => only(&mut self.autoscaler, manifest, problems),
            ("policy", "PodDisruptionBudget") => only(&mut self.budget, manifest, problems),
            ("keda.sh", "ScaledObject") | ("autoscaling.k8s.io", "VerticalPodAutoscaler") => {
                problems.push(problem(format!(
                    "{key} scales a workload that exists once, and a release has two: use a HorizontalPodAutoscaler"
                )));
            }
            ("gateway.networking.k8s.io", "HTTPRoute") | ("networking.istio.io", "VirtualService") => {
                problems.push(problem(format!(
                    "{key} is what the release leads traffic with, and does not make: keep it with \
                     multicluster_federation, with its rules in `ignore_fields`, and name it in `traffic`"
                )));
            }
            _ => problems.push(problem(format!(
                "{key} does not belong to a colour of the workload: keep it with multicluster_federation"
            ))),
        }
    }
}

pub(super) fn problem(text: impl Into<String>) -> Problem {
    Problem::at(["manifest"], text)
}

/// The object in the release's namespace.
fn in_namespace(manifest: Manifest, namespace: &str, problems: &mut Vec<Problem>) -> Option<Manifest> {
    let key = manifest.key();
    if let Some(other) = key.namespace.as_deref().filter(|other| *other != namespace) {
        problems.push(problem(format!(
            "{key} is in namespace `{other}`, and the release in `{namespace}`: leave `metadata.namespace` out, or keep \
             the object with multicluster_federation"
        )));
        return None;
    }
    let mut value = manifest.into_value();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    // It was an object before, and a namespace does not change that.
    Manifest::new(value).ok()
}

/// What holds for an object of any kind.
fn check(manifest: &Manifest, secrets: Secrets, problems: &mut Vec<Problem>) {
    let (key, object) = (manifest.key(), manifest.value());
    let filled = |field| match object.get(field) {
        None | Some(Value::Null) => false,
        Some(Value::Object(data)) => !data.is_empty(),
        Some(_) => true,
    };
    if key.kind.kind == "Secret" && secrets == Secrets::Refused && (filled("data") || filled("stringData")) {
        problems.push(problem(format!(
            "{key} holds data, and a manifest is stored in Terraform's state: keep it with multicluster_federation \
             (`manifest_wo` or `copy_from`), or set `allow_plain_secrets`"
        )));
    }
    let written_by_server = ["managedFields", "resourceVersion", "uid"]
        .into_iter()
        .filter(|field| object.pointer(&format!("/metadata/{field}")).is_some_and(|it| !it.is_null()))
        .map(|field| format!("metadata.{field}"))
        .chain(object.get("status").map(|_| "status".to_owned()));
    for field in written_by_server {
        problems.push(problem(format!("{key} has a `{field}`, which only the cluster writes: remove it")));
    }
    let longest = if key.kind.kind == "Service" { LONGEST_SERVICE } else { LONGEST_NAME };
    if key.name.len() > longest {
        problems.push(problem(format!(
            "the name of a {} has {} characters, and {longest} leave room for `-green`: it begins with `{}`",
            key.kind.kind,
            key.name.len(),
            key.name.chars().take(40).collect::<String>(),
        )));
    }
    for pointer in
        ["/metadata/labels", "/spec/template/metadata/labels", "/spec/selector", "/spec/selector/matchLabels"]
    {
        let labels = object.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
        for (label, _) in labels.filter(|(label, _)| is_reserved(label)) {
            problems.push(problem(format!("{key}: the release sets the label `{label}` itself: remove it")));
        }
    }
}

fn strategy(main: &Manifest, asked: Option<Strategy>, problems: &mut Vec<Problem>) -> Strategy {
    if main.kind() == "Deployment" {
        if main.value().pointer("/spec/paused") == Some(&Value::Bool(true)) {
            problems
                .push(problem(format!("{} is `paused` and would never become ready: remove it", main.key())));
        }
        return asked.unwrap_or(Strategy::BlueGreen);
    }
    if asked == Some(Strategy::BlueGreen) {
        let claims = main.value().pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
        let why = if claims.is_some_and(|claims| !claims.is_empty()) {
            "its `volumeClaimTemplates` give each pod a volume, which two colours cannot share"
        } else {
            "its pods have names and an order of their own, which two colours cannot share"
        };
        let text = format!(
            "{} cannot be released with colours: {why}. With `strategy = \"in_place\"`, or without `strategy`, it is \
             updated where it stands, wave by wave",
            main.key()
        );
        problems.push(Problem::at(["strategy"], text));
    }
    Strategy::InPlace
}

/// Finds the stable Service.
fn find_service(
    workload: &mut Workload,
    traffic: Option<&TrafficSpec>,
    labels: &Labels,
    problems: &mut Vec<Problem>,
) {
    let Some(traffic) = traffic else {
        let text = "it is needed to lead traffic from one colour to the other: give a `service`, `http_route` or \
                    `virtual_service`, or set `strategy = \"in_place\"`";
        problems.push(Problem::at(["traffic"], text));
        return;
    };
    let path = match traffic {
        TrafficSpec::Service { .. } => ["traffic", "service", "name"],
        _ => ["traffic", traffic.attribute(), "service"],
    };
    let services: Vec<&str> = workload.services.iter().map(Manifest::name).collect();
    let name = match (traffic.service(), services.as_slice()) {
        (Some(name), _) => name.to_owned(),
        (None, [one]) => (*one).to_owned(),
        (None, []) => {
            let text = "no Service stands in the `manifest`: name the one that leads to the workload";
            problems.push(Problem::at(path, text));
            return;
        }
        (None, several) => {
            let text = format!("several Services stand in the `manifest` ({}): name one", several.join(", "));
            problems.push(Problem::at(path, text));
            return;
        }
    };
    if name.len() > LONGEST_SERVICE {
        let text =
            format!("`{name}` has {} characters, and {LONGEST_SERVICE} leave room for `-green`", name.len());
        problems.push(Problem::at(path, text));
    }
    for other in services.iter().filter(|other| **other != name) {
        problems.push(problem(format!(
            "Service `{other}` leads to the pods of both colours, and traffic is led by Service `{name}`: keep it with \
             multicluster_federation if that is meant"
        )));
    }
    if labels.is_empty() && problems.is_empty() {
        problems.push(problem("the pods of the workload have no labels"));
    }
    workload.traffic = Some(traffic.clone());
    workload.service = Some(name);
}
