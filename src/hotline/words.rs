//! What technicians hear when a hotline rings them, per language. A new language is one more constant.
//! Pure.

use chrono::TimeDelta;

use crate::model::{language::Language, priority::Priority};

pub struct Words {
    call: &'static str,
    customer: &'static str,
    nobody_known: &'static str,
    category: &'static str,
    priority: &'static str,
    verified: &'static str,
    unverified: &'static str,
    waits: &'static str,
    pub press: &'static str,
    pub unknown_key: &'static str,
    pub connecting: &'static str,
    pub taken: &'static str,
    pub taken_by: &'static str,
    pub gone: &'static str,
    pub passed_on: &'static str,
    /// To somebody whose caller has left the queue, and has not hung up.
    pub waits_no_longer: &'static str,
    pub declined: &'static str,
    /// `{}`: a time of day.
    callback: &'static str,
    pub callback_press: &'static str,
    pub callback_declined: &'static str,
    pub callback_unanswered: &'static str,
    pub callback_over: &'static str,
    /// To the customer, just before somebody speaks.
    pub callback_bridging: &'static str,
    /// `{}` wants somebody to join, or to take over.
    pub brings_in: &'static str,
    pub hands_over: &'static str,
    /// After the star: what there is to choose.
    pub star_menu: &'static str,
    pub next_rung: &'static str,
    pub next_rung_already: &'static str,
    pub no_next: &'static str,
    /// To a caller whose technician presses keys.
    pub moment: &'static str,
    /// To somebody who was asked for while two talked, who do not any more.
    pub over: &'static str,
    /// To the caller, just before somebody speaks.
    pub bridging: &'static str,
    /// To a caller whose call is over already, or whose answer came too late.
    pub goodbye: &'static str,
    pub message_thanks: &'static str,
    /// Before static numbers are dialled; when none of them takes the call; and to whoever picks up there.
    pub spare_connecting: &'static str,
    pub spare_nobody: &'static str,
    pub spare_call: &'static str,
    pub unknown_number: &'static str,
    pub seconds: &'static str,
    pub minutes: &'static str,
}

const DE: Words = Words {
    call: "Hotline-Anruf.",
    customer: "Kunde: {}.",
    nobody_known: "Der Kunde ist unbekannt.",
    category: "Es geht um: {}.",
    priority: "Priorität {}.",
    verified: "Der Anrufer ist durch seine PIN ausgewiesen.",
    unverified: "Der Anrufer ist nicht durch eine PIN ausgewiesen.",
    waits: "Er wartet seit {}.",
    press: "Um das Gespräch anzunehmen, drücken Sie die 1. Um abzulehnen, drücken Sie die 2.",
    unknown_key: "Diese Taste kenne ich nicht.",
    connecting: "Sie werden verbunden.",
    taken: "Das Gespräch hat schon jemand angenommen. Vielen Dank.",
    taken_by: "Das Gespräch hat schon {} angenommen. Vielen Dank.",
    gone: "Der Anrufer hat inzwischen aufgelegt. Der verpasste Anruf ist vermerkt. Auf Wiederhören.",
    passed_on: "Der Anruf geht inzwischen an jemand anderen. Auf Wiederhören.",
    waits_no_longer: "Der Anrufer wartet nicht mehr. Auf Wiederhören.",
    declined: "In Ordnung, wir rufen jemand anderen an. Auf Wiederhören.",
    callback: "Ein Rückruf ist bis {} zugesagt.",
    callback_press: "Um jetzt zurückzurufen, drücken Sie die 1. Um abzulehnen, drücken Sie die 2.",
    callback_declined: "In Ordnung. Der Rückruf bleibt offen. Auf Wiederhören.",
    callback_unanswered: "Es hat niemand abgenommen.",
    callback_over: "Dieser Rückruf ist schon erledigt. Auf Wiederhören.",
    callback_bridging: "Guten Tag, hier ist der zugesagte Rückruf. Sie werden jetzt verbunden.",
    brings_in: "{} spricht mit dem Anrufer und möchte Sie dazuholen.",
    hands_over: "{} spricht mit dem Anrufer und möchte an Sie übergeben.",
    star_menu: "Um die nächste Stufe ins Gespräch zu holen, drücken Sie die 1. Um an sie zu übergeben, drücken Sie \
                die 2. Zurück zum Anrufer mit der Stern-Taste.",
    next_rung: "Die nächste Stufe wird angerufen. Solange sprechen Sie weiter.",
    next_rung_already: "Die nächste Stufe wird schon angerufen.",
    no_next: "Eine weitere Stufe gibt es nicht.",
    moment: "Einen Moment bitte, Ihr Gespräch geht gleich weiter.",
    over: "Das Gespräch ist inzwischen beendet. Vielen Dank. Auf Wiederhören.",
    bridging: "Sie werden jetzt verbunden.",
    goodbye: "Vielen Dank für Ihren Anruf. Auf Wiederhören.",
    message_thanks: "Vielen Dank. Wir haben Ihre Nachricht und melden uns. Auf Wiederhören.",
    spare_connecting: "Es tut uns leid, bei uns ist etwas schiefgegangen. Bitte bleiben Sie am Apparat, wir verbinden \
                       Sie direkt mit jemandem.",
    spare_nobody: "Wir haben leider niemanden erreicht. Bitte sprechen Sie nach dem Ton: wer Sie sind, worum es geht \
                   und unter welcher Nummer wir Sie erreichen. Wir melden uns.",
    spare_call: "Hotline-Anruf. Die Technik der Hotline ist gestört, und jemand wartet.",
    unknown_number: "Unter dieser Nummer ist noch keine Hotline eingerichtet. Auf Wiederhören.",
    seconds: "{} Sekunden",
    minutes: "{} Minuten",
};

