//! Where each declared thing stands in the files, so that what shows only when everything is known
//! (an unknown id, a number twice) is still told with file, line and column.

use std::collections::BTreeMap;

use super::document::Kind;
use crate::model::{fault::Fault, source::Reader};

/// Stands for the file of what was applied before.
const DATABASE: &str = "the database";

#[derive(Debug, Default)]
pub struct Places(BTreeMap<(Kind, String), Place>);

#[derive(Debug)]
struct Place {
    file: String,
    /// By path within the thing; the thing itself is the empty path.
    of: BTreeMap<String, (usize, usize)>,
}

impl Places {
    /// Notes where a thing is declared. `false`: it was declared already, which is noted as a fault.
    pub fn claim(&mut self, kind: Kind, id: &str, reader: &Reader) -> bool {
        if let Some(first) = self.0.get(&(kind, id.to_owned())) {
            let (line, column) = first.nearest("");
            let what = format!("{kind} `{id}` is declared twice");
            reader.fault_at("id", what, format!("keep one: the first stands at {}:{line}:{column}", first.file));
            return false;
        }
        let place = Place { file: reader.source().file().to_owned(), of: reader.places() };
        self.0.insert((kind, id.to_owned()), place);
        true
    }

    /// A fault at a path such as `levels.0.notify.1`, or at the nearest that has a place.
    pub fn fault(&self, kind: Kind, id: &str, path: &str, what: impl Into<String>, mend: impl Into<String>) -> Fault {
        let (what, mend) = (what.into(), mend.into());
        match self.0.get(&(kind, id.to_owned())) {
            Some(place) => {
                let (line, column) = place.nearest(path);
                Fault { file: place.file.clone(), line, column, what, mend }
            }
            None => {
                let what = format!("{kind} `{id}`: {what}");
                Fault { file: DATABASE.to_owned(), line: 0, column: 0, what, mend }
            }
        }
    }

    /// In words: `file:line:column`, or that it was applied before.
    pub fn told(&self, kind: Kind, id: &str, path: &str) -> String {
        match self.0.get(&(kind, id.to_owned())) {
            Some(place) => {
                let (line, column) = place.nearest(path);
                format!("{}:{line}:{column}", place.file)
            }
            None => DATABASE.to_owned(),
        }
    }

    pub fn has(&self, kind: Kind, id: &str) -> bool {
        self.0.contains_key(&(kind, id.to_owned()))
    }
}

impl Place {
    fn nearest(&self, path: &str) -> (usize, usize) {
        let mut path = path;
        loop {
            match self.of.get(path) {
                Some(place) => return *place,
                None if path.is_empty() => return (1, 1),
                None => path = path.rsplit_once('.').map_or("", |(parent, _)| parent),
            }
        }
    }
}

/// A thing in a database that cannot be read, or that no longer fits.
pub fn stored_fault(what: impl Into<String>, mend: impl Into<String>) -> Fault {
    Fault { file: DATABASE.to_owned(), line: 0, column: 0, what: what.into(), mend: mend.into() }
}
