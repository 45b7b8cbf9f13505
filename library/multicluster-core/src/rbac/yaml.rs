//! The roles as a text for administrators, who want to know why before they allow something.

use std::fmt::Write as _;

use super::grants::Why;
use super::roles::{Rule, role_name, rules};
use super::{Needs, Place, RBAC, Work};

/// The same objects as [`required_role`](super::required_role), with a reason for every rule, ready for
/// `kubectl apply -f -`. It ends with a line break.
///
/// # Examples
/// ```
/// use multicluster_core::{names::FederationName, rbac::{to_yaml, Needs, Work}};
///
/// let needs = Needs::new(FederationName::new("world").unwrap(), Work::Read, "multicluster-system");
/// assert!(to_yaml(&needs).contains(r#"resourceNames: ["kube-system", "multicluster-system"]"#));
/// ```
#[must_use]
pub fn to_yaml(needs: &Needs) -> String {
    let mut lines = Lines::default();
    header(needs, &mut lines);
    lines.add("apiVersion: v1");
    lines.add("kind: Namespace");
    lines.add("metadata:");
    lines.add(&format!("  name: {}", quoted(&needs.records_namespace)));
    for (namespace, rules) in rules(needs) {
        lines.add("---");
        lines.add(&format!("apiVersion: {RBAC}/v1"));
        lines.add(if namespace.is_some() { "kind: Role" } else { "kind: ClusterRole" });
        lines.add("metadata:");
        lines.add(&format!("  name: {}", quoted(&role_name(needs))));
        if let Some(namespace) = &namespace {
            lines.add(&format!("  namespace: {}", quoted(namespace)));
        }
        lines.add("rules:");
        let mut explained = None;
        for rule in &rules {
            if explained != Some(rule.why) {
                lines.comment("  ", &reason(rule.why, namespace.is_none() && in_new_namespaces(rule, needs)));
                explained = Some(rule.why);
            }
            write_rule(rule, &mut lines);
        }
    }
    lines.0
}

fn header(needs: &Needs, lines: &mut Lines) {
    let (purpose, how) = match needs.work {
        Work::Read => ("plan", ""),
        Work::DryRun => ("plan", ", with dry runs"),
        Work::Apply => ("plan and apply", ""),
    };
    let name = match &needs.set {
        Some(set) => format!("{}/{set}", needs.federation),
        None => needs.federation.to_string(),
    };
    lines.comment(
        "",
        &format!("The least that is needed to {purpose} the federation `{name}` on this cluster{how}."),
    );
    lines.comment(
        "",
        "Bind the ClusterRole with a ClusterRoleBinding, and each Role with a RoleBinding in its namespace.",
    );
    lines.comment(
        "",
        "The first namespace is for the federation's records. It stays when the federation leaves.",
    );
    if needs.work == Work::Apply && !needs.created_namespaces.is_empty() {
        lines.comment(
            "",
            "Before a namespace of the federation is deleted, all that is in it is listed. Where a kind may not be listed, \
             the namespace is kept, and a warning says so.",
        );
    }
}

fn write_rule(rule: &Rule, lines: &mut Lines) {
    for (index, (field, texts)) in rule.fields().into_iter().enumerate() {
        let list: Vec<String> = texts.into_iter().map(quoted).collect();
        let bullet = if index == 0 { "  - " } else { "    " };
        lines.add(&format!("{bullet}{field}: [{}]", list.join(", ")));
    }
}

/// Whether the rule is about objects in namespaces, and stands for the whole cluster only because a role cannot stand
/// in a namespace that is not there yet.
fn in_new_namespaces(rule: &Rule, needs: &Needs) -> bool {
    let resources =
        needs.kinds.iter().filter(|(it, _)| it.group == rule.group && rule.resources.contains(&it.plural));
    rule.why == Why::Objects
        && resources.flat_map(|(_, places)| places).any(|place| matches!(place, Place::Namespace(_)))
}

fn reason(why: Why, in_new_namespaces: bool) -> String {
    let reason = match why {
        Why::Discovery => {
            "How kinds are served, and which Kubernetes this is. Clusters allow this to everybody by default."
        }
        Why::Review => {
            "Asks in advance whether something is allowed. Clusters allow this to everybody by default."
        }
        Why::Identity => {
            "Which cluster this is, by the UID of kube-system, and whether the namespace of the records is there."
        }
        Why::List => {
            "Finds the federation's objects by their label in all namespaces. RBAC knows no labels: who may list a kind may \
             read all objects of it."
        }
        Why::ListSecrets => {
            "The same for secrets: this allows to read every secret of the cluster. It is needed because the federation keeps \
             secrets here."
        }
        Why::Objects => {
            "The federation's objects themselves. Server-side apply is `patch`, and `create` for what is not there yet."
        }
        Why::Definitions => "Whether anything of a kind is there before the kind itself is deleted.",
        Why::Escalate => {
            "The federation writes roles. Without `escalate` a server refuses those that allow more than this role does. Who \
             may escalate can give themselves any permission: leave it out if the roles allow nothing beyond this one."
        }
        Why::Bind => {
            "The federation writes bindings. Without `bind` a server refuses to give away a role that allows more than this \
             one does. Only the roles that are bound are named."
        }
        Why::Pods => {
            "Says early that a pod of a workload cannot start. Without it only the time limit ends the wait."
        }
        Why::Events => "Says in the cluster's words why a workload does not become ready.",
        Why::Nodes => "What nodes offer to pods, and their networks.",
        Why::ServiceCidrs => "The networks of services, to find overlaps with other clusters.",
        Why::CopySources => "Objects that are copied to other clusters.",
        Why::Records => "The federation's records: what it keeps here, and who is at work.",
    };
    if in_new_namespaces {
        format!(
            "{reason} Some stand for all namespaces, because a Role cannot stand in a namespace before the federation has \
             made it."
        )
    } else {
        reason.to_owned()
    }
}

/// A text that YAML reads as this text, whatever is in it.
fn quoted(text: &str) -> String {
    let escaped = text.chars().fold(String::new(), |mut escaped, it| {
        // Writing to a String cannot fail.
        let _ = match it {
            '"' | '\\' => write!(escaped, "\\{it}"),
            ' '..='~' => write!(escaped, "{it}"),
            _ => write!(escaped, "\\U{:08X}", u32::from(it)),
        };
        escaped
    });
    format!("\"{escaped}\"")
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    /// Words in lines that are not too long.
    fn comment(&mut self, indent: &str, text: &str) {
        const WIDTH: usize = 110;
        let start = format!("{indent}#");
        let mut line = start.clone();
        for word in text.split_whitespace() {
            if line.len() + 1 + word.len() > WIDTH && line.len() > start.len() {
                self.add(&line);
                line.clone_from(&start);
            }
            line.push(' ');
            line.push_str(word);
        }
        self.add(&line);
    }
}
