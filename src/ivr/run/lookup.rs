//! `lookup`: an endpoint of the MSP is asked by the shell (`wants`), and its answer becomes vars. The turn
//! that comes to the step ends with a document that asks for the next one, so that nothing is asked twice
//! and no commit waits for a stranger. Values stand in no reason.

use serde_json::{Map, Value};

use super::walk::{Move, Walk};
use crate::ivr::{
    facts::{Facts, LookupAnswer},
    flow::{Kind, LookupStep},
    flows::Flows,
    state::{Phase, State},
    texts::Texts,
    turn::{Input, Lookup, Then, Want},
};

pub fn enter(walk: &mut Walk) -> Move {
    walk.reason(format!("An endpoint is asked at step `{}`.", walk.state.step));
    Move::Wait(Phase::Asked, Then::Continue)
}

/// What is to be asked; nothing where the step is not waiting for it, or cannot say it.
pub fn wants(flows: Flows<'_>, state: &State, facts: &Facts) -> Want {
    let Some(flow) = flows.current(state).filter(|_| state.phase == Phase::Asked) else { return Want::Nothing };
    let Some(Kind::Lookup(step)) = flow.find(state.local_step()).map(|id| &flow.step(id).kind) else {
        return Want::Nothing;
    };
    let texts = Texts { flow, state, facts, language: &state.language };
    request(&texts, step).map_or(Want::Nothing, Want::Lookup)
}

fn request(texts: &Texts<'_>, step: &LookupStep) -> Result<Lookup, minijinja::Error> {
    let url = texts.render_url(&step.url)?;
    let Some(send) = &step.send else { return Ok(Lookup { url, body: None }) };
    let mut body = Map::new();
    for (name, source) in send {
        put(&mut body, name, texts.typed(source)?);
    }
    Ok(Lookup { url, body: Some(Value::Object(body).to_string()) })
}

/// `customer.number` stands in an object `customer`.
fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    let Some((outer, inner)) = name.split_once('.') else {
        object.insert(name.to_owned(), value);
        return;
    };
    let slot = object.entry(outer).or_insert_with(|| Value::Object(Map::new()));
    match slot {
        Value::Object(inside) => put(inside, inner, value),
        // `customer` itself was sent as well: it is its name.
        taken => {
            let mut inside = Map::from_iter([("name".to_owned(), taken.take())]);
            put(&mut inside, inner, value);
            *taken = Value::Object(inside);
        }
    }
}

pub fn answer(walk: &mut Walk, step: &LookupStep, input: &Input) -> Move {
    let answer = match (&walk.facts.lookup, input) {
        (Some(LookupAnswer::Answered(answer)), Input::Continued) => answer,
        (Some(LookupAnswer::Failed(why)), Input::Continued) => {
            walk.reason(format!("The lookup at step `{}` failed: {why}.", walk.state.step));
            return Move::Go(step.failed);
        }
        _ => {
            walk.reason(format!("At step `{}` nothing could be looked up.", walk.state.step));
            return Move::Go(step.failed);
        }
    };
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (name, path) in &step.into {
        let value = value_at(answer, path);
        if value.is_some() { &mut found } else { &mut missing }.push(format!("`{name}`"));
        // What was known before must not pass for what is known now.
        walk.set_var(name, &value.unwrap_or_default());
    }
    if found.is_empty() {
        walk.reason("The answer has nothing of what was looked for.");
        return Move::Go(step.failed);
    }
    let lacks = if missing.is_empty() { String::new() } else { format!("; it has no {}", missing.join(", ")) };
    walk.reason(format!("The answer became {}{lacks}.", found.join(", ")));
    Move::Go(step.next)
}

/// A text, number or flag of the answer. Numbers count the entries of lists, from 0.
fn value_at(answer: &Value, path: &str) -> Option<String> {
    let found = path.split('.').try_fold(answer, |value, part| match value {
        Value::Array(list) => list.get(part.parse::<usize>().ok()?),
        Value::Object(object) => object.get(part),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })?;
    match found {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
