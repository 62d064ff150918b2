//! What a caller who follows an incident is told by SMS. Pure.

use super::{
    plain::{cut, one_line, sms},
    words::words,
};
use crate::model::{
    incident::{Incident, IncidentState},
    language::Language,
};

const NAME_MAX: usize = 80;

/// In the reader's language, the text in the nearest one there is.
pub fn of_incident(language: &Language, incident: &Incident) -> String {
    let words = words(language.as_str());
    let state = match incident.state {
        IncidentState::Investigating => words.incident_investigating,
        IncidentState::Identified => words.incident_identified,
        IncidentState::Monitoring => words.incident_monitoring,
        IncidentState::Resolved => words.incident_resolved,
    };
    let (text, _) = incident.told_in(language, &Language::english());
    // What is told is often no more than the title.
    let text = if text == incident.title { "" } else { text };
    let end = if incident.is_open() { words.incident_more } else { words.incident_over };
    let name = cut(&one_line(&incident.title), NAME_MAX);
    let text = one_line(text);
    let gap = if text.is_empty() { "" } else { " " };
    sms(&format!("{name}: {state}. "), &text, &format!("{gap}{end}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::Instant;

    #[test]
    fn a_follower_reads_what_is_new_in_one_short_sms() {
        let incident = Incident {
            id: "inc_00000000000000000000000000".parse().unwrap(),
            number: 3,
            title: "Mail\nist gestört".to_owned(),
            language: "de".parse().unwrap(),
            texts: [("de".parse().unwrap(), "Ein Speicher ist defekt. ".repeat(30))].into(),
            customers: BTreeSet::new(),
            contracts: BTreeSet::new(),
            state: IncidentState::Identified,
            rev: 1,
            opened_at: Instant::UNIX_EPOCH,
            updated_at: Instant::UNIX_EPOCH,
            resolved_at: None,
        };
        let german = of_incident(&"de-CH".parse().unwrap(), &incident);
        assert!(german.starts_with("Mail ist gestört: Ursache gefunden. Ein Speicher"), "{german}");
        assert!(german.ends_with("... STOP beendet diese SMS.") && german.chars().count() <= 306, "{german}");
        let over = Incident { state: IncidentState::Resolved, texts: Default::default(), ..incident };
        let english = of_incident(&"en".parse().unwrap(), &over);
        assert_eq!(english, "Mail ist gestört: Resolved. This was the last SMS about it.");
    }
}
