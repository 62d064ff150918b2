//! An SMS comes in: `1 CODE`, `2 CODE`, `9 CODE` from a declared person's own number.
//!
//! The answer is a `<Message>` in the document: it goes out with the webhook's own answer, needs no
//! second request that may fail by itself, and a repeated webhook gets the same one. Only to a carrier
//! that reads no such answers it goes by a request, once. Strangers get silence: an answer would cost money and
//! tell them that somebody listens.

use axum::{extract::State as Extract, response::Response};
use chrono::TimeDelta;
use sqlx::AnyConnection;

use super::{
    State,
    apply::{Applied, apply, is_by, taken},
    command::{self, Command, More},
    document::{self, SILENCE},
};
use crate::{
    carrier::{Carrier, NewSms},
    model::{alert::Actor, code, duration, id::AlertId, person::Person, phone::Phone},
    notify::{
        links::Action,
        texts::{self, Answer, Happened},
    },
    store::{
        StoreError,
        alerts::{self, AlertRow},
        contacts, incidents, seen,
    },
    web::{text, webhook::Webhook},
    work::{
        Acting,
        act::{self, Acted},
        contacts as work, marks, msp, passing,
    },
};

const HOW: &str = "by SMS";
const NOTE_MAX: usize = 1_000;
/// Later nobody remembers what they had asked.
const REPLY_VALID_S: u32 = 600;

pub(super) async fn received(Extract(state): Extract<State>, webhook: Webhook) -> Response {
    let form = &webhook.form;
    let acting = state.context.acting();
    let from = Phone::from_caller(form.get("From").unwrap_or_default());
    let command = command::parse(form.get("Body").unwrap_or_default(), form.get("OptOutType"));
    if let (Some(from), Command::OptOut) = (&from, &command) {
        stop(&state, &acting, from).await;
    }
    if let (Some(from), Command::OptIn) = (&from, &command) {
        start(&state, &acting, from).await;
    }
    let Some(person) = from.as_ref().and_then(|from| acting.directory.person_with_phone(from)).cloned() else {
        let from = from.map(|from| from.masked()).unwrap_or_default();
        tracing::info!(from, "an SMS from nobody declared was left unanswered");
        return document::answer("sms-stranger", SILENCE.to_owned());
    };
    let sid = form.get("MessageSid").or_else(|| form.get("SmsSid")).unwrap_or_default();
    let Some(from) = from else { return document::answer("sms-stranger", SILENCE.to_owned()) };
    let message =
        Received { key: format!("sms:{}:{sid}", webhook.carrier), acting, person, from: from.clone(), command };
    let answer = message.answered(&state, !sid.is_empty()).await;
    let carriers = state.webhooks.carriers();
    let carrier = carriers.get(&webhook.carrier).map(|line| line.carrier.as_ref());
    let Some(carrier) = carrier.filter(|carrier| !carrier.answers_by_document()) else {
        return document::answer("sms", answer.document);
    };
    if !answer.is_repeated {
        reply(carrier, from, Phone::from_caller(form.get("To").unwrap_or_default()), &answer.document).await;
    }
    document::taken("sms")
}

/// What is lost here is a courtesy: their message has had its effect.
async fn reply(carrier: &dyn Carrier, to: Phone, from: Option<Phone>, document: &str) {
    let Some(body) = document::message_in(document) else { return };
    let sms = NewSms { to, from, body, status_callback: None, validity_s: REPLY_VALID_S };
    if let Err(error) = carrier.send_sms(&sms).await {
        let error = Phone::masked_in(&error.to_string());
        tracing::warn!(to = sms.to.masked(), error, "an SMS could not be answered");
    }
}

/// Whoever texts STOP gets no SMS until they text START, and hears no more of incidents either. Most carriers block
/// the number all the same.
async fn stop(state: &State, acting: &Acting, from: &Phone) {
    let (org, phone, now) = (acting.org().clone(), from.clone(), acting.now);
    let stopped = async move |db: &mut AnyConnection| {
        contacts::stop(db, &org, &phone, now).await?;
        incidents::unfollow(db, &org, &phone).await
    };
    match state.context.store.write(stopped).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(from = from.masked(), count, "a caller wants no more SMS about incidents"),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a STOP could not be kept");
        }
    }
}

