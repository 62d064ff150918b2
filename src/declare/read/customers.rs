//! `[[customers]]` and the contacts who may phone. PINs stay in the clear only until they are hashed.

use std::collections::BTreeSet;

use super::{Outside, name, parsed_list};
use crate::{
    declare::forms,
    model::{
        contract::{Contact, Customer},
        id::{ContactId, CustomerId},
        phone::Phone,
        pin::Pin,
        source::{At, Reader},
    },
};

const NUMBER_MAX: usize = 20;

/// The customer without hashes, and the PINs by the contact's place.
pub fn read(entry: &Reader, outside: &Outside) -> Option<(Customer, Vec<(usize, Pin)>)> {
    let id = entry.need_parsed::<CustomerId>("id").map(|id| id.value);
    let name = name(entry, id.as_ref().map(CustomerId::as_str));
    let number = entry.string("number").and_then(|number| entry.parse_at(number, customer_number));
    let mut read = Contacts::default();
    for contact in entry.tables("contacts", "contacts entry") {
        read.add(contact, outside);
    }
    let Contacts { list, pins, .. } = read;
    let customer = Customer { id: id?, name, number: number.map(|number| number.value), contacts: list };
    Some((customer, pins))
}

fn customer_number(given: &str) -> Result<String, String> {
    let fits = (1..=NUMBER_MAX).contains(&given.len()) && given.bytes().all(|b| b.is_ascii_digit());
    if fits {
        Ok(given.to_owned())
    } else {
        Err(format!(
            "`{}` is no customer number: callers key it in, use 1 to {NUMBER_MAX} digits",
            forms::shortened(given)
        ))
    }
}

#[derive(Default)]
struct Contacts {
    list: Vec<Contact>,
    pins: Vec<(usize, Pin)>,
    phones: BTreeSet<Phone>,
}

impl Contacts {
    fn add(&mut self, entry: Reader, outside: &Outside) {
        let given = entry.parsed::<ContactId>("id");
        if !entry.has("name") && given.is_none() {
            entry.missing("name", "add `name = \"…\"`");
        }
        let name = name(&entry, given.as_ref().map(|id| id.value.as_str()));
        let phones = parsed_list(&entry, "phones", str::parse::<Phone>).unwrap_or_default();
        for phone in &phones {
            if !self.phones.insert(phone.value.clone()) {
                let what = format!("`{}` is there twice: nobody could tell who is phoning", phone.value);
                entry.source().fault(phone.span.clone(), what, "keep it with one contact");
            }
        }
        if let Some(At { value, span }) = pin(&entry, outside) {
            if self.pins.iter().any(|(_, other)| *other == value) {
                let what = "another contact of this customer has the same PIN";
                entry.source().fault(span, what, "give each contact a PIN of their own");
            }
            self.pins.push((self.list.len(), value));
        }
        let id = match given {
            Some(given) => {
                if self.list.iter().any(|contact| contact.id == given.value) {
                    let what = format!("contact `{}` is there twice", given.value);
                    entry.source().fault(given.span, what, "give each contact an id of their own");
                }
                given.value
            }
            None => self.id_from(&name),
        };
        entry.finish();
        let phones = phones.into_iter().map(|phone| phone.value).collect();
        self.list.push(Contact { id, name, phones, pin: None });
    }

    /// The same name always gets the same id; of namesakes the order decides.
    fn id_from(&self, name: &str) -> ContactId {
        let word = word_of(name);
        let mut count = 1;
        loop {
            let id = if count == 1 { word.clone() } else { format!("{word}-{count}") };
            let id: ContactId = id.parse().expect("it is built of what ids take");
            if self.list.iter().all(|contact| contact.id != id) {
                return id;
            }
            count += 1;
        }
    }
}

fn pin<'a>(entry: &Reader<'a>, outside: &Outside) -> Option<At<Pin>> {
    let file = entry.source().file();
    let clear = entry.parse_at(entry.string("pin")?, |reference| (outside.secret)(file, reference))?;
    match Pin::declared(&clear.value) {
        Ok(pin) => Some(At { value: pin, span: clear.span }),
        Err(what) => {
            entry.source().fault(clear.span, what, "choose another");
            None
        }
    }
}

/// `Petra Klein` → `petra-klein`. A name without a single letter of the Latin alphabet gets a word
/// made from its digest.
fn word_of(name: &str) -> String {
    let mut word = String::new();
    for letter in name.to_lowercase().chars() {
        match letter {
            'ä' => word.push_str("ae"),
            'ö' => word.push_str("oe"),
            'ü' => word.push_str("ue"),
            'ß' => word.push_str("ss"),
            letter if letter.is_ascii_alphanumeric() => word.push(letter),
            _ if word.is_empty() || word.ends_with('-') => {}
            _ => word.push('-'),
        }
    }
    word.truncate(48);
    let word = word.trim_end_matches('-');
    if word.is_empty() { format!("contact-{}", &forms::key_sha256(name)[..8]) } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ids_that_stay() {
        for (name, id) in [
            ("Petra Klein", "petra-klein"),
            ("  Jörg  Müßig (IT) ", "joerg-muessig-it"),
            ("R2-D2", "r2-d2"),
            ("李雷", "contact-8fe6aee0"),
        ] {
            let word = word_of(name);
            assert_eq!(word.len(), id.len(), "{name}: {word}");
            assert_eq!(word.split('-').next(), id.split('-').next(), "{name}: {word}");
            assert!(word.parse::<ContactId>().is_ok(), "{word}");
        }
        assert!(word_of(&"ä".repeat(200)).len() <= 48);
    }
}
