//! What is declared, as the database holds it, and kept up to date: a commit of `pikett apply`, in
//! whatever process, is seen within a second.
//!
//! A directory that cannot be read leaves the one before in force, and that is said. Start at `keep`.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    declare::{Assembled, Directory, FlowSource, directory::default_org, directory_from, org::Defaults},
    model::person::{ContactMethod, Rule},
    store::{
        Store, StoreError, Topic,
        contacts::OwnContact,
        declarations::{self, Declared},
        flows::FlowVersion,
    },
};

/// A load that failed is repeated after this long.
const AGAIN: Duration = Duration::from_secs(1);
/// A notice that got lost on its way is made good after this long.
const SPARE: Duration = Duration::from_secs(30);

/// How the last load ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    pub revision: i64,
    /// `false`: a newer one may be there, but could not be read.
    pub current: bool,
    /// What was left out because it makes no sense.
    pub faults: usize,
}

/// The directory as it is now, and how its last load ended.
#[derive(Clone)]
pub struct Current {
    pub directory: watch::Receiver<Arc<Directory>>,
    pub loaded: watch::Receiver<Loaded>,
}

pub async fn load(store: &Store) -> Result<Declared, StoreError> {
    let mut db = store.read().await?;
    declarations::load(&mut db, &default_org()).await
}

pub fn flow_sources(declared: &Declared) -> Vec<FlowSource<'_>> {
    let source = |flow| {
        let FlowVersion { flow: id, version, file, source, .. }: &FlowVersion = flow;
        FlowSource { id, version: *version, file, source }
    };
    declared.flows.iter().map(source).collect()
}

/// What is declared by file, and what people have added and proved themselves.
pub fn assemble(declared: &Declared, defaults: &Defaults) -> Assembled {
    let mut assembled = directory_from(&declared.documents, flow_sources(declared), defaults, declared.revision);
    for own in declared.contacts.iter().filter(|own| own.verified_at.is_some()) {
        join(&mut assembled.directory, own);
    }
    assembled
}

/// Where a file says something else of the same name or number, the file holds.
fn join(directory: &mut Directory, own: &OwnContact) {
    let is_anothers = own
        .address
        .phone()
        .is_some_and(|phone| directory.person_with_phone(phone).is_some_and(|person| person.id != own.person));
    let Some(person) = directory.people.get_mut(&own.person) else { return };
    if is_anothers || person.method(&own.id).is_some() {
        return;
    }
    person.methods.push(ContactMethod { id: own.id.clone(), address: own.address.clone() });
    for (rules, after) in [(&mut person.rules_high, own.after_high), (&mut person.rules_low, own.after_low)] {
        rules.extend(after.map(|after| Rule { via: own.id.clone(), after }));
        rules.sort_by_key(|rule| rule.after);
    }
}

/// Loads the directory, and loads it anew in a task whenever it changes, until `stop`.
pub async fn keep(store: Store, defaults: Defaults, stop: CancellationToken) -> Result<Current, StoreError> {
    // Watching begins before the first look, so that no change falls between.
    let mut changes = store.wake().watch(Topic::Directory);
    let (first, outcome) = look(&store, &defaults).await?;
    let (directory, directory_now) = watch::channel(first);
    let (loaded, loaded_now) = watch::channel(outcome);
    tokio::spawn(async move {
        loop {
            let patience = if loaded.borrow().current { SPARE } else { AGAIN };
            let again = tokio::time::timeout(patience, changes.notified());
            if stop.run_until_cancelled(again).await.is_none() {
                return;
            }
            let known = directory.borrow().revision;
            match look_if_new(&store, &defaults, known).await {
                Ok(Some((fresh, outcome))) => {
                    tracing::info!(revision = fresh.revision, "new declarations are in force");
                    directory.send_replace(fresh);
                    loaded.send_replace(outcome);
                }
                Ok(None) => loaded.send_modify(|loaded| loaded.current = true),
                Err(error) => {
                    if loaded.borrow().current {
                        tracing::error!(%error, "the declarations could not be read; the ones before stay in force");
                    }
                    loaded.send_modify(|loaded| loaded.current = false);
                }
            }
        }
    });
    Ok(Current { directory: directory_now, loaded: loaded_now })
}

async fn look_if_new(
    store: &Store,
    defaults: &Defaults,
    known: i64,
) -> Result<Option<(Arc<Directory>, Loaded)>, StoreError> {
    let revision = {
        let mut db = store.read().await?;
        declarations::revision(&mut db, &default_org()).await?
    };
    if revision == known { Ok(None) } else { look(store, defaults).await.map(Some) }
}

async fn look(store: &Store, defaults: &Defaults) -> Result<(Arc<Directory>, Loaded), StoreError> {
    let declared = load(store).await?;
    let Assembled { directory, faults } = assemble(&declared, defaults);
    for fault in &faults {
        tracing::error!(%fault, "a declaration makes no sense and was left out");
    }
    let loaded = Loaded { revision: directory.revision, current: true, faults: faults.len() };
    Ok((Arc::new(directory), loaded))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::{model::person::Address, store::testing::at};

    fn person(id: &str, phone: &str) -> ((String, String), String) {
        let document = serde_json::json!({
            "name": id, "zone": "UTC", "language": "en",
            "contact": [{ "id": "mobile", "kind": "sms", "to": phone }],
            "rules": { "high": [{ "via": "mobile", "after": "1m" }], "low": [{ "via": "mobile" }] },
        });
        (("person".to_owned(), id.to_owned()), document.to_string())
    }

    fn own(id: &str, phone: &str, is_verified: bool) -> OwnContact {
        OwnContact {
            person: "anna".parse().unwrap(),
            id: id.parse().unwrap(),
            address: Address::Voice(phone.parse().unwrap()),
            after_high: Some(TimeDelta::zero()),
            after_low: None,
            added_at: at(0),
            code_until: None,
            verified_at: is_verified.then(|| at(1)),
        }
    }

    #[test]
    fn only_what_is_proved_is_used_and_a_file_says_more() {
        let declared = Declared {
            documents: [person("anna", "+4915110000001"), person("ben", "+4915110000002")].into(),
            contacts: vec![
                own("desk", "+4930555020", true),
                own("guessed", "+4930555021", false),
                own("mobile", "+4930555022", true),
                own("bens", "+4915110000002", true),
            ],
            ..Declared::default()
        };
        let Assembled { directory, faults } = assemble(&declared, &Defaults::default());
        assert!(faults.is_empty(), "{faults:?}");
        let anna = &directory.people[&"anna".parse().unwrap()];
        let methods: Vec<_> = anna.methods.iter().map(|method| method.id.as_str()).collect();
        assert_eq!(methods, ["mobile", "desk"]);
        let via = |rules: &[Rule]| rules.iter().map(|rule| rule.via.to_string()).collect::<Vec<_>>();
        assert_eq!(via(&anna.rules_high), ["desk", "mobile"], "in the order of their delays");
        assert_eq!(via(&anna.rules_low), ["mobile"]);
        assert_eq!(directory.person_with_phone(&"+4930555020".parse().unwrap()).unwrap().id.as_str(), "anna");
    }
}
