use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::dns::EndpointName;
use crate::route53::owner::OwnerId;
use crate::route53::record_set::{HealthCheckId, RecordName};
use crate::route53::target::Target;

fn endpoint(name: &str) -> EndpointName {
    EndpointName::new(name).unwrap()
}

fn owner() -> CheckOwner {
    CheckOwner { owner: OwnerId::new("shop").unwrap(), name: RecordName::new("app.example.com").unwrap() }
}

fn addresses(addresses: &[&str]) -> Target {
    Target::of_addresses(addresses.iter().map(|it| it.parse().unwrap()))
}

fn hostname(name: &str) -> Target {
    Target::of_hostname(name, None).unwrap()
}

/// The checks of endpoint `e` of `app.example.com`.
fn of(target: &Target, spec: &HealthCheckSpec, wish: Wish) -> BTreeMap<CheckKey, DesiredCheck> {
    checks_of(&endpoint("e"), target, spec, wish, &owner().name).unwrap()
}

fn http() -> HealthCheckSpec {
    HealthCheckSpec::of(Protocol::Http)
}

fn with(change: impl FnOnce(&mut Probe)) -> HealthCheckSpec {
    let mut spec = http();
    change(&mut spec.probe);
    spec
}

const PLENTY: Budget = Budget { limit: 200, in_use: 0 };

/// A service that carries out a plan, strictly.
#[derive(Debug, Default)]
struct Service {
    checks: BTreeMap<HealthCheckId, CurrentCheck>,
    made: usize,
}

impl Service {
    fn plan(&self, desired: &BTreeMap<CheckKey, DesiredCheck>) -> CheckPlan {
        let current: Vec<_> = self.checks.values().cloned().collect();
        plan_checks(&current, desired, &owner(), 1, PLENTY).unwrap()
    }

