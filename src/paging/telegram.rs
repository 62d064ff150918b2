//! Telegram reports a pressed button: delivered with a secret word in a header, or asked for by long
//! polling, which works behind NAT. Each must be answered, or the button seems to hang.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State as Extract},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;

use super::{
    State,
    buttons::{Press, presser},
};
use crate::{
    model::{person::Address, secret::Secret},
    notify::{
        channels::{
            read_pressed,
            telegram::{Telegram, message_id, toast},
        },
        texts::{self, Answer},
        urls,
    },
    store::StoreError,
    telemetry::metric,
    web::{body, problem::Problem},
    work::Context,
};

const HEADER: &str = "x-telegram-bot-api-secret-token";
const BODY_BYTES_MAX: usize = 256 * 1_024;
const HOW: &str = "by Telegram button";
/// After a failure: Telegram keeps updates for a day.
const PAUSE: TimeDelta = TimeDelta::seconds(5);

pub(super) async fn delivered(Extract(state): Extract<State>, request: Request) -> Response {
    let (parts, given) = request.into_parts();
    let Some(secret) = &state.buttons.telegram else { return refuse("not_configured") };
    let word = parts.headers.get(HEADER).map(|word| word.as_bytes());
    if !word.is_some_and(|word| is_same(word, secret)) {
        return refuse("badly_signed");
    }
    let Ok(raw) = body::read(given, BODY_BYTES_MAX).await else { return refuse("broken_body") };
    let update: Value = serde_json::from_slice(&raw).unwrap_or_default();
    let Some(given) = Given::of(&update) else { return StatusCode::OK.into_response() };
    let pressed = given.id.clone();
    match act(&state.context, given).await {
        Ok(words) => {
            // The answer to a delivery may call a method.
            let mut answer = toast(&pressed, &words);
            answer["method"] = json!("answerCallbackQuery");
            Json(answer).into_response()
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a Telegram button could not be worked on");
            Problem::unavailable().into_response()
        }
    }
}

/// Tells Telegram where to deliver, until it has understood.
pub async fn have_updates_delivered(
    context: Context,
    telegram: Arc<Telegram>,
    secret: Secret,
    stop: CancellationToken,
) {
    let url = format!("{}{}", context.links.home(), urls::TELEGRAM);
    while let Err(trouble) = telegram.deliver_to(&url, &secret).await {
        tracing::warn!(%trouble, "Telegram could not be told where to deliver pressed buttons; it is told again");
        if paused(&context, &stop).await {
            return;
        }
    }
}

/// Asks for pressed buttons until it is stopped. Of several nodes one gets them, and the others ask again.
pub async fn ask_for_updates(context: Context, telegram: Arc<Telegram>, stop: CancellationToken) {
    let mut offset = 0;
    let mut is_prepared = false;
    while !stop.is_cancelled() {
        let asked = async {
            if !is_prepared {
                telegram.deliver_nowhere().await?;
                is_prepared = true;
            }
            telegram.updates(offset).await
        };
        let asked = tokio::select! {
            () = stop.cancelled() => return,
            asked = asked => asked,
        };
        let taken = match asked {
            Ok(updates) => take(&context, &telegram, updates, &mut offset).await,
            Err(trouble) => {
                tracing::warn!(%trouble, "Telegram could not be asked for pressed buttons; it is asked again");
                false
            }
        };
        if !taken && paused(&context, &stop).await {
            return;
        }
    }
}

/// `false`: one could not be worked on, and comes again.
async fn take(context: &Context, telegram: &Telegram, updates: Vec<Value>, offset: &mut i64) -> bool {
    for update in updates {
        let id = update["update_id"].as_i64().unwrap_or(*offset);
        if let Some(given) = Given::of(&update) {
            let pressed = given.id.clone();
            match act(context, given).await {
                Ok(words) => {
                    if let Err(trouble) = telegram.answer(&pressed, &words).await {
                        tracing::warn!(%trouble, "whoever pressed a Telegram button could not be answered");
                    }
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "a Telegram button could not be worked on"
                    );
                    return false;
                }
            }
        }
        *offset = id + 1;
    }
    true
}

/// `true`: it was stopped meanwhile.
async fn paused(context: &Context, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = context.clock.sleep(PAUSE) => false,
    }
}

/// What whoever pressed it is shown.
async fn act(context: &Context, given: Given) -> Result<String, StoreError> {
    let acting = context.acting();
    let Some(person) = presser(&acting, &Address::Telegram(given.from)).cloned() else {
        tracing::warn!("somebody pressed a button in Telegram who is no contact of any person");
        return Ok(texts::stranger(&given.language, &given.from.to_string()));
    };
    let Some((action, alert)) = read_pressed(&given.data) else {
        return Ok(texts::answer(person.language.as_str(), Answer::Failed));
    };
    let press = Press {
        key: format!("telegram:{}", given.id),
        person,
        action,
        alert,
        how: HOW,
        chat: Address::Telegram(given.chat),
        message: message_id(given.chat, given.message),
        is_shown: true,
    };
    press.act(context).await
}

/// What a press says, as far as it concerns us.
struct Given {
    id: String,
    from: i64,
    language: String,
    chat: i64,
    message: i64,
    data: String,
}

impl Given {
    fn of(update: &Value) -> Option<Self> {
        let query = update.get("callback_query")?;
        let short = |value: &Value| value.as_str().filter(|text| text.len() <= 200).map(str::to_owned);
        Some(Self {
            id: short(&query["id"])?,
            from: query["from"]["id"].as_i64()?,
            language: short(&query["from"]["language_code"]).unwrap_or_default(),
            chat: query["message"]["chat"]["id"].as_i64()?,
            message: query["message"]["message_id"].as_i64()?,
            data: short(&query["data"]).unwrap_or_default(),
        })
    }
}

/// Of digests, which are as long as one another whatever was sent.
fn is_same(word: &[u8], secret: &Secret) -> bool {
    Sha256::digest(word).ct_eq(&Sha256::digest(secret.expose())).into()
}

fn refuse(reason: &'static str) -> Response {
    metrics::counter!(metric::REFUSED, "face" => "telegram", "reason" => reason).increment(1);
    tracing::warn!(reason, "a request to Telegram's side was refused");
    (StatusCode::FORBIDDEN, "this request does not come from Telegram\n").into_response()
}
