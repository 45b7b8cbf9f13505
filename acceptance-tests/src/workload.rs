//! Objects to measure with: as many as are asked for, of the kinds and sizes that people keep on clusters. Pure.
//!
//! The same seed gives the same objects, so that two programs, or two days, are given the same work.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

/// How many objects of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    /// ConfigMaps.
    pub config_maps: usize,
    /// Services.
    pub services: usize,
    /// Deployments.
    pub deployments: usize,
    /// Secrets.
    pub secrets: usize,
    /// Roles.
    pub roles: usize,
}

impl Amounts {
    /// Two hundred objects, with their namespace.
    pub const TWO_HUNDRED: Self =
        Self { config_maps: 60, services: 60, deployments: 40, secrets: 20, roles: 19 };
    /// One hundred in the same proportions, with their namespace.
    pub const ONE_HUNDRED: Self =
        Self { config_maps: 30, services: 30, deployments: 20, secrets: 10, roles: 9 };

    /// All of them, with the namespace.
    pub fn total(self) -> usize {
        1 + self.config_maps + self.services + self.deployments + self.secrets + self.roles
    }
}

/// A namespace and what is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// The namespace's name.
    pub namespace: String,
    /// All objects, the namespace first, those of a kind together.
    pub objects: Vec<Value>,
}

impl Workload {
    /// Makes the objects that follow from the seed.
    pub fn generate(seed: u64, namespace: &str, amounts: Amounts) -> Self {
        let mut dice = Dice(seed);
        let mut objects = vec![json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace },
        })];
        let mut add = |count: usize, what: &str, make: fn(&mut Dice, &str) -> Value| {
            for number in 1..=count {
                let name = format!("{what}-{number:03}");
                let mut object = make(&mut dice, &name);
                object["metadata"] =
                    json!({ "name": name, "namespace": namespace, "labels": labels(&mut dice, &name) });
                objects.push(object);
            }
        };
        add(amounts.config_maps, "settings", config_map);
        add(amounts.services, "service", service);
        add(amounts.deployments, "web", deployment);
        add(amounts.secrets, "secret", secret);
        add(amounts.roles, "role", role);
        Self { namespace: namespace.to_owned(), objects }
    }

    /// The same with one value of the first ConfigMap changed.
    #[must_use]
    pub fn with_one_change(&self) -> Self {
        let mut changed = self.clone();
        if let Some(object) = changed.objects.iter_mut().find(|object| object["kind"] == "ConfigMap") {
            object["data"]["changed"] = "yes".into();
        }
        changed
    }

    /// The objects by kind, kinds in the order in which they are to be made.
    pub fn by_kind(&self) -> Vec<(&str, Vec<&Value>)> {
        let mut kinds: Vec<(&str, Vec<&Value>)> = Vec::new();
        for object in &self.objects {
            let kind = object["kind"].as_str().unwrap_or_default();
            match kinds.last_mut().filter(|(last, _)| *last == kind) {
                Some((_, objects)) => objects.push(object),
                None => kinds.push((kind, vec![object])),
            }
        }
        kinds
    }
}

/// A YAML stream of these objects.
///
/// # Errors
/// When an object cannot be written as YAML.
pub fn yaml<'a>(objects: impl IntoIterator<Item = &'a Value>) -> anyhow::Result<String> {
    let documents: Result<Vec<String>, _> = objects.into_iter().map(serde_saphyr::to_string).collect();
    Ok(documents?.join("---\n"))
}

/// The generator splitmix64: small, and good enough to make sizes and texts differ.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range, its end excluded.
    fn within(&mut self, range: std::ops::Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// A text of so many words. None looks like a number, which some readers of YAML would take it for.
    fn words(&mut self, count: u64) -> String {
        (0..count).map(|_| format!("w{:05x}", self.next() & 0x000f_ffff)).collect::<Vec<_>>().join(" ")
    }
}

