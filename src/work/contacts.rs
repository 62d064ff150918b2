//! Ways to reach people that they add themselves: a code goes there, and once it came back they are used. Limits
//! keep anybody from guessing, and from having strangers' phones ring.
//!
//! A code is sent by the outbox like everything else. Start at `add`.

use chrono::TimeDelta;
use sqlx::AnyConnection;
use thiserror::Error;

use super::Acting;
use crate::{
    model::{
        alert::Actor,
        duration,
        id::{MethodId, PersonId},
        person::{Address, Person},
        phone::Phone,
    },
    notify::proof::{self, Goes},
    store::{
        StoreError, alerts,
        attempts::{self, NewAttempt},
        contacts::{self, OwnContact, Tried},
        raise::Dedup,
        spent::{self, Cap, Capped},
    },
};

/// More than anybody needs.
const CONTACTS_MAX: usize = 10;
/// Of one code.
const TRIES_MAX: i64 = 5;
/// Within a clock hour, also when the contact is removed and added anew.
const CODES_PER_ADDRESS: Cap = Cap { hour: 3, day: 10 };
const CODES_PER_PERSON: Cap = Cap { hour: 10, day: 30 };

/// How `after` writes them.
pub const AT_ONCE: &str = "0s";
pub const NEVER: &str = "never";

/// How long after the beginning of a page a contact is tried: `0s`, `5m`, or `never` for this urgency.
pub fn after(given: &str) -> Result<Option<TimeDelta>, String> {
    match given {
        NEVER => Ok(None),
        AT_ONCE => Ok(Some(TimeDelta::zero())),
        given => duration::parse(given).map(Some).map_err(|error| format!("{error}; or `{AT_ONCE}` or `{NEVER}`")),
    }
}

/// What is to be added.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub person: PersonId,
    pub id: MethodId,
    pub address: Address,
    pub after_high: Option<TimeDelta>,
    pub after_low: Option<TimeDelta>,
}

/// Why nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error("there is no such person; `pikett apply` declares one")]
    NoPerson,
    #[error("this person has a contact of this name; choose another")]
    NameTaken,
    #[error("somebody is reached at this address already")]
    AddressTaken,
    #[error("`[limits] countries` leaves out +{0}")]
    Country(String),
    #[error("a person may add {max} contacts; remove one first", max = CONTACTS_MAX)]
    TooMany,
    #[error("too many codes were sent within this hour; ask again in the next one")]
    TooManyCodes,
    #[error("no contact of this name was added; what is declared by file needs no code")]
    Missing,
    #[error("it is verified already")]
    Verified,
    #[error("the code is wrong; tries left: {tries_left}")]
    Wrong { tries_left: i64 },
    #[error("no code is good any more; ask for a new one")]
    NoCode,
}

pub type Outcome = Result<Result<OwnContact, Refusal>, StoreError>;

/// Puts it down and sends the first code.
pub async fn add(db: &mut AnyConnection, acting: &Acting, wanted: &Wanted) -> Outcome {
    let Some(person) = acting.directory.people.get(&wanted.person) else { return Ok(Err(Refusal::NoPerson)) };
    let own = contacts::list(db, acting.org()).await?;
    if let Some(refusal) = misfit(acting, person, wanted, &own) {
        return Ok(Err(refusal));
    }
    let contact = OwnContact {
        person: wanted.person.clone(),
        id: wanted.id.clone(),
        address: wanted.address.clone(),
        after_high: wanted.after_high,
        after_low: wanted.after_low,
        added_at: acting.now,
        code_until: None,
        verified_at: None,
    };
    if let Some(refusal) = over_limit(db, acting, &contact).await? {
        return Ok(Err(refusal));
    }
    if !contacts::insert(db, acting.org(), &contact).await? {
        return Ok(Err(Refusal::NameTaken));
    }
    send(db, acting, person, contact).await
}

