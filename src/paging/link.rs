//! The page behind a signed link of an email or push. Opening it asks and changes nothing, since mail
//! scanners open every link; its buttons act: what the link is for, and whatever else its reader may do with
//! this alert. Works without scripts, and with a screen reader.

use std::{borrow::Cow, sync::LazyLock};

use axum::{
    extract::{Path, Request, State as Extract},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use minijinja::{Environment, Value, context};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use super::{
    State,
    apply::{Applied, apply_unless_taken, is_by, taken},
};
use crate::{
    model::{
        alert::{Actor, AlertState},
        id::PersonId,
    },
    notify::{
        links::{Action, Link, LinkError},
        texts::{self, Answer, Done, Words},
    },
    store::{
        StoreError,
        alerts::{self, AlertRow},
        seen,
    },
    web::{body, text},
    work::{Acting, act, passing},
};

/// A note of many signs, each written as %XX.
const FORM_BYTES_MAX: usize = 16 * 1_024;
const NOTE_MAX: usize = 1_000;
/// Ends a sentence of the timeline.
const HOW: &str = "by link";
/// Names that the page's forms have beside those of actions.
const PASS_ON: &str = "pass-on";
const NOTE: &str = "note";
const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;margin:0;color:#111;background:#fff}\
main{max-width:34rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.4rem;overflow-wrap:anywhere}\
dl{font-size:.9rem;overflow-wrap:anywhere}dt{opacity:.7}dd{margin:0 0 .4rem}\
button{font:inherit;padding:.8rem 1.6rem;border:0;border-radius:.4rem;background:#0b5394;color:#fff}\
button:focus-visible{outline:3px solid #f60}\
form{margin:1rem 0}label{display:block;margin-bottom:.5rem}select,textarea{font:inherit;display:block;width:100%}\
@media(prefers-color-scheme:dark){body{color:#eee;background:#111}button{background:#9cf;color:#000}}";

/// Nothing is loaded, nothing runs, nobody frames it, and the form goes nowhere else.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 is plain text")
});

/// What stands on the page.
#[derive(Default)]
pub(super) struct Page<'a> {
    pub language: &'a str,
    pub row: Option<&'a AlertRow>,
    pub customer: Option<&'a str>,
    pub sentence: &'a str,
    pub button: Option<&'a str>,
    /// What the button asks for.
    pub action: Option<Action>,
    pub more: Option<More<'a>>,
}

/// What else can be done.
pub(super) struct More<'a> {
    words: &'static Words,
    actions: &'static [Action],
    /// To whom it can be passed on: ids and names.
    people: Vec<(&'a str, &'a str)>,
}

pub(super) async fn ask(Extract(state): Extract<State>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let acting = state.context.acting();
    let link = match acting.links.read(&token, acting.now) {
        Ok(link) => link,
        Err(error) => return refused(&headers, error),
    };
    let row = match state.context.store.read().await {
        Ok(mut db) => alerts::by_id(&mut db, acting.org(), &link.alert).await,
        Err(error) => Err(error),
    };
    match row {
        Ok(row) => question(&acting, &link, row.as_ref()),
        Err(error) => unavailable(&acting, &link, &error),
    }
}

pub(super) async fn act(Extract(state): Extract<State>, Path(token): Path<String>, request: Request) -> Response {
    let acting = state.context.acting();
    let (parts, given) = request.into_parts();
    let link = match acting.links.read(&token, acting.now) {
        Ok(link) => link,
        Err(error) => return refused(&parts.headers, error),
    };
    let Ok(form) = body::read(given, FORM_BYTES_MAX).await else {
        return refused(&parts.headers, LinkError::Forged);
    };
    let field = |name: &str| form_urlencoded::parse(&form).find(|(given, _)| given == name).map(|(_, value)| value);
    let Some(asked) = Asked::read(field, &acting, link.action) else {
        return refused(&parts.headers, LinkError::Forged);
    };
    let once_for = match field("rev").and_then(|rev| rev.parse().ok()) {
        Some(rev) => Once::Page(rev),
        None => Once::Link(hex::encode(Sha256::digest(&token))),
    };
    let (unit, given, wish, once_key) = (acting.clone(), link.clone(), asked.clone(), once_for.clone());
    match state.context.change(async move |db| once(db, &unit, &given, &wish, &once_key).await).await {
        Ok(row) => result(&acting, &link, &asked, row.as_ref(), &once_for),
        Err(error) => unavailable(&acting, &link, &error),
    }
}

/// What somebody wants of the page.
#[derive(Clone)]
enum Asked {
    Act(Action),
    PassOn(PersonId),
    Note(String),
}

impl Asked {
    /// `None`: no form of ours says that.
    fn read<'a>(field: impl Fn(&str) -> Option<Cow<'a, str>>, acting: &Acting, usual: Action) -> Option<Self> {
        let Some(name) = field("action").filter(|name| !name.is_empty()) else { return Some(Self::Act(usual)) };
        match name.as_ref() {
            PASS_ON => {
                let to: PersonId = field("to")?.parse().ok()?;
                acting.directory.people.contains_key(&to).then_some(Self::PassOn(to))
            }
            NOTE => Some(text::line(&field("note")?, NOTE_MAX)).filter(|note| !note.is_empty()).map(Self::Note),
            name => Action::named(name).map(Self::Act),
        }
    }

    /// Two that are alike are one that was sent twice.
    fn key(&self) -> String {
        match self {
            Self::Act(action) => action.as_str().to_owned(),
            Self::PassOn(to) => format!("{PASS_ON}:{to}"),
            Self::Note(note) => format!("{NOTE}:{}", hex::encode(Sha256::digest(note))),
        }
    }
}

