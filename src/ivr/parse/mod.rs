//! Reads a flow file. All faults at once, each with its place and its mend; what comes out cannot
//! dangle. Reads no file itself and runs nothing.
//!
//! Start here: the head of the file is read first, then each step by its kind (`kinds`), with the
//! helpers of `step`; then the picture as a whole is checked (`graph`) and every text (`texts::check`).

mod graph;
mod kinds;
mod sketch;
mod step;
mod twice;

pub use kinds::KINDS as STEP_KINDS;
pub(super) use kinds::WITHIN_MAX_S;
pub(super) use step::only_var;
pub use twice::meaning as meaning_of_twice;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use self::{graph::Graph, step::StepReader};
use super::{
    draw::Sketch,
    flow::{Abandoned, Flow, Kind, Step, StepId, Var},
    patience::{self, Patience},
    texts::{
        Compiled,
        check::{self, Sort},
    },
    vars,
};
use crate::model::{
    fault::{Fault, did_you_mean},
    id::FlowId,
    language::Language,
    priority::Priority,
    source::{At, Reader, Source},
};

const STEPS_MAX: usize = 500;
/// An exit that leads back to the flow that called this one; no step is written for it.
const RETURN: &str = "return";

/// Reads and checks a flow.
pub fn parse(file: &str, text: &str) -> Result<Flow, Vec<Fault>> {
    parse_and_sketch(file, text).0
}

/// The flow, and what can be drawn of it however wrong it is.
pub fn parse_and_sketch(file: &str, text: &str) -> (Result<Flow, Vec<Fault>>, Sketch) {
    let source = Source::new(file, text);
    let mut sketch = Sketch::default();
    let document = source.parse_with(meaning_of_twice);
    let flow = document.and_then(|document| read(&source, &source.root(document.as_table()), &mut sketch));
    match flow.filter(|_| source.is_sound()) {
        Some(flow) => (Ok(flow), sketch),
        None => (Err(source.into_faults()), sketch),
    }
}

/// What steps share while they are read.
struct Book<'a> {
    source: &'a Source,
    id: Option<FlowId>,
    names: BTreeMap<String, StepId>,
    languages: Vec<Language>,
    vars: BTreeMap<String, Var>,
    graph: RefCell<Graph>,
    texts: RefCell<Vec<(Sort, At<String>)>>,
    /// Vars that a step sets.
    set: RefCell<BTreeSet<String>>,
    /// Vars whose number is dialled.
    dialled: RefCell<Vec<At<String>>>,
    /// Whether an exit leads back.
    returns: Cell<bool>,
}

struct Head {
    id: Option<FlowId>,
    title: Option<String>,
    languages: Vec<Language>,
    voices: BTreeMap<Language, String>,
    vars: BTreeMap<String, Var>,
}

fn read(source: &Source, root: &Reader<'_>, sketch: &mut Sketch) -> Option<Flow> {
    let head = head(root);
    let start = root.need_string("start");
    let abandoned = root.table("abandoned", "`abandoned`");
    let patience = root.integer("max_seconds_to_human", 1..=3_600);
    if !root.has("steps") {
        root.missing("steps", "add a step: [steps.welcome] with do = \"say\"");
    }
    let steps = root.table("steps", "`steps`");
    finish(root);
    let steps = steps?;
    let names: Vec<_> = steps.keys();
    if names.len() > STEPS_MAX {
        let what = format!("the flow has {} steps", names.len());
        source.fault(names[STEPS_MAX].span.clone(), what, format!("a flow has at most {STEPS_MAX} steps"));
        return None;
    }
    let book = Book {
        source,
        id: head.id.clone(),
        names: names.iter().enumerate().map(|(index, name)| (name.value.to_owned(), StepId::nth(index))).collect(),
        languages: head.languages,
        vars: head.vars,
        graph: RefCell::new(Graph::new(names.len() + 1)),
        texts: RefCell::default(),
        set: RefCell::default(),
        dialled: RefCell::default(),
        returns: Cell::default(),
    };
    let start = start.and_then(|name| book.resolve(&name, "the flow starts at"));
    let mut read: Vec<Option<Step>> = names.iter().map(|name| book.step(&steps, name)).collect();
    let title = head.title.clone().or_else(|| head.id.as_ref().map(ToString::to_string));
    *sketch = sketch::sketch(title.clone().unwrap_or_default(), start.map(|start| start.index), &steps, &book, &read);
    let abandoned = book.abandoned(abandoned);
    book.graph.borrow().check(source, &names, start);
    book.check_texts();
    book.check_dialled();
    let mut steps_by_name = book.names.clone();
    if book.returns.get() {
        steps_by_name.insert(RETURN.to_owned(), StepId::nth(read.len()));
        read.push(Some(Step { name: RETURN.to_owned(), line: 0, kind: Kind::Return }));
    }
    let flow = Flow {
        title: title?,
        id: head.id?,
        languages: (!book.languages.is_empty()).then_some(book.languages)?,
        voices: head.voices,
        vars: book.vars,
        abandoned,
        max_seconds_to_human: patience.as_ref().map(|most| most_of(source, most)),
        start: start?,
        steps: read.into_iter().collect::<Option<_>>()?,
        names: steps_by_name,
        texts: Compiled::of(book.texts.borrow().iter().map(|(sort, text)| (*sort, text.value.as_str()))),
    };
    check_patience(source, &flow, patience);
    Some(flow)
}

