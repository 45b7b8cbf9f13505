//! What a Lease object says, and what may be done about it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use multicluster_core::object::text;
use serde_json::{Value, json};

use super::LeaseSpec;

/// How wrong the other's clock or ours may be: more than any mistake with time zones. Only a holder whose last sign of
/// life is older than this is gone without being watched. A smaller value would save someone who comes back after a
/// crash one lease time, and would let a clock that is wrong take the lease from a holder that is alive.
const CLOCK_ERROR: SignedDuration = SignedDuration::from_hours(24);

/// A lease time that cannot be read counts as this.
const DEFAULT_DURATION: Duration = Duration::from_secs(60);

/// The longest lease time that is believed.
const LONGEST_DURATION: Duration = Duration::from_secs(3600);

/// What one Lease object says.
pub(super) struct Record {
    pub(super) holder: Option<String>,
    pub(super) renewed: Option<Timestamp>,
    pub(super) duration: Duration,
    transitions: i64,
    object: Value,
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// There is none yet.
    Create,
    /// It is free, ours, or abandoned beyond doubt.
    Take,
    /// Its holder may be alive.
    Held,
}

/// What may be done about a lease that was found in this state.
pub(super) fn decide(found: Option<&Record>, holder: &str, now: Timestamp) -> Decision {
    let Some(record) = found else {
        return Decision::Create;
    };
    if record.is_free() || record.holder.as_deref() == Some(holder) {
        return Decision::Take;
    }
    let silence = record.renewed.map(|renewed| now.duration_since(renewed));
    let lease = SignedDuration::try_from(record.duration).unwrap_or(SignedDuration::MAX);
    match silence {
        Some(silence) if silence > lease.saturating_add(CLOCK_ERROR) => Decision::Take,
        _ => Decision::Held,
    }
}

impl Record {
    /// Reads an object. Whatever it does not say, or says in another form, is read so that it stays with its holder.
    pub(super) fn new(object: Value) -> Self {
        let holder = text(&object, "/spec/holderIdentity");
        let seconds = object.pointer("/spec/leaseDurationSeconds").and_then(Value::as_u64);
        Self {
            holder: (!holder.is_empty()).then(|| holder.to_owned()),
            renewed: text(&object, "/spec/renewTime").parse().ok(),
            duration: seconds.map_or(DEFAULT_DURATION, Duration::from_secs).min(LONGEST_DURATION),
            transitions: object.pointer("/spec/leaseTransitions").and_then(Value::as_i64).unwrap_or(0),
            object,
        }
    }

    pub(super) fn is_free(&self) -> bool {
        self.holder.is_none()
    }

    /// What a living holder changes.
    pub(super) fn sign_of_life(&self) -> (&str, &str, i64) {
        (text(&self.object, "/spec/holderIdentity"), text(&self.object, "/spec/renewTime"), self.transitions)
    }

    /// How often the lease has been taken: larger for every later holder, as long as the object exists.
    pub(super) fn epoch(&self) -> u64 {
        u64::try_from(self.transitions).unwrap_or(0)
    }

    /// Whether `holder` still has it, in this epoch.
    pub(super) fn belongs_to(&self, holder: &str, epoch: u64) -> bool {
        self.holder.as_deref() == Some(holder) && self.epoch() == epoch
    }

    pub(super) fn uid(&self) -> &str {
        text(&self.object, "/metadata/uid")
    }

    /// The object when `spec.holder` has taken it.
    pub(super) fn taken(&self, spec: &LeaseSpec, now: Timestamp) -> Value {
        self.with(body(spec, now, self.transitions.max(0).saturating_add(1)))
    }

    /// The object with a new sign of life.
    pub(super) fn renewed(&self, now: Timestamp) -> Value {
        let mut renewed = self.object.pointer("/spec").cloned().unwrap_or_default();
        renewed["renewTime"] = micros(now).into();
        self.with(renewed)
    }

    /// The object when nobody has it. It stays, because the epoch stands in it.
    pub(super) fn released(&self, now: Timestamp) -> Value {
        let mut released = self.object.pointer("/spec").cloned().unwrap_or_default();
        if let Some(fields) = released.as_object_mut() {
            fields.remove("holderIdentity");
        }
        released["renewTime"] = micros(now).into();
        self.with(released)
    }

    pub(super) fn into_object(self) -> Value {
        self.object
    }

