//! Whether and where it is asked if the world finds a zone.

use std::net::SocketAddr;

use tfplugin::Node;
use tfplugin::schema::Attribute;

use super::resolver;

/// What the provider block says of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delegation {
    check: Option<bool>,
    /// Who is asked; none: the resolver of the machine.
    pub(super) resolver: Option<SocketAddr>,
}

impl Delegation {
    /// What `route53` of the provider block says.
    pub(super) fn of(node: &Node<'_>) -> Self {
        let resolver = node.attribute("resolver");
        Self {
            check: node.attribute("delegation_check").bool(),
            resolver: resolver.str().and_then(resolver::address),
        }
    }

    /// Whether it is asked. What stands in an emulator is not what the world finds, unless it is said who knows of it.
    pub(super) fn is_wanted(self, redirected: bool) -> bool {
        self.check.unwrap_or(self.resolver.is_some() || !redirected)
    }
}

pub(super) fn resolver() -> Attribute {
    Attribute::string(
        "Address of a DNS resolver, such as `192.0.2.53` or `127.0.0.1:5353`, that is asked where the world is sent for a zone. \
         Default: the resolver of the machine.",
    )
    .validate(resolver::validate)
}

pub(super) fn check() -> Attribute {
    Attribute::bool(
        "Whether a plan asks DNS if public zones are delegated to the servers that answer for them, and warns if they are not. \
         Default: true; with another endpoint than that of AWS, only if `resolver` is given.",
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tfplugin::Value;

    use super::*;

    #[rstest]
    #[case::aws(&[], false, true)]
    #[case::an_emulator(&[], true, false)]
    #[case::an_emulator_that_somebody_knows(&[("resolver", "127.0.0.1:5353".into())], true, true)]
    #[case::switched_off(&[("delegation_check", false.into())], false, false)]
    #[case::switched_off_although(&[("delegation_check", false.into()), ("resolver", "192.0.2.53".into())], true, false)]
    #[case::switched_on(&[("delegation_check", true.into())], true, true)]
    fn who_is_asked_for(#[case] given: &[(&str, Value)], #[case] redirected: bool, #[case] wanted: bool) {
        let value = Value::map(given.iter().cloned());
        assert_eq!(Delegation::of(&Node::root(&value)).is_wanted(redirected), wanted);
    }
}
