//! The proof that a way of reaching somebody is theirs: a code that goes there, or a signed link; and a test of
//! one that is in use. Pure.

use chrono::TimeDelta;

use super::{
    links::{LinkError, Links},
    said::Said,
    texts, urls,
};
use crate::{
    clock::Ids,
    model::{
        Instant,
        id::{MethodId, PersonId},
        person::{Address, Channel, Person},
    },
    store::attempts::{AttemptKind, NewAttempt},
};

/// How long a code or link is good.
pub const VALID: TimeDelta = TimeDelta::minutes(15);
/// The same key signs other things too: what is signed says what it is.
const PURPOSE: &[u8] = b"pikett contact v1\n";

/// What a genuine link proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub person: PersonId,
    pub method: MethodId,
    pub code: String,
}

/// Where a message about itself goes.
#[derive(Debug, Clone, Copy)]
pub struct Goes<'a> {
    pub person: &'a Person,
    pub method: &'a MethodId,
    pub address: &'a Address,
}

impl Links {
    pub fn proof(&self, proof: &Proof, expires_at: Instant) -> String {
        let Proof { person, method, code } = proof;
        let token = self.signed(PURPOSE, &format!("{} {person} {method} {code}", expires_at.timestamp()));
        urls::contact(self.home(), &token)
    }

    pub fn read_proof(&self, token: &str, now: Instant) -> Result<Proof, LinkError> {
        let said = self.checked(PURPOSE, token)?;
        let (expires_at, proof) = parts(&said).ok_or(LinkError::Forged)?;
        if expires_at < now { Err(LinkError::Expired) } else { Ok(proof) }
    }
}

fn parts(said: &[u8]) -> Option<(Instant, Proof)> {
    let mut words = std::str::from_utf8(said).ok()?.split(' ');
    let expires_at = Instant::from_timestamp(words.next()?.parse().ok()?, 0)?;
    let (person, method) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let code = words.next()?.to_owned();
    words.next().is_none().then_some((expires_at, Proof { person, method, code }))
}

/// The message with the code; an email has a link in its place.
pub fn code(goes: Goes<'_>, code: &str, links: &Links, ids: &Ids, now: Instant) -> NewAttempt {
    let language = goes.person.language.as_str();
    let written = || texts::code(language, code);
    let said = match goes.address.channel() {
        Channel::Sms => Said::plain(written()),
        Channel::Voice => Said::plain(texts::code_spoken(language, code)),
        Channel::Email => {
            let proof = Proof { person: goes.person.id.clone(), method: goes.method.clone(), code: code.to_owned() };
            texts::code_mail(language, &links.proof(&proof, now + VALID)).into()
        }
        Channel::Push => texts::own_push(written(), links.home(), "pikett-code").into(),
        Channel::Slack | Channel::Teams | Channel::Telegram | Channel::Ntfy | Channel::Webhook => {
            texts::own_chat(written()).into()
        }
    };
    about_itself(goes, said, ids, now)
}

/// A message that asks for nothing.
pub fn test(goes: Goes<'_>, links: &Links, ids: &Ids, now: Instant) -> NewAttempt {
    let language = goes.person.language.as_str();
    let said = match goes.address.channel() {
        Channel::Sms => Said::plain(texts::test(language)),
        Channel::Voice => Said::plain(texts::test_spoken(language)),
        Channel::Email => texts::test_mail(language).into(),
        Channel::Push => texts::own_push(texts::test(language).to_owned(), links.home(), "pikett-test").into(),
        Channel::Slack | Channel::Teams | Channel::Telegram | Channel::Ntfy | Channel::Webhook => {
            texts::own_chat(texts::test(language)).into()
        }
    };
    about_itself(goes, said, ids, now)
}

fn about_itself(goes: Goes<'_>, said: Said, ids: &Ids, now: Instant) -> NewAttempt {
    let language = goes.person.language.as_str().to_owned();
    NewAttempt {
        id: ids.id(now),
        notification: None,
        alert: None,
        person: Some(goes.person.id.clone()),
        method: Some(goes.method.clone()),
        address: goes.address.clone(),
        kind: AttemptKind::Check,
        text: Said { language, ..said }.to_json(),
        held: false,
        due_at: now,
        created_at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::{
        links::Action,
        testing::{links, person},
    };

    fn at(minutes: i64) -> Instant {
        Instant::from_timestamp(1_772_330_400, 0).unwrap() + TimeDelta::minutes(minutes)
    }

    fn said(channel: &str, make: impl Fn(Goes<'_>) -> NewAttempt) -> (NewAttempt, Said) {
        let person = person("anna", "en", &[channel]);
        let method = &person.methods[0];
        let attempt = make(Goes { person: &person, method: &method.id, address: &method.address });
        let said = Said::from_json(&attempt.text).unwrap();
        (attempt, said)
    }

    #[test]
    fn a_link_proves_what_it_says_for_a_quarter_of_an_hour() {
        let proof =
            Proof { person: "anna".parse().unwrap(), method: "mail".parse().unwrap(), code: "012345".to_owned() };
        let url = links().proof(&proof, at(15));
        let token = url.strip_prefix("https://hotline.example/v/").unwrap();
        assert_eq!(links().read_proof(token, at(15)), Ok(proof.clone()));
        assert_eq!(links().read_proof(token, at(16)), Err(LinkError::Expired));
        let acknowledges = links().url(&Ids::seeded(1).id(at(0)), &proof.person, Action::Acknowledge, at(0));
        let other = acknowledges.strip_prefix("https://hotline.example/a/").unwrap();
        assert_eq!(links().read_proof(other, at(0)), Err(LinkError::Forged), "another kind of link");
        assert_eq!(links().read(token, at(0)), Err(LinkError::Forged));
    }

    #[test]
    fn every_channel_carries_a_code_or_a_link_and_a_test() {
        for channel in Channel::ALL {
            let (attempt, said) = said(channel.as_str(), |goes| code(goes, "012345", &links(), &Ids::seeded(1), at(0)));
            assert_eq!((attempt.kind, attempt.alert), (AttemptKind::Check, None), "{channel}");
            let spoken = said.text.contains("0, 1, 2, 3, 4, 5");
            let linked = said.text.contains("https://hotline.example/v/") && said.html.contains("/v/");
            match channel {
                Channel::Voice => assert!(spoken, "{}", said.text),
                Channel::Email => assert!(linked && !said.text.contains("012345"), "{}", said.text),
                _ => assert!(said.text.contains("012345"), "{channel}: {}", said.text),
            }
            assert_eq!(channel == Channel::Push, said.payload.contains("012345"));
            let (_, tested) = self::said(channel.as_str(), |goes| test(goes, &links(), &Ids::seeded(1), at(0)));
            assert!(tested.text.contains("test") && tested.buttons.is_empty(), "{channel}: {}", tested.text);
        }
    }
}
