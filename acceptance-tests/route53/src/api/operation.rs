//! Which operation a request is for.

use http::Method;

use super::query::decode;
use crate::error::{ErrorCode, ServiceError};

macro_rules! operations {
    ($($name:ident $method:ident $path:literal),* $(,)?) => {
        /// The operations of the API that the emulator has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the variants are the API's operations")]
        pub enum Operation { $($name),* }

        impl Operation {
            /// Every operation.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As the API names it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }
        }

        const ROUTES: &[(Operation, Method, &str)] = &[$((Operation::$name, Method::$method, $path)),*];
    };
}

operations! {
    CreateHostedZone POST "hostedzone",
    GetHostedZone GET "hostedzone/{}",
    ListHostedZones GET "hostedzone",
    ListHostedZonesByName GET "hostedzonesbyname",
    DeleteHostedZone DELETE "hostedzone/{}",
    UpdateHostedZoneComment POST "hostedzone/{}",
    GetHostedZoneCount GET "hostedzonecount",
    GetDNSSEC GET "hostedzone/{}/dnssec",
    GetHostedZoneLimit GET "hostedzonelimit/{}/{}",
    GetAccountLimit GET "accountlimit/{}",
    ListResourceRecordSets GET "hostedzone/{}/rrset",
    ChangeResourceRecordSets POST "hostedzone/{}/rrset",
    GetChange GET "change/{}",
    CreateHealthCheck POST "healthcheck",
    GetHealthCheck GET "healthcheck/{}",
    ListHealthChecks GET "healthcheck",
    UpdateHealthCheck POST "healthcheck/{}",
    DeleteHealthCheck DELETE "healthcheck/{}",
    GetHealthCheckStatus GET "healthcheck/{}/status",
    GetHealthCheckLastFailureReason GET "healthcheck/{}/lastfailurereason",
    GetHealthCheckCount GET "healthcheckcount",
    GetCheckerIpRanges GET "checkeripranges",
    ChangeTagsForResource POST "tags/{}/{}",
    ListTagsForResource GET "tags/{}/{}",
    ListTagsForResources POST "tags/{}",
    CreateCidrCollection POST "cidrcollection",
    ChangeCidrCollection POST "cidrcollection/{}",
    DeleteCidrCollection DELETE "cidrcollection/{}",
    ListCidrCollections GET "cidrcollection",
    ListCidrLocations GET "cidrcollection/{}",
    ListCidrBlocks GET "cidrcollection/{}/cidrblocks",
    ListGeoLocations GET "geolocations",
    GetGeoLocation GET "geolocation",
    TestDNSAnswer GET "testdnsanswer",
}

