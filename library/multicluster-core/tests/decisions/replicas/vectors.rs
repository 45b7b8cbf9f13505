//! Every case of the vector file, whatever cases it holds.

use std::collections::BTreeMap;

use multicluster_core::replicas::kubefed::{self, Preference, Schedule};
use multicluster_core::replicas::{
    Division, DivisionError, Mode, Party, Share, Tie, distribute, divide, webster_from,
};
use serde_json::Value;

const SECTIONS: [&str; 4] = ["webster", "karmada_dynamic", "kubefed_planner", "bounded"];

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../vectors/division.json")).unwrap()
}

/// Runs all cases of a section and tells of all that fail, not of the first one.
fn check(section: &str, run: impl Fn(&Value) -> Result<(), String>) {
    let vectors = vectors();
    let cases = vectors[section].as_array().unwrap();
    assert!(!cases.is_empty(), "{section}");
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| run(case).err().map(|why| format!("{}: {why}\n  {case}", case["id"])))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn same<T: std::fmt::Debug + PartialEq>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what} is {found:?}, not {expected:?}")) }
}

/// A map of numbers; empty if absent.
fn counts(value: &Value) -> BTreeMap<String, u64> {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(name, count)| (name.clone(), count.as_u64().unwrap())).collect()
}

fn number(value: &Value, field: &str) -> Option<u64> {
    value.get(field).filter(|it| !it.is_null()).map(|it| it.as_u64().unwrap())
}

fn sum(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().sum()
}

#[test]
fn no_section_is_left_out() {
    let vectors = vectors();
    let known = |name: &str| SECTIONS.contains(&name) || ["about", "rules"].contains(&name);
    let unknown: Vec<&String> = vectors.as_object().unwrap().keys().filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn webster() {
    check("webster", |case| {
        let tie = match case["tie"].as_str() {
            None | Some("name_asc") => Tie::NameAscending,
            Some("name_desc") => Tie::NameDescending,
            Some(other) => return Err(format!("no such tie: {other}")),
        };
        let (initial, weights) = (counts(&case["initial"]), counts(&case["weights"]));
        let total = case["total"].as_u64().unwrap();
        let expected = counts(&case["expect"]);
        same("webster_from", &webster_from(&initial, total, &weights, tie), &Ok(expected.clone()))?;
        // Where ties go by name, initial seats are minimums.
        if tie == Tie::NameAscending {
            let share = |name: &String| Share {
                weight: weights.get(name).copied().unwrap_or(0),
                min: initial.get(name).copied().unwrap_or(0),
                ..Share::default()
            };
            let names = initial.keys().chain(weights.keys());
            let shares = names.map(|name| (name.clone(), share(name))).collect();
            same("divide", &divide(total + sum(&initial), &shares), &Ok(expected))?;
        }
        Ok(())
    });
}

#[test]
fn karmada_dynamic() {
    check("karmada_dynamic", |case| {
        let mode = match case["kind"].as_str() {
            Some("weighted") => Mode::Capacity,
            Some("aggregated") => Mode::Aggregated,
            other => return Err(format!("no such kind: {other:?}")),
        };
        let steady = match case["mode"].as_str() {
            Some("steady") => true,
            Some("fresh") => false,
            other => return Err(format!("no such mode: {other:?}")),
        };
        let previous = counts(&case["prev"]);
        // What is available there is room besides what runs.
        let party = |(name, available): (String, u64)| {
            let previous = previous.get(&name).copied();
            let capacity = Some(available + previous.unwrap_or(0));
            (name, Party { capacity, previous, ..Party::default() })
        };
        let parties = counts(&case["available"]).into_iter().map(party).collect();
        let found = distribute(&Division { mode, steady, total: case["total"].as_u64().unwrap() }, &parties);
        match case["error"].as_str() {
            None => {
                let found = found.map(|counts| counts.into_iter().filter(|(_, count)| *count > 0).collect());
                same("distribute", &found, &Ok(counts(&case["expect"])))
            }
            Some("unschedulable") if matches!(found, Err(DivisionError::Unschedulable { .. })) => Ok(()),
            Some(error) => Err(format!("{found:?} is not {error}")),
        }
    });
}

#[test]
fn kubefed_planner() {
    check("kubefed_planner", |case| {
        let preference = |value: &Value| Preference {
            min: number(value, "min").unwrap_or(0),
            max: number(value, "max"),
            weight: number(value, "weight").unwrap_or(0),
        };
        let clusters = case["clusters"].as_array().unwrap();
        let preferences = case["preferences"].as_object().unwrap();
        let found = kubefed::plan(&Schedule {
            total: case["total"].as_u64().unwrap(),
            clusters: &clusters.iter().map(|name| name.as_str().unwrap().to_owned()).collect(),
            preferences: &preferences.iter().map(|(name, it)| (name.clone(), preference(it))).collect(),
            current: &counts(&case["current"]),
            capacity: &counts(&case["capacity"]),
            rebalance: case["rebalance"].as_bool().unwrap_or(false),
            key: case["key"].as_str().unwrap_or(""),
        })
        .unwrap();
        same("plan", &found.plan, &counts(&case["expect"]))?;
        same("overflow", &found.overflow, &counts(&case["overflow"]))
    });
}

#[test]
fn bounded() {
    check("bounded", |case| {
        let total = case["total"].as_u64().unwrap();
        let expected = counts(&case["expect"]);
        let share = |value: &Value| Share {
            weight: number(value, "weight").unwrap_or(1),
            min: number(value, "min").unwrap_or(0),
            max: number(value, "max"),
            exact: number(value, "exact"),
        };
        let clusters = case["clusters"].as_object().unwrap();
        let shares: BTreeMap<String, Share> =
            clusters.iter().map(|(name, it)| (name.clone(), share(it))).collect();
        let parties =
            shares.iter().map(|(name, share)| (name.clone(), Party { share: *share, ..Party::default() }));
        let weighted = Division { mode: Mode::Weighted, steady: false, total };
        let found = distribute(&weighted, &parties.collect());
        same("distribute", &found, &divide(total, &shares))?;
        if case.get("error").is_some() {
            return if found.is_err() { Ok(()) } else { Err(format!("{found:?} is no error")) };
        }
        // What no cluster may take, or what all must take beyond the total, is an error here; what can be placed is
        // what a division of just that gives.
        let placed = sum(&expected);
        let out_of_bounds = matches!(found, Err(DivisionError::OutOfBounds { .. }));
        same("an error", &out_of_bounds, &(placed != total))?;
        same("unplaced", &total.saturating_sub(placed), &number(case, "unplaced").unwrap_or(0))?;
        same("divide", &divide(placed, &shares), &Ok(expected))?;
        // Seat by seat, since a larger total never takes a seat away.
        if let Some(order) = case["order"].as_array() {
            let mut before =
                divide(placed - order.len() as u64, &shares).map_err(|error| error.to_string())?;
            for name in order.iter().map(|name| name.as_str().unwrap()) {
                *before.get_mut(name).unwrap() += 1;
                same("the order", &divide(sum(&before), &shares), &Ok(before.clone()))?;
            }
        }
        Ok(())
    });
}
