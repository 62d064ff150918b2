//! Whether a hotline's vars fit its flow.

use std::collections::BTreeMap;

use crate::{
    ivr::{Flow, VarKind},
    model::{duration, fault::did_you_mean, phone::Phone},
};

/// The var, what is wrong, and the mend.
pub type Misfit = (String, String, String);

pub fn misfits(vars: &BTreeMap<String, String>, flow: &Flow) -> Vec<Misfit> {
    let mut misfits = Vec::new();
    for (name, value) in vars {
        match flow.vars.get(name) {
            None => {
                let mend = did_you_mean(name, flow.vars.keys().map(String::as_str))
                    .unwrap_or_else(|| "leave it out, or declare it under [vars] of the flow".to_owned());
                misfits.push((name.clone(), format!("flow `{}` has no var `{name}`", flow.id), mend));
            }
            Some(var) => {
                let wrong = is_wrong(var.kind, value);
                misfits.extend(wrong.map(|(what, mend)| (name.clone(), format!("var `{name}`: {what}"), mend)));
            }
        }
    }
    for (name, var) in &flow.vars {
        if var.default.is_none() && !vars.contains_key(name) {
            let what = format!("flow `{}` needs the var `{name}`", flow.id);
            misfits.push((name.clone(), what, format!("add `vars.{name} = \"…\"`")));
        }
    }
    misfits
}

fn is_wrong(kind: VarKind, value: &str) -> Option<(String, String)> {
    let error = match kind {
        VarKind::Text => return None,
        VarKind::Duration => duration::parse(value).err(),
        VarKind::Number => value.parse::<f64>().err().map(|_| format!("`{value}` is no number: write digits")),
        VarKind::Phone => value.parse::<Phone>().err().map(|error| error.to_string()),
    }?;
    let (what, mend) = error.split_once(": ").unwrap_or((&error, ""));
    Some((what.to_owned(), mend.to_owned()))
}
