//! PINs: hashed with argon2id under one salt per customer, so that one computation (tens of
//! milliseconds on purpose) compares a keyed-in PIN with every contact of the customer.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher, SaltString},
};
use subtle::ConstantTimeEq;

use crate::model::{
    contract::{Contact, Customer},
    id::ContactId,
    pin::{Pin, PinHash},
};

/// The salt of a customer's PINs from random bits (at least 8 bytes), in the form that documents keep.
pub fn salt(random: &[u8]) -> String {
    SaltString::encode_b64(random).expect("8 to 48 bytes make a salt").to_string()
}

pub fn hash(pin: &Pin, salt: &str) -> Result<PinHash, String> {
    let salt = SaltString::from_b64(salt).map_err(|error| format!("the customer's stored salt is broken: {error}"))?;
    let hash = argon2id()
        .hash_password(pin.expose().as_bytes(), &salt)
        .map_err(|error| format!("the PIN could not be hashed: {error}"))?;
    Ok(PinHash::new(hash.to_string()))
}

/// The salt that a customer's PINs have: with it, an unchanged PIN has its old hash.
pub fn salt_in_use(customer: &Customer) -> Option<String> {
    customer.contacts.iter().filter_map(|contact| contact.pin.as_ref()).find_map(salt_of)
}

/// Whose PIN this is. Compares with every contact in constant time, found or not.
pub fn matches(customer: &Customer, pin: &Pin) -> Option<ContactId> {
    let mut keyed: Option<PinHash> = None;
    let mut found = None;
    for (contact, known) in customer.contacts.iter().filter_map(with_pin) {
        let salt = salt_of(known)?;
        if keyed.as_ref().and_then(salt_of).is_none_or(|last| last != salt) {
            keyed = hash(pin, &salt).ok();
        }
        let same = keyed.as_ref().is_some_and(|hash| hash.as_str().as_bytes().ct_eq(known.as_str().as_bytes()).into());
        if same {
            found = Some(contact.id.clone());
        }
    }
    found
}

fn with_pin(contact: &Contact) -> Option<(&Contact, &PinHash)> {
    contact.pin.as_ref().map(|pin| (contact, pin))
}

fn salt_of(hash: &PinHash) -> Option<String> {
    PasswordHash::new(hash.as_str()).ok()?.salt.map(|salt| salt.to_string())
}

/// OWASP's parameters for argon2id: 19 MiB, two passes, one lane.
fn argon2id() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).expect("the parameters are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(pins: &[Option<&str>]) -> Customer {
        let salt = salt(b"0123456789abcdef");
        let contact = |(index, pin): (usize, &Option<&str>)| Contact {
            id: format!("c{index}").parse().unwrap(),
            name: String::new(),
            phones: Vec::new(),
            pin: pin.map(|pin| hash(&Pin::keyed(pin).unwrap(), &salt).unwrap()),
        };
        let contacts = pins.iter().enumerate().map(contact).collect();
        Customer { id: "acme".parse().unwrap(), name: String::new(), number: None, contacts }
    }

    #[test]
    fn a_pin_finds_its_contact_and_nobody_else() {
        let customer = customer(&[Some("048213"), None, Some("739105")]);
        let keyed = |pin: &str| matches(&customer, &Pin::keyed(pin).unwrap()).map(|id| id.to_string());
        assert_eq!(keyed("048213").as_deref(), Some("c0"));
        assert_eq!(keyed("739105").as_deref(), Some("c2"));
        assert_eq!(keyed("48213000"), None);
        assert_eq!(keyed("048214"), None);
    }

    #[test]
    fn the_same_pin_and_salt_make_the_same_hash() {
        let hash = |salt: &[u8]| hash(&Pin::keyed("048213").unwrap(), &super::salt(salt)).unwrap();
        assert_eq!(hash(b"0123456789abcdef"), hash(b"0123456789abcdef"));
        assert_ne!(hash(b"0123456789abcdef"), hash(b"fedcba9876543210"));
        assert!(hash(b"0123456789abcdef").as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }
}
