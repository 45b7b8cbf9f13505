//! What an identity may do, as a server lists it.

use serde::Deserialize;

use super::AccessCheck;

/// A rule by which an identity may do something, as a `SelfSubjectRulesReview` lists it. Something is allowed if one rule
/// allows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyRule {
    /// `get`, …; `*` is all.
    pub verbs: Vec<String>,
    /// Empty text for the core group; `*` is all.
    pub api_groups: Vec<String>,
    /// `deployments`, `deployments/scale`, `*/scale`; `*` is all.
    pub resources: Vec<String>,
    /// Only objects with these names; all if there are none.
    pub resource_names: Vec<String>,
}

impl PolicyRule {
    /// Whether the rule allows what is asked, if it holds where that is.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::rbac::{AccessCheck, PolicyRule};
    ///
    /// let administrator = PolicyRule {
    ///     verbs: vec!["*".into()],
    ///     api_groups: vec!["*".into()],
    ///     resources: vec!["*".into()],
    ///     resource_names: vec![],
    /// };
    /// let check = AccessCheck {
    ///     group: "apps".into(), resource: "deployments".into(), verb: "create".into(), namespace: None, name: None,
    /// };
    /// assert!(administrator.allows(&check));
    /// ```
    #[must_use]
    pub fn allows(&self, check: &AccessCheck) -> bool {
        let any_of = |items: &[String], wanted: &str| items.iter().any(|it| it == "*" || it == wanted);
        let subresource = check.resource.split_once('/').map(|(_, subresource)| format!("*/{subresource}"));
        let resource = any_of(&self.resources, &check.resource)
            || subresource.is_some_and(|any| self.resources.contains(&any));
        let name = self.resource_names.is_empty()
            || check.name.as_ref().is_some_and(|name| self.resource_names.contains(name));
        any_of(&self.verbs, &check.verb) && any_of(&self.api_groups, &check.group) && resource && name
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn check(group: &str, resource: &str, verb: &str, name: Option<&str>) -> AccessCheck {
        AccessCheck {
            group: group.to_owned(),
            resource: resource.to_owned(),
            verb: verb.to_owned(),
            namespace: Some("shop".to_owned()),
            name: name.map(str::to_owned),
        }
    }

    #[rstest]
    #[case::all(json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }), [true, true, true, true])]
    #[case::no_subresource(
        json!({ "verbs": ["get", "patch"], "apiGroups": ["apps"], "resources": ["deployments"] }),
        [true, false, false, false]
    )]
    #[case::a_subresource(
        json!({ "verbs": ["patch"], "apiGroups": ["apps"], "resources": ["deployments/scale"] }),
        [false, true, false, false]
    )]
    #[case::any_with_the_subresource(
        json!({ "verbs": ["patch"], "apiGroups": ["apps"], "resources": ["*/scale"] }),
        [false, true, false, false]
    )]
    #[case::another_group(
        json!({ "verbs": ["*"], "apiGroups": [""], "resources": ["*"] }),
        [false, false, true, true]
    )]
    #[case::one_name(
        json!({ "verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["key"] }),
        [false, false, true, false]
    )]
    #[case::nothing(json!({}), [false, false, false, false])]
    fn a_rule_allows_what_it_names(#[case] rule: Value, #[case] allowed: [bool; 4]) {
        let rule: PolicyRule = serde_json::from_value(rule).unwrap();
        let asked = [
            check("apps", "deployments", "get", None),
            check("apps", "deployments/scale", "patch", None),
            check("", "secrets", "get", Some("key")),
            check("", "secrets", "get", None),
        ];
        assert_eq!(asked.map(|check| rule.allows(&check)), allowed);
    }
}
