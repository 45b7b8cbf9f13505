//! What users write.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use multicluster::core::federation::identity::DEFAULT_NAMESPACE;
use multicluster::core::names::{FederationName, InvalidName, ReleaseName};

/// Shows what multicluster keeps on clusters, and why.
#[derive(Parser)]
#[command(name = "multicluster", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show what a federation has on each cluster and whether it is as the last apply left it. Reads only.
    /// Exit code 1 if something differs or a cluster does not answer.
    Status(StatusArguments),
    /// Say for each cluster why an object is, or is not, there. Reads only.
    /// Exit code 1 if it is not as the federation means it to be, or a cluster does not answer.
    Explain(ExplainArguments),
    /// Follow a release until it ends or waits for somebody: a table on a terminal, lines elsewhere. Reads only.
    /// Exit code 1 if a cluster does not answer (with `--once` and `--json`).
    Watch(WatchArguments),
}

#[derive(Args)]
pub(crate) struct WatchArguments {
    /// The release: NAMESPACE/NAME.
    pub(crate) release: ReleaseArgument,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Look once, and end.
    #[arg(long)]
    pub(crate) once: bool,
    /// Look once, and print the journal as JSON: `.journal.active` is what is live.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct StatusArguments {
    /// The federation.
    pub(crate) federation: FederationArgument,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Print JSON instead, of the shape that the README describes.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct ExplainArguments {
    /// The object: `deployment/web`, `svc/web`, `widgets.example.com/w1`.
    pub(crate) object: ObjectArgument,
    /// Its namespace; `default` for kinds that live in one.
    #[arg(short, long)]
    pub(crate) namespace: Option<String>,
    /// The federation.
    #[arg(short, long)]
    pub(crate) federation: FederationArgument,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Where to look, and with what knowledge.
#[derive(Args)]
pub(crate) struct Place {
    /// A kubeconfig file.
    #[arg(long)]
    pub(crate) kubeconfig: PathBuf,
    /// The contexts to look at.
    #[arg(long, required = true, value_delimiter = ',')]
    pub(crate) context: Vec<String>,
    /// Files with the manifests that are federated. With them, fields that somebody changed are named.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(crate) manifest: Vec<PathBuf>,
    /// The namespace of the federation's records.
    #[arg(long, default_value = DEFAULT_NAMESPACE)]
    pub(crate) inventory_namespace: String,
}

#[derive(Clone)]
pub(crate) struct FederationArgument(pub(crate) FederationName);

impl FromStr for FederationArgument {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        FederationName::new(text).map(Self)
    }
}

/// A release and its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReleaseArgument {
    pub(crate) namespace: String,
    pub(crate) name: ReleaseName,
}

impl FromStr for ReleaseArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/').filter(|(namespace, _)| !namespace.is_empty());
        let (namespace, name) = parts.ok_or("write NAMESPACE/NAME, such as `guestbook/frontend`")?;
        let name = ReleaseName::new(name).map_err(|error| error.to_string())?;
        Ok(Self { namespace: namespace.to_owned(), name })
    }
}

/// A kind as somebody types it, and a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectArgument {
    pub(crate) kind: String,
    pub(crate) name: String,
}

impl FromStr for ObjectArgument {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((kind, name)) if !kind.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self { kind: kind.to_owned(), name: name.to_owned() })
            }
            _ => Err("write KIND/NAME, such as `deployment/web`; the namespace goes into `--namespace`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Arguments::command().debug_assert();
    }

    #[rstest]
    #[case::kind_and_name("deployment/web", Some(("deployment", "web")))]
    #[case::with_group("widgets.example.com/w1", Some(("widgets.example.com", "w1")))]
    #[case::no_kind("/web", None)]
    #[case::no_name("deployment/", None)]
    #[case::only_a_name("web", None)]
    #[case::with_namespace("deployment/shop/web", None)]
    fn objects(#[case] text: &str, #[case] expected: Option<(&str, &str)>) {
        let parsed: Result<ObjectArgument, _> = text.parse();
        let parsed = parsed.ok();
        assert_eq!(parsed.as_ref().map(|it| (it.kind.as_str(), it.name.as_str())), expected);
    }

    #[rstest]
    #[case::status(&["status", "world", "--kubeconfig", "k", "--context", "a,b", "--json"])]
    #[case::explain(&["explain", "deployment/web", "-n", "shop", "-f", "world", "--kubeconfig", "k", "--context", "a", "--manifest", "a.yaml", "b.yaml"])]
    #[case::watch(&["watch", "shop/web", "--kubeconfig", "k", "--context", "a,b", "--once"])]
    fn commands(#[case] words: &[&str]) {
        let words = std::iter::once(&"multicluster").chain(words);
        assert!(Arguments::try_parse_from(words).is_ok());
    }

    #[rstest]
    #[case::without_contexts(&["status", "world", "--kubeconfig", "k"])]
    #[case::a_name_that_is_none(&["status", "World", "--kubeconfig", "k", "--context", "a"])]
    #[case::a_release_without_its_namespace(&["watch", "web", "--kubeconfig", "k", "--context", "a"])]
    fn refusals(#[case] words: &[&str]) {
        let words = std::iter::once(&"multicluster").chain(words);
        assert!(Arguments::try_parse_from(words).is_err());
    }
}
