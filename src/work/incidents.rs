//! Opening and updating incidents, for every face: the command line, the API. Part of a unit of work: the
//! incident, what the log says of it, and an SMS to each caller who follows it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::AnyConnection;

use super::{
    Acting, Context,
    money::{self, Purse},
    msp,
};
use crate::{
    declare::Directory,
    model::{
        alert::Actor,
        fault::did_you_mean,
        id::{ContractId, CustomerId, IncidentId},
        incident::{Incident, IncidentState, TEXT_MAX, TITLE_MAX},
        language::Language,
    },
    notify::{said, texts},
    store::{
        StoreError, attempts, incidents,
        raise::Raised,
        spent::Spending,
        timeline::{self, Entry},
    },
};

const LANGUAGES_MAX: usize = 20;

/// What somebody wants an incident to be; what is `None` or empty stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    pub title: Option<String>,
    /// Of the texts, the one that stands in for others.
    pub language: Option<Language>,
    /// A text whose language was not said: the incident's own.
    pub text: Option<String>,
    /// Replace what was told before, as one: half of an old story would be wrong.
    pub texts: BTreeMap<Language, String>,
    pub customers: Option<BTreeSet<CustomerId>>,
    pub contracts: Option<BTreeSet<ContractId>>,
    pub state: Option<IncidentState>,
    /// Only if this is still its revision.
    pub rev: Option<i64>,
}

/// What came of an update.
#[derive(Debug, Clone, PartialEq)]
pub enum Updated {
    Done {
        incident: Incident,
        news: News,
    },
    /// It says so already.
    Unchanged(Incident),
    /// Resolved: that is final.
    Over(Incident),
    /// Its revision is another one.
    Newer(Incident),
    Missing,
}

/// Who was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    pub texted: u32,
    /// Follow it as well, but the hour's cap or the list of countries is against it.
    pub left_out: u32,
    /// The alert by which the MSP knows of those.
    pub told: Option<Raised>,
}

impl Draft {
    /// What is wrong with it, by field; `None` in what was to be opened is missing.
    pub fn faults(&self, directory: &Directory, is_new: bool) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        match &self.title {
            None if is_new => faults.push(("title", "is missing".to_owned())),
            Some(title) if title.trim().is_empty() => faults.push(("title", "is empty".to_owned())),
            Some(title) if title.chars().count() > TITLE_MAX => {
                faults.push(("title", format!("is longer than {TITLE_MAX} characters")));
            }
            Some(_) | None => {}
        }
        for text in self.texts.values().chain(&self.text) {
            if text.trim().is_empty() {
                faults.push(("text", "is empty".to_owned()));
            } else if text.chars().count() > TEXT_MAX {
                faults.push(("text", format!("is longer than {TEXT_MAX} characters")));
            }
        }
        if self.texts.len() > LANGUAGES_MAX {
            faults.push(("text", format!("has more than {LANGUAGES_MAX} languages")));
        }
        let customers = self.customers.iter().flatten();
        for id in customers.filter(|id| !directory.customers.contains_key(id)) {
            let known = directory.customers.keys().map(|id| id.as_str());
            faults.push(("customers", unknown("customer", id.as_str(), did_you_mean(id.as_str(), known))));
        }
        let contracts = self.contracts.iter().flatten();
        for id in contracts.filter(|id| !directory.contracts.contains_key(id)) {
            let known = directory.contracts.keys().map(|id| id.as_str());
            faults.push(("contracts", unknown("contract", id.as_str(), did_you_mean(id.as_str(), known))));
        }
        if !is_new && self.says_nothing() {
            faults.push(("state", "is missing, and so is everything else that could change".to_owned()));
        }
        faults
    }

    fn says_nothing(&self) -> bool {
        *self == Self { rev: self.rev, ..Self::default() }
    }

    /// Those of the languages that the texts are in, or the one that was named.
    fn language(&self, directory: &Directory) -> Language {
        if let Some(language) = &self.language {
            return language.clone();
        }
        let spoken = || directory.flows.values().map(|in_use| in_use.flow.default_language());
        let told = spoken().find(|language| self.texts.contains_key(language)).or_else(|| self.texts.keys().next());
        told.or_else(|| spoken().next()).cloned().unwrap_or_else(Language::english)
    }

    fn told(&self, language: &Language) -> BTreeMap<Language, String> {
        let plain = self.text.iter().map(|text| (language.clone(), text.trim().to_owned()));
        let texts = self.texts.iter().map(|(language, text)| (language.clone(), text.trim().to_owned()));
        plain.chain(texts).collect()
    }
}

fn unknown(what: &str, id: &str, mend: Option<String>) -> String {
    let id: String = id.chars().take(64).collect();
    format!("there is no {what} `{id}`; {}", mend.unwrap_or_else(|| "`pikett apply` declares one".to_owned()))
}

