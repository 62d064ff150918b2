//! The stored form of a running connect: one JSON object in the call's row.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Connect, End, GaveUp, Plan, Progress};
use crate::{
    escalation::{EscalationError, Target},
    model::Instant,
};

#[derive(Serialize, Deserialize)]
struct Document {
    levels: Vec<Vec<String>>,
    #[serde(default)]
    first_level: u32,
    ring_ms: i64,
    at_once: bool,
    prefer_language: bool,
    max_wait_ms: i64,
    started_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    level: Option<u32>,
    #[serde(default)]
    tried: Vec<String>,
    #[serde(default)]
    cancelled: Vec<String>,
    /// `connected`, or why it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<String>,
}

const CONNECTED: &str = "connected";

impl Connect {
    pub fn to_json(&self) -> String {
        let Self { plan, progress } = self;
        let end = |end: End| match end {
            End::Connected => CONNECTED.to_owned(),
            End::GaveUp(reason) => reason.as_str().to_owned(),
        };
        let document = Document {
            levels: plan.levels.iter().map(|level| level.iter().map(ToString::to_string).collect()).collect(),
            first_level: plan.first_level,
            ring_ms: plan.ring.num_milliseconds(),
            at_once: plan.at_once,
            prefer_language: plan.prefer_language,
            max_wait_ms: plan.max_wait.num_milliseconds(),
            started_at_ms: plan.started_at.timestamp_millis(),
            level: progress.level,
            tried: progress.tried.iter().map(ToString::to_string).collect(),
            cancelled: progress.cancelled.iter().map(ToString::to_string).collect(),
            end: progress.end.map(end),
        };
        serde_json::to_string(&document).expect("numbers and words can be written")
    }

    pub fn from_json(text: &str) -> Result<Self, EscalationError> {
        read(text).ok_or(EscalationError::Stored { what: "progress of a connect" })
    }
}

fn read(text: &str) -> Option<Connect> {
    let document: Document = serde_json::from_str(text).ok()?;
    let level = |level: &Vec<String>| level.iter().map(|target| target.parse::<Target>().ok()).collect();
    let end = |end: &String| match end.as_str() {
        CONNECTED => Some(End::Connected),
        reason => GaveUp::named(reason).map(End::GaveUp),
    };
    let plan = Plan {
        levels: document.levels.iter().map(level).collect::<Option<_>>()?,
        first_level: document.first_level,
        ring: TimeDelta::try_milliseconds(document.ring_ms)?,
        at_once: document.at_once,
        prefer_language: document.prefer_language,
        max_wait: TimeDelta::try_milliseconds(document.max_wait_ms)?,
        started_at: Instant::from_timestamp_millis(document.started_at_ms)?,
    };
    let progress = Progress {
        level: document.level,
        tried: document.tried.iter().map(|phone| phone.parse().ok()).collect::<Option<_>>()?,
        cancelled: document.cancelled.iter().map(|leg| leg.parse().ok()).collect::<Option<_>>()?,
        end: match &document.end {
            Some(word) => Some(end(word)?),
            None => None,
        },
    };
    Some(Connect { plan, progress })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::LegId;

    #[test]
    fn a_running_connect_reads_back_as_it_was() {
        let plan = Plan {
            levels: vec![vec!["schedule:primary".parse().unwrap()], vec!["person:lead".parse().unwrap()]],
            first_level: 1,
            ring: TimeDelta::seconds(25),
            at_once: true,
            prefer_language: false,
            max_wait: TimeDelta::minutes(5),
            started_at: "2026-03-01T02:30:00.125Z".parse().unwrap(),
        };
        let ends = GaveUp::ALL.map(End::GaveUp).into_iter().chain([End::Connected]).map(Some).chain([None]);
        for end in ends {
            let progress = Progress {
                level: Some(1),
                tried: ["+4915110000001".parse().unwrap()].into(),
                cancelled: [LegId::from_ulid(ulid::Ulid::nil())].into(),
                end,
            };
            let connect = Connect { plan: plan.clone(), progress };
            assert_eq!(Connect::from_json(&connect.to_json()), Ok(connect));
        }
        let fresh = Connect { plan, progress: Progress::default() };
        assert_eq!(Connect::from_json(&fresh.to_json()), Ok(fresh.clone()));
        assert!(Connect::from_json(&fresh.to_json().replace("person:lead", "team:lead")).is_err());
    }
}
