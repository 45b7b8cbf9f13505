//! What names in DNS cost: calls of Route 53 for some names in one configuration, beside one resource per record set; and
//! how long it takes to say who answers whom.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use acceptance_tests::route53::{Alone, Knobs, Settings, Zone};
use acceptance_tests::terraform::{Cli, Output};
use acceptance_tests::{Mirror, Plugin, Progress, Terraform, provider_build};
use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use tokio::runtime::Runtime;

use crate::table::Table;

/// Names in one configuration.
const NAMES: [usize; 3] = [1, 10, 100];
/// The record sets of a name, all of one geolocation: identifier, place in our words, in those of the other provider,
/// address.
const SETS: [(&str, &str, &str, &str); 4] = [
    ("azure-eu", "continents = [\"EU\"]", "continent = \"EU\"", "20.50.0.1"),
    ("gcp-as", "continents = [\"AS\"]", "continent = \"AS\"", "34.116.0.1"),
    ("aws-na", "continents = [\"NA\"]", "continent = \"NA\"", "20.0.0.1"),
    ("aws-default", "", "country = \"*\"", "20.0.0.1"),
];
/// The other provider waits 15 s after each change of a record set. With so many at a time the calls are the same, and
/// the benchmark ends.
const OTHERS_AT_A_TIME: &str = "-parallelism=40";
/// The most names that the other provider is measured with.
const OTHERS_UP_TO: usize = 10;
/// What stands where nothing was measured.
const NOTHING: &str = "–";

/// Who writes the records.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// A `multicluster_geo_dns` per name.
    Ours,
    /// An `aws_route53_record` per record set.
    Aws,
}

/// The operations, in their order.
const OPERATIONS: [&str; 4] = ["create", "plan without changes", "apply of one change", "destroy"];

/// What an operation took.
struct Taken {
    seconds: f64,
    /// By operation of the API.
    calls: BTreeMap<String, usize>,
}

impl Taken {
    fn all(&self) -> usize {
        self.calls.values().sum()
    }
}

/// Measures all of it. `aws` is a build of `hashicorp/aws`, if there is one.
pub(crate) fn measure(runtime: &Runtime, provider: &Path, aws: Option<&Path>) -> anyhow::Result<String> {
    let mut measures = Vec::new();
    for names in NAMES {
        let ours = runtime.block_on(operations(Writer::Ours, provider, names))?;
        let aws = aws.filter(|_| names <= OTHERS_UP_TO);
        let others = aws.map(|aws| runtime.block_on(operations(Writer::Aws, aws, names))).transpose()?;
        measures.push((names, ours, others));
    }
    let mut text = String::new();
    let columns =
        measures.iter().flat_map(|(names, ..)| [format!("{names}, ours"), format!("{names}, per set")]);
    let mut table = Table::new(std::iter::once("API calls, by names".to_owned()).chain(columns));
    for (at, operation) in OPERATIONS.iter().enumerate() {
        let cells = measures.iter().flat_map(|(_, ours, others)| {
            let other =
                others.as_ref().map_or_else(|| NOTHING.to_owned(), |others| others[at].all().to_string());
            [ours[at].all().to_string(), other]
        });
        table.row(std::iter::once((*operation).to_owned()).chain(cells));
    }
    writeln!(text, "{table}")?;
    let heads = measures.iter().map(|(names, ..)| format!("{names} names"));
    let mut table = Table::new(std::iter::once("calls of ours, by operation".to_owned()).chain(heads));
    for (at, operation) in OPERATIONS.iter().enumerate() {
        table.row(std::iter::once((*operation).to_owned()).chain(measures.iter().map(|(_, ours, _)| {
            let calls = ours[at].calls.iter().map(|(name, count)| format!("{count} {name}"));
            calls.collect::<Vec<_>>().join(", ")
        })));
    }
    writeln!(text, "{table}")?;
    let heads = measures.iter().map(|(names, ..)| format!("{names} names"));
    let mut table = Table::new(std::iter::once("seconds of ours".to_owned()).chain(heads));
    for (at, operation) in OPERATIONS.iter().enumerate() {
        let seconds = measures.iter().map(|(_, ours, _)| format!("{:.2}", ours[at].seconds));
        table.row(std::iter::once((*operation).to_owned()).chain(seconds));
    }
    writeln!(text, "{table}")?;
    write!(text, "{}", answers()?)?;
    Ok(text)
}

/// Creates so many names, plans them, changes one of them, and destroys all.
async fn operations(writer: Writer, binary: &Path, names: usize) -> anyhow::Result<Vec<Taken>> {
    let _step = Progress::Stderr.start(&format!("{names} names in DNS"));
    let route53 = Alone::start(Knobs::default(), Settings::default()).await?;
    let zone = route53.zone("shop").await?;
    let directory = tempfile::tempdir().context("cannot make a directory")?;
    let source = match writer {
        Writer::Ours => "multicluster/multicluster",
        Writer::Aws => "hashicorp/aws",
    };
    let plugin = Plugin { source: source.to_owned(), binary: binary.to_owned() };
    let mut env = Mirror::create(&directory.path().join("mirror"), &[plugin])?.env();
    env.extend(route53.env());
    let terraform = Terraform::new(directory.path(), Cli::Any.locate(Progress::Stderr)?, env);
    let write = |address: &str| {
        std::fs::write(
            directory.path().join("main.tf"),
            configuration(writer, &route53.api_url, &zone, names, address),
        )
    };
    write("20.50.0.1")?;
    terraform.init().await?.ok()?;

    let run = async |arguments: &[&str], code: i32| {
        route53.control().reset_calls().await?;
        let begun = Instant::now();
        let mut arguments = arguments.to_vec();
        if writer == Writer::Aws {
            arguments.insert(1, OTHERS_AT_A_TIME);
        }
        let output: Output = terraform.run(&arguments).await?;
        let seconds = begun.elapsed().as_secs_f64();
        ensure!(output.code == Some(code), "{arguments:?}: {}\n{}", output.stdout, output.stderr);
        let mut calls = BTreeMap::new();
        for call in route53.control().calls().await? {
            *calls.entry(call.operation).or_default() += 1;
        }
        anyhow::Ok(Taken { seconds, calls })
    };
    let create = run(&["apply", "-input=false", "-auto-approve"], 0).await?;
    let plan = run(&["plan", "-input=false", "-detailed-exitcode"], 0).await?;
    // The plan has read what stands; what the apply of it asks is counted.
    write("20.50.0.2")?;
    run(&["plan", "-input=false", "-detailed-exitcode", "-out=one.plan"], 2).await?;
    let change = run(&["apply", "-input=false", "one.plan"], 0).await;
    let destroy = run(&["destroy", "-input=false", "-auto-approve"], 0).await?;
    Ok(vec![create, plan, change?, destroy])
}

