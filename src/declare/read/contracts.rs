//! `[[contracts]]`, `[[hotlines]]` and `[[integrations]]`: what was bought, and the doors to it.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{Outside, STAND_IN, no_twins, parsed_list};
use crate::{
    declare::{document, forms},
    model::{
        contract::{self, Contract, Coverage, Hotline, Integration, IntegrationTarget, Target},
        id::{ContractId, CustomerId, FlowId, IntegrationId, PolicyId},
        phone::Phone,
        priority::{Priority, Urgency},
        source::{At, Reader},
    },
};

/// Each is rung for half a minute: nobody waits longer for a human than for these.
const SPARE_MAX: usize = 5;
/// Somebody has to have had the time to hear a recording.
const KEPT_MIN: TimeDelta = TimeDelta::hours(1);

pub fn read(entry: &Reader) -> Option<Contract> {
    let id = entry.need_parsed::<ContractId>("id");
    let customer = entry.need_parsed::<CustomerId>("customer").map(|customer| customer.value);
    let coverage = entry.string("coverage").and_then(|given| entry.parse_at(given, document::coverage));
    let mut priorities = BTreeMap::new();
    let table = entry.table("priorities", "priorities");
    if let Some(table) = table {
        for key in table.keys() {
            let text = At { value: key.value.to_owned(), span: key.span };
            let priority = table.parse_at(text, str::parse::<Priority>);
            let target = table.table(key.value, "priority").map(|entry| target(entry, priority.as_ref()));
            priorities.extend(priority.map(|priority| priority.value).zip(target));
        }
        if table.keys().is_empty() {
            no_priorities(entry);
        }
        table.finish();
    } else if !entry.has("priorities") {
        no_priorities(entry);
    }
    let recordings = entry.duration("recordings").map(|kept| kept.value);
    if recordings.is_some_and(|kept| kept < KEPT_MIN) {
        let mend = "write at least \"1h\", or leave it out: then `retention` of [voicemail] counts";
        entry.fault_at("recordings", "nobody has the time to hear recordings that are kept so short", mend);
    }
    Some(Contract {
        id: id?.value,
        customer: customer.unwrap_or_else(|| STAND_IN.parse().expect("it is a plain word")),
        coverage: coverage.map_or(Coverage::Always, |coverage| coverage.value),
        priorities,
        recordings,
    })
}

fn no_priorities(entry: &Reader) {
    let mend = "add `priorities.P1 = { response = \"15m\", policy = \"gold\" }`";
    entry.fault_at("priorities", "this contract has no priorities: nobody would be told", mend);
}

fn target(entry: Reader, priority: Option<&At<Priority>>) -> Target {
    let time = |key: &'static str| entry.duration(key).map(|time| time.value);
    let outside = entry.parsed::<contract::Outside>("outside").map(|outside| outside.value);
    if let (Some(contract::Outside::Wait), Some(At { value: priority, .. })) = (outside, priority)
        && priority.urgency() == Urgency::High
    {
        let what = format!("{priority} is of high urgency, which never waits");
        entry.fault_at("outside", what, "leave it out, or lower the priority of what can wait");
    }
    let target = Target {
        response: time("response"),
        resolution: time("resolution"),
        policy: policy(entry.need_parsed("policy")),
        outside,
    };
    entry.finish();
    target
}

fn policy(given: Option<At<PolicyId>>) -> PolicyId {
    given.map_or_else(|| STAND_IN.parse().expect("it is a plain word"), |policy| policy.value)
}

pub fn hotline(entry: &Reader) -> Option<Hotline> {
    let mut numbers = numbers(entry).into_iter();
    let one = entry.parsed::<ContractId>("contract");
    let several = parsed_list(entry, "contracts", str::parse::<ContractId>);
    let contracts = match (entry.has("contract"), entry.has("contracts")) {
        (true, true) => {
            entry.fault_at("contracts", "there are both `contract` and `contracts`", "keep one of them");
            one.map(|id| id.value).into_iter().collect()
        }
        (false, true) => {
            let contracts = several.unwrap_or_default();
            if entry.item("contracts").and_then(toml_edit::Item::as_array).is_some_and(toml_edit::Array::is_empty) {
                entry.fault_at("contracts", "this hotline belongs to no contract", "name at least one");
            }
            no_twins(entry, &contracts);
            contracts.into_iter().map(|id| id.value).collect()
        }
        (true, false) => one.map(|id| id.value).into_iter().collect(),
        (false, false) => {
            entry.missing("contract", "add `contract = \"…\"`, or `contracts = […]` when several share the number");
            Vec::new()
        }
    };
    let flow = entry.need_parsed::<FlowId>("flow").map(|flow| flow.value);
    let vars = vars(entry);
    let spare = spare(entry);
    let flow = flow.unwrap_or_else(|| STAND_IN.parse().expect("it is a plain word"));
    Some(Hotline { number: numbers.next()?, also: numbers.collect(), contracts, flow, vars, spare })
}