    /// Carries out all until the record sets are switched; ids by key.
    fn before(&mut self, plan: &CheckPlan) -> BTreeMap<CheckKey, HealthCheckId> {
        let mut made = BTreeMap::new();
        let resolved = |children: &[ChildCheck], made: &BTreeMap<CheckKey, HealthCheckId>| {
            let id = |child: &ChildCheck| match child {
                ChildCheck::Existing(id) => id.clone(),
                ChildCheck::New(key) => made[key].clone(),
            };
            children.iter().map(id).collect::<BTreeSet<_>>()
        };
        for new in &plan.create {
            self.made += 1;
            let id = HealthCheckId(format!("id-{}", self.made));
            let mut config = new.config.clone();
            config.child_health_checks = resolved(&new.children, &made);
            assert!(config.child_health_checks.iter().all(|child| self.checks.contains_key(child)));
            let check = CurrentCheck {
                id: id.clone(),
                version: 1,
                caller_reference: new.caller_reference.clone(),
                config,
                key: Some(new.key.clone()),
            };
            self.checks.insert(id.clone(), check);
            made.insert(new.key.clone(), id);
        }
        for update in &plan.update {
            let check = self.checks.get_mut(&update.id).expect("it is there");
            assert_eq!(check.version, update.version);
            assert_eq!(
                (&check.config.r#type, check.config.request_interval, check.config.ip_address),
                (&update.to.r#type, update.to.request_interval, update.to.ip_address),
                "cannot be changed"
            );
            check.version += 1;
            check.config = update.to.clone();
            check.config.child_health_checks = resolved(&update.children, &made);
        }
        for (id, key) in &plan.tag {
            self.checks.get_mut(id).expect("it is there").key = Some(key.clone());
        }
        made
    }

    fn after(&mut self, plan: &CheckPlan) {
        for id in &plan.delete_after {
            let parents = self.checks.values().filter(|check| check.config.child_health_checks.contains(id));
            assert_eq!(parents.count(), 0, "a child of another is deleted");
            assert!(self.checks.remove(id).is_some());
        }
    }

    fn apply(&mut self, desired: &BTreeMap<CheckKey, DesiredCheck>) -> CheckPlan {
        let plan = self.plan(desired);
        self.before(&plan);
        self.after(&plan);
        plan
    }
}

#[test]
fn an_address_is_asked_for_the_records_name() {
    let spec = with(|probe| {
        if let Probe::Endpoint { protocol, path, .. } = probe {
            (*protocol, *path) = (Protocol::Https, Some("/healthz".to_owned()));
        }
    });
    let checks = of(&addresses(&["203.0.113.7"]), &spec, Wish::Shared);
    let (key, check) = checks.first_key_value().unwrap();
    assert_eq!((checks.len(), key.to_string().as_str()), (1, "e"));
    let config = &check.config;
    assert_eq!(config.r#type, HealthCheckType::Https);
    assert_eq!(config.ip_address, Some("203.0.113.7".parse().unwrap()));
    assert_eq!(config.fully_qualified_domain_name.as_deref(), Some("app.example.com"));
    assert_eq!((config.port, config.enable_sni), (Some(443), Some(true)));
    assert_eq!((config.resource_path.as_deref(), config.request_interval), (Some("/healthz"), Some(30)));
}

#[test]
fn several_addresses_have_a_check_each_and_one_above() {
    let checks = of(&addresses(&["203.0.113.7", "2001:db8::7"]), &http(), Wish::Shared);
    assert_eq!(checks.len(), 3);
    let (_, whole) = checks.first_key_value().unwrap();
    assert_eq!(whole.config.r#type, HealthCheckType::Calculated);
    assert_eq!((whole.config.health_threshold, whole.children.len()), (Some(1), 2));
    let plan = Service::default().plan(&checks);
    let last = plan.create.last().unwrap();
    assert!(last.children.iter().all(|child| matches!(child, ChildCheck::New(_))), "{last:?}");
    let stand_ins = plan.health_checks(&BTreeMap::new());
    assert_eq!(stand_ins.endpoints[&endpoint("e")], HealthCheckId("new:e".to_owned()));
    assert_eq!(stand_ins.addresses.len(), 2);
}

#[test]
fn a_load_balancer_has_a_check_only_on_request() {
    let target = hostname("a.eu-west-1.elb.amazonaws.com");
    assert!(of(&target, &http(), Wish::Shared).is_empty());
    let own = of(&target, &http(), Wish::Own);
    let config = &own[&CheckKey::of(endpoint("e"))].config;
    assert_eq!(config.ip_address, None);
    assert_eq!(config.fully_qualified_domain_name.as_deref(), Some("a.eu-west-1.elb.amazonaws.com"));
    // What has no health of its own is checked by name.
    assert_eq!(of(&hostname("d1.cloudfront.net"), &http(), Wish::Shared).len(), 1);
    assert_eq!(of(&hostname("shop.azurefd.net"), &http(), Wish::Shared).len(), 1);
}

#[test]
fn an_alarm_stands_for_whatever_the_endpoint_is() {
    let alarm = Alarm {
        name: "shop".into(),
        region: "eu-west-1".into(),
        insufficient_data: InsufficientData::Healthy,
    };
    let spec = HealthCheckSpec { probe: Probe::Alarm(alarm.clone()), inverted: true, disabled: false };
    let checks = of(&addresses(&["10.0.0.1", "10.0.0.2"]), &spec, Wish::Own);
    let config = &checks[&CheckKey::of(endpoint("e"))].config;
    assert_eq!((checks.len(), &config.alarm, config.inverted), (1, &Some(alarm), true));
}

#[rstest]
#[case::private(addresses(&["203.0.113.7", "10.0.0.1"]), "app.example.com", "10.0.0.1, which is not public")]
#[case::itself(Target::of_hostname("app.example.com", Some("Z1")).unwrap(), "app.example.com", "is the record itself")]
#[case::wildcard(addresses(&["203.0.113.7"]), "*.example.com", "set `host`")]
fn what_cannot_be_checked_is_said(#[case] target: Target, #[case] name: &str, #[case] text: &str) {
    let name = RecordName::new(name).unwrap();
    let problems = checks_of(&endpoint("e"), &target, &http(), Wish::Own, &name).unwrap_err();
    assert_eq!(problems[0].path, ["endpoints", "e", "health_check"]);
    assert!(problems[0].text.contains(text), "{}", problems[0]);
}

fn set(probe: &mut Probe, attribute: &str) {
    let Probe::Endpoint {
        protocol,
        port,
        path,
        search_string,
        host,
        interval,
        failure_threshold,
        regions,
        healthy_addresses,
        ..
    } = probe
    else {
        panic!("an endpoint's probe");
    };
    match attribute {
        "port" => *protocol = Protocol::Tcp,
        "port 0" => *port = Some(0),
        "path" => *path = Some("healthz".to_owned()),
        "path 256" => *path = Some(format!("/{}", "a".repeat(255))),
        "path of TCP" => (*protocol, *port, *path) = (Protocol::Tcp, Some(1), Some("/".to_owned())),
        "search_string" => *search_string = Some(String::new()),
        "host" => *host = Some("a".repeat(256)),
        "interval" => *interval = 20,
        "failure_threshold" => *failure_threshold = 11,
        "failure_threshold 0" => *failure_threshold = 0,
        "regions" => *regions = ["us-east-1".to_owned(), "eu-west-1".to_owned()].into(),
        "regions unknown" => regions.extend(["eu-west-9", "us-east-1", "eu-west-1"].map(str::to_owned)),
        "healthy_addresses" => *healthy_addresses = 0,
        other => panic!("{other}"),
    }
}

#[rstest]
fn what_the_service_would_refuse_is_said_at_its_attribute(
    #[values(
        "port",
        "port 0",
        "path",
        "path 256",
        "path of TCP",
        "search_string",
        "host",
        "interval",
        "failure_threshold",
        "failure_threshold 0",
        "regions",
        "regions unknown",
        "healthy_addresses"
    )]
    attribute: &str,
) {
    let problems = with(|probe| set(probe, attribute)).problems(&["endpoints", "e", "health_check"]);
    let name = attribute.split(' ').next().unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].path, ["endpoints", "e", "health_check", name]);
    assert!(http().problems(&["health_check"]).is_empty());
}

