//! Who sits at the console: somebody on this machine, or somebody with a signed cookie whose token is
//! still good. And what the page is told about the house.

use axum::{
    Extension, Json,
    extract::State,
    http::{Extensions, HeaderMap, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use url::{Host, Url};

use super::Console;
use crate::{
    declare::Directory,
    model::{
        Instant,
        id::TokenId,
        person::{Address, Person},
        secret::Secret,
    },
    store::tokens::{self, Token},
    web::{
        caller::{Caller, Scope},
        peer::Peer,
        problem::Problem,
    },
};

pub const COOKIE: &str = "pikett_session";
/// A night's duty.
pub const VALID: TimeDelta = TimeDelta::hours(12);
/// The key may sign other things one day: what is signed says what it is.
const PURPOSE: &[u8] = b"pikett console session v1\n";
const HOW: &str = "at the console";

#[derive(Debug, Serialize, Deserialize)]
struct Session {
    token: String,
    name: String,
    scope: String,
    /// Milliseconds since 1970.
    expires: i64,
}

/// `None`: nobody who may see the console.
pub async fn caller(
    console: &Console,
    extensions: &Extensions,
    headers: &HeaderMap,
) -> Result<Option<Caller>, Problem> {
    if let Some(session) =
        cookie(headers).and_then(|cookie| read(&console.0.key, cookie, console.0.context.clock.now()))
    {
        return still_good(console, session).await;
    }
    let here = console.0.open_here && is_from_here(extensions.get::<Peer>(), headers);
    Ok(here.then(|| Caller {
        // As it reads in a timeline: "Somebody acknowledged it at the console."
        name: "Somebody".to_owned(),
        key: "console".to_owned(),
        scope: Scope::Write,
        how: HOW,
    }))
}

/// A revoked token ends its sessions.
async fn still_good(console: &Console, session: Session) -> Result<Option<Caller>, Problem> {
    let Ok(id) = session.token.parse::<TokenId>() else { return Ok(None) };
    let context = &console.0.context;
    let good = async {
        let mut db = context.store.read().await?;
        tokens::is_good(&mut db, &context.directory().org, &id).await
    };
    let good = good.await.map_err(|error: crate::store::StoreError| {
        tracing::warn!(%error, "nobody can sign in to the console: the database does not answer");
        Problem::unavailable()
    })?;
    let scope = session.scope.parse().unwrap_or(Scope::Read);
    Ok(good.then_some(Caller { name: session.name, key: session.token, scope, how: HOW }))
}

/// What a browser keeps for whoever brought this token.
pub fn sign(key: &Secret, token: &Token, now: Instant) -> String {
    let session = Session {
        token: token.id.to_string(),
        name: token.name.clone(),
        scope: token.scope.clone(),
        expires: (now + VALID).timestamp_millis(),
    };
    let said = serde_json::to_vec(&session).expect("strings and numbers can be written");
    let signature = mac(key, &said).finalize().into_bytes();
    format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(said), BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn read(key: &Secret, cookie: &str, now: Instant) -> Option<Session> {
    let (said, signature) = cookie.split_once('.')?;
    let said = BASE64_URL_SAFE_NO_PAD.decode(said).ok()?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
    // Compares in constant time.
    mac(key, &said).verify_slice(&signature).ok()?;
    let session: Session = serde_json::from_slice(&said).ok()?;
    (session.expires > now.timestamp_millis()).then_some(session)
}

fn mac(key: &Secret, said: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(key.expose().as_bytes()).expect("HMAC takes keys of any length");
    mac.update(PURPOSE);
    mac.update(said);
    mac
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// A request of this machine, made by name of this machine (a foreign site that points its own name
/// here keeps that name in `Host`), and not handed on by a proxy.
fn is_from_here(peer: Option<&Peer>, headers: &HeaderMap) -> bool {
    let handed_on = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    peer.is_some_and(|peer| peer.0.ip().is_loopback())
        && host.is_some_and(|host| is_loopback_url(&format!("http://{host}")))
        && !handed_on.iter().any(|name| headers.contains_key(*name))
}

pub fn is_loopback_url(url: &str) -> bool {
    match Url::parse(url).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Browsers say where a request comes from; whoever says nothing is no browser's foreign page.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return true };
    let host = text("host").unwrap_or_default();
    origin.split_once("://").is_some_and(|(_, of)| of.eq_ignore_ascii_case(host))
}

/// `GET /console/session`: who sits there, and what things are called.
pub async fn describe(
    State(console): State<Console>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let mut extensions = Extensions::new();
    if let Some(Extension(peer)) = peer {
        extensions.insert(peer);
    }
    let Some(caller) = caller(&console, &extensions, &headers).await? else {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "sign in first"));
    };
    let directory = console.0.context.directory();
    let named = |people: &Person| json!({ "id": people.id.as_str(), "name": people.name });
    Ok(Json(json!({
        "name": caller.name,
        "scope": caller.scope.as_str(),
        "signed_in": cookie(&headers).is_some(),
        "org": directory.org_name,
        "people": directory.people.values().map(named).collect::<Vec<_>>(),
        "customers": directory
            .customers
            .values()
            .map(|customer| (customer.id.to_string(), Value::from(customer.name.as_str())))
            .collect::<serde_json::Map<_, _>>(),
        "phones": console.0.settings.phones.as_ref().map(|base| phones(&console, &directory, base)),
    })))
}

/// What the demo's phones are labelled with.
fn phones(console: &Console, directory: &Directory, base: &str) -> Value {
    let callers = directory.customers.values().flat_map(|customer| {
        customer.contacts.iter().filter_map(|contact| {
            let number = contact.phones.first()?;
            Some(json!({
                "name": contact.name,
                "customer": customer.name,
                "number": number.as_str(),
                "hint": console.0.settings.hints.get(number),
            }))
        })
    });
    let hotlines = directory.hotlines.values().map(|hotline| {
        let contract = hotline.contracts.first();
        let customer = contract.and_then(|contract| directory.customer_of(contract));
        json!({
            "number": hotline.number.as_str(),
            "contract": contract.map(ToString::to_string),
            "customer": customer.map(|customer| customer.name.as_str()),
        })
    });
    json!({
        "base": base,
        "callers": callers.collect::<Vec<_>>(),
        "hotlines": hotlines.collect::<Vec<_>>(),
        "people": directory.people.values().map(reachable).collect::<Vec<_>>(),
    })
}

fn reachable(person: &Person) -> Value {
    let mut numbers: Vec<&str> = person.phones().map(crate::model::phone::Phone::as_str).collect();
    numbers.dedup();
    let emails = person.methods.iter().filter_map(|method| match &method.address {
        Address::Email(address) => Some(address.as_str()),
        Address::Sms(_)
        | Address::Voice(_)
        | Address::Push(_)
        | Address::Slack(_)
        | Address::Teams(_)
        | Address::Telegram(_)
        | Address::Ntfy(_)
        | Address::Webhook(_) => None,
    });
    let pushes = person.methods.iter().filter_map(|method| match &method.address {
        Address::Push(subscription) => Some(subscription.endpoint.as_str()),
        Address::Sms(_)
        | Address::Voice(_)
        | Address::Email(_)
        | Address::Slack(_)
        | Address::Teams(_)
        | Address::Telegram(_)
        | Address::Ntfy(_)
        | Address::Webhook(_) => None,
    });
    json!({
        "id": person.id.as_str(),
        "name": person.name,
        "zone": person.zone.to_string(),
        "language": person.language.to_string(),
        "numbers": numbers,
        "emails": emails.collect::<Vec<_>>(),
        "pushes": pushes.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Ids, store::testing::at};

    fn headers(given: &[(&'static str, &'static str)]) -> HeaderMap {
        given.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_session_is_read_back_until_it_is_too_old_or_changed() {
        let key = Secret::new("k".repeat(64));
        let token = Token {
            id: Ids::seeded(1).id(at(0)),
            name: "ops".to_owned(),
            scope: "write".to_owned(),
            created_at: at(0),
            revoked_at: None,
        };
        let cookie = sign(&key, &token, at(0));
        assert_eq!(read(&key, &cookie, at(60)).unwrap().name, "ops");
        assert!(read(&key, &cookie, at(0) + VALID).is_none());
        assert!(read(&Secret::new("other"), &cookie, at(60)).is_none());
        assert!(read(&key, &format!("A{cookie}"), at(60)).is_none());
    }

    #[test]
    fn only_this_machine_by_its_own_name_is_here() {
        let local = Peer("127.0.0.1:5000".parse().unwrap());
        let here = |given: &[_]| is_from_here(Some(&local), &headers(given));
        assert!(here(&[("host", "127.0.0.1:8080")]));
        assert!(here(&[("host", "localhost:8080")]));
        assert!(here(&[("host", "[::1]:8080")]));
        assert!(!here(&[("host", "evil.example:8080")]), "a name that points here");
        assert!(!here(&[("host", "localhost"), ("x-forwarded-for", "203.0.113.7")]), "a proxy");
        assert!(!here(&[]));
        assert!(!is_from_here(Some(&Peer("192.0.2.1:5000".parse().unwrap())), &headers(&[("host", "localhost")])));
    }

    #[test]
    fn a_foreign_page_is_known_by_what_its_browser_says() {
        assert!(is_same_origin(&headers(&[])));
        assert!(is_same_origin(&headers(&[("sec-fetch-site", "same-origin"), ("origin", "http://x")])));
        assert!(!is_same_origin(&headers(&[("sec-fetch-site", "same-site")])));
        assert!(is_same_origin(&headers(&[("origin", "http://localhost:80"), ("host", "localhost:80")])));
        assert!(!is_same_origin(&headers(&[("origin", "null"), ("host", "localhost:80")])));
    }
}
