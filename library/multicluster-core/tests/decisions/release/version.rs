//! Which version a manifest is.

use std::collections::BTreeMap;

use multicluster_core::federation::spec::Target;
use multicluster_core::names::ClusterName;
use multicluster_core::overrides::{self, Scope};
use multicluster_core::release::journal::Version;
use multicluster_core::release::version::version;
use multicluster_core::release::workload::{Change, Workload, change};
use multicluster_core::selector::Labels;
use rstest::rstest;

use super::objects::{FRONTEND, service_traffic, try_parse, workload};

fn of(text: &str) -> Version {
    version(&try_parse(text, Some(&service_traffic())).unwrap(), &BTreeMap::new())
}

#[rstest]
#[case::size("replicas: 3", "replicas: 9")]
#[case::order_of_fields(
    "{ app: guestbook, tier: frontend } }\n    spec",
    "{ tier: frontend, app: guestbook } }\n    spec"
)]
#[case::form_of_a_secret("stringData: { password: hunter2 }", "data: { password: aHVudGVyMg== }")]
#[case::namespace_written_out(
    "metadata: { name: settings }",
    "metadata: { name: settings, namespace: guestbook }"
)]
fn the_same_version(#[case] from: &str, #[case] to: &str) {
    assert!(FRONTEND.contains(from));
    assert_eq!(of(FRONTEND), of(&FRONTEND.replacen(from, to, 1)));
}

#[rstest]
#[case::image("gb-frontend:v5", "gb-frontend:v6")]
#[case::config("mode: fast", "mode: slow")]
#[case::secret("hunter2", "hunter3")]
#[case::autoscaler("maxReplicas: 10", "maxReplicas: 11")]
#[case::ports("targetPort: 8080", "targetPort: 8081")]
#[case::template_label(
    "metadata: { labels: { app: guestbook, tier: frontend } }",
    "metadata: { labels: { app: guestbook, tier: frontend, x: y } }"
)]
fn another_version(#[case] from: &str, #[case] to: &str) {
    assert!(FRONTEND.contains(from));
    assert_ne!(of(FRONTEND), of(&FRONTEND.replacen(from, to, 1)));
}

#[test]
fn the_order_of_documents_does_not_matter() {
    let mut documents: Vec<&str> = FRONTEND.split("\n---\n").collect();
    documents.reverse();
    assert_eq!(of(FRONTEND), of(&documents.join("\n---\n")));
}

#[test]
fn it_is_ten_hexadecimal_digits() {
    let Version(text) = of(FRONTEND);
    assert!(text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_hexdigit()), "{text}");
}

fn on(cluster: &str, patch: &str) -> Workload {
    let changes = [Change {
        target: Some(Target { kind: "Deployment".to_owned(), name: "frontend".to_owned() }),
        scope: Scope::default(),
        changes: vec![overrides::Change::JsonPatch(overrides::parse_patch(patch).unwrap())],
    }];
    change(&workload(), &changes, &ClusterName::new(cluster).unwrap(), &Labels::new()).unwrap()
}

#[test]
fn a_cluster_counts_where_it_differs_only() {
    let base = workload();
    let name = |name: &str| ClusterName::new(name).unwrap();
    let of = |clusters: &[(&str, Workload)]| {
        version(
            &base,
            &clusters.iter().map(|(cluster, workload)| (name(cluster), workload.clone())).collect(),
        )
    };
    let plain = of(&[]);
    assert_eq!(plain, of(&[("aws", base.clone()), ("gcp", base.clone())]), "clusters that join");
    let size = on("gcp", r#"[{ "op": "replace", "path": "/spec/replicas", "value": 9 }]"#);
    assert_eq!(plain, of(&[("gcp", size)]), "sizes");
    let image = on(
        "gcp",
        r#"[{ "op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "mirror/gb:v5" }]"#,
    );
    assert_ne!(plain, of(&[("gcp", image.clone())]));
    assert_ne!(of(&[("aws", image.clone())]), of(&[("gcp", image)]), "on which cluster");
}
