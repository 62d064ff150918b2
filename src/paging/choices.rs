//! What stands behind two keys of a page call: 6 names people to pass the alert on to, 7 notes to leave. What is
//! offered goes along in the next key's address, so that a key means what was said when it was pressed.

use crate::{
    model::id::PersonId,
    notify::texts::{self, Words},
    work::{Acting, passing},
};

/// One key each.
const PEOPLE_MAX: usize = 9;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Menu {
    PassOn(Vec<PersonId>),
    Note,
}

/// What a key of a menu asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chosen {
    PassOn(PersonId),
    /// The note, in the words of whoever leaves it.
    Note(String),
}

impl Menu {
    pub(super) fn behind(digits: &str, acting: &Acting, own: Option<&PersonId>) -> Option<Self> {
        match digits {
            "6" => {
                let people = passing::others(acting, own).into_iter().take(PEOPLE_MAX);
                let people: Vec<PersonId> = people.map(|person| person.id.clone()).collect();
                (!people.is_empty()).then_some(Self::PassOn(people))
            }
            "7" => Some(Self::Note),
            _ => None,
        }
    }

    /// As it stands in an address.
    pub(super) fn named(given: &str) -> Option<Self> {
        match given.strip_prefix("to:") {
            Some(people) => {
                people.split(',').map(|person| person.parse().ok()).collect::<Option<_>>().map(Self::PassOn)
            }
            None => (given == "note").then_some(Self::Note),
        }
    }

    /// For the address of its keys.
    pub(super) fn query(&self) -> String {
        match self {
            Self::PassOn(people) => {
                let people: Vec<&str> = people.iter().map(PersonId::as_str).collect();
                format!("&menu=to:{}", people.join(","))
            }
            Self::Note => "&menu=note".to_owned(),
        }
    }

    /// Each key with what it does, from 1.
    pub(super) fn sentences(&self, language: &str, acting: &Acting) -> Vec<String> {
        let words = texts::words(language);
        let named = |person: &PersonId| acting.directory.people.get(person).map(|person| person.name.clone());
        let what: Vec<String> = match self {
            Self::PassOn(people) => people.iter().map(|person| named(person).unwrap_or_default()).collect(),
            Self::Note => notes(words).map(str::to_owned).to_vec(),
        };
        let keys = (1_usize..).zip(what).filter(|(_, what)| !what.is_empty());
        keys.map(|(key, what)| texts::choice(language, key, &what)).collect()
    }

    pub(super) fn chosen(&self, digits: &str, words: &Words) -> Option<Chosen> {
        let place = digits.parse::<usize>().ok()?.checked_sub(1)?;
        match self {
            Self::PassOn(people) => people.get(place).cloned().map(Chosen::PassOn),
            Self::Note => notes(words).get(place).map(|note| Chosen::Note((*note).to_owned())),
        }
    }
}

fn notes(words: &Words) -> [&'static str; 3] {
    [words.note_coming, words.note_working, words.note_help]
}