fn labels(dice: &mut Dice, name: &str) -> Value {
    json!({
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": format!("component-{}", dice.within(1..4)),
        "team": format!("team-{}", dice.within(1..9)),
    })
}

/// Some short values; one in ten holds a file of 4 KB besides.
fn config_map(dice: &mut Dice, _: &str) -> Value {
    let mut data: Map<String, Value> = (0..dice.within(3..9))
        .map(|number| {
            let words = dice.within(1..12);
            (format!("setting-{number}"), dice.words(words).into())
        })
        .collect();
    if dice.within(0..10) == 0 {
        data.insert("application.properties".to_owned(), dice.words(585).into());
    }
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "data": data })
}

fn service(dice: &mut Dice, name: &str) -> Value {
    let ports: Vec<Value> = (0..dice.within(1..3))
        .map(|number| json!({ "name": format!("port-{number}"), "port": 80 + number, "protocol": "TCP", "targetPort": 8080 + number }))
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Service",
        "spec": { "selector": { "app.kubernetes.io/name": name }, "ports": ports },
    })
}

fn deployment(dice: &mut Dice, name: &str) -> Value {
    let env: Vec<Value> = (0..dice.within(2..7))
        .map(|number| json!({ "name": format!("SETTING_{number}"), "value": dice.words(2) }))
        .collect();
    let selector = json!({ "app.kubernetes.io/name": name });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": selector },
            "template": {
                "metadata": { "labels": selector },
                "spec": { "containers": [{
                    "name": "main",
                    "image": format!("registry.example.com/{name}:1.{}", dice.within(0..100)),
                    "ports": [{ "containerPort": 8080, "protocol": "TCP" }],
                    "env": env,
                    "resources": { "requests": { "cpu": "50m", "memory": "64Mi" } },
                    "readinessProbe": { "httpGet": { "path": "/ready", "port": 8080 } },
                }] },
            },
        },
    })
}

fn secret(dice: &mut Dice, _: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "data": { "user": STANDARD.encode(dice.words(1)), "password": STANDARD.encode(dice.words(4)) },
    })
}

fn role(dice: &mut Dice, _: &str) -> Value {
    let rules: Vec<Value> = (0..dice.within(1..4))
        .map(|_| json!({ "apiGroups": [""], "resources": ["configmaps", "pods"], "verbs": ["get", "list", "watch"] }))
        .collect();
    json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": rules })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_as_many_as_were_asked_for() {
        for (amounts, total) in [(Amounts::TWO_HUNDRED, 200), (Amounts::ONE_HUNDRED, 100)] {
            let workload = Workload::generate(1, "bench", amounts);
            assert_eq!((amounts.total(), workload.objects.len()), (total, total));
            let names: BTreeSet<String> = workload
                .objects
                .iter()
                .map(|object| format!("{} {}", object["kind"], object["metadata"]["name"]))
                .collect();
            assert_eq!(names.len(), total, "two objects have the same name");
            assert_eq!(workload.by_kind().iter().map(|(_, objects)| objects.len()).sum::<usize>(), total);
        }
    }

    #[test]
    fn the_seed_decides_all() {
        let generate = |seed| Workload::generate(seed, "bench", Amounts::ONE_HUNDRED);
        assert_eq!(generate(7), generate(7));
        assert_ne!(generate(7), generate(8));
    }

    #[test]
    fn one_change_is_one_object() {
        let before = Workload::generate(1, "bench", Amounts::ONE_HUNDRED);
        let after = before.with_one_change();
        let differ = before.objects.iter().zip(&after.objects).filter(|(before, after)| before != after);
        assert_eq!(differ.count(), 1);
    }

    #[test]
    fn yaml_reads_back() {
        let workload = Workload::generate(1, "bench", Amounts::ONE_HUNDRED);
        let read: Vec<Value> = serde_saphyr::from_multiple(&yaml(&workload.objects).unwrap()).unwrap();
        assert_eq!(read, workload.objects);
    }
}
