//! Distances on the globe, and how bias changes them.
//!
//! Distances are compared and never shown with more than whole kilometres.

use crate::dns::intent::Coordinates;

/// The mean radius of the Earth in kilometres.
const RADIUS_KM: f64 = 6371.0088;

/// The great-circle distance in kilometres.
#[must_use]
pub fn kilometres(from: Coordinates, to: Coordinates) -> f64 {
    let radians = |hundredths: i32| (f64::from(hundredths) / 100.0).to_radians();
    let (latitude_a, latitude_b) = (radians(from.latitude), radians(to.latitude));
    let north = ((latitude_b - latitude_a) / 2.0).sin();
    let east = ((radians(to.longitude) - radians(from.longitude)) / 2.0).sin();
    let chord = north * north + latitude_a.cos() * latitude_b.cos() * east * east;
    2.0 * RADIUS_KM * chord.clamp(0.0, 1.0).sqrt().asin()
}

/// A distance as geoproximity counts it: shorter by `bias` percent if it is positive; if negative, divided by what is
/// left of 100 %. Beyond −99 to 99 it counts as the nearest of these.
#[must_use]
pub fn biased(kilometres: f64, bias: i8) -> f64 {
    let share = f64::from(bias.clamp(-99, 99)) / 100.0;
    if bias >= 0 { kilometres * (1.0 - share) } else { kilometres / (1.0 + share) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(latitude: i32, longitude: i32) -> Coordinates {
        Coordinates { latitude, longitude }
    }

    #[rstest]
    #[case::here(at(5252, 1340), at(5252, 1340), 0.0)]
    #[case::tokyo_to_sydney(at(3568, 13969), at(-3387, 15121), 7826.0)]
    #[case::across_the_date_line(at(0, 17990), at(0, -17990), 22.0)]
    #[case::other_side_of_the_world(at(0, 0), at(0, 18000), 20_015.0)]
    #[case::poles(at(9000, 0), at(-9000, 12000), 20_015.0)]
    fn distances(#[case] from: Coordinates, #[case] to: Coordinates, #[case] expect: f64) {
        assert!((kilometres(from, to) - expect).abs() < 2.0, "{}", kilometres(from, to));
        assert!((kilometres(from, to) - kilometres(to, from)).abs() < 1e-6);
    }

    #[rstest]
    #[case::none(0, 150.0)]
    #[case::half(50, 75.0)]
    #[case::most(99, 1.5)]
    #[case::away(-50, 300.0)]
    #[case::far_away(-99, 15_000.0)]
    fn bias_changes_distance(#[case] bias: i8, #[case] expect: f64) {
        assert!((biased(150.0, bias) - expect).abs() < 1e-6);
    }
}
