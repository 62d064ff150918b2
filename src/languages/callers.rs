//! What callers hear, and what their calls are called. What each sentence is for stands in `en.toml`.

use chrono::{Datelike, NaiveDateTime};

use super::{
    clock::{SpokenTime, Time},
    fill,
    read::{Said, Sentence, sentences},
};
use crate::model::source::Reader;

sentences! {
    Callers {
        sorry: Sentence,
        goodbye: Sentence,
        thanks: Sentence,
        sorry_goodbye: Sentence,
        wrong_key: Sentence,
        no_input: Sentence,
        wrong_pin: Sentence,
        wrong_customer_number: Sentence,
        ask_customer_number: Sentence,
        ask_any_key: Sentence,
        ask_consent: Sentence,
        yes: Said,
        no: Said,
        digits: [Said; 10],
        confirm: Sentence,
        not_understood: Sentence,
        questions: [Sentence; 5],
        hold: Sentence,
        still_holding: Sentence,
        queue_position: Sentence,
        may_leave: Sentence,
        notice: Sentence,
        ask_follow: Sentence,
        followed: Sentence,
        offer_callback: Sentence,
        offer_callback_or_other: Sentence,
        another_number: Said,
        ask_callback_number: Sentence,
        callback_number_wrong: Sentence,
        callback_number_refused: Sentence,
        callback_promised: Sentence,
        title_callback: Sentence,
        title_call: Sentence,
        title_voicemail: Sentence,
        title_missed: Sentence,
        nobody_on_call: Sentence,
        nobody_reached: Sentence,
        connect_failed: Sentence,
        refused_call: Sentence,
        refused_sms: Sentence,
        flow_failed: Sentence,
        anonymous: Sentence,
        units: [[Sentence; 2]; 4],
        and: Sentence,
        time: SpokenTime,
        time_with_date: Sentence,
        half_day: [Sentence; 2],
        months: [Sentence; 12],
        first_day: Sentence,
    }
}

impl Callers {
    /// `90` is "1 minute and 30 seconds"; no more than the two greatest units.
    pub fn duration(&self, seconds: i64) -> String {
        let seconds = seconds.max(0);
        let counts = [seconds % 60, seconds / 60 % 60, seconds / 3_600 % 24, seconds / 86_400];
        let spoken: Vec<_> = counts
            .iter()
            .zip(self.units)
            .rev()
            .filter(|(count, _)| **count > 0)
            .take(2)
            .map(|(count, [one, many])| format!("{count} {}", if *count == 1 { one } else { many }))
            .collect();
        match spoken.is_empty() {
            true => format!("0 {}", self.units[0][1]),
            false => spoken.join(&format!(" {} ", self.and)),
        }
    }

    /// A time of day, with its date when that is not today.
    pub fn time(&self, at: NaiveDateTime, with_date: bool) -> String {
        let time = self.time.say(at.time(), self.half_day);
        if !with_date {
            return time;
        }
        let day = if at.day() == 1 { self.first_day.to_owned() } else { at.day().to_string() };
        let month = self.months[at.month0() as usize];
        fill(self.time_with_date, &[("day", &day), ("month", month), ("time", &time)])
    }

    /// What no sentence can tell of itself. `table` is where it all stands.
    pub(super) fn check(&self, table: &Reader<'_>) {
        let fault = |key: &'static str, what: String, mend: &str| table.fault_at(key, what, mend);
        if let Some(both) = self.yes.iter().find(|word| self.no.contains(word)) {
            fault("no", format!("`{both}` stands in `yes` as well"), "leave it out of one of them");
        }
        let mut heard: Vec<&str> = Vec::new();
        for word in self.digits.iter().copied().flatten().copied() {
            if !word.chars().all(char::is_alphanumeric) {
                fault("digits", format!("`{word}` is more than one word"), "digits are heard word by word: take one");
            }
            if heard.contains(&word) {
                fault("digits", format!("`{word}` stands for two digits"), "leave it out of one of them");
            }
            heard.push(word);
        }
    }
}