    fn with(&self, spec: Value) -> Value {
        let mut object = self.object.clone();
        if !object.is_object() {
            object = json!({});
        }
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        object["apiVersion"] = "coordination.k8s.io/v1".into();
        object["kind"] = "Lease".into();
        object["spec"] = spec;
        object
    }
}

/// A lease that was not there before, taken.
pub(super) fn new(spec: &LeaseSpec, now: Timestamp) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": { "name": spec.name, "namespace": spec.namespace },
        "spec": body(spec, now, 1),
    })
}

fn body(spec: &LeaseSpec, now: Timestamp, transitions: i64) -> Value {
    json!({
        "holderIdentity": spec.holder,
        "leaseDurationSeconds": spec.time().as_secs(),
        "acquireTime": micros(now),
        "renewTime": micros(now),
        "leaseTransitions": transitions,
    })
}

/// The one form in which the API takes the times of leases: UTC with six digits after the second.
fn micros(time: Timestamp) -> String {
    format!("{time:.6}")
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, proptest};
    use rstest::rstest;

    use super::*;

    const NOW: &str = "2026-01-02T10:00:00Z";

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn lease(holder: Option<&str>, renewed: &str) -> Record {
        Record::new(json!({
            "metadata": { "resourceVersion": "7", "managedFields": [{}] },
            "spec": {
                "holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": 15, "leaseTransitions": 4
            },
        }))
    }

    #[rstest]
    #[case::nobody(lease(None, NOW), Decision::Take)]
    #[case::we(lease(Some("me"), NOW), Decision::Take)]
    #[case::alive(lease(Some("you"), NOW), Decision::Held)]
    #[case::expired_by_their_clock(lease(Some("you"), "2026-01-02T09:58:00.000000Z"), Decision::Held)]
    #[case::just_within_doubt(lease(Some("you"), "2026-01-01T09:59:45.000000Z"), Decision::Held)]
    #[case::beyond_doubt(lease(Some("you"), "2026-01-01T09:59:44.000000Z"), Decision::Take)]
    #[case::from_the_future(lease(Some("you"), "2036-01-02T09:54:44.000000Z"), Decision::Held)]
    #[case::no_time(lease(Some("you"), "yesterday"), Decision::Held)]
    fn decisions(#[case] found: Record, #[case] expected: Decision) {
        assert_eq!(decide(Some(&found), "me", at(NOW)), expected);
    }

    #[test]
    fn taking_raises_the_epoch_and_keeps_the_version() {
        let spec = LeaseSpec {
            namespace: "ns".into(),
            name: "lease".into(),
            holder: "me".into(),
            duration: Duration::from_secs(30),
        };
        let taken = Record::new(lease(None, NOW).taken(&spec, at(NOW)));
        assert!(taken.belongs_to("me", 5));
        assert_eq!(text(&taken.object, "/metadata/resourceVersion"), "7");
        assert_eq!(taken.object.pointer("/metadata/managedFields"), None);
        assert_eq!(text(&taken.object, "/spec/renewTime"), "2026-01-02T10:00:00.000000Z");
        let released = Record::new(taken.released(at(NOW)));
        assert!(released.is_free());
        assert_eq!(released.epoch(), 5);
    }

    #[test]
    fn a_sign_of_life_is_a_change() {
        let before = lease(Some("you"), NOW);
        let after = Record::new(before.renewed(at("2026-01-02T10:00:05Z")));
        assert_ne!(before.sign_of_life(), after.sign_of_life());
        assert!(after.belongs_to("you", 4));
    }

    proptest! {
        #[test]
        fn any_object_is_read_without_panic(
            holder in "\\PC{0,10}", time in "\\PC{0,30}", seconds in proptest::num::i64::ANY,
            transitions in proptest::num::i64::ANY, now in -9_999_999_999_i64..99_999_999_999,
        ) {
            let record = Record::new(json!({ "spec": {
                "holderIdentity": holder, "renewTime": time, "leaseDurationSeconds": seconds, "leaseTransitions": transitions,
            } }));
            let now = Timestamp::from_second(now).unwrap();
            let _ = decide(Some(&record), "me", now);
            prop_assert!(record.duration <= LONGEST_DURATION);
            prop_assert!(record.renewed(now).pointer("/spec").is_some());
        }
    }
}
