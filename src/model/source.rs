//! Reading TOML that people wrote: every value with its place, every fault with its mend, all
//! faults at once. Flows, declarations and the configuration are read through this.

mod twice; // a name that stands twice

pub use twice::Twice;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    str::FromStr,
};

use toml_edit::{Document, Item, Table, TableLike, Value};

use super::fault::{Fault, did_you_mean};

/// A file's text with its name: turns byte offsets into lines and columns and collects faults.
pub struct Source {
    file: String,
    text: String,
    faults: RefCell<Vec<Fault>>,
}

/// A place in the text, as byte offsets.
pub type Span = Option<Range<usize>>;

impl Source {
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        Self { file: file.into(), text: text.into(), faults: RefCell::default() }
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The document, or `None` after noting the syntax error.
    pub fn parse(&self) -> Option<Document<String>> {
        self.parse_with(|_| None)
    }

    /// The same for whoever knows better what it means that a name stands twice: what, and the mend.
    pub fn parse_with(&self, meaning: impl Fn(&Twice) -> Option<(String, String)>) -> Option<Document<String>> {
        let error = match Document::parse(self.text.clone()) {
            Ok(document) => return Some(document),
            Err(error) => error,
        };
        let what = error.message().lines().next().unwrap_or("this is not TOML");
        let (what, mend) = match twice::is_twice(what) {
            true => match Twice::find(&self.text) {
                Some(twice) => meaning(&twice).unwrap_or_else(|| stands_twice(&twice)),
                None => (format!("not TOML: {what}"), "take one of the two out, or give it another name".to_owned()),
            },
            false => (format!("not TOML: {what}"), "mend the line, or see https://toml.io".to_owned()),
        };
        self.fault(error.span(), what, mend);
        None
    }

    pub fn fault(&self, span: Span, what: impl Into<String>, mend: impl Into<String>) {
        // What belongs to the file as a whole stands at its head, where editors can go to.
        let (line, column) = span.map_or((1, 1), |span| self.place(span.start));
        let (what, mend) = (what.into(), mend.into());
        self.faults.borrow_mut().push(Fault { file: self.file.clone(), line, column, what, mend });
    }

    pub fn into_faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort_by_key(|fault| (fault.line, fault.column));
        faults
    }

    pub fn is_sound(&self) -> bool {
        self.faults.borrow().is_empty()
    }

    /// Line and column, both from 1, the column in characters.
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..offset.min(self.text.len())];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The whole document as a table reader.
    pub fn root<'a>(&'a self, table: &'a Table) -> Reader<'a> {
        Reader { source: self, table, span: None, what: "the file".to_owned(), seen: RefCell::default() }
    }
}

/// One table being read. What was not asked for is an unknown key: call `finish` at the end.
pub struct Reader<'a> {
    source: &'a Source,
    table: &'a dyn TableLike,
    span: Span,
    /// How faults name it: `people entry`, `step welcome`.
    what: String,
    seen: RefCell<BTreeSet<&'a str>>,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct At<T> {
    pub value: T,
    pub span: Span,
}

