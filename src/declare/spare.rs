//! Whom a hotline dials when its flow cannot be served: voice numbers of declared people, in allowed
//! countries. The documents are rendered by the hotline.

use super::Directory;
use crate::model::{
    contract::Hotline,
    language::Language,
    person::{Address, Person},
    phone::Phone,
};

/// The place of each number that cannot be dialled, what is wrong with it, and the mend.
pub fn faults(hotline: &Hotline, whole: &Directory) -> Vec<(usize, String, String)> {
    let mut faults = Vec::new();
    for (place, number) in hotline.spare.iter().enumerate() {
        let country = number.country_code();
        if owner(whole, number).is_none() {
            let what = format!("{number} is the voice number of nobody who is declared");
            let mend = "name a number that somebody has as `kind = \"voice\"` under `contact`";
            faults.push((place, what, mend.to_owned()));
        } else if !whole.countries().contains(country) {
            let what = format!("{number} is never dialled: [limits] leaves out +{country}");
            faults.push((place, what, "allow its country, or name another number".to_owned()));
        }
    }
    faults
}

/// Those that may be dialled, with the language of whoever answers, in the order of the declaration.
pub fn dialled<'a>(hotline: &'a Hotline, whole: &'a Directory) -> Vec<(&'a Phone, &'a Language)> {
    let countries = whole.countries();
    let allowed = hotline.spare.iter().filter(|number| countries.contains(number.country_code()));
    allowed.filter_map(|number| Some((number, &owner(whole, number)?.language))).collect()
}

/// What works, but leaves callers to a recording.
pub fn warnings(whole: &Directory) -> Vec<String> {
    let mut warnings = Vec::new();
    for hotline in whole.hotlines.values() {
        let number = &hotline.number;
        if hotline.spare.is_empty() {
            warnings.push(format!(
                "hotline {number} names no `spare` numbers: when its flow cannot be served, callers can only leave a \
                 message"
            ));
        }
        // The configuration's limits are known to the service only.
        warnings.extend(faults(hotline, whole).into_iter().map(|(_, what, _)| format!("hotline {number}: {what}")));
    }
    warnings
}

fn owner<'a>(whole: &'a Directory, number: &Phone) -> Option<&'a Person> {
    let voice = |person: &&Person| {
        person.methods.iter().any(|method| match &method.address {
            Address::Voice(own) => own == number,
            Address::Sms(_) | Address::Email(_) | Address::Push(_) => false,
        })
    };
    whole.people.values().find(voice)
}
