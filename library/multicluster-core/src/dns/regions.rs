//! The regions of the clouds by their names: where they are, and which region of AWS is nearest.
//!
//! AWS measures latency to its own regions only. A cluster elsewhere is stood for by the nearest of them, which is an
//! estimate: distance is not latency.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use crate::dns::distance::kilometres;
use crate::dns::intent::{Coordinates, Endpoint, LatencyRegion, Policy, Within};
use crate::dns::place::Country;
use crate::dns::suggest::{hint, nearest};

/// A cloud whose regions are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cloud {
    /// Amazon Web Services, `aws`.
    Aws,
    /// Microsoft Azure, `azure`.
    Azure,
    /// Google Cloud, `gcp`.
    Gcp,
}

/// A region of a cloud.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Region {
    /// The cloud.
    pub cloud: Cloud,
    /// Its name, such as `westeurope`.
    pub name: &'static str,
    /// The city or area that it is said to be in.
    pub location: &'static str,
    /// The country.
    pub country: Country,
    /// Where it is.
    pub coordinates: Coordinates,
    /// The region of AWS that stands for it where latency decides: its own, or the nearest.
    pub latency_region: LatencyRegion,
    /// The next nearest region of AWS.
    pub second: LatencyRegion,
    /// Why the nearest region of AWS is a doubtful choice, if it is.
    pub review: Option<Review>,
}

/// Why the nearest region of AWS is a doubtful choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Review {
    /// The next nearest is within 30 % or 60 km.
    NearTie,
    /// It is more than 700 km away.
    Far,
}

/// A cloud or region that is not in the table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownRegion {
    /// No such cloud.
    #[error("`{text}` is not a cloud: it must be `aws`, `azure` or `gcp`")]
    Cloud {
        /// What was given.
        text: String,
    },
    /// No such region.
    #[error("`{text}` is not a known region of {cloud}: give `coordinates` or `latency_region` instead{}", hint(suggestion.as_deref()))]
    Region {
        /// What was given.
        text: String,
        /// Of which cloud.
        cloud: Cloud,
        /// What may have been meant.
        suggestion: Option<String>,
    },
    /// No such region of AWS.
    #[error("`{text}` is not a region of AWS that latency is measured to{}", hint(suggestion.as_deref()))]
    Latency {
        /// What was given.
        text: String,
        /// What may have been meant.
        suggestion: Option<String>,
    },
}

static REGIONS: LazyLock<Vec<Region>> = LazyLock::new(|| {
    let lines = include_str!("../../data/regions.csv").lines().filter(|line| !line.starts_with('#'));
    lines.skip(1).filter_map(region).collect()
});

/// A line of the table. Its last field, the source, may have commas of its own.
fn region(line: &'static str) -> Option<Region> {
    let fields: Vec<&'static str> = line.splitn(15, ',').collect();
    let [cloud, name, location, country, _, _, _, latitude, longitude, first, _, second, _, review, _] =
        fields.try_into().ok()?;
    let cloud: Cloud = cloud.parse().ok()?;
    // A region of AWS stands for itself, also where the partition is another one.
    let latency_region = if cloud == Cloud::Aws { name } else { first };
    Some(Region {
        cloud,
        name,
        location,
        country: Country::from_code(country)?,
        coordinates: Coordinates::from_degrees(latitude, longitude)?,
        latency_region: LatencyRegion(latency_region.to_owned()),
        second: LatencyRegion(second.to_owned()),
        review: match review {
            "near-tie" => Some(Review::NearTie),
            "far" => Some(Review::Far),
            _ => None,
        },
    })
}

/// All regions of all clouds.
#[must_use]
pub fn all() -> &'static [Region] {
    &REGIONS
}

