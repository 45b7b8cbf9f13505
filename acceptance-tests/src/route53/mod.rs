//! The Route 53 of a lab: an emulator that answers the API, its control endpoint, and DNS.
//!
//! | what | for |
//! |---|---|
//! | [`Route53`] | where it is, and zones for tests |
//! | [`Dns`] | asks as somebody in a country, a state or a network |
//! | [`Control`] | decides health, reads the log of calls, makes calls fail |
//! | [`Alone`] | an emulator for one test, whose log and faults disturb nobody |
//!
//! Tests share the lab's emulator: each has a zone of its own, and what concerns the whole account (faults, the log of
//! calls, quotas) belongs into one that is [`Alone`].

mod control;
mod dns;

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

pub use control::{Call, Control};
pub use dns::{Answer, Dns};
pub use hickory_proto::{op::ResponseCode, rr::RecordType};
pub use route53_emulator::{
    Knobs,
    dns::{Choice, Settings, network_of, network_v6_of},
    model::{CidrBlock, Health},
};

use route53_emulator::{Emulator, Options, dns::address_of, model};

/// The Region that the variables name; Route 53 has only this one.
const REGION: &str = "us-east-1";
/// Under which the zones of tests are.
const PARENT: &str = "example.com";

/// Where an emulator is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route53 {
    /// Such as `http://127.0.0.1:17000`, for `endpoint_url`.
    pub api_url: String,
    /// Where its control endpoint listens.
    pub control: SocketAddr,
    /// Where DNS answers, UDP and TCP.
    pub dns: SocketAddr,
}

/// A public hosted zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// Such as `Z0123456789ABC`.
    pub id: String,
    /// Without a dot at the end, as configurations have it.
    pub name: String,
}

impl Zone {
    /// A name in the zone: `www` gives `www.` and the zone's own.
    pub fn within(&self, label: &str) -> String {
        format!("{label}.{}", self.name)
    }
}

impl Route53 {
    /// A new zone for one test: a name that no other zone has, beginning with `label`.
    ///
    /// # Errors
    /// When the emulator does not answer or refuses the name.
    pub async fn zone(&self, label: &str) -> anyhow::Result<Zone> {
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let unique = unique.get(..8).unwrap_or(&unique);
        self.create_zone(&format!("{label}-{unique}.{PARENT}")).await
    }

    /// A new zone of this name.
    ///
    /// # Errors
    /// As [`Self::zone`].
    pub async fn create_zone(&self, name: &str) -> anyhow::Result<Zone> {
        let created = self.control().create_zone(name).await?;
        let id = created["id"].as_str().context("the emulator did not say the zone's id")?;
        Ok(Zone { id: id.to_owned(), name: name.to_owned() })
    }

    /// A client of its DNS.
    pub fn dns(&self) -> Dns {
        Dns::new(self.dns)
    }

    /// A client of its control endpoint.
    pub fn control(&self) -> Control {
        Control::new(self.control)
    }

