//! Ids of names: `ZONE_ID/name`, and with a type for imports.

use multicluster_core::route53::{InvalidRecordName, RecordName, RecordType};

use super::state;

/// Why a text is no id.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAnId {
    #[error("it has no zone, or no name")]
    Incomplete,
    #[error("the type is `A`, `AAAA` or `CNAME`")]
    Type,
    #[error(transparent)]
    Name(#[from] InvalidRecordName),
}

/// What an id names.
pub(super) struct Id<'a> {
    /// The zone's id.
    pub(super) zone: &'a str,
    pub(super) name: RecordName,
    /// Only the sets of this type, if it says so.
    pub(super) r#type: Option<RecordType>,
}

impl<'a> Id<'a> {
    /// Reads `ZONE_ID/name` or `ZONE_ID/name/TYPE`.
    pub(super) fn parse(id: &'a str) -> Result<Self, NotAnId> {
        let mut parts = state::zone_id(id).split('/');
        let (Some(zone), Some(name)) = (parts.next().filter(|zone| !zone.is_empty()), parts.next()) else {
            return Err(NotAnId::Incomplete);
        };
        let r#type = match (parts.next(), parts.next()) {
            (None, _) => None,
            (Some(word @ ("A" | "AAAA" | "CNAME")), None) => Some(RecordType(word.to_owned())),
            _ => return Err(NotAnId::Type),
        };
        Ok(Self { zone, name: RecordName::new(name)?, r#type })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Z1/shop.example.com", "Z1", "shop.example.com.", None)]
    #[case("/hostedzone/Z1/shop.example.com", "Z1", "shop.example.com.", None)]
    #[case("Z1/*.example.com/AAAA", "Z1", "\\052.example.com.", Some("AAAA"))]
    fn ids(#[case] id: &str, #[case] zone: &str, #[case] name: &str, #[case] r#type: Option<&str>) {
        let id = Id::parse(id).unwrap();
        assert_eq!((id.zone, id.name.as_str()), (zone, name));
        assert_eq!(id.r#type.as_ref().map(|it| it.0.as_str()), r#type);
    }

    #[rstest]
    #[case("")]
    #[case("Z1")]
    #[case("/shop.example.com")]
    #[case("Z1/a..b")]
    #[case("Z1/shop.example.com/MX")]
    #[case("Z1/shop.example.com/A/eu")]
    fn what_names_nothing_is_refused(#[case] id: &str) {
        assert!(Id::parse(id).is_err());
    }
}
