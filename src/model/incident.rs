//! Incidents: the story of an outage as customers hear it. Not an alert, which is for technicians.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Instant,
    alert::Actor,
    id::{ContractId, CustomerId, IncidentId},
    language::Language,
};

/// As long as a caller listens to, and an SMS may be.
pub const TEXT_MAX: usize = 1_000;
pub const TITLE_MAX: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    pub id: IncidentId,
    /// What people call it by; unique per org, never used twice.
    pub number: i64,
    pub title: String,
    /// Of the texts, the one that stands in for a language without a text.
    pub language: Language,
    /// What is told now.
    pub texts: BTreeMap<Language, String>,
    /// Whom it touches; both empty: everybody.
    pub customers: BTreeSet<CustomerId>,
    pub contracts: BTreeSet<ContractId>,
    pub state: IncidentState,
    /// Rises with each change.
    pub rev: i64,
    pub opened_at: Instant,
    pub updated_at: Instant,
    pub resolved_at: Option<Instant>,
}

/// `Resolved` is final, the others go back and forth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IncidentState {
    Investigating,
    Identified,
    Monitoring,
    Resolved,
}

/// One chapter of the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentUpdate {
    /// The incident's, after it.
    pub rev: i64,
    pub at: Instant,
    pub state: IncidentState,
    /// Empty: only the state changed.
    pub texts: BTreeMap<Language, String>,
    pub by: Actor,
}

impl Incident {
    pub fn is_open(&self) -> bool {
        self.state != IncidentState::Resolved
    }

    pub fn is_for_everybody(&self) -> bool {
        self.customers.is_empty() && self.contracts.is_empty()
    }

    /// Whether a contract, which belongs to this customer, has to do with it.
    pub fn touches(&self, contract: &ContractId, customer: &CustomerId) -> bool {
        self.is_for_everybody() || self.contracts.contains(contract) || self.customers.contains(customer)
    }

    /// What is told to somebody who speaks `wanted`, and in which language that is: theirs, the
    /// incident's own, `spare`, any, and without a text the title.
    pub fn told_in(&self, wanted: &Language, spare: &Language) -> (&str, Language) {
        let exactly = |language: &Language| self.texts.get_key_value(language);
        let alike = |language: &Language| self.texts.iter().find(|(known, _)| known.primary() == language.primary());
        let found = [wanted, &self.language, spare].into_iter().find_map(|it| exactly(it).or_else(|| alike(it)));
        match found.or_else(|| self.texts.iter().next()) {
            Some((language, text)) => (text, language.clone()),
            None => (&self.title, self.language.clone()),
        }
    }
}

impl IncidentState {
    pub const ALL: [Self; 4] = [Self::Investigating, Self::Identified, Self::Monitoring, Self::Resolved];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Monitoring => "monitoring",
            Self::Resolved => "resolved",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

impl std::str::FromStr for IncidentState {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let words = Self::ALL.map(Self::as_str).join(", ");
        let shown: String = given.chars().take(20).collect();
        Self::named(given).ok_or_else(|| format!("`{shown}` is no state of an incident: use {words}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(texts: &[(&str, &str)]) -> Incident {
        Incident {
            id: IncidentId::from_ulid(ulid::Ulid::nil()),
            number: 1,
            title: "Mail is down".to_owned(),
            language: "de".parse().unwrap(),
            texts: texts.iter().map(|(tag, text)| (tag.parse().unwrap(), (*text).to_owned())).collect(),
            customers: BTreeSet::new(),
            contracts: BTreeSet::new(),
            state: IncidentState::Investigating,
            rev: 0,
            opened_at: Instant::UNIX_EPOCH,
            updated_at: Instant::UNIX_EPOCH,
            resolved_at: None,
        }
    }

    #[test]
    fn a_caller_is_told_in_the_nearest_language_there_is() {
        let told = |texts: &[(&str, &str)], wanted: &str, spare: &str| {
            let incident = incident(texts);
            let (text, language) = incident.told_in(&wanted.parse().unwrap(), &spare.parse().unwrap());
            format!("{language}: {text}")
        };
        let both = [("de", "Mail steht."), ("en", "Mail is out.")];
        assert_eq!(told(&both, "en", "en"), "en: Mail is out.");
        assert_eq!(told(&both, "de-CH", "en"), "de: Mail steht.");
        assert_eq!(told(&both, "fr", "en"), "de: Mail steht.");
        assert_eq!(told(&[("en", "Mail is out."), ("it", "Fuori.")], "fr", "it"), "it: Fuori.");
        assert_eq!(told(&[("en", "Mail is out.")], "fr", "it"), "en: Mail is out.");
        assert_eq!(told(&[], "fr", "en"), "de: Mail is down");
    }

    #[test]
    fn whom_nobody_names_it_touches() {
        let mut of_acme = incident(&[]);
        let touches = |incident: &Incident, contract: &str, customer: &str| {
            incident.touches(&contract.parse().unwrap(), &customer.parse().unwrap())
        };
        assert!(touches(&of_acme, "bolt-gold", "bolt"));
        of_acme.customers = ["acme".parse().unwrap()].into();
        of_acme.contracts = ["delta-gold".parse().unwrap()].into();
        assert!(touches(&of_acme, "acme-gold", "acme") && touches(&of_acme, "delta-gold", "delta"));
        assert!(!touches(&of_acme, "bolt-gold", "bolt"));
    }
}
