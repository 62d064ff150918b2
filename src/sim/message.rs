//! SMS: from the service to a phone, with reports on the way, and from a phone to the service.

use chrono::TimeDelta;

use super::{
    Message, Sid, Sim, SmsReception,
    event::{Purpose, What},
    times::within,
    webhook::Request,
    world::Target,
};
use crate::{
    carrier::{status::MessageStatus, twiml},
    model::phone::Phone,
};

/// Exactly one of these words, and the network blocks further messages (Twilio: opt-out keywords).
const STOP: [&str; 6] = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"];
const START: [&str; 3] = ["START", "YES", "UNSTOP"];
const STOPPED: &str = "You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.";
const STARTED: &str = "You have successfully been re-subscribed to messages from this number.";
/// The recipient has sent STOP.
pub(super) const OPTED_OUT: u32 = 21610;
/// Twilio takes at most ten messages as the answer to one.
const ANSWERS_MAX: usize = 10;
/// "Reply message limit exceeded".
const TOO_MANY_ANSWERS: u32 = 14109;

pub(super) struct NewMessage {
    pub account: String,
    pub from: String,
    pub to: String,
    pub body: String,
    pub status_callback: Option<Target>,
    /// Seconds after which it is not sent any more.
    pub validity_s: u32,
}

/// Segments of 160 or 70 characters, of 153 or 67 in longer texts (Twilio: GSM-7 and UCS-2).
pub(super) fn segments(body: &str) -> usize {
    const GSM: &str = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¡ÄÖÑÜ§¿äöñüà€^{}[]~|\\\n\r";
    let is_gsm = body.chars().all(|c| (' '..='~').contains(&c) && c != '`' || GSM.contains(c));
    let (single, part) = if is_gsm { (160, 153) } else { (70, 67) };
    let length = if is_gsm { body.chars().count() } else { body.encode_utf16().count() };
    if length <= single { 1 } else { length.div_ceil(part) }
}

impl Sim {
    /// An SMS from somebody's phone to one of our numbers.
    pub fn text(&self, from: Phone, to: Phone, body: &str) -> Sid {
        let (from, to) = (from.to_string(), to.to_string());
        let hooks = self.world().hooks(&to).cloned().unwrap_or_default();
        let account = if hooks.account.is_empty() { self.account_sid() } else { hooks.account };
        let sid = self.keep_message(&account, &from, &to, body, MessageStatus::Received);
        self.note(What::SmsToUs { sid: sid.clone(), from: from.clone(), to: to.clone(), body: body.to_owned() });
        let word = body.trim().to_uppercase();
        let pair = (to.clone(), from.clone());
        let opt_out = if STOP.contains(&word.as_str()) {
            self.world().opted_out.insert(pair);
            Some(STOPPED)
        } else if START.contains(&word.as_str()) && self.world().opted_out.remove(&pair) {
            Some(STARTED)
        } else {
            None
        };
        if let Some(answer) = opt_out {
            // The carrier answers by itself, whoever has opted out.
            let own = self.keep_message(&account, &to, &from, answer, MessageStatus::Delivered);
            self.tell_message(&own);
        }
        if let Some(url) = hooks.sms_url {
            let mut pairs = message_pairs(&sid, &account, &from, &to);
            for (name, value) in [("Body", body), ("NumMedia", "0"), ("SmsStatus", "received")] {
                pairs.push((name.to_owned(), value.to_owned()));
            }
            pairs.push(("NumSegments".to_owned(), segments(body).to_string()));
            pairs.push(("SmsMessageSid".to_owned(), sid.to_string()));
            let request = Request {
                about: sid.clone(),
                purpose: Purpose::Sms,
                target: Target::post(url),
                pairs,
                account,
                between: (from, to),
                cookies: std::collections::BTreeMap::new(),
            };
            let sim = self.clone();
            self.spawn(async move { sim.hand_over(request).await });
        }
        sid
    }

    /// Asks the service what to answer, and sends that.
    async fn hand_over(&self, request: Request) {
        let (about, account) = (request.about.clone(), request.account.clone());
        let (from, to) = request.between.clone();
        let answer = match self.request(request).await {
            Ok(answer) => answer,
            Err(failure) => return self.warn(&about, failure.code, failure.text),
        };
        let read = match twiml::answer_kind(answer.content_type.as_deref()).and_then(|_| twiml::read(&answer.body)) {
            Ok(read) => read,
            // An empty answer is a silent one.
            Err(_) if answer.body.trim().is_empty() => return,
            Err(error) => return self.warn(&about, error.code(), error.to_string()),
        };
        let messages = read.response.verbs.into_iter().filter_map(|verb| match verb {
            twiml::Verb::Message(message) => Some(message),
            _ => None,
        });
        for (index, message) in messages.enumerate() {
            if index == ANSWERS_MAX {
                return self.warn(&about, TOO_MANY_ANSWERS, "more than ten answers to one message");
            }
            let status_callback = message.status_callback.and_then(|url| answer.url.join(&url).ok()).map(Target::post);
            self.send(NewMessage {
                account: account.clone(),
                from: message.from.unwrap_or_else(|| to.clone()),
                to: message.to.unwrap_or_else(|| from.clone()),
                body: message.body,
                status_callback,
                validity_s: 36_000,
            });
        }
    }

