//! Whatever a directory holds can be written as documents and read back the same.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::{collection::vec, option, prelude::*};

use super::*;
use crate::{
    declare::{Assembled, directory_from, org::Defaults},
    escalation::{Level, Policy, Target},
    model::{
        calendar::{Calendar, Days, WeeklyHours},
        contract::{self, Contact, Contract, Coverage, Customer, Hotline, Integration, IntegrationTarget},
        person::{Absence, AbsenceReason, Address, ContactMethod, Person, PushSubscription, Rule},
        pin::PinHash,
        priority::Priority,
        secret::Secret,
    },
    oncall::{
        Advance, Change, Combine, Every, Handoffs, Layer, Override, Roster, Schedule, Temporary, WeekTimes, When,
        Window,
    },
};

fn id<T: std::str::FromStr<Err: fmt::Debug> + fmt::Debug>() -> impl Strategy<Value = T> {
    "[a-z][a-z0-9._-]{0,8}".prop_map(|id| id.parse().unwrap())
}

fn phone() -> impl Strategy<Value = crate::model::phone::Phone> {
    "\\+[1-9][0-9]{7,14}".prop_map(|phone| phone.parse().unwrap())
}

fn zone() -> impl Strategy<Value = Tz> {
    (0..TZ_VARIANTS.len()).prop_map(|index| TZ_VARIANTS[index])
}

fn civil() -> impl Strategy<Value = NaiveDateTime> {
    (0i64..4_000_000_000).prop_map(|seconds| chrono::DateTime::from_timestamp(seconds, 0).unwrap().naive_utc())
}

fn duration() -> impl Strategy<Value = TimeDelta> {
    (1i64..31_622_400).prop_map(TimeDelta::seconds)
}

fn hours() -> impl Strategy<Value = WeeklyHours> {
    (0usize..7, 0usize..7, 0u16..1_440, 0u16..=1_440).prop_map(|(first, last, from_minute, to_minute)| {
        let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let days = Days::parse(&format!("{}-{}", names[first], names[last])).unwrap();
        WeeklyHours { days, from_minute, to_minute }
    })
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        phone().prop_map(Address::Sms),
        phone().prop_map(Address::Voice),
        "[a-z]{1,8}@[a-z]{1,8}\\.example".prop_map(Address::Email),
        "[a-z\"\\\\]{0,8}".prop_map(|path| Address::Push(PushSubscription {
            endpoint: format!("https://push.example/{path}"),
            p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
                .to_owned(),
            auth: "BTBZMqHH6r4Tts7J_aSIgg".to_owned(),
        })),
        "[UC][A-Z0-9]{8,10}".prop_map(Address::Slack),
        "[a-z]{1,8}".prop_map(|path| Address::Teams(Secret::new(format!("https://flow.example/{path}?sig=x")))),
        (1i64..i64::MAX).prop_map(|chat| Address::Telegram(-chat)),
        "[a-zA-Z0-9_-]{1,64}".prop_map(|topic| Address::Ntfy(Secret::new(topic))),
        "[a-z]{1,8}".prop_map(|path| Address::Webhook(Secret::new(format!("https://hooks.example/{path}")))),
    ]
}

fn person() -> impl Strategy<Value = Person> {
    let method = (id(), address()).prop_map(|(id, address)| ContactMethod { id, address });
    let rule =
        || (id(), option::of(duration())).prop_map(|(via, after)| Rule { via, after: after.unwrap_or_default() });
    let lead = option::of((0i64..604_800).prop_map(TimeDelta::seconds));
    let rules = (vec(rule(), 0..4), vec(rule(), 0..4), vec(hours(), 0..3), lead, vec(absence(), 0..3));
    (id(), ".{1,12}", zone(), vec(method, 0..4), rules).prop_map(
        |(id, name, zone, methods, (rules_high, rules_low, quiet, shift_notice, absences))| {
            let language = "de-CH".parse().unwrap();
            Person { id, name, zone, language, methods, rules_high, rules_low, quiet, shift_notice, absences }
        },
    )
}

fn date() -> impl Strategy<Value = NaiveDate> {
    (0i32..40_000).prop_map(|day| NaiveDate::from_num_days_from_ce_opt(730_000 + day).unwrap())
}

fn absence() -> impl Strategy<Value = Absence> {
    (civil(), civil(), 0usize..3, option::of(id())).prop_map(|(from, until, reason, substitute)| Absence {
        from,
        until,
        reason: AbsenceReason::ALL[reason],
        substitute,
    })
}

fn window() -> impl Strategy<Value = Window> {
    let calendar = (id(), 0usize..3).prop_map(|(id, when)| (id, When::ALL[when]));
    (option::of(hours()), option::of(date()), option::of(date()), option::of(calendar))
        .prop_map(|(hours, first, last, calendar)| Window { hours, first, last, calendar })
}

fn layer() -> impl Strategy<Value = Layer> {
    let every = (0usize..4, 1u32..10_000)
        .prop_map(|(unit, count)| [Every::Hours, Every::Days, Every::Weeks, Every::Months][unit](count));
    let weekly = vec((hours(), 0u16..=1_440), 1..4)
        .prop_map(|times| WeekTimes::new(times.into_iter().map(|(hours, minute)| (hours.days, minute))));
    let handoffs = prop_oneof![every.prop_map(Handoffs::Every), weekly.prop_map(Handoffs::Weekly)];
    let advance = any::<bool>().prop_map(|waits| if waits { Advance::OnDuty } else { Advance::Always });
    let windows = || vec(window(), 0..3);
    (vec(vec(id(), 1..3), 1..4), option::of(zone()), civil(), handoffs, advance, windows(), windows()).prop_map(
        |(people, zone, start, handoffs, advance, only, except)| Layer {
            people,
            zone,
            start,
            handoffs,
            advance,
            only,
            except,
        },
    )
}

