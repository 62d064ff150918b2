//! Pages, SMS, mails, and the pages that their links open. What each sentence is for stands in `en.toml`.

use super::{
    clock::WrittenTime,
    read::{Sentence, sentences},
};
use crate::model::source::Reader;

/// With the head of an alert it fits into an SMS of the dearest signs.
const SMS_KEYS_MAX: usize = 100;

sentences! {
    Messages {
        priority: Sentence,
        customer: Sentence,
        category: Sentence,
        sms_keys: Sentence,
        bundle: Sentence,
        voice_page: Sentence,
        voice_page_customer: Sentence,
        voice_page_category: Sentence,
        voice_keys: Sentence,
        voice_done: Each,
        voice_callback: Sentence,
        voice_take_over: Sentence,
        voice_unknown_key: Sentence,
        voice_no_key: Sentence,
        voice_choice: Sentence,
        voice_passed_on: Sentence,
        voice_noted: Sentence,
        note_coming: Sentence,
        note_working: Sentence,
        note_help: Sentence,
        voice_gone: Sentence,
        already_acknowledged: Sentence,
        already_resolved: Sentence,
        answer_done: Each,
        answer_acknowledged: Sentence,
        answer_resolved: Sentence,
        answer_yours_acknowledged: Sentence,
        answer_yours_resolved: Sentence,
        answer_unknown: Sentence,
        answer_help: Sentence,
        answer_failed: Sentence,
        answer_snoozed: Sentence,
        answer_passed_on: Sentence,
        answer_noted: Sentence,
        answer_nobody: Sentence,
        answer_duration: Sentence,
        answer_stranger: Sentence,
        notice_acknowledged: Sentence,
        notice_resolved: Sentence,
        transcript: Sentence,
        listen: Sentence,
        caller: Sentence,
        contact_code: Sentence,
        contact_code_voice: Sentence,
        contact_link: Sentence,
        contact_agree: Sentence,
        contact_question: Sentence,
        contact_done: Sentence,
        contact_gone: Sentence,
        test: Sentence,
        test_key: Sentence,
        test_heard: Sentence,
        lost: Sentence,
        ways: Ways,
        email_intro: Sentence,
        action: Each,
        email_footer: Sentence,
        more: Sentence,
        more_to: Sentence,
        more_pass_on: Sentence,
        more_note: Sentence,
        confirm_question: Each,
        confirm_done: Each,
        link_expired: Sentence,
        link_forged: Sentence,
        incident_investigating: Sentence,
        incident_identified: Sentence,
        incident_monitoring: Sentence,
        incident_resolved: Sentence,
        incident_more: Sentence,
        incident_over: Sentence,
        time: WrittenTime,
    }
}

sentences! {
    /// A sentence for each of what people may do.
    Each {
        acknowledge: Sentence,
        escalate: Sentence,
        resolve: Sentence,
        snooze: Sentence,
        take_over: Sentence,
    }
}

sentences! {
    /// The name of each channel in a sentence: "by SMS".
    Ways {
        sms: Sentence,
        voice: Sentence,
        email: Sentence,
        push: Sentence,
        slack: Sentence,
        teams: Sentence,
        telegram: Sentence,
        ntfy: Sentence,
        webhook: Sentence,
    }
}

impl Messages {
    /// What no sentence can tell of itself. `table` is where it all stands.
    pub(super) fn check(&self, table: &Reader<'_>) {
        for digit in ["1", "2", "9"] {
            if !self.sms_keys.contains(&format!("{digit} {{code}}")) {
                let mend = "it tells what to answer: write `1 {code}`, `2 {code}` and `9 {code}` into it";
                table.fault_at("sms_keys", format!("`sms_keys` has no `{digit} {{code}}`"), mend);
            }
        }
        let length = self.sms_keys.chars().count();
        if length > SMS_KEYS_MAX {
            let mend = format!("{SMS_KEYS_MAX} are the most, so that an SMS keeps it whole");
            table.fault_at("sms_keys", format!("`sms_keys` has {length} characters"), mend);
        }
    }
}
