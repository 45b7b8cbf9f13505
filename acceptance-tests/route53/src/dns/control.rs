//! What a test can set about the front end, and the state that drawing needs.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{
    answer::{Answer, Client, places::Point},
    model::{CidrBlock, Name, RecordType},
};

use super::{
    draw::{Drawer, Drawn},
    networks, outside,
};

/// The settings of the front end, as the control endpoint reads and writes them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Network → who is there, before the map of test networks. The longest network that holds the client's decides.
    pub networks: BTreeMap<String, Network>,
    /// DNS name of a resource outside the zones → its addresses, in place of made-up ones.
    pub addresses: BTreeMap<Name, Vec<IpAddr>>,
    /// How a response is drawn.
    pub choice: Choice,
    /// Where the generator begins, for [`Choice::Random`].
    pub seed: u64,
}

/// How a response is drawn from a distribution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// By chance, as the service does.
    #[default]
    Random,
    /// In turn: after as many queries as the probabilities have in common, each outcome came exactly as often as it
    /// should.
    RoundRobin,
    /// Always the most probable outcome.
    MostLikely,
}

/// Who is in a network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// `CountryCode`.
    pub country: Option<String>,
    /// `SubdivisionCode`, without the country.
    pub subdivision: Option<String>,
    /// `ContinentCode`; the country's own when none.
    pub continent: Option<String>,
    /// Degrees north; with `longitude`, else the place's reference point counts.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// AWS Region → milliseconds; distances count for Regions that are not in it.
    pub latency_ms: BTreeMap<String, f64>,
}

/// Settings that are no settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A key of `networks` is no network.
    #[error("networks: {0}")]
    Network(#[from] crate::model::CidrBlockError),
    /// A point is not on the earth, or half of it is missing.
    #[error("the network {0} needs a latitude of -90 to 90 and a longitude of -180 to 180, or neither")]
    Point(String),
    /// A latency is no time.
    #[error("the network {0} has a latency that is not a number of milliseconds")]
    Latency(String),
}

/// The front end's settings with the state of its draws, behind a lock.
#[derive(Debug)]
pub struct Control(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    /// The networks of the settings, the longest prefix first.
    networks: Vec<(CidrBlock, Client)>,
    drawer: Drawer,
}