/// What may act once.
#[derive(Clone)]
enum Once {
    /// The page, which was shown when the alert had this revision.
    Page(i64),
    /// The link itself, by its digest: an ntfy message's button sends it without having shown the page.
    Link(String),
}

/// The same button pressed twice (or sent again by a browser) acts once. Answers how the alert stands.
async fn once(
    db: &mut AnyConnection,
    acting: &Acting,
    link: &Link,
    asked: &Asked,
    once: &Once,
) -> Result<Option<AlertRow>, StoreError> {
    let shown = match once {
        Once::Page(rev) => rev.to_string(),
        Once::Link(digest) => digest.clone(),
    };
    let key = format!("link:{}:{}:{}:{shown}", link.alert, link.person, asked.key());
    if seen::answer(db, acting.org(), &key).await?.is_some() {
        return alerts::by_id(db, acting.org(), &link.alert).await;
    }
    let applied = perform(db, acting, link, asked).await?;
    if !seen::remember(db, acting.org(), &key, "", acting.now).await? {
        return Err(StoreError::Stale("the same button was faster"));
    }
    Ok(match applied {
        Applied::Done(row) | Applied::Already(row) => Some(row),
        Applied::Gone => None,
    })
}

async fn perform(db: &mut AnyConnection, acting: &Acting, link: &Link, asked: &Asked) -> Result<Applied, StoreError> {
    let (alert, by) = (&link.alert, Actor::Person(link.person.clone()));
    if !acting.directory.people.contains_key(&link.person) {
        return Ok(Applied::Gone);
    }
    Ok(match asked {
        Asked::Act(action) => apply_unless_taken(db, acting, alert, &link.person, *action, HOW).await?,
        Asked::PassOn(to) => passing::pass_on(db, acting, alert, to, &by, HOW).await?.into(),
        Asked::Note(note) => act::note(db, acting, alert, &by, note).await?.into(),
    })
}

fn question(acting: &Acting, link: &Link, row: Option<&AlertRow>) -> Response {
    let language = language_of(acting, link);
    let words = texts::words(language);
    let Some(row) = row else {
        return page(StatusCode::GONE, &Page { language, sentence: words.voice_gone, ..Page::default() });
    };
    let customer = acting.customer_of(row);
    let (sentence, action) = match over(acting, link, row) {
        Some(sentence) => (sentence, Some(Action::TakeOver).filter(|_| is_anothers(link, row))),
        None => (words.confirm_question.of(link.action).to_owned(), Some(link.action)),
    };
    let button = action.map(|action| words.action.of(action));
    let more = more(acting, link, row);
    page(StatusCode::OK, &Page { language, row: Some(row), customer, sentence: &sentence, button, action, more })
}

/// Somebody else has it in hand.
fn is_anothers(link: &Link, row: &AlertRow) -> bool {
    taken(row).is_some_and(|taken| taken.what == Done::Acknowledged && !is_by(&taken, &link.person))
}

/// `None`: it is over.
fn more<'a>(acting: &'a Acting, link: &Link, row: &AlertRow) -> Option<More<'a>> {
    let actions: &[Action] = match &row.alert.state {
        AlertState::Resolved { .. } => return None,
        AlertState::Acknowledged { .. } if is_anothers(link, row) => &[],
        AlertState::Acknowledged { .. } => &[Action::Escalate, Action::Resolve, Action::Snooze],
        AlertState::Triggered => &Action::OFFERED,
    };
    let people = acting.directory.people.values().map(|person| (person.id.as_str(), person.name.as_str())).collect();
    Some(More { words: texts::words(language_of(acting, link)), actions, people })
}

