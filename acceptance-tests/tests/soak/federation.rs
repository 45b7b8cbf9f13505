//! A federation: what is asked for changes from round to round, and each apply is disturbed.
//!
//! The provider dies at some point, the whole of Terraform is killed or interrupted at some moment, a member cannot be
//! reached. After a few rounds one apply is left alone. Then every member must have exactly what was asked for last, and
//! the next plan must be empty.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acceptance_tests::{Fault, Proxy};
use anyhow::{Context as _, ensure};
use kube::api::ListParams;

use crate::dice::Dice;
use crate::world::{Scenario, World, said};
use crate::{hcl, look};

const NAME: &str = "soak";
const MEMBERS: [&str; 3] = ["aws", "azure", "gcp"];
const OBJECTS: [&str; 4] = ["one", "two", "three", "four"];
/// Where the provider can be made to die; a point that an apply does not pass does no harm.
const POINTS: [&str; 12] = [
    "inventory-write-before",
    "inventory-write-after",
    "object-apply-before",
    "object-apply-after",
    "object-delete-before",
    "object-delete-after",
    "lease-acquire-before",
    "lease-acquire-after",
    "inventory-delete-before",
    "inventory-delete-after",
    "namespace-delete-before",
    "namespace-delete-after",
];

/// What is asked for: members, and on all of them these ConfigMaps with their values.
#[derive(Clone, Debug, Default)]
struct Wish {
    members: BTreeSet<&'static str>,
    objects: BTreeMap<&'static str, usize>,
}

impl Wish {
    fn new(dice: &mut Dice) -> Self {
        let mut members = dice.some(&MEMBERS);
        members.insert(MEMBERS[dice.below(MEMBERS.len())]);
        let objects = dice.some(&OBJECTS).into_iter().map(|name| (name, dice.below(1000))).collect();
        Self { members, objects }
    }

    fn configuration(&self, entries: &[String]) -> String {
        let objects = self
            .objects
            .iter()
            .map(|(name, value)| hcl::resource(name, &hcl::config_map(NAME, name, &value.to_string()), ""));
        let web = hcl::resource("web", &hcl::deployment(NAME, "web", "web:slow-1s", 2), "");
        let resources: String = [hcl::namespace(NAME), web].into_iter().chain(objects).collect();
        let members: Vec<&str> = self.members.iter().copied().collect();
        let federation =
            hcl::federation(NAME, &members, "  timeouts = { create = \"2m\", update = \"2m\" }", &resources);
        format!("{}{}{federation}", hcl::REQUIRED, hcl::provider(entries))
    }
}

pub(crate) async fn soak(world: &'static World, rounds: usize, mut dice: Dice) -> anyhow::Result<()> {
    let mut proxies: BTreeMap<&str, Proxy> = BTreeMap::new();
    let mut entries = Vec::new();
    for name in MEMBERS {
        let proxy = world.lab.proxy(name).await?;
        let cluster = world.lab.cluster(name);
        entries.push(format!(
            "{name} = {{ host = {:?}, cluster_ca_certificate = <<-EOT\n{}\nEOT\n token = {:?} }}\n",
            proxy.host(),
            cluster.ca_pem,
            cluster.token
        ));
        proxies.insert(name, proxy);
    }
    let mut wish = Wish::new(&mut dice);
    let scenario = Scenario::new(world, &wish.configuration(&entries)).await?;
    for round in 1..=rounds {
        let leave = dice.below(8) == 0;
        if !leave {
            wish = Wish::new(&mut dice);
        }
        scenario.write(&wish.configuration(&entries))?;
        let verb = if leave { "destroy" } else { "apply" };
        let trouble = disturb(&scenario, &proxies, verb, &mut dice).await?;
        println!("soak: round {round}: {verb} {:?}, {trouble}", wish.members);
        if dice.below(3) == 0 || round == rounds {
            settle(&scenario, verb).await.with_context(|| format!("round {round}: {trouble}"))?;
            let expected = if leave { Wish::default() } else { wish.clone() };
            check(world, &expected).await.with_context(|| format!("round {round}: {trouble}"))?;
            if !leave {
                scenario.expect_no_changes().await.with_context(|| format!("round {round}"))?;
            }
            println!("soak: round {round}: all is as asked");
        }
    }
    settle(&scenario, "destroy").await?;
    check(world, &Wish::default()).await
}

