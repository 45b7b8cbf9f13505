//! Configurations that are refused at plan, many of them by one plan.

use std::fmt::Write as _;

use anyhow::ensure;

use super::hcl::{REQUIRED, provider_for, resource};
use crate::world::{Scenario, World};

/// One configuration, and what is said about it.
pub(super) struct Refused {
    /// Of the federation.
    pub(super) name: &'static str,
    /// The manifest of its only entry `it`, and the entry's other arguments.
    pub(super) entry: (String, &'static str),
    /// The attribute below the entry.
    pub(super) path: &'static str,
    /// A part of the sentence.
    pub(super) words: &'static str,
}

/// Plans all of them, each in a federation of its own on three members, and fails unless each is refused with exactly
/// one error, at its path.
pub(super) async fn all_at_plan(world: &'static World, cases: &[Refused]) -> anyhow::Result<()> {
    let mut text = format!("{REQUIRED}{}", provider_for(world, &["aws", "azure", "gcp"]));
    for Refused { name, entry: (manifest, arguments), .. } in cases {
        let entry = resource("it", manifest, arguments);
        let _ = writeln!(
            text,
            "resource \"multicluster_federation\" \"{name}\" {{
  name    = \"t-{name}\"
  members = {{
    aws   = {{ labels = {{ region = \"sa\" }} }}
    azure = {{ labels = {{ region = \"eu\" }} }}
    gcp   = {{ labels = {{ region = \"au\" }} }}
  }}
  resources = {{
{entry}  }}
}}"
        );
    }
    let scenario = Scenario::new(world, &text).await?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    let words =
        |error: &str| error.replace(['│', '╷', '╵'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let said: Vec<String> = plan.stderr.split("Error: ").map(words).collect();
    let mut failures = Vec::new();
    for Refused { name, path, words, .. } in cases {
        let address = format!("with multicluster_federation.{name},");
        let errors: Vec<&String> = said.iter().filter(|error| error.contains(&address)).collect();
        let place = format!("resources[\"it\"].{path}: ");
        match errors.as_slice() {
            [one] if one.contains(&place) && one.contains(words) => {}
            others => failures.push(format!("{name}: no `{place}… {words} …`, but: {others:#?}")),
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}
