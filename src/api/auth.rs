//! Who may use the API: bearer tokens. Only their SHA-256 is known here.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Api, failed};
use crate::{
    store::tokens,
    web::{
        caller::{Caller, Scope},
        problem::Problem,
        refusals::refused,
    },
};

/// Lets in whoever brings a token that is still good.
pub async fn bearer(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    match caller(&api, request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(response) => response,
    }
}

async fn caller(api: &Api, headers: &HeaderMap) -> Result<Caller, Response> {
    let Some(token) = token(headers) else { return Err(unauthorized("no_token", "Bearer")) };
    let found = async {
        let mut db = api.context.store.read().await?;
        tokens::good(&mut db, &api.context.directory().org, token).await
    };
    let found = found.await.map_err(|error| failed(&error).into_response())?;
    let token = found.ok_or_else(|| unauthorized("unknown_token", "Bearer error=\"invalid_token\""))?;
    // An unknown scope comes from a newer version: it may at least read.
    let scope = token.scope.parse().unwrap_or(Scope::Read);
    Ok(Caller { name: token.name, key: token.id.to_string(), scope, how: "over the API" })
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

fn unauthorized(reason: &'static str, challenge: &'static str) -> Response {
    refused("api", reason);
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "a token is needed")
        .detail("send `Authorization: Bearer TOKEN`; `pikett token create` makes one");
    let mut response = problem.into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}
