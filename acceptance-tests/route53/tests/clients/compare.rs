//! Beside moto and ministack, in the rows in which they were measured to be right: a second opinion on the wire
//! format and on the plain rules. Where they are known to differ from the service, they are not asked.

use std::{collections::BTreeMap, net::TcpListener, path::Path};

use aws_sdk_route53::{
    Client,
    types::{
        AlarmIdentifier, Change, ChangeAction, ChangeBatch, CidrCollectionChange, CidrCollectionChangeAction,
        CidrRoutingConfig, CloudWatchRegion, GeoLocation, HealthCheckConfig, HealthCheckType,
        ResourceRecordSet, ResourceRecordSetFailover, ResourceRecordSetRegion, RrType, Tag, TagResourceType,
    },
};
use tokio::process::{Child, Command};

use crate::{
    python,
    world::{World, a, change, client, create, delete, failure, http},
};

/// What is compared, each in a zone of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    ZoneIsFound,
    ZoneWithSetsStays,
    CommentChanges,
    SetsAreWrittenReplacedAndDeleted,
    PoliciesComeBack,
    CidrComesBack,
    ListIsOrdered,
    TagsOfOneResource,
    NameOutsideTheZone,
    ThousandAndOneElements,
    UpsertCountsTwice,
    TypeWithoutName,
    CalculatedChecks,
    FailedBatchChangesNothing,
    CreateOfWhatExists,
    CreateAfterDelete,
    DeleteOfOtherValues,
    DeleteOfOneIdentifier,
    DeleteTwice,
    PagesThroughAGroup,
    UnknownChange,
    AlarmChecks,
    DeleteOfMissingCheck,
}

use Row::{
    AlarmChecks, CalculatedChecks, CidrComesBack, CommentChanges, CreateAfterDelete, CreateOfWhatExists,
    DeleteOfMissingCheck, DeleteOfOneIdentifier, DeleteOfOtherValues, DeleteTwice, FailedBatchChangesNothing,
    ListIsOrdered, NameOutsideTheZone, PagesThroughAGroup, PoliciesComeBack,
    SetsAreWrittenReplacedAndDeleted, TagsOfOneResource, ThousandAndOneElements, TypeWithoutName,
    UnknownChange, UpsertCountsTwice, ZoneIsFound, ZoneWithSetsStays,
};

/// Rows in which moto 5.2.1 is right.
const MOTO: &[Row] = &[
    ZoneIsFound,
    ZoneWithSetsStays,
    CommentChanges,
    SetsAreWrittenReplacedAndDeleted,
    PoliciesComeBack,
    ListIsOrdered,
    TagsOfOneResource,
    NameOutsideTheZone,
    ThousandAndOneElements,
    UpsertCountsTwice,
    TypeWithoutName,
    CalculatedChecks,
];

/// Rows in which ministack 1.5.33 is right.
const MINISTACK: &[Row] = &[
    ZoneIsFound,
    ZoneWithSetsStays,
    CommentChanges,
    SetsAreWrittenReplacedAndDeleted,
    PoliciesComeBack,
    CidrComesBack,
    ListIsOrdered,
    TagsOfOneResource,
    FailedBatchChangesNothing,
    CreateOfWhatExists,
    CreateAfterDelete,
    DeleteOfOtherValues,
    DeleteOfOneIdentifier,
    DeleteTwice,
    PagesThroughAGroup,
    UnknownChange,
    AlarmChecks,
    DeleteOfMissingCheck,
];

#[tokio::test]
async fn moto_agrees_where_it_is_right() {
    let programs = tokio::task::spawn_blocking(|| python::programs("moto")).await.unwrap();
    let (_server, url) = started(|port| {
        let mut command = Command::new(programs.join("moto_server"));
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        command
    })
    .await;
    compare(&url, MOTO).await;
}

#[tokio::test]
async fn ministack_agrees_where_it_is_right() {
    let programs = tokio::task::spawn_blocking(|| python::programs("ministack")).await.unwrap();
    let (_server, url) = started(|port| {
        let mut command = Command::new(Path::new(&programs).join("ministack"));
        command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
        command
    })
    .await;
    compare(&url, MINISTACK).await;
}

