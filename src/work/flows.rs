//! Versions of flows: keeping one, putting one into force, and the way back. What does not check, does not
//! fit a hotline that runs it, or fails its own test calls is never put into force.
//!
//! Every change is one unit of work on the revision that it was judged on; when somebody applied something
//! meanwhile it is judged anew. Calls in progress stay on the version they began with.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Clock,
    declare::{FlowSource, Preview, directory_from, org::Defaults, preview, stored_faults},
    ivr,
    model::{
        fault::Fault,
        id::{FlowId, OrgId},
    },
    store::{
        Store, StoreError,
        declarations::{self, Declared},
        flows::{self, FlowVersion, Given},
    },
};

/// Each time somebody else was faster; more means that something applies without end.
const TRIES: usize = 20;

/// Which version is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Version(i64),
    /// The one that was kept last.
    Newest,
    /// The one that answered calls before the one that does.
    Before,
}

/// What would come, or has come, of putting a version into force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This version is in force; `false`: it was before.
    Active {
        version: i64,
        changed: bool,
        previews: Vec<Preview>,
    },
    /// There is no such flow or version, or nothing to go back to.
    Missing,
    Refused(Vec<Fault>),
}

/// Puts a version into force, or only looks what that would do.
pub async fn activate(
    store: &Store,
    clock: &Clock,
    org: &OrgId,
    flow: &FlowId,
    wanted: Wanted,
    only_look: bool,
) -> Result<Outcome, StoreError> {
    for _ in 0..TRIES {
        let (declared, version) = {
            let mut db = store.read().await?;
            let declared = declarations::load(&mut db, org).await?;
            let wanted = match wanted {
                Wanted::Version(version) => Some(version),
                Wanted::Newest => flows::list(&mut db, org, Some(flow), None, 1).await?.first().map(|it| it.version),
                Wanted::Before => flows::before(&mut db, org, flow).await?,
            };
            let Some(wanted) = wanted else { return Ok(Outcome::Missing) };
            let Some(version) = flows::version(&mut db, org, flow, wanted).await? else {
                return Ok(Outcome::Missing);
            };
            (declared, version)
        };
        let previews = match judge(&declared, &version) {
            Ok(previews) => previews,
            Err(faults) => return Ok(Outcome::Refused(faults)),
        };
        let before = declared.flows.iter().find(|active| active.flow == *flow);
        let changed = before.is_none_or(|before| before.version != version.version);
        let outcome = Outcome::Active { version: version.version, changed, previews };
        if only_look || !changed {
            return Ok(outcome);
        }
        let (unit_org, number, now) = (org.clone(), version.version, clock.now());
        let done = store.write(async move |db| {
            if declarations::next_revision(db, &unit_org, declared.revision).await?.is_none() {
                return Ok(false);
            }
            flows::activate(db, &unit_org, &version.flow, number, now).await
        });
        if done.await? {
            return Ok(outcome);
        }
    }
    Err(StoreError::Stale("somebody else applies something again and again"))
}

/// Keeps a text as the flow's next version, which answers no calls yet. `calls` is what its test calls came
/// to. Like an apply it is one revision: of many who do so at once each gets a version of their own.
pub async fn keep(
    store: &Store,
    clock: &Clock,
    org: &OrgId,
    file: &str,
    source: &str,
    calls: &TestCalls,
) -> Result<Result<(FlowId, i64), Vec<Fault>>, StoreError> {
    let id = match ivr::parse(file, source) {
        Ok(flow) => flow.id,
        Err(faults) => return Ok(Err(faults)),
    };
    for _ in 0..TRIES {
        let before = declarations::revision(&mut *store.read().await?, org).await?;
        let (org, id, file, source) = (org.clone(), id.clone(), file.to_owned(), source.to_owned());
        let (tests, now) = (calls.to_text(), clock.now());
        let unit = store.write(async move |db| {
            if declarations::next_revision(db, &org, before).await?.is_none() {
                return Ok(None);
            }
            let given = Given { flow: &id, file: &file, source: &source, tests: &tests };
            let version = flows::put(db, &org, given, now).await?;
            Ok(Some((id.clone(), version)))
        });
        if let Some(kept) = unit.await? {
            return Ok(Ok(kept));
        }
    }
    Err(StoreError::Stale("somebody else applies something again and again"))
}

/// What the scripted calls of a flow came to when it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TestCalls {
    pub played: usize,
    /// Each with its own place, in the file of the calls or their declarations.
    pub failed: Vec<Fault>,
}

