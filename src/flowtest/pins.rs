//! Whose PIN it is. A hash takes tens of milliseconds on purpose, and test calls key in the same few PINs
//! over and over: each is looked up once a run.

use std::collections::BTreeMap;

use crate::{
    declare::pins,
    model::{
        contract::Customer,
        id::{ContactId, CustomerId},
        pin::Pin,
    },
};

/// Of one organisation: a customer's id means another customer elsewhere.
#[derive(Default)]
pub struct Pins {
    known: BTreeMap<(CustomerId, String), Option<ContactId>>,
}

impl Pins {
    pub fn whose(&mut self, customer: &Customer, pin: &Pin) -> Option<ContactId> {
        let key = (customer.id.clone(), pin.expose().to_owned());
        self.known.entry(key).or_insert_with(|| pins::matches(customer, pin)).clone()
    }
}
