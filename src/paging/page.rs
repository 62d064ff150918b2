//! A page call: says what is wrong, twice, and takes a key. Answering it acknowledges nothing, since a
//! mailbox answers too.

use axum::{extract::State as Extract, response::Response};
use sqlx::AnyConnection;

use super::{
    State,
    apply::{Applied, apply_unless_taken, is_by, taken},
    choices::{Chosen, Menu},
    document::{self, say},
    spoken,
};
use crate::{
    carrier::twiml::{self, Gather, GatherInput, Method, Pause, Prompt, Redirect, Verb},
    model::{
        alert::{Actor, AlertState},
        id::{AttemptId, CarrierId, PersonId},
    },
    notify::{
        Said,
        links::Action,
        texts::{self, Done, Words},
        urls,
    },
    store::{
        StoreError,
        alerts::{self, AlertRow},
        attempts::{self, Attempt, AttemptKind},
        callbacks, seen,
    },
    web::webhook::Webhook,
    work::{Acting, act, act::Acted, passing, report},
};

pub(super) const KEY_WAIT_S: u32 = 8;
/// Who presses 3 that often is a machine.
const ASKED_MAX: u32 = 12;
const REPEAT: &str = "3";
const HOW: &str = "by key on the phone";

/// A call that pages somebody, as one webhook sees it.
#[derive(Clone)]
struct PageCall {
    acting: Acting,
    carrier: CarrierId,
    attempt: AttemptId,
    public_url: String,
    /// How often it was asked for a key before.
    asked: u32,
    /// What the key was asked for, if not for the page's own keys.
    menu: Option<Menu>,
}

/// The call was picked up by somebody or something.
pub(super) async fn answered(Extract(state): Extract<State>, webhook: Webhook) -> Response {
    let Some(call) = PageCall::of(&state, &webhook) else { return gone() };
    let document = match state.context.store.read().await {
        Ok(mut db) => call.ask(&mut db).await,
        Err(error) => Err(error),
    };
    document::answer("page", document.unwrap_or_else(|error| unavailable(&call, &error)))
}

/// A key was pressed.
pub(super) async fn key(Extract(state): Extract<State>, webhook: Webhook) -> Response {
    let Some(call) = PageCall::of(&state, &webhook) else { return gone() };
    let digits = webhook.form.get("Digits").unwrap_or_default().to_owned();
    let unit = call.clone();
    let document = state.context.change(async move |db| unit.pressed(db, &digits).await).await;
    document::answer("page-key", document.unwrap_or_else(|error| unavailable(&call, &error)))
}

impl PageCall {
    /// `None`: the path names no attempt.
    fn of(state: &State, webhook: &Webhook) -> Option<Self> {
        Some(Self {
            acting: state.context.acting(),
            carrier: webhook.carrier.clone(),
            attempt: webhook.named("attempt")?,
            public_url: state.webhooks.public_url().to_owned(),
            asked: webhook.queried("n").unwrap_or(0).min(ASKED_MAX),
            menu: webhook.queried::<String>("menu").and_then(|menu| Menu::named(&menu)),
        })
    }

    async fn ask(&self, db: &mut AnyConnection) -> Result<String, StoreError> {
        let attempt = attempts::by_id(db, self.acting.org(), &self.attempt).await?;
        if let Some(document) = attempt.and_then(|attempt| spoken::document(&attempt, &self.key_url())) {
            return Ok(document);
        }
        let Some((attempt, row)) = self.load(db).await? else {
            return Ok(farewell("en", texts::words("en").voice_gone));
        };
        Ok(self.question(&attempt, &row, None))
    }

    /// The same key of the same question again gets the same document and does nothing more.
    async fn pressed(&self, db: &mut AnyConnection, digits: &str) -> Result<String, StoreError> {
        let key = format!("page:{}:{}:{}", self.attempt, self.asked, digits.chars().take(8).collect::<String>());
        if let Some(document) = seen::answer(db, self.acting.org(), &key).await? {
            return Ok(document);
        }
        let document = self.heed(db, digits).await?;
        if !seen::remember(db, self.acting.org(), &key, &document, self.acting.now).await? {
            return Err(StoreError::Stale("the same key was faster"));
        }
        Ok(document)
    }

