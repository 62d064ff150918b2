//! A call about the way of calling itself: a code, or a test. It is said twice, any key says that a human has
//! heard it, and nothing else follows.

use sqlx::AnyConnection;

use super::{
    document::{self, say},
    page::{KEY_WAIT_S, farewell},
};
use crate::{
    carrier::twiml::{self, Gather, GatherInput, Method, Pause, Prompt, Verb},
    notify::{Said, texts},
    store::{
        StoreError,
        attempts::{Attempt, AttemptKind},
    },
    work::{Acting, report},
};

/// `None`: the call is about something else. `action` is where a key goes.
pub(super) fn document(attempt: &Attempt, action: &str) -> Option<String> {
    let said = of(attempt)?;
    let language = texts::language_of(&said.language);
    let mut prompts: Vec<Prompt> = vec![Pause::seconds(1).into()];
    for _ in 0..2 {
        prompts.push(say(language, &said.text).into());
        prompts.push(Pause::seconds(1).into());
    }
    let gather = Gather {
        action: Some(action.to_owned()),
        method: Some(Method::Post),
        input: Some(GatherInput::Dtmf),
        timeout_s: Some(KEY_WAIT_S),
        num_digits: Some(1),
        finish_on_key: Some(String::new()),
        prompts,
        ..Gather::default()
    };
    Some(document::text(&twiml::Response { verbs: [Verb::from(gather), Verb::Hangup].into() }))
}

/// A key was pressed. `None`: the call is about something else.
pub(super) async fn heard(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
) -> Result<Option<String>, StoreError> {
    let Some(said) = of(attempt) else { return Ok(None) };
    report::key_pressed(db, acting, &attempt.id).await?;
    let language = texts::language_of(&said.language);
    Ok(Some(farewell(language, texts::words(language).test_heard)))
}

fn of(attempt: &Attempt) -> Option<Said> {
    (attempt.kind == AttemptKind::Check).then(|| Said::from_json(&attempt.text).unwrap_or_default())
}
