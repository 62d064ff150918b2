//! `[org]` and `[limits]`: the MSP itself, and what caps money. Declared in files; what is not
//! declared comes from the sections of the same names in `pikett.toml`.

use serde::{Deserialize, Serialize};

use super::Limits;

/// `[org] name = "…"  policy = "…"`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrgDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where goes what concerns the MSP itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// `[limits] countries = ["DE", "+41"]  calls_per_hour = 100  sms_per_hour = 200`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsDocument {
    /// E.164 country codes without `+`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub countries: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_hour: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms_per_hour: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages_per_minute: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_calls_per_minute: Option<u32>,
}

/// What `pikett.toml` says where no declaration does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    pub org: OrgDocument,
    pub limits: LimitsDocument,
}

impl OrgDocument {
    pub fn or(self, spare: &Self) -> Self {
        Self { name: self.name.or_else(|| spare.name.clone()), policy: self.policy.or_else(|| spare.policy.clone()) }
    }
}

impl LimitsDocument {
    pub fn or(self, spare: &Self) -> Limits {
        let built_in = Limits::default();
        Limits {
            countries: self.countries.or_else(|| spare.countries.clone()).unwrap_or(built_in.countries),
            calls_per_hour: self.calls_per_hour.or(spare.calls_per_hour).unwrap_or(built_in.calls_per_hour),
            sms_per_hour: self.sms_per_hour.or(spare.sms_per_hour).unwrap_or(built_in.sms_per_hour),
            pages_per_minute: self.pages_per_minute.or(spare.pages_per_minute).unwrap_or(built_in.pages_per_minute),
            page_calls_per_minute: self
                .page_calls_per_minute
                .or(spare.page_calls_per_minute)
                .unwrap_or(built_in.page_calls_per_minute),
        }
    }
}
