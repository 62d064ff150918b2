//! `[org]` and `[limits]`: the MSP itself, and what caps money. Declared in files; what is not
//! declared comes from the sections of the same names in `pikett.toml`.

use serde::{Deserialize, Serialize};

use super::Limits;

/// `[org] name = "…"  policy = "…"  shift_notice = "1h"`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrgDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where goes what concerns the MSP itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// How long before a shift its person is told; left out: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift_notice: Option<String>,
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
    pub calls_per_day: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms_per_day: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_calls_per_hour: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_calls_per_day: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_sms_per_hour: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_sms_per_day: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sudden_per_hour: Option<u32>,
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
        Self {
            name: self.name.or_else(|| spare.name.clone()),
            policy: self.policy.or_else(|| spare.policy.clone()),
            shift_notice: self.shift_notice.or_else(|| spare.shift_notice.clone()),
        }
    }
}

impl LimitsDocument {
    pub fn or(self, spare: &Self) -> Limits {
        let built_in = Limits::default();
        macro_rules! first {
            ($key:ident) => {
                self.$key.or(spare.$key).unwrap_or(built_in.$key)
            };
        }
        Limits {
            countries: self.countries.or_else(|| spare.countries.clone()).unwrap_or(built_in.countries),
            calls_per_hour: first!(calls_per_hour),
            sms_per_hour: first!(sms_per_hour),
            calls_per_day: first!(calls_per_day),
            sms_per_day: first!(sms_per_day),
            number_calls_per_hour: first!(number_calls_per_hour),
            number_calls_per_day: first!(number_calls_per_day),
            number_sms_per_hour: first!(number_sms_per_hour),
            number_sms_per_day: first!(number_sms_per_day),
            sudden_per_hour: first!(sudden_per_hour),
            pages_per_minute: first!(pages_per_minute),
            page_calls_per_minute: first!(page_calls_per_minute),
        }
    }
}
