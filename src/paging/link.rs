//! The page behind a signed link of an email or push. Opening it asks and changes nothing, since mail
//! scanners open every link; its button acts. Works without scripts, and with a screen reader.

use std::sync::LazyLock;

use axum::{
    extract::{Path, Request, State as Extract},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use minijinja::{Environment, context};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use super::{
    State,
    apply::{Applied, apply_unless_taken, is_by, taken},
};
use crate::{
    model::alert::AlertState,
    notify::{
        links::{Action, Link, LinkError},
        texts::{self, Answer},
    },
    store::{
        StoreError,
        alerts::{self, AlertRow},
        seen,
    },
    web::body,
    work::Acting,
};

const FORM_BYTES_MAX: usize = 1_024;
const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;margin:0;color:#111;background:#fff}\
main{max-width:34rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.4rem;overflow-wrap:anywhere}\
dl{font-size:.9rem;overflow-wrap:anywhere}dt{opacity:.7}dd{margin:0 0 .4rem}\
button{font:inherit;padding:.8rem 1.6rem;border:0;border-radius:.4rem;background:#0b5394;color:#fff}\
button:focus-visible{outline:3px solid #f60}\
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
struct Page<'a> {
    language: &'a str,
    row: Option<&'a AlertRow>,
    customer: Option<&'a str>,
    sentence: &'a str,
    button: Option<&'a str>,
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
    let rev = form_urlencoded::parse(&form).find(|(name, _)| name == "rev").map(|(_, rev)| rev.into_owned());
    let rev: i64 = rev.and_then(|rev| rev.parse().ok()).unwrap_or(0);
    let (unit, asked) = (acting.clone(), link.clone());
    match state.context.change(async move |db| once(db, &unit, &asked, rev).await).await {
        Ok(row) => result(&acting, &link, row.as_ref()),
        Err(error) => unavailable(&acting, &link, &error),
    }
}

/// The same button pressed twice (or sent again by a browser) acts once. Answers how the alert stands.
async fn once(db: &mut AnyConnection, acting: &Acting, link: &Link, rev: i64) -> Result<Option<AlertRow>, StoreError> {
    let key = format!("link:{}:{}:{}:{rev}", link.alert, link.person, link.action.as_str());
    if seen::answer(db, acting.org(), &key).await?.is_some() {
        return alerts::by_id(db, acting.org(), &link.alert).await;
    }
    let applied = apply_unless_taken(db, acting, &link.alert, &link.person, link.action, "by link").await?;
    if !seen::remember(db, acting.org(), &key, "", acting.now).await? {
        return Err(StoreError::Stale("the same button was faster"));
    }
    Ok(match applied {
        Applied::Done(row) | Applied::Already(row) => Some(row),
        Applied::Gone => None,
    })
}

fn question(acting: &Acting, link: &Link, row: Option<&AlertRow>) -> Response {
    let language = language_of(acting, link);
    let words = texts::words(language);
    let Some(row) = row else {
        return page(StatusCode::GONE, &Page { language, sentence: words.voice_gone, ..Page::default() });
    };
    let customer = acting.customer_of(row);
    let (sentence, button) = match over(acting, link, row) {
        Some(sentence) => (sentence, None),
        None => (words.confirm_question.of(link.action).to_owned(), Some(words.action.of(link.action))),
    };
    page(StatusCode::OK, &Page { language, row: Some(row), customer, sentence: &sentence, button })
}

fn result(acting: &Acting, link: &Link, row: Option<&AlertRow>) -> Response {
    let language = language_of(acting, link);
    let words = texts::words(language);
    let Some(row) = row else {
        return page(StatusCode::GONE, &Page { language, sentence: words.voice_gone, ..Page::default() });
    };
    let others = taken(row).filter(|taken| !is_by(taken, &link.person));
    let sentence = match others {
        Some(taken) => texts::already(language, taken.what, acting.name_of(&taken.by)),
        None => words.confirm_done.of(link.action).to_owned(),
    };
    let customer = acting.customer_of(row);
    page(StatusCode::OK, &Page { language, row: Some(row), customer, sentence: &sentence, button: None })
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

fn refused(headers: &HeaderMap, error: LinkError) -> Response {
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

fn page(status: StatusCode, page: &Page<'_>) -> Response {
    let alert = page.row.map(|row| &row.alert);
    let values = context! {
        language => page.language, style => STYLE, sentence => page.sentence, button => page.button,
        title => alert.map(|alert| alert.title.as_str()), number => alert.map(|alert| alert.number),
        priority => alert.map(|alert| alert.priority.as_str()), customer => page.customer,
        category => alert.and_then(|alert| alert.category.as_deref()), said => said(page.row), rev => page.row.map(|row| row.rev),
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
