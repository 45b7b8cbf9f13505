//! Names and types between the wire and the model.

use hickory_proto::rr;

use crate::model::{Name, RecordType};

/// The name as it is sent. None only for names that the model would not hold.
pub(super) fn to_wire(name: &Name) -> Option<rr::Name> {
    rr::Name::from_labels(name.labels()).ok()
}

/// The name as the model holds it, which does not know case. None for the root.
pub(super) fn from_wire(name: &rr::Name) -> Option<Name> {
    let labels: Vec<&[u8]> = name.iter().collect();
    Name::from_labels(&labels).ok()
}

/// A type by its number (IANA, DNS parameters).
pub(super) fn type_to_wire(record_type: RecordType) -> rr::RecordType {
    match record_type {
        RecordType::A => rr::RecordType::A,
        RecordType::Aaaa => rr::RecordType::AAAA,
        RecordType::Caa => rr::RecordType::CAA,
        RecordType::Cname => rr::RecordType::CNAME,
        RecordType::Ds => rr::RecordType::DS,
        RecordType::Https => rr::RecordType::HTTPS,
        RecordType::Mx => rr::RecordType::MX,
        RecordType::Naptr => rr::RecordType::NAPTR,
        RecordType::Ns => rr::RecordType::NS,
        RecordType::Ptr => rr::RecordType::PTR,
        RecordType::Soa => rr::RecordType::SOA,
        RecordType::Spf => rr::RecordType::Unknown(99),
        RecordType::Srv => rr::RecordType::SRV,
        RecordType::Sshfp => rr::RecordType::SSHFP,
        RecordType::Svcb => rr::RecordType::SVCB,
        RecordType::Tlsa => rr::RecordType::TLSA,
        RecordType::Txt => rr::RecordType::TXT,
    }
}

/// The type of a question; none for those that no record set can have.
pub(super) fn type_from_wire(record_type: rr::RecordType) -> Option<RecordType> {
    RecordType::ALL.iter().copied().find(|each| type_to_wire(*each) == record_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_go_there_and_back() {
        for record_type in RecordType::ALL {
            let number = u16::from(type_to_wire(*record_type));
            assert_eq!(type_from_wire(number.into()), Some(*record_type));
        }
        assert_eq!(type_from_wire(rr::RecordType::AXFR), None);
    }

    #[test]
    fn names_of_any_bytes_go_there_and_back() {
        for text in [r"\052.example.com.", r"a\000b.\056x\377.example.com.", "_mc-owner.example.com."] {
            let name = Name::parse(text).unwrap();
            assert_eq!(from_wire(&to_wire(&name).unwrap()), Some(name));
        }
        assert_eq!(from_wire(&rr::Name::root()), None);
    }
}