/// The draft has no faults.
pub async fn open(db: &mut AnyConnection, acting: &Acting, draft: &Draft, by: &Actor) -> Result<Incident, StoreError> {
    let language = draft.language(&acting.directory);
    let state = draft.state.unwrap_or(IncidentState::Investigating);
    let incident = Incident {
        id: acting.ids.id(acting.now),
        number: 0,
        title: draft.title.as_deref().unwrap_or_default().trim().to_owned(),
        texts: draft.told(&language),
        language,
        customers: draft.customers.clone().unwrap_or_default(),
        contracts: draft.contracts.clone().unwrap_or_default(),
        state,
        rev: 0,
        opened_at: acting.now,
        updated_at: acting.now,
        resolved_at: (state == IncidentState::Resolved).then_some(acting.now),
    };
    let opened = incidents::insert(db, acting.org(), &incident, by).await?;
    let whom = match opened.customers.len() + opened.contracts.len() {
        0 => "everybody".to_owned(),
        _ => named(&opened),
    };
    let text = format!("{} opened incident {} ({}) for {whom}.", acting.name_of(by), opened.number, opened.title);
    note(db, acting, &opened, "incident-opened", text).await?;
    Ok(opened)
}

fn named(incident: &Incident) -> String {
    let customers = incident.customers.iter().map(|id| id.as_str());
    customers.chain(incident.contracts.iter().map(|id| id.as_str())).collect::<Vec<_>>().join(", ")
}

/// The draft has no faults. `number` was reserved for an alert to the MSP: `settle` after the commit.
pub async fn update(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &IncidentId,
    draft: &Draft,
    by: &Actor,
    number: i64,
) -> Result<Updated, StoreError> {
    let Some(before) = incidents::by_id(db, acting.org(), id).await? else { return Ok(Updated::Missing) };
    if !before.is_open() {
        return Ok(Updated::Over(before));
    }
    if draft.rev.is_some_and(|rev| rev != before.rev) {
        return Ok(Updated::Newer(before));
    }
    let language = draft.language.clone().unwrap_or_else(|| before.language.clone());
    let told = draft.told(&language);
    let state = draft.state.unwrap_or(before.state);
    let changed = Incident {
        title: draft.title.as_deref().map_or_else(|| before.title.clone(), |title| title.trim().to_owned()),
        texts: if told.is_empty() { before.texts.clone() } else { told.clone() },
        language,
        customers: draft.customers.clone().unwrap_or_else(|| before.customers.clone()),
        contracts: draft.contracts.clone().unwrap_or_else(|| before.contracts.clone()),
        state,
        updated_at: acting.now,
        resolved_at: (state == IncidentState::Resolved).then_some(acting.now),
        ..before.clone()
    };
    if (Incident { updated_at: before.updated_at, ..changed.clone() }) == before {
        return Ok(Updated::Unchanged(before));
    }
    let Some(incident) = incidents::update(db, acting.org(), &changed, &told, by).await? else {
        return Err(StoreError::Stale("the incident changed meanwhile"));
    };
    let is_news = incident.state != before.state || incident.texts != before.texts;
    let news = if is_news { tell_followers(db, acting, &incident, number).await? } else { News::default() };
    let verb = if incident.is_open() { "updated" } else { "resolved" };
    let text = format!(
        "{} {verb} incident {} ({}): {}. SMS sent: {}.",
        acting.name_of(by),
        incident.number,
        incident.title,
        incident.state.as_str(),
        news.texted
    );
    note(db, acting, &incident, if incident.is_open() { "incident-updated" } else { "incident-resolved" }, text)
        .await?;
    Ok(Updated::Done { incident, news })
}

/// One SMS each, in the language of their call. After the last one nobody follows it any more.
async fn tell_followers(
    db: &mut AnyConnection,
    acting: &Acting,
    incident: &Incident,
    number: i64,
) -> Result<News, StoreError> {
    let org = acting.org();
    let mut news = News::default();
    for follower in incidents::followers(db, org, &incident.id).await? {
        let allowed = acting.directory.countries().contains(follower.phone.country_code());
        let paid = Purse::Callers(&follower.hotline);
        if !allowed || money::spend(db, acting, Spending::Sms, paid, &follower.phone).await?.is_some() {
            news.left_out += 1;
            continue;
        }
        let text = texts::of_incident(&follower.language, incident);
        attempts::insert(db, org, &said::reply(&acting.ids, acting.now, follower.phone, text)).await?;
        news.texted += 1;
    }
    if !incident.is_open() {
        incidents::forget_followers(db, org, &incident.id).await?;
    }
    if news.left_out > 0 {
        let title = format!("Not everybody heard by SMS of incident {}", incident.number);
        let text = format!(
            "{} of the callers who follow incident {} ({}) got no SMS: a cap of `[limits]` is reached, or its \
             `countries` leave theirs out.",
            news.left_out, incident.number, incident.title
        );
        news.told = Some(msp::tell(db, acting, number, "incident-sms", &title, &text, None).await?);
    }
    Ok(news)
}

async fn note(
    db: &mut AnyConnection,
    acting: &Acting,
    incident: &Incident,
    kind: &str,
    text: String,
) -> Result<(), StoreError> {
    let entry = Entry {
        id: acting.ids.id(acting.now),
        alert: None,
        call: None,
        at: acting.now,
        kind: kind.to_owned(),
        text,
        detail: json!({ "incident": incident.id.as_str(), "number": incident.number, "state": incident.state.as_str() }),
    };
    timeline::write(db, acting.org(), &entry).await
}

/// After the commit: what became of the reserved number.
pub fn settle(context: &Context, number: i64, told: Option<&Raised>) {
    match told {
        Some(raised) => msp::settle(context, number, raised),
        None => context.store.return_alert_number(&context.directory().org, number),
    }
}
