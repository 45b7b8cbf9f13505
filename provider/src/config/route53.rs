//! How Route 53 is reached. Nothing here connects until a name asks for its zone.

mod delegation;
mod resolver;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, RwLock};

use multicluster::route53::{
    AssumeRole, CallError, Client, DelegationWarning, HealthCheck, Keys, Run, Settings, check_delegation,
};
use multicluster_core::route53::{RecordName, ZoneFacts};
use secrecy::SecretString;
use tfplugin::schema::{Attribute, Nesting};
use tfplugin::{Diagnostics, Node, validators as checks};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use self::delegation::Delegation;
use self::resolver::Resolver;

/// Route 53, as the provider block has it.
#[derive(Debug, Default)]
pub(crate) struct Route53 {
    /// None until all of it is known.
    settings: RwLock<Option<(Settings, Delegation)>>,
    /// Made by the first who needs it; all share its pace, its reads and its queues.
    client: OnceCell<Client>,
    /// The health checks of all names, when they were read last: one reading serves all who asked before it began.
    checks: tokio::sync::Mutex<Option<(Instant, Arc<Vec<HealthCheck>>)>>,
    /// One lock per zone and name: two resources of one configuration never write to the same one at once.
    names: ByName<Arc<tokio::sync::Mutex<()>>>,
    /// Zones of which it was asked already whether the world finds them.
    delegations: Mutex<BTreeSet<String>>,
    /// Names from which this process has withdrawn an endpoint, with the digest of the answers that are left.
    withdrawn: ByName<String>,
}

/// Something for each name, by zone and name.
type ByName<T> = Mutex<BTreeMap<(String, RecordName), T>>;

/// What the caller references of all our health checks begin with.
const REFERENCE: &str = "mc-";

impl Route53 {
    /// Takes the `route53` attribute.
    pub(crate) fn configure(&self, node: &Node<'_>) {
        if let Ok(mut place) = self.settings.write() {
            *place = node.is_wholly_known().then(|| (settings(node), Delegation::of(node)));
        }
    }

    /// The client; none while the provider block is not known. Nothing is sent yet.
    pub(crate) async fn client(&self) -> Option<Client> {
        let (settings, _) = self.settings.read().ok()?.clone()?;
        Some(self.client.get_or_init(|| async { Client::new(&settings).await }).await.clone())
    }
}

impl Route53 {
    /// The lock of a name within this process.
    pub(crate) fn lock(&self, zone: &str, name: &RecordName) -> Arc<tokio::sync::Mutex<()>> {
        match self.names.lock() {
            Ok(mut locks) => Arc::clone(locks.entry((zone.to_owned(), name.clone())).or_default()),
            Err(_) => Arc::default(),
        }
    }

    /// Notes what this process has left of a name, so that a change that was planned before may go on from there.
    pub(crate) fn note_withdrawn(&self, zone: &str, name: &RecordName, answers: String) {
        if let Ok(mut withdrawn) = self.withdrawn.lock() {
            withdrawn.insert((zone.to_owned(), name.clone()), answers);
        }
    }

    /// Whether these are the answers that this process has left of a name.
    pub(crate) fn has_withdrawn(&self, zone: &str, name: &RecordName, answers: &str) -> bool {
        let key = (zone.to_owned(), name.clone());
        self.withdrawn.lock().is_ok_and(|withdrawn| withdrawn.get(&key).is_some_and(|it| it == answers))
    }

    /// Whether the world finds a zone, as far as a resolver knows. Each zone is asked for once; a resolver that does not
    /// answer soon is nothing to users of ours.
    pub(crate) async fn check_delegation(
        &self,
        zone: &ZoneFacts,
        name_servers: &[String],
    ) -> Option<DelegationWarning> {
        let (_, delegation) = self.settings.read().ok()?.clone()?;
        let wanted = !name_servers.is_empty() && delegation.is_wanted(self.client().await?.is_redirected());
        if !wanted || !self.delegations.lock().ok()?.insert(zone.id.clone()) {
            return None;
        }
        let resolver = match Resolver::new(delegation.resolver) {
            Ok(resolver) => resolver,
            Err(reason) => {
                tracing::debug!(zone = zone.id, reason, "nobody can be asked whether the zone is delegated");
                return None;
            }
        };
        match check_delegation(&zone.name, name_servers, &resolver).await? {
            DelegationWarning::Unknown { reason, .. } => {
                tracing::debug!(zone = zone.id, reason, "it is not known whether the zone is delegated");
                None
            }
            warning => Some(warning),
        }
    }

    /// The health checks of all names. With `since`, as they were after that moment.
    pub(crate) async fn health_checks(
        &self,
        since: Option<Instant>,
        run: &Run,
    ) -> Result<Arc<Vec<HealthCheck>>, CallError> {
        let Some(client) = self.client().await else { return Ok(Arc::default()) };
        let mut known = self.checks.lock().await;
        if let Some((began, checks)) = &*known
            && since.is_none_or(|since| *began >= since)
        {
            return Ok(Arc::clone(checks));
        }
        let began = Instant::now();
        let checks = client.health_checks(|reference| reference.starts_with(REFERENCE), run).await?;
        let checks = Arc::new(checks);
        *known = Some((began, Arc::clone(&checks)));
        Ok(checks)
    }
}

