use multicluster_core::object::GroupKind;
use multicluster_core::waves::{Wave, delete_rank, wave};
use proptest::prelude::*;
use rstest::rstest;

fn kind(group: &str, kind: &str) -> GroupKind {
    GroupKind { group: group.to_owned(), kind: kind.to_owned() }
}

#[rstest]
#[case("apiextensions.k8s.io", "CustomResourceDefinition", Wave::Definitions)]
#[case("", "Namespace", Wave::Namespaces)]
#[case("", "ResourceQuota", Wave::Policies)]
#[case("", "LimitRange", Wave::Policies)]
#[case("", "ServiceAccount", Wave::Policies)]
#[case("rbac.authorization.k8s.io", "ClusterRoleBinding", Wave::Policies)]
#[case("scheduling.k8s.io", "PriorityClass", Wave::Policies)]
#[case("storage.k8s.io", "StorageClass", Wave::Policies)]
#[case("networking.k8s.io", "NetworkPolicy", Wave::Policies)]
#[case("gateway.networking.k8s.io", "GatewayClass", Wave::Policies)]
#[case("", "ConfigMap", Wave::Configuration)]
#[case("", "Secret", Wave::Configuration)]
#[case("", "PersistentVolume", Wave::StorageAndServices)]
#[case("", "PersistentVolumeClaim", Wave::StorageAndServices)]
#[case("", "Service", Wave::StorageAndServices)]
#[case("apps", "Deployment", Wave::Workloads)]
#[case("apps", "StatefulSet", Wave::Workloads)]
#[case("batch", "CronJob", Wave::Workloads)]
#[case("", "Pod", Wave::Workloads)]
#[case("autoscaling", "HorizontalPodAutoscaler", Wave::Scaling)]
#[case("policy", "PodDisruptionBudget", Wave::Scaling)]
#[case("networking.k8s.io", "Ingress", Wave::Routing)]
#[case("gateway.networking.k8s.io", "HTTPRoute", Wave::Routing)]
#[case("networking.istio.io", "VirtualService", Wave::Routing)]
#[case("admissionregistration.k8s.io", "MutatingWebhookConfiguration", Wave::Admission)]
#[case("apiregistration.k8s.io", "APIService", Wave::Admission)]
#[case("example.com", "Widget", Wave::Custom)]
#[case::a_kind_of_another_group_is_another_kind("serving.knative.dev", "Service", Wave::Custom)]
fn waves(#[case] group: &str, #[case] name: &str, #[case] expect: Wave) {
    assert_eq!(wave(&kind(group, name)), expect);
}

#[test]
fn kinds_go_in_the_reverse_order_after_the_webhooks() {
    let order = [
        kind("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        kind("example.com", "Widget"),
        kind("apiregistration.k8s.io", "APIService"),
        kind("networking.k8s.io", "Ingress"),
        kind("autoscaling", "HorizontalPodAutoscaler"),
        kind("apps", "Deployment"),
        kind("", "Service"),
        kind("", "ConfigMap"),
        kind("rbac.authorization.k8s.io", "Role"),
        kind("", "Namespace"),
        kind("apiextensions.k8s.io", "CustomResourceDefinition"),
    ];
    assert!(order.windows(2).all(|pair| delete_rank(&pair[0]) < delete_rank(&pair[1])));
}

proptest! {
    #[test]
    fn what_is_written_earlier_is_deleted_later(
        groups in proptest::array::uniform2(
            "(|apps|batch|policy|storage.k8s.io|networking.k8s.io|apiextensions.k8s.io|apiregistration.k8s.io|x.io)"
        ),
        kinds in proptest::array::uniform2(
            "(Namespace|Secret|Service|Pod|Deployment|Ingress|CustomResourceDefinition|APIService|X)"
        ),
    ) {
        let [first, second] = [0, 1].map(|index| kind(&groups[index], &kinds[index]));
        prop_assert_eq!(
            wave(&first).cmp(&wave(&second)),
            delete_rank(&second).cmp(&delete_rank(&first))
        );
    }
}
