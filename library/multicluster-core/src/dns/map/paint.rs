//! Colours that people who do not see all of them can tell apart, and stripes for what is shared.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::dns::intent::EndpointName;
use crate::dns::routing::Row;

/// The palette of Okabe and Ito without black, the most different ones first.
const PALETTE: [&str; 7] = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442"];

/// Places without an answer.
const NO_ANSWER: &str = "#fff";

/// The lines of endpoints beyond the palette.
const HATCH: &str = "#333";

/// How wide the stripes of one place are in all, in units of the map.
const STRIPES: u64 = 24;

/// The fills of a map: one per endpoint, and one per way to share.
pub(super) struct Paints {
    endpoints: BTreeMap<EndpointName, usize>,
    /// Definitions by their content, so that equal ones are made once.
    patterns: BTreeMap<String, usize>,
}

impl Paints {
    pub(super) fn new(names: &[EndpointName]) -> Self {
        let endpoints = names.iter().cloned().zip(0..).collect();
        let mut paints = Self { endpoints, patterns: BTreeMap::new() };
        for name in names {
            paints.endpoint_pattern(name);
        }
        paints
    }

    /// The fill of one endpoint.
    pub(super) fn endpoint(&self, name: &EndpointName) -> String {
        match self.hatched(name).and_then(|body| self.patterns.get(&body)) {
            Some(id) => format!("url(#p{id})"),
            None => self.colour(name).to_owned(),
        }
    }

    /// The fill of a place.
    pub(super) fn row(&mut self, row: &Row) -> String {
        match row.endpoints.as_slice() {
            [] => NO_ANSWER.to_owned(),
            [only] => self.endpoint(&only.name),
            several => {
                let mut body = String::new();
                let mut x = 0;
                for portion in several {
                    // At least a hair of everybody who answers.
                    let width = (portion.share.percent() * STRIPES / 100).max(1);
                    let _ = write!(
                        body,
                        r#"<rect x="{x}" width="{width}" height="{STRIPES}" fill="{}"/>"#,
                        self.colour(&portion.name)
                    );
                    x += width;
                }
                let pattern = pattern(x, &body);
                format!("url(#p{})", self.id(pattern))
            }
        }
    }

    /// All patterns, ready to be referred to.
    pub(super) fn definitions(&self) -> String {
        if self.patterns.is_empty() {
            return String::new();
        }
        let mut definitions = String::from("<defs>\n");
        for (pattern, id) in &self.patterns {
            let _ = writeln!(definitions, r#"<pattern id="p{id}" {pattern}</pattern>"#);
        }
        definitions.push_str("</defs>\n");
        definitions
    }

    fn colour(&self, name: &EndpointName) -> &'static str {
        let index = self.endpoints.get(name).copied().unwrap_or_default();
        PALETTE.get(index % PALETTE.len()).copied().unwrap_or(HATCH)
    }

    fn endpoint_pattern(&mut self, name: &EndpointName) {
        if let Some(pattern) = self.hatched(name) {
            self.id(pattern);
        }
    }

    /// Endpoints beyond the palette have the colour of an earlier one, with lines the closer the further beyond.
    fn hatched(&self, name: &EndpointName) -> Option<String> {
        let index = self.endpoints.get(name).copied().unwrap_or_default();
        let round = u64::try_from(index / PALETTE.len()).unwrap_or(u64::MAX);
        if round == 0 {
            return None;
        }
        let width = (STRIPES / round).max(3);
        let colour = self.colour(name);
        let body = format!(
            r#"<rect width="{width}" height="{STRIPES}" fill="{colour}"/><rect width="2" height="{STRIPES}" fill="{HATCH}"/>"#
        );
        Some(pattern(width, &body))
    }

    fn id(&mut self, pattern: String) -> usize {
        let next = self.patterns.len();
        *self.patterns.entry(pattern).or_insert(next)
    }
}

/// A pattern without its id.
fn pattern(width: u64, body: &str) -> String {
    format!(
        r#"width="{width}" height="{STRIPES}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">{body}"#
    )
}