/// Operations of the API that the emulator does not have, so that a client learns which one it misses.
const MISSING: &[(&str, Method, &str)] = &[
    ("ActivateKeySigningKey", Method::POST, "keysigningkey/{}/{}/activate"),
    ("AssociateVPCWithHostedZone", Method::POST, "hostedzone/{}/associatevpc"),
    ("CreateKeySigningKey", Method::POST, "keysigningkey"),
    ("CreateQueryLoggingConfig", Method::POST, "queryloggingconfig"),
    ("CreateReusableDelegationSet", Method::POST, "delegationset"),
    ("CreateTrafficPolicy", Method::POST, "trafficpolicy"),
    ("CreateTrafficPolicyInstance", Method::POST, "trafficpolicyinstance"),
    ("CreateTrafficPolicyVersion", Method::POST, "trafficpolicy/{}"),
    ("CreateVPCAssociationAuthorization", Method::POST, "hostedzone/{}/authorizevpcassociation"),
    ("DeactivateKeySigningKey", Method::POST, "keysigningkey/{}/{}/deactivate"),
    ("DeleteKeySigningKey", Method::DELETE, "keysigningkey/{}/{}"),
    ("DeleteQueryLoggingConfig", Method::DELETE, "queryloggingconfig/{}"),
    ("DeleteReusableDelegationSet", Method::DELETE, "delegationset/{}"),
    ("DeleteTrafficPolicy", Method::DELETE, "trafficpolicy/{}/{}"),
    ("DeleteTrafficPolicyInstance", Method::DELETE, "trafficpolicyinstance/{}"),
    ("DeleteVPCAssociationAuthorization", Method::POST, "hostedzone/{}/deauthorizevpcassociation"),
    ("DisableHostedZoneDNSSEC", Method::POST, "hostedzone/{}/disable-dnssec"),
    ("DisassociateVPCFromHostedZone", Method::POST, "hostedzone/{}/disassociatevpc"),
    ("EnableHostedZoneDNSSEC", Method::POST, "hostedzone/{}/enable-dnssec"),
    ("GetQueryLoggingConfig", Method::GET, "queryloggingconfig/{}"),
    ("GetReusableDelegationSet", Method::GET, "delegationset/{}"),
    ("GetReusableDelegationSetLimit", Method::GET, "reusabledelegationsetlimit/{}/{}"),
    ("GetTrafficPolicy", Method::GET, "trafficpolicy/{}/{}"),
    ("GetTrafficPolicyInstance", Method::GET, "trafficpolicyinstance/{}"),
    ("GetTrafficPolicyInstanceCount", Method::GET, "trafficpolicyinstancecount"),
    ("ListHostedZonesByVPC", Method::GET, "hostedzonesbyvpc"),
    ("ListQueryLoggingConfigs", Method::GET, "queryloggingconfig"),
    ("ListReusableDelegationSets", Method::GET, "delegationset"),
    ("ListTrafficPolicies", Method::GET, "trafficpolicies"),
    ("ListTrafficPolicyInstances", Method::GET, "trafficpolicyinstances"),
    ("ListTrafficPolicyInstancesByHostedZone", Method::GET, "trafficpolicyinstances/hostedzone"),
    ("ListTrafficPolicyInstancesByPolicy", Method::GET, "trafficpolicyinstances/trafficpolicy"),
    ("ListTrafficPolicyVersions", Method::GET, "trafficpolicies/{}/versions"),
    ("ListVPCAssociationAuthorizations", Method::GET, "hostedzone/{}/authorizevpcassociation"),
    ("UpdateHostedZoneFeatures", Method::POST, "hostedzone/{}/features"),
    ("UpdateTrafficPolicyComment", Method::POST, "trafficpolicy/{}/{}"),
    ("UpdateTrafficPolicyInstance", Method::POST, "trafficpolicyinstance/{}"),
];

impl Operation {
    /// The operation of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|each| each.as_str() == name)
    }

    /// Whether the service answers it without a signature: what it says is public.
    pub(crate) fn is_public(self) -> bool {
        matches!(self, Self::ListGeoLocations | Self::GetGeoLocation | Self::GetCheckerIpRanges)
    }

    /// Whether it changes a zone that has an id already, so that it waits for the change before it.
    pub(crate) fn changes_zone(self) -> bool {
        matches!(
            self,
            Self::ChangeResourceRecordSets | Self::DeleteHostedZone | Self::UpdateHostedZoneComment
        )
    }
}

/// An operation with the parts of the path that are its parameters, decoded and without the prefixes of ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) operation: Operation,
    pub(crate) parameters: Vec<String>,
}

impl Route {
    /// A parameter of the path.
    ///
    /// # Errors
    /// `InvalidInput` when the path has fewer.
    pub(crate) fn parameter(&self, index: usize) -> Result<&str, ServiceError> {
        let missing = || ServiceError::invalid_request("a parameter is missing in the path");
        self.parameters.get(index).map(String::as_str).ok_or_else(missing)
    }
}

