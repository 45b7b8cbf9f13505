//! TestDNSAnswer.

use aws_sdk_route53::types::{GeoLocation, RrType};
use route53_emulator::dns::network_of;

use crate::world::{World, a, alias, create, failure};

#[tokio::test]
async fn answers_depend_on_the_client_subnet() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    let europe = GeoLocation::builder().continent_code("EU").build();
    let default = GeoLocation::builder().country_code("*").build();
    let sets = [
        a("app.example.com", "192.0.2.1").set_identifier("eu").geo_location(europe),
        alias("app.example.com", "Z35SXDOTRQ7X7K", "lb.us-east-1.elb.amazonaws.com")
            .set_identifier("d")
            .geo_location(default),
    ];
    world.change(&zone, sets.map(create)).await.unwrap();
    let ask = async |country: Option<&str>, name: &str| {
        let network = country.map(|country| network_of(country, None).unwrap());
        let request =
            world.client.test_dns_answer().hosted_zone_id(&zone).record_name(name).record_type(RrType::A);
        let request = request.set_resolver_ip(network.map(|_| "198.51.100.53".to_owned()));
        request.set_edns0_client_subnet_ip(network.map(|network| network.address().to_string())).send().await
    };
    let germany = ask(Some("DE"), "app.example.com").await.unwrap();
    assert_eq!(
        (germany.response_code.as_str(), germany.record_data),
        ("NOERROR", vec!["192.0.2.1".to_owned()])
    );
    let japan = ask(Some("JP"), "app.example.com").await.unwrap();
    let address: std::net::Ipv4Addr = japan.record_data[0].parse().unwrap();
    assert_ne!(address.to_string(), "192.0.2.1");
    assert_eq!(japan.protocol, "UDP");
    let nowhere = ask(None, "none.example.com").await.unwrap();
    assert_eq!((nowhere.response_code.as_str(), nowhere.record_data.len()), ("NXDOMAIN", 0));
    let outside = ask(None, "www.example.org").await.unwrap_err();
    assert_eq!(failure(outside).code, "InvalidInput");
}

#[tokio::test]
async fn the_subnet_needs_a_resolver_and_a_mask_that_fits() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    let ask = || {
        world
            .client
            .test_dns_answer()
            .hosted_zone_id(&zone)
            .record_name("example.com")
            .record_type(RrType::Soa)
    };
    let answer = ask().send().await.unwrap();
    assert!(answer.record_data[0].contains("awsdns-hostmaster.amazon.com."));
    assert!(answer.nameserver.starts_with("ns-"));
    let subnet = || ask().edns0_client_subnet_ip("192.0.2.0");
    for request in [
        subnet(),
        subnet().resolver_ip("192.0.2.53").edns0_client_subnet_mask("33"),
        ask().resolver_ip("192.0.2.53").edns0_client_subnet_mask("24"),
        ask().resolver_ip("localhost"),
    ] {
        assert_eq!(failure(request.send().await.unwrap_err()).code, "InvalidInput");
    }
    subnet().resolver_ip("192.0.2.53").edns0_client_subnet_mask("32").send().await.unwrap();
}
