//! Who in the world is answered by which endpoint: places, intents, and the trees of policies that carry them out.
//!
//! Nothing here knows a DNS service. An [`Intent`] is what a user says; [`tree`] makes of it a tree of policies whose
//! leaves are endpoints. What a service must hold to answer so is made from the tree, by [`crate::route53`] for one.

pub mod intent;
pub mod place;
pub mod problem;
pub mod tree;

pub use self::intent::{Coordinates, Endpoint, EndpointName, EndpointState, Intent, LatencyRegion, Policy, Within};
pub use self::place::{Continent, Country, Place, Subdivision};
pub use self::problem::Problem;
pub use self::tree::{Node, Site};
