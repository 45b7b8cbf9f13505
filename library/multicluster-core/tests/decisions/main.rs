//! The decisions, held against tables, properties and slow oracles. One binary, so that it is linked once.

#[cfg(test)]
mod digest;
#[cfg(test)]
mod manifest;
#[cfg(test)]
mod placement;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod values;
#[cfg(test)]
mod waves;
