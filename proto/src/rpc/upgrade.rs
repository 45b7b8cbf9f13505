//! UpgradeResourceState. Hosts call it before every refresh, also where the version is the same.

use super::call::Call;
use super::catalogue::Entry;
use super::settle::Unknowns;
use super::{convert, settle};
use crate::diagnostics::Diagnostics;
use crate::resource::Resource;
use crate::value::{CodecError, Problem, Value};
use crate::wire::tfplugin6::RawState;
use crate::wire::tfplugin6::upgrade_resource_state::{Request, Response};

pub(super) fn upgrade(call: &Call, request: &Request) -> Result<Response, Diagnostics> {
    let entry = call.catalogue.resource(&request.type_name)?;
    let mut diagnostics = Diagnostics::new();
    let state = stored(entry, request.version, request.raw_state.as_ref(), &mut diagnostics)?;
    Ok(Response {
        upgraded_state: Some(convert::encode(&entry.shape.kind, &state)?),
        diagnostics: convert::diagnostics(&diagnostics, Some(&entry.shape.kind)),
    })
}

/// A stored state in today's shape. Attributes that the schema no longer has are dropped, new ones are null.
pub(super) fn stored(
    entry: &Entry<dyn Resource>,
    version: i64,
    raw: Option<&RawState>,
    diagnostics: &mut Diagnostics,
) -> Result<Value, Diagnostics> {
    let (shape, current) = (&entry.shape, entry.shape.schema.version);
    let Some(raw) = raw else { return Ok(Value::Null) };
    if raw.json.is_empty() {
        let problem = if raw.flatmap.is_empty() { Problem::Truncated } else { Problem::LegacyState };
        return Err(convert::undecodable("stored state", &CodecError::new(problem)));
    }
    let upgraded;
    let json = match version.cmp(&current) {
        std::cmp::Ordering::Equal => raw.json.as_slice(),
        std::cmp::Ordering::Less => {
            upgraded = upgraded_json(entry, version, &raw.json)?;
            upgraded.as_bytes()
        }
        std::cmp::Ordering::Greater => return Err(newer(entry.implementation.name(), version, current)),
    };
    let state =
        Value::from_json(&shape.kind, json).map_err(|error| convert::undecodable("stored state", &error))?;
    Ok(settle::state(shape, state, Unknowns::Forgotten, diagnostics))
}

fn upgraded_json(entry: &Entry<dyn Resource>, version: i64, json: &[u8]) -> Result<String, Diagnostics> {
    let state = serde_json::from_slice(json).map_err(|error| {
        let problem = Problem::NotJson { line: error.line(), column: error.column() };
        convert::undecodable("stored state", &CodecError::new(problem))
    })?;
    match entry.implementation.upgrade(version, state) {
        Ok(state) => Ok(state.to_string()),
        Err(why) => {
            let mut diagnostics = Diagnostics::new();
            diagnostics.error(
                "The stored state cannot be brought up to date",
                format!("The state of `{}` has version {version}: {why}", entry.implementation.name()),
            );
            Err(diagnostics)
        }
    }
}

fn newer(name: &str, version: i64, current: i64) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    diagnostics.error(
        "The state was stored by a newer version of the provider",
        format!(
            "The state of `{name}` has version {version}, this provider knows up to {current}. Use the version of \
             the provider that stored it, or a newer one."
        ),
    );
    diagnostics
}