/// Another code; the one before is worth nothing any more.
pub async fn send_code(db: &mut AnyConnection, acting: &Acting, person: &PersonId, id: &MethodId) -> Outcome {
    let Some(person) = acting.directory.people.get(person) else { return Ok(Err(Refusal::NoPerson)) };
    let contact = match unproved(db, acting, &person.id, id).await? {
        Ok(contact) => contact,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(refusal) = over_limit(db, acting, &contact).await? {
        return Ok(Err(refusal));
    }
    send(db, acting, person, contact).await
}

/// Whoever knows the code has got it: from now on the contact is used.
pub async fn verify(db: &mut AnyConnection, acting: &Acting, person: &PersonId, id: &MethodId, code: &str) -> Outcome {
    let contact = match unproved(db, acting, person, id).await? {
        Ok(contact) => contact,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let digits: String = code.chars().filter(char::is_ascii_digit).collect();
    match contacts::try_code(db, acting.org(), &contact, &digits, TRIES_MAX, acting.now).await? {
        Tried::NoCode => return Ok(Err(Refusal::NoCode)),
        Tried::Wrong { tries_left } => return Ok(Err(Refusal::Wrong { tries_left })),
        Tried::Right => {}
    }
    // Another may have come first meanwhile.
    let own = contacts::list(db, acting.org()).await?;
    let is_free = is_free(acting, &contact.person, &contact.address, &own);
    if !is_free || !contacts::verify(db, acting.org(), &contact, acting.now).await? {
        return Ok(Err(Refusal::AddressTaken));
    }
    Ok(Ok(OwnContact { verified_at: Some(acting.now), code_until: None, ..contact }))
}

/// It is used no more.
pub async fn remove(db: &mut AnyConnection, acting: &Acting, person: &PersonId, id: &MethodId) -> Outcome {
    let Some(contact) = contacts::find(db, acting.org(), person, id).await? else { return Ok(Err(Refusal::Missing)) };
    let removed = contacts::remove(db, acting.org(), person, id).await?;
    Ok(if removed { Ok(contact) } else { Err(Refusal::Missing) })
}

/// One test for each way that is in use, or for the one of this name.
pub async fn test(
    db: &mut AnyConnection,
    acting: &Acting,
    person: &Person,
    only: Option<&MethodId>,
) -> Result<Vec<NewAttempt>, StoreError> {
    let mut tests = Vec::new();
    for method in person.methods.iter().filter(|method| only.is_none_or(|only| method.id == *only)) {
        let goes = Goes { person, method: &method.id, address: &method.address };
        let test = proof::test(goes, &acting.links, &acting.ids, acting.now);
        attempts::insert(db, acting.org(), &test).await?;
        tests.push(test);
    }
    Ok(tests)
}

/// START was written from this number: what STOP had begun is over.
pub async fn start(
    db: &mut AnyConnection,
    acting: &Acting,
    phone: &Phone,
    matter: &str,
    by: &Actor,
) -> Result<(), StoreError> {
    contacts::start(db, acting.org(), phone).await?;
    let dedup = Dedup { scope: super::msp::SCOPE.to_owned(), key: matter.to_owned() };
    if let Some(open) = alerts::open_with_key(db, acting.org(), &dedup).await? {
        super::act::resolve(db, acting, &open.alert.id, by, "by writing START").await?;
    }
    Ok(())
}

fn misfit(acting: &Acting, person: &Person, wanted: &Wanted, own: &[OwnContact]) -> Option<Refusal> {
    let of_person: Vec<&OwnContact> = own.iter().filter(|contact| contact.person == person.id).collect();
    if person.method(&wanted.id).is_some() || of_person.iter().any(|contact| contact.id == wanted.id) {
        return Some(Refusal::NameTaken);
    }
    if of_person.len() >= CONTACTS_MAX {
        return Some(Refusal::TooMany);
    }
    if !is_free(acting, &person.id, &wanted.address, own) {
        return Some(Refusal::AddressTaken);
    }
    let country = wanted.address.phone().map(Phone::country_code)?;
    let is_allowed = acting.directory.countries().contains(country);
    (!is_allowed).then(|| Refusal::Country(country.to_owned()))
}

/// Whether nobody is reached there yet, this person neither; a number is one person's by SMS and voice alike.
fn is_free(acting: &Acting, person: &PersonId, address: &Address, own: &[OwnContact]) -> bool {
    let is_same = |whose: &PersonId, other: &Address| {
        other == address || (whose != person && address.phone().is_some() && other.phone() == address.phone())
    };
    let declared =
        acting.directory.people.values().flat_map(|other| other.methods.iter().map(|m| (&other.id, &m.address)));
    let proved = own.iter().filter(|contact| contact.verified_at.is_some());
    declared
        .chain(proved.map(|contact| (&contact.person, &contact.address)))
        .all(|(whose, other)| !is_same(whose, other))
}

async fn unproved(db: &mut AnyConnection, acting: &Acting, person: &PersonId, id: &MethodId) -> Outcome {
    let found = contacts::find(db, acting.org(), person, id).await?;
    Ok(match found {
        None => Err(Refusal::Missing),
        Some(contact) if contact.verified_at.is_some() => Err(Refusal::Verified),
        Some(contact) => Ok(contact),
    })
}

async fn over_limit(
    db: &mut AnyConnection,
    acting: &Acting,
    contact: &OwnContact,
) -> Result<Option<Refusal>, StoreError> {
    let (address, person) = (contacts::subject(&contact.address), format!("person:{}", contact.person));
    let subjects = [(address.as_str(), CODES_PER_ADDRESS), (person.as_str(), CODES_PER_PERSON)];
    let full = spent::take(db, acting.org(), Capped::Code, &subjects, acting.now).await?;
    Ok(full.map(|_| Refusal::TooManyCodes))
}

async fn send(db: &mut AnyConnection, acting: &Acting, person: &Person, contact: OwnContact) -> Outcome {
    let (code, until) = (fresh(acting), acting.now + proof::VALID);
    if !contacts::expect_code(db, acting.org(), &contact, &code, until).await? {
        return Ok(Err(Refusal::Verified));
    }
    let goes = Goes { person, method: &contact.id, address: &contact.address };
    let message = proof::code(goes, &code, &acting.links, &acting.ids, acting.now);
    attempts::insert(db, acting.org(), &message).await?;
    Ok(Ok(OwnContact { code_until: Some(until), ..contact }))
}

/// Six digits.
fn fresh(acting: &Acting) -> String {
    let nonce = acting.ids.nonce();
    let number = u64::from_str_radix(nonce.get(..12).unwrap_or_default(), 16).unwrap_or_default();
    format!("{:06}", number % 1_000_000)
}

#[cfg(test)]
mod tests;
