//! What the spare documents are made of: per number the language and whom to dial. Made of the directory, and
//! written as JSON, so that a place without a database can answer by it. It holds no secret. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    declare::{Directory, dialled},
    model::{language::Language, phone::Phone},
};

/// Of the file's form.
const VERSION: u64 = 1;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Of the declarations that it was made of.
    pub revision: i64,
    /// How often somebody may be dialled, per hotline and altogether.
    pub calls_per_hour: u32,
    /// By every number at which a hotline answers.
    pub lines: BTreeMap<Phone, Line>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// By which the hotline is known, and which those who are dialled see.
    pub hotline: Phone,
    pub language: Language,
    /// In the order in which they are dialled.
    pub humans: Vec<Human>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Human {
    pub number: Phone,
    pub language: Language,
}

impl Plan {
    pub fn of(directory: &Directory) -> Self {
        let mut lines = BTreeMap::new();
        for hotline in directory.hotlines.values() {
            let in_use = directory.flows.get(&hotline.flow);
            let language = in_use.map_or_else(Language::english, |in_use| in_use.flow.default_language().clone());
            let human =
                |(number, language): (&Phone, &Language)| Human { number: number.clone(), language: language.clone() };
            let humans = dialled(hotline, directory).into_iter().map(human).collect();
            let line = Line { hotline: hotline.number.clone(), language, humans };
            for number in std::iter::once(&hotline.number).chain(&hotline.also) {
                lines.insert(number.clone(), line.clone());
            }
        }
        Self { revision: directory.revision, calls_per_hour: directory.limits.calls_per_hour, lines }
    }

    pub fn to_json(&self) -> String {
        let human = |human: &Human| json!({ "number": human.number.as_str(), "language": human.language.as_str() });
        let line = |(number, line): (&Phone, &Line)| {
            json!({
                "number": number.as_str(),
                "hotline": line.hotline.as_str(),
                "language": line.language.as_str(),
                "spare": line.humans.iter().map(human).collect::<Vec<_>>(),
            })
        };
        let lines: Vec<Value> = self.lines.iter().map(line).collect();
        let plan = json!({
            "version": VERSION, "revision": self.revision, "calls_per_hour": self.calls_per_hour, "lines": lines,
        });
        format!("{plan:#}\n")
    }

    /// What is wrong with it, in words, when it cannot be read.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let plan: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        if plan["version"] != VERSION {
            return Err(format!("its version is {}, not {VERSION}", plan["version"]));
        }
        let mut lines = BTreeMap::new();
        for line in plan["lines"].as_array().ok_or("it has no list `lines`")? {
            let humans = line["spare"].as_array().ok_or("a line has no list `spare`")?;
            let human = |human: &Value| {
                Ok::<_, String>(Human { number: parsed(human, "number")?, language: parsed(human, "language")? })
            };
            let humans = humans.iter().map(human).collect::<Result<_, _>>()?;
            let read = Line { hotline: parsed(line, "hotline")?, language: parsed(line, "language")?, humans };
            lines.insert(parsed(line, "number")?, read);
        }
        let calls_per_hour = plan["calls_per_hour"].as_u64().and_then(|calls| calls.try_into().ok());
        Ok(Self {
            revision: plan["revision"].as_i64().ok_or("it has no `revision`")?,
            calls_per_hour: calls_per_hour.ok_or("it has no `calls_per_hour`")?,
            lines,
        })
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(of: &Value, key: &str) -> Result<T, String> {
    let text = of[key].as_str().ok_or_else(|| format!("a `{key}` is missing"))?;
    text.parse().map_err(|error: T::Err| error.to_string())
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn plan() -> Plan {
        let human = |number: &str, language: &str| Human {
            number: number.parse().unwrap(),
            language: language.parse().unwrap(),
        };
        let line = Line {
            hotline: "+4930901820".parse().unwrap(),
            language: "de-AT".parse().unwrap(),
            humans: vec![human("+4915110000001", "de"), human("+447700900002", "en")],
        };
        let bare = Line { humans: Vec::new(), ..line.clone() };
        let lines = [("+4930901820", line.clone()), ("+4940901820", line), ("+4930901821", bare)];
        let lines = lines.into_iter().map(|(number, line)| (number.parse().unwrap(), line)).collect();
        Plan { revision: 7, calls_per_hour: 3, lines }
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        assert_eq!(Plan::from_json(&plan().to_json()), Ok(plan()));
        assert_eq!(Plan::from_json(&Plan::default().to_json()), Ok(Plan::default()));
    }

    #[test]
    fn a_broken_plan_is_no_plan_and_says_why() {
        let whole = plan().to_json();
        for (text, why) in [
            (whole[..40].to_owned(), "it is no JSON"),
            (whole.replace("\"version\": 1", "\"version\": 2"), "its version is 2"),
            (whole.replace("+4915110000001", "4915"), "`4915` is no phone number"),
            (whole.replace("\"lines\"", "\"lines_\""), "no list `lines`"),
            (whole.replace("\"hotline\"", "\"hotlin\""), "a `hotline` is missing"),
            ("[]".to_owned(), "its version is null"),
        ] {
            let told = Plan::from_json(&text).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }
}
