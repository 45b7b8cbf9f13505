use multicluster_core::overrides::{Change, ImageChange, ImageReference, apply_change};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const OTHER_DIGEST: &str = "sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[rstest]
#[case::implicit_hub("nginx", None, "nginx", None)]
#[case::implicit_hub_with_a_tag("nginx:1.29", None, "nginx", Some("1.29"))]
#[case::implicit_hub_with_a_path("bitnami/redis:7", None, "bitnami/redis", Some("7"))]
#[case::explicit_hub("docker.io/library/nginx", Some("docker.io"), "library/nginx", None)]
#[case::a_dot_makes_a_host("gcr.io/shop/web", Some("gcr.io"), "shop/web", None)]
#[case::a_port_makes_a_host("registry:5000/web:1", Some("registry:5000"), "web", Some("1"))]
#[case::localhost("localhost/web", Some("localhost"), "web", None)]
#[case::localhost_with_a_port("localhost:5000/web", Some("localhost:5000"), "web", None)]
#[case::capitals_make_a_host("REGISTRY/web", Some("REGISTRY"), "web", None)]
#[case::an_address("10.0.0.1:80/web", Some("10.0.0.1:80"), "web", None)]
#[case::a_long_address("[fd00::1]:5000/web:1", Some("[fd00::1]:5000"), "web", Some("1"))]
#[case::a_long_address_without_port("[fd00::1]/web", Some("[fd00::1]"), "web", None)]
#[case::no_slash_no_host("localhost:5000", None, "localhost", Some("5000"))]
#[case::a_dot_without_a_slash("web.example", None, "web.example", None)]
#[case::a_host_deeper_down("gcr.io/mirror.example/web", Some("gcr.io"), "mirror.example/web", None)]
#[case::separators("a/b-c/d.e/f_g/h__i/j--k", None, "a/b-c/d.e/f_g/h__i/j--k", None)]
fn read(
    #[case] text: &str,
    #[case] registry: Option<&str>,
    #[case] repository: &str,
    #[case] tag: Option<&str>,
) {
    for digest in [None, Some(DIGEST)] {
        let text = digest.map_or(text.to_owned(), |digest| format!("{text}@{digest}"));
        let image: ImageReference = text.parse().unwrap();
        let parts = (image.registry(), image.repository(), image.tag(), image.digest());
        assert_eq!(parts, (registry, repository, tag, digest));
        assert_eq!(image.to_string(), text);
    }
}

#[rstest]
#[case::empty("")]
#[case::capitals("Nginx")]
#[case::a_placeholder("${IMAGE}")]
#[case::a_space("nginx ")]
#[case::no_repository("gcr.io/")]
#[case::no_first_part("/nginx")]
#[case::an_empty_part("a//b")]
#[case::three_underscores("a___b")]
#[case::two_dots("a..b")]
#[case::a_dash_at_the_end("nginx-")]
#[case::no_tag("nginx:")]
#[case::two_tags("nginx:1:2")]
#[case::a_dash_before_the_tag("nginx:-1")]
#[case::no_digest("nginx@")]
#[case::a_short_digest("nginx@sha256:0123")]
#[case::a_digest_in_capitals("nginx@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef")]
#[case::no_algorithm("nginx@0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
#[case::no_port("gcr.io:/web")]
#[case::a_port_of_letters("gcr.io:x/web")]
#[case::a_scheme("https://gcr.io/web")]
#[case::an_open_bracket("[fd00::1/web")]
fn no_reference(#[case] text: &str) {
    assert!(text.parse::<ImageReference>().is_err());
}

#[test]
fn lengths_are_limited() {
    let parse = |text: String| text.parse::<ImageReference>();
    assert!(parse("a".repeat(255)).is_ok());
    assert!(parse("a".repeat(256)).is_err());
    assert!(parse(format!("a:{}", "b".repeat(128))).is_ok());
    assert!(parse(format!("a:{}", "b".repeat(129))).is_err());
}

/// Registry, repository, tag and digest, given unless empty.
fn change(parts: [&str; 4]) -> ImageChange {
    let [registry, repository, tag, digest] = parts.map(|it| (!it.is_empty()).then(|| it.to_owned()));
    ImageChange { container: None, registry, repository, tag, digest }
}

fn deployment(images: &[(&str, &str)]) -> Value {
    let containers: Vec<Value> =
        images.iter().map(|(name, image)| json!({ "name": name, "image": image })).collect();
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": { "template": { "spec": { "containers": containers } } }
    })
}

