//! What a call leaves behind: its alert, messages, what the MSP is told. Follows what the hotline does with
//! the same effects, without a database.

use std::collections::BTreeSet;

use crate::{
    ivr::{Effect, MissedAlert, NewAlert},
    model::{id::PersonId, phone::Phone},
};

/// The effects of a call so far.
#[derive(Debug, Default)]
pub struct Left {
    pub alerts: Vec<Alert>,
    pub told: BTreeSet<String>,
    pub sms: Vec<String>,
    pub voicemails: usize,
    /// Numbers that will be called back.
    pub promised: Vec<Phone>,
    next_number: i64,
}

#[derive(Debug, Clone)]
pub struct Alert {
    pub of: NewAlert,
    pub acknowledged_by: Option<PersonId>,
    pub missed: bool,
}

impl Left {
    /// The number that the next alert of this call gets.
    pub fn next_number(&self) -> i64 {
        self.next_number + 1
    }

    /// The call's alert: the one that was raised last.
    pub fn alert(&self) -> Option<&Alert> {
        self.alerts.last()
    }

    /// What is to be seen of an effect in the transcript.
    pub fn take(&mut self, effect: &Effect) -> Option<String> {
        match effect {
            Effect::RaiseAlert(alert) => Some(self.raise(alert, false)),
            Effect::AddToAlert(alert) => Some(self.add(alert)),
            Effect::Connect(_) => None,
            Effect::Voicemail(voicemail) => {
                self.voicemails += 1;
                let said = format!("a message of {} seconds is kept", voicemail.seconds);
                let raised = match &voicemail.raise {
                    Some(alert) => Some(self.raise(alert, false)),
                    None => self.raise_for_message(),
                };
                Some(raised.map_or_else(|| said.clone(), |raised| format!("{said}; {raised}")))
            }
            Effect::Missed(missed) => Some(match &missed.alert {
                MissedAlert::New(alert) => self.raise(alert, true),
                MissedAlert::Existing { number } => {
                    if let Some(alert) = self.alerts.iter_mut().find(|alert| alert.of.number == *number) {
                        alert.missed = true;
                    }
                    format!("alert {number} learns of the missed call")
                }
            }),
            Effect::FollowIncidents { incidents, .. } => {
                Some(format!("the caller will hear by SMS of {} incidents", incidents.len()))
            }
            Effect::Callback(promised) => {
                self.promised.push(promised.number.clone());
                Some(format!("{} is promised a call by {}", promised.number, promised.due.to_rfc3339()))
            }
            Effect::SendSms { text, .. } => {
                self.sms.push(text.clone());
                Some(format!("the caller gets an SMS: {text}"))
            }
            Effect::RememberLanguage { language, .. } => Some(format!("the number's language is kept: {language}")),
            Effect::PinFailed { .. } => Some("the PIN was wrong".to_owned()),
            Effect::PinVerified { contact, .. } => Some(format!("the PIN is that of {contact}")),
            Effect::Consent { given, .. } => {
                Some(format!("the talk {} be recorded", if *given { "may" } else { "must not" }))
            }
            Effect::TellMsp { matter, text } => {
                self.told.insert(matter.as_str().to_owned());
                Some(format!("the MSP is told: {text}"))
            }
        }
    }

    fn raise(&mut self, alert: &NewAlert, missed: bool) -> String {
        self.next_number = self.next_number.max(alert.number);
        self.alerts.push(Alert { of: alert.clone(), acknowledged_by: None, missed });
        format!("alert {} is raised, {}: {}", alert.number, alert.priority, alert.title)
    }

    /// A more urgent priority wins.
    fn add(&mut self, added: &NewAlert) -> String {
        match self.alerts.iter_mut().find(|alert| alert.of.number == added.number) {
            Some(alert) => {
                alert.of.priority = alert.of.priority.min(added.priority);
                format!("added to alert {}: {}", added.number, added.title)
            }
            None => self.raise(added, false),
        }
    }

    /// Somebody took the alert before there was a message: somebody has to hear of it.
    fn raise_for_message(&mut self) -> Option<String> {
        let before = self.alerts.last()?;
        before.acknowledged_by.as_ref()?;
        let number = self.next_number();
        let title = format!("The caller left a message: {}", before.of.title);
        let again = NewAlert { number, title, ..before.of.clone() };
        Some(self.raise(&again, false))
    }

    /// Whoever takes the call takes its alert.
    pub fn acknowledge(&mut self, by: &PersonId) {
        if let Some(alert) = self.alerts.last_mut().filter(|alert| alert.acknowledged_by.is_none()) {
            alert.acknowledged_by = Some(by.clone());
        }
    }
}
