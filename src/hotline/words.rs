//! What technicians hear when a hotline rings them, put together from the sentences of their language
//! (`languages`). Pure.

use chrono::{NaiveDateTime, TimeDelta};

use crate::{
    languages::{Languages, fill, spoken},
    model::{language::Language, priority::Priority},
};

pub use crate::languages::Technicians as Words;

/// In the language itself where it has words, in English for everybody else.
pub fn words(language: &Language) -> (&'static Words, Language) {
    words_of(spoken(), language)
}

fn words_of<'a>(languages: &'a Languages, language: &Language) -> (&'a Words, Language) {
    match languages.find(language.as_str()) {
        Some(sentences) => (&sentences.technicians, language.clone()),
        None => (&languages.find_or_english("en").technicians, Language::english()),
    }
}

/// What a technician is told of a call before pressing 1.
pub struct Caller<'a> {
    pub customer: Option<&'a str>,
    pub category: Option<&'a str>,
    pub priority: Priority,
    pub verified: bool,
    pub waited: TimeDelta,
}

impl Words {
    pub fn announce_callback(
        &self,
        customer: Option<&str>,
        category: Option<&str>,
        priority: Priority,
        due: NaiveDateTime,
    ) -> String {
        let mut sentences = vec![fill(self.callback, &[("time", &self.time.at(due.time()))])];
        sentences.extend(self.whom_and_what(customer, category, priority));
        sentences.join(" ")
    }

    pub fn announce(&self, caller: &Caller<'_>) -> String {
        let mut sentences = vec![self.call.to_owned()];
        sentences.extend(self.whom_and_what(caller.customer, caller.category, caller.priority));
        sentences.push(if caller.verified { self.verified } else { self.unverified }.to_owned());
        sentences.push(fill(self.waits, &[("waited", &self.duration(caller.waited))]));
        sentences.join(" ")
    }

    fn whom_and_what(&self, customer: Option<&str>, category: Option<&str>, priority: Priority) -> Vec<String> {
        let mut sentences = vec![match customer {
            Some(name) => fill(self.customer, &[("customer", name)]),
            None => self.nobody_known.to_owned(),
        }];
        sentences.extend(category.map(|category| fill(self.category, &[("category", category)])));
        sentences.push(fill(self.priority, &[("priority", priority.as_str().trim_start_matches('P'))]));
        sentences
    }

    fn duration(&self, waited: TimeDelta) -> String {
        let seconds = waited.num_seconds().max(0);
        if seconds < 120 {
            fill(self.seconds, &[("count", &seconds.to_string())])
        } else {
            fill(self.minutes, &[("count", &(seconds / 60).to_string())])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_technician_hears_customer_category_priority_proof_and_waiting_time() {
        let built_in = Languages::built_in();
        let caller = Caller {
            customer: Some("ACME {customer} GmbH"),
            category: Some("outage"),
            priority: Priority::P1,
            verified: true,
            waited: TimeDelta::seconds(12),
        };
        assert_eq!(
            words_of(&built_in, &"de-AT".parse().unwrap()).0.announce(&caller),
            "Hotline-Anruf. Kunde: ACME {customer} GmbH. Es geht um: outage. Priorität 1. Der Anrufer ist durch seine PIN \
             ausgewiesen. Er wartet seit 12 Sekunden."
        );
        let stranger =
            Caller { customer: None, category: None, verified: false, waited: TimeDelta::minutes(3), ..caller };
        assert_eq!(
            words_of(&built_in, &"fr".parse().unwrap()).0.announce(&stranger),
            "Hotline call. The customer is unknown. Priority 1. The caller has not proved who they are by PIN. They have \
             been waiting for 3 minutes."
        );
    }
}
