//! Turns "your shift begins" into messages to one person: over what the rules for low urgency name first, never by
//! phone. Pure.

use super::{
    rules::{in_writing, steps},
    said::Said,
    texts::{self, Shift},
};
use crate::{
    clock::Ids,
    model::{
        person::{Channel, ContactMethod, Person},
        priority::Urgency,
    },
    store::attempts::{AttemptKind, NewAttempt},
};

/// Empty: there is no way to write to them. `home` is where a push leads.
pub fn plan(person: &Person, shift: &Shift<'_>, home: &str, ids: &Ids) -> Vec<NewAttempt> {
    let message = |method: &ContactMethod| NewAttempt {
        id: ids.id(shift.now),
        notification: None,
        alert: None,
        person: Some(person.id.clone()),
        method: Some(method.id.clone()),
        address: method.address.clone(),
        kind: AttemptKind::Notice,
        text: said(person, shift, home, method.address.channel()).to_json(),
        held: false,
        due_at: shift.now,
        created_at: shift.now,
    };
    methods(person).into_iter().map(message).collect()
}

/// Nobody has to answer, so nothing comes later.
fn methods(person: &Person) -> Vec<&ContactMethod> {
    let mut written = steps(person, Urgency::Low);
    written.retain(|(method, _)| method.address.channel() != Channel::Voice);
    let Some(first) = written.iter().map(|(_, after)| *after).min() else {
        return in_writing(person).into_iter().collect();
    };
    let mut methods: Vec<&ContactMethod> = Vec::new();
    for (method, _) in written.into_iter().filter(|(_, after)| *after == first) {
        if methods.iter().all(|known| known.id != method.id) {
            methods.push(method);
        }
    }
    methods
}

fn said(person: &Person, shift: &Shift<'_>, home: &str, channel: Channel) -> Said {
    let language = person.language.as_str();
    let said = match channel {
        Channel::Sms | Channel::Voice => Said::plain(texts::shift_sms(language, shift)),
        Channel::Email => texts::shift_mail(language, shift).into(),
        Channel::Push => texts::shift_push(language, shift, home).into(),
        Channel::Slack | Channel::Teams | Channel::Telegram | Channel::Ntfy | Channel::Webhook => {
            texts::shift_chat(language, shift).into()
        }
    };
    Said { language: language.to_owned(), ..said }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        notify::{
            testing::{alert, person, rules},
            texts::About,
        },
        store::testing::at,
    };

    fn told(person: &Person, now: i64) -> Vec<(Channel, Said)> {
        let alerts = [alert("Disk full"), alert("Mail is slow")];
        let open: Vec<About<'_>> = alerts.iter().map(|alert| About { alert, customer: Some("ACME GmbH") }).collect();
        let shift = Shift {
            schedule: "primary",
            from: at(3_600),
            until: Some(at(7 * 86_400)),
            zone: person.zone,
            open: &open,
            count: 12,
            now: at(now),
        };
        let plan = plan(person, &shift, "https://hotline.example/console", &Ids::seeded(1));
        plan.iter().map(|told| (told.address.channel(), Said::from_json(&told.text).unwrap())).collect()
    }

    fn channels(person: &Person) -> Vec<Channel> {
        told(person, 0).into_iter().map(|(channel, _)| channel).collect()
    }

    #[test]
    fn what_the_mild_rules_name_first_tells_it_and_never_a_phone_call() {
        let mut anna = person("anna", "en", &["sms", "voice", "email", "slack"]);
        anna.rules_low = rules(&[("voice", 0), ("email", 0), ("slack", 0), ("sms", 600)]);
        assert_eq!(channels(&anna), [Channel::Email, Channel::Slack]);
        anna.rules_low = rules(&[("voice", 0), ("sms", 600), ("sms", 1_200)]);
        assert_eq!(channels(&anna), [Channel::Sms]);
        anna.rules_low = rules(&[("voice", 0)]);
        assert_eq!(channels(&anna), [Channel::Sms], "some way to write to her");
        assert_eq!(channels(&person("anna", "en", &["voice"])), []);
    }

    #[test]
    fn an_sms_says_when_and_what_is_open() {
        let mut anna = person("anna", "en", &["sms", "voice"]);
        anna.rules_low = rules(&[("sms", 0)]);
        let open = "P1 #7: ACME GmbH, server: Disk full; P1 #7: ACME GmbH, server: Mail is slow";
        assert_eq!(
            told(&anna, 0)[0].1.text,
            format!(
                "You go on call for primary at 04:00, until 2026-03-08 03:00.\nStill open: 12; {open}; and 10 more"
            )
        );
        assert_eq!(
            told(&anna, 3_600)[0].1.text,
            format!("You are on call for primary, until 2026-03-08 03:00.\nStill open: 12; {open}; and 10 more")
        );
        anna.language = "de".parse().unwrap();
        assert_eq!(
            told(&anna, 0)[0].1.text,
            format!(
                "Dein Dienst primary beginnt um 04:00, bis 2026-03-08 03:00.\nNoch offen: 12; {open}; und 10 weitere"
            )
        );
    }

    #[test]
    fn a_mail_lists_what_is_open() {
        let anna = person("anna", "de", &["email"]);
        let mail = told(&anna, 3_600).remove(0).1;
        assert_eq!(mail.title, "Pikett: Du hast jetzt Dienst: primary, bis 2026-03-08 03:00.");
        assert_eq!(
            mail.text,
            "Du hast jetzt Dienst: primary, bis 2026-03-08 03:00.\n\nNoch offen: 12\n\
             P1 #7: ACME GmbH, server: Disk full\nP1 #7: ACME GmbH, server: Mail is slow\nund 10 weitere\n"
        );
        assert!(mail.html.contains("Mail is slow"), "{}", mail.html);
    }
}
