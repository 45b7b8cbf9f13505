//! Taking over workloads that were there before the release: narrowed, verified, and only then gone on.
//!
//! What is written is decided by `multicluster_core::release::adopt`; here it is carried out until nothing is left to do, on
//! all clusters at once. It can be cut short anywhere.

use std::time::Duration;

use futures::future::join_all;
use multicluster_core::names::ClusterName;
use multicluster_core::object::{Manifest, ObjectKey};
use multicluster_core::release::adopt::{Adopted, Found, Next, Write, next, standing_version};
use multicluster_core::release::journal::Journal;
use multicluster_core::release::{Color, traffic};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::act::{Failpoints, Hand, Trouble};
use super::engine::{Engine, Place};
use super::error::ReleaseError;
use super::layout::{Subject, known_type};
use super::observe::Observer;
use super::sight::Slot;
use super::take::Taken;
use super::view;
use crate::federation::Run;
use crate::member::{ApplyOptions, MemberError, ResourceType};

/// How often is looked again. Each time something was written, or somebody else was quicker.
const TURNS: u32 = 20;
/// How long the colour's own Service may take to have the endpoints of the stable one.
const SETTLED: Duration = Duration::from_secs(120);

/// Takes over what there is, where that is asked for. The journal says afterwards what serves.
pub(super) async fn take_over(
    engine: &Engine,
    run: &Run,
    observer: &Observer,
    taken: &mut Taken,
) -> Result<(), ReleaseError> {
    if !engine.adopt || engine.layout.lead.is_none() {
        return Ok(());
    }
    let journal = taken.journal.clone().unwrap_or_else(|| Journal {
        epoch: taken.epoch,
        ..Journal::new(engine.instance.clone().unwrap_or_else(crate::federation::new_instance))
    });
    let places = taken.seats.keys().filter_map(|cluster| engine.places.get(cluster));
    let places: Vec<&Place> =
        places.filter(|place| is_to_be_adopted(engine, observer, &place.member.name)).collect();
    if places.is_empty() {
        return Ok(());
    }
    let work = places.iter().map(async |place| {
        let hand = Hand { engine, observer, journal: &journal, place };
        let done = adopt(&hand, run).await;
        done.map_err(|why| refused(&place.member.name, why))
    });
    for done in join_all(work).await {
        done?;
    }
    if journal.active.is_none() {
        let mut lives = Vec::new();
        for place in &places {
            lives.push(live_parts(engine, observer, place).await?);
        }
        let parts = places.iter().zip(&lives).filter_map(|(place, (deployment, configs))| {
            Some((&place.workload, deployment.as_ref()?, configs.as_slice()))
        });
        let version = standing_version(&engine.version, parts);
        taken.journal = Some(Journal { active: Some(Adopted::active(version)), ..journal });
    }
    Ok(())
}

fn refused(cluster: &ClusterName, why: Trouble) -> ReleaseError {
    match why {
        Trouble::Superseded => ReleaseError::Superseded { cluster: cluster.clone() },
        Trouble::Passes(why) | Trouble::Stays(why) => {
            ReleaseError::Refused(format!("the workload on `{cluster}` cannot be taken over: {why}"))
        }
    }
}

/// Whether there is a workload under the own name and none of the colours.
fn is_to_be_adopted(engine: &Engine, observer: &Observer, cluster: &ClusterName) -> bool {
    let found = observer.with(cluster, |sight| {
        let colored = Color::BOTH.into_iter().any(|color| sight.one(Slot::Workload(color)).is_some());
        sight.one(Slot::Plain).is_some() && !colored
    });
    engine.layout.kind == "Deployment" && found.unwrap_or(false)
}

async fn adopt(hand: &Hand<'_>, run: &Run) -> Result<(), Trouble> {
    let layout = &hand.engine.layout;
    let Some(lead) = &layout.lead else { return Ok(()) };
    for _ in 0..TURNS {
        if run.cancelled.is_cancelled() {
            return Err(Trouble::Stays("interrupted".to_owned()));
        }
        let stays = |what: &str| Trouble::Stays(format!("{what} is missing"));
        let of = |api_version: &str, kind: &str, name: &str| layout.own(api_version, kind, name);
        let deployment = hand.read(&of("apps/v1", "Deployment", &layout.name)).await?;
        let deployment = deployment.ok_or_else(|| stays("the Deployment"))?;
        let service = hand.read(&of("v1", "Service", &lead.service)).await?;
        let service = service.ok_or_else(|| stays(&format!("Service `{}`", lead.service)))?;
        let blue = layout.service_name(Color::Blue).unwrap_or_default();
        let color_service = hand.read(&of("v1", "Service", &blue)).await?;
        let named = |kind: &str| {
            let found = hand.place.workload.objects().find(|object| object.kind() == kind);
            found.map(|object| object.name().to_owned())
        };
        let budget = match named("PodDisruptionBudget") {
            Some(name) => hand.read(&of("policy/v1", "PodDisruptionBudget", &name)).await?,
            None => None,
        };
        let member = &hand.place.member;
        let namespace = layout.release.namespace.as_str();
        let replica_sets = member.list_namespace(&ResourceType::replica_set(), namespace).await?;
        let autoscaler = hand.observer.with(hand.cluster(), |sight| {
            let scales =
                |it: &&Value| multicluster_core::object::text(it, "/spec/scaleTargetRef/name") == layout.name;
            sight.all(Slot::Autoscalers).find(scales).cloned()
        });
        let autoscaler = autoscaler.flatten();
        let found = Found {
            deployment: &deployment,
            replica_sets: &replica_sets,
            service: &service,
            color_service: color_service.as_ref(),
            budget: budget.as_ref(),
            autoscaler: autoscaler.as_ref(),
        };
        match next(lead, &found, hand.journal.epoch).map_err(|why| Trouble::Stays(why.to_string()))? {
            Next::Done(_) => return settled(hand).await,
            Next::Write(writes) => {
                for write in writes {
                    carry_out(hand, write).await?;
                }
            }
        }
    }
    Err(Trouble::Passes("it is changed by somebody else again and again".to_owned()))
}

