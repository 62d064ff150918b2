//! Everything that is declared, typed and immutable: one `Arc<Directory>` serves webhooks, paging
//! and console without a database. It is made anew when the declarations' revision changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::TimeDelta;

use crate::{
    escalation::Policy,
    ivr::Flow,
    model::{
        Instant,
        calendar::Calendar,
        contract::{Contact, Contract, Customer, Hotline, Integration},
        id::{CalendarId, ContractId, CustomerId, FlowId, IntegrationId, OrgId, PersonId, PolicyId, ScheduleId},
        person::Person,
        phone::Phone,
        priority::Priority,
    },
    oncall::{self, Around, OnCall, Schedule},
};

#[derive(Debug, Clone, PartialEq)]
pub struct Directory {
    /// Rises with every apply that changed something.
    pub revision: i64,
    pub org: OrgId,
    pub org_name: String,
    /// Where goes what concerns the MSP itself.
    pub org_policy: Option<PolicyId>,
    /// How long before a shift its person is told, who may say otherwise. `None`: not at all.
    pub shift_notice: Option<TimeDelta>,
    pub people: BTreeMap<PersonId, Person>,
    pub schedules: BTreeMap<ScheduleId, Schedule>,
    pub policies: BTreeMap<PolicyId, Policy>,
    pub calendars: BTreeMap<CalendarId, Calendar>,
    pub customers: BTreeMap<CustomerId, Customer>,
    pub contracts: BTreeMap<ContractId, Contract>,
    pub hotlines: BTreeMap<Phone, Hotline>,
    pub integrations: BTreeMap<IntegrationId, Integration>,
    pub limits: Limits,
    pub flows: BTreeMap<FlowId, FlowInUse>,
}

/// The latest version of a flow: what new calls begin with.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowInUse {
    pub version: i64,
    pub flow: Arc<Flow>,
}

/// What caps money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// E.164 country codes without `+`. Empty: those of all declared people, see `Directory::countries`.
    pub countries: Vec<String>,
    /// Of each hotline, of all callers together, and of all pages together; so the next three.
    pub calls_per_hour: u32,
    pub sms_per_hour: u32,
    pub calls_per_day: u32,
    pub sms_per_day: u32,
    /// To any one number, whoever asks for it.
    pub number_calls_per_hour: u32,
    pub number_calls_per_day: u32,
    pub number_sms_per_hour: u32,
    pub number_sms_per_day: u32,
    /// Fewer calls or SMS in an hour are never sudden cost; 0: nothing is.
    pub sudden_per_hour: u32,
    /// Messages in writing that a person gets on one channel in a minute; 0: any number. P1 pages, other
    /// pages and notices count apart.
    pub pages_per_minute: u32,
    /// Page calls, likewise.
    pub page_calls_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            countries: Vec::new(),
            calls_per_hour: 1_000,
            sms_per_hour: 1_000,
            calls_per_day: 5_000,
            sms_per_day: 5_000,
            number_calls_per_hour: 120,
            number_calls_per_day: 500,
            number_sms_per_hour: 300,
            number_sms_per_day: 1_000,
            sudden_per_hour: 100,
            pages_per_minute: 10,
            page_calls_per_minute: 4,
        }
    }
}

pub fn default_org() -> OrgId {
    "default".parse().expect("`default` is a plain word")
}

impl Directory {
    /// Nothing declared yet, in the org `default`.
    pub fn empty() -> Self {
        Self {
            revision: 0,
            org: default_org(),
            org_name: "Pikett".to_owned(),
            org_policy: None,
            shift_notice: None,
            people: BTreeMap::new(),
            schedules: BTreeMap::new(),
            policies: BTreeMap::new(),
            calendars: BTreeMap::new(),
            customers: BTreeMap::new(),
            contracts: BTreeMap::new(),
            hotlines: BTreeMap::new(),
            integrations: BTreeMap::new(),
            limits: Limits::default(),
            flows: BTreeMap::new(),
        }
    }

    /// How long before a shift this person is told of it. `None`: not at all.
    pub fn shift_notice_of(&self, person: &PersonId) -> Option<TimeDelta> {
        let own = self.people.get(person)?.shift_notice;
        own.or(self.shift_notice).filter(|lead| !lead.is_zero())
    }

    /// Whose SMS or voice number this is; no two people share one.
    pub fn person_with_phone(&self, phone: &Phone) -> Option<&Person> {
        self.people.values().find(|person| person.has_phone(phone))
    }

    /// What schedules name and do not hold themselves.
    pub fn around(&self) -> Around<'_> {
        Around { calendars: &self.calendars, people: &self.people }
    }

    /// A schedule that is not there has nobody.
    pub fn on_call(&self, schedule: &ScheduleId, at: Instant) -> OnCall {
        let schedule = self.schedules.get(schedule);
        schedule.map_or_else(OnCall::nobody, |schedule| oncall::who(schedule, self.around(), at))
    }

    pub fn customer_of(&self, contract: &ContractId) -> Option<&Customer> {
        self.contracts.get(contract).and_then(|contract| self.customers.get(&contract.customer))
    }

    /// By which an alert of the contract with this priority escalates.
    pub fn policy_of(&self, contract: &ContractId, priority: Priority) -> Option<&PolicyId> {
        let target = self.contracts.get(contract).and_then(|contract| contract.target(priority));
        target.map(|target| &target.policy).or(self.org_policy.as_ref())
    }

    /// The contact of the contract's customer who has this number; within a customer it is unique.
    pub fn contact_with_phone(&self, contract: &ContractId, phone: &Phone) -> Option<&Contact> {
        self.customer_of(contract)?.contacts.iter().find(|contact| contact.phones.contains(phone))
    }

    /// The one that answers at this number.
    pub fn hotline(&self, number: &Phone) -> Option<&Hotline> {
        let with_further = || self.hotlines.values().find(|hotline| hotline.answers(number));
        self.hotlines.get(number).or_else(with_further)
    }

    /// Which of a hotline's contracts a keyed-in customer number means.
    pub fn contract_with_customer_number(&self, hotline: &Hotline, number: &str) -> Option<&Contract> {
        hotline.contracts.iter().filter_map(|id| self.contracts.get(id)).find(|contract| {
            self.customers.get(&contract.customer).is_some_and(|customer| customer.number.as_deref() == Some(number))
        })
    }

    /// By the SHA-256 of a routing key, in lower-case hex.
    pub fn integration_with_key(&self, key_sha256: &str) -> Option<&Integration> {
        self.integrations.values().find(|integration| integration.key_sha256 == key_sha256)
    }

    /// The country codes that may be phoned and texted.
    pub fn countries(&self) -> BTreeSet<&str> {
        if !self.limits.countries.is_empty() {
            return self.limits.countries.iter().map(String::as_str).collect();
        }
        self.people.values().flat_map(Person::phones).map(Phone::country_code).collect()
    }
}
