//! Reads the steps that decide without the caller: `hours`, `when`, `set`.

use crate::ivr::{
    flow::{Case, Kind},
    parse::step::StepReader,
    texts::check::Sort,
};

pub fn hours(step: &StepReader<'_, '_>) -> Option<Kind> {
    let calendar = step.reader.parsed("calendar").map(|calendar| calendar.value);
    let open = step.exit("open");
    let closed = step.exit("closed");
    let holiday = step.may_exit("holiday").or(closed);
    Some(Kind::Hours { calendar, open: open?, closed: closed?, holiday: holiday? })
}

pub fn when(step: &StepReader<'_, '_>) -> Option<Kind> {
    let mend = "add `cases = [ { if = \"priority == 'P1'\", to = \"…\" } ]`";
    if !step.reader.has("cases") {
        step.reader.missing("cases", mend);
    }
    let mut cases = Vec::new();
    let mut sound = true;
    let entries = step.reader.tables("cases", "a case");
    if entries.is_empty() && step.reader.has("cases") {
        step.reader.fault_at("cases", "`cases` is empty", mend);
    }
    for entry in entries {
        let condition = entry.need_string("if");
        let to = step.exit_of(&entry, "to");
        entry.finish();
        let (Some(condition), Some(to)) = (condition, to) else {
            sound = false;
            continue;
        };
        step.note_text(Sort::Condition, condition.clone());
        cases.push(Case { condition: condition.value, to });
    }
    let otherwise = step.exit("else");
    (sound && !cases.is_empty()).then_some(())?;
    Some(Kind::When { cases, otherwise: otherwise? })
}

pub fn set(step: &StepReader<'_, '_>) -> Option<Kind> {
    let vars = step.values("vars", |name| step.sets(name.value, name.span.clone()));
    let category = step.reader.string("category").map(|category| category.value);
    let priority = step.reader.parsed("priority").map(|priority| priority.value);
    if !["vars", "category", "priority"].iter().any(|key| step.reader.has(key)) {
        step.reader.missing("vars", "add `vars = { … }`, `category` or `priority`");
    }
    let next = step.exit("next");
    Some(Kind::Set { vars, category, priority, next: next? })
}
