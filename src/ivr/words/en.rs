//! The engine's sentences in English, which also stand in for languages without sentences.

use chrono::{Datelike, NaiveDateTime, Timelike};

use super::Words;

pub const WORDS: Words = Words {
    tag: "en",
    sorry: "We are sorry, something went wrong on our side. After the tone, please tell us who you are, what happened \
            and how we can reach you. We will call you back.",
    goodbye: "Goodbye.",
    thanks: "Thank you. We have your message and will get back to you. Goodbye.",
    sorry_goodbye: "We are sorry, something went wrong on our side. We know of your call and will get back to you. \
                    Goodbye.",
    wrong_key: "That is not one of the choices.",
    no_input: "We did not receive an answer.",
    wrong_pin: "That was not right. Please try again.",
    wrong_customer_number: "That was no customer number. Please try again.",
    ask_customer_number: "Please enter your customer number, then the hash key.",
    ask_any_key: "Please press any key, so that we can put you through.",
    ask_consent: "May we record this call? For yes, press 1 or say yes. For no, press 2.",
    yes: &["yes", "yeah", "sure", "okay", "agreed"],
    no: &["no", "not", "nope"],
    digits: [
        &["zero", "oh", "o"],
        &["one"],
        &["two"],
        &["three"],
        &["four"],
        &["five"],
        &["six"],
        &["seven"],
        &["eight"],
        &["nine"],
    ],
    names: &["english", "englisch"],
    confirm: "We understood: {heard}. If that is right, press 1 or say yes. If not, press 2 or say no.",
    not_understood: "We did not understand that.",
    questions: [
        "Who are you, and at what number can we reach you? Please speak after the tone, then press the hash key.",
        "What has happened? Please speak after the tone, then press the hash key.",
        "Where is it? Please name the place, the system or the machine after the tone, then press the hash key.",
        "Since when has it been so? Please speak after the tone, then press the hash key.",
        "Why do you think it happened? Did anything change before? Please speak after the tone, then press the hash \
         key.",
    ],
    hold: "Please hold the line. We are connecting you with a technician.",
    still_holding: "We are still trying to reach somebody for you.",
    queue_position: "You are number {position} in the queue.",
    may_leave: "If you do not want to wait, press the star key.",
    notice: "We know of the following problem and are working on it.",
    ask_follow: "To be kept up to date by SMS, press 1 or say yes. To go on without, press 2 or say no.",
    followed: "All right. You will get an SMS as soon as there is news.",
    offer_callback: "We will call you back within {within} at the number {number}. If you want that, press 1 or say \
                     yes. If not, press 2 or say no.",
    offer_callback_or_other: "We will call you back within {within} at the number {number}. If you want that, press 1 \
                              or say yes. For another number, press 2 or say another number. If you do not want to be \
                              called back, press 3 or say no.",
    another_number: &["another", "other", "different"],
    ask_callback_number: "Please enter the number with its area code at which we shall call you back, then the hash \
                          key. You can also say it.",
    callback_number_wrong: "That was no phone number.",
    callback_number_refused: "We cannot call back to that country.",
    callback_promised: "Thank you. We will call you back by {time} at the number {number}.",
    title_callback: "Call back by {time}: {who}, {number}",
    title_call: "Call from {who}",
    title_voicemail: "Voicemail from {who}",
    title_missed: "Missed call from {who} (reached step {step})",
    nobody_on_call: "Nobody is on call: {who} was waiting on hotline {hotline} at step {step}",
    nobody_reached: "Nobody could be reached: {who} was waiting on hotline {hotline} at step {step}",
    connect_failed: "Connecting failed: {who} was waiting on hotline {hotline} at step {step}",
    refused_call: "A forward was not allowed: hotline {hotline}, step {step}",
    refused_sms: "An SMS was not allowed: hotline {hotline}, step {step}",
    flow_failed: "The flow of hotline {hotline} could not go on at step {step}, on a call from {who}",
    anonymous: "a withheld number",
    units: [("second", "seconds"), ("minute", "minutes"), ("hour", "hours"), ("day", "days")],
    and: "and",
    time,
};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn time(at: NaiveDateTime, with_date: bool) -> String {
    let (pm, hour) = at.hour12();
    let clock = format!("{hour}:{:02} {}", at.minute(), if pm { "p.m." } else { "a.m." });
    match with_date {
        true => format!("on {} {} at {clock}", MONTHS[at.month0() as usize], at.day()),
        false => clock,
    }
}