fn images(object: &Value) -> Vec<&str> {
    let containers = object.pointer("/spec/template/spec/containers").unwrap().as_array().unwrap();
    containers.iter().map(|container| container["image"].as_str().unwrap()).collect()
}

#[rstest]
#[case::registry_of_an_implicit_one("nginx", ["r.example", "", "", ""], "r.example/nginx")]
#[case::registry("gcr.io/shop/web:1", ["r.example:5000", "", "", ""], "r.example:5000/shop/web:1")]
#[case::registry_keeps_the_digest(&format!("web@{DIGEST}"), ["r.example", "", "", ""], &format!("r.example/web@{DIGEST}"))]
#[case::registry_with_a_path("shop/web:1", ["r.example/hub/library", "", "", ""], "r.example/hub/library/shop/web:1")]
#[case::repository("gcr.io/shop/web:1", ["", "store/web", "", ""], "gcr.io/store/web:1")]
#[case::repository_of_an_implicit_one("nginx:1", ["", "library/nginx", "", ""], "library/nginx:1")]
#[case::both("nginx:1", ["docker.io", "library/nginx", "", ""], "docker.io/library/nginx:1")]
#[case::tag("nginx:1", ["", "", "2", ""], "nginx:2")]
#[case::tag_where_there_is_none("nginx", ["", "", "2", ""], "nginx:2")]
#[case::a_tag_drops_the_digest(&format!("nginx:1@{DIGEST}"), ["", "", "2", ""], "nginx:2")]
#[case::a_digest_drops_the_tag("nginx:1", ["", "", "", DIGEST], &format!("nginx@{DIGEST}"))]
#[case::tag_and_digest(
    &format!("nginx:1@{OTHER_DIGEST}"), ["", "", "2", DIGEST], &format!("nginx:2@{DIGEST}")
)]
#[case::no_image_yet("", ["r.example", "web", "1", ""], "r.example/web:1")]
fn changed(#[case] image: &str, #[case] parts: [&str; 4], #[case] expect: &str) {
    let mut object = deployment(&[("web", image)]);
    apply_change(&mut object, &Change::Images(vec![change(parts)])).unwrap();
    assert_eq!(images(&object), [expect]);
}

#[test]
fn one_container_or_all() {
    let mut object = deployment(&[("web", "web:1"), ("side", "gcr.io/side:1")]);
    let one = ImageChange { container: Some("side".to_owned()), ..change(["", "", "2", ""]) };
    apply_change(&mut object, &Change::Images(vec![one, change(["r.example", "", "", ""])])).unwrap();
    assert_eq!(images(&object), ["r.example/web:1", "r.example/side:2"]);
}

#[test]
fn one_repository_for_one_image_in_several_containers() {
    let mut object = deployment(&[("web", "web:1"), ("again", "web:2")]);
    apply_change(&mut object, &Change::Images(vec![change(["", "shop", "", ""])])).unwrap();
    assert_eq!(images(&object), ["shop:1", "shop:2"]);
}

#[rstest]
#[case::nothing(change(["", "", "", ""]), "image change 0: one of `registry`, `repository`, `tag`, `digest` must be given")]
#[case::no_host(
    change(["hush", "", "", ""]),
    "image change 0: `registry`: the registry must be a host with a `.`, a port or the name `localhost`"
)]
#[case::a_scheme(
    change(["https://hush.example", "", "", ""]),
    "image change 0: `registry`: the registry must be a host with a `.`, a port or the name `localhost`"
)]
#[case::a_slash_after_the_registry(
    change(["hush.example/", "", "", ""]),
    "image change 0: `registry`: the repository must consist of small letters and digits, with `.`, `_`, `__` or `-` between \
     them, in parts that `/` separates"
)]
#[case::the_whole_name(
    change(["", "hush.example/web", "", ""]),
    "image change 0: `repository` begins with a host, which belongs into `registry`"
)]
#[case::a_tag_with_its_colon(
    change(["", "", ":hush", ""]),
    "image change 0: `tag`: the tag must have at most 128 letters, digits, `_`, `.` and `-`, and begin with neither `.` \
     nor `-`"
)]
#[case::no_digest(
    change(["", "", "", "sha256:hush"]),
    "image change 0: `digest`: the digest must be as `sha256:` and 64 hexadecimal digits in small letters"
)]
#[case::no_such_container(
    ImageChange { container: Some("db".to_owned()), ..change(["", "", "2", ""]) },
    "there is no container `db`; there are `web`, `side`, `none`, `odd`"
)]
#[case::different_images(
    change(["", "hush", "", ""]),
    "the image of container `odd` cannot be changed: the repository must consist of small letters and digits, with `.`, `_`, \
     `__` or `-` between them, in parts that `/` separates"
)]
#[case::no_image(
    ImageChange { container: Some("none".to_owned()), ..change(["", "", "2", ""]) },
    "container `none` has no image to change; give it a `repository`"
)]
fn refused(#[case] change: ImageChange, #[case] message: &str) {
    let object = deployment(&[("web", "web:1"), ("side", "side:1"), ("none", ""), ("odd", "${HUSH}")]);
    let mut changed = object.clone();
    let error = apply_change(&mut changed, &Change::Images(vec![change])).unwrap_err();
    assert_eq!(error.to_string(), message);
    assert_eq!(changed, object, "what failed changed the object");
    assert!(!format!("{error:?}").to_lowercase().contains("hush"));
}

