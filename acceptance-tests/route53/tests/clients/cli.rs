//! The AWS CLI, as a user of such a zone would use it.

use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

use crate::{python, world::World};

/// The CLI takes a second or two to start, more on a busy machine.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(120);

struct Cli {
    program: PathBuf,
    url: String,
    home: tempfile::TempDir,
}

impl Cli {
    async fn new(world: &World) -> Self {
        let programs = tokio::task::spawn_blocking(|| python::programs("awscli")).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        Self { program: programs.join("aws"), url: world.emulator.api_url.clone(), home }
    }

    /// What a command says as JSON, or its error text.
    async fn try_run(&self, arguments: &[&str]) -> Result<Value, String> {
        let run = Command::new(&self.program)
            .arg("route53")
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("AWS_ACCESS_KEY_ID", "AKID")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL_ROUTE_53", &self.url)
            .env("AWS_MAX_ATTEMPTS", "1")
            .kill_on_drop(true)
            .output();
        let output = timeout(LIMIT, run).await.unwrap().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if !output.status.success() {
            return Err(text(&output.stderr));
        }
        let answer = text(&output.stdout);
        Ok(if answer.is_empty() { Value::Null } else { serde_json::from_str(&answer).unwrap() })
    }

    async fn run(&self, arguments: &[&str]) -> Value {
        self.try_run(arguments).await.unwrap_or_else(|error| panic!("aws route53 {arguments:?}: {error}"))
    }
}

#[tokio::test]
async fn a_user_makes_a_zone_routes_by_place_and_asks_who_answers() {
    let world = World::new().await;
    let cli = Cli::new(&world).await;
    let zone = cli.run(&["create-hosted-zone", "--name", "example.com", "--caller-reference", "r"]).await;
    let id = zone["HostedZone"]["Id"].as_str().unwrap();
    assert!(zone["Location"].as_str().unwrap().ends_with(id));

    let config = json!({"Type": "HTTPS", "IPAddress": "192.0.2.1", "ResourcePath": "/", "FullyQualifiedDomainName": "app.example.com"});
    let check = cli
        .run(&[
            "create-health-check",
            "--caller-reference",
            "c",
            "--health-check-config",
            &config.to_string(),
        ])
        .await;
    let check = check["HealthCheck"]["Id"].as_str().unwrap().to_owned();
    let status = cli.run(&["get-health-check-status", "--health-check-id", &check]).await;
    assert_eq!(status["HealthCheckObservations"].as_array().unwrap().len(), 8);

    let set = |identifier: &str, location: Value, address: &str, check: Option<&str>| {
        let mut set = json!({
            "Name": "*.example.com", "Type": "A", "SetIdentifier": identifier, "GeoLocation": location, "TTL": 60,
            "ResourceRecords": [{"Value": address}],
        });
        if let Some(check) = check {
            set["HealthCheckId"] = json!(check);
        }
        json!({"Action": "UPSERT", "ResourceRecordSet": set})
    };
    let batch = json!({"Comment": "places", "Changes": [
        set("eu", json!({"ContinentCode": "EU"}), "192.0.2.1", Some(&check)),
        set("us-tx", json!({"CountryCode": "US", "SubdivisionCode": "TX"}), "192.0.2.2", None),
        set("default", json!({"CountryCode": "*"}), "192.0.2.3", None),
    ]});
    let change =
        ["change-resource-record-sets", "--hosted-zone-id", id, "--change-batch", &batch.to_string()];
    let info = cli.run(&change).await["ChangeInfo"].clone();
    assert_eq!((&info["Status"], &info["Comment"]), (&json!("PENDING"), &json!("places")));
    let info = cli.run(&["get-change", "--id", info["Id"].as_str().unwrap()]).await;
    assert_eq!(info["ChangeInfo"]["Status"], "INSYNC");

    let list = cli.run(&["list-resource-record-sets", "--hosted-zone-id", id, "--page-size", "2"]).await;
    let sets = list["ResourceRecordSets"].as_array().unwrap();
    assert_eq!(sets.len(), 5);
    let eu = sets.iter().find(|set| set["SetIdentifier"] == "eu").unwrap();
    assert_eq!((&eu["Name"], &eu["HealthCheckId"]), (&json!(r"\052.example.com."), &json!(check)));

    let network = route53_emulator::dns::network_of("DE", None).unwrap();
    let (address, mask) = (network.address().to_string(), network.prefix().to_string());
    let answer = cli
        .run(&[
            "test-dns-answer",
            "--hosted-zone-id",
            id,
            "--record-name",
            "app.example.com",
            "--record-type",
            "A",
            "--resolver-ip",
            "198.51.100.53",
            "--edns0-client-subnet-ip",
            &address,
            "--edns0-client-subnet-mask",
            &mask,
        ])
        .await;
    assert_eq!((&answer["RecordData"], &answer["ResponseCode"]), (&json!(["192.0.2.1"]), &json!("NOERROR")));
}

