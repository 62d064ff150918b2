//! A name that stands twice in one table, which is no TOML: where it is, and in which table. Whoever knows what
//! the table is for can say more than that.

use toml_edit::{Document, Item, Table, TableLike, Value};

/// Each round finds one more; files that people write have a few.
const ROUNDS_MAX: usize = 50;

/// The first name of a file that stands twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twice {
    /// As it is written.
    pub key: String,
    /// The table that it stands in: the names that lead there, each with its line; empty for the file itself.
    pub table: Vec<(String, usize)>,
    /// The line where it stands first.
    pub first: usize,
}

impl Twice {
    /// `None`: nothing stands twice, or something else keeps the text from being read.
    pub(super) fn find(text: &str) -> Option<Self> {
        let (mut text, mut key) = (text.to_owned(), None);
        // Names that stand twice get others, so that the rest can be read.
        for round in 0..ROUNDS_MAX {
            let error = match Document::parse(text.clone()) {
                Ok(document) => return Self::among(&text, &document, key?),
                Err(error) => error,
            };
            let span = error.span().filter(|span| is_twice(error.message()) && span.end > span.start)?;
            let written = text.get(span.clone())?.to_owned();
            text.replace_range(span, &stand_in(round));
            key.get_or_insert(written);
        }
        None
    }

    fn among(text: &str, document: &Document<String>, key: String) -> Option<Self> {
        let line = |offset: usize| text[..offset].matches('\n').count() + 1;
        let (table, path) = find(document.as_table(), &stand_in(0))?;
        let (first, _) = table.get_key_value(key.trim_matches(['"', '\'']))?;
        let place = |(name, at): (String, Option<usize>)| (name, at.map_or(1, line));
        let table = path.into_iter().map(place).collect();
        Some(Self { first: line(first.span()?.start), table, key })
    }

    /// `[steps.category.options]`
    pub fn table_name(&self) -> String {
        let names: Vec<&str> = self.table.iter().map(|(name, _)| name.as_str()).collect();
        if names.is_empty() { "the file".to_owned() } else { format!("[{}]", names.join(".")) }
    }
}

pub(super) fn is_twice(message: &str) -> bool {
    message.contains("duplicate key")
}

fn stand_in(round: usize) -> String {
    format!("pikett-stands-twice-{round}")
}

/// A table on the way, and where its name stands.
type Path = Vec<(String, Option<usize>)>;

/// The table that holds the key, and the way to it.
fn find<'a>(table: &'a dyn TableLike, key: &str) -> Option<(&'a dyn TableLike, Path)> {
    if table.contains_key(key) {
        return Some((table, Path::new()));
    }
    table.iter().find_map(|(name, item)| {
        let (found, mut path) = tables(item).into_iter().find_map(|table| find(table, key))?;
        path.insert(0, (name.to_owned(), table.key(name).and_then(toml_edit::Key::span).map(|span| span.start)));
        Some((found, path))
    })
}

fn tables(item: &Item) -> Vec<&dyn TableLike> {
    fn of_table(table: &Table) -> &dyn TableLike {
        table
    }
    match item {
        Item::None => Vec::new(),
        Item::Table(table) => vec![of_table(table)],
        Item::ArrayOfTables(tables) => tables.iter().map(of_table).collect(),
        Item::Value(value) => of_value(value),
    }
}

fn of_value(value: &Value) -> Vec<&dyn TableLike> {
    match value {
        Value::InlineTable(table) => vec![table],
        Value::Array(values) => values.iter().flat_map(of_value).collect(),
        Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(String, String, usize)> {
        Twice::find(text).map(|twice| (twice.table_name(), twice.key, twice.first))
    }

    #[test]
    fn it_is_found_wherever_it_stands() {
        let options = "[steps.a]\ndo = 'menu'\n[steps.a.options]\n1 = { to = 'x' }\n# 1 = here\n1 = { to = 'y' }\n";
        for (text, table, key, first) in [
            (options, "[steps.a.options]", "1", 4),
            (
                "[steps.a]\noptions = { 1 = { to = 'x' }, 2 = {}, \"1\" = { to = 'y' } }\n",
                "[steps.a.options]",
                "\"1\"",
                2,
            ),
            ("id = 'a'\n\nid = 'b'\n", "the file", "id", 1),
            ("[[call]]\nname = 'a'\nscript = [\n { hear = 'x', hear = 'y' },\n]\n", "[call.script]", "hear", 4),
            ("[a]\nb = 1\nb = 2\nb = 3\n[c]\nd = 1\nd = 1\n", "[a]", "b", 2),
        ] {
            assert_eq!(found(text), Some((table.to_owned(), key.to_owned(), first)), "{text}");
        }
    }

    #[test]
    fn the_way_to_it_says_where_each_name_stands() {
        let twice = Twice::find("[steps.b]\n\n[steps.a]\noptions = { 1 = 1, 1 = 2 }\n").unwrap();
        assert_eq!(twice.table[1..], [("a".to_owned(), 3), ("options".to_owned(), 4)]);
    }

    #[test]
    fn what_is_wrong_otherwise_is_not_that() {
        assert_eq!(found("a = 1\n"), None);
        assert_eq!(found("a = \n"), None);
        assert_eq!(found("a = 1\na = 2\nb = \n"), None);
    }
}