    async fn heed(&self, db: &mut AnyConnection, digits: &str) -> Result<String, StoreError> {
        if let Some(attempt) = attempts::by_id(db, self.acting.org(), &self.attempt).await?
            && let Some(document) = spoken::heard(db, &self.acting, &attempt).await?
        {
            return Ok(document);
        }
        let Some((attempt, row)) = self.load(db).await? else {
            return Ok(farewell("en", texts::words("en").voice_gone));
        };
        let (language, words) = said(&attempt);
        if let Some(menu) = &self.menu {
            return match (menu.chosen(digits, words), &attempt.person) {
                (Some(chosen), Some(person)) => self.choose(db, (&attempt, &row), person, chosen).await,
                _ => Ok(self.question(&attempt, &row, Some(words.voice_unknown_key))),
            };
        }
        if row.alert.state == AlertState::Triggered
            && let Some(menu) = Menu::behind(digits, &self.acting, attempt.person.as_ref())
        {
            return Ok(self.offer(&language, &menu));
        }
        let mut signs = digits.chars();
        let action = signs.next().and_then(Action::of_digit).filter(|_| signs.next().is_none());
        let (Some(action), Some(person)) = (action, &attempt.person) else {
            let remark = (digits != REPEAT).then_some(words.voice_unknown_key);
            return Ok(self.question(&attempt, &row, remark));
        };
        let applied = apply_unless_taken(db, &self.acting, &row.alert.id, person, action, HOW).await?;
        report::key_pressed(db, &self.acting, &attempt.id).await?;
        if action == Action::Acknowledge && matches!(applied, Applied::Done(_)) && self.is_callback(db, &row).await? {
            return Ok(farewell(&language, words.voice_callback));
        }
        Ok(match applied {
            Applied::Done(_) => farewell(&language, words.voice_done.of(action)),
            Applied::Already(row) => match taken(&row) {
                // Pressed once more, or by SMS a moment before.
                Some(taken) if is_by(&taken, person) => farewell(&language, words.voice_done.of(action)),
                _ => self.over(&attempt, &row),
            },
            Applied::Gone => farewell(&language, words.voice_gone),
        })
    }

    async fn choose(
        &self,
        db: &mut AnyConnection,
        (attempt, row): (&Attempt, &AlertRow),
        person: &PersonId,
        chosen: Chosen,
    ) -> Result<String, StoreError> {
        let ((language, words), by) = (said(attempt), Actor::Person(person.clone()));
        if !self.acting.directory.people.contains_key(person) {
            return Ok(farewell(&language, words.voice_gone));
        }
        if row.alert.state != AlertState::Triggered {
            return Ok(self.over(attempt, row));
        }
        report::key_pressed(db, &self.acting, &attempt.id).await?;
        match chosen {
            Chosen::Note(note) => {
                act::note(db, &self.acting, &row.alert.id, &by, &note).await?;
                Ok(self.question(attempt, row, Some(words.voice_noted)))
            }
            Chosen::PassOn(to) => {
                let Some(receiver) = self.acting.directory.people.get(&to) else {
                    return Ok(self.question(attempt, row, Some(words.voice_unknown_key)));
                };
                match passing::pass_on(db, &self.acting, &row.alert.id, &to, &by, HOW).await? {
                    Acted::Done(_) => Ok(farewell(&language, &texts::passed_on(&language, &receiver.name))),
                    Acted::Already(row) => Ok(self.over(attempt, &row)),
                    Acted::Missing => Ok(farewell(&language, words.voice_gone)),
                }
            }
        }
    }

    /// Whoever takes it is rung anew, to be connected with the customer.
    async fn is_callback(&self, db: &mut AnyConnection, row: &AlertRow) -> Result<bool, StoreError> {
        let promised = callbacks::of_alert(db, self.acting.org(), &row.alert.id).await?;
        Ok(promised.is_some_and(|callback| callback.is_open()))
    }

    async fn load(&self, db: &mut AnyConnection) -> Result<Option<(Attempt, AlertRow)>, StoreError> {
        let attempt = attempts::by_id(db, self.acting.org(), &self.attempt).await?;
        let Some(attempt) = attempt.filter(|attempt| attempt.kind == AttemptKind::Page) else { return Ok(None) };
        let Some(alert) = &attempt.alert else { return Ok(None) };
        let row = alerts::by_id(db, self.acting.org(), alert).await?;
        Ok(row.map(|row| (attempt, row)))
    }

