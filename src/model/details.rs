//! What an event says beyond its summary, as lines for people: names and values, few and short. Pure.
//!
//! The document is a tool's own, of any shape and up to half a megabyte. It is flattened in the order in which
//! people look for things; what is too much is cut and says so.

use serde_json::Value;

use super::text;

/// As many as fit on a screen.
const FACTS_MAX: usize = 30;
const NAME_MAX: usize = 60;
const VALUE_MAX: usize = 400;
/// Objects and lists inside one another are followed so far, then written as they are.
const DEPTH_MAX: usize = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub name: String,
    pub value: String,
}

/// The fields that say where it is, before all others.
const FIRST: [&str; 4] = ["source", "component", "group", "timestamp"];
const LAST: [&str; 4] = ["links", "images", "client", "client_url"];
/// The alert's priority and category say these.
const SAID: [&str; 2] = ["severity", "class"];

/// Of a stored document; one that cannot be read says nothing.
pub fn facts(document: &str) -> Vec<Fact> {
    let Ok(Value::Object(fields)) = serde_json::from_str(document) else { return Vec::new() };
    let known = |name: &&String| {
        let name = name.as_str();
        !FIRST.contains(&name) && !LAST.contains(&name) && !SAID.contains(&name)
    };
    let names = FIRST.into_iter().chain(fields.keys().filter(known).map(String::as_str)).chain(LAST);
    let mut facts = Facts(Vec::new());
    for name in names {
        match (name, fields.get(name)) {
            // Its own names say more than ours for the whole.
            ("custom_details", Some(details @ (Value::Object(_) | Value::Array(_)))) => facts.add("", details, 0),
            ("links", Some(Value::Array(links))) => facts.links(links, "href", "text", "link"),
            ("images", Some(Value::Array(images))) => facts.links(images, "src", "alt", "image"),
            (name, Some(value)) => facts.add(name, value, 0),
            (_, None) => {}
        }
    }
    facts.finish()
}

struct Facts(Vec<Fact>);

impl Facts {
    fn add(&mut self, name: &str, value: &Value, depth: usize) {
        let inside = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
        match value {
            Value::Null => {}
            Value::Object(fields) if depth < DEPTH_MAX => {
                fields.iter().for_each(|(part, value)| self.add(&inside(part), value, depth + 1));
            }
            Value::Array(items) if depth < DEPTH_MAX => {
                for (place, value) in items.iter().enumerate() {
                    self.add(&inside(&(place + 1).to_string()), value, depth + 1);
                }
            }
            Value::String(words) => self.push(name, words),
            Value::Bool(_) | Value::Number(_) | Value::Object(_) | Value::Array(_) => {
                self.push(name, &value.to_string());
            }
        }
    }

    /// `[{ href, text }]`: the text names the address.
    fn links(&mut self, items: &[Value], address: &str, text: &str, otherwise: &str) {
        for item in items {
            let Some(url) = item.get(address).and_then(Value::as_str) else { continue };
            let name = item.get(text).and_then(Value::as_str).filter(|name| !name.trim().is_empty());
            self.push(name.unwrap_or(otherwise), url);
        }
    }

    fn push(&mut self, name: &str, value: &str) {
        // One more than is shown tells that there are more.
        if self.0.len() > FACTS_MAX {
            return;
        }
        let (name, value) = (text::line(name, NAME_MAX), text::line(value, VALUE_MAX));
        if !value.is_empty() {
            self.0.push(Fact { name, value });
        }
    }

    fn finish(mut self) -> Vec<Fact> {
        if self.0.len() > FACTS_MAX {
            self.0.truncate(FACTS_MAX);
            self.0.push(Fact { name: "…".to_owned(), value: "there is more, which is not shown".to_owned() });
        }
        self.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(document: &Value, expect: &[(&str, &str)]) {
        let facts = facts(&document.to_string());
        let facts: Vec<_> = facts.iter().map(|fact| (fact.name.as_str(), fact.value.as_str())).collect();
        assert_eq!(facts, expect);
    }

    #[test]
    fn where_it_is_comes_first_and_where_to_look_last() {
        check(
            &json!({
                "client": "Checker", "client_url": "https://checker.example", "class": "disk", "severity": "error",
                "component": "mysql", "source": "db1", "custom_details": { "free": "1%", "load": 0.75, "none": null },
                "links": [{ "href": "https://wiki.example/disk", "text": "Runbook" }, { "href": "https://b.example" }],
                "images": [{ "src": "https://graph.example/1.png" }],
            }),
            &[
                ("source", "db1"),
                ("component", "mysql"),
                ("free", "1%"),
                ("load", "0.75"),
                ("Runbook", "https://wiki.example/disk"),
                ("link", "https://b.example"),
                ("image", "https://graph.example/1.png"),
                ("client", "Checker"),
                ("client_url", "https://checker.example"),
            ],
        );
    }

    #[test]
    fn what_is_nested_has_a_path_and_what_is_deep_stays_as_it_is() {
        check(
            &json!({ "custom_details": { "disks": [{ "name": "sda" }, { "a": { "b": 1 }, "name": "sdb" }] } }),
            &[("disks.1.name", "sda"), ("disks.2.a", "{\"b\":1}"), ("disks.2.name", "sdb")],
        );
        check(&json!({ "custom_details": "no object" }), &[("custom_details", "no object")]);
    }

    #[test]
    fn what_comes_from_outside_is_short_and_tame() {
        let many: serde_json::Map<String, Value> =
            (0..5_000).map(|n| (format!("{n:04}\u{1b}[31m"), "x\r\n\u{202e}".repeat(10_000).into())).collect();
        let facts = facts(&json!({ "custom_details": many }).to_string());
        assert_eq!(facts.len(), FACTS_MAX + 1);
        assert_eq!(facts[0].name, "0000 [31m");
        assert!(facts.iter().all(|fact| fact.value.chars().count() <= VALUE_MAX && !fact.value.contains('\n')));
        assert_eq!(facts[FACTS_MAX].value, "there is more, which is not shown");
        assert_eq!(super::facts("no JSON"), []);
        assert_eq!(super::facts("[1]"), []);
    }
}
