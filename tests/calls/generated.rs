//! What holds for every flow that passes the check, and for every caller: the call ends as promised, within its
//! limits, and every document is one that the carrier takes. The flows are generated, and shown as files where
//! one breaks a promise.

#[path = "generated/callers.rs"]
mod callers;
#[path = "generated/flows.rs"]
mod flows;

use std::sync::Arc;

use pikett::ivr::{Called, Flow, parse};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

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

#[test]
fn most_generated_flows_pass_the_check_and_some_do_not() {
    let passed = sample(200).filter(|written| checked(written).is_some()).count();
    if !(120..200).contains(&passed) {
        for written in sample(200) {
            for (id, text) in written.files("flow") {
                if let Err(faults) = parse(&id, &text) {
                    println!("{} {}", faults[0].what, faults[0].mend);
                }
            }
        }
    }
    assert!((120..200).contains(&passed), "{passed} of 200 flows pass");
}