    /// What is wrong and which keys there are, twice; a key interrupts.
    fn question(&self, attempt: &Attempt, row: &AlertRow, remark: Option<&str>) -> String {
        let (language, words) = said(attempt);
        if row.alert.state != AlertState::Triggered {
            return self.over(attempt, row);
        }
        if self.asked >= ASKED_MAX {
            return farewell(&language, words.voice_no_key);
        }
        let page = Said::from_json(&attempt.text).unwrap_or_default().text;
        let mut prompts: Vec<Prompt> = vec![Pause::seconds(1).into()];
        prompts.extend(remark.map(|remark| say(&language, remark).into()));
        for _ in 0..2 {
            prompts.push(say(&language, &page).into());
            prompts.push(say(&language, words.voice_keys).into());
            prompts.push(Pause::seconds(1).into());
        }
        let gather = self.gather(prompts);
        let verbs = [Verb::from(gather), say(&language, words.voice_no_key).into(), Verb::Hangup];
        document::text(&twiml::Response { verbs: verbs.into() })
    }

    /// The keys of a menu, twice.
    fn offer(&self, language: &str, menu: &Menu) -> String {
        let sentences = menu.sentences(language, &self.acting);
        let mut prompts: Vec<Prompt> = Vec::new();
        for _ in 0..2 {
            prompts.extend(sentences.iter().map(|sentence| Prompt::from(say(language, sentence))));
            prompts.push(Pause::seconds(1).into());
        }
        let gather = Gather { action: Some(self.key_url() + &menu.query()), ..self.gather(prompts) };
        let none = say(language, texts::words(language).voice_no_key);
        document::text(&twiml::Response { verbs: [Verb::from(gather), none.into(), Verb::Hangup].into() })
    }

    /// Where the next key goes.
    fn key_url(&self) -> String {
        let page = urls::page(&self.public_url, &self.carrier, &self.attempt);
        format!("{page}/key?n={}", self.asked + 1)
    }

    /// Somebody was faster; what they have can be taken over.
    fn over(&self, attempt: &Attempt, row: &AlertRow) -> String {
        let (language, words) = said(attempt);
        let Some(taken) = taken(row) else { return farewell(&language, words.voice_gone) };
        let sentence = texts::already(&language, taken.what, self.acting.name_of(&taken.by));
        let is_own = attempt.person.as_ref().is_some_and(|person| is_by(&taken, person));
        if is_own || taken.what == Done::Resolved || self.asked >= ASKED_MAX {
            return farewell(&language, &sentence);
        }
        let mut prompts: Vec<Prompt> = vec![Pause::seconds(1).into()];
        prompts.extend([sentence.as_str(), words.voice_take_over].map(|words| say(&language, words).into()));
        let gather = self.gather(prompts);
        document::text(&twiml::Response { verbs: [Verb::from(gather), Verb::Hangup].into() })
    }

    /// One key, which interrupts what is said.
    fn gather(&self, prompts: Vec<Prompt>) -> Gather {
        Gather {
            action: Some(self.key_url()),
            method: Some(Method::Post),
            input: Some(GatherInput::Dtmf),
            timeout_s: Some(KEY_WAIT_S),
            num_digits: Some(1),
            // Otherwise `#` would end the input with nothing in it.
            finish_on_key: Some(String::new()),
            prompts,
            ..Gather::default()
        }
    }
}

fn said(attempt: &Attempt) -> (String, &'static Words) {
    let language = Said::from_json(&attempt.text).unwrap_or_default().language;
    let words = texts::words(&language);
    // What is said and the voice that says it are of one language.
    (texts::language_of(&language).to_owned(), words)
}

pub(super) fn farewell(language: &str, sentence: &str) -> String {
    document::text(&twiml::Response::new().with(Pause::seconds(1)).with(say(language, sentence)).with(Verb::Hangup))
}

fn gone() -> Response {
    document::answer("page", farewell("en", texts::words("en").voice_gone))
}

/// The database is away: whoever picked up stays on the line and is asked again.
fn unavailable(call: &PageCall, error: &StoreError) -> String {
    tracing::error!(error = error as &dyn std::error::Error, attempt.id = %call.attempt, "a page call could not be answered");
    if call.asked >= ASKED_MAX {
        return farewell("en", texts::words("en").voice_no_key);
    }
    let page = urls::page(&call.public_url, &call.carrier, &call.attempt);
    let again = Redirect::to(format!("{page}?n={}", call.asked + 1));
    document::text(&twiml::Response::new().with(Pause::seconds(3)).with(again))
}
