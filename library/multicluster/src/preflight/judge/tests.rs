use multicluster_core::rbac::AccessCheck;
use proptest::{collection::btree_map, prop_assert, proptest};
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::member::ServerVersion;

fn name(name: &str) -> ClusterName {
    ClusterName::new(name).unwrap()
}

/// A member against which nothing stands.
fn fine(uid: &str) -> Preflight {
    Preflight {
        version: ServerVersion::parse(&json!({ "gitVersion": "v1.36.3" })).unwrap(),
        uid: Some(ClusterUid(uid.to_owned())),
        skew: Some(SignedDuration::ZERO),
        denied: Vec::new(),
        unknown: Vec::new(),
        networks: Networks::default(),
        nodes: Vec::new(),
        warnings: Vec::new(),
    }
}

fn running(version: &str) -> Preflight {
    Preflight { version: ServerVersion::parse(&json!({ "gitVersion": version })).unwrap(), ..fine("u-1") }
}

fn skewed(uid: &str, seconds: i64) -> Preflight {
    Preflight { skew: Some(SignedDuration::from_secs(seconds)), ..fine(uid) }
}

fn networks(pods: &[&str], services: &[&str]) -> Networks {
    let all = |cidrs: &[&str]| cidrs.iter().map(|cidr| cidr.parse().unwrap()).collect();
    Networks { pods: all(pods), services: all(services), nodes: BTreeSet::new() }
}

fn check(group: &str, resource: &str, verb: &str, namespace: Option<&str>) -> AccessCheck {
    AccessCheck {
        group: group.to_owned(),
        resource: resource.to_owned(),
        verb: verb.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: None,
    }
}

fn judged<const N: usize>(members: [(&str, Preflight); N]) -> Vec<(Severity, String)> {
    let found = members.map(|(member, preflight)| (name(member), preflight)).into();
    let findings = judge(&found, CidrPolicy::Warn, &BTreeMap::new());
    findings.into_iter().map(|finding| (finding.severity, finding.message)).collect()
}

fn said<const N: usize>(members: [(&str, Preflight); N]) -> String {
    let messages: Vec<String> = judged(members).into_iter().map(|(_, message)| message).collect();
    messages.join("\n")
}

#[test]
fn nothing_stands_against_good_members() {
    assert_eq!(judged([("aws", fine("u-1")), ("gcp", fine("u-2"))]), []);
}

#[test]
fn one_cluster_under_several_names_is_found() {
    let found = [("aws", fine("u-1")), ("azure", fine("u-2")), ("again", fine("u-1")), ("more", fine("u-1"))];
    assert_eq!(
        judged(found),
        [(
            Severity::Error,
            "`again`, `aws` and `more` are the same cluster: the namespace `kube-system` has the UID u-1 on each. \
             Keep one of them."
                .to_owned()
        )]
    );
}

#[test]
fn a_cluster_that_cannot_be_told_apart_is_refused() {
    let stranger = || Preflight { uid: None, ..fine("") };
    let findings = judged([("aws", stranger()), ("gcp", stranger())]);
    assert_eq!(findings.len(), 2);
    assert!(findings.iter().all(|(severity, message)| {
        *severity == Severity::Error && message.contains("kube-system") && message.contains("`get`")
    }));
}

#[rstest]
#[case::too_old("v1.21.14", Some(Severity::Error), "takes 1.22 or newer")]
#[case::ancient("v0.9.0", Some(Severity::Error), "takes 1.22 or newer")]
#[case::oldest("v1.22.0", Some(Severity::Warning), "tested are 1.33 to 1.36")]
#[case::before_those_tested("v1.32.9-eks-1", Some(Severity::Warning), "tested are 1.33 to 1.36")]
#[case::first_tested("v1.33.0", None, "")]
#[case::last_tested("v1.36.3", None, "")]
#[case::newer("v1.37.0", Some(Severity::Warning), "runs Kubernetes v1.37.0")]
#[case::another_major("v2.0.0", Some(Severity::Warning), "tested are")]
#[case::of_another_make("main", Some(Severity::Warning), "cannot be read: `main`")]
fn versions(#[case] version: &str, #[case] severity: Option<Severity>, #[case] words: &str) {
    let findings = judged([("aws", running(version))]);
    assert_eq!(findings.first().map(|(severity, _)| *severity), severity);
    assert!(findings.iter().all(|(_, message)| message.starts_with("`aws` runs") && message.contains(words)));
}

