//! The page behind the link by which somebody proves that an email address is theirs. Opening it asks and
//! changes nothing, since mail scanners open every link; its button proves.

use axum::{
    extract::{Path, State as Extract},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{
    State,
    link::{Page, page, refused},
};
use crate::{
    model::person::Person,
    notify::{
        proof::Proof,
        texts::{self, Answer},
    },
    store::{StoreError, contacts as rows},
    work::{
        Acting,
        contacts::{self, Refusal},
    },
};

pub(super) async fn ask(Extract(state): Extract<State>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let acting = state.context.acting();
    let proof = match acting.links.read_proof(&token, acting.now) {
        Ok(proof) => proof,
        Err(error) => return refused(&headers, error),
    };
    let found = async {
        let mut db = state.context.store.read().await?;
        rows::find(&mut db, acting.org(), &proof.person, &proof.method).await
    };
    let language = language_of(&acting, &proof);
    let words = texts::words(language);
    match found.await {
        Ok(Some(contact)) if contact.verified_at.is_none() => {
            let button = Some(words.contact_agree);
            page(StatusCode::OK, &Page { language, sentence: words.contact_question, button, ..Page::default() })
        }
        Ok(Some(_)) => page(StatusCode::OK, &Page { language, sentence: words.contact_done, ..Page::default() }),
        Ok(None) => page(StatusCode::GONE, &Page { language, sentence: words.contact_gone, ..Page::default() }),
        Err(error) => unavailable(language, &error),
    }
}

pub(super) async fn prove(Extract(state): Extract<State>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let acting = state.context.acting();
    let proof = match acting.links.read_proof(&token, acting.now) {
        Ok(proof) => proof,
        Err(error) => return refused(&headers, error),
    };
    let (unit, given) = (acting.clone(), proof.clone());
    let proved = state
        .context
        .change(async move |db| contacts::verify(db, &unit, &given.person, &given.method, &given.code).await);
    let language = language_of(&acting, &proof);
    let words = texts::words(language);
    match proved.await {
        // Pressed twice: it holds.
        Ok(Ok(_) | Err(Refusal::Verified)) => {
            page(StatusCode::OK, &Page { language, sentence: words.contact_done, ..Page::default() })
        }
        Ok(Err(_)) => page(StatusCode::GONE, &Page { language, sentence: words.contact_gone, ..Page::default() }),
        Err(error) => unavailable(language, &error),
    }
}

fn language_of<'a>(acting: &'a Acting, proof: &Proof) -> &'a str {
    let person: Option<&Person> = acting.directory.people.get(&proof.person);
    person.map_or("en", |person| texts::language_of(person.language.as_str()))
}

fn unavailable(language: &str, error: &StoreError) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "a contact could not be verified");
    let sentence = &texts::answer(language, Answer::Failed);
    page(StatusCode::SERVICE_UNAVAILABLE, &Page { language, sentence, ..Page::default() })
}