/// Finds the operation of a method and path.
///
/// # Errors
/// `NotImplemented` with the name of the operation when only the service has it, `UnknownOperationException`
/// when nobody has.
pub(crate) fn route(method: &Method, path: &str) -> Result<Route, ServiceError> {
    let unknown = || {
        let message = format!("{method} {path} is no operation of the Route 53 API of 2013-04-01");
        ServiceError::new(ErrorCode::UnknownOperation, message)
    };
    let rest = path.strip_prefix("/2013-04-01/").ok_or_else(unknown)?;
    let segments: Vec<String> = rest.split('/').filter(|part| !part.is_empty()).map(decode).collect();
    // Clients may put an id with its prefix into the path: /hostedzone//hostedzone/Z1.
    let segments: Vec<&str> = match &segments[..] {
        [first, second, ..] if first == second && ["hostedzone", "change"].contains(&&**first) => {
            segments.iter().skip(1).map(String::as_str).collect()
        }
        _ => segments.iter().map(String::as_str).collect(),
    };
    for (operation, expected, pattern) in ROUTES {
        if let Some(parameters) = matching(pattern, &segments).filter(|_| expected == method) {
            return Ok(Route { operation: *operation, parameters });
        }
    }
    for (name, expected, pattern) in MISSING {
        if expected == method && matching(pattern, &segments).is_some() {
            let message = format!("{name} is not implemented by this emulator");
            return Err(ServiceError::new(ErrorCode::NotImplemented, message));
        }
    }
    Err(unknown())
}

fn matching(pattern: &str, segments: &[&str]) -> Option<Vec<String>> {
    let pattern: Vec<&str> = pattern.split('/').collect();
    if pattern.len() != segments.len() {
        return None;
    }
    let mut parameters = Vec::new();
    for (expected, found) in pattern.iter().zip(segments) {
        if *expected == "{}" {
            parameters.push(without_prefix(found).to_owned());
        } else if expected != found {
            return None;
        }
    }
    Some(parameters)
}

/// An id without `/hostedzone/`, `/change/` or `/healthcheck/` in front.
pub(crate) fn without_prefix(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(Method::POST, "/2013-04-01/hostedzone", Operation::CreateHostedZone, &[])]
    #[case(Method::GET, "/2013-04-01/hostedzone/Z1", Operation::GetHostedZone, &["Z1"])]
    #[case(Method::GET, "/2013-04-01/hostedzone/%2Fhostedzone%2FZ1", Operation::GetHostedZone, &["Z1"])]
    #[case(Method::GET, "/2013-04-01/hostedzone//hostedzone/Z1/rrset", Operation::ListResourceRecordSets, &["Z1"])]
    #[case(Method::POST, "/2013-04-01/hostedzone/Z1/rrset/", Operation::ChangeResourceRecordSets, &["Z1"])]
    #[case(Method::GET, "/2013-04-01/hostedzonelimit/Z1/MAX_RRSETS_BY_ZONE", Operation::GetHostedZoneLimit, &["Z1", "MAX_RRSETS_BY_ZONE"])]
    #[case(Method::GET, "/2013-04-01/change//change/C1", Operation::GetChange, &["C1"])]
    fn paths_lead_to_operations(
        #[case] method: Method,
        #[case] path: &str,
        #[case] operation: Operation,
        #[case] parameters: &[&str],
    ) {
        let found = route(&method, path).unwrap();
        assert_eq!(
            (found.operation, found.parameters),
            (operation, parameters.iter().map(ToString::to_string).collect())
        );
    }

    #[test]
    fn every_operation_has_one_route() {
        for operation in Operation::ALL {
            assert_eq!(ROUTES.iter().filter(|(each, ..)| each == operation).count(), 1);
            assert_eq!(Operation::parse(operation.as_str()), Some(*operation));
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = route(&Method::POST, "/2013-04-01/hostedzone/Z1/associatevpc").unwrap_err();
        assert_eq!(error.code, ErrorCode::NotImplemented);
        assert!(error.message.starts_with("AssociateVPCWithHostedZone is not implemented"));
        for path in ["/", "/2012-12-12/hostedzone", "/2013-04-01/nonsense"] {
            assert_eq!(route(&Method::GET, path).unwrap_err().code, ErrorCode::UnknownOperation);
        }
    }
}