impl Control {
    /// A front end with these settings.
    ///
    /// # Errors
    /// A [`SettingsError`] that says what is wrong with them.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        Inner::new(settings).map(|inner| Self(Mutex::new(inner)))
    }

    /// The settings in force.
    pub fn settings(&self) -> Settings {
        self.lock().settings.clone()
    }

    /// Replaces the settings; drawing begins anew.
    ///
    /// # Errors
    /// A [`SettingsError`]; the old settings stay in force.
    pub fn set(&self, settings: Settings) -> Result<(), SettingsError> {
        *self.lock() = Inner::new(settings)?;
        Ok(())
    }

    /// Who asks from a network.
    pub fn client(&self, network: CidrBlock) -> Client {
        let inner = self.lock();
        let set = inner.networks.iter().find(|(block, _)| block.contains(&network));
        let mut client = set.map_or_else(|| networks::client_of(network), |(_, client)| client.clone());
        client.network = Some(network);
        client
    }

    /// Draws one response.
    pub fn draw(&self, name: &Name, answer: &Answer) -> Drawn {
        self.lock().drawer.draw(name, answer)
    }

    /// The addresses of a resource outside the zones.
    pub fn addresses(&self, name: &Name, record_type: RecordType) -> Vec<IpAddr> {
        let fits = |address: &IpAddr| match record_type {
            RecordType::A => address.is_ipv4(),
            RecordType::Aaaa => address.is_ipv6(),
            _ => false,
        };
        match self.lock().settings.addresses.get(name) {
            Some(addresses) => addresses.iter().copied().filter(fits).collect(),
            None => outside::address_of(name, record_type).into_iter().collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing is left half done under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Control {
    fn default() -> Self {
        let settings = Settings::default();
        let drawer = Drawer::new(settings.choice, settings.seed);
        Self(Mutex::new(Inner { settings, networks: Vec::new(), drawer }))
    }
}

impl Inner {
    fn new(settings: Settings) -> Result<Self, SettingsError> {
        let networks = settings.networks.iter().map(|(text, network)| network.client(text));
        let mut networks = networks.collect::<Result<Vec<_>, _>>()?;
        networks.sort_by_key(|(block, _)| std::cmp::Reverse(block.prefix()));
        Ok(Self { networks, drawer: Drawer::new(settings.choice, settings.seed), settings })
    }
}

impl Network {
    fn client(&self, text: &str) -> Result<(CidrBlock, Client), SettingsError> {
        let block = CidrBlock::parse(text)?;
        let on_earth = |point: &Point| point.latitude.abs() <= 90.0 && point.longitude.abs() <= 180.0;
        let point = match (self.latitude, self.longitude) {
            (None, None) => None,
            (Some(latitude), Some(longitude)) => Some(Point { latitude, longitude }),
            _ => return Err(SettingsError::Point(text.to_owned())),
        };
        if !point.as_ref().is_none_or(on_earth) {
            return Err(SettingsError::Point(text.to_owned()));
        }
        if !self.latency_ms.values().all(|time| time.is_finite() && *time >= 0.0) {
            return Err(SettingsError::Latency(text.to_owned()));
        }
        let client = Client {
            network: Some(block),
            country: self.country.clone(),
            subdivision: self.subdivision.clone(),
            continent: self.continent.clone(),
            point,
            latency_ms: self.latency_ms.clone(),
        };
        Ok((block, client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: serde_json::Value) -> Result<Control, SettingsError> {
        Control::new(serde_json::from_value(json).unwrap())
    }

    #[test]
    fn the_longest_network_decides() {
        let control = settings(serde_json::json!({"networks": {
            "192.0.2.0/24": {"country": "FR"},
            "192.0.2.128/25": {"country": "JP", "latency_ms": {"us-east-1": 5}},
        }}))
        .unwrap();
        let country = |text| control.client(CidrBlock::parse(text).unwrap()).country;
        assert_eq!(country("192.0.2.129/32").as_deref(), Some("JP"));
        assert_eq!(country("192.0.2.0/24").as_deref(), Some("FR"));
        assert_eq!(country("192.0.0.0/16"), None);
        assert_eq!(country("10.53.54.0/24").as_deref(), Some("DE"));
    }

    #[test]
    fn what_is_no_place_is_refused_and_changes_nothing() {
        let control = settings(serde_json::json!({"seed": 7})).unwrap();
        for (network, text) in [
            ("192.0.2.1/24", serde_json::json!({})),
            ("192.0.2.0/24", serde_json::json!({"latitude": 1.0})),
            ("192.0.2.0/24", serde_json::json!({"latitude": 91.0, "longitude": 0.0})),
            ("192.0.2.0/24", serde_json::json!({"latency_ms": {"us-east-1": -1.0}})),
        ] {
            let json = serde_json::json!({"networks": {network: text}});
            control.set(serde_json::from_value(json).unwrap()).unwrap_err();
        }
        assert_eq!(control.settings().seed, 7);
    }

    #[test]
    fn addresses_that_were_set_replace_the_made_up_ones() {
        let control =
            settings(serde_json::json!({"addresses": {"lb.example.net": ["198.51.100.7"]}})).unwrap();
        let name = Name::parse("LB.example.net.").unwrap();
        assert_eq!(control.addresses(&name, RecordType::A), ["198.51.100.7".parse::<IpAddr>().unwrap()]);
        assert!(control.addresses(&name, RecordType::Aaaa).is_empty());
        let other = Name::parse("other.example.net.").unwrap();
        assert_eq!(control.addresses(&other, RecordType::Aaaa).len(), 1);
    }
}