    /// Variables under which AWS SDKs and the aws CLI use it. The credentials are none.
    pub fn env(&self) -> BTreeMap<String, String> {
        let pairs = [
            ("AWS_ENDPOINT_URL_ROUTE_53", self.api_url.as_str()),
            ("AWS_ACCESS_KEY_ID", "lab"),
            ("AWS_SECRET_ACCESS_KEY", "lab"),
            ("AWS_REGION", REGION),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// The address with which the emulator answers for a load balancer, unless a test has set another.
///
/// # Errors
/// When `dns_name` is no name, or the type is neither A nor AAAA.
pub fn balancer_address(dns_name: &str, record_type: RecordType) -> anyhow::Result<String> {
    let record_type = model::RecordType::parse(&record_type.to_string());
    let address = record_type.and_then(|each| Some(address_of(&model::Name::parse(dns_name).ok()?, each)));
    let address = address.flatten().with_context(|| format!("`{dns_name}` has no address"))?;
    Ok(address.to_string())
}

/// An emulator within this process, which ends when the value is dropped.
#[derive(Debug)]
pub struct Alone {
    route53: Route53,
    _emulator: Emulator,
}

impl Alone {
    /// Starts one. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(knobs: Knobs, dns_settings: Settings) -> anyhow::Result<Self> {
        let emulator = Emulator::start(Options { knobs, dns_settings, ..Options::default() }).await?;
        let control = emulator.control_url.strip_prefix("http://").unwrap_or(&emulator.control_url);
        let route53 = Route53 {
            api_url: emulator.api_url.clone(),
            control: control.parse().context("the emulator said no address")?,
            dns: emulator.dns_addr,
        };
        Ok(Self { route53, _emulator: emulator })
    }
}

impl std::ops::Deref for Alone {
    type Target = Route53;

    fn deref(&self) -> &Route53 {
        &self.route53
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn alone() -> Alone {
        let settings = Settings { choice: Choice::RoundRobin, ..Settings::default() };
        Alone::start(Knobs::default(), settings).await.unwrap()
    }

    #[tokio::test]
    async fn a_zone_per_test_answers_by_place_and_health() {
        let route53 = alone().await;
        let (zone, other) = (route53.zone("app").await.unwrap(), route53.zone("app").await.unwrap());
        assert_ne!(zone.name, other.name);
        let name = zone.within("www");
        let set = |identifier: &str, location: serde_json::Value, address: &str| {
            json!({
                "Name": name, "Type": "A", "SetIdentifier": identifier, "GeoLocation": location, "TTL": 60,
                "HealthCheckId": identifier, "ResourceRecords": [{"Value": address}],
            })
        };
        let sets = json!([
            set("eu", json!({"ContinentCode": "EU"}), "192.0.2.1"),
            set("tx", json!({"CountryCode": "US", "SubdivisionCode": "TX"}), "192.0.2.2"),
            set("rest", json!({"CountryCode": "*"}), "192.0.2.9"),
        ]);
        let control = route53.control();
        control.seed(&zone, &sets).await.unwrap();
        let stored = control.record_sets(&zone).await.unwrap();
        assert_eq!(stored.iter().filter(|set| set["Type"] == "A").count(), 3);

        let dns = route53.dns();
        let ask = async |place: &str| {
            let answer = dns.ask_as(place, &name, RecordType::A).await.unwrap();
            (answer.code, answer.values.join(","), answer.ttl)
        };
        let answered = |address: &str| (ResponseCode::NoError, address.to_owned(), Some(60));
        assert_eq!(ask("DE").await, answered("192.0.2.1"));
        assert_eq!(ask("US-TX").await, answered("192.0.2.2"));
        assert_eq!(ask("US").await, answered("192.0.2.9"));
        assert_eq!(dns.ask(&name, RecordType::A).await.unwrap().values, ["192.0.2.9"]);
        control.set_health("eu", Health::Unhealthy).await.unwrap();
        assert_eq!(ask("DE").await, answered("192.0.2.9"));
        control.reset_health().await.unwrap();
        assert_eq!(ask("DE").await, answered("192.0.2.1"));
        assert_eq!(dns.ask(&zone.within("no"), RecordType::A).await.unwrap().code, ResponseCode::NXDomain);
        let nowhere = dns.ask_as("ZZ", &name, RecordType::A).await.unwrap_err();
        assert!(nowhere.to_string().contains("ZZ"), "{nowhere:#}");
    }

    #[tokio::test]
    async fn long_answers_are_fetched_over_tcp() {
        let route53 = alone().await;
        let zone = route53.zone("long").await.unwrap();
        let values: Vec<_> = (0..400)
            .map(|number| json!({"Value": format!("10.0.{}.{}", number / 200, number % 200)}))
            .collect();
        let set = json!([{"Name": zone.within("all"), "Type": "A", "TTL": 5, "ResourceRecords": values}]);
        route53.control().seed(&zone, &set).await.unwrap();
        let answer = route53.dns().ask(&zone.within("all"), RecordType::A).await.unwrap();
        assert_eq!(answer.values.len(), 400);
    }

    #[tokio::test]
    async fn refusals_of_the_control_endpoint_are_told() {
        let route53 = alone().await;
        let zone = Zone { id: "Z404".to_owned(), name: "example.com".to_owned() };
        let error = route53.control().record_sets(&zone).await.unwrap_err();
        assert!(format!("{error:#}").contains("Z404"), "{error:#}");
        route53.control().set_knobs(&json!({"page_size": 3})).await.unwrap();
        assert_eq!(route53.control().calls().await.unwrap(), []);
        let variables = route53.env();
        assert_eq!(variables["AWS_ENDPOINT_URL_ROUTE_53"], route53.api_url);
    }
}
