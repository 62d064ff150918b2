//! The file's values and the environment's on top, as one flat map from `section.key` to a value
//! with its origin. Whoever reads asks by key; what nobody asked for is unknown.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    path::{Path, PathBuf},
    str::FromStr,
};

use toml_edit::{Item, TableLike, Value};

use super::secrets;
use crate::model::{
    fault::{Fault, did_you_mean},
    secret::Secret,
    source::Source,
};

/// How a variable that overrides a key begins: `PIKETT_SERVER__LISTEN` is `server.listen`. Without
/// `__` it is no key (`PIKETT_VAPID_KEY` may hold a secret).
const PREFIX: &str = "PIKETT_";

pub struct Layers<'a> {
    values: BTreeMap<String, Given>,
    /// Tables of the file, also empty ones.
    tables: BTreeMap<String, Origin>,
    asked: BTreeSet<String>,
    faults: Vec<Fault>,
    secret: &'a dyn Fn(&str) -> Result<String, String>,
}

struct Given {
    scalar: Scalar,
    origin: Origin,
    /// Where the key stands, for keys that nobody knows.
    key: Origin,
}

enum Scalar {
    Text(String),
    Integer(i64),
    Float(f64),
    Flag(bool),
    Other(&'static str),
}

#[derive(Debug, Clone)]
pub enum Origin {
    File { name: String, line: usize, column: usize },
    Variable(String),
}

impl<'a> Layers<'a> {
    pub fn new(
        source: Option<Source>,
        variables: BTreeMap<String, String>,
        secret: &'a dyn Fn(&str) -> Result<String, String>,
    ) -> Self {
        let (values, tables, asked, faults) = Default::default();
        let mut layers = Self { values, tables, asked, faults, secret };
        if let Some(source) = source {
            layers.add_file(source);
        }
        for (name, value) in variables {
            layers.add_variable(name, value);
        }
        layers
    }

    fn add_file(&mut self, source: Source) {
        if let Some(document) = source.parse() {
            self.flatten(&source, "", document.as_table());
        }
        self.faults.extend(source.into_faults());
    }

    fn flatten(&mut self, source: &Source, prefix: &str, table: &dyn TableLike) {
        for (key, item) in table.iter() {
            let path = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
            let span = table.key(key).and_then(toml_edit::Key::span).or_else(|| item.span());
            self.add_item(source, path, item, origin(source, span));
        }
    }

    fn add_item(&mut self, source: &Source, path: String, item: &Item, origin: Origin) {
        match item {
            Item::None => {}
            Item::Value(value) => self.add_value(source, path, value, origin),
            Item::Table(table) => {
                self.flatten(source, &path, table);
                self.tables.insert(path, origin);
            }
            Item::ArrayOfTables(tables) => {
                for (index, table) in tables.iter().enumerate() {
                    let path = format!("{path}.{index}");
                    self.flatten(source, &path, table);
                    self.tables.insert(path, self::origin(source, table.span()));
                }
            }
        }
    }

    fn add_value(&mut self, source: &Source, path: String, value: &Value, origin: Origin) {
        let here = |value: &Value| self::origin(source, value.span());
        let scalar = match value {
            Value::String(text) => Scalar::Text(text.value().clone()),
            Value::Integer(number) => Scalar::Integer(*number.value()),
            Value::Float(number) => Scalar::Float(*number.value()),
            Value::Boolean(flag) => Scalar::Flag(*flag.value()),
            Value::Datetime(_) => Scalar::Other("a date"),
            Value::Array(array) => {
                for (index, value) in array.iter().enumerate() {
                    self.add_value(source, format!("{path}.{index}"), value, here(value));
                }
                self.tables.insert(path, origin);
                return;
            }
            Value::InlineTable(table) => {
                self.flatten(source, &path, table);
                self.tables.insert(path, origin);
                return;
            }
        };
        self.values.insert(path, Given { scalar, origin: here(value), key: origin });
    }

    fn add_variable(&mut self, name: String, value: String) {
        let Some(rest) = name.strip_prefix(PREFIX).filter(|rest| rest.contains("__")) else { return };
        // Container platforms hand over unset variables as empty ones.
        if value.is_empty() {
            return;
        }
        let path = rest.to_ascii_lowercase().replace("__", ".");
        let below = format!("{path}.");
        self.values.retain(|key, _| !key.starts_with(&below));
        let origin = Origin::Variable(name);
        self.values.insert(path, Given { scalar: Scalar::Text(value), key: origin.clone(), origin });
    }

    /// Whether anything was given below a section.
    pub fn has(&self, section: &str) -> bool {
        let below = format!("{section}.");
        self.tables.contains_key(section) || self.values.keys().any(|key| key.starts_with(&below))
    }