impl<'a> Reader<'a> {
    pub fn source(&self) -> &'a Source {
        self.source
    }

    pub fn span(&self) -> Span {
        self.span.clone()
    }

    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Where the key's value stands; the table itself when the key is missing.
    pub fn span_of(&self, key: &str) -> Span {
        self.table.get(key).and_then(Item::span).or_else(|| self.span())
    }

    /// Where the key itself stands.
    pub fn key_span(&self, key: &str) -> Span {
        self.table.key(key).and_then(toml_edit::Key::span).or_else(|| self.span_of(key))
    }

    pub fn fault_at(&self, key: &str, what: impl Into<String>, mend: impl Into<String>) {
        self.source.fault(self.span_of(key), what, mend);
    }

    /// The raw item, marked as read.
    pub fn item(&self, key: &'a str) -> Option<&'a Item> {
        self.seen.borrow_mut().insert(key);
        self.table.get(key).filter(|item| !item.is_none())
    }

    fn wrong_type(&self, key: &str, item: &Item, wanted: &str) {
        self.source.fault(
            item.span(),
            format!("`{key}` is {}, not {wanted}", kind_of(item)),
            format!("write {wanted}"),
        );
    }

    pub fn missing(&self, key: &str, mend: &str) {
        self.source.fault(self.span(), format!("{} has no `{key}`", self.what), mend);
    }

    pub fn string(&self, key: &'a str) -> Option<At<String>> {
        let item = self.item(key)?;
        match item.as_str() {
            Some(value) => Some(At { value: value.to_owned(), span: item.span() }),
            None => {
                self.wrong_type(key, item, "a string in quotes");
                None
            }
        }
    }

    /// Like `string`, and noted as missing when it is not there.
    pub fn need_string(&self, key: &'a str) -> Option<At<String>> {
        if !self.has(key) {
            self.missing(key, &format!("add `{key} = \"…\"`"));
        }
        self.string(key)
    }

    /// A string that becomes a `T`; the type's own error is the fault.
    pub fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, key: &'a str) -> Option<At<T>> {
        self.string(key).and_then(|text| self.parse_at(text, T::from_str))
    }

    pub fn need_parsed<T: FromStr<Err: std::fmt::Display>>(&self, key: &'a str) -> Option<At<T>> {
        self.need_string(key).and_then(|text| self.parse_at(text, T::from_str))
    }

    /// Applies a parser to a string with its place; its error becomes a fault there.
    pub fn parse_at<T, E: std::fmt::Display>(
        &self,
        text: At<String>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<At<T>> {
        match parse(&text.value) {
            Ok(value) => Some(At { value, span: text.span }),
            Err(error) => {
                let message = error.to_string();
                let (what, mend) = message.split_once(": ").unwrap_or((&message, ""));
                self.source.fault(text.span, what, mend);
                None
            }
        }
    }

    pub fn duration(&self, key: &'a str) -> Option<At<chrono::TimeDelta>> {
        self.string(key).and_then(|text| self.parse_at(text, super::duration::parse))
    }

    pub fn boolean(&self, key: &'a str) -> Option<At<bool>> {
        let item = self.item(key)?;
        match item.as_bool() {
            Some(value) => Some(At { value, span: item.span() }),
            None => {
                self.wrong_type(key, item, "true or false");
                None
            }
        }
    }

    pub fn integer(&self, key: &'a str, range: std::ops::RangeInclusive<i64>) -> Option<At<i64>> {
        let item = self.item(key)?;
        match item.as_integer() {
            Some(value) if range.contains(&value) => Some(At { value, span: item.span() }),
            Some(value) => {
                self.source.fault(
                    item.span(),
                    format!("`{key}` is {value}"),
                    format!("use {} to {}", range.start(), range.end()),
                );
                None
            }
            None => {
                self.wrong_type(key, item, "a whole number");
                None
            }
        }
    }

    /// A list of strings, each with its place.
    pub fn strings(&self, key: &'a str) -> Option<Vec<At<String>>> {
        let item = self.item(key)?;
        let Some(array) = item.as_array() else {
            self.wrong_type(key, item, "a list of strings");
            return None;
        };
        Some(array.iter().filter_map(|value| self.string_value(key, value)).collect())
    }

    /// A string, or a list of them.
    pub fn one_or_several(&self, key: &'a str) -> Vec<At<String>> {
        match self.item(key) {
            Some(item) if item.is_str() => self.string(key).into_iter().collect(),
            Some(_) => self.strings(key).unwrap_or_default(),
            None => Vec::new(),
        }
    }

    fn string_value(&self, key: &str, value: &Value) -> Option<At<String>> {
        match value.as_str() {
            Some(text) => Some(At { value: text.to_owned(), span: value.span() }),
            None => {
                self.source.fault(value.span(), format!("an entry of `{key}` is no string"), "write it in quotes");
                None
            }
        }
    }

    /// A sub-table, written `[a.b]` or `{ … }`.
    pub fn table(&self, key: &'a str, what: impl Into<String>) -> Option<Reader<'a>> {
        let item = self.item(key)?;
        let Some(table) = item.as_table_like() else {
            self.wrong_type(key, item, "a table");
            return None;
        };
        Some(Reader { source: self.source, table, span: item.span(), what: what.into(), seen: RefCell::default() })
    }

    /// A list of tables, written `[[a]]` or `[ { … } ]`.
    pub fn tables(&self, key: &'a str, what: &str) -> Vec<Reader<'a>> {
        let Some(item) = self.item(key) else { return Vec::new() };
        let reader = |table: &'a dyn TableLike, span: Span| Reader {
            source: self.source,
            table,
            span,
            what: what.to_owned(),
            seen: RefCell::default(),
        };
        match item {
            Item::ArrayOfTables(tables) => tables.iter().map(|table| reader(table, table.span())).collect(),
            Item::Value(Value::Array(array)) => array
                .iter()
                .filter_map(|value| match value {
                    Value::InlineTable(table) => Some(reader(table, value.span())),
                    _ => {
                        self.source.fault(value.span(), format!("an entry of `{key}` is no table"), "write { … }");
                        None
                    }
                })
                .collect(),
            _ => {
                self.wrong_type(key, item, "a list of tables");
                Vec::new()
            }
        }
    }

    /// Every key of this table in the order of the file, marked as read.
    pub fn keys(&self) -> Vec<At<&'a str>> {
        let keys: Vec<_> = self.table.iter().map(|(key, _)| At { value: key, span: self.key_span(key) }).collect();
        self.seen.borrow_mut().extend(keys.iter().map(|key| key.value));
        keys
    }

    /// Where everything in this table stands, by its path (`levels.1.notify.0`; the table itself is
    /// the empty path): for what can be judged only after all files are read.
    pub fn places(&self) -> BTreeMap<String, (usize, usize)> {
        let mut places = BTreeMap::new();
        let mut note = |path: String, span: Span| {
            if let Some(span) = span {
                places.insert(path, self.source.place(span.start));
            }
        };
        note(String::new(), self.span());
        for (key, item) in self.table.iter() {
            walk(item, key.to_owned(), &mut note);
        }
        places
    }

    /// Notes every key that nobody asked for.
    pub fn finish(self) {
        let seen = self.seen.into_inner();
        for (key, _) in self.table.iter().filter(|(key, _)| !seen.contains(key)) {
            let span = self.table.key(key).and_then(toml_edit::Key::span).or_else(|| self.span.clone());
            let mend = did_you_mean(key, seen.iter().copied()).unwrap_or_else(|| {
                format!(
                    "{} takes {}",
                    self.what,
                    seen.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
                )
            });
            self.source.fault(span, format!("{} has an unknown key `{key}`", self.what), mend);
        }
    }
}