/// So many names; the first is answered in Europe by `address`.
fn configuration(writer: Writer, api_url: &str, zone: &Zone, names: usize, address: &str) -> String {
    let source = if writer == Writer::Ours { "multicluster/multicluster" } else { "hashicorp/aws" };
    let alias = source.rsplit('/').next().unwrap_or_default();
    let mut text =
        format!("terraform {{\n  required_providers {{ {alias} = {{ source = {source:?} }} }}\n}}\n");
    let connection = match writer {
        Writer::Ours => format!(
            "provider \"multicluster\" {{\n  route53 = {{ endpoint_url = {api_url:?}, access_key = \"lab\", secret_key = \"lab\" }}\n}}\n"
        ),
        Writer::Aws => format!(
            "provider \"aws\" {{\n  region = \"us-east-1\"\n  access_key = \"lab\"\n  secret_key = \"lab\"\n  skip_credentials_validation = true\n  skip_requesting_account_id = true\n  skip_metadata_api_check = true\n  endpoints {{ route53 = {api_url:?} }}\n}}\n"
        ),
    };
    text.push_str(&connection);
    for number in 0..names {
        let name = zone.within(&format!("app-{number}"));
        let europe = if number == 0 { address } else { SETS[0].3 };
        text.push_str(&match writer {
            Writer::Ours => by_intent(number, &zone.id, &name, europe),
            Writer::Aws => by_set(number, &zone.id, &name, europe),
        });
    }
    text
}

fn by_intent(number: usize, zone: &str, name: &str, europe: &str) -> String {
    let mut endpoints = String::new();
    for (identifier, place, _, address) in SETS.iter().filter(|(_, place, ..)| !place.is_empty()) {
        let cluster = identifier.split('-').next().unwrap_or_default();
        let address = if cluster == "azure" { europe } else { *address };
        // Writing to a text does not fail.
        let _ = writeln!(endpoints, "    {cluster} = {{ values = [{address:?}], {place} }}");
    }
    format!(
        "resource \"multicluster_geo_dns\" \"app_{number}\" {{\n  zone_id = {zone:?}\n  name = {name:?}\n  policy = \"geolocation\"\n  default = \"aws\"\n  endpoints = {{\n{endpoints}  }}\n}}\n"
    )
}

fn by_set(number: usize, zone: &str, name: &str, europe: &str) -> String {
    let set = |(identifier, _, place, address): &(&str, &str, &str, &str)| {
        let address = if *identifier == "azure-eu" { europe } else { *address };
        format!(
            "resource \"aws_route53_record\" \"app_{number}_{identifier}\" {{\n  zone_id = {zone:?}\n  name = {name:?}\n  type = \"A\"\n  ttl = 60\n  records = [{address:?}]\n  set_identifier = {identifier:?}\n  geolocation_routing_policy {{ {place} }}\n}}\n"
        )
    };
    SETS.iter().map(set).collect()
}

/// What the stopwatch prints.
#[derive(Deserialize)]
struct Watched {
    countries: usize,
    geolocation: Times,
    geoproximity: Times,
}

#[derive(Deserialize)]
struct Times {
    tree_ms: f64,
    tree_with_failures_ms: f64,
    records_ms: f64,
    records_with_failures_ms: f64,
}

/// One of the times.
type Which = fn(&Times) -> f64;

/// How long it takes to say who answers whom.
fn answers() -> anyhow::Result<Table> {
    let stopwatch = provider_build::build_answers_stopwatch(Progress::Stderr)?;
    let output = Command::new(stopwatch).output().context("cannot run the stopwatch")?;
    if !output.status.success() {
        bail!("cannot measure answers: {}", String::from_utf8_lossy(&output.stderr));
    }
    let watched: Watched =
        serde_json::from_slice(&output.stdout).context("the stopwatch says something else")?;
    let head = format!("ms for the answers of {} countries, 10 endpoints", watched.countries);
    let mut table = Table::new([head.as_str(), "aim", "geolocation", "geoproximity"]);
    let rows: [(&str, &str, Which); 4] = [
        ("by the intent, all healthy", "50", |it| it.tree_ms),
        ("by the intent, all healthy and each endpoint down", "", |it| it.tree_with_failures_ms),
        ("by the record sets, all healthy", "50", |it| it.records_ms),
        ("by the record sets, all healthy and each endpoint down", "", |it| it.records_with_failures_ms),
    ];
    for (what, aim, of) in rows {
        let cell = |times: &Times| format!("{:.2}", of(times));
        table.row([what, aim, &cell(&watched.geolocation), &cell(&watched.geoproximity)]);
    }
    Ok(table)
}
