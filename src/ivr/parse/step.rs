//! One step being read: exits, texts, lengths of time and what else steps have in common. What fields
//! a kind of step has is in `kinds`.

use std::collections::BTreeMap;

use super::{Book, RETURN};
use crate::{
    ivr::{
        flow::{Asking, Speech, StepId, Text, VarKind, Wait},
        texts::check::Sort,
        vars,
    },
    model::{
        duration,
        fault::did_you_mean,
        source::{At, Reader, Span},
    },
};

pub struct StepReader<'a, 'b> {
    pub book: &'a Book<'a>,
    pub reader: Reader<'b>,
    pub id: StepId,
    pub name: &'b str,
}

impl<'a, 'b> StepReader<'a, 'b> {
    pub fn new(book: &'a Book<'a>, reader: Reader<'b>, id: StepId, name: &'b str) -> Self {
        Self { book, reader, id, name }
    }

    pub fn fault(&self, span: Span, what: impl Into<String>, mend: impl Into<String>) {
        self.book.source.fault(span, what, mend);
    }

    /// An exit that must be there.
    pub fn exit(&self, name: &'b str) -> Option<StepId> {
        self.exit_of(&self.reader, name)
    }

    pub fn exit_of(&self, reader: &Reader<'b>, name: &'b str) -> Option<StepId> {
        if !reader.has(name) {
            // Asked for, so that a misspelt one is told with this name.
            reader.item(name);
            reader.missing(name, &format!("add `{name} = \"…\"` with the step that comes next"));
            self.is_broken();
            self.book.graph.borrow_mut().write(self.id, None, name, None);
            return None;
        }
        self.may_exit_of(reader, name)
    }

    /// An exit with a default.
    pub fn may_exit(&self, name: &'b str) -> Option<StepId> {
        self.may_exit_of(&self.reader, name)
    }

    fn may_exit_of(&self, reader: &Reader<'b>, name: &'b str) -> Option<StepId> {
        let to = reader.string(name)?;
        if to.value == RETURN {
            let back = self.book.back();
            self.book.graph.borrow_mut().exit(self.id, back);
            return Some(back);
        }
        let found = self.book.resolve(&to, &format!("exit `{name}` of step `{}` leads to", self.name));
        let at = to.span.as_ref().map(|span| span.start);
        let found = found.map(|step| step.by_exit(at));
        let mut graph = self.book.graph.borrow_mut();
        graph.write(self.id, found, name, at);
        match found {
            Some(to) => graph.exit(self.id, to),
            None => {
                graph.ends(self.id);
                self.book.near(&to.value).for_each(|near| graph.exit(self.id, near));
            }
        }
        found
    }

    /// What is told already is not told again as a dead end.
    fn is_broken(&self) {
        self.book.graph.borrow_mut().ends(self.id);
    }

    pub fn note_text(&self, sort: Sort, text: At<String>) {
        self.book.texts.borrow_mut().push((sort, text));
    }

    pub fn text(&self, key: &'b str) -> Option<Text> {
        self.text_of(&self.reader, key)
    }

    pub fn need_text(&self, key: &'b str) -> Option<Text> {
        if !self.reader.has(key) {
            self.reader.missing(key, &self.example(key));
        }
        self.text(key)
    }

    fn example(&self, key: &str) -> String {
        let texts: Vec<_> = self.book.languages.iter().map(|language| format!("{language} = \"…\"")).collect();
        format!("add `{key} = {{ {} }}`", texts.join(", "))
    }

    /// One string, or one for each language of the flow.
    pub fn text_of(&self, reader: &Reader<'b>, key: &'b str) -> Option<Text> {
        let item = reader.item(key)?;
        if item.as_table_like().is_none() {
            let text = reader.string(key)?;
            self.check_filled(&text);
            self.note_text(Sort::Text, text.clone());
            return Some(Text::Same(text.value));
        }
        let table = reader.table(key, format!("`{key}` of step `{}`", self.name))?;
        let mut texts = BTreeMap::new();
        for given in table.keys() {
            let text = table.string(given.value);
            let Some(language) = self.book.languages.iter().find(|language| language.as_str() == given.value) else {
                self.unknown_language(&given);
                continue;
            };
            let Some(text) = text else { continue };
            self.check_filled(&text);
            self.note_text(Sort::Text, text.clone());
            texts.insert(language.clone(), text.value);
        }
        for language in self.book.languages.iter().filter(|language| !table.has(language.as_str())) {
            let what = format!("`{key}` of step `{}` has no `{language}`", self.name);
            self.fault(table.span(), what, format!("add `{language} = \"…\"`"));
        }
        Some(Text::Each(texts))
    }

