//! Contacts by whose number a shared hotline could not tell which customer calls.

use std::collections::BTreeMap;

use super::Directory;
use crate::model::{contract::Hotline, id::CustomerId, phone::Phone};

/// A number that contacts of two customers have.
pub(super) struct Twice<'a> {
    pub phone: &'a Phone,
    pub customer: &'a CustomerId,
    /// Where it stands within the customer: `contacts.0.phones.1`.
    pub path: String,
    /// Who has it as well, and where.
    pub other: (&'a CustomerId, String),
}

/// Of the customers whose contracts share the hotline, in the order in which it names them.
pub(super) fn twice<'a>(whole: &'a Directory, hotline: &Hotline) -> Vec<Twice<'a>> {
    let mut owners: BTreeMap<&Phone, (&CustomerId, String)> = BTreeMap::new();
    let mut twice = Vec::new();
    for customer in hotline.contracts.iter().filter_map(|contract| whole.customer_of(contract)) {
        for (place, contact) in customer.contacts.iter().enumerate() {
            for (index, phone) in contact.phones.iter().enumerate() {
                let path = format!("contacts.{place}.phones.{index}");
                match owners.get(phone) {
                    Some(other) if *other.0 != customer.id => {
                        twice.push(Twice { phone, customer: &customer.id, path, other: other.clone() });
                    }
                    Some(_) => {}
                    None => {
                        owners.insert(phone, (&customer.id, path));
                    }
                }
            }
        }
    }
    twice
}
