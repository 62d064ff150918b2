//! The stored form of an escalation's progress: one flat JSON object, words instead of numbers
//! where a human may read the row.

use serde::{Deserialize, Serialize};

use super::{EscalationError, Hours, Progress, Stage};
use crate::model::Instant;

#[derive(Serialize, Deserialize)]
struct Document {
    stage: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    round: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    level: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor: Option<u32>,
    #[serde(default)]
    escalate_now: bool,
    #[serde(default)]
    stranded: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waits_until_ms: Option<i64>,
    /// Has waited, or may not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    waited: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    New,
    Level,
    Fallback,
    Rest,
}

impl Progress {
    pub fn to_json(&self) -> String {
        let mut document = Document {
            stage: Name::New,
            round: None,
            level: None,
            told: None,
            since_ms: None,
            floor: self.floor,
            escalate_now: self.escalate_now,
            stranded: self.stranded,
            waits_until_ms: match self.hours {
                Hours::Until(at) => Some(at.timestamp_millis()),
                Hours::Unasked | Hours::Over => None,
            },
            waited: self.hours == Hours::Over,
        };
        match self.stage {
            Stage::New => {}
            Stage::Level { round, level, since } => {
                document.stage = Name::Level;
                document.round = Some(round);
                document.level = Some(level);
                document.since_ms = Some(since.timestamp_millis());
            }
            Stage::Fallback { told, since, resume } => {
                document.stage = Name::Fallback;
                document.told = Some(told);
                document.round = resume;
                document.since_ms = Some(since.timestamp_millis());
            }
            Stage::Rest { round, since } => {
                document.stage = Name::Rest;
                document.round = Some(round);
                document.since_ms = Some(since.timestamp_millis());
            }
        }
        serde_json::to_string(&document).expect("numbers and words can be written")
    }

    pub fn from_json(text: &str) -> Result<Self, EscalationError> {
        read(text).ok_or(EscalationError::Stored { what: "progress of an escalation" })
    }
}

fn read(text: &str) -> Option<Progress> {
    let document: Document = serde_json::from_str(text).ok()?;
    let since = || Instant::from_timestamp_millis(document.since_ms?);
    let stage = match document.stage {
        Name::New => Stage::New,
        Name::Level => Stage::Level { round: document.round?, level: document.level?, since: since()? },
        Name::Fallback => Stage::Fallback { told: document.told?, since: since()?, resume: document.round },
        Name::Rest => Stage::Rest { round: document.round?, since: since()? },
    };
    let hours = match (document.waits_until_ms, document.waited) {
        (Some(until), _) => Hours::Until(Instant::from_timestamp_millis(until)?),
        (None, true) => Hours::Over,
        (None, false) => Hours::Unasked,
    };
    let Document { floor, escalate_now, stranded, .. } = document;
    Some(Progress { stage, floor, escalate_now, stranded, hours })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_reads_back_as_it_was() {
        let since = "2026-03-01T02:30:00.125Z".parse().unwrap();
        for stage in [
            Stage::New,
            Stage::Level { round: 1, level: 2, since },
            Stage::Fallback { told: 3, since, resume: None },
            Stage::Fallback { told: 3, since, resume: Some(1) },
            Stage::Rest { round: 4, since },
        ] {
            for (floor, escalate_now, stranded, hours) in [
                (None, false, true, Hours::Unasked),
                (Some(2), true, false, Hours::Over),
                (None, false, false, Hours::Until(since)),
            ] {
                let progress = Progress { stage, floor, escalate_now, stranded, hours };
                assert_eq!(Progress::from_json(&progress.to_json()), Ok(progress));
            }
        }
    }

    #[test]
    fn a_broken_row_is_refused() {
        for broken in ["", "{}", r#"{"stage":"level","round":1}"#, r#"{"stage":"asleep"}"#] {
            assert!(Progress::from_json(broken).is_err(), "{broken}");
        }
    }
}
