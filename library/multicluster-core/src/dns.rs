//! Who in the world is answered by which endpoint: places, intents, and the trees of policies that carry them out.
//!
//! Nothing here knows a DNS service. An [`Intent`] is what a user says; [`tree`] makes of it a tree of policies whose
//! leaves are endpoints. What a service must hold to answer so is made from the tree, by [`crate::route53`] for one.

pub mod answer;
pub mod distance;
pub mod findings;
pub mod intent;
pub mod map;
pub mod must_answer;
pub mod place;
pub mod problem;
pub mod regions;
pub mod routing;
pub mod share;
pub(crate) mod suggest;
#[cfg(test)]
pub(crate) mod testing;
pub mod tree;

pub use self::answer::{Answer, Client, Shares, answer, presence};
pub use self::findings::{Facts, Finding, FindingKind, findings};
pub use self::intent::{
    Coordinates, Endpoint, EndpointName, EndpointState, Intent, LatencyRegion, Policy, Within,
};
pub use self::place::{Continent, Country, Place, Subdivision, UnknownPlace};
pub use self::problem::Problem;
pub use self::routing::{Portion, Row, Rows, resolve, routing};
pub use self::share::Share;
pub use self::tree::{At, Grown, Node, Site, grow};
