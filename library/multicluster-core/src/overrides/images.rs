//! Other images for containers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::containers::{self, Container};
use super::error::{InvalidImageChange, OverrideError};
use super::image::{
    ImageReference, InvalidImage, check_digest, check_registry, check_repository, check_tag, is_host_like,
};

/// What to change in the image of a container. A part that is not given stays, with one exception: as in kustomize, a
/// new tag alone drops the digest, and a new digest alone drops the tag, since the old one would belong to the old image.
///
/// The repository stays as it is written when the registry changes: `nginx` becomes `mirror.example.com/nginx`, as Karmada
/// has it, not `mirror.example.com/library/nginx`. A mirror that keeps Docker Hub's `library/` needs
/// `repository = "library/nginx"`, or `library` in the registry's path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageChange {
    /// The container; absent: all of them, init containers too.
    pub container: Option<String>,
    /// The registry's host, with a port and with a path if its images stand under one: `mirror.example.com:5000/hub`.
    pub registry: Option<String>,
    /// The repository without its registry: `library/nginx`.
    pub repository: Option<String>,
    /// The tag: `1.29`.
    pub tag: Option<String>,
    /// The digest: `sha256:…`.
    pub digest: Option<String>,
}

impl ImageChange {
    pub(super) fn to_value(&self) -> Value {
        let Self { container, registry, repository, tag, digest } = self;
        json!({
            "container": container, "registry": registry, "repository": repository, "tag": tag, "digest": digest })
    }
}

pub(super) fn check(changes: &[ImageChange]) -> Result<(), OverrideError> {
    changes.iter().enumerate().try_for_each(|(index, change)| {
        check_one(change).map_err(|reason| OverrideError::Image { index, reason })
    })
}

fn check_one(change: &ImageChange) -> Result<(), InvalidImageChange> {
    if [&change.registry, &change.repository, &change.tag, &change.digest].iter().all(|part| part.is_none()) {
        return Err(InvalidImageChange::Nothing);
    }
    let registry = |text: &str| {
        let (host, path) = split_path(text);
        check_registry(host)?;
        path.map_or(Ok(()), check_repository)
    };
    part("registry", change.registry.as_deref(), registry)?;
    part("repository", change.repository.as_deref(), check_repository)?;
    part("tag", change.tag.as_deref(), check_tag)?;
    part("digest", change.digest.as_deref(), check_digest)?;
    let host = change.repository.as_deref().and_then(|it| it.split_once('/')).map(|(first, _)| first);
    if host.is_some_and(is_host_like) { Err(InvalidImageChange::HostInRepository) } else { Ok(()) }
}

fn part(
    part: &'static str,
    text: Option<&str>,
    check: impl Fn(&str) -> Result<(), InvalidImage>,
) -> Result<(), InvalidImageChange> {
    text.map_or(Ok(()), check).map_err(|reason| InvalidImageChange::Part { part, reason })
}

/// A registry's host, and the path that stands before its repositories.
fn split_path(registry: &str) -> (&str, Option<&str>) {
    match registry.split_once('/') {
        Some((host, path)) => (host, Some(path)),
        None => (registry, None),
    }
}

pub(super) fn apply(object: &mut Value, changes: &[ImageChange]) -> Result<(), OverrideError> {
    changes.iter().try_for_each(|change| apply_one(object, change))
}

fn apply_one(object: &mut Value, change: &ImageChange) -> Result<(), OverrideError> {
    let found = containers::find(object, change.container.as_deref())?;
    let mut images = Vec::with_capacity(found.len());
    for container in &found {
        images.push(image(container)?);
    }
    // One repository or digest for different images is a container that was forgotten to be named.
    let names: BTreeSet<_> = images.iter().flatten().map(|it| (&it.registry, &it.repository)).collect();
    if names.len() > 1 && (change.repository.is_some() || change.digest.is_some()) {
        let containers = found.into_iter().map(|container| container.name).collect();
        return Err(OverrideError::SeveralImages { containers });
    }
    for (container, image) in found.into_iter().zip(images) {
        let image = changed(image, change)
            .ok_or_else(|| OverrideError::NoImage { container: container.name.clone() })?;
        // The parts were checked one by one, but a path of the registry and a repository may be too long together.
        check_repository(&image.repository)
            .map_err(|reason| OverrideError::NotAnImage { container: container.name.clone(), reason })?;
        container.fields.insert("image".to_owned(), Value::from(image.to_string()));
    }
    Ok(())
}

/// The image of a container, absent if it has none.
fn image(container: &Container<'_>) -> Result<Option<ImageReference>, OverrideError> {
    let text = match container.fields.get("image") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => {
            let path = container.path.field("image").to_string();
            return Err(OverrideError::Shape { path, expected: "text" });
        }
    };
    let named = |reason| OverrideError::NotAnImage { container: container.name.clone(), reason };
    text.parse().map(Some).map_err(named)
}

/// The image after the change; absent if there is none and the change does not say which.
fn changed(image: Option<ImageReference>, change: &ImageChange) -> Option<ImageReference> {
    let mut image = match (image, &change.repository) {
        (Some(image), _) => image,
        (None, Some(repository)) => {
            ImageReference { registry: None, repository: repository.clone(), tag: None, digest: None }
        }
        (None, None) => return None,
    };
    if let Some(repository) = &change.repository {
        image.repository.clone_from(repository);
    }
    if let Some(registry) = &change.registry {
        let (host, path) = split_path(registry);
        image.registry = Some(host.to_owned());
        if let Some(path) = path {
            image.repository = format!("{path}/{}", image.repository);
        }
    }
    if change.tag.is_some() || change.digest.is_some() {
        image.tag.clone_from(&change.tag);
        image.digest.clone_from(&change.digest);
    }
    Some(image)
}
