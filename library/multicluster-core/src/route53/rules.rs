//! What Route 53 refuses, found before it is asked.
//!
//! The rules are about a state, not about a change: they hold for all sets of a zone, or for all that a change has to
//! do with. Each violation names the sets that are at odds, in words for users. What users write is checked where they
//! write it; here it is checked that what is made of it, beside what others keep in the zone, is a zone at all.
//!
//! Sources: the model of the API (2013-04-01), and the developer guide's chapters on routing policies, on domain name
//! formats, on supported types, and on quotas.

mod alias;
mod group;
mod set;
mod value;

use std::fmt;

use crate::route53::record_set::{RecordSet, SetKey};
use crate::route53::zone::{ZoneFacts, grouped};

/// The most values of one set.
const VALUES_PER_SET: usize = 400;
/// The most sets of one name and type, unless by distance.
const SETS_PER_GROUP: usize = 100;
/// The most sets of one name and type by distance.
const GEOPROXIMITY_SETS_PER_GROUP: usize = 30;

/// Sets that cannot be in a zone, or not together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The sets, never none.
    pub keys: Vec<SetKey>,
    /// Which rule they break.
    pub rule: Rule,
    /// What is wrong and, where it is not plain, what helps: a sentence for users.
    pub text: String,
}

/// What sets must be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// A name is the zone's own or below it.
    OutsideZone,
    /// The type is one that Route 53 knows.
    Type,
    /// Sets with a policy have an identifier of 1 to 128 characters, others have none.
    SetIdentifier,
    /// No two sets have the same name, type and identifier.
    Duplicate,
    /// A TTL is at most 2147483647 seconds.
    Ttl,
    /// A set has 1 to 400 values, a CNAME one.
    ValueCount,
    /// A value has the form of its type, and at most 4000 characters.
    Value,
    /// The id of a health check has 1 to 64 characters.
    HealthCheckId,
    /// NS and SOA have no policy; multivalue is not for aliases, CNAME and NS.
    PolicyOfType,
    /// A region of AWS is one that Route 53 knows.
    Region,
    /// A place is one that Route 53 knows.
    Location,
    /// Latitudes, longitudes and biases have ranges.
    Position,
    /// A CIDR location's name has 1 to 16 letters, digits, `_` and `-`, or is `*`.
    CidrLocation,
    /// Private zones know no ranges of addresses.
    CidrInPrivateZone,
    /// All sets of a name and type have the same policy, and without a policy there is one set.
    OnePolicy,
    /// Each place, region, position or range of addresses has one set.
    OnePlace,
    /// There is one primary and one secondary.
    FailoverRoles,
    /// A primary that is no alias has a health check.
    PrimaryHealthCheck,
    /// Weighted sets have the same TTL.
    WeightedTtl,
    /// Ranges of addresses are of one collection.
    OneCollection,
    /// A name and type has at most 100 sets, by distance 30.
    GroupSize,
    /// An alias points at a set of the same type that is there, in this zone, or at an AWS service.
    AliasTarget,
    /// Aliases do not point at each other in a ring.
    AliasLoop,
    /// Only some types can be aliases, and only some targets have a health.
    Alias,
    /// No CNAME stands at the zone's own name.
    CnameAtApex,
    /// Beside a CNAME there is no other type.
    CnameAlone,
    /// A wildcard delegates nothing.
    WildcardNs,
}

/// What Route 53 would refuse of these sets, if they were all that the zone has; empty if nothing.
///
/// Sets that an alias points at have to be among them. The order is that of names and types.
///
/// # Examples
/// ```
/// use multicluster_core::route53::{
///     Data, RecordName, RecordSet, RecordType, Routing, Rule, SetKey, ZoneFacts, rules,
/// };
///
/// let name = |text: &str| RecordName::new(text).unwrap();
/// let zone = ZoneFacts { id: "Z1".into(), name: name("example.com"), private: false };
/// let set = RecordSet {
///     key: SetKey { name: zone.name.clone(), r#type: RecordType::cname(), set_identifier: None },
///     routing: Routing::Simple,
///     data: Data::Values { ttl: 60, values: ["shop.example.net".to_owned()].into() },
///     health_check_id: None,
/// };
/// let found = rules::check(&zone, [&set]);
/// assert_eq!(found[0].rule, Rule::CnameAtApex);
/// ```
#[must_use]
pub fn check<'a>(zone: &ZoneFacts, sets: impl IntoIterator<Item = &'a RecordSet>) -> Vec<Violation> {
    let groups = grouped(sets);
    let mut found = Findings::default();
    for (name, types) in &groups {
        group::check_name(zone, name, types, &mut found);
        for group in types.values() {
            for set in group {
                set::check(zone, set, &mut found);
                alias::check(zone, set, &groups, &mut found);
            }
            group::check(group, &mut found);
        }
    }
    alias::check_loops(zone, &groups, &mut found);
    found.0
}

/// What was found so far.
#[derive(Default)]
struct Findings(Vec<Violation>);

impl Findings {
    /// Something about one set. The text follows its name.
    fn about(&mut self, rule: Rule, set: &RecordSet, text: fmt::Arguments<'_>) {
        self.0.push(Violation {
            keys: vec![set.key.clone()],
            rule,
            text: format!("{}: {text}", Described(&set.key)),
        });
    }

    /// Something about several sets. The text stands alone.
    fn among(&mut self, rule: Rule, sets: &[&RecordSet], text: fmt::Arguments<'_>) {
        self.0.push(Violation {
            keys: sets.iter().map(|set| set.key.clone()).collect(),
            rule,
            text: text.to_string(),
        });
    }
}

/// A set in a sentence: `www.example.com` A "azure".
pub(super) struct Described<'a>(pub(super) &'a SetKey);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.0.name.as_written(), self.0.r#type)?;
        match &self.0.set_identifier {
            Some(identifier) => write!(f, " \"{identifier}\""),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
