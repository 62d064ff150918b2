//! What MSPs write in files, what is kept of it, and what they are told when it cannot work.

mod hotlines; // whose numbers are whose
mod schedules; // what schedules and absences may say

use std::collections::BTreeSet;

use super::{org::Defaults, *};
use crate::model::{fault::Fault, pin::Pin};

const PEOPLE: &str = include_str!("../../tests/data/declarations/people.toml");
const CUSTOMERS: &str = include_str!("../../tests/data/declarations/customers.toml");
const HOLIDAYS: &str = include_str!("../../tests/data/declarations/holidays.ics");
const BROKEN_PEOPLE: &str = include_str!("../../tests/data/declarations/broken-people.toml");
const BROKEN_CONTRACTS: &str = include_str!("../../tests/data/declarations/broken-contracts.toml");

fn secret(file: &str, reference: &str) -> Result<String, String> {
    let Some(name) = reference.strip_prefix("env:").or_else(|| reference.strip_prefix("file:")) else {
        return Ok(reference.to_owned());
    };
    Ok(match (file, name) {
        (_, "ACME_PIN_PETRA") => "730164",
        ("msp/customers.toml", "pins/joerg") => "281950",
        (_, "ACME_MONITORING_KEY") => "e93facc04764012d7bfb002500d5d1a6",
        ("msp/customers.toml", "own-key") => "b1e4a7700d6f4f1d",
        _ => return Err(format!("there is no {name} for {file}: set it")),
    }
    .to_owned())
}

fn text(_: &str, reference: &str) -> Result<String, String> {
    match reference {
        "file:holidays.ics" => Ok(HOLIDAYS.to_owned()),
        "file:broken-people.toml" => Ok(BROKEN_PEOPLE.to_owned()),
        _ => Err(format!("{reference} could not be read: name a file that is there")),
    }
}

/// `chance` stands for the random bits of fresh salts.
fn plan_with(chance: &str, stored: &Documents, files: &[(&str, &str)]) -> Result<Plan, Vec<Fault>> {
    let files = files.iter().map(|(name, text)| File { name: (*name).to_owned(), text: (*text).to_owned() }).collect();
    let (salt, without_flow) = (|| pins::salt(chance.as_bytes()), BTreeSet::from(["+4921190000".parse().unwrap()]));
    let outside = Outside { secret: &secret, file: &text, salt: &salt, numbers_without_flow: &without_flow };
    plan(stored, &[], files, &outside, Flows::PutIntoForce)
}

fn whole() -> Documents {
    let files = [("msp/customers.toml", CUSTOMERS), ("msp/people.toml", PEOPLE)];
    plan_with("0123456789abcdef", &Documents::new(), &files).unwrap().documents
}

fn assembled(documents: &Documents) -> Directory {
    let Assembled { directory, faults } = directory_from(documents, [], &Defaults::default(), 7);
    assert_eq!(faults, []);
    directory
}

