//! From sets to a tree over leaves.

use std::collections::BTreeSet;

use crate::dns::tree::At;
use crate::dns::{Place, Site};
use crate::route53::import::shape::{LeafId, Shape};
use crate::route53::import::{Obstacles, Scope};
use crate::route53::record_set::{
    Data, Failover, GeoProximity, Position, RecordName, RecordSet, RecordType, Routing,
};
use crate::route53::zone::{Group, Groups, grouped};

/// How the first label of a helper begins.
const HELPER_PREFIX: &str = "_mc-";

/// What was read.
pub(super) struct Read<'a> {
    /// The tree of the type that most is known of: A, else AAAA, else CNAME.
    pub(super) shape: Shape,
    /// The leaves of all types, those of the tree first.
    pub(super) leaves: Vec<Leaf<'a>>,
    /// All sets that were read.
    pub(super) reached: Vec<&'a RecordSet>,
    /// What is worth knowing.
    pub(super) notes: Vec<String>,
    /// All sets, to look at names that CNAMEs point at.
    groups: Groups<'a>,
    scope: Scope<'a>,
}

/// A set that is no alias of a helper.
pub(super) struct Leaf<'a> {
    pub(super) set: &'a RecordSet,
    /// What its identifier says of the endpoint, without the place.
    pub(super) candidate: String,
    pub(super) context: Context,
}

/// What stands around a leaf that decides whether it is the same endpoint as another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    /// One endpoint has several places.
    Place,
    /// One endpoint has several values, each in a set.
    Multivalue,
    Other,
}

/// Reads the sets of all types that answer for the name.
pub(super) fn read<'a>(
    scope: Scope<'a>,
    sets: impl IntoIterator<Item = &'a RecordSet>,
    obstacles: &mut Obstacles,
) -> Option<Read<'a>> {
    let groups = grouped(sets);
    let types =
        groups.get(scope.name).map(|types| types.keys().copied().collect::<Vec<_>>()).unwrap_or_default();
    let wanted = |r#type: &RecordType| {
        matches!(r#type.0.as_str(), "A" | "AAAA" | "CNAME") && scope.r#type.is_none_or(|only| only == r#type)
    };
    let mut reader =
        Reader { scope, groups, leaves: Vec::new(), reached: Vec::new(), notes: Vec::new(), obstacles };
    let mut shapes = Vec::new();
    // In the order of their names, A comes first and CNAME stands alone.
    for r#type in types.into_iter().filter(|r#type| wanted(r#type)) {
        shapes.extend(reader.group(scope.name, r#type, &mut BTreeSet::new()));
    }
    if shapes.is_empty() && reader.obstacles.0.is_empty() {
        let wanted = scope.r#type.map_or("A, AAAA or CNAME", |only| only.0.as_str());
        let name = scope.name.as_written();
        reader.obstacles.of_name(format!("`{name}` has no records of type {wanted}"));
    }
    let shape = shapes.into_iter().next()?;
    let Reader { leaves, reached, notes, groups, .. } = reader;
    Some(Read { shape, leaves, reached, notes, groups, scope })
}

impl<'a> Read<'a> {
    /// The name that is imported.
    pub(super) fn name(&self) -> &RecordName {
        self.scope.name
    }

    /// The sets of a name that a CNAME points at, if it is a helper for the addresses of one endpoint.
    pub(super) fn host(&self, name: &RecordName) -> Option<Vec<&'a RecordSet>> {
        let types = self.groups.get(name).filter(|_| is_helper(name, self.scope.name))?;
        let sets: Vec<&RecordSet> = types.values().flatten().copied().collect();
        let plain = |set: &&RecordSet| {
            set.routing == Routing::Simple
                && matches!(set.key.r#type.0.as_str(), "A" | "AAAA")
                && matches!(set.data, Data::Values { .. })
        };
        sets.iter().all(plain).then_some(sets)
    }
}

/// Whether a name is one of those that policies within policies stand at.
fn is_helper(helper: &RecordName, name: &RecordName) -> bool {
    helper.is_below(name) && helper.as_str().starts_with(HELPER_PREFIX)
}

struct Reader<'a, 'o> {
    scope: Scope<'a>,
    groups: Groups<'a>,
    leaves: Vec<Leaf<'a>>,
    reached: Vec<&'a RecordSet>,
    notes: Vec<String>,
    obstacles: &'o mut Obstacles,
}

