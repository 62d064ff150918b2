//! What holds for every flow that passes the check, and for every caller: the call ends as promised, within its
//! limits, and every document is one that the carrier takes. The flows are generated, and shown as files where
//! one breaks a promise.

#[path = "generated/callers.rs"]
mod callers;
#[path = "generated/flows.rs"]
mod flows;

use std::{collections::BTreeMap, sync::Arc};

use pikett::{
    ivr::{Called, Flow, STEP_KINDS, parse},
    model::call::Outcome,
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

pub use callers::{Act, Deed};
use callers::{Player, acts, facts};
use flows::{Written, written};

/// The flow and what it calls, if all of them pass the check.
fn checked(written: &Written) -> Option<(Flow, Called)> {
    let parsed = written.files("flow").into_iter().map(|(id, text)| parse(&format!("{id}.toml"), &text).ok());
    let mut flows = parsed.collect::<Option<Vec<Flow>>>()?.into_iter();
    let main = flows.next()?;
    Some((main, flows.map(|flow| (flow.id.clone(), (1, Arc::new(flow)))).collect()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn every_call_ends_as_promised_and_every_document_is_valid(
        written in written(), facts in facts(), acts in acts(),
    ) {
        if let Some((main, called)) = checked(&written) {
            let mut player = Player::begins(&main, &called, facts);
            player.plays(&acts);
            player.look_at_end();
            player.hears_late_reports(&acts);
            player.look_at_end();
        }
    }
}

/// What is generated: the same flows each time.
fn sample(count: usize) -> impl Iterator<Item = Written> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(move |_| written().new_tree(&mut runner).unwrap().current())
}

/// Those of them that pass the check.
pub fn sound(count: usize) -> impl Iterator<Item = Written> {
    sample(4 * count).filter(|written| checked(written).is_some()).take(count)
}

pub fn sample_of_acts(count: usize) -> impl Iterator<Item = Vec<Act>> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(move |_| acts().new_tree(&mut runner).unwrap().current())
}

/// Else the promises would be kept by calls in which nothing happens.
#[test]
fn generated_calls_end_in_every_way() {
    let mut runner = TestRunner::deterministic();
    let mut outcomes = BTreeMap::new();
    for written in sample(400) {
        let Some((main, called)) = checked(&written) else { continue };
        let facts = facts().new_tree(&mut runner).unwrap().current();
        let mut player = Player::begins(&main, &called, facts);
        player.plays(&acts().new_tree(&mut runner).unwrap().current());
        *outcomes.entry(player.state.outcome().as_str()).or_insert(0) += 1;
    }
    let rare: Vec<_> = Outcome::ALL.into_iter().filter(|outcome| !outcomes.contains_key(outcome.as_str())).collect();
    assert!(rare.is_empty(), "no call ended as {rare:?}: {outcomes:?}");
}

#[test]
fn every_kind_of_step_is_generated() {
    let files: String = sample(60).flat_map(|written| written.files("flow")).map(|(_, text)| text).collect();
    let missing: Vec<_> = STEP_KINDS.iter().filter(|kind| !files.contains(&format!("do = \"{kind}\"\n"))).collect();
    assert!(missing.is_empty(), "no generated flow has {missing:?}");
}

#[test]
fn most_generated_flows_pass_the_check_and_some_do_not() {
    let passed = sample(200).filter(|written| checked(written).is_some()).count();
    assert!((120..200).contains(&passed), "{passed} of 200 flows pass");
}