#[test]
fn how_it_asks_is_changed_in_place_and_what_it_asks_by_a_new_one() {
    let mut service = Service::default();
    service.apply(&of(&addresses(&["203.0.113.7"]), &http(), Wish::Shared));
    let again = service.plan(&of(&addresses(&["203.0.113.7"]), &http(), Wish::Shared));
    assert!(again.is_empty() && again.keep.len() == 1, "{again:?}");

    let path = with(|probe| {
        if let Probe::Endpoint { path, .. } = probe {
            *path = Some("/other".to_owned());
        }
    });
    let plan = service.apply(&of(&addresses(&["203.0.113.7"]), &path, Wish::Shared));
    assert_eq!((plan.create.len(), plan.update.len(), plan.delete_after.len()), (0, 1, 0));

    let plan = service.apply(&of(&addresses(&["203.0.113.8"]), &path, Wish::Shared));
    assert_eq!((plan.create.len(), plan.update.len(), plan.delete_after.len()), (1, 0, 1));

    let plan = service.apply(&of(&addresses(&["203.0.113.8", "203.0.113.9"]), &path, Wish::Shared));
    assert_eq!((plan.create.len(), plan.update.len(), plan.delete_after.len()), (3, 0, 1));

    // One address is replaced: the calculated check stays, and its child goes after it looks at the new one.
    let plan = service.apply(&of(&addresses(&["203.0.113.8", "203.0.113.10"]), &path, Wish::Shared));
    assert_eq!((plan.create.len(), plan.update.len(), plan.delete_after.len()), (1, 1, 1));
    service.apply(&BTreeMap::new());
    assert!(service.checks.is_empty());
}

#[test]
fn a_check_that_was_made_without_its_tags_is_found_again() {
    let desired = of(&addresses(&["203.0.113.7"]), &http(), Wish::Shared);
    let mut service = Service::default();
    let plan = service.plan(&desired);
    service.before(&plan);
    for check in service.checks.values_mut() {
        check.key = None;
    }
    let plan = service.plan(&desired);
    assert_eq!((plan.create.len(), plan.keep.len(), plan.tag.len()), (0, 1, 1));
    // One that is not wanted any more goes, and one of others is not ours to judge.
    assert_eq!(service.plan(&BTreeMap::new()).delete_after.len(), 1);
    for check in service.checks.values_mut() {
        check.caller_reference = "terraform-2026".to_owned();
    }
    assert_eq!(service.plan(&BTreeMap::new()).delete_after, []);
}