    /// Takes a message from the service; `Err` with the code by which it is refused.
    pub(super) fn accept_message(&self, new: NewMessage) -> Result<Sid, u32> {
        let world = self.world();
        let refused = match world.behaviour(&new.to).sms {
            SmsReception::Refused { code } => Some(code),
            _ if world.opted_out.contains(&(new.from.clone(), new.to.clone())) => Some(OPTED_OUT),
            _ => None,
        };
        drop(world);
        match refused {
            Some(code) => Err(code),
            None => Ok(self.send(new)),
        }
    }

    fn send(&self, new: NewMessage) -> Sid {
        let sid = self.keep_message(&new.account, &new.from, &new.to, &new.body, MessageStatus::Queued);
        self.tell_message(&sid);
        let (sim, journey) = (self.clone(), sid.clone());
        self.spawn(async move { sim.carry_message(journey, new).await });
        sid
    }

    async fn carry_message(&self, sid: Sid, new: NewMessage) {
        let clock = &self.0.clock;
        let chance = |what: &str| self.0.chance.fraction(&[what, sid.as_str()]);
        let (sent, delivered) = (
            within(self.0.times.sms_sent_s, chance("sent")),
            within(self.0.times.sms_delivered_s, chance("delivered")),
        );
        let target = new.status_callback.as_ref();
        clock.sleep(sent).await;
        if sent > TimeDelta::seconds(new.validity_s.into()) {
            // "Message expired before it was sent".
            return self.move_message(&sid, MessageStatus::Failed, Some(30036), target);
        }
        let reception = self.world().behaviour(&new.to).sms;
        if let SmsReception::Failed { code } = reception {
            return self.move_message(&sid, MessageStatus::Failed, Some(code), target);
        }
        self.move_message(&sid, MessageStatus::Sent, None, target);
        clock.sleep(delivered).await;
        match reception {
            SmsReception::Delivered | SmsReception::Refused { .. } | SmsReception::Failed { .. } => {
                self.move_message(&sid, MessageStatus::Delivered, None, target);
            }
            SmsReception::Undelivered { code } => {
                self.move_message(&sid, MessageStatus::Undelivered, Some(code), target);
            }
            SmsReception::Silent => {}
        }
    }

    fn move_message(&self, sid: &Sid, status: MessageStatus, code: Option<u32>, target: Option<&Target>) {
        let now = self.0.clock.now();
        let mut world = self.world();
        let Some(message) = world.messages.iter_mut().find(|message| message.sid == *sid) else { return };
        message.status = status.clone();
        message.code = code;
        message.sent_at = message.sent_at.or(Some(now));
        let message = message.clone();
        drop(world);
        self.tell_message(sid);
        let Some(target) = target else { return };
        let mut pairs = message_pairs(sid, &message.account, &message.from, &message.to);
        for name in ["MessageStatus", "SmsStatus"] {
            pairs.push((name.to_owned(), status.as_str().to_owned()));
        }
        pairs.extend(code.map(|code| ("ErrorCode".to_owned(), code.to_string())));
        let request = Request {
            about: sid.clone(),
            purpose: Purpose::SmsStatus,
            target: target.clone(),
            pairs,
            account: message.account,
            between: (message.from, message.to),
            cookies: std::collections::BTreeMap::new(),
        };
        self.report(request, TimeDelta::zero());
        if status.is_final() {
            self.0.couriers.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(sid);
        }
    }

    fn keep_message(&self, account: &str, from: &str, to: &str, body: &str, status: MessageStatus) -> Sid {
        let sid = self.0.chance.sid("SM", &format!("{from} {to}"));
        let message = Message {
            sid: sid.clone(),
            account: account.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            body: body.to_owned(),
            inbound: status == MessageStatus::Received,
            status,
            code: None,
            created_at: self.0.clock.now(),
            sent_at: None,
        };
        self.world().messages.push(message);
        sid
    }

    fn tell_message(&self, sid: &Sid) {
        let message = self.world().messages.iter().find(|message| message.sid == *sid).cloned();
        if let Some(message) = message {
            self.note(What::Sms {
                sid: message.sid,
                from: message.from,
                to: message.to,
                body: message.body,
                status: message.status.as_str().to_owned(),
                code: message.code,
            });
        }
    }
}

fn message_pairs(sid: &Sid, account: &str, from: &str, to: &str) -> Vec<(String, String)> {
    [
        ("MessageSid", sid.as_str()),
        ("SmsSid", sid.as_str()),
        ("AccountSid", account),
        ("From", from),
        ("To", to),
        ("ApiVersion", "2010-04-01"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_counts_its_segments() {
        assert_eq!(segments(&"ä".repeat(160)), 1);
        assert_eq!(segments(&"x".repeat(161)), 2);
        assert_eq!(segments(&"„".repeat(71)), 2);
    }
}