#[track_caller]
fn faults(stored: &Documents, file: &str) -> String {
    let faults = plan_with("0123456789abcdef", stored, &[("new.toml", file)]).expect_err("this cannot work");
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_designs_examples_are_one_whole_over_several_files() {
    let directory = assembled(&whole());
    assert_eq!((directory.revision, directory.org_name.as_str()), (7, "Nordlicht IT"));
    assert_eq!(directory.org_policy.as_ref().unwrap().as_str(), "gold");
    assert_eq!(directory.limits.countries, ["49", "41"]);
    assert_eq!((directory.limits.calls_per_hour, directory.limits.sms_per_hour), (200, 1_000));
    let anna = &directory.people[&"anna".parse().unwrap()];
    assert_eq!(anna.methods.len(), 4);
    assert_eq!(anna.rules_high.iter().map(|rule| rule.after.num_seconds()).collect::<Vec<_>>(), [0, 60, 180]);
    let primary = &directory.schedules[&"primary".parse().unwrap()];
    assert_eq!((primary.roster.layers[0].people.len(), primary.roster.overrides.len()), (3, 1));
    assert_eq!(directory.policies[&"gold".parse().unwrap()].levels[1].notify.len(), 2);
    let gold = &directory.contracts[&"acme-gold".parse().unwrap()];
    assert_eq!(gold.priorities.len(), 2);
    let nights = &directory.calendars[&"nights".parse().unwrap()];
    let holidays: Vec<String> = nights.holidays.iter().map(ToString::to_string).collect();
    assert_eq!(holidays, ["2026-01-01", "2026-08-01", "2026-12-25", "2026-12-26", "2027-01-01", "2028-01-01"]);
}

#[test]
fn what_nobody_wrote_is_filled_in() {
    let directory = assembled(&whole());
    let ben = &directory.people[&"ben".parse().unwrap()];
    assert_eq!((ben.name.as_str(), ben.language.as_str(), ben.zone.name()), ("ben", "en", "UTC"));
    let via = |rules: &[crate::model::person::Rule]| rules.iter().map(|rule| rule.via.to_string()).collect::<Vec<_>>();
    assert_eq!(
        (via(&ben.rules_high), via(&ben.rules_low)),
        (vec!["mobile".into(), "mail".into()], vec!["mail".into()])
    );
    let cem = &directory.people[&"cem".parse().unwrap()];
    assert_eq!(via(&cem.rules_low), ["mobile"]);
    let globex = &directory.customers[&"globex".parse().unwrap()];
    let contacts: Vec<&str> = globex.contacts.iter().map(|contact| contact.id.as_str()).collect();
    assert_eq!(contacts, ["joerg-muessig", "joerg-muessig-2", "night-desk"]);
}

#[test]
fn pins_and_keys_are_kept_as_hashes_only() {
    let documents = whole();
    for text in documents.values() {
        for clear in ["730164", "281950", "0482139", "e93facc0", "b1e4a770"] {
            assert!(!text.contains(clear), "{text}");
        }
    }
    let directory = assembled(&documents);
    let found = |customer: &str, pin: &str| {
        let customer = &directory.customers[&customer.parse().unwrap()];
        pins::matches(customer, &Pin::keyed(pin).unwrap()).map(|id| id.to_string())
    };
    assert_eq!(found("acme", "730164").as_deref(), Some("petra-klein"));
    assert_eq!(found("globex", "281950").as_deref(), Some("joerg-muessig"));
    assert_eq!(found("globex", "0482139").as_deref(), Some("night-desk"));
    assert_eq!(found("globex", "730164"), None);
    let key = forms::key_sha256("e93facc04764012d7bfb002500d5d1a6");
    assert_eq!(directory.integration_with_key(&key).unwrap().id.as_str(), "acme-monitoring");
}

#[test]
fn the_second_apply_changes_nothing_also_no_pins() {
    let files = [("msp/customers.toml", CUSTOMERS), ("msp/people.toml", PEOPLE)];
    let again = plan_with("fedcba9876543210", &whole(), &files).unwrap();
    assert_eq!(again, Plan::default());
    assert!(again.is_empty());
}

#[test]
fn spare_numbers_are_those_of_people_who_may_be_phoned() {
    let hotline = |spare: &str| {
        format!("[[hotlines]]\nnumber = \"+4930901820\"\ncontract = \"acme-gold\"\nflow = \"sla-hotline\"\n{spare}\n")
    };
    let flow = ("sla-hotline.toml", include_str!("../../ivr-flows/sla-hotline.toml"));
    let sound = hotline("spare = [\"+4915110000003\", \"+4915110000001\"]");
    fn files<'a>(hotline: &'a str, flow: (&'a str, &'a str)) -> [(&'a str, &'a str); 4] {
        [("msp/customers.toml", CUSTOMERS), ("msp/people.toml", PEOPLE), ("h.toml", hotline), flow]
    }
    let planned = plan_with("0123456789abcdef", &Documents::new(), &files(&sound, flow));
    let directory = assembled(&planned.unwrap_or_else(|faults| panic!("{faults:?}")).documents);
    let declared = directory.hotlines.values().next().unwrap();
    let dialled: Vec<_> = super::dialled(declared, &directory).iter().map(|(number, _)| number.as_str()).collect();
    assert_eq!(dialled, ["+4915110000003", "+4915110000001"]);
    assert_eq!(super::spare_warnings(&directory), Vec::<String>::new());
    for (spare, what) in [
        ("spare = []", "`spare` names 0 numbers"),
        ("spare = [\"+4915110000001\", \"+4915110000001\"]", "`+4915110000001` is there twice"),
        ("spare = [\"+4930777001\"]", "+4930777001 is the voice number of nobody who is declared"),
        ("spare = [\"112\"]", "`112` is no phone number"),
    ] {
        let wrong = hotline(spare);
        let told = plan_with("x", &Documents::new(), &files(&wrong, flow)).unwrap_err();
        assert!(told.iter().any(|fault| fault.what.contains(what)), "{spare}: {told:?}");
    }
    let mut abroad = directory.clone();
    abroad.limits.countries = vec!["44".to_owned()];
    assert_eq!(super::dialled(declared, &abroad), []);
    let warned = super::spare_warnings(&abroad);
    assert!(warned.len() == 2 && warned[0].contains("is never dialled: [limits] leaves out +49"), "{warned:?}");
    let bare = hotline("");
    let bare = plan_with("0123456789abcdef", &Documents::new(), &files(&bare, flow)).unwrap();
    let warned = super::spare_warnings(&assembled(&bare.documents));
    assert!(warned.len() == 1 && warned[0].contains("hotline +4930901820 names no `spare` numbers"), "{warned:?}");
}

