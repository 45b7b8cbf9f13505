//! What a provider offers, asked for once.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostics::Diagnostics;
use crate::function::{Function, Signature};
use crate::provider::{DataSource, Provider};
use crate::resource::Resource;
use crate::schema::{Role, Schema, is_name};
use crate::value::Type;

/// A schema and the type of its values.
pub(super) struct Shape {
    pub(super) schema: Schema,
    pub(super) kind: Type,
}

/// A resource or data source with its shape.
pub(super) struct Entry<T: ?Sized> {
    pub(super) implementation: Arc<T>,
    pub(super) shape: Shape,
}

/// A function with its signature.
pub(super) struct Callable {
    pub(super) implementation: Arc<dyn Function>,
    pub(super) signature: Signature,
}

/// A provider with everything in it.
pub(super) struct Catalogue {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) config: Shape,
    pub(super) resources: BTreeMap<&'static str, Entry<dyn Resource>>,
    pub(super) data_sources: BTreeMap<&'static str, Entry<dyn DataSource>>,
    pub(super) functions: BTreeMap<&'static str, Callable>,
    repeated: Vec<&'static str>,
}

impl Shape {
    fn new(schema: Schema) -> Self {
        let kind = schema.value_type();
        Self { schema, kind }
    }
}

impl Catalogue {
    pub(super) fn new(provider: Arc<dyn Provider>) -> Self {
        let config = Shape::new(provider.schema());
        let mut repeated = Vec::new();
        let mut resources: BTreeMap<_, Entry<dyn Resource>> = BTreeMap::new();
        for implementation in provider.resources() {
            let (name, shape) = (implementation.name(), Shape::new(implementation.schema()));
            if resources.insert(name, Entry { implementation, shape }).is_some() {
                repeated.push(name);
            }
        }
        let mut data_sources: BTreeMap<_, Entry<dyn DataSource>> = BTreeMap::new();
        for implementation in provider.data_sources() {
            let (name, shape) = (implementation.name(), Shape::new(implementation.schema()));
            if data_sources.insert(name, Entry { implementation, shape }).is_some() {
                repeated.push(name);
            }
        }
        let mut functions = BTreeMap::new();
        for implementation in provider.functions() {
            let (name, signature) = (implementation.name(), implementation.signature());
            if functions.insert(name, Callable { implementation, signature }).is_some() {
                repeated.push(name);
            }
        }
        Self { provider, config, resources, data_sources, functions, repeated }
    }

    pub(super) fn resource(&self, name: &str) -> Result<&Entry<dyn Resource>, Diagnostics> {
        self.resources.get(name).ok_or_else(|| absent("resource", name))
    }

    pub(super) fn data_source(&self, name: &str) -> Result<&Entry<dyn DataSource>, Diagnostics> {
        self.data_sources.get(name).ok_or_else(|| absent("data source", name))
    }

    /// Everything that is wrong with the schemas.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> =
            self.repeated.iter().map(|name| format!("{name}: there are two of this name")).collect();
        let mut check = |name: &str, shape: &Shape, role| {
            let found = shape.schema.internal_validate(role);
            problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
        };
        check("provider", &self.config, Role::Provider);
        for (name, entry) in &self.resources {
            check(name, &entry.shape, Role::Resource);
        }
        for (name, entry) in &self.data_sources {
            check(name, &entry.shape, Role::DataSource);
        }
        for (name, callable) in &self.functions {
            let mut found = callable.signature.internal_validate();
            if !is_name(name) {
                found.push("a name has lower-case letters, digits and underscores only".to_owned());
            }
            problems.extend(found.into_iter().map(|problem| format!("{name}(): {problem}")));
        }
        problems
    }
}

fn absent(what: &str, name: &str) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    diagnostics.error(
        format!("There is no {what} `{name}`"),
        format!("This version of the provider has no {what} of this type."),
    );
    diagnostics
}