    pub fn unknown_language(&self, given: &At<&str>) {
        let known = self.book.languages.iter().map(|language| language.as_str());
        let mend =
            did_you_mean(given.value, known).unwrap_or_else(|| "add it to `languages`, or take it out".to_owned());
        self.fault(given.span.clone(), format!("the flow does not speak `{}`", given.value), mend);
    }

    fn check_filled(&self, text: &At<String>) {
        if text.value.trim().is_empty() {
            self.fault(text.span.clone(), "the text is empty", "write what the caller shall hear");
        }
    }

    /// Text, audio or both, of which one must be there.
    pub fn need_speech(&self, key: &'b str) -> Option<Speech> {
        if !self.reader.has(key) && !self.reader.has("play") {
            self.reader.missing(key, &self.example(key));
        }
        self.speech(key)
    }

    pub fn speech(&self, key: &'b str) -> Option<Speech> {
        let say = self.text(key);
        let play = self.text("play");
        for url in play.iter().flat_map(Text::sources).filter(|url| !url.contains('{')) {
            if !crate::ivr::run::is_audio(url) {
                let what = format!("`{url}` is no address of audio");
                self.fault(self.reader.span_of("play"), what, "write https://… with an mp3 or wav file");
            }
        }
        (say.is_some() || play.is_some()).then_some(Speech { say, play })
    }

    /// What steps share that wait for the caller. The prompt is read beside, since some may lack it.
    pub fn asking(&self, prompt: Option<Speech>) -> Asking {
        Asking { barge_in: self.reader.boolean("barge_in").is_none_or(|given| given.value), ..self.waiting(prompt) }
    }

    /// The same where the caller is recorded. Only a question for keys can be interrupted, so that `barge_in`
    /// may stand there and changes nothing: a carrier begins to record behind the prompt.
    pub fn recording(&self, prompt: Option<Speech>) -> Asking {
        self.reader.boolean("barge_in");
        let asking = self.waiting(prompt);
        if asking.finish.is_none() && self.reader.string("finish").is_some_and(|given| given.value.is_empty()) {
            let what =
                format!("`finish` of step `{}` is empty, and carriers know no recording without a key", self.name);
            self.reader.fault_at("finish", what, "write one of 0-9, * or #");
        }
        asking
    }

    fn waiting(&self, prompt: Option<Speech>) -> Asking {
        let attempts = self.reader.integer("attempts", 1..=10).map_or(3, |attempts| attempts.value);
        Asking {
            prompt: prompt.unwrap_or_default(),
            attempts: u32::try_from(attempts).unwrap_or(3),
            timeout_s: self.seconds("timeout", 1, 60).unwrap_or(6),
            finish: self.finish(),
            no_input: self.text("no_input"),
            barge_in: false,
        }
    }

    fn finish(&self) -> Option<char> {
        let Some(given) = self.reader.string("finish") else { return Some('#') };
        let mut keys = given.value.chars();
        match (keys.next(), keys.next()) {
            (None, _) => None,
            (Some(key), None) if is_key(key) => Some(key),
            _ => {
                self.fault(given.span, format!("`{}` is no key", given.value), "use 0-9, * or #, or \"\" for none");
                None
            }
        }
    }

    /// A length of time that is written out.
    pub fn seconds(&self, key: &'b str, min_s: u32, max_s: u32) -> Option<u32> {
        let given = self.reader.duration(key)?;
        self.in_range(key, given.value, given.span, min_s, max_s)
    }