#[test]
fn differences_are_told_by_name_and_never_show_a_secret() {
    let customers =
        CUSTOMERS.replace("\"0482139\"", "\"5550182\"").replace("response = \"15m\"", "response = \"10m\"").replace(
            "[[calendars]]\nid = \"office\"\nzone = \"Europe/Berlin\"",
            "[[calendars]]\nid = \"office\"\nzone = \"Europe/Vienna\"",
        );
    let people = PEOPLE.to_owned()
        + "[[people]]\nid = \"dora\"\ncontact = [ { id = \"m\", kind = \"email\", to = \"d@x.example\" } ]\n";
    let files = [("msp/customers.toml", customers.as_str()), ("people.toml", people.as_str())];
    let plan = plan_with("fedcba9876543210", &whole(), &files).unwrap();
    assert_eq!(
        plan.differences,
        ["~ calendar office: zone", "~ contract acme-gold: priorities", "~ customer globex: contacts", "+ person dora"]
    );
    assert_eq!(plan.documents.len(), 4);
}

#[test]
fn what_a_file_does_not_mention_stays_and_is_known() {
    let stored = whole();
    let contract =
        "[[contracts]]\nid = \"globex-gold\"\ncustomer = \"globex\"\npriorities.P1 = { policy = \"gold\" }\n";
    let plan = plan_with("fedcba9876543210", &stored, &[("new.toml", contract)]).unwrap();
    assert_eq!(plan.differences, ["+ contract globex-gold"]);
    // What is new is held against what is there, and the fault stands where something can be mended.
    let person =
        "[[people]]\nid = \"aaron\"\ncontact = [\n  { id = \"m\", kind = \"sms\", to = \"+4915110000009\" } ]\n";
    insta::assert_snapshot!(faults(&stored, person), @"new.toml:4:34: `+4915110000009` is also a number of `lead`: nobody could tell who answers; give each person a number of their own");
    let customer = "[[customers]]\nid = \"a-first\"\nnumber = \"40017\"\n[[integrations]]\nid = \"a\"\npolicy = \"gold\"\nkey = \"b1e4a7700d6f4f1d\"\n";
    insta::assert_snapshot!(faults(&stored, customer), @r#"
    new.toml:3:10: customer `globex` has the number `40017` too; give each customer a number of their own
    new.toml:7:7: integration `own-monitoring` has the same key; give each integration a key of its own
    "#);
}

#[test]
fn whoever_is_connected_rings_somebody_with_the_priority_they_come_with() {
    let msp = "[[people]]\nid = \"mia\"\ncontact = [ { id = \"m\", kind = \"email\", to = \"mia@msp.example\" } ]\n\
        [[policies]]\nid = \"mails\"\nlevels = [ { notify = [\"person:mia\"], ack_within = \"5m\" } ]\n\
        [[contracts]]\nid = \"acme-mails\"\ncustomer = \"acme\"\ncoverage = \"always\"\n\
        priorities.P1 = { policy = \"mails\" }\npriorities.P3 = { policy = \"gold\" }\n\
        [[hotlines]]\nnumber = \"+4930901820\"\ncontract = \"acme-mails\"\nflow = \"main\"\n";
    let main = |priority: &str| {
        format!(
            "id = \"main\"\nlanguages = [\"en\"]\nstart = \"set\"\n[steps.set]\ndo = \"set\"\npriority = \"{priority}\"\n\
             next = \"ask\"\n[steps.ask]\ndo = \"flow\"\nflow = \"sub\"\nnext = \"bye\"\n[steps.bye]\ndo = \"hangup\"\n"
        )
    };
    let sub = "id = \"sub\"\nlanguages = [\"en\"]\nstart = \"talk\"\n[steps.talk]\ndo = \"connect\"\n\
        connected = \"return\"\nnobody = \"return\"\n";
    let with = |priority: &str| {
        let main = main(priority);
        plan_with("0123456789abcdef", &whole(), &[("msp.toml", msp), ("main.toml", &main), ("sub.toml", sub)])
    };
    let faults = with("P1").expect_err("P1 has nobody with a phone");
    assert_eq!(
        faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "sub.toml:4:1: step `talk` of flow `sub` reaches nobody: nobody in policy `mails`, which contract `acme-mails` has for P1, has a number that can be rung (hotline +4930901820 at msp.toml:16:8); give one of them a contact of kind \"voice\""
        ]
    );
    assert!(with("P3").is_ok(), "nobody comes there with P1");
}