/// The first is the hotline's name.
fn numbers(entry: &Reader) -> Vec<Phone> {
    if !entry.has("numbers") {
        return entry.need_parsed::<Phone>("number").map(|number| number.value).into_iter().collect();
    }
    if entry.has("number") {
        entry.fault_at("numbers", "there are both `number` and `numbers`", "keep one of them");
        let _ = entry.parsed::<Phone>("number");
    }
    let numbers = parsed_list(entry, "numbers", str::parse::<Phone>).unwrap_or_default();
    if entry.item("numbers").and_then(toml_edit::Item::as_array).is_some_and(toml_edit::Array::is_empty) {
        entry.fault_at("numbers", "this hotline has no number", "name at least one");
    }
    no_twins(entry, &numbers);
    numbers.into_iter().map(|number| number.value).collect()
}

/// Whose numbers these are shows only when everybody is known.
fn spare(entry: &Reader) -> Vec<Phone> {
    let numbers = parsed_list(entry, "spare", str::parse::<Phone>).unwrap_or_default();
    let given = entry.item("spare").and_then(toml_edit::Item::as_array).map(toml_edit::Array::len);
    if given.is_some_and(|given| !(1..=SPARE_MAX).contains(&given)) {
        let what = format!("`spare` names {} numbers", given.unwrap_or_default());
        entry.fault_at("spare", what, format!("name 1 to {SPARE_MAX}, in the order in which they are tried"));
    }
    no_twins(entry, &numbers);
    numbers.into_iter().map(|number| number.value).collect()
}

/// Data for the flow: texts, and numbers as one would write them.
fn vars(entry: &Reader) -> BTreeMap<String, String> {
    let mut vars = BTreeMap::new();
    let Some(table) = entry.table("vars", "vars") else { return vars };
    for key in table.keys() {
        let Some(item) = table.item(key.value) else { continue };
        let value = item.as_str().map(str::to_owned).or_else(|| item.as_integer().map(|number| number.to_string()));
        match value {
            Some(value) => {
                vars.insert(key.value.to_owned(), value);
            }
            None => table.fault_at(key.value, format!("`{}` is no text", key.value), "write it in quotes"),
        }
    }
    table.finish();
    vars
}

pub fn integration(entry: &Reader, outside: &Outside) -> Option<Integration> {
    let id = entry.need_parsed::<IntegrationId>("id");
    let file = entry.source().file();
    let key = entry.need_string("key").and_then(|key| {
        let key = entry.parse_at(key, |reference| (outside.secret)(file, reference))?;
        entry.parse_at(key, routing_key)
    });
    let contract = entry.parsed::<ContractId>("contract");
    let policy = entry.parsed::<PolicyId>("policy");
    match (entry.has("contract"), entry.has("policy")) {
        (true, true) => entry.fault_at("policy", "there are both `contract` and `policy`", "keep one of them"),
        (false, false) => {
            entry.missing("contract", "add `contract = \"…\"`, or `policy = \"…\"` for what belongs to no contract");
        }
        (true, false) | (false, true) => {}
    }
    let target = match (contract, policy) {
        (Some(contract), _) => IntegrationTarget::Contract(contract.value),
        (None, policy) => IntegrationTarget::Policy(self::policy(policy)),
    };
    Some(Integration { id: id?.value, key_sha256: key.map(|key| key.value).unwrap_or_default(), target })
}

/// Its digest. The key stands in JSON and in a path, and whoever guesses it can wake people.
fn routing_key(key: &str) -> Result<String, &'static str> {
    if key.len() < 8 {
        return Err(
            "this key is shorter than 8 characters: make a long random one, such as with `openssl rand -hex 16`",
        );
    }
    let plain = key.len() <= 200 && key.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
    if plain {
        Ok(forms::key_sha256(key))
    } else {
        Err("this key has other signs than letters, digits and `-_.`: make one of those")
    }
}
