//! The flow as a picture: which step leads where. Finds steps that nobody reaches, circles without a
//! question, and callers who would never get out.

use std::collections::BTreeSet;

use super::sketch::Written;
use crate::{
    ivr::flow::StepId,
    model::source::{At, Source},
};

pub struct Graph {
    nodes: Vec<Node>,
    /// Exits as the file has them, or should have them.
    written: Vec<Written>,
}

#[derive(Clone, Default)]
struct Node {
    exits: Vec<StepId>,
    /// Waits for the caller's answer.
    asks: bool,
    /// A human, a voicemail or a goodbye; also a step that could not be read, whose faults are told
    /// already.
    ends: bool,
}

impl Graph {
    pub fn new(steps: usize) -> Self {
        Self { nodes: vec![Node::default(); steps], written: Vec::new() }
    }

    pub fn exit(&mut self, from: StepId, to: StepId) {
        self.nodes[from.index].exits.push(to);
    }

    /// Notes an exit for the picture.
    pub fn write(&mut self, from: StepId, to: Option<StepId>, name: &str, at: Option<usize>) {
        let to = to.map(|to| to.index);
        self.written.push(Written { from: from.index, to, name: name.to_owned(), at });
    }

    pub fn written(&self) -> impl Iterator<Item = &Written> {
        self.written.iter()
    }

    pub fn asks(&mut self, step: StepId) {
        self.nodes[step.index].asks = true;
    }

    pub fn ends(&mut self, step: StepId) {
        self.nodes[step.index].ends = true;
    }

    pub fn check(&self, source: &Source, names: &[At<&str>], start: Option<StepId>) {
        // Without a start nobody can say what is reached.
        let reached = start.map(|start| self.closure([start], |step| self.nodes[step.index].exits.clone()));
        let saved = self.before(|node| node.ends);
        for (index, name) in names.iter().enumerate() {
            let step = StepId::nth(index);
            if reached.as_ref().is_some_and(|reached| !reached.contains(&step)) {
                let what = format!("no path leads to step `{}`", name.value);
                source.fault(name.span.clone(), what, "name it in an exit, or take it out");
            } else if !saved.contains(&step) {
                source.fault(
                    name.span.clone(),
                    format!("from step `{}` nobody gets to a human, a voicemail or a goodbye", name.value),
                    "let an exit lead to connect, voicemail, forward or hangup",
                );
            }
        }
        for circle in self.circles() {
            let words: Vec<_> = circle.iter().chain(&circle[..1]).map(|step| names[step.index].value).collect();
            source.fault(
                names[circle[0].index].span.clone(),
                format!("the steps go round in a circle without asking the caller: {}", words.join(" → ")),
                "lead one of them out, or put a step between that waits for the caller, such as menu",
            );
        }
    }

    /// Every step from which this one can still come, itself included.
    pub fn leading_to(&self, step: StepId) -> BTreeSet<StepId> {
        self.closure([step], |to| self.entries(to))
    }

    fn before(&self, is_aim: impl Fn(&Node) -> bool) -> BTreeSet<StepId> {
        let aims = (0..self.nodes.len()).filter(|index| is_aim(&self.nodes[*index])).map(StepId::nth);
        self.closure(aims, |to| self.entries(to))
    }

    fn entries(&self, to: StepId) -> Vec<StepId> {
        (0..self.nodes.len()).map(StepId::nth).filter(|from| self.nodes[from.index].exits.contains(&to)).collect()
    }

    fn closure(
        &self,
        from: impl IntoIterator<Item = StepId>,
        next: impl Fn(StepId) -> Vec<StepId>,
    ) -> BTreeSet<StepId> {
        let mut found: BTreeSet<_> = from.into_iter().collect();
        let mut open: Vec<_> = found.iter().copied().collect();
        while let Some(step) = open.pop() {
            open.extend(next(step).into_iter().filter(|step| found.insert(*step)));
        }
        found
    }

    /// Circles of steps that do not ask, each step in at most one of them.
    fn circles(&self) -> Vec<Vec<StepId>> {
        let mut circles = Vec::new();
        let mut done = vec![false; self.nodes.len()];
        for index in 0..self.nodes.len() {
            self.search(StepId::nth(index), &mut Vec::new(), &mut done, &mut circles);
        }
        circles
    }

    /// At most as deep as there are steps, which the loader limits.
    fn search(&self, step: StepId, path: &mut Vec<StepId>, done: &mut [bool], circles: &mut Vec<Vec<StepId>>) {
        if self.nodes[step.index].asks {
            return;
        }
        if let Some(at) = path.iter().position(|passed| *passed == step) {
            circles.push(path[at..].to_vec());
            return;
        }
        if done[step.index] {
            return;
        }
        path.push(step);
        for exit in &self.nodes[step.index].exits {
            self.search(*exit, path, done, circles);
        }
        path.pop();
        done[step.index] = true;
    }
}