fn stands_twice(twice: &Twice) -> (String, String) {
    let what = format!("not TOML: `{}` stands twice in {}", twice.key, twice.table_name());
    (what, format!("line {} has it already: take one of them out, or give it another name", twice.first))
}

fn walk(item: &Item, path: String, note: &mut impl FnMut(String, Span)) {
    note(path.clone(), item.span());
    match item {
        Item::None => {}
        Item::Value(value) => walk_value(value, &path, note),
        Item::Table(table) => table.iter().for_each(|(key, item)| walk(item, format!("{path}.{key}"), note)),
        Item::ArrayOfTables(tables) => {
            for (index, table) in tables.iter().enumerate() {
                note(format!("{path}.{index}"), table.span());
                table.iter().for_each(|(key, item)| walk(item, format!("{path}.{index}.{key}"), note));
            }
        }
    }
}

fn walk_value(value: &Value, path: &str, note: &mut impl FnMut(String, Span)) {
    match value {
        Value::Array(array) => {
            for (index, value) in array.iter().enumerate() {
                note(format!("{path}.{index}"), value.span());
                walk_value(value, &format!("{path}.{index}"), note);
            }
        }
        Value::InlineTable(table) => {
            for (key, value) in table.iter() {
                note(format!("{path}.{key}"), value.span());
                walk_value(value, &format!("{path}.{key}"), note);
            }
        }
        Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

fn kind_of(item: &Item) -> &'static str {
    match item {
        Item::None => "nothing",
        Item::Value(Value::String(_)) => "a string",
        Item::Value(Value::Integer(_)) => "a whole number",
        Item::Value(Value::Float(_)) => "a number with a point",
        Item::Value(Value::Boolean(_)) => "true or false",
        Item::Value(Value::Datetime(_)) => "a date",
        Item::Value(Value::Array(_)) => "a list",
        Item::Value(Value::InlineTable(_)) | Item::Table(_) => "a table",
        Item::ArrayOfTables(_) => "a list of tables",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_place_and_mend() {
        let source = Source::new("a.toml", "id = 3\nnmae = \"x\"\n[[people]]\nid = 'Ü'\n");
        let document = source.parse().unwrap();
        let root = source.root(document.as_table());
        assert_eq!(root.string("id"), None);
        root.need_string("name");
        for person in root.tables("people", "people entry") {
            person.need_parsed::<crate::model::id::PersonId>("id");
            person.finish();
        }
        root.finish();
        let faults: Vec<_> = source.into_faults().iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "a.toml:1:1: the file has no `name`; add `name = \"…\"`",
                "a.toml:1:6: `id` is a whole number, not a string in quotes; write a string in quotes",
                "a.toml:2:1: the file has an unknown key `nmae`; did you mean `name`?",
                "a.toml:4:6: `Ü` is no name for a person; use 1 to 64 of a-z, 0-9, `-`, `_` and `.`",
            ]
        );
    }

    #[test]
    fn places_go_by_the_path() {
        let source = Source::new("a.toml", "[[a]]\nb = [{ c = 1 }, 2]\n[[a.d]]\n'e.f' = 3\n");
        let document = source.parse().unwrap();
        let root = source.root(document.as_table());
        let places = root.tables("a", "a entry")[0].places();
        let expected =
            [("", 1, 1), ("b", 2, 5), ("b.0", 2, 6), ("b.0.c", 2, 12), ("b.1", 2, 17), ("d", 3, 1), ("d.0", 3, 1)];
        for (path, line, column) in expected {
            assert_eq!(places.get(path), Some(&(line, column)), "{path}: {places:?}");
        }
        assert_eq!(places["d.0.e.f"], (4, 9));
    }

    #[test]
    fn broken_toml_is_one_fault() {
        let source = Source::new("a.toml", "id = \n");
        assert!(source.parse().is_none());
        assert_eq!(source.into_faults()[0].line, 1);
    }
}
