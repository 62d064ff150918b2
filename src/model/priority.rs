//! Priority (P1 most urgent … P4), urgency and the severities of monitoring tools.

use std::{fmt, str::FromStr};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    P1,
    P2,
    P3,
    P4,
}

/// Chooses a person's notification rules: P1 and P2 are high.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    High,
    Low,
}

impl Priority {
    pub const ALL: [Self; 4] = [Self::P1, Self::P2, Self::P3, Self::P4];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P4 => "P4",
        }
    }

    pub fn urgency(self) -> Urgency {
        match self {
            Self::P1 | Self::P2 => Urgency::High,
            Self::P3 | Self::P4 => Urgency::Low,
        }
    }

    /// PagerDuty Events v2 severities.
    pub fn from_severity(severity: &str) -> Option<Self> {
        Some(match severity {
            "critical" => Self::P1,
            "error" => Self::P2,
            "warning" => Self::P3,
            "info" => Self::P4,
            _ => return None,
        })
    }
}

impl Urgency {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
        }
    }
}

impl FromStr for Priority {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == given).ok_or_else(|| {
            format!("`{}` is no priority: use P1, P2, P3 or P4", given.chars().take(20).collect::<String>())
        })
    }
}

impl FromStr for Urgency {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        match given {
            "high" => Ok(Self::High),
            "low" => Ok(Self::Low),
            _ => Err(format!("`{}` is no urgency: use high or low", given.chars().take(20).collect::<String>())),
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Urgency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
