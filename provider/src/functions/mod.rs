//! Functions that configurations call: `provider::multicluster::…`.

pub(crate) mod answer;