#[test]
fn missing_permissions_are_put_together() {
    let checks = vec![
        check("apps", "deployments", "patch", Some("shop")),
        check("apps", "deployments", "create", Some("shop")),
        check("apps", "deployments", "create", Some("blog")),
        check("apps", "deployments", "patch", Some("blog")),
        check("", "configmaps", "create", Some("shop")),
        check("", "configmaps", "list", None),
        check("", "nodes", "list", None),
    ];
    assert_eq!(
        judged([("aws", Preflight { denied: checks, ..fine("u-1") })]),
        [(
            Severity::Error,
            "On `aws` the identity may not: create configmaps in `shop`; list configmaps; create, patch \
             deployments.apps in `blog`, `shop`; list nodes."
                .to_owned()
        )]
    );
}

#[test]
fn one_object_is_named_and_many_are_counted() {
    let mut denied =
        vec![AccessCheck { name: Some("kube-system".to_owned()), ..check("", "namespaces", "get", None) }];
    let message = said([("aws", Preflight { denied: denied.clone(), ..fine("u-1") })]);
    assert_eq!(message, "On `aws` the identity may not: get namespaces `kube-system`.");
    denied.extend((0..30).map(|number| check("example.com", &format!("things{number:02}"), "get", None)));
    let message = said([("aws", Preflight { denied, ..fine("u-1") })]);
    assert!(message.ends_with("; and 19 more."), "{message}");
}

#[test]
fn what_is_not_known_is_a_warning() {
    let unknown = vec![check("", "configmaps", "create", Some("shop"))];
    let findings = judged([("aws", Preflight { unknown, ..fine("u-1") })]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].0, Severity::Warning);
    assert!(findings[0].1.contains("whether the identity may: create configmaps in `shop`"));
}

#[rstest]
#[case::a_little(29, None, "")]
#[case::ahead(
    125,
    Some(Severity::Warning),
    "The clock of `aws` is 2m 5s ahead compared with this machine's. Tokens"
)]
#[case::behind(-3_600, Some(Severity::Warning), "The clock of `aws` is 1h behind compared with this machine's.")]
#[case::a_day(-86_400, Some(Severity::Error), "another run would take its lease")]
fn clocks_of_one(#[case] seconds: i64, #[case] severity: Option<Severity>, #[case] words: &str) {
    let findings = judged([("aws", skewed("u-1", seconds)), ("gcp", fine("u-2"))]);
    assert_eq!(findings.first().map(|(severity, _)| *severity), severity);
    assert!(findings.iter().all(|(_, message)| message.contains(words)), "{findings:?}");
}

/// Where all clocks but ours agree, ours is wrong.
#[test]
fn clocks_that_differ_together_are_ours() {
    let away = || Preflight { skew: None, ..fine("u-3") };
    let found = || [("aws", skewed("u-1", 60)), ("azure", away()), ("gcp", skewed("u-2", 90))];
    assert_eq!(
        said(found()),
        "The clock of this machine is 1m behind compared with that of `aws` and `gcp`. Tokens and certificates may be \
         refused, and times in messages mislead."
    );
    let [aws, azure, _] = found();
    assert!(said([aws, azure, ("gcp", skewed("u-2", -90))]).starts_with("The clock of `aws` is 1m ahead"));
}