fn result(acting: &Acting, link: &Link, asked: &Asked, row: Option<&AlertRow>, once: &Once) -> Response {
    let language = language_of(acting, link);
    let words = texts::words(language);
    let Some(row) = row else {
        return page(StatusCode::GONE, &Page { language, sentence: words.voice_gone, ..Page::default() });
    };
    let others = taken(row).filter(|taken| !is_by(taken, &link.person));
    let code = row.alert.code();
    let (late, sentence) = match (asked, others) {
        (Asked::Note(_), _) => (false, texts::answer(language, Answer::Noted { code: &code })),
        (_, Some(taken)) => (true, texts::already(language, taken.what, acting.name_of(&taken.by))),
        (Asked::Act(action), None) => (false, words.confirm_done.of(*action).to_owned()),
        (Asked::PassOn(to), None) => {
            let to = acting.directory.people.get(to).map_or(to.as_str(), |person| person.name.as_str());
            (false, texts::answer(language, Answer::PassedOn { code: &code, to }))
        }
    };
    let customer = acting.customer_of(row);
    // Where nobody reads the page, the status alone says that it was too late.
    let status = match once {
        Once::Link(_) if late => StatusCode::CONFLICT,
        Once::Link(_) | Once::Page(_) => StatusCode::OK,
    };
    page(status, &Page { language, row: Some(row), customer, sentence: &sentence, ..Page::default() })
}

/// Why there is nothing left to do by this link.
fn over(acting: &Acting, link: &Link, row: &AlertRow) -> Option<String> {
    let language = language_of(acting, link);
    let taken = taken(row)?;
    let own = is_by(&taken, &link.person) && matches!(row.alert.state, AlertState::Acknowledged { .. });
    if own && link.action != Action::Acknowledge {
        return None;
    }
    if own {
        return Some(texts::words(language).confirm_done.of(Action::Acknowledge).to_owned());
    }
    Some(texts::already(language, taken.what, acting.name_of(&taken.by)))
}

/// The reader's, or for a person who is not declared any more English.
fn language_of<'a>(acting: &'a Acting, link: &Link) -> &'a str {
    acting.directory.people.get(&link.person).map_or("en", |person| texts::language_of(person.language.as_str()))
}

pub(super) fn refused(headers: &HeaderMap, error: LinkError) -> Response {
    // Nobody knows who asks, so the browser says in which language.
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let language = texts::language_of(accepted.split([',', ';']).next().unwrap_or_default().trim());
    let words = texts::words(language);
    let (status, sentence) = match error {
        LinkError::Forged => (StatusCode::FORBIDDEN, words.link_forged),
        LinkError::Expired => (StatusCode::GONE, words.link_expired),
    };
    page(status, &Page { language, sentence, ..Page::default() })
}

fn unavailable(acting: &Acting, link: &Link, error: &StoreError) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, alert.id = %link.alert, "a link could not be worked on");
    let language = language_of(acting, link);
    let sentence = &texts::answer(language, Answer::Failed);
    page(StatusCode::SERVICE_UNAVAILABLE, &Page { language, sentence, ..Page::default() })
}

/// What the event says beside the title, as names and values.
fn said(row: Option<&AlertRow>) -> Vec<(String, String)> {
    row.map(AlertRow::said).unwrap_or_default().into_iter().map(|fact| (fact.name, fact.value)).collect()
}

pub(super) fn page(status: StatusCode, page: &Page<'_>) -> Response {
    let alert = page.row.map(|row| &row.alert);
    let values = context! {
        language => page.language, style => STYLE, sentence => page.sentence, button => page.button,
        title => alert.map(|alert| alert.title.as_str()), number => alert.map(|alert| alert.number),
        priority => alert.map(|alert| alert.priority.as_str()), customer => page.customer,
        category => alert.and_then(|alert| alert.category.as_deref()), said => said(page.row),
        rev => page.row.map(|row| row.rev), action => page.action.map(Action::as_str),
        more => page.more.as_ref().map(|more| more.values(page.action)),
    };
    // The name's ending makes every value escaped.
    let html = Environment::new().render_named_str("link.html", include_str!("link.html"), values);
    let html = html.unwrap_or_else(|_| page.sentence.to_owned());
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, POLICY.clone()),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    ];
    (status, headers, html).into_response()
}

impl More<'_> {
    /// Without what the page's own button asks for.
    fn values(&self, shown: Option<Action>) -> Value {
        let Self { words, actions, people } = self;
        let people: Vec<(String, String)> =
            people.iter().map(|(id, name)| ((*id).to_owned(), (*name).to_owned())).collect();
        let rest = actions.iter().filter(|action| shown != Some(**action));
        let rest: Vec<_> = rest.map(|action| (action.as_str(), words.action.of(*action))).collect();
        context! {
            title => words.more, actions => rest, people, to => words.more_to, pass_on => words.more_pass_on,
            note => words.more_note,
        }
    }
}
