//! The form in which an alert keeps the policy that it began with.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use crate::{
    escalation::{Level, Policy, Target},
    model::id::PolicyId,
};

#[derive(Serialize, Deserialize)]
struct Document {
    levels: Vec<LevelDocument>,
    repeat: u32,
    fallback: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct LevelDocument {
    notify: Vec<String>,
    ack_within_ms: i64,
}

pub(super) fn to_json(policy: &Policy) -> String {
    let level = |level: &Level| LevelDocument {
        notify: level.notify.iter().map(target_to_text).collect(),
        ack_within_ms: level.ack_within.num_milliseconds(),
    };
    let document = Document {
        levels: policy.levels.iter().map(level).collect(),
        repeat: policy.repeat,
        fallback: policy.fallback.iter().map(target_to_text).collect(),
    };
    serde_json::to_string(&document).expect("strings and numbers can be written")
}

pub(super) fn from_json(id: &PolicyId, text: &str) -> Result<Policy, StoreError> {
    let corrupt = || StoreError::corrupt("alerts.policy", text);
    let document: Document = serde_json::from_str(text).map_err(|_| corrupt())?;
    let targets = |texts: Vec<String>| -> Result<Vec<Target>, StoreError> {
        texts.iter().map(|text| target_from_text(text).ok_or_else(corrupt)).collect()
    };
    let level = |level: LevelDocument| -> Result<Level, StoreError> {
        Ok(Level { notify: targets(level.notify)?, ack_within: TimeDelta::milliseconds(level.ack_within_ms) })
    };
    Ok(Policy {
        id: id.clone(),
        levels: document.levels.into_iter().map(level).collect::<Result<_, _>>()?,
        repeat: document.repeat,
        fallback: targets(document.fallback)?,
    })
}

fn target_to_text(target: &Target) -> String {
    match target {
        Target::Person(id) => format!("person:{id}"),
        Target::Schedule(id) => format!("schedule:{id}"),
    }
}

fn target_from_text(text: &str) -> Option<Target> {
    match text.split_once(':')? {
        ("person", id) => id.parse().ok().map(Target::Person),
        ("schedule", id) => id.parse().ok().map(Target::Schedule),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_reads_back_as_it_was() {
        let policy = Policy {
            id: "gold".parse().unwrap(),
            levels: vec![
                Level { notify: vec![Target::Schedule("primary".parse().unwrap())], ack_within: TimeDelta::minutes(5) },
                Level {
                    notify: vec![Target::Schedule("backup".parse().unwrap()), Target::Person("lead".parse().unwrap())],
                    ack_within: TimeDelta::milliseconds(1_500),
                },
            ],
            repeat: 2,
            fallback: vec![Target::Person("lead".parse().unwrap())],
        };
        assert_eq!(from_json(&policy.id, &to_json(&policy)).unwrap(), policy);
        let broken = to_json(&policy).replace("person:lead", "team:lead");
        assert!(matches!(from_json(&policy.id, &broken), Err(StoreError::Corrupt { .. })));
    }
}