#[test]
fn recordings_are_kept_long_enough_to_be_heard() {
    let contract = |kept: &str| {
        format!(
            "[[contracts]]\nid = \"globex-extra\"\ncustomer = \"globex\"\nrecordings = \"{kept}\"\npriorities.P1 = {{ policy = \"gold\" }}\n"
        )
    };
    let stored = whole();
    insta::assert_snapshot!(faults(&stored, &contract("5m")), @r#"new.toml:4:14: nobody has the time to hear recordings that are kept so short; write at least "1h", or leave it out: then `retention` of [voicemail] counts"#);
    assert!(plan_with("0123456789abcdef", &stored, &[("new.toml", &contract("30d"))]).is_ok());
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_its_place_and_its_mend() {
    let files = [("broken-people.toml", BROKEN_PEOPLE), ("broken-contracts.toml", BROKEN_CONTRACTS)];
    let faults = plan_with("0123456789abcdef", &Documents::new(), &files).unwrap_err();
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(faults.join("\n"), @r#"
    broken-contracts.toml:2:10: there is no policy `glod`; did you mean `gold`?
    broken-contracts.toml:4:14: `Narnia` is no country; write its telephone code such as +49, or its two letters such as DE
    broken-contracts.toml:5:16: `sms_per_hour` is -1; use 0 to 1000000
    broken-contracts.toml:9:10: `A-17` is no customer number; callers key it in, use 1 to 20 digits
    broken-contracts.toml:11:53: this PIN is among the first that a thief tries (one digit, a run, a repeated pair or half); choose another
    broken-contracts.toml:12:30: `+4930555010` is there twice: nobody could tell who is phoning; keep it with one contact
    broken-contracts.toml:13:25: another contact of this customer has the same PIN; give each contact a PIN of their own
    broken-contracts.toml:14:12: this is no name; write 1 to 120 characters on one line
    broken-contracts.toml:14:22: `pin` is a whole number, not a string in quotes; write a string in quotes
    broken-contracts.toml:15:3: contacts entry has no `name`; add `name = "…"`
    broken-contracts.toml:15:11: there is no NOT_SET for broken-contracts.toml; set it
    broken-contracts.toml:22:10: customer `globex` has the number `17` too; give each customer a number of their own
    broken-contracts.toml:28:12: there is no customer `acne`; did you mean `acme`?
    broken-contracts.toml:29:12: there is no calendar `offise`; did you mean `office`?
    broken-contracts.toml:30:30: `15 minutes` is no duration; write a whole number and s, m, h or d, from 1s to 366d, such as 30s or 5m
    broken-contracts.toml:30:53: there is no policy `glod`; did you mean `gold`?
    broken-contracts.toml:31:12: `P5` is no priority; use P1, P2, P3 or P4
    broken-contracts.toml:35:17: priority has no `policy`; add `policy = "…"`
    broken-contracts.toml:36:1: this contract has no priorities: nobody would be told; add `priorities.P1 = { response = "15m", policy = "gold" }`
    broken-contracts.toml:42:14: this contract has no priorities: nobody would be told; add `priorities.P1 = { response = "15m", policy = "gold" }`
    broken-contracts.toml:46:12: there is no contract `acme-glod`; did you mean `acme-gold`?
    broken-contracts.toml:47:8: there is no flow `sla-hotline`; declare it, or name a flow that there is
    broken-contracts.toml:48:1: hotline `+4930901820` is declared twice; keep one: the first stands at broken-contracts.toml:44:1
    broken-contracts.toml:51:13: there are both `contract` and `contracts`; keep one of them
    broken-contracts.toml:53:20: `company` is no text; write it in quotes
    broken-contracts.toml:54:1: hotlines entry has no `flow`; add `flow = "…"`
    broken-contracts.toml:56:29: two contracts of customer `globex` share this hotline: nobody could tell which is meant; give one of them a hotline of its own
    broken-contracts.toml:56:46: customer `umbrella` has no `number`, by which callers of a shared hotline say who they are; add `number = "…"` to customer `umbrella`
    broken-contracts.toml:58:10: the hotline's number is also a phone of cem; a hotline has a number of its own
    broken-contracts.toml:59:13: this hotline belongs to no contract; name at least one
    broken-contracts.toml:60:8: there is no flow `sla-hotline`; declare it, or name a flow that there is
    broken-contracts.toml:61:1: hotlines entry has no `contract`; add `contract = "…"`, or `contracts = […]` when several share the number
    broken-contracts.toml:61:1: hotlines entry has no `flow`; add `flow = "…"`
    broken-contracts.toml:62:10: `0309018` is no phone number; write `+`, country code and number, 8 to 15 digits, such as +4930901820
    broken-contracts.toml:70:7: integration `one` has the same key; give each integration a key of its own
    broken-contracts.toml:71:10: there are both `contract` and `policy`; keep one of them
    broken-contracts.toml:73:1: integrations entry has no `contract`; add `contract = "…"`, or `policy = "…"` for what belongs to no contract
    broken-contracts.toml:75:7: this key is shorter than 8 characters; make a long random one, such as with `openssl rand -hex 16`
    broken-contracts.toml:76:1: integrations entry has no `key`; add `key = "…"`
    broken-contracts.toml:78:10: there is no policy `platinum`; declare it, or name a policy that there is
    broken-contracts.toml:81:6: a calendar cannot be called `always`: contracts mean round the clock by it; give it another id
    broken-contracts.toml:83:8: this calendar never opens; add `open = [ { days = "Mon-Fri", from = "08:00", to = "18:00" } ]`
    broken-contracts.toml:88:13: `25.12.2026` is no date; write 2026-12-25
    broken-contracts.toml:88:27: file:missing.ics could not be read; name a file that is there
    broken-contracts.toml:89:16: this is no iCalendar file; export it once more as .ics
    broken-people.toml:3:1: people entry has an unknown key `nmae`; did you mean `name`?
    broken-people.toml:4:8: `Europe/Berlim` is no time zone; did you mean `Europe/Berlin`?
    broken-people.toml:5:12: `German` is no language; use a tag such as de, en or de-CH
    broken-people.toml:7:24: `smss` is no kind of contact; did you mean `sms`?
    broken-people.toml:8:41: `015110000001` is no phone number; write `+`, country code and number, 8 to 15 digits, such as +4930901820
    broken-people.toml:9:10: contact method `mobile` is there twice; give each its own id
    broken-people.toml:10:39: `anna` is no email address; write name@domain
    broken-people.toml:11:41: this push subscription is no JSON; copy what the browser gives, {"endpoint": "https://…", "keys": {"p256dh": "…", "auth": "…"}}
    broken-people.toml:13:24: there is no contact method `mobil`; did you mean `mobile`?
    broken-people.toml:13:58: `soon` is no duration; write a whole number and s, m, h or d, from 1s to 366d, such as 30s or 5m
    broken-people.toml:14:13: `rules.low` is empty: nobody would be told; name a contact method: `{ via = "mobile" }`
    broken-people.toml:16:1: nobody can reach this person: there is no contact method; add `contact = [ { id = "mobile", kind = "voice", to = "+49…" } ]`
    broken-people.toml:17:6: `Ben` is no name for a person; use 1 to 64 of a-z, 0-9, `-`, `_` and `.`
    broken-people.toml:25:109: `+4915110000003` is also a number of `cem`: nobody could tell who answers; give each person a number of their own
    broken-people.toml:28:6: person `cem` is declared twice; keep one: the first stands at broken-people.toml:19:1
    broken-people.toml:29:11: nobody can reach this person: there is no contact method; add `contact = [ { id = "mobile", kind = "voice", to = "+49…" } ]`
    broken-people.toml:31:1: there is nobody in this schedule; add [[schedules.layers]] with `people`, `start` and `every`
    broken-people.toml:33:8: `CET/Berlin` is no time zone; use a name such as Europe/Berlin
    broken-people.toml:35:1: schedules entry has no `zone`; add `zone = "…"`
    broken-people.toml:38:14: there is nobody in this layer; name them: `people = ["anna", "ben"]`
    broken-people.toml:39:3: layer has no `every`; add `every = "1 week"`, or `handoffs = [ { days = "Mon", at = "09:00" } ]`
    broken-people.toml:39:23: there is no person `cen`; did you mean `cem`?
    broken-people.toml:39:39: `2026-01-05 09:00` is no civil time; write 2026-01-05T09:00, without a zone or an offset
    broken-people.toml:40:68: `1 fortnight` is no rotation; write a number and hours, days, weeks or months, such as 1 week
    broken-people.toml:40:101: `Mo-Fr` names no weekdays; write Mon-Fri, or Sat,Sun, or daily
    broken-people.toml:40:117: nothing begins at 24:00; write 00:00, and the day after
    broken-people.toml:40:131: `25:00` is no time of day; write 08:00, from 00:00 to 24:00
    broken-people.toml:43:10: there is no person `eve`; declare it, or name a person that there is
    broken-people.toml:45:9: this override ends before it begins; write an `until` that is later than `from`
    broken-people.toml:49:10: this policy tells nobody: it has no levels; add `levels = [ { notify = ["schedule:primary"], ack_within = "5m" } ]`
    broken-people.toml:53:10: `repeat` is 1000; use 0 to 100
    broken-people.toml:55:14: this level tells nobody; add `notify = ["schedule:primary"]`
    broken-people.toml:56:3: level has no `ack_within`; add `ack_within = "5m"`: how long it may stay unacknowledged
    broken-people.toml:56:15: there is no schedule `primry`; did you mean `primary`?
    broken-people.toml:56:34: `anna` names nobody to tell; write person:ID or schedule:ID
    broken-people.toml:56:56: `person:cem` is there twice; name it once
    broken-people.toml:58:13: there is no person `nobody-here`; declare it, or name a person that there is
    broken-people.toml:60:3: the file has an unknown key `calender`; did you mean `calendars`?
    "#);
}

#[test]
fn text_that_is_no_toml_is_one_fault() {
    insta::assert_snapshot!(faults(&Documents::new(), "[[people]\n"), @"new.toml:1:10: not TOML: unclosed array table, expected `]`; mend the line, or see https://toml.io");
    insta::assert_snapshot!(faults(&Documents::new(), "people = 3\n[schedules]\nid = \"x\"\n"), @r#"
    new.toml:1:10: `people` is a whole number, not a list of tables; write a list of tables
    new.toml:2:1: `schedules` is a table, not a list of tables; write a list of tables
    "#);
}

#[test]
fn a_row_that_cannot_be_read_is_left_out_and_named() {
    let mut documents = whole();
    documents.insert(document::key(document::Kind::Person, "eve"), "{\"name\":3}".to_owned());
    documents.insert(("robot".to_owned(), "r2".to_owned()), "{}".to_owned());
    let flow = FlowSource { id: &"gone".parse().unwrap(), version: 3, file: "gone.toml", source: "steps = 3" };
    let Assembled { directory, faults } = directory_from(&documents, [flow], &Defaults::default(), 1);
    assert_eq!(directory.people.len(), 4);
    assert!(directory.flows.is_empty());
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(faults[0].starts_with("the database: person `eve` cannot be read: invalid type"), "{faults:?}");
    assert_eq!(faults[1], "the database: there is a robot `r2`, which means nothing here");
    assert!(faults[2].starts_with("gone.toml:"), "{faults:?}");
    // To apply the broken one once more mends it; anything else is refused until then.
    assert!(plan_with("x", &documents, &[("p.toml", "[limits]\nsms_per_hour = 3\n")]).is_err());
    documents.remove(&("robot".to_owned(), "r2".to_owned()));
    let eve = "[[people]]\nid = \"eve\"\ncontact = [ { id = \"m\", kind = \"email\", to = \"eve@x.example\" } ]\n";
    let mended = plan_with("x", &documents, &[("p.toml", eve)]).unwrap();
    assert_eq!(mended.differences, ["~ person eve: contact, language, name, rules, zone"]);
}

#[test]
fn the_configuration_speaks_where_no_declaration_does() {
    let mut defaults = Defaults::default();
    defaults.org.name = Some("Of the file".to_owned());
    defaults.limits.sms_per_hour = Some(5);
    let directory = directory_from(&Documents::new(), [], &defaults, 0).directory;
    assert_eq!((directory.org_name.as_str(), directory.limits.sms_per_hour), ("Of the file", 5));
    let directory = directory_from(&whole(), [], &defaults, 0).directory;
    assert_eq!((directory.org_name.as_str(), directory.limits.sms_per_hour), ("Nordlicht IT", 5));
    assert_eq!(directory_from(&Documents::new(), [], &Defaults::default(), 0).directory, Directory::empty());
}

#[test]
fn a_number_of_two_customers_cannot_tell_who_phones_a_shared_hotline() {
    let shared = "[[customers]]\nid = \"initech\"\nname = \"Initech\"\nnumber = \"77\"\ncontacts = [\n  \
                  { name = \"Peter\", phones = [\"+4930555770\", \"+4930555010\"] } ]\n\
                  [[contracts]]\nid = \"initech-gold\"\ncustomer = \"initech\"\ncoverage = \"always\"\n\
                  priorities.P1 = { policy = \"gold\" }\n\
                  [[hotlines]]\nnumber = \"+4930901877\"\nflow = \"missing\"\n";
    let on = |contracts: &str| faults(&whole(), &format!("{shared}contracts = [{contracts}]\n"));
    let told = on("\"acme-gold\", \"initech-gold\"");
    assert!(
        told.contains(
            "new.toml:6:46: `+4930555010` is also a number of a contact of customer `acme` (the database), and both \
             share hotline +4930901877: nobody could tell who calls"
        ),
        "{told}"
    );
    let alone = on("\"initech-gold\"");
    assert!(!alone.contains("nobody could tell who calls"), "{alone}");
}

#[test]
fn quiet_hours_what_waits_and_notices_of_shifts_are_read_and_kept() {
    let file = r#"
[org]
name = "Nordlicht IT"
shift_notice = "1h"
[[people]]
id = "dora"
zone = "Europe/Berlin"
contact = [ { id = "mail", kind = "email", to = "dora@msp.example" } ]
quiet = [ { days = "Mon-Sun", from = "22:00", to = "07:00" }, { days = "Sun", from = "07:00", to = "12:00" } ]
shift_notice = "0s"
[[contracts]]
id = "globex-night"
customer = "globex"
coverage = "office"
priorities.P1 = { policy = "gold", outside = "page" }
priorities.P3 = { policy = "silver", outside = "wait" }
"#;
    let stored = plan_with("0123456789abcdef", &whole(), &[("new.toml", file)]).unwrap().documents;
    let mut documents = whole();
    documents.extend(stored);
    let directory = assembled(&documents);
    let (dora, anna) = ("dora".parse().unwrap(), "anna".parse().unwrap());
    let told = |instant: &str| directory.people[&dora].quiet_until(instant.parse().unwrap()).map(|at| at.to_rfc3339());
    assert_eq!(told("2026-03-02T22:30:00Z").as_deref(), Some("2026-03-03T06:00:00+00:00"));
    assert_eq!(told("2026-02-28T23:00:00Z").as_deref(), Some("2026-03-01T11:00:00+00:00"), "until noon on Sundays");
    assert_eq!(told("2026-03-02T12:00:00Z"), None);
    assert_eq!(directory.shift_notice_of(&dora), None);
    assert_eq!(directory.shift_notice_of(&anna), Some(chrono::TimeDelta::hours(1)));
    let contract = &directory.contracts[&"globex-night".parse().unwrap()];
    let outside: Vec<_> = contract.priorities.values().map(|target| target.outside.map(|said| said.as_str())).collect();
    assert_eq!(outside, [Some("page"), Some("wait")]);
}

#[test]
fn what_would_hold_back_for_ever_or_hold_back_the_urgent_is_refused_with_its_place() {
    let file = r#"
[org]
shift_notice = "8d"
[[people]]
id = "dora"
contact = [ { id = "mail", kind = "email", to = "dora@msp.example" } ]
quiet = [ { from = "20:00", to = "08:00" }, { from = "08:00", to = "20:00" } ]
[[people]]
id = "eve"
contact = [ { id = "mail", kind = "email", to = "eve@msp.example" } ]
quiet = [ { days = "Mo-Fr", from = "22:00", to = "7:00" }, { from = "24:00", to = "07:00", until = "08:00" } ]
shift_notice = "soon"
[[contracts]]
id = "globex-night"
customer = "globex"
priorities.P1 = { policy = "gold", outside = "later" }
priorities.P2 = { policy = "gold", outside = "wait" }
"#;
    let told = faults(&whole(), file);
    for expect in [
        "new.toml:3:16: `8d` is too long before a shift; write at most 7d, or 0s for no notice",
        "new.toml:7:9: these quiet hours never end; leave an hour of the week",
        "new.toml:11:20: `Mo-Fr` names no weekdays",
        "new.toml:11:50: `7:00` is no time of day",
        "new.toml:11:69: nothing begins at 24:00",
        "unknown key `until`",
        "new.toml:12:16: `soon` is no duration",
        "new.toml:16:46: `later` is nothing to do outside the hours; use wait or page",
        "new.toml:17:46: P2 is of high urgency, which never waits; leave it out",
    ] {
        assert!(told.contains(expect), "{expect}\nis missing in\n{told}");
    }
}
