//! What is heard around connecting: by technicians whom a hotline rings, and by callers beside them. What
//! each sentence is for stands in `en.toml`.

use super::{
    clock::WrittenTime,
    read::{Sentence, sentences},
};

sentences! {
    Technicians {
        call: Sentence,
        customer: Sentence,
        nobody_known: Sentence,
        category: Sentence,
        priority: Sentence,
        verified: Sentence,
        unverified: Sentence,
        waits: Sentence,
        seconds: Sentence,
        minutes: Sentence,
        press: Sentence,
        unknown_key: Sentence,
        connecting: Sentence,
        taken: Sentence,
        taken_by: Sentence,
        gone: Sentence,
        passed_on: Sentence,
        waits_no_longer: Sentence,
        declined: Sentence,
        callback: Sentence,
        callback_press: Sentence,
        callback_declined: Sentence,
        callback_unanswered: Sentence,
        callback_over: Sentence,
        callback_bridging: Sentence,
        brings_in: Sentence,
        hands_over: Sentence,
        star_menu: Sentence,
        next_rung: Sentence,
        next_rung_already: Sentence,
        no_next: Sentence,
        moment: Sentence,
        over: Sentence,
        bridging: Sentence,
        goodbye: Sentence,
        message_thanks: Sentence,
        spare_connecting: Sentence,
        spare_nobody: Sentence,
        spare_call: Sentence,
        unknown_number: Sentence,
        time: WrittenTime,
    }
}
