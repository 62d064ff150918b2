//! Mails by real SMTP, push messages with real encryption.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::{Mailbox as Address, MultiPart},
    transport::smtp::authentication::Credentials,
};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer},
    elliptic_curve::sec1::ToEncodedPoint,
};
use serde_json::{Value, json};

use super::*;

fn mail(to: &str) -> lettre::Message {
    let address = |text: &str| text.parse::<Address>().unwrap();
    lettre::Message::builder()
        .from(address("Pikett <pikett@msp.example>"))
        .to(address(to))
        .subject("P1 bei ACME: Störung „Kühlung“")
        .multipart(MultiPart::alternative_plain_html("Kühlung fällt aus.".to_owned(), "<p>Kühlung</p>".to_owned()))
        .unwrap()
}

#[tokio::test]
async fn a_mail_arrives_with_its_umlauts_and_can_be_refused() {
    let mut stage = Stage::new(|_| nothing()).await;
    let mailbox = Mailbox::start((Ipv4Addr::LOCALHOST, 0).into(), &stage.sim).await.unwrap();
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(mailbox.address().port())
        .credentials(Credentials::new("user".to_owned(), "password".to_owned()))
        .build();
    transport.send(mail("anna@msp.example")).await.unwrap();
    let got = stage.until(|what| matches!(what, What::Mail { .. })).await;
    let What::Mail { from, to, subject, text, html, headers } = got else { unreachable!() };
    assert_eq!((from.as_str(), to), ("pikett@msp.example", vec!["anna@msp.example".to_owned()]));
    assert_eq!(subject, "P1 bei ACME: Störung „Kühlung“");
    assert_eq!((text.trim(), html.as_deref().map(str::trim)), ("Kühlung fällt aus.", Some("<p>Kühlung</p>")));
    assert!(headers.iter().any(|(name, value)| name == "To" && value == "anna@msp.example"));
    mailbox.answers_for("anna@msp.example", Some(550));
    assert!(transport.send(mail("anna@msp.example")).await.unwrap_err().is_permanent());
    transport.send(mail("ben@msp.example")).await.unwrap();
    mailbox.answers(Some(451));
    assert!(transport.send(mail("ben@msp.example")).await.unwrap_err().is_transient());
}

fn vapid(audience: &str, expires: i64) -> String {
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let encode = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let head = encode(json!({ "typ": "JWT", "alg": "ES256" }));
    let claims = encode(json!({ "aud": audience, "exp": expires, "sub": "mailto:ops@msp.example" }));
    let signature: Signature = key.sign(format!("{head}.{claims}").as_bytes());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature.to_bytes());
    let public = BASE64_URL_SAFE_NO_PAD.encode(key.verifying_key().to_encoded_point(false).as_bytes());
    format!("vapid t={head}.{claims}.{signature}, k={public}")
}

#[tokio::test]
async fn a_push_message_is_decrypted_when_its_sender_is_who_it_says() {
    let mut stage = Stage::new(|_| nothing()).await;
    let subscription: Value = serde_json::from_str(&stage.sim.push_subscription("anna")).unwrap();
    let decode = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(subscription["keys"][name].as_str().unwrap()).unwrap();
    let public = p256::PublicKey::from_sec1_bytes(&decode("p256dh")).unwrap();
    assert_eq!(public.to_encoded_point(false).len(), 65);
    let auth = web_push_native::Auth::clone_from_slice(&decode("auth"));
    let body = web_push_native::encrypt(br#"{"title":"P1 ACME"}"#.to_vec(), &public, &auth).unwrap();
    let endpoint = subscription["endpoint"].as_str().unwrap().to_owned();
    let send = async |authorization: String| {
        let request =
            reqwest::Client::new().post(&endpoint).header("TTL", "60").header("Content-Encoding", "aes128gcm");
        request.header("Authorization", authorization).body(body.clone()).send().await.unwrap().status().as_u16()
    };
    let (origin, soon) = (stage.sim.base_url(), stage.sim.clock().now().timestamp() + 3_600);
    assert_eq!(send(vapid(&origin, soon)).await, 201);
    let got = stage.until(|what| matches!(what, What::Push { .. })).await;
    assert!(matches!(got, What::Push { json, refused: None, .. } if json["title"] == "P1 ACME"));
    assert_eq!(send(vapid("https://elsewhere.example", soon)).await, 401);
    assert_eq!(send(vapid(&origin, soon - 7_200)).await, 401);
    assert_eq!(send(vapid(&origin, soon + 90_000)).await, 401);
    assert_eq!(send(vapid(&origin, soon).replace("k=B", "k=A")).await, 401);
    stage.sim.push_answers("anna", Some(410));
    assert_eq!(send(vapid(&origin, soon)).await, 410);
}