fn settings(node: &Node<'_>) -> Settings {
    let text = |node: &Node<'_>, name: &str| node.attribute(name).str().map(str::to_owned);
    let secret = |name: &str| text(node, name).map(SecretString::from);
    let role = node.attribute("assume_role");
    let assume_role = text(&role, "role_arn").map(|role_arn| AssumeRole {
        role_arn,
        session_name: text(&role, "session_name"),
        external_id: text(&role, "external_id"),
    });
    let keys = secret("access_key").zip(secret("secret_key"));
    Settings {
        region: text(node, "region"),
        profile: text(node, "profile"),
        credentials: keys.map(|(access_key, secret_key)| Keys {
            access_key,
            secret_key,
            token: secret("token"),
        }),
        assume_role,
        endpoint_url: text(node, "endpoint_url"),
        ..Settings::default()
    }
}

/// The attribute `route53` of the provider block. Names are those of the AWS provider.
pub(super) fn attribute() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "How Route 53 is reached. What is absent comes from the usual places of AWS: environment, shared files, container \
         and instance roles. Any value may be known only after apply.",
        [
            (
                "region",
                Attribute::string(
                    "Region of the partition's control plane. Default: `us-east-1`, which serves all public regions.",
                ),
            ),
            ("profile", Attribute::string("Profile in the shared configuration files.")),
            ("assume_role", assume_role()),
            (
                "endpoint_url",
                Attribute::string("URL of another service that speaks the same API, as for tests.").validate(url),
            ),
            ("access_key", Attribute::string("Access key id; together with `secret_key`.")),
            ("secret_key", Attribute::string("Secret access key.").sensitive()),
            ("token", Attribute::string("Session token that belongs to the keys.").sensitive()),
            ("resolver", delegation::resolver()),
            ("delegation_check", delegation::check()),
        ],
    )
    .validate(keys)
}

pub(super) fn assume_role() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "A role to take.",
        [
            ("role_arn", Attribute::string("Its ARN.").required().validate(checks::non_empty())),
            (
                "session_name",
                Attribute::string("Name of the session in logs of AWS. Default: `multicluster`."),
            ),
            ("external_id", Attribute::string("What the role's trust policy asks for.")),
        ],
    )
}

fn url(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    let whole = |text: &str| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    };
    if node.str().is_some_and(|text| !whole(text)) {
        diagnostics.error_at(node.path(), "Invalid URL", "It must begin with `https://` or `http://`.");
    }
}

/// Keys come in pairs, and a token belongs to them.
pub(super) fn keys(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    let given = |name: &str| !node.attribute(name).is_null();
    if given("access_key") != given("secret_key") {
        let detail = "`access_key` and `secret_key` go together.";
        diagnostics.error_at(node.path(), "Incomplete credentials", detail);
    } else if given("token") && !given("access_key") {
        let path = node.attribute("token").path();
        diagnostics.error_at(
            path,
            "Incomplete credentials",
            "`token` belongs to `access_key` and `secret_key`.",
        );
    }
    if given("access_key") && given("profile") {
        let detail = "Give either `access_key` and `secret_key`, or `profile`.";
        diagnostics.error_at(node.path(), "Conflicting credentials", detail);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tfplugin::Value;

    use super::*;

    #[rstest]
    #[case::nothing(&[], None)]
    #[case::keys(&["access_key", "secret_key"], None)]
    #[case::keys_with_token(&["access_key", "secret_key", "token"], None)]
    #[case::half_a_pair(&["access_key"], Some("`access_key` and `secret_key` go together."))]
    #[case::a_token_alone(&["token"], Some("`token` belongs to `access_key` and `secret_key`."))]
    #[case::both(&["access_key", "secret_key", "profile"], Some("Give either `access_key` and `secret_key`, or `profile`."))]
    fn credentials_go_together(#[case] given: &[&str], #[case] expected: Option<&str>) {
        let value = Value::map(given.iter().map(|&name| (name, Value::from("x"))));
        let mut diagnostics = Diagnostics::new();
        keys(&Node::root(&value), &mut diagnostics);
        assert_eq!(diagnostics.iter().map(|it| it.detail.as_str()).next(), expected);
    }

    #[rstest]
    #[case::absent(Value::Null, true)]
    #[case::known(Value::map([("profile", Value::from("dns"))]), true)]
    #[case::unknown(Value::Unknown, false)]
    #[case::in_part(Value::map([("profile", Value::Unknown)]), false)]
    fn what_is_not_known_yet_is_no_default(#[case] value: Value, #[case] known: bool) {
        let route53 = Route53::default();
        route53.configure(&Node::root(&value));
        assert_eq!(route53.settings.read().unwrap().is_some(), known);
    }
}