async fn carry_out(hand: &Hand<'_>, write: Write) -> Result<(), Trouble> {
    let marks = Failpoints { before: "adopt-before", after: "adopt-after" };
    match write {
        Write::Patch { object, patch } => {
            let subject = subject(hand, &object)?;
            hand.write_once(&subject, slot(hand.engine, &object), &patch, marks).await
        }
        Write::Apply(manifest) => {
            crate::failpoint::hit(marks.before);
            let live = apply(hand, &manifest).await?;
            crate::failpoint::hit(marks.after);
            hand.observer.put(hand.cluster(), Slot::Services, live);
            Ok(())
        }
    }
}

fn subject(hand: &Hand<'_>, object: &ObjectKey) -> Result<Subject, Trouble> {
    let api_version = match object.kind.group.as_str() {
        "" => "v1".to_owned(),
        "autoscaling" => "autoscaling/v2".to_owned(),
        group => format!("{group}/v1"),
    };
    Ok(Subject {
        ty: known_type(&api_version, &object.kind.kind),
        namespace: object.namespace.clone().unwrap_or_else(|| hand.engine.layout.release.namespace.clone()),
        name: object.name.clone(),
    })
}

/// Where the written object is remembered.
fn slot(engine: &Engine, object: &ObjectKey) -> Slot {
    let targets = engine.layout.targets();
    let target = targets.iter().position(|(target, _)| target.key == *object);
    match (object.kind.kind.as_str(), target) {
        (_, Some(place)) => Slot::Target(place),
        ("Deployment", _) => Slot::Plain,
        ("HorizontalPodAutoscaler", _) => Slot::Autoscalers,
        _ => Slot::Services,
    }
}

async fn apply(hand: &Hand<'_>, manifest: &Manifest) -> Result<Value, Trouble> {
    let ty = known_type(manifest.api_version(), manifest.kind());
    let options = ApplyOptions {
        field_manager: hand.engine.layout.manager(),
        force: false,
        dry_run: false,
        confidential: false,
    };
    Ok(hand.place.member.apply(&ty, manifest.value(), options).await?)
}

/// Waits until the colour's own Service has as many ready endpoints as there are pods.
async fn settled(hand: &Hand<'_>) -> Result<(), Trouble> {
    let layout = &hand.engine.layout;
    let deadline = Instant::now() + SETTLED;
    loop {
        let ready = hand.observer.with(hand.cluster(), |sight| {
            let blue = view::color(layout, sight, Color::Blue, None, 0)?;
            let read = layout.stable(sight).map(|live| {
                layout
                    .lead
                    .as_ref()
                    .is_some_and(|lead| traffic::read(lead, traffic::Role::Service, live).is_ok())
            });
            Some(read == Some(true) && blue.ready_endpoints > 0 && blue.ready_endpoints >= blue.replicas)
        });
        if ready.flatten() == Some(true) {
            return Ok(());
        }
        if timeout_at(deadline, hand.observer.changed()).await.is_err() {
            return Err(Trouble::Passes("its own Service did not get its endpoints".to_owned()));
        }
    }
}

/// The live Deployment, and the live config maps and secrets of the manifest.
async fn live_parts(
    engine: &Engine,
    observer: &Observer,
    place: &Place,
) -> Result<(Option<Value>, Vec<Value>), ReleaseError> {
    let cluster = &place.member.name;
    let deployment = observer.with(cluster, |sight| sight.one(Slot::Plain).cloned()).flatten();
    let mut configs = Vec::new();
    for object in place.workload.objects().filter(|it| matches!(it.kind(), "ConfigMap" | "Secret")) {
        let ty = known_type(object.api_version(), object.kind());
        let namespace = engine.layout.release.namespace.as_str();
        match place.member.get(&ty, Some(namespace), object.name()).await {
            Ok(live) => configs.extend(live),
            // What may not be seen counts as different.
            Err(MemberError::Forbidden { .. }) => {}
            Err(error) => return Err(ReleaseError::on(cluster, "read what is taken over")(error)),
        }
    }
    Ok((deployment, configs))
}