/// Finds a region: `aws`, `eu-central-1`. Case, spaces (`West Europe`) and a zone at the end (`europe-west1-b`) do not
/// matter.
///
/// # Errors
/// [`UnknownRegion`], with the name that was probably meant.
///
/// # Examples
/// ```
/// use multicluster_core::dns::regions::{self, Cloud};
///
/// let region = regions::find(Cloud::Azure, "West Europe")?;
/// assert_eq!(region.latency_region.0, "eu-west-2");
/// assert!(region.caveat().is_some());
/// # Ok::<(), regions::UnknownRegion>(())
/// ```
pub fn find(cloud: Cloud, text: &str) -> Result<&'static Region, UnknownRegion> {
    let name: String = text.chars().filter(|char| !char.is_whitespace()).collect::<String>().to_lowercase();
    let of_cloud = || REGIONS.iter().filter(move |region| region.cloud == cloud);
    let by_name = |name: &str| of_cloud().find(|region| region.name == name);
    if let Some(region) = by_name(&name).or_else(|| by_name(without_zone(cloud, &name))) {
        return Ok(region);
    }
    let suggestion = nearest(text, of_cloud().map(|region| region.name)).map(str::to_owned);
    Err(UnknownRegion::Region { text: text.to_owned(), cloud, suggestion })
}

/// `europe-west1` of `europe-west1-b`, `eu-central-1` of `eu-central-1a`.
fn without_zone(cloud: Cloud, name: &str) -> &str {
    let without_letter = name.strip_suffix(|char: char| char.is_ascii_lowercase()).unwrap_or(name);
    match cloud {
        Cloud::Aws => without_letter,
        Cloud::Azure => name,
        Cloud::Gcp => without_letter.strip_suffix('-').unwrap_or(name),
    }
}

/// Checks that latency is measured to a region of AWS.
///
/// # Errors
/// [`UnknownRegion::Latency`], with the name that was probably meant.
pub fn latency_region(text: &str) -> Result<LatencyRegion, UnknownRegion> {
    if of_aws(text).is_some() {
        return Ok(LatencyRegion(text.to_owned()));
    }
    let known = REGIONS.iter().filter(|region| region.cloud == Cloud::Aws).map(|region| region.name);
    let suggestion = nearest(text, known).map(str::to_owned);
    Err(UnknownRegion::Latency { text: text.to_owned(), suggestion })
}

/// Where a region of AWS is; none if it is not in the table.
#[must_use]
pub fn position(region: &LatencyRegion) -> Option<Coordinates> {
    of_aws(&region.0).map(|region| region.coordinates)
}

fn of_aws(name: &str) -> Option<&'static Region> {
    REGIONS.iter().find(|region| region.cloud == Cloud::Aws && region.name == name)
}

impl Region {
    /// Gives an endpoint in this region what its policies look at, and nothing else; what it has already stays.
    /// Returns what to know if another region was chosen to stand for this one.
    #[must_use = "a region that was chosen should be told"]
    pub fn locate(&self, endpoint: &mut Endpoint, policy: Policy, within: Within) -> Option<String> {
        if policy == Policy::Geoproximity && endpoint.coordinates.is_none() {
            endpoint.coordinates = Some(self.coordinates);
        }
        let by_latency = policy == Policy::Latency || within == Within::Latency;
        if !by_latency || endpoint.latency_region.is_some() {
            return None;
        }
        endpoint.latency_region = Some(self.latency_region.clone());
        self.caveat()
    }

    /// What to know before latency is left to decide by [`Region::latency_region`]; none for regions of AWS.
    #[must_use]
    pub fn caveat(&self) -> Option<String> {
        if self.cloud == Cloud::Aws {
            return None;
        }
        let km = |region: &LatencyRegion| {
            position(region)
                .map(|at| format!("{:.0} km", kilometres(self.coordinates, at)))
                .unwrap_or_default()
        };
        let (first, second) = (&self.latency_region, &self.second);
        let doubt = match self.review {
            None => String::new(),
            Some(Review::NearTie) => format!(", and `{second}` ({}) is nearly as near", km(second)),
            Some(Review::Far) => ", which is far".to_owned(),
        };
        Some(format!(
            "latency is measured to regions of AWS only: `{first}` ({}) stands for {} region `{}`{doubt}. Set `latency_region` to choose, or use `policy = \"geoproximity\"`",
            km(first),
            self.cloud,
            self.name,
        ))
    }
}

/// `aws`, `azure`, `gcp`
impl FromStr for Cloud {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        match text {
            "aws" => Ok(Self::Aws),
            "azure" => Ok(Self::Azure),
            "gcp" => Ok(Self::Gcp),
            _ => Err(UnknownRegion::Cloud { text: text.to_owned() }),
        }
    }
}

