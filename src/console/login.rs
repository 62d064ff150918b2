//! Signing in with a token, and out again. The browser keeps a signed session, never the token.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};

use super::{
    Console, assets, refuse,
    session::{self, COOKIE, VALID},
};
use crate::{
    store::tokens,
    web::{body, problem::Problem, refusals::refused},
};

const BODY_BYTES_MAX: usize = 4_096;

pub async fn enter(State(console): State<Console>, request: Request) -> Response {
    if !session::is_same_origin(request.headers()) {
        return refuse("cross_site", StatusCode::FORBIDDEN, "this request comes from another site");
    }
    let Ok(body) = body::read(request.into_body(), BODY_BYTES_MAX).await else {
        return refuse("body", StatusCode::PAYLOAD_TOO_LARGE, "the body is too long or broke off");
    };
    let given = form_urlencoded::parse(&body).find(|(name, _)| name == "token");
    let given = given.map(|(_, token)| token.trim().to_owned()).unwrap_or_default();
    let context = &console.0.context;
    let found = async {
        let mut db = context.store.read().await?;
        tokens::good(&mut db, &context.directory().org, &given).await
    };
    match found.await {
        Ok(Some(token)) => {
            let cookie = session::sign(&console.0.key, &token, context.clock.now());
            with_cookie(&console, &cookie, VALID.num_seconds())
        }
        Ok(None) => {
            refused("console", "unknown_token");
            (StatusCode::UNAUTHORIZED, assets::login(Some("This token opens nothing."))).into_response()
        }
        Err(error) => {
            tracing::warn!(%error, "nobody can sign in to the console: the database does not answer");
            Problem::unavailable().into_response()
        }
    }
}

pub async fn leave(State(console): State<Console>, headers: HeaderMap) -> Response {
    if !session::is_same_origin(&headers) {
        return refuse("cross_site", StatusCode::FORBIDDEN, "this request comes from another site");
    }
    with_cookie(&console, "", 0)
}

/// Back to the page.
fn with_cookie(console: &Console, value: &str, seconds: i64) -> Response {
    let secure = if console.0.secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/console; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let mut response = Redirect::to("/console").into_response();
    let cookie = HeaderValue::try_from(cookie).expect("base64url stands in headers");
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}
