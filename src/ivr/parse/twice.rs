//! What it means in a flow that a name stands twice: mostly a key of a menu, which callers could not press both.

use crate::model::source::Twice;

/// What, and the mend; `None`: nothing that only a flow knows.
pub fn meaning(twice: &Twice) -> Option<(String, String)> {
    let Twice { key, table, first } = twice;
    let names: Vec<&str> = table.iter().map(|(name, _)| name.as_str()).collect();
    match names.as_slice() {
        ["steps"] => {
            let mend = format!("line {first} has it already: take one of the two out, or give it another name");
            Some((format!("step `{key}` stands twice"), mend))
        }
        ["steps", step, "options"] => {
            let line = table[1].1;
            let mend =
                format!("line {first} has it already: take one of the two out, or let callers press another key");
            Some((format!("step `{step}` (line {line}): a menu key stands twice: `{key}`"), mend))
        }
        _ => None,
    }
}