/// As the store keeps it.
#[derive(Serialize, Deserialize)]
struct Kept {
    played: usize,
    failed: Vec<KeptFault>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum KeptFault {
    Placed {
        file: String,
        line: usize,
        column: usize,
        what: String,
        mend: String,
    },
    /// Of versions that were kept when the place stood in the sentence.
    Sentence(String),
}

impl TestCalls {
    /// As the store keeps it.
    pub fn to_text(&self) -> String {
        if *self == Self::default() {
            return String::new();
        }
        let failed = self.failed.iter().cloned().map(|Fault { file, line, column, what, mend }| KeptFault::Placed {
            file,
            line,
            column,
            what,
            mend,
        });
        let kept = Kept { played: self.played, failed: failed.collect() };
        serde_json::to_string(&kept).expect("strings and numbers can be written")
    }

    fn of(version: &FlowVersion) -> Self {
        let Ok(Kept { played, failed }) = serde_json::from_str(&version.tests) else { return Self::default() };
        let fault = |kept| match kept {
            KeptFault::Placed { file, line, column, what, mend } => Fault { file, line, column, what, mend },
            KeptFault::Sentence(what) => {
                let mend = "mend the flow, or what the call expects".to_owned();
                Fault { file: version.file.clone(), line: 1, column: 1, what, mend }
            }
        };
        Self { played, failed: failed.into_iter().map(fault).collect() }
    }
}

/// What it changes, hotline by hotline; or why it cannot be put into force.
fn judge(declared: &Declared, version: &FlowVersion) -> Result<Vec<Preview>, Vec<Fault>> {
    let flow = ivr::parse(&version.file, &version.source)?;
    let before: Vec<FlowSource<'_>> = declared.flows.iter().map(source_of).collect();
    let others = declared.flows.iter().filter(|active| active.flow != version.flow);
    let after: Vec<FlowSource<'_>> = others.chain([version]).map(source_of).collect();
    // What is wrong already is not the fault of this version.
    let known = stored_faults(&declared.documents, &before);
    let mut faults = stored_faults(&declared.documents, &after);
    faults.retain(|fault| !known.contains(fault));
    faults.extend(TestCalls::of(version).failed);
    if !faults.is_empty() {
        return Err(faults);
    }
    let in_force = before.iter().find(|active| *active.id == version.flow).map(|active| active.source);
    let directory = directory_from(&declared.documents, after, &Defaults::default(), declared.revision).directory;
    Ok(preview(in_force, &version.source, &flow, &directory))
}

fn source_of(version: &FlowVersion) -> FlowSource<'_> {
    let FlowVersion { flow: id, version, file, source, .. } = version;
    FlowSource { id, version: *version, file, source }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::store::testing::{at, on_both, org};

    #[test]
    fn what_test_calls_came_to_is_kept_with_its_places() {
        let version = |tests: &str| FlowVersion {
            flow: "hello".parse().unwrap(),
            version: 1,
            file: "hello.toml".to_owned(),
            source: String::new(),
            tests: tests.to_owned(),
            created_at: at(0),
        };
        let failed = Fault {
            file: "hello.test.toml".to_owned(),
            line: 7,
            column: 1,
            what: "test call \"hello\": expected a; b".to_owned(),
            mend: "mend it".to_owned(),
        };
        let calls = TestCalls { played: 2, failed: vec![failed] };
        assert_eq!(TestCalls::of(&version(&calls.to_text())), calls);
        assert_eq!(TestCalls::default().to_text(), "");
        assert_eq!(TestCalls::of(&version("")), TestCalls::default());
        let before =
            TestCalls::of(&version(r#"{"played":1,"failed":["hello.test.toml:7: test call: expected a; b"]}"#));
        let told = before.failed[0].to_string();
        assert!(
            told.starts_with("hello.toml:1:1: hello.test.toml:7: test call: expected a; b; mend the flow"),
            "{told}"
        );
    }

    const FLOW: &str = "id = 'hello'\nlanguages = ['de']\nstart = 'bye'\n[steps.bye]\ndo = 'hangup'\nsay = 'Hallo'\n";

    on_both! {
        async fn many_who_keep_a_flow_at_once_have_a_version_each(store: Store) {
            let clock = Clock::manual(at(0));
            let keeps = (0..8).map(|n| {
                let (store, clock, text) = (store.clone(), clock.clone(), FLOW.replace("Hallo", &format!("Hallo {n}")));
                async move { keep(&store, &clock, &org(), "hello.toml", &text, &TestCalls::default()).await }
            });
            let kept = join_all(keeps).await.into_iter().map(|kept| kept.unwrap().unwrap().1);
            let mut kept: Vec<i64> = kept.collect();
            kept.sort_unstable();
            assert_eq!(kept, (1..=8).collect::<Vec<_>>());
        }
    }
}