#[tokio::test]
async fn a_user_reads_why_a_batch_was_refused() {
    let world = World::new().await;
    let cli = Cli::new(&world).await;
    let zone = world.zone("example.com").await;
    let batch = json!({"Changes": [{"Action": "DELETE", "ResourceRecordSet": {
        "Name": "www.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}}]});
    let change =
        ["change-resource-record-sets", "--hosted-zone-id", &zone, "--change-batch", &batch.to_string()];
    let error = cli.try_run(&change).await.unwrap_err();
    assert!(
        error.contains(
            "(InvalidChangeBatch) when calling the ChangeResourceRecordSets operation: [Tried to delete resource record \
             set [name='www.example.com.', type='A'] but it was not found]"
        ),
        "{error}"
    );
    let error =
        cli.try_run(&["list-vpc-association-authorizations", "--hosted-zone-id", &zone]).await.unwrap_err();
    assert!(error.contains("ListVPCAssociationAuthorizations is not implemented"), "{error}");
}

#[tokio::test]
async fn the_other_commands_read_their_answers() {
    let world = World::new().await;
    let cli = Cli::new(&world).await;
    let zone = world.zone("example.com").await;
    let tags = "Key=owner,Value=shop";
    let resource = ["--resource-type", "hostedzone", "--resource-id", &zone];
    cli.run(&[&["change-tags-for-resource", "--add-tags", tags][..], &resource].concat()).await;
    let tags = cli.run(&[&["list-tags-for-resource"][..], &resource].concat()).await;
    assert_eq!(tags["ResourceTagSet"]["Tags"], json!([{"Key": "owner", "Value": "shop"}]));

    let collection = cli.run(&["create-cidr-collection", "--name", "isps", "--caller-reference", "r"]).await;
    let id = collection["Collection"]["Id"].as_str().unwrap();
    let changes = json!([{"LocationName": "a", "Action": "PUT", "CidrList": ["203.0.113.0/24"]}]).to_string();
    cli.run(&["change-cidr-collection", "--id", id, "--collection-version", "1", "--changes", &changes])
        .await;
    let blocks = cli.run(&["list-cidr-blocks", "--collection-id", id]).await;
    assert_eq!(blocks["CidrBlocks"], json!([{"CidrBlock": "203.0.113.0/24", "LocationName": "a"}]));
    let collections = cli.run(&["list-cidr-collections"]).await;
    assert_eq!(collections["CidrCollections"][0]["Version"], 2);

    let places = cli.run(&["list-geo-locations", "--max-items", "3"]).await;
    assert_eq!(
        places["GeoLocationDetailsList"][0],
        json!({"ContinentCode": "AF", "ContinentName": "Africa"})
    );
    let ranges = cli.run(&["get-checker-ip-ranges"]).await;
    assert!(!ranges["CheckerIpRanges"].as_array().unwrap().is_empty());
    let limit = cli.run(&["get-account-limit", "--type", "MAX_HEALTH_CHECKS_BY_OWNER"]).await;
    assert_eq!(limit["Limit"]["Value"], 200);
}
