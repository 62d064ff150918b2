//! Lookups against a real server: what is right, and everything that is not.

use axum::{
    Json, Router,
    extract::Path,
    http::HeaderMap,
    response::{IntoResponse, Redirect},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::*;

async fn server() -> String {
    let echo = |headers: HeaderMap, Json(body): Json<Value>| async move {
        let token = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        Json(json!({ "asked": body, "token": token }))
    };
    let router = Router::new()
        .route("/callers/{number}", get(|Path(number): Path<String>| async move { Json(json!({ "number": number })) }))
        .route("/echo", post(echo))
        .route("/slow", get(|| async { std::future::pending::<()>().await }))
        .route("/drip", get(|| async { axum::body::Body::from_stream(drip()).into_response() }))
        .route("/huge", get(|| async { Json(json!({ "text": "x".repeat(BODY_MAX) })) }))
        .route("/elsewhere", get(|| async { Redirect::temporary("/callers/1") }))
        .route("/broken", get(|| async { "{ \"name\": " }))
        .route("/away", get(|| async { (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "name": "x" }))) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

/// Begins well, and never ends.
fn drip() -> impl futures::Stream<Item = Result<&'static str, std::io::Error>> {
    use futures::StreamExt;
    futures::stream::iter([Ok("{ \"name\": \"")]).chain(futures::stream::pending())
}

async fn ask(url: String, body: Option<Value>, settings: Settings) -> LookupAnswer {
    let lookup = Lookup { url, body: body.map(|body| body.to_string()) };
    Lookups::new(&Clock::system(), settings).ask(&lookup).await
}

fn inside() -> Settings {
    Settings { allow_private: true, token: None }
}

#[tokio::test]
async fn an_answer_is_an_answer() {
    let url = server().await;
    let got = ask(format!("{url}/callers/%2B49301"), None, inside()).await;
    assert_eq!(got, LookupAnswer::Answered(json!({ "number": "+49301" })));
    let settings = Settings { token: Some(Secret::new("t0ken")), ..inside() };
    let got = ask(format!("{url}/echo"), Some(json!({ "caller": "+49301" })), settings).await;
    assert_eq!(got, LookupAnswer::Answered(json!({ "asked": { "caller": "+49301" }, "token": "Bearer t0ken" })));
}

#[tokio::test]
async fn whatever_is_wrong_is_said_in_words() {
    let url = server().await;
    for (path, words) in [
        ("/huge", "longer than 64 KiB"),
        ("/elsewhere", "answered 307"),
        ("/broken", "no JSON"),
        ("/away", "answered 503"),
        ("/nowhere", "answered 404"),
        ("/slow", "no answer within 3 seconds"),
        ("/drip", "no answer within 3 seconds"),
    ] {
        let LookupAnswer::Failed(why) = ask(format!("{url}{path}"), None, inside()).await else { panic!("{path}") };
        assert!(why.contains(words), "{path}: {why}");
    }
    for (url, words) in
        [("http://127.0.0.1:1/", "could not be reached"), ("https://", "is none"), ("mailto:x", "is none")]
    {
        let LookupAnswer::Failed(why) = ask(url.to_owned(), None, inside()).await else { panic!("{url}") };
        assert!(why.contains(words), "{url}: {why}");
    }
}

#[tokio::test]
async fn nothing_inside_is_asked_unless_the_configuration_says_so() {
    let url = server().await;
    let port = Url::parse(&url).unwrap().port().unwrap();
    for url in [
        format!("{url}/callers/1"),
        format!("http://localhost:{port}/callers/1"),
        format!("http://[::ffff:127.0.0.1]:{port}/callers/1"),
        format!("http://2130706433:{port}/callers/1"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://[fd00::1]/".to_owned(),
    ] {
        let got = ask(url.clone(), None, Settings::default()).await;
        assert_eq!(got, LookupAnswer::Failed("the address is not a public one".to_owned()), "{url}");
    }
    let got = ask(format!("http://localhost:{port}/callers/1"), None, inside()).await;
    assert!(matches!(got, LookupAnswer::Answered(_)), "{got:?}");
}
