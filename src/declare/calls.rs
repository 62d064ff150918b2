//! Flows that call flows: whether there is what a step calls, it gets what it needs and speaks the same
//! languages, and no chain of calls is endless or too long.

use std::collections::BTreeSet;

use super::{Directory, fit};
use crate::{
    ivr::{FLOWS_DEEP_MAX, Flow, Kind, patience},
    model::{fault::did_you_mean, id::FlowId},
};

/// What is wrong with a step that calls another flow, and the mends. `broken` are flows whose own faults
/// are told.
pub fn faults(flow: &Flow, step: &Kind, whole: &Directory, broken: &BTreeSet<FlowId>) -> Vec<(String, String)> {
    let Kind::Flow { flow: id, vars, .. } = step else { return Vec::new() };
    let Some(called) = whole.flows.get(id).map(|in_use| &in_use.flow) else {
        if broken.contains(id) {
            return Vec::new();
        }
        let mend = did_you_mean(id.as_str(), whole.flows.keys().map(FlowId::as_str))
            .unwrap_or_else(|| "apply it as well, or name a flow that there is".to_owned());
        return vec![(format!("there is no flow `{id}`"), mend)];
    };
    // What is worked out in a call can be judged only there.
    let is_text = |name: &str| vars.get(name).is_none_or(|given| !given.contains('{'));
    let misfits = fit::misfits(vars, called).into_iter();
    let misfits = misfits.filter(|(name, _, _)| is_text(name) || !called.vars.contains_key(name));
    let mut faults: Vec<_> = misfits.map(|(_, what, mend)| (what, mend)).collect();
    let silent: Vec<_> =
        flow.languages.iter().filter(|own| !called.languages.contains(own)).map(ToString::to_string).collect();
    if !silent.is_empty() {
        let what = format!("flow `{id}` does not speak {}", silent.join(" and "));
        faults.push((what, format!("add its texts to flow `{id}`")));
    }
    faults.extend(chain(&flow.id, id, whole));
    faults
}

/// What is to be said of a flow that takes longer with those that it calls than it allows itself.
pub fn too_long(flow: &Flow, whole: &Directory) -> Option<String> {
    flow.max_seconds_to_human.as_ref()?;
    // Without others it was judged when it was read.
    flow.calls().next()?;
    let given = |id: &FlowId| whole.flows.get(id).map(|in_use| in_use.flow.as_ref());
    patience::too_long(flow, &patience::ways(flow, &given))
}

/// A circle is told at the first of its flows, one at a time.
fn chain(flow: &FlowId, called: &FlowId, whole: &Directory) -> Option<(String, String)> {
    if let Some(circle) = circle(&mut vec![flow.clone()], called, whole) {
        let names: Vec<&str> = circle.iter().chain([flow]).map(FlowId::as_str).collect();
        let what = format!("the flows call each other in a circle: {}", names.join(" → "));
        let is_first = circle.iter().all(|other| flow <= other);
        return is_first.then(|| (what, "let one of them end instead, with an exit to `return`".to_owned()));
    }
    let deep = 1 + depth(called, whole, FLOWS_DEEP_MAX + 1);
    (deep > FLOWS_DEEP_MAX).then(|| {
        let what = format!("flows are called more than {FLOWS_DEEP_MAX} deep from here");
        (what, "let fewer of them call one another".to_owned())
    })
}

/// The flows from the first of the path back to it, if `next` leads there.
fn circle(path: &mut Vec<FlowId>, next: &FlowId, whole: &Directory) -> Option<Vec<FlowId>> {
    if path.first() == Some(next) {
        return Some(path.clone());
    }
    // Another circle, which is told at one of its own.
    if path.contains(next) {
        return None;
    }
    path.push(next.clone());
    let called = whole.flows.get(next).into_iter().flat_map(|in_use| in_use.flow.calls());
    let found = called.collect::<BTreeSet<_>>().into_iter().find_map(|id| circle(path, id, whole));
    path.pop();
    found
}