#[rstest]
#[case::repository(change(["", "hush", "", ""]))]
#[case::digest(change(["", "", "", DIGEST]))]
fn one_image_for_different_ones_is_refused(#[case] change: ImageChange) {
    let mut object = deployment(&[("web", "web:1"), ("side", "side:1")]);
    let error = apply_change(&mut object, &Change::Images(vec![change])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "containers `web`, `side` have different images; name the container whose repository or digest is to change"
    );
}

#[test]
fn a_repository_that_grows_too_long_is_refused() {
    let long = "a".repeat(200);
    let mut object = deployment(&[("web", &long)]);
    let registry = format!("r.example/{long}");
    let error =
        apply_change(&mut object, &Change::Images(vec![change([&registry, "", "", ""])])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the image of container `web` cannot be changed: the repository has more than 255 characters"
    );
}

/// An image as text, from all parts that one may have.
fn reference() -> impl Strategy<Value = String> {
    let registry = "([a-z0-9]{1,4}\\.[a-z]{2}(:[0-9]{1,4})?|localhost(:[0-9]{1,4})?|\\[[a-f0-9]{0,3}:[a-f0-9:]{1,8}\\](:5000)?)/";
    let part = "[a-z0-9]{1,3}((\\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}";
    // Without a registry, the first of several parts must not look like one.
    let plain = "([a-z0-9]{1,3}([_-][a-z0-9]{1,3}){0,2}/)?";
    let tag = "(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,6})?";
    let digest = "(@sha256:[0-9a-f]{64}|@sha512:[0-9a-f]{128}|@blake+x3:[0-9A-Fa-f]{32,40})?";
    (prop_oneof![registry.prop_map(|it| it), plain.prop_map(|it| it)], part, tag, digest)
        .prop_map(|(first, part, tag, digest)| format!("{first}{part}{tag}{digest}"))
}

proptest! {
    #[test]
    fn every_reference_reads_back_as_it_is_written(text in reference()) {
        prop_assert_eq!(text.parse::<ImageReference>().unwrap().to_string(), text);
    }

    #[test]
    fn what_is_read_is_written_the_same(text in "[a-zA-Z0-9.:/@_\\[\\]-]{0,24}") {
        if let Ok(image) = text.parse::<ImageReference>() {
            prop_assert_eq!(image.to_string(), text);
        }
    }

    #[test]
    fn a_changed_part_is_read_back_and_the_others_stay(
        text in reference(),
        registry in proptest::option::of("[a-z]{1,3}\\.[a-z]{2}(:[0-9]{2})?"),
        repository in proptest::option::of("[a-z]{1,3}(/[a-z]{1,3})?"),
        tag in proptest::option::of("[a-z0-9]{1,4}"),
    ) {
        prop_assume!(registry.is_some() || repository.is_some() || tag.is_some());
        let before: ImageReference = text.parse().unwrap();
        let mut object = deployment(&[("web", &text)]);
        let change = ImageChange { registry, repository, tag, ..ImageChange::default() };
        apply_change(&mut object, &Change::Images(vec![change.clone()])).unwrap();
        let after: ImageReference = images(&object)[0].parse().unwrap();
        prop_assert_eq!(after.registry(), change.registry.as_deref().or(before.registry()));
        prop_assert_eq!(after.repository(), change.repository.as_deref().unwrap_or(before.repository()));
        prop_assert_eq!(after.tag(), change.tag.as_deref().or(before.tag()));
        prop_assert_eq!(after.digest(), before.digest().filter(|_| change.tag.is_none()));
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = text.parse::<ImageReference>();
    }
}