#[test]
fn defaults_that_the_service_fills_in_are_no_difference() {
    let desired = of(&addresses(&["203.0.113.7", "203.0.113.8"]), &http(), Wish::Shared);
    let mut service = Service::default();
    service.apply(&desired);
    for check in service.checks.values_mut() {
        check.config.enable_sni = Some(false);
        check.config.fully_qualified_domain_name =
            check.config.fully_qualified_domain_name.take().map(|name| name.to_uppercase() + ".");
        check.config.health_threshold.get_or_insert(0);
        if check.config.r#type == HealthCheckType::Http {
            check.config.regions = spec::REGIONS.map(str::to_owned).into();
        }
    }
    let plan = service.plan(&desired);
    assert!(plan.is_empty(), "{plan:?}");
    for check in service.checks.values_mut() {
        check.config.inverted = true;
    }
    assert_eq!(service.plan(&desired).update.len(), 3);
}

#[test]
fn more_than_the_account_has_room_for_is_refused_with_the_numbers() {
    let desired = of(&addresses(&["203.0.113.7", "203.0.113.8"]), &http(), Wish::Shared);
    let budget = Budget { limit: 200, in_use: 198 };
    let problem = plan_checks(&[], &desired, &owner(), 1, budget).unwrap_err();
    assert!(
        problem.text.starts_with("3 more health checks are needed, and the account has 198 of 200"),
        "{problem}"
    );
    assert!(plan_checks(&[], &desired, &owner(), 1, Budget { limit: 200, in_use: 197 }).is_ok());
}

#[test]
fn references_are_short_and_another_for_another_content() {
    let desired = of(&addresses(&["203.0.113.7"]), &http(), Wish::Shared);
    let (key, check) = desired.first_key_value().unwrap();
    let reference = caller_reference(&owner(), key, check, u64::MAX);
    assert!(reference.len() <= 64, "{reference}");
    assert!(is_reference_of(&reference, &owner()));
    let mut other = check.clone();
    other.config.port = Some(81);
    assert_ne!(caller_reference(&owner(), key, &other, u64::MAX), reference);
    assert_ne!(caller_reference(&owner(), key, check, 1), reference);
    let elsewhere = CheckOwner { name: RecordName::new("other.example.com").unwrap(), ..owner() };
    assert!(!is_reference_of(&reference, &elsewhere));
}

#[rstest]
#[case::whole("app.example.com", None)]
#[case::address("*.example.com", Some("2001:db8::7"))]
fn tags_say_which_check_it_is(#[case] name: &str, #[case] address: Option<&str>) {
    let owner = CheckOwner { name: RecordName::new(name).unwrap(), ..owner() };
    let key = CheckKey { endpoint: endpoint("e"), address: address.map(|it| it.parse().unwrap()) };
    let tags = owner.tags(&key);
    assert_eq!(owner.key_of(&tags), Some(key));
    assert!(tags.values().all(|value| !value.contains(['*', '\\'])));
    let other = CheckOwner { owner: OwnerId::new("blog").unwrap(), ..owner };
    assert_eq!(other.key_of(&tags), None);
}

fn any_desired() -> impl Strategy<Value = BTreeMap<CheckKey, DesiredCheck>> {
    let hosts = prop::sample::subsequence(vec!["203.0.113.1", "203.0.113.2", "203.0.113.3"], 1..=3);
    let one = (hosts, prop::sample::select(vec![10_u8, 30]), 1_u8..4, any::<bool>());
    prop::collection::btree_map(prop::sample::select(vec!["a", "b"]), one, 0..3).prop_map(|endpoints| {
        endpoints
            .into_iter()
            .flat_map(|(name, (hosts, seconds, threshold, off))| {
                let mut spec = with(|probe| {
                    if let Probe::Endpoint { interval, failure_threshold, .. } = probe {
                        (*interval, *failure_threshold) = (seconds, threshold);
                    }
                });
                spec.disabled = off;
                checks_of(&endpoint(name), &addresses(&hosts), &spec, Wish::Shared, &owner().name).unwrap()
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn any_checks_become_any_others_and_stay(steps in prop::collection::vec(any_desired(), 1..5)) {
        let mut service = Service::default();
        for desired in steps {
            let plan = service.plan(&desired);
            let made = service.before(&plan);
            // Before anything is deleted, all that record sets will name is there.
            let named = plan.health_checks(&made);
            for id in named.endpoints.values().chain(named.addresses.values()) {
                prop_assert!(service.checks.contains_key(id));
            }
            service.after(&plan);
            prop_assert_eq!(service.checks.len(), desired.len());
            prop_assert!(service.plan(&desired).is_empty());
        }
    }
}