async fn compare(url: &str, rows: &[Row]) {
    let world = World::new().await;
    let other = client(url);
    let mut different = BTreeMap::new();
    for row in rows {
        let (ours, theirs) = (observe(&world.client, *row).await, observe(&other, *row).await);
        if ours != theirs {
            different.insert(*row, (ours, theirs));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
}

/// A program that listens; it ends with the returned child.
async fn started(command: impl Fn(u16) -> Command) -> (Child, String) {
    let home = std::env::temp_dir();
    for _ in 0..3 {
        // Another process may take the port in between, therefore again.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = command(port);
        command.current_dir(&home).stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
        let mut child = command.stderr(std::process::Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let ready = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            http(&url, "GET", "/", &[], "").await;
        };
        tokio::select! {
            ready = tokio::time::timeout(std::time::Duration::from_secs(120), ready) => {
                ready.expect("the other emulator listens within two minutes");
                return (child, url);
            }
            _ended = child.wait() => {}
        }
    }
    panic!("the other emulator ended three times before it listened");
}

/// What a client sees, without ids and texts.
async fn observe(client: &Client, row: Row) -> String {
    let name = format!("{row:?}.example").to_lowercase();
    let created = client.create_hosted_zone().name(&name).caller_reference(&name).send().await.unwrap();
    let zone = created.hosted_zone.unwrap().id;
    let seen = Observer { client, zone: &zone, name: &name };
    match row {
        ZoneIsFound => seen.zone().await,
        ZoneWithSetsStays => {
            seen.change([create(seen.a("www"))]).await;
            let refused = client.delete_hosted_zone().id(&zone).send().await.map(|_| "deleted".to_owned());
            let refused = refused.unwrap_or_else(|error| failure(error).code);
            seen.change([delete(seen.a("www"))]).await;
            client.delete_hosted_zone().id(&zone).send().await.unwrap();
            format!(
                "{refused} {}",
                failure(client.get_hosted_zone().id(&zone).send().await.unwrap_err()).code
            )
        }
        CommentChanges => {
            let updated = client.update_hosted_zone_comment().id(&zone).comment("new").send().await.unwrap();
            format!("{:?}", updated.hosted_zone.unwrap().config.unwrap().comment)
        }
        SetsAreWrittenReplacedAndDeleted => {
            let mut all = Vec::new();
            for changes in [
                vec![create(seen.a("www")), create(seen.a("api"))],
                vec![change(ChangeAction::Upsert, seen.a_of("www", "192.0.2.9"))],
                vec![delete(seen.a("api"))],
            ] {
                all.push(seen.change(changes).await);
                all.push(seen.list().await);
            }
            all.join("\n")
        }
        PoliciesComeBack => seen.policies().await,
        CidrComesBack => seen.cidr().await,
        ListIsOrdered => {
            let names = ["b", "a", "z.a", "c.b"];
            seen.change(names.map(|name| create(seen.a(name)))).await;
            let page =
                client.list_resource_record_sets().hosted_zone_id(&zone).max_items(5).send().await.unwrap();
            let listed: Vec<_> =
                page.resource_record_sets.iter().map(|set| (&set.name, &set.r#type)).collect();
            format!("{listed:?} {:?}", page.next_record_name)
        }
        TagsOfOneResource => {
            let id = zone.trim_start_matches("/hostedzone/");
            let tag = Tag::builder().key("owner").value("shop").build();
            let kind = TagResourceType::Hostedzone;
            client
                .change_tags_for_resource()
                .resource_type(kind.clone())
                .resource_id(id)
                .add_tags(tag)
                .send()
                .await
                .unwrap();
            let set =
                client.list_tags_for_resource().resource_type(kind).resource_id(id).send().await.unwrap();
            format!("{:?}", set.resource_tag_set.unwrap().tags)
        }
        NameOutsideTheZone => seen.change([create(a("www.example.org", "192.0.2.1"))]).await,
        ThousandAndOneElements => {
            seen.change((0..1001).map(|number| create(seen.a(&format!("r{number}"))))).await
        }
        UpsertCountsTwice => {
            let upserts = (0..501).map(|number| change(ChangeAction::Upsert, seen.a(&format!("r{number}"))));
            seen.change(upserts).await
        }
        TypeWithoutName => {
            let list = client.list_resource_record_sets().hosted_zone_id(&zone).start_record_type(RrType::A);
            list.send().await.map_or_else(|error| failure(error).code, |_| "listed".to_owned())
        }
        CalculatedChecks => seen.calculated().await,
        FailedBatchChangesNothing => {
            let outcome = seen.change([create(seen.a("ok")), delete(seen.a("missing"))]).await;
            format!("{outcome} {}", seen.list().await)
        }
        CreateOfWhatExists => {
            seen.change([create(seen.a("www"))]).await;
            seen.change([create(seen.a_of("www", "192.0.2.9"))]).await
        }
        CreateAfterDelete => {
            seen.change([create(seen.a("www")), create(seen.a("zzz"))]).await;
            seen.change([delete(seen.a("www"))]).await;
            seen.change([create(seen.a("www"))]).await
        }
        DeleteOfOtherValues => {
            seen.change([create(seen.a("www"))]).await;
            let ttl = delete(seen.a("www").ttl(61));
            format!(
                "{} {}",
                seen.change([delete(seen.a_of("www", "192.0.2.9"))]).await,
                seen.change([ttl]).await
            )
        }
        DeleteOfOneIdentifier => {
            let set = |name: &str, identifier: &str| seen.a(name).set_identifier(identifier).weight(1);
            let sets = [set("www", "x"), set("www", "y"), set("api", "x")];
            seen.change(sets.map(create)).await;
            seen.change([delete(set("www", "x"))]).await;
            seen.list().await
        }
        DeleteTwice => {
            seen.change([create(seen.a("www"))]).await;
            seen.change([delete(seen.a("www")), delete(seen.a("www"))]).await
        }
        PagesThroughAGroup => {
            let sets =
                (0..5).map(|number| create(seen.a("www").set_identifier(format!("s{number}")).weight(1)));
            seen.change(sets).await;
            seen.list_by(2).await
        }
        UnknownChange => failure(client.get_change().id("C0123456789").send().await.unwrap_err()).code,
        AlarmChecks => {
            let alarm =
                AlarmIdentifier::builder().region(CloudWatchRegion::EuWest1).name("cpu").build().unwrap();
            let config = HealthCheckConfig::builder()
                .r#type(HealthCheckType::CloudwatchMetric)
                .alarm_identifier(alarm);
            let config = seen.check("alarm", config.build().unwrap()).await;
            format!("{:?} {:?}", config.r#type, config.alarm_identifier)
        }
        DeleteOfMissingCheck => {
            let missing =
                client.delete_health_check().health_check_id("99999999-aaaa-4aaa-8aaa-00000000dead");
            failure(missing.send().await.unwrap_err()).code
        }
    }
}

struct Observer<'a> {
    client: &'a Client,
    zone: &'a str,
    name: &'a str,
}

type SetBuilder = aws_sdk_route53::types::builders::ResourceRecordSetBuilder;

impl Observer<'_> {
    fn a(&self, label: &str) -> SetBuilder {
        self.a_of(label, "192.0.2.1")
    }

    fn a_of(&self, label: &str, address: &str) -> SetBuilder {
        a(&format!("{label}.{}.", self.name), address)
    }

    async fn change(&self, changes: impl IntoIterator<Item = Change>) -> String {
        let batch = ChangeBatch::builder().set_changes(Some(changes.into_iter().collect())).build().unwrap();
        let sent = self
            .client
            .change_resource_record_sets()
            .hosted_zone_id(self.zone)
            .change_batch(batch)
            .send()
            .await;
        sent.map_or_else(|error| failure(error).code, |_| "accepted".to_owned())
    }

    async fn list(&self) -> String {
        self.list_by(100).await
    }

    /// Everything but the zone's own sets.
    async fn list_by(&self, size: i32) -> String {
        let mut all: Vec<ResourceRecordSet> = Vec::new();
        let list = || self.client.list_resource_record_sets().hosted_zone_id(self.zone).max_items(size);
        let mut next = list();
        loop {
            let page = next.send().await.unwrap();
            all.extend(page.resource_record_sets);
            if !page.is_truncated {
                break;
            }
            next = list()
                .set_start_record_name(page.next_record_name)
                .set_start_record_type(page.next_record_type)
                .set_start_record_identifier(page.next_record_identifier);
        }
        all.retain(|set| !matches!(set.r#type, RrType::Ns | RrType::Soa));
        // The service promises no order among the sets of one name and type.
        all.sort_by_key(|set| (set.name.clone(), set.r#type.to_string(), set.set_identifier.clone()));
        format!("{all:?}")
    }

    async fn zone(&self) -> String {
        let zone = self.client.get_hosted_zone().id(self.zone).send().await.unwrap().hosted_zone.unwrap();
        let by_name =
            self.client.list_hosted_zones_by_name().dns_name(self.name).max_items(1).send().await.unwrap();
        let listed = self.client.list_hosted_zones().send().await.unwrap().hosted_zones;
        let listed = listed.iter().any(|each| each.id == zone.id);
        format!("{} {} {} {listed}", zone.name, zone.caller_reference, by_name.hosted_zones[0].id == zone.id)
    }

    async fn policies(&self) -> String {
        let location = GeoLocation::builder().country_code("US").subdivision_code("TX").build();
        let default = GeoLocation::builder().country_code("*").build();
        let sets = [
            self.a("weighted").set_identifier("x").weight(0),
            self.a("geo").set_identifier("tx").geo_location(location),
            self.a("geo").set_identifier("default").geo_location(default),
            self.a("latency").set_identifier("x").region(ResourceRecordSetRegion::EuCentral1),
            self.a("failover").set_identifier("x").failover(ResourceRecordSetFailover::Secondary),
            self.a("multivalue").set_identifier("x").multi_value_answer(true),
        ];
        format!("{} {}", self.change(sets.map(create)).await, self.list().await)
    }

    async fn cidr(&self) -> String {
        let collection = self.client.create_cidr_collection().name("isps").caller_reference("c").send().await;
        // Where there are no collections, any id is taken.
        let id = match collection {
            Ok(created) => created.collection.unwrap().id.unwrap(),
            Err(_) => "c0111111-0000-4000-8000-000000000001".to_owned(),
        };
        let put = CidrCollectionChange::builder().location_name("a").action(CidrCollectionChangeAction::Put);
        let put = put.cidr_list("203.0.113.0/24").build().unwrap();
        let _ = self.client.change_cidr_collection().id(&id).changes(put).send().await;
        let config = CidrRoutingConfig::builder().collection_id(&id).location_name("a").build().unwrap();
        let changed =
            self.change([create(self.a("www").set_identifier("x").cidr_routing_config(config))]).await;
        format!("{changed} {}", self.list().await.replace(&id, "ID"))
    }

    async fn check(&self, reference: &str, config: HealthCheckConfig) -> HealthCheckConfig {
        let reference = format!("{}-{reference}", self.name);
        let created =
            self.client.create_health_check().caller_reference(reference).health_check_config(config);
        let id = created.send().await.unwrap().health_check.unwrap().id;
        let check =
            self.client.get_health_check().health_check_id(id).send().await.unwrap().health_check.unwrap();
        check.health_check_config.unwrap()
    }

    async fn calculated(&self) -> String {
        let tcp = HealthCheckConfig::builder().r#type(HealthCheckType::Tcp).ip_address("192.0.2.1").port(443);
        let tcp = tcp.build().unwrap();
        let created =
            self.client.create_health_check().caller_reference("child").health_check_config(tcp).send().await;
        let child = created.unwrap().health_check.unwrap().id;
        let config = HealthCheckConfig::builder().r#type(HealthCheckType::Calculated).health_threshold(1);
        let config = self.check("parent", config.child_health_checks(&child).build().unwrap()).await;
        format!(
            "{:?} {:?} {}",
            config.r#type,
            config.health_threshold,
            config.child_health_checks() == [child]
        )
    }
}