    fn in_range(&self, key: &str, given: chrono::TimeDelta, span: Span, min_s: u32, max_s: u32) -> Option<u32> {
        let seconds = u32::try_from(given.num_seconds()).ok().filter(|seconds| (min_s..=max_s).contains(seconds));
        if seconds.is_none() {
            let written = |seconds: u32| duration::write(chrono::TimeDelta::seconds(i64::from(seconds)));
            let what = format!("`{key}` is {}", duration::write(given));
            self.fault(span, what, format!("use {} to {}", written(min_s), written(max_s)));
        }
        seconds
    }

    /// A length of time, or `{{ a_var }}` of type duration.
    pub fn wait(&self, key: &'b str, default_s: u32, min_s: u32, max_s: u32) -> Wait {
        let Some(given) = self.reader.string(key) else { return Wait::Seconds(default_s) };
        let Some(name) = only_var(&given.value) else {
            let read = self.reader.parse_at(given, duration::parse);
            let seconds = read.and_then(|wait| self.in_range(key, wait.value, wait.span, min_s, max_s));
            return Wait::Seconds(seconds.unwrap_or(default_s));
        };
        let var = self.var(&At { value: name.to_owned(), span: given.span.clone() }, VarKind::Duration, "duration");
        let default = var.and_then(|var| var.default.as_deref()).and_then(|text| duration::parse(text).ok());
        let otherwise_s =
            default.and_then(|default| self.in_range(key, default, given.span, min_s, max_s)).unwrap_or(default_s);
        Wait::Var { name: name.to_owned(), otherwise_s }
    }

    /// The step sets this var: texts may name it, and it is dialled nowhere.
    pub fn sets(&self, name: &str, span: Span) {
        if let Err((what, mend)) = vars::check_name(name) {
            self.fault(span, what, mend);
        }
        self.book.set.borrow_mut().insert(name.to_owned());
    }

    /// A table of names and what each is to be: texts, or numbers and flags without quotes.
    pub fn values(&self, key: &'b str, each: impl Fn(&At<&'b str>)) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        let Some(table) = self.reader.table(key, format!("`{key}` of step `{}`", self.name)) else { return values };
        for name in table.keys() {
            each(&name);
            let Some(value) = table.item(name.value) else { continue };
            let plain = value.as_integer().map(|number| number.to_string());
            let plain = plain.or_else(|| value.as_bool().map(|flag| flag.to_string()));
            let value = match plain {
                Some(value) => Some(At { value, span: table.span_of(name.value) }),
                None => table.string(name.value),
            };
            let Some(value) = value else { continue };
            self.note_text(Sort::Text, value.clone());
            values.insert(name.value.to_owned(), value.value);
        }
        values
    }

    /// A declared var of this type.
    pub fn var(&self, name: &At<String>, kind: VarKind, word: &str) -> Option<&'a crate::ivr::flow::Var> {
        let Some(var) = self.book.vars.get(&name.value) else {
            let mend = did_you_mean(&name.value, self.book.vars.keys().map(String::as_str))
                .unwrap_or_else(|| format!("add `{} = {{ type = \"{word}\" }}` below [vars]", name.value));
            self.fault(name.span.clone(), format!("the var `{}` is not declared", name.value), mend);
            return None;
        };
        if var.kind != kind {
            let mend = format!("add `type = \"{word}\"` to it");
            self.fault(name.span.clone(), format!("the var `{}` is of another type", name.value), mend);
        }
        Some(var)
    }

    /// One of a few words.
    pub fn word<T: Copy>(&self, key: &'b str, words: &[(&str, T)]) -> Option<T> {
        let given = self.reader.string(key)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == given.value) {
            return Some(*value);
        }
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        let mend = did_you_mean(&given.value, known.iter().copied())
            .unwrap_or_else(|| format!("use one of {}", known.join(", ")));
        self.fault(given.span, format!("`{key}` is `{}`", given.value), mend);
        None
    }
}

/// `{{ name }}` and nothing else.
pub fn only_var(text: &str) -> Option<&str> {
    let name = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let plain = !name.is_empty() && name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_');
    plain.then_some(name)
}

pub fn is_key(key: char) -> bool {
    key.is_ascii_digit() || matches!(key, '*' | '#')
}