/// SMS may go there again.
async fn start(state: &State, acting: &Acting, from: &Phone) {
    let (org, phone) = (acting.org().clone(), from.clone());
    if let Err(error) = state.context.store.write(async move |db| contacts::start(db, &org, &phone).await).await {
        tracing::error!(error = &error as &dyn std::error::Error, "a START could not be kept");
    }
}

struct Answered {
    document: String,
    /// The same message came before, and was answered.
    is_repeated: bool,
}

impl Answered {
    fn new(document: String) -> Self {
        Self { document, is_repeated: false }
    }
}

/// A declared person's message.
#[derive(Clone)]
struct Received {
    /// The same for a webhook that comes twice.
    key: String,
    acting: Acting,
    person: Person,
    from: Phone,
    command: Command,
}

impl Received {
    async fn answered(&self, state: &State, has_key: bool) -> Answered {
        let silence = || Answered::new(SILENCE.to_owned());
        let outcome = match self.command {
            Command::OptOut | Command::OptIn => self.opted(state).await.map(|()| silence()),
            Command::CarriersHelp => Ok(silence()),
            Command::Act { .. } | Command::More { .. } | Command::Bare(_) | Command::Other => {
                let (unit, patient) = (self.clone(), state.clone());
                state.context.change(async move |db| unit.once(db, &patient, has_key).await).await
            }
        };
        outcome.unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "an SMS could not be worked on");
            // Their own message is all they know: they must learn that it had no effect.
            Answered::new(self.say(Answer::Failed))
        })
    }

    async fn once(&self, db: &mut AnyConnection, state: &State, has_key: bool) -> Result<Answered, StoreError> {
        if has_key && let Some(document) = seen::answer(db, self.acting.org(), &self.key).await? {
            return Ok(Answered { document, is_repeated: true });
        }
        let document = self.heed(db, state).await?;
        if has_key && !seen::remember(db, self.acting.org(), &self.key, &document, self.acting.now).await? {
            return Err(StoreError::Stale("the same message was faster"));
        }
        Ok(Answered::new(document))
    }

    async fn heed(&self, db: &mut AnyConnection, state: &State) -> Result<String, StoreError> {
        let waiting = alerts::waiting_for(db, self.acting.org(), &self.person.id).await?;
        match &self.command {
            Command::Act { action, code, number } => {
                let row = match number {
                    Some(number) => alerts::by_number(db, self.acting.org(), *number).await?,
                    None => None,
                };
                match row {
                    Some(row) => self.act(db, *action, &row.alert.id, code).await,
                    None => Ok(self.help(state, Answer::Unknown { code })),
                }
            }
            Command::More { asked, code, number, rest } => {
                let row = match number {
                    Some(number) => alerts::by_number(db, self.acting.org(), *number).await?,
                    None => None,
                };
                match row {
                    Some(row) => self.more(db, *asked, &row.alert.id, code, rest).await,
                    None => Ok(self.help(state, Answer::Unknown { code })),
                }
            }
            // Only one alert can be meant.
            Command::Bare(action) if waiting.len() == 1 => {
                let alert = &waiting[0].alert;
                self.act(db, *action, &alert.id, &alert.code()).await
            }
            Command::Bare(_) | Command::Other | Command::OptOut | Command::OptIn | Command::CarriersHelp => {
                let code = waiting.first().map(|row| row.alert.code());
                Ok(self.help(state, Answer::Help { code: code.as_deref() }))
            }
        }
    }

    async fn act(
        &self,
        db: &mut AnyConnection,
        action: Action,
        alert: &AlertId,
        given: &str,
    ) -> Result<String, StoreError> {
        Ok(match apply(db, &self.acting, alert, &self.person.id, action, HOW).await? {
            Applied::Done(row) => self.say(Answer::Done { action, code: &row.alert.code() }),
            Applied::Already(row) => self.already(&row),
            Applied::Gone => self.say(Answer::Unknown { code: given }),
        })
    }

    /// What stands behind the code says more.
    async fn more(
        &self,
        db: &mut AnyConnection,
        asked: More,
        alert: &AlertId,
        code: &str,
        rest: &str,
    ) -> Result<String, StoreError> {
        let by = Actor::Person(self.person.id.clone());
        let (acted, answer) = match asked {
            More::Snooze => {
                let Some(quiet) = quiet(rest) else { return Ok(self.say(Answer::Duration { code })) };
                let until = self.acting.now + quiet;
                let acted = passing::snooze(db, &self.acting, alert, &by, until, HOW).await?;
                (acted, Answer::Snoozed { code, until, zone: self.person.zone })
            }
            More::PassOn => {
                let Some(to) = called(&self.acting, rest) else {
                    return Ok(self.say(Answer::Nobody { code, name: rest }));
                };
                let acted = passing::pass_on(db, &self.acting, alert, &to.id, &by, HOW).await?;
                (acted, Answer::PassedOn { code, to: &to.name })
            }
            More::Note => {
                let note = text::line(rest, NOTE_MAX);
                if note.is_empty() {
                    return Ok(self.say(Answer::Help { code: Some(code) }));
                }
                (act::note(db, &self.acting, alert, &by, &note).await?, Answer::Noted { code })
            }
        };
        Ok(match acted {
            Acted::Done(_) => self.say(answer),
            Acted::Already(row) => self.already(&row),
            Acted::Missing => self.say(Answer::Unknown { code }),
        })
    }

    fn already(&self, row: &AlertRow) -> String {
        let code = code::of(row.alert.number);
        let Some(taken) = taken(row) else { return self.say(Answer::Unknown { code: &code }) };
        let by = self.acting.name_of(&taken.by);
        let happened = Happened { what: taken.what, by, at: taken.at, zone: self.person.zone };
        if is_by(&taken, &self.person.id) {
            self.say(Answer::AlreadyYours { code: &code, happened })
        } else {
            self.say(Answer::Already { code: &code, happened })
        }
    }

    /// An answer to what changed nothing, as long as that makes sense.
    fn help(&self, state: &State, answer: Answer<'_>) -> String {
        if state.patience.lasts(&self.person.id, self.acting.now) { self.say(answer) } else { SILENCE.to_owned() }
    }

    fn say(&self, answer: Answer<'_>) -> String {
        document::message(&texts::answer(self.person.language.as_str(), answer))
    }

    /// Whoever texts STOP has switched off their own pages by SMS: the MSP must know.
    async fn opted(&self, state: &State) -> Result<(), StoreError> {
        let matter = format!("opt-out:{}:{}", self.person.id, self.from.masked());
        if self.command == Command::OptOut {
            let title = format!("{} gets no SMS any more", self.person.name);
            let text = format!(
                "{} has written STOP from {}, so no SMS goes there until they write START.",
                self.person.name,
                self.from.masked()
            );
            return msp::report(&state.context, &matter, &title, &text, None).await.map(|_| ());
        }
        let (acting, by) = (self.acting.clone(), Actor::Person(self.person.id.clone()));
        let (phone, person) = (self.from.clone(), self.person.id.clone());
        let started = async move |db: &mut AnyConnection| {
            work::start(db, &acting, &phone, &matter, &by).await?;
            marks::heard(db, &acting, &person, &by).await
        };
        state.context.change(started).await
    }
}

/// `1h`, `45m`, `45` for minutes; nothing is the usual time. `None`: it makes no sense, or is too long.
fn quiet(given: &str) -> Option<TimeDelta> {
    let given = given.to_ascii_lowercase().replace(' ', "");
    let quiet = match given.as_str() {
        "" => passing::SNOOZE,
        minutes if minutes.bytes().all(|b| b.is_ascii_digit()) => duration::parse(&format!("{minutes}m")).ok()?,
        given => duration::parse(given).ok()?,
    };
    (quiet <= passing::SNOOZE_MAX).then_some(quiet)
}

/// The one person of this id or name, or with this word in the name.
fn called<'a>(acting: &'a Acting, given: &str) -> Option<&'a Person> {
    let given = given.trim_matches(|sign: char| !sign.is_alphanumeric()).to_lowercase();
    let people = || acting.directory.people.values();
    let is_whole = |person: &&Person| person.id.as_str() == given || person.name.to_lowercase() == given;
    let has_word = |person: &&Person| person.name.to_lowercase().split_whitespace().any(|word| word == given);
    only(people().filter(is_whole)).or_else(|| only(people().filter(has_word)))
}

fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    let first = found.next()?;
    found.next().is_none().then_some(first)
}