/// One apply or destroy that something happens to. How it ends does not matter.
async fn disturb(
    scenario: &Scenario,
    proxies: &BTreeMap<&str, Proxy>,
    verb: &str,
    dice: &mut Dice,
) -> anyhow::Result<String> {
    let arguments = [verb, "-input=false", "-auto-approve"];
    let moment = Duration::from_millis(u64::try_from(dice.below(6000))?);
    match dice.below(5) {
        0 => {
            let point = format!("{}#{}=kill", POINTS[dice.below(POINTS.len())], 1 + dice.below(4));
            scenario.terraform.clone().with_env("MULTICLUSTER_FAILPOINTS", &point).run(&arguments).await?;
            Ok(point)
        }
        1 => {
            let run = scenario.terraform.spawn(&arguments)?;
            tokio::time::sleep(moment).await;
            // It may have ended already.
            let _ = run.kill();
            run.wait().await?;
            // What a killed Terraform leaves behind on its own disk.
            let _ = std::fs::remove_file(scenario.terraform.directory().join(".terraform.tfstate.lock.info"));
            Ok(format!("killed after {moment:?}"))
        }
        2 => {
            let run = scenario.terraform.spawn(&arguments)?;
            tokio::time::sleep(moment).await;
            let _ = run.interrupt();
            run.wait().await?;
            Ok(format!("interrupted after {moment:?}"))
        }
        3 => {
            let name = MEMBERS[dice.below(MEMBERS.len())];
            let fault =
                [Fault::Cut, Fault::Errors(503), Fault::Slow(Duration::from_millis(50))][dice.below(3)];
            let proxy = proxies.get(name).context("no proxy")?;
            let run = scenario.terraform.spawn(&arguments)?;
            tokio::time::sleep(moment / 3).await;
            proxy.set(fault).await?;
            run.wait().await?;
            proxy.set(Fault::None).await?;
            Ok(format!("{name}: {fault:?} after {:?}", moment / 3))
        }
        _ => {
            scenario.terraform.run(&arguments).await?;
            Ok("undisturbed".to_owned())
        }
    }
}

/// One apply or destroy that is left in peace, and has to succeed.
async fn settle(scenario: &Scenario, verb: &str) -> anyhow::Result<()> {
    let arguments = [verb, "-input=false", "-auto-approve"];
    let output = scenario.terraform.run(&arguments).await?;
    // Terraform itself was killed after the provider had finished and before the state was written.
    if said(&output).contains("exists already") {
        println!("soak: imported");
        scenario.terraform.run(&["import", "multicluster_federation.it", NAME]).await?.ok()?;
        scenario.terraform.run(&arguments).await?.ok()?;
        return Ok(());
    }
    output.ok()?;
    Ok(())
}

/// Every member has exactly what was asked for.
async fn check(world: &World, wish: &Wish) -> anyhow::Result<()> {
    for cluster in MEMBERS {
        let found: BTreeMap<String, String> = look::config_maps(world, cluster, NAME)
            .await?
            .list(&ListParams::default().labels("multicluster.dev/federation"))
            .await?
            .into_iter()
            .filter_map(|it| Some((it.metadata.name?, it.data?.remove("key")?)))
            .collect();
        let member = wish.members.contains(cluster);
        let wanted = wish.objects.iter().filter(|_| member);
        let wanted: BTreeMap<String, String> =
            wanted.map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
        ensure!(found == wanted, "{cluster} has {found:?} instead of {wanted:?}");
        let web = look::deployments(world, cluster, NAME).await?.get_opt("web").await?;
        ensure!(web.is_some() == member, "{cluster}: the Deployment is there: {}", web.is_some());
        let state = look::inventory(world, cluster, NAME).await?.map(|it| it["state"].clone());
        let complete = state.as_ref().is_some_and(|state| state == "complete");
        ensure!(complete == member, "{cluster}: the record says {state:?}");
    }
    Ok(())
}
