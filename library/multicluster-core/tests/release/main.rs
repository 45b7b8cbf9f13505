//! Releases, held against tables and a simulated world. One binary, so that it is linked once.

#[cfg(test)]
mod begin;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod forecast;
#[cfg(test)]
mod forward;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod support;
