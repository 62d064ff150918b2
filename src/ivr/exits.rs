//! The exits of a step by name, as they are written in its file: for the picture, for what test calls
//! have walked, and for whatever else looks at a flow as a graph. Never walks on one.

use std::fmt;

use super::flow::{Choice, Kind, StepId};

/// An exit that is written in the file. One that is left out follows its default, and is none of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    pub label: Label,
    pub to: StepId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    /// `next`, `nobody`.
    Named(&'static str),
    /// An option of a menu, with its label.
    Key(char, Option<String>),
    /// A case of a `when`.
    If(String),
}

impl Kind {
    /// In the order in which people think of them.
    pub fn exits(&self) -> Vec<Exit> {
        let mut exits: Vec<Exit> = Vec::new();
        for (label, to) in self.all_exits() {
            // What stands at the same place in the file is the default of an exit that is left out.
            let is_default =
                to.written_at().is_some() && exits.iter().any(|exit| exit.to.written_at() == to.written_at());
            if !is_default {
                exits.push(Exit { label, to });
            }
        }
        exits
    }

    fn all_exits(&self) -> Vec<(Label, StepId)> {
        let named = |exits: &[(&'static str, StepId)]| {
            exits.iter().map(|(name, to)| (Label::Named(name), *to)).collect::<Vec<_>>()
        };
        match self {
            Self::Say { next, .. }
            | Self::Pause { next, .. }
            | Self::Language { next, .. }
            | Self::Set { next, .. }
            | Self::Alert { next, .. }
            | Self::Flow { next, .. } => named(&[("next", *next)]),
            Self::Hours { open, closed, holiday, .. } => {
                named(&[("open", *open), ("closed", *closed), ("holiday", *holiday)])
            }
            Self::Caller(step) => {
                let mut exits =
                    named(&[("known", step.known), ("unknown", step.unknown), ("anonymous", step.anonymous)]);
                exits.extend(step.blocked.map(|to| (Label::Named("blocked"), to)));
                exits
            }
            Self::Pin(step) => named(&[("verified", step.verified), ("failed", step.failed), ("locked", step.locked)]),
            Self::Menu { options, invalid, .. } => {
                let chosen = options.iter().filter_map(|(key, choice)| match choice {
                    Choice::Go(option) => Some((Label::Key(*key, option.label.clone()), option.to)),
                    Choice::Repeat { .. } => None,
                });
                chosen.chain(named(&[("invalid", *invalid)])).collect()
            }
            Self::When { cases, otherwise } => {
                let cases = cases.iter().map(|case| (Label::If(case.condition.clone()), case.to));
                cases.chain(named(&[("else", *otherwise)])).collect()
            }
            Self::Connect(step) => {
                named(&[("connected", step.connected), ("nobody", step.nobody), ("left", step.left)])
            }
            Self::Voicemail(step) => {
                let mut exits = named(&[("next", step.next)]);
                exits.extend(step.empty.map(|to| (Label::Named("empty"), to)));
                exits
            }
            Self::Sms { next, failed, .. } => named(&[("next", *next), ("failed", *failed)]),
            Self::Forward(step) => named(&[("connected", step.connected), ("nobody", step.nobody)]),
            Self::Collect(step) => named(&[("next", step.next), ("failed", step.failed)]),
            Self::Notice(step) => named(&[("announced", step.announced), ("none", step.none)]),
            Self::Callback(step) => named(&[("accepted", step.accepted), ("declined", step.declined)]),
            Self::Lookup(step) => named(&[("next", step.next), ("failed", step.failed)]),
            Self::Intake(step) => named(&[("next", step.next)]),
            Self::Hangup { .. } | Self::Return => Vec::new(),
        }
    }
}

/// `nobody`, `1 Outage`, `priority == 'P1'`.
impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Key(key, None) => write!(f, "{key}"),
            Self::Key(key, Some(label)) => write!(f, "{key} {label}"),
            Self::If(condition) => f.write_str(condition),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ivr::parse;

    fn exits(text: &str, step: &str) -> Vec<String> {
        let flow = parse("test.toml", text).unwrap();
        let kind = &flow.step(flow.find(step).unwrap()).kind;
        kind.exits().iter().map(|exit| format!("{} → {}", exit.label, flow.step(exit.to).name)).collect()
    }

    #[test]
    fn each_exit_that_is_written_is_one() {
        let sla = include_str!("../../ivr-flows/sla-hotline.toml");
        assert_eq!(
            exits(sla, "category"),
            ["1 Outage → alert", "2 Problem → alert", "3 Question → voicemail", "invalid → voicemail"]
        );
        assert_eq!(exits(sla, "connect"), ["connected → bye", "nobody → sorry", "left → voicemail"]);
        assert_eq!(exits(sla, "pin"), ["verified → hours", "failed → unverified"], "`locked` is left out");
        assert!(exits(sla, "bye").is_empty());
    }
}