/// `AWS`, `Azure`, `Google Cloud`
impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aws => "AWS",
            Self::Azure => "Azure",
            Self::Gcp => "Google Cloud",
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn no_row_is_left_out() {
        let count = |cloud| REGIONS.iter().filter(|region| region.cloud == cloud).count();
        assert_eq!((count(Cloud::Aws), count(Cloud::Azure), count(Cloud::Gcp)), (39, 58, 43));
    }

    #[test]
    fn the_nearest_region_of_the_table_is_the_nearest() {
        for region in REGIONS.iter().filter(|region| region.cloud != Cloud::Aws) {
            let far = |other: &LatencyRegion| kilometres(region.coordinates, position(other).unwrap());
            assert!(far(&region.latency_region) <= far(&region.second), "{}", region.name);
        }
    }

    #[rstest]
    #[case::aws(Cloud::Aws, "sa-east-1", "sa-east-1")]
    #[case::aws_china_stands_for_itself(Cloud::Aws, "cn-north-1", "cn-north-1")]
    #[case::aws_zone(Cloud::Aws, "us-east-1a", "us-east-1")]
    #[case::azure(Cloud::Azure, "eastus", "us-east-1")]
    #[case::azure_display_name(Cloud::Azure, "Germany West Central", "eu-central-1")]
    #[case::google(Cloud::Gcp, "australia-southeast1", "ap-southeast-2")]
    #[case::google_zone(Cloud::Gcp, "australia-southeast1-b", "ap-southeast-2")]
    fn regions_by_name(#[case] cloud: Cloud, #[case] name: &str, #[case] latency: &str) {
        assert_eq!(find(cloud, name).unwrap().latency_region.0, latency);
    }

    #[rstest]
    #[case::near_miss(Cloud::Azure, "westeuropa", "did you mean `westeurope`?")]
    #[case::of_another_cloud(Cloud::Gcp, "eu-central-1", "not a known region of Google Cloud")]
    #[case::empty(Cloud::Aws, "", "not a known region of AWS")]
    fn unknown_regions(#[case] cloud: Cloud, #[case] name: &str, #[case] part: &str) {
        let error = find(cloud, name).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }

    #[rstest]
    #[case::near_tie(Cloud::Azure, "westeurope", "is nearly as near")]
    #[case::far(Cloud::Gcp, "southamerica-west1", "which is far")]
    #[case::neither(Cloud::Gcp, "europe-west3", "`eu-central-1` (0 km)")]
    fn what_is_doubtful_is_said(#[case] cloud: Cloud, #[case] name: &str, #[case] part: &str) {
        let caveat = find(cloud, name).unwrap().caveat().unwrap();
        assert!(caveat.contains(part), "{caveat}");
    }

    #[test]
    fn an_endpoint_gets_what_its_policy_looks_at() {
        let region = find(Cloud::Azure, "westeurope").unwrap();
        let located = |policy, within| {
            let mut endpoint = Endpoint::default();
            let caveat = region.locate(&mut endpoint, policy, within);
            (endpoint.coordinates.is_some(), endpoint.latency_region.is_some(), caveat.is_some())
        };
        assert_eq!(located(Policy::Geoproximity, Within::Weighted), (true, false, false));
        assert_eq!(located(Policy::Latency, Within::Weighted), (false, true, true));
        assert_eq!(located(Policy::Geolocation, Within::Latency), (false, true, true));
        assert_eq!(located(Policy::Geolocation, Within::Weighted), (false, false, false));
        let mut endpoint = Endpoint::region("eu-central-1");
        assert_eq!(region.locate(&mut endpoint, Policy::Latency, Within::Weighted), None);
        assert_eq!(endpoint, Endpoint::region("eu-central-1"));
    }

    #[test]
    fn latency_regions_are_checked() {
        assert!(latency_region("eu-central-1").is_ok());
        let error = latency_region("eu-centrl-1").unwrap_err().to_string();
        assert!(error.ends_with("did you mean `eu-central-1`?"), "{error}");
    }
}
