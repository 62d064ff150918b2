//! Customers, contracts, hotlines and integrations as documents. Of PINs and keys they hold hashes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Document, Kind, each, parsed};
use crate::model::{
    contract::{Contact, Contract, Coverage, Customer, Hotline, Integration, IntegrationTarget, Target},
    duration,
    pin::PinHash,
};

#[derive(Debug, Serialize, Deserialize)]
pub struct CustomerDocument {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    contacts: Vec<ContactDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ContactDocument {
    id: String,
    name: String,
    phones: Vec<String>,
    /// An argon2id hash in PHC form; the customer's salt stands in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
}

impl Document for CustomerDocument {
    const KIND: Kind = Kind::Customer;
    type Thing = Customer;

    fn of(customer: &Customer) -> Self {
        let contact = |contact: &Contact| ContactDocument {
            id: contact.id.to_string(),
            name: contact.name.clone(),
            phones: contact.phones.iter().map(ToString::to_string).collect(),
            pin: contact.pin.as_ref().map(|pin| pin.as_str().to_owned()),
        };
        Self {
            name: customer.name.clone(),
            number: customer.number.clone(),
            contacts: customer.contacts.iter().map(contact).collect(),
        }
    }

    fn into_thing(self, id: &str) -> Result<Customer, String> {
        let contact = |contact: ContactDocument| -> Result<Contact, String> {
            Ok(Contact {
                id: parsed(&contact.id)?,
                phones: each(&contact.phones, parsed)?,
                name: contact.name,
                pin: contact.pin.map(PinHash::new),
            })
        };
        Ok(Customer {
            id: parsed(id)?,
            name: self.name,
            number: self.number,
            contacts: self.contacts.into_iter().map(contact).collect::<Result<_, _>>()?,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ContractDocument {
    customer: String,
    /// `always`, or a calendar's id.
    coverage: String,
    priorities: BTreeMap<String, TargetDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recordings: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct TargetDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resolution: Option<String>,
    policy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outside: Option<String>,
}

/// What `coverage` says of round the clock; no calendar may be named so.
pub const ALWAYS: &str = "always";

impl Document for ContractDocument {
    const KIND: Kind = Kind::Contract;
    type Thing = Contract;

    fn of(contract: &Contract) -> Self {
        let target = |target: &Target| TargetDocument {
            response: target.response.map(duration::write),
            resolution: target.resolution.map(duration::write),
            policy: target.policy.to_string(),
            outside: target.outside.map(|outside| outside.as_str().to_owned()),
        };
        Self {
            customer: contract.customer.to_string(),
            coverage: match &contract.coverage {
                Coverage::Always => ALWAYS.to_owned(),
                Coverage::Calendar(id) => id.to_string(),
            },
            priorities: contract.priorities.iter().map(|(priority, of)| (priority.to_string(), target(of))).collect(),
            recordings: contract.recordings.map(duration::write),
        }
    }

    fn into_thing(self, id: &str) -> Result<Contract, String> {
        let target = |(priority, target): (&String, &TargetDocument)| -> Result<_, String> {
            let target = Target {
                response: target.response.as_deref().map(duration::parse).transpose()?,
                resolution: target.resolution.as_deref().map(duration::parse).transpose()?,
                policy: parsed(&target.policy)?,
                outside: target.outside.as_deref().map(str::parse).transpose()?,
            };
            Ok((priority.parse()?, target))
        };
        Ok(Contract {
            id: parsed(id)?,
            customer: parsed(&self.customer)?,
            coverage: coverage(&self.coverage)?,
            priorities: self.priorities.iter().map(target).collect::<Result<_, _>>()?,
            recordings: self.recordings.as_deref().map(duration::parse).transpose()?,
        })
    }
}

pub fn coverage(given: &str) -> Result<Coverage, String> {
    if given == ALWAYS { Ok(Coverage::Always) } else { parsed(given).map(Coverage::Calendar) }
}

/// Its number is its id.
#[derive(Debug, Serialize, Deserialize)]
pub struct HotlineDocument {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    also: Vec<String>,
    contracts: Vec<String>,
    flow: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    vars: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    spare: Vec<String>,
}

impl Document for HotlineDocument {
    const KIND: Kind = Kind::Hotline;
    type Thing = Hotline;

    fn of(hotline: &Hotline) -> Self {
        Self {
            also: hotline.also.iter().map(|number| number.as_str().to_owned()).collect(),
            contracts: hotline.contracts.iter().map(ToString::to_string).collect(),
            flow: hotline.flow.to_string(),
            vars: hotline.vars.clone(),
            spare: hotline.spare.iter().map(|number| number.as_str().to_owned()).collect(),
        }
    }

    fn into_thing(self, id: &str) -> Result<Hotline, String> {
        Ok(Hotline {
            number: parsed(id)?,
            also: each(&self.also, parsed)?,
            contracts: each(&self.contracts, parsed)?,
            flow: parsed(&self.flow)?,
            vars: self.vars,
            spare: each(&self.spare, parsed)?,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct IntegrationDocument {
    key_sha256: String,
    #[serde(flatten)]
    target: TargetName,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TargetName {
    Contract(String),
    Policy(String),
}

impl Document for IntegrationDocument {
    const KIND: Kind = Kind::Integration;
    type Thing = Integration;

    fn of(integration: &Integration) -> Self {
        let target = match &integration.target {
            IntegrationTarget::Contract(id) => TargetName::Contract(id.to_string()),
            IntegrationTarget::Policy(id) => TargetName::Policy(id.to_string()),
        };
        Self { key_sha256: integration.key_sha256.clone(), target }
    }

    fn into_thing(self, id: &str) -> Result<Integration, String> {
        let target = match &self.target {
            TargetName::Contract(id) => IntegrationTarget::Contract(parsed(id)?),
            TargetName::Policy(id) => IntegrationTarget::Policy(parsed(id)?),
        };
        Ok(Integration { id: parsed(id)?, key_sha256: self.key_sha256, target })
    }
}