/// The names and types between the top and a group.
type Path<'a> = BTreeSet<(&'a RecordName, &'a RecordType)>;

impl<'a> Reader<'a, '_> {
    fn group(&mut self, name: &'a RecordName, r#type: &'a RecordType, path: &mut Path<'a>) -> Option<Shape> {
        let group: Group<'a> = self.groups.get(name).and_then(|types| types.get(r#type))?.clone();
        let first = *group.first()?;
        if !path.insert((name, r#type)) {
            self.obstacles.of_set(first, "its aliases lead back to it");
            return None;
        }
        for set in &group {
            if !self.reached.iter().any(|reached| reached.key == set.key) {
                self.reached.push(set);
            }
        }
        let shape = self.shape(first, &group, path);
        path.remove(&(name, r#type));
        shape
    }

    fn shape(&mut self, first: &'a RecordSet, group: &[&'a RecordSet], path: &mut Path<'a>) -> Option<Shape> {
        match &first.routing {
            Routing::Simple => self.child(first, Context::Other, "main".to_owned(), path),
            Routing::Weighted(_) => {
                let branches = self.children(group, path, |routing| match routing {
                    Routing::Weighted(weight) => Some(*weight),
                    _ => None,
                });
                Some(Shape::Weighted(branches))
            }
            Routing::Latency(_) => {
                let branches = self.children(group, path, |routing| match routing {
                    Routing::Latency(region) => Some(region.clone()),
                    _ => None,
                });
                Some(Shape::Latency(branches))
            }
            Routing::Failover(_) => self.failover(group, path),
            Routing::Multivalue => Some(self.multivalue(group)),
            Routing::Geolocation(_) => {
                let branches = self.children(group, path, |routing| match routing {
                    Routing::Geolocation(place) => Some(place.clone()),
                    _ => None,
                });
                Some(Shape::Geolocation(branches))
            }
            Routing::Geoproximity(_) => {
                for set in group {
                    if let Routing::Geoproximity(GeoProximity {
                        position: Position::LocalZoneGroup(zones),
                        ..
                    }) = &set.routing
                    {
                        self.obstacles.of_set(
                            set,
                            &format!(
                                "it stands in the local zone group `{zones}`; give the endpoint coordinates"
                            ),
                        );
                    }
                }
                let branches = self.children(group, path, |routing| match routing {
                    Routing::Geoproximity(site) => site_of(site),
                    _ => None,
                });
                Some(Shape::Geoproximity(branches))
            }
            Routing::Cidr { .. } => Some(self.cidr(group, path)),
        }
    }

    /// The branches of a group in order. A set of another policy, which no zone has beside these, is none.
    fn children<T>(
        &mut self,
        group: &[&'a RecordSet],
        path: &mut Path<'a>,
        of: impl Fn(&Routing) -> Option<T>,
    ) -> Vec<(T, Shape)> {
        let mut branches = Vec::new();
        for set in group {
            let Some(at) = of(&set.routing) else { continue };
            let (context, candidate) = candidate(set);
            if let Some(shape) = self.child(set, context, candidate, path) {
                branches.push((at, shape));
            }
        }
        branches
    }

    fn failover(&mut self, group: &[&'a RecordSet], path: &mut Path<'a>) -> Option<Shape> {
        let mut roles = self.children(group, path, |routing| match routing {
            Routing::Failover(role) => Some(*role),
            _ => None,
        });
        roles.sort_by_key(|(role, _)| *role);
        if let [(role, _)] = roles.as_slice() {
            let role = if *role == Failover::Primary { "secondary" } else { "primary" };
            let name = group.first().map(|set| set.key.name.as_written()).unwrap_or_default();
            self.notes.push(format!("`{name}` has no {role} set, so that nobody steps in"));
        }
        let mut turns = Vec::new();
        for (_, shape) in roles {
            match shape {
                // However a chain is bracketed, the first healthy one answers.
                Shape::Failover(inner) => turns.extend(inner),
                other => turns.push(other),
            }
        }
        if turns.len() < 2 { turns.pop() } else { Some(Shape::Failover(turns)) }
    }

    fn multivalue(&mut self, group: &[&'a RecordSet]) -> Shape {
        let mut ids = Vec::new();
        for set in group {
            let (context, candidate) = candidate(set);
            ids.push(self.leaf(set, context, candidate));
        }
        Shape::Multivalue(ids)
    }

    fn cidr(&mut self, group: &[&'a RecordSet], path: &mut Path<'a>) -> Shape {
        let (mut ranges, mut others) = (Vec::new(), None);
        let branches = self.children(group, path, |routing| match routing {
            Routing::Cidr { collection, location } => Some((collection.clone(), location.clone())),
            _ => None,
        });
        for ((collection, location), shape) in branches {
            if location == "*" {
                others = Some(Box::new(shape));
                continue;
            }
            let blocks = self.scope.collections.get(&collection).and_then(|it| it.get(&location));
            match blocks {
                Some(blocks) => ranges.push((blocks.clone(), shape)),
                None => self.obstacles.of_name(format!(
                    "the CIDR location `{location}` of collection `{collection}` is not known, so that its ranges are not"
                )),
            }
        }
        Shape::Cidr { ranges, others }
    }

    /// What a set leads to.
    fn child(
        &mut self,
        set: &'a RecordSet,
        context: Context,
        candidate: String,
        path: &mut Path<'a>,
    ) -> Option<Shape> {
        let helper = self.scope.zone.own_target(set).filter(|it| is_helper(&it.dns_name, self.scope.name));
        let Some(target) = helper else { return Some(Shape::Leaf(self.leaf(set, context, candidate))) };
        if !target.evaluate_target_health {
            self.obstacles.of_set(
                set,
                &format!(
                    "it is an alias to `{}` without the health of what is there; a group of endpoints is always passed \
                     over while all of them are unhealthy",
                    target.dns_name.as_written()
                ),
            );
        }
        if let Some(check) = &set.health_check_id {
            self.obstacles.of_set(
                set,
                &format!(
                    "it leads to a group and has a health check itself, `{}`; only endpoints have one",
                    check.0
                ),
            );
        }
        let shape = self.group(&target.dns_name, &set.key.r#type, path);
        if shape.is_none() && self.obstacles.0.is_empty() {
            let target = target.dns_name.as_written();
            self.obstacles
                .of_set(set, &format!("it is an alias to `{target}`, where nothing of its type stands"));
        }
        shape
    }

    fn leaf(&mut self, set: &'a RecordSet, context: Context, candidate: String) -> LeafId {
        self.leaves.push(Leaf { set, candidate, context });
        self.leaves.len() - 1
    }
}

fn site_of(site: &GeoProximity) -> Option<Site> {
    let at = match &site.position {
        Position::Coordinates(at) => At::Coordinates(*at),
        Position::Region(region) => At::Region(region.clone()),
        Position::LocalZoneGroup(_) => return None,
    };
    Some(Site { at, bias: site.bias })
}

/// What an identifier says of the endpoint: `aws` for `aws-na` in North America.
fn candidate(set: &RecordSet) -> (Context, String) {
    let identifier = set.key.set_identifier.as_deref().unwrap_or("main");
    let without = |endings: &[String]| {
        let stripped = endings.iter().find_map(|ending| identifier.strip_suffix(ending)?.strip_suffix('-'));
        stripped.filter(|it| !it.is_empty()).unwrap_or(identifier).to_owned()
    };
    match &set.routing {
        Routing::Geolocation(place) => {
            let code = match place {
                Place::Everywhere => "default".to_owned(),
                Place::Continent(continent) => continent.code().to_ascii_lowercase(),
                Place::Country(_) | Place::Subdivision(_) => place.to_string().to_ascii_lowercase(),
            };
            // The longer ending first: it has the shorter one within it.
            (Context::Place, without(&[format!("country-{code}"), code]))
        }
        Routing::Cidr { location, .. } if location == "*" => {
            (Context::Place, without(&["default".to_owned()]))
        }
        Routing::Cidr { location, .. } => (Context::Place, without(std::slice::from_ref(location))),
        Routing::Multivalue => {
            let values = match &set.data {
                Data::Values { values, .. } => values.iter().cloned().collect(),
                Data::Alias(_) => Vec::new(),
            };
            (Context::Multivalue, without(&values))
        }
        _ => (Context::Other, identifier.to_owned()),
    }
}