    /// Whether a key was given nowhere.
    pub fn is_silent(&mut self, key: &str) -> bool {
        self.asked.insert(key.to_owned());
        !self.values.contains_key(key) && !self.tables.contains_key(key)
    }

    /// `[carriers]` where `[[carriers]]` is meant.
    pub fn is_table_instead_of_list(&self, list: &str) -> bool {
        let below = format!("{list}.");
        self.values.keys().any(|key| key.starts_with(&below)) && self.indices(list).is_empty()
    }

    /// The numbers of a list's entries, `carriers.0.…` and up.
    pub fn indices(&self, list: &str) -> BTreeSet<usize> {
        let below = format!("{list}.");
        let number = |key: &String| key.strip_prefix(&below)?.split('.').next()?.parse().ok();
        self.values.keys().filter_map(number).chain(self.tables.keys().filter_map(number)).collect()
    }

    pub fn text(&mut self, key: &str) -> Option<String> {
        self.asked.insert(key.to_owned());
        match &self.values.get(key)?.scalar {
            Scalar::Text(text) => Some(text.clone()),
            Scalar::Integer(_) | Scalar::Float(_) | Scalar::Flag(_) | Scalar::Other(_) => {
                self.wrong_type(key, "a string in quotes");
                None
            }
        }
    }

    /// A string that becomes something else; the parser's words, `what: mend`, are the fault.
    pub fn with<T, E: Display>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let text = self.text(key)?;
        parse(&text).map_err(|error| self.fault_of(key, &error.to_string())).ok()
    }

    pub fn parsed<T: FromStr<Err: Display>>(&mut self, key: &str) -> Option<T> {
        self.with(key, T::from_str)
    }

    pub fn secret(&mut self, key: &str) -> Option<Secret> {
        let text = self.text(key)?;
        let reference = match &self.values.get(key)?.origin {
            Origin::File { name, .. } => secrets::beside(name, &text),
            Origin::Variable(_) => text,
        };
        (self.secret)(&reference).map_err(|error| self.fault_of(key, &error)).ok().map(Secret::new)
    }

    /// A path; one that the file names stands beside the file where it is relative.
    pub fn path(&mut self, key: &str) -> Option<PathBuf> {
        let path = PathBuf::from(self.text(key)?);
        Some(match &self.values.get(key)?.origin {
            Origin::File { name, .. } => Path::new(name).with_file_name("").join(path),
            Origin::Variable(_) => path,
        })
    }

    pub fn number(&mut self, key: &str, range: std::ops::RangeInclusive<f64>) -> Option<f64> {
        self.asked.insert(key.to_owned());
        let given = self.values.get(key)?;
        let number = match &given.scalar {
            #[expect(clippy::cast_precision_loss, reason = "the ranges asked for are small")]
            Scalar::Integer(number) => Some(*number as f64),
            Scalar::Float(number) => Some(*number),
            Scalar::Text(text) if matches!(given.origin, Origin::Variable(_)) => text.trim().parse().ok(),
            Scalar::Text(_) | Scalar::Flag(_) | Scalar::Other(_) => None,
        };
        match number {
            Some(number) if range.contains(&number) => Some(number),
            Some(number) => {
                let mend = format!("use {} to {}", range.start(), range.end());
                self.fault(key, format!("{} is {number}", value_name(key)), mend);
                None
            }
            None => {
                self.wrong_type(key, "a number");
                None
            }
        }
    }

    pub fn flag(&mut self, key: &str) -> Option<bool> {
        self.asked.insert(key.to_owned());
        let given = self.values.get(key)?;
        let flag = match &given.scalar {
            Scalar::Flag(flag) => Some(*flag),
            Scalar::Text(text) if matches!(given.origin, Origin::Variable(_)) => text.trim().parse().ok(),
            Scalar::Text(_) | Scalar::Integer(_) | Scalar::Float(_) | Scalar::Other(_) => None,
        };
        if flag.is_none() {
            self.wrong_type(key, "true or false");
        }
        flag
    }

    /// A list of strings; in a variable they are divided by commas.
    pub fn list<T, E: Display>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<Vec<T>> {
        self.asked.insert(key.to_owned());
        if let Some(Given { scalar: Scalar::Text(text), origin: Origin::Variable(_), .. }) = self.values.get(key) {
            let entries: Result<Vec<T>, E> = text.split(',').map(|entry| parse(entry.trim())).collect();
            return entries.map_err(|error| self.fault_of(key, &error.to_string())).ok();
        }
        if self.values.contains_key(key) {
            self.wrong_type(key, "a list of strings");
            return None;
        }
        self.has(key).then(|| {
            let entries = self.indices(key);
            entries.into_iter().filter_map(|index| self.with(&format!("{key}.{index}"), &parse)).collect()
        })
    }