fn overlapping() -> BTreeMap<ClusterName, Preflight> {
    let with = |uid: &str, pods: &[&str], services: &[&str]| Preflight {
        networks: networks(pods, services),
        ..fine(uid)
    };
    BTreeMap::from([
        (name("aws"), with("u-1", &["10.1.0.0/16"], &["10.96.0.0/12"])),
        (name("azure"), with("u-2", &["10.2.0.0/16"], &["10.2.128.0/20"])),
        (name("gcp"), with("u-3", &["10.1.128.0/17"], &["10.96.0.0/12"])),
    ])
}

#[rstest]
#[case::error(CidrPolicy::Error, Some(Severity::Error))]
#[case::warning(CidrPolicy::Warn, Some(Severity::Warning))]
#[case::ignored(CidrPolicy::Ignore, None)]
fn overlaps_are_told_per_two_members(#[case] policy: CidrPolicy, #[case] severity: Option<Severity>) {
    let findings = judge(&overlapping(), policy, &BTreeMap::new());
    let Some(severity) = severity else {
        assert_eq!(findings, []);
        return;
    };
    let finding = |members: &[&str], message: &str| Finding {
        severity,
        members: members.iter().map(|member| name(member)).collect(),
        message: message.to_owned(),
    };
    assert_eq!(
        findings,
        [
            finding(
                &["aws", "gcp"],
                "Networks overlap: pods of `aws` (10.1.0.0/16) overlap pods of `gcp` (10.1.128.0/17); services of \
                 `aws` (10.96.0.0/12) overlap services of `gcp` (10.96.0.0/12). Pods of one cannot reach pods or \
                 services of the other directly.",
            ),
            finding(
                &["azure"],
                "Networks overlap: pods (10.2.0.0/16) and services (10.2.128.0/20) of `azure` overlap. Its pods \
                 cannot reach all of its services.",
            ),
        ]
    );
}

#[test]
fn declared_networks_count_instead_of_those_of_their_kind() {
    let declared = BTreeMap::from([
        (name("azure"), networks(&[], &["10.3.0.0/16"])),
        (name("gcp"), networks(&["10.4.0.0/16"], &[])),
    ]);
    let findings = judge(&overlapping(), CidrPolicy::Warn, &declared);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].message.starts_with("Networks overlap: services of `aws`"), "{findings:?}");
    assert!(!findings[0].message.contains("pods of `aws`"), "{findings:?}");
}

#[test]
fn many_overlaps_are_counted() {
    let pods: Vec<String> = (0..20).map(|number| format!("10.{}.0.0/16", number * 2)).collect();
    let pods: Vec<&str> = pods.iter().map(String::as_str).collect();
    let with = |uid: &str| Preflight { networks: networks(&pods, &[]), ..fine(uid) };
    let message = said([("aws", with("u-1")), ("gcp", with("u-2"))]);
    assert!(message.contains("; and 16 more."), "{message}");
}

proptest! {
    #[test]
    fn errors_come_first_and_every_finding_names_its_members(
        members in btree_map("[a-z]{1,4}", (0_i64..3, -100_000_i64..100_000, 20_u32..40), 0..6),
    ) {
        let found: BTreeMap<_, _> = members.into_iter().map(|(member, (uid, skew, minor))| {
            let skew = Some(SignedDuration::from_secs(skew));
            (name(&member), Preflight { skew, uid: Some(ClusterUid(format!("u-{uid}"))), ..running(&format!("v1.{minor}.0")) })
        }).collect();
        let findings = judge(&found, CidrPolicy::Error, &BTreeMap::new());
        prop_assert!(findings.is_sorted_by_key(|finding| finding.severity));
        for finding in &findings {
            prop_assert!(!finding.members.is_empty());
            for member in &finding.members {
                prop_assert!(found.contains_key(member));
                prop_assert!(finding.message.contains(&format!("`{member}`")), "{}", finding.message);
            }
        }
    }
}