fn roster() -> impl Strategy<Value = Roster> {
    let change = prop_oneof![
        id().prop_map(Change::Replace),
        id().prop_map(Change::Add),
        id().prop_map(Change::Remove),
        (id(), id()).prop_map(|(person, absent)| Change::StandIn { person, absent }),
    ];
    let given = (change, civil(), civil()).prop_map(|(change, from, until)| Override { change, from, until });
    let combine = any::<bool>().prop_map(|add| if add { Combine::Add } else { Combine::Stack });
    (combine, vec(layer(), 0..3), vec(given, 0..3)).prop_map(|(combine, layers, overrides)| Roster {
        combine,
        layers,
        overrides,
    })
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let temporary = (civil(), civil(), roster()).prop_map(|(from, until, roster)| Temporary { from, until, roster });
    (id(), zone(), roster(), vec(temporary, 0..2), vec((id(), absence()), 0..3))
        .prop_map(|(id, zone, roster, temporary, absences)| Schedule { id, zone, roster, temporary, absences })
}

fn policy() -> impl Strategy<Value = Policy> {
    let target = || prop_oneof![id().prop_map(Target::Person), id().prop_map(Target::Schedule)];
    let level = (vec(target(), 1..4), duration()).prop_map(|(notify, ack_within)| Level { notify, ack_within });
    (id(), vec(level, 1..4), 0u32..100, vec(target(), 0..3)).prop_map(|(id, levels, repeat, fallback)| Policy {
        id,
        levels,
        repeat,
        fallback,
    })
}

fn calendar() -> impl Strategy<Value = Calendar> {
    (id(), zone(), vec(hours(), 0..3), vec(date(), 0..5)).prop_map(|(id, zone, open, days)| Calendar {
        id,
        zone,
        open,
        holidays: days.into_iter().collect(),
    })
}

fn customer() -> impl Strategy<Value = Customer> {
    let contact = (id(), ".{0,12}", vec(phone(), 0..3), option::of("[$a-z0-9]{1,20}"))
        .prop_map(|(id, name, phones, pin)| Contact { id, name, phones, pin: pin.map(PinHash::new) });
    (id(), ".{0,12}", option::of("[0-9]{1,20}"), vec(contact, 0..3)).prop_map(|(id, name, number, contacts)| Customer {
        id,
        name,
        number,
        contacts,
    })
}

fn contract() -> impl Strategy<Value = Contract> {
    let outside = option::of(prop_oneof![Just(contract::Outside::Wait), Just(contract::Outside::Page)]);
    let target = (option::of(duration()), option::of(duration()), id(), outside)
        .prop_map(|(response, resolution, policy, outside)| contract::Target { response, resolution, policy, outside });
    let priority = (0usize..4).prop_map(|index| Priority::ALL[index]);
    let coverage =
        option::of(id().prop_filter("a word of its own", |id: &crate::model::id::CalendarId| id.as_str() != ALWAYS));
    let parts = (id(), id(), coverage, vec((priority, target), 0..4), option::of(duration()));
    parts.prop_map(|(id, customer, coverage, priorities, recordings)| Contract {
        id,
        customer,
        coverage: coverage.map_or(Coverage::Always, Coverage::Calendar),
        priorities: priorities.into_iter().collect(),
        recordings,
    })
}

fn hotline() -> impl Strategy<Value = Hotline> {
    let vars = vec(("[a-z_]{1,8}", ".{0,12}"), 0..3);
    (phone(), vec(phone(), 0..3), vec(id(), 1..3), id(), vars, vec(phone(), 0..3)).prop_map(
        |(number, also, contracts, flow, vars, spare)| Hotline {
            number,
            also,
            contracts,
            flow,
            vars: vars.into_iter().collect(),
            spare,
        },
    )
}

fn integration() -> impl Strategy<Value = Integration> {
    let target = prop_oneof![id().prop_map(IntegrationTarget::Contract), id().prop_map(IntegrationTarget::Policy)];
    (id(), "[0-9a-f]{64}", target).prop_map(|(id, key_sha256, target)| Integration { id, key_sha256, target })
}

fn keyed<K: Ord, T>(things: Vec<T>, key: impl Fn(&T) -> K) -> BTreeMap<K, T> {
    things.into_iter().map(|thing| (key(&thing), thing)).collect()
}

fn directory() -> impl Strategy<Value = Directory> {
    let who = (vec(person(), 0..4), vec(schedule(), 0..4), vec(policy(), 0..4), vec(calendar(), 0..4));
    let what = (vec(customer(), 0..4), vec(contract(), 0..4), vec(hotline(), 0..4), vec(integration(), 0..4));
    (who, what).prop_map(
        |((people, schedules, policies, calendars), (customers, contracts, hotlines, integrations))| Directory {
            people: keyed(people, |person| person.id.clone()),
            schedules: keyed(schedules, |schedule| schedule.id.clone()),
            policies: keyed(policies, |policy| policy.id.clone()),
            calendars: keyed(calendars, |calendar| calendar.id.clone()),
            customers: keyed(customers, |customer| customer.id.clone()),
            contracts: keyed(contracts, |contract| contract.id.clone()),
            hotlines: keyed(hotlines, |hotline| hotline.number.clone()),
            integrations: keyed(integrations, |integration| integration.id.clone()),
            ..Directory::empty()
        },
    )
}

proptest! {
    #[test]
    fn a_directory_survives_its_documents(directory in directory()) {
        let Assembled { directory: read, faults } = directory_from(&of(&directory), [], &Defaults::default(), 0);
        prop_assert_eq!(faults, []);
        prop_assert_eq!(read, directory);
    }
}