    /// Notes a fault where the key stands, else at its section, else at the file as a whole.
    pub fn fault(&mut self, key: &str, what: impl Into<String>, mend: impl Into<String>) {
        let mut at = Some(key);
        let origin = loop {
            let Some(path) = at else { break None };
            if let Some(origin) = self.values.get(path).map(|given| &given.origin).or_else(|| self.tables.get(path)) {
                break Some(origin.clone());
            }
            at = path.rsplit_once('.').map(|(parent, _)| parent);
        };
        self.faults.push(fault_at(origin, what.into(), mend.into()));
    }

    pub fn missing(&mut self, key: &str, example: &str) {
        let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
        let variable = format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"));
        let what = format!("{} has no `{name}`", section_name(section));
        self.fault(key, what, format!("add `{name} = {example}`, or set {variable}"));
    }

    /// `what: mend` in one text.
    fn fault_of(&mut self, key: &str, message: &str) {
        let (what, mend) = message.split_once(": ").unwrap_or((message, ""));
        self.fault(key, what, mend);
    }

    fn wrong_type(&mut self, key: &str, wanted: &str) {
        let is = match self.values.get(key).map(|given| &given.scalar) {
            Some(Scalar::Text(_)) => "a string",
            Some(Scalar::Integer(_)) => "a whole number",
            Some(Scalar::Float(_)) => "a number with a point",
            Some(Scalar::Flag(_)) => "true or false",
            Some(Scalar::Other(name)) => name,
            None => "nothing",
        };
        self.fault(key, format!("{} is {is}, not {wanted}", value_name(key)), format!("write {wanted}"));
    }

    /// What is wrong in the file as such, and with the keys that were asked for.
    pub fn so_far(self) -> Vec<Fault> {
        self.faults
    }

    /// All faults, with those keys and sections that nobody asked for.
    pub fn finish(mut self) -> Vec<Fault> {
        let known = |path: &str| {
            let below = format!("{path}.");
            self.asked.iter().any(|asked| asked == path || asked.starts_with(&below))
        };
        let below_unknown = |path: &str| {
            let mut at = path;
            while let Some((parent, _)) = at.rsplit_once('.') {
                at = parent;
                if self.tables.contains_key(at) && !known(at) {
                    return true;
                }
            }
            false
        };
        let places = self.tables.iter().map(|(path, origin)| (path, origin, true));
        let values = self.values.iter().map(|(path, given)| (path, &given.key, false));
        let mut unknown = Vec::new();
        for (path, origin, is_table) in places.chain(values) {
            let recognised = if is_table { known(path) } else { self.asked.contains(path) };
            if recognised || below_unknown(path) || self.is_absent_list(path) {
                continue;
            }
            unknown.push(self.unknown(path, origin, known(path)));
        }
        self.faults.append(&mut unknown);
        self.faults.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        self.faults
    }

    /// `carriers = []` asks for no entry, so no key of it is known by name.
    fn is_absent_list(&self, path: &str) -> bool {
        path == "carriers" && self.tables.contains_key(path)
    }

    fn unknown(&self, path: &str, origin: &Origin, is_section: bool) -> Fault {
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        if is_section {
            return fault_at(Some(origin.clone()), format!("`{path}` is no section here"), format!("write [{path}]"));
        }
        let below = if parent.is_empty() { String::new() } else { format!("{parent}.") };
        let names: BTreeSet<&str> =
            self.asked.iter().filter_map(|asked| asked.strip_prefix(&below)?.split('.').next()).collect();
        let mend = did_you_mean(name, names.iter().copied()).unwrap_or_else(|| {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("{} takes {}", section_name(parent), names.join(", "))
        });
        fault_at(Some(origin.clone()), format!("{} has an unknown key `{name}`", section_name(parent)), mend)
    }
}

fn section_name(path: &str) -> String {
    match path.split_once('.') {
        None if path.is_empty() => "the configuration".to_owned(),
        None => format!("[{path}]"),
        Some((list, _)) => format!("[[{list}]]"),
    }
}

/// `limits.countries.0` is an entry of `countries`.
fn value_name(key: &str) -> String {
    let mut parts = key.rsplit('.');
    match (parts.next().unwrap_or(key), parts.next()) {
        (index, Some(list)) if index.bytes().all(|b| b.is_ascii_digit()) => format!("an entry of `{list}`"),
        (name, _) => format!("`{name}`"),
    }
}

fn origin(source: &Source, span: crate::model::source::Span) -> Origin {
    let (line, column) = span.map_or((0, 0), |span| source.place(span.start));
    Origin::File { name: source.file().to_owned(), line, column }
}

fn fault_at(origin: Option<Origin>, what: String, mend: String) -> Fault {
    let (file, line, column) = match origin {
        Some(Origin::File { name, line, column }) => (name, line, column),
        Some(Origin::Variable(name)) => (name, 0, 0),
        None => (super::FILE.to_owned(), 0, 0),
    };
    Fault { file, line, column, what, mend }
}
