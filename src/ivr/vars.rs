//! The vars of a flow: what a hotline may set. Read from `[vars]`, and compared with what a hotline
//! declares. Their values in a call are the business of `texts`.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    flow::{Flow, Var, VarKind},
    texts::FACTS,
};
use crate::model::{
    duration,
    fault::did_you_mean,
    phone::Phone,
    source::{At, Reader},
};

const KINDS: [(&str, VarKind); 4] =
    [("text", VarKind::Text), ("duration", VarKind::Duration), ("number", VarKind::Number), ("phone", VarKind::Phone)];

pub fn read(table: &Reader<'_>) -> BTreeMap<String, Var> {
    let mut vars = BTreeMap::new();
    for name in table.keys() {
        if let Err((what, mend)) = check_name(name.value) {
            table.source().fault(name.span.clone(), what, mend);
        }
        let Some(entry) = table.table(name.value, format!("var `{}`", name.value)) else { continue };
        let kind = kind(&entry);
        let default = default(&entry);
        if let Some(default) = &default
            && let Err(what) = fits(kind, &default.value)
        {
            let (what, mend) = what.split_once(": ").unwrap_or((&what, ""));
            entry.source().fault(default.span.clone(), format!("the default of `{}`: {what}", name.value), mend);
        }
        entry.finish();
        vars.insert(name.value.to_owned(), Var { kind, default: default.map(|default| default.value) });
    }
    vars
}

fn kind(entry: &Reader<'_>) -> VarKind {
    let Some(given) = entry.string("type") else { return VarKind::Text };
    if let Some((_, kind)) = KINDS.iter().find(|(word, _)| *word == given.value) {
        return *kind;
    }
    let words = KINDS.map(|(word, _)| word);
    let mend = did_you_mean(&given.value, words).unwrap_or_else(|| format!("use one of {}", words.join(", ")));
    entry.source().fault(given.span, format!("`{}` is no type of a var", given.value), mend);
    VarKind::Text
}

/// A number may be written without quotes.
fn default(entry: &Reader<'_>) -> Option<At<String>> {
    let item = entry.item("default")?;
    match item.as_integer() {
        Some(number) => Some(At { value: number.to_string(), span: item.span() }),
        None => entry.string("default"),
    }
}

/// Names that a text can write, and that hide no fact.
pub fn check_name(name: &str) -> Result<(), (String, String)> {
    let mut signs = name.chars();
    let begins = signs.next().is_some_and(|sign| sign.is_ascii_lowercase());
    let goes_on = signs.all(|sign| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_');
    if !begins || !goes_on || name.len() > 64 {
        let mend = "begin with a letter of a-z; then a-z, 0-9 and `_`";
        return Err((format!("`{name}` is no name for a var"), mend.to_owned()));
    }
    if FACTS.iter().any(|(fact, _)| *fact == name) {
        return Err((format!("`{name}` is a fact of every call"), "choose another name for the var".to_owned()));
    }
    Ok(())
}

fn fits(kind: VarKind, value: &str) -> Result<(), String> {
    match kind {
        VarKind::Text => Ok(()),
        VarKind::Duration => duration::parse(value).map(drop),
        VarKind::Phone => value.parse::<Phone>().map(drop).map_err(|error| error.to_string()),
        VarKind::Number => match value.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(()),
            _ => Err(format!("`{}` is no number: write digits", value.chars().take(20).collect::<String>())),
        },
    }
}

impl Flow {
    /// What is wrong with a hotline's `vars` for this flow, in whole sentences; empty: nothing.
    pub fn check_vars(&self, given: &BTreeMap<String, String>) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, value) in given {
            match self.vars.get(name) {
                Some(var) => {
                    if let Err(why) = fits(var.kind, value) {
                        faults.push(format!("the var `{name}` is wrong: {why}"));
                    }
                }
                None => {
                    let mut fault = format!("flow `{}` has no var `{name}`", self.id);
                    match did_you_mean(name, self.vars.keys().map(String::as_str)) {
                        Some(mend) => write!(fault, "; {mend}"),
                        None => write!(fault, "; declare it below [vars] of the flow"),
                    }
                    .expect("writing to a string cannot fail");
                    faults.push(fault);
                }
            }
        }
        let unset = self.vars.iter().filter(|(name, var)| var.default.is_none() && !given.contains_key(*name));
        faults.extend(unset.map(|(name, _)| {
            format!("flow `{}` wants the var `{name}`, which has no default; set it in the hotline's `vars`", self.id)
        }));
        faults
    }
}