const EN: Words = Words {
    call: "Hotline call.",
    customer: "Customer: {}.",
    nobody_known: "The customer is unknown.",
    category: "It is about: {}.",
    priority: "Priority {}.",
    verified: "The caller has proved who they are by PIN.",
    unverified: "The caller has not proved who they are by PIN.",
    waits: "They have been waiting for {}.",
    press: "To take the call, press 1. To decline, press 2.",
    unknown_key: "I do not know that key.",
    connecting: "You are being connected.",
    taken: "Somebody else has taken the call already. Thank you.",
    taken_by: "{} has taken the call already. Thank you.",
    gone: "The caller has hung up meanwhile. The missed call is on record. Goodbye.",
    passed_on: "The call goes to somebody else by now. Goodbye.",
    waits_no_longer: "The caller waits no longer. Goodbye.",
    declined: "All right, we will phone somebody else. Goodbye.",
    callback: "A callback is promised by {}.",
    callback_press: "To call back now, press 1. To decline, press 2.",
    callback_declined: "All right. The callback stays open. Goodbye.",
    callback_unanswered: "Nobody picked up.",
    callback_over: "This callback is settled already. Goodbye.",
    callback_bridging: "Hello, this is the callback that we promised. You are being connected now.",
    brings_in: "{} is talking with the caller and would like you to join.",
    hands_over: "{} is talking with the caller and would like to hand over to you.",
    star_menu: "To bring the next level into the talk, press 1. To hand over to them, press 2. For the caller, press \
                the star key.",
    next_rung: "The next level is being phoned. You go on talking meanwhile.",
    next_rung_already: "The next level is being phoned already.",
    no_next: "There is no further level.",
    moment: "One moment please, your call goes on shortly.",
    over: "The talk is over meanwhile. Thank you. Goodbye.",
    bridging: "You are being connected now.",
    goodbye: "Thank you for calling. Goodbye.",
    message_thanks: "Thank you. We have your message and will get back to you. Goodbye.",
    spare_connecting: "We are sorry, something has gone wrong on our side. Please stay on the line: we connect you \
                       directly with somebody.",
    spare_nobody: "Unfortunately we have reached nobody. After the tone, please say who you are, what it is about and \
                   at which number we can reach you. We will get back to you.",
    spare_call: "Hotline call. The hotline's machine has failed, and somebody is waiting.",
    unknown_number: "There is no hotline at this number yet. Goodbye.",
    seconds: "{} seconds",
    minutes: "{} minutes",
};

/// German for whoever speaks German, English for everybody else.
pub fn words(language: &Language) -> (&'static Words, Language) {
    match language.primary() {
        "de" => (&DE, language.clone()),
        "en" => (&EN, language.clone()),
        _ => (&EN, Language::english()),
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
        due: &str,
    ) -> String {
        let mut sentences = vec![filled(self.callback, due)];
        sentences.push(customer.map_or_else(|| self.nobody_known.to_owned(), |name| filled(self.customer, name)));
        sentences.extend(category.map(|category| filled(self.category, category)));
        sentences.push(filled(self.priority, priority.as_str().trim_start_matches('P')));
        sentences.join(" ")
    }

    pub fn announce(&self, caller: &Caller<'_>) -> String {
        let mut sentences = vec![self.call.to_owned()];
        sentences.push(match caller.customer {
            Some(name) => filled(self.customer, name),
            None => self.nobody_known.to_owned(),
        });
        sentences.extend(caller.category.map(|category| filled(self.category, category)));
        sentences.push(filled(self.priority, &caller.priority.as_str()[1..]));
        sentences.push(if caller.verified { self.verified } else { self.unverified }.to_owned());
        sentences.push(filled(self.waits, &self.duration(caller.waited)));
        sentences.join(" ")
    }

    fn duration(&self, waited: TimeDelta) -> String {
        let seconds = waited.num_seconds().max(0);
        if seconds < 120 {
            filled(self.seconds, &seconds.to_string())
        } else {
            filled(self.minutes, &(seconds / 60).to_string())
        }
    }
}

/// The one blank of a sentence.
pub fn filled(sentence: &str, with: &str) -> String {
    sentence.replacen("{}", with, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_technician_hears_customer_category_priority_proof_and_waiting_time() {
        let caller = Caller {
            customer: Some("ACME {} GmbH"),
            category: Some("outage"),
            priority: Priority::P1,
            verified: true,
            waited: TimeDelta::seconds(12),
        };
        assert_eq!(
            words(&"de-AT".parse().unwrap()).0.announce(&caller),
            "Hotline-Anruf. Kunde: ACME {} GmbH. Es geht um: outage. Priorität 1. Der Anrufer ist durch seine PIN \
             ausgewiesen. Er wartet seit 12 Sekunden."
        );
        let stranger =
            Caller { customer: None, category: None, verified: false, waited: TimeDelta::minutes(3), ..caller };
        assert_eq!(
            words(&"fr".parse().unwrap()).0.announce(&stranger),
            "Hotline call. The customer is unknown. Priority 1. The caller has not proved who they are by PIN. They have \
             been waiting for 3 minutes."
        );
    }
}