/// What called flows ask comes in addition, where they are known.
fn check_patience(source: &Source, flow: &Flow, most: Option<At<i64>>) {
    let Some(most) = most else { return };
    if let Some(what) = patience::too_long(flow, &patience::ways(flow, &|_| None)) {
        source.fault(most.span, what, patience::MEND);
    }
}

fn most_of(source: &Source, most: &At<i64>) -> Patience {
    let (line, column) = most.span.as_ref().map_or((0, 0), |span| source.place(span.start));
    Patience { seconds: u32::try_from(most.value).unwrap_or(u32::MAX), line, column }
}

fn head(root: &Reader<'_>) -> Head {
    let id = root.need_parsed("id").map(|id| id.value);
    let title = root.string("title").map(|title| title.value);
    let languages = languages(root);
    let voices = root.table("voices", "`voices`").map(|table| voices(&table, &languages)).unwrap_or_default();
    let vars = root.table("vars", "`vars`").map(|table| vars::read(&table)).unwrap_or_default();
    Head { id, title, languages, voices, vars }
}

fn languages(root: &Reader<'_>) -> Vec<Language> {
    let mut languages = Vec::new();
    if !root.has("languages") {
        root.missing("languages", "add `languages = [\"de\", \"en\"]`, the first is the default");
    }
    for given in root.strings("languages").unwrap_or_default() {
        let span = given.span.clone();
        let Some(language) = root.parse_at(given, str::parse::<Language>) else { continue };
        if languages.contains(&language.value) {
            root.source().fault(span, format!("language `{}` stands here twice", language.value), "name it once");
        } else {
            languages.push(language.value);
        }
    }
    if languages.is_empty() && root.has("languages") && root.source().is_sound() {
        root.fault_at("languages", "the flow has no language", "add one, such as \"en\"");
    }
    languages
}

fn voices(table: &Reader<'_>, languages: &[Language]) -> BTreeMap<Language, String> {
    let mut voices = BTreeMap::new();
    for key in table.keys() {
        let voice = table.string(key.value);
        let Some(language) = languages.iter().find(|language| language.as_str() == key.value) else {
            table.source().fault(
                key.span,
                format!("the flow does not speak `{}`", key.value),
                "add it to `languages`, or take the voice out",
            );
            continue;
        };
        let Some(voice) = voice else { continue };
        let is_odd = |sign: char| sign.is_whitespace() || sign.is_control();
        if voice.value.is_empty() || voice.value.len() > 100 || voice.value.contains(is_odd) {
            let mend = "write a voice of the carrier, such as Polly.Vicki-Neural";
            table.source().fault(voice.span, format!("`{}` is no voice", voice.value), mend);
            continue;
        }
        voices.insert(language.clone(), voice.value);
    }
    voices
}

