//! `[[policies]]`: levels, rounds and whom to fall back on.

use chrono::TimeDelta;

use super::{no_twins, parsed_list};
use crate::{
    escalation::{Level, Policy, Target},
    model::{
        id::PolicyId,
        source::{At, Reader},
    },
};

const REPEAT_MAX: i64 = 100;
/// A mistake rather than a plan, and every level is a row of work.
const LEVELS_MAX: usize = 50;

pub fn read(entry: &Reader) -> Option<Policy> {
    let id = entry.need_parsed::<PolicyId>("id");
    let repeat = entry.integer("repeat", 0..=REPEAT_MAX).map_or(0, |repeat| repeat.value);
    let levels: Vec<Level> = entry.tables("levels", "level").into_iter().map(level).collect();
    let is_empty = entry.item("levels").is_none_or(|levels| levels.as_array().is_some_and(toml_edit::Array::is_empty));
    if is_empty {
        let mend = "add `levels = [ { notify = [\"schedule:primary\"], ack_within = \"5m\" } ]`";
        entry.fault_at("levels", "this policy tells nobody: it has no levels", mend);
    }
    if levels.len() > LEVELS_MAX {
        let what = format!("this policy has {} levels", levels.len());
        entry.fault_at("levels", what, format!("use at most {LEVELS_MAX}"));
    }
    let fallback = targets(entry, "fallback").unwrap_or_default();
    let repeat = u32::try_from(repeat).expect("it lies within 0 and 100");
    Some(Policy { id: id?.value, levels, repeat, fallback: values(fallback) })
}

fn level(entry: Reader) -> Level {
    let notify = targets(&entry, "notify");
    let is_empty = entry.item("notify").is_none_or(|notify| notify.as_array().is_some_and(toml_edit::Array::is_empty));
    if is_empty {
        let mend = "add `notify = [\"schedule:primary\"]`";
        entry.fault_at("notify", "this level tells nobody", mend);
    }
    if !entry.has("ack_within") {
        entry.missing("ack_within", "add `ack_within = \"5m\"`: how long it may stay unacknowledged");
    }
    let ack_within = entry.duration("ack_within").map_or_else(|| TimeDelta::minutes(5), |time| time.value);
    entry.finish();
    Level { notify: values(notify.unwrap_or_default()), ack_within }
}

fn targets<'a>(entry: &Reader<'a>, key: &'a str) -> Option<Vec<At<Target>>> {
    let targets = parsed_list(entry, key, str::parse::<Target>)?;
    no_twins(entry, &targets);
    Some(targets)
}

fn values(targets: Vec<At<Target>>) -> Vec<Target> {
    targets.into_iter().map(|target| target.value).collect()
}
