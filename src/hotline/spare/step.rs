//! Where a caller stands in the spare document, as its follow-ups carry it: nothing of it is kept anywhere, so
//! any place may answer the next one. The carrier signs the whole address. Pure.

use super::plan::{Human, Line};
use crate::{
    model::{language::Language, phone::Phone},
    web::webhook::Webhook,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub hotline: Phone,
    pub language: Language,
    /// Who rings.
    pub rung: Option<Human>,
    /// Who is dialled after them.
    pub rest: Vec<Human>,
}

impl Step {
    /// Before anybody was dialled.
    pub fn first(line: &Line) -> Self {
        Self { hotline: line.hotline.clone(), language: line.language.clone(), rung: None, rest: line.humans.clone() }
    }

    /// The next one's turn; `None`: all have been tried.
    pub fn next(mut self) -> Option<Self> {
        if self.rest.is_empty() {
            return None;
        }
        self.rung = Some(self.rest.remove(0));
        Some(self)
    }

    /// Only signs that no proxy writes in another way: a signature covers them as they are.
    pub fn query(&self) -> String {
        let mut query = format!("hotline={}&language={}", digits(&self.hotline), self.language);
        if let Some(human) = &self.rung {
            query += &format!("&rung={}", word(human));
        }
        if !self.rest.is_empty() {
            let rest: Vec<String> = self.rest.iter().map(word).collect();
            query += &format!("&rest={}", rest.join("."));
        }
        query
    }

    /// `None`: it is no address of ours.
    pub fn of(webhook: &Webhook) -> Option<Self> {
        Self::read(|name| webhook.queried(name))
    }

    fn read(named: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let rest = named("rest").unwrap_or_default();
        let rest: Option<Vec<Human>> = rest.split('.').filter(|word| !word.is_empty()).map(human).collect();
        let rung = match named("rung") {
            Some(word) => Some(human(&word)?),
            None => None,
        };
        Some(Self {
            hotline: format!("+{}", named("hotline")?).parse().ok()?,
            language: named("language")?.parse().ok()?,
            rung,
            rest: rest?,
        })
    }
}

fn digits(number: &Phone) -> &str {
    number.as_str().trim_start_matches('+')
}

fn word(human: &Human) -> String {
    format!("{}_{}", digits(&human.number), human.language)
}

fn human(word: &str) -> Option<Human> {
    let (digits, language) = word.split_once('_')?;
    Some(Human { number: format!("+{digits}").parse().ok()?, language: language.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{super::plan::tests::plan, *};

    fn read(query: &str) -> Option<Step> {
        let pairs: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Step::read(|name| pairs.get(name).cloned())
    }

    #[test]
    fn each_address_says_who_rings_and_who_is_left() {
        let plan = plan();
        let first = Step::first(&plan.lines[&"+4940901820".parse().unwrap()]);
        let second = first.clone().next().unwrap();
        let third = second.clone().next().unwrap();
        assert_eq!(second.query(), "hotline=4930901820&language=de-AT&rung=4915110000001_de&rest=447700900002_en");
        for step in [first, second, third.clone()] {
            assert_eq!(read(&step.query()), Some(step.clone()));
        }
        assert_eq!(third.next(), None);
    }

    #[test]
    fn another_address_leads_nowhere() {
        for query in [
            "",
            "hotline=112&language=de",
            "hotline=4930901820&language=de&rest=110_de",
            "hotline=4930901820&language=de&rung=x",
        ] {
            assert_eq!(read(query), None, "{query}");
        }
    }
}