/// Every key of the head is asked for by now.
fn finish(root: &Reader<'_>) {
    const KEYS: [&str; 9] =
        ["id", "title", "languages", "start", "abandoned", "max_seconds_to_human", "voices", "vars", "steps"];
    for key in root.keys().into_iter().filter(|key| !KEYS.contains(&key.value)) {
        let mend = did_you_mean(key.value, KEYS).unwrap_or_else(|| format!("a flow takes {}", KEYS.join(", ")));
        root.source().fault(key.span, format!("the flow has an unknown key `{}`", key.value), mend);
    }
}

impl Book<'_> {
    fn step<'b>(&self, steps: &Reader<'b>, name: &At<&'b str>) -> Option<Step> {
        let id = *self.names.get(name.value)?;
        if !is_name(name.value) {
            let mend = "use up to 64 letters, digits, `-` and `_`";
            self.source.fault(name.span.clone(), format!("`{}` is no name for a step", name.value), mend);
        }
        if name.value == RETURN {
            let what = "an exit to `return` leads back to the flow that called this one";
            self.source.fault(name.span.clone(), what, "give the step another name");
        }
        let table = steps.table(name.value, format!("step `{}`", name.value))?;
        let line = name.span.as_ref().map_or(0, |span| self.source.place(span.start).0);
        let step = StepReader::new(self, table, id, name.value);
        let kind = kinds::read(step)?;
        Some(Step { name: name.value.to_owned(), line, kind })
    }

    /// The step of this name, or a fault.
    fn resolve(&self, name: &At<String>, what: &str) -> Option<StepId> {
        if let Some(id) = self.names.get(&name.value) {
            return Some(*id);
        }
        self.source.fault(
            name.span.clone(),
            format!("{what} `{}`, which is no step", name.value),
            did_you_mean(&name.value, self.names.keys().map(String::as_str).chain([RETURN]))
                .unwrap_or_else(|| format!("add [steps.{}], or name a step that is there", name.value)),
        );
        None
    }

    /// Where `return` leads, behind all steps of the file: as good an end as any.
    fn back(&self) -> StepId {
        let back = StepId::nth(self.names.len());
        self.returns.set(true);
        self.graph.borrow_mut().ends(back);
        back
    }

    /// What a misspelt exit may have meant: so that its step does not look unreachable as well.
    fn near<'b>(&'b self, name: &'b str) -> impl Iterator<Item = StepId> + 'b {
        self.names.iter().filter(|(known, _)| did_you_mean(name, [known.as_str()]).is_some()).map(|(_, id)| *id)
    }

    fn abandoned(&self, table: Option<Reader<'_>>) -> Abandoned {
        let mut abandoned = Abandoned { after: None, priority: Priority::P3, past: BTreeSet::new() };
        let Some(table) = table else { return abandoned };
        if let Some(after) = table.string("after") {
            abandoned.after = self.resolve(&after, "`abandoned` names");
        }
        if let Some(priority) = table.parsed("priority") {
            abandoned.priority = priority.value;
        }
        if let Some(after) = abandoned.after {
            let before = self.graph.borrow().leading_to(after);
            abandoned.past = self.names.values().copied().filter(|step| !before.contains(step)).collect();
        }
        table.finish();
        abandoned
    }

    fn check_texts(&self) {
        let known: BTreeSet<String> = self.vars.keys().cloned().chain(self.set.borrow().iter().cloned()).collect();
        for (sort, text) in self.texts.borrow().iter() {
            for (what, mend) in check::faults(*sort, &text.value, &known) {
                self.source.fault(text.span.clone(), what, mend);
            }
        }
    }

    /// Promise 5: what a caller could influence is never dialled.
    fn check_dialled(&self) {
        for var in self.dialled.borrow().iter().filter(|var| self.set.borrow().contains(&var.value)) {
            self.source.fault(
                var.span.clone(),
                format!("the number to dial is `{}`, which a step changes", var.value),
                "only declared numbers are dialled: use a var that no step sets",
            );
        }
    }
}

fn is_name(name: &str) -> bool {
    let fits = |sign: char| sign.is_alphanumeric() || matches!(sign, '-' | '_');
    (1..=64).contains(&name.chars().count()) && name.chars().all(fits)
}

#[cfg(test)]
mod tests;