/// How many flows call one another from here, as far as it matters.
fn depth(flow: &FlowId, whole: &Directory, most: usize) -> usize {
    let called = whole.flows.get(flow).into_iter().flat_map(|in_use| in_use.flow.calls()).collect::<BTreeSet<_>>();
    match most {
        0 => 0,
        _ => called.into_iter().map(|id| 1 + depth(id, whole, most - 1)).max().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{declare::directory::FlowInUse, ivr};

    /// Flows that each call those named behind them; `vars` and `languages` are those of the last.
    fn said(flows: &[(&str, &[&str])], languages: &str, vars: &str, given: &str) -> Vec<String> {
        let mut whole = Directory::empty();
        for (id, calls) in flows {
            let mut text = format!("id = '{id}'\nlanguages = {languages}\nstart = 's0'\n[vars]\n");
            text.push_str(if calls.is_empty() { vars } else { "" });
            for (n, called) in calls.iter().enumerate() {
                let step = format!(
                    "[steps.s{n}]\ndo = 'flow'\nflow = '{called}'\nvars = {{ {given} }}\nnext = 's{}'\n",
                    n + 1
                );
                text.push_str(&step);
            }
            text.push_str(&format!("[steps.s{}]\ndo = 'pause'\nfor = '1s'\nnext = 'return'\n", calls.len()));
            let flow = ivr::parse("f.toml", &text).unwrap_or_else(|faults| panic!("{faults:?}"));
            whole.flows.insert(flow.id.clone(), FlowInUse { version: 1, flow: Arc::new(flow) });
        }
        let of_flow = |in_use: &FlowInUse| -> Vec<String> {
            let steps =
                in_use.flow.steps().flat_map(|(_, step)| faults(&in_use.flow, &step.kind, &whole, &BTreeSet::new()));
            steps.map(|(what, mend)| format!("{}: {what}; {mend}", in_use.flow.id)).collect()
        };
        whole.flows.values().flat_map(of_flow).collect()
    }

    #[test]
    fn what_is_called_is_there_and_gets_what_it_needs() {
        let pair: &[(&str, &[&str])] = &[("main", &["sub"]), ("sub", &[])];
        let vars = "office = { type = 'phone' }\nwait = { type = 'duration', default = '1m' }\n";
        assert!(said(pair, "['en']", "", "").is_empty());
        assert!(said(pair, "['en']", vars, "office = '+4940123456', wait = '{{ caller }}'").is_empty());
        assert_eq!(
            said(pair, "['en']", vars, "wiat = '{{ caller }}', wait = 'soon'"),
            [
                "main: var `wait`: `soon` is no duration; write a whole number and s, m, h or d, from 1s to 366d, such as 30s or 5m",
                "main: flow `sub` has no var `wiat`; did you mean `wait`?",
                "main: flow `sub` needs the var `office`; add `vars.office = \"…\"`",
            ]
        );
        assert_eq!(
            said(&[("main", &["sbu"]), ("sub", &[])], "['en']", "", ""),
            ["main: there is no flow `sbu`; did you mean `sub`?"]
        );
    }

    #[test]
    fn circles_and_endless_chains_are_told_once() {
        let circle: &[(&str, &[&str])] = &[("a", &["b"]), ("b", &["c"]), ("c", &["b", "a"])];
        // b → c → b is left when this one is mended.
        assert_eq!(
            said(circle, "['en']", "", ""),
            [
                "a: the flows call each other in a circle: a → b → c → a; let one of them end instead, with an exit to `return`"
            ]
        );
        let chain: &[(&str, &[&str])] =
            &[("a", &["b"]), ("b", &["c"]), ("c", &["d"]), ("d", &["e"]), ("e", &["f"]), ("f", &[])];
        assert!(said(chain, "['en']", "", "").is_empty(), "five deep is deep enough");
        let more: &[(&str, &[&str])] = &[("f", &["g"]), ("g", &[])];
        let longer = [chain, more].concat();
        assert_eq!(
            said(&longer, "['en']", "", ""),
            ["a: flows are called more than 5 deep from here; let fewer of them call one another"]
        );
    }
}
