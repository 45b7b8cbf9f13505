//! The decisions, held against tables, properties and slow oracles. One binary, so that it is linked once.

#![recursion_limit = "256"] // for json! of whole objects

#[cfg(test)]
mod analysis;
#[cfg(test)]
mod capacity;
#[cfg(test)]
mod copies;
#[cfg(test)]
mod dependencies;
#[cfg(test)]
mod difference;
#[cfg(test)]
mod digest;
#[cfg(test)]
mod freeze;
#[cfg(test)]
mod kubefed;
#[cfg(test)]
mod kubefed_overrides;
#[cfg(test)]
mod kubefed_preferences;
#[cfg(test)]
mod managed_fields;
#[cfg(test)]
mod manifest;
#[cfg(test)]
mod networking;
#[cfg(test)]
mod overrides;
#[cfg(test)]
mod overrides_containers;
#[cfg(test)]
mod overrides_images;
#[cfg(test)]
mod overrides_merge;
#[cfg(test)]
mod placement;
#[cfg(test)]
mod placement_spread;
#[cfg(test)]
mod provenance;
#[cfg(test)]
mod rbac;
#[cfg(test)]
mod readiness;
#[cfg(test)]
mod release;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod selector;
#[cfg(test)]
mod values;
#[cfg(test)]
mod waves;
