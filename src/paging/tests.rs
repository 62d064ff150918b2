//! Technicians answer pages: by key, by SMS, by link; and providers report. On both databases, over the
//! router and with real signatures.

mod chats;
mod handing;
mod telnyx; // a carrier of another language

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use tower::ServiceExt;

use super::*;
use crate::{
    carrier::{
        signature,
        twiml::{self, Verb},
    },
    model::{
        alert::{Actor, AlertState, Source},
        id::AlertId,
        person::Channel,
        secret::Secret,
    },
    notify::links::Action,
    store::{
        Store,
        attempts::{Attempt, AttemptState},
        testing::on_both,
    },
    work::testing::{ANNA, BEN, LEAD, Night, PUBLIC_URL, TOKEN},
};

struct Service {
    night: Night,
    router: Router,
}

struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Service {
    async fn on(store: &Store) -> Self {
        let night = Night::on(store).await;
        let webhooks = Webhooks::new(night.carriers.clone(), PUBLIC_URL, night.context.clock.clone());
        let router = routes(State::new(night.context.clone(), webhooks, Buttons::default()));
        Self { night, router }
    }

    async fn send(&self, request: Request<Body>) -> Answered {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, 100_000).await.unwrap().to_vec()).unwrap();
        self.night.settle().await;
        Answered { status: parts.status, headers: parts.headers, text }
    }

    /// As the carrier sends it.
    async fn carrier(&self, path: &str, form: &[(&str, &str)]) -> Answered {
        let signature = signature::sign(&format!("{PUBLIC_URL}{path}"), form, &Secret::new(TOKEN));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(signature::HEADER, signature)
            .body(Body::from(body));
        self.send(request.unwrap()).await
    }

    /// What a phone hears, and where its keys go.
    async fn call(&self, path: &str, form: &[(&str, &str)]) -> (String, Option<String>) {
        let answered = self.carrier(path, form).await;
        assert_eq!(answered.status, 200);
        heard(&answered.text)
    }

    async fn press(&self, action: &str, key: &str) -> (String, Option<String>) {
        self.call(action.strip_prefix(PUBLIC_URL).unwrap(), &[("CallSid", "CA1"), ("Digits", key)]).await
    }

    /// The answer to an SMS; empty for silence.
    async fn text(&self, from: &str, body: &str, sid: &str) -> String {
        let form = [("MessageSid", sid), ("From", from), ("To", "+4930901820"), ("Body", body)];
        let answered = self.carrier("/carriers/twilio/sms", &form).await;
        assert_eq!(answered.status, 200);
        match twiml::read(&answered.text).unwrap().response.verbs.as_slice() {
            [] => String::new(),
            [Verb::Message(message)] => message.body.clone(),
            verbs => panic!("{verbs:?}"),
        }
    }

    async fn code(&self, id: &AlertId) -> String {
        self.night.alert(id).await.alert.code()
    }

    async fn state(&self, id: &AlertId) -> AlertState {
        self.night.alert(id).await.alert.state
    }

    async fn attempt(&self, id: &AlertId, channel: Channel) -> Attempt {
        let attempts = self.night.attempts(id).await;
        attempts.into_iter().find(|attempt| attempt.address.channel() == channel).unwrap()
    }

    /// An alert whose call to Anna rings.
    async fn ringing(&self) -> (AlertId, String) {
        let id = self.night.raise("Disk <full> & \"hot\"").await;
        self.night.pass(60).await;
        let rung = self.night.phones.fresh().into_iter().find(|rung| rung.call).unwrap();
        assert_eq!(rung.to, ANNA);
        (id, rung.text.strip_prefix(PUBLIC_URL).unwrap().to_owned())
    }
}

fn heard(document: &str) -> (String, Option<String>) {
    let mut heard = String::new();
    let mut action = None;
    for verb in twiml::read(document).unwrap().response.verbs {
        match verb {
            Verb::Say(say) => heard.push_str(&say.heard()),
            Verb::Gather(gather) => {
                action = gather.action;
                for prompt in gather.prompts {
                    if let twiml::Prompt::Say(say) = prompt {
                        heard.push_str(&say.heard());
                    }
                }
            }
            _ => {}
        }
    }
    (heard, action)
}

fn is_by(state: &AlertState, who: &str) -> bool {
    matches!(state, AlertState::Acknowledged { by: Actor::Person(by), .. } if by.as_str() == who)
}

on_both! {
    async fn a_page_call_says_it_twice_and_key_1_acknowledges(store: Store) {
        let service = Service::on(&store).await;
        let (id, page) = service.ringing().await;
        let (heard, action) = service.call(&page, &[("CallSid", "CA1")]).await;
        assert_eq!(heard.matches("Disk <full> & \"hot\"").count(), 2, "{heard}");
        assert_eq!(service.state(&id).await, AlertState::Triggered, "picking up acknowledges nothing");
        let action = action.unwrap();
        let (wrong, again) = service.press(&action, "8").await;
        assert!(wrong.starts_with("Diese Taste") && again.is_some(), "{wrong}");
        let (repeated, again) = service.press(&again.unwrap(), "3").await;
        assert_eq!(repeated.matches("hot").count(), 2);
        let again = again.unwrap();
        let (thanks, none) = service.press(&again, "1").await;
        assert!(none.is_none());
        assert!(is_by(&service.state(&id).await, "anna"));
        let (same, _) = service.press(&again, "1").await;
        assert_eq!(same, thanks, "the same request gets the same answer");
        let (late, none) = service.call(&page, &[("CallSid", "CA1")]).await;
        assert!(late.contains("Anna Berger") && none.is_none(), "{late}");
        // The end of the call is old news.
        service.carrier(&format!("{page}/status"), &[("CallSid", "CA1"), ("CallStatus", "completed")]).await;
        assert_eq!(service.attempt(&id, Channel::Voice).await.state, AttemptState::Delivered);
        service.night.end().await;
    }

    async fn keys_2_and_9_escalate_and_resolve_once(store: Store) {
        let service = Service::on(&store).await;
        let (id, page) = service.ringing().await;
        let action = service.call(&page, &[]).await.1.unwrap();
        for _ in 0..3 {
            service.press(&action, "2").await;
        }
        assert_eq!(service.night.alert(&id).await.alert.level, Some(1), "three times the same key is one");
        assert_eq!(service.night.phones.news(), [format!("sms {BEN}")]);
        let (_, none) = service.press(&action, "9").await;
        assert!(none.is_none());
        assert!(matches!(service.state(&id).await, AlertState::Resolved { .. }));
        let (gone, none) = service.call("/carriers/twilio/pages/att_01JNB2Q0000000000000000000", &[]).await;
        assert!(!gone.is_empty() && none.is_none());
        service.night.end().await;
    }

    async fn a_key_takes_nothing_from_whoever_was_faster(store: Store) {
        let service = Service::on(&store).await;
        let (id, page) = service.ringing().await;
        let action = service.call(&page, &[]).await.1.unwrap();
        let code = service.code(&id).await;
        service.text(BEN, &format!("1 {code}"), "SM900").await;
        for key in ["1", "2", "9"] {
            let (heard, again) = service.press(&action, key).await;
            assert!(heard.contains("Ben Ode") && heard.ends_with("Drücke 5, um ihn zu dir zu holen."), "{key}: {heard}");
            assert!(again.is_some());
        }
        assert!(is_by(&service.state(&id).await, "ben"));
        let (heard, none) = service.press(&action, "5").await;
        assert!(none.is_none() && heard.contains("jetzt hast du es"), "{heard}");
        assert!(is_by(&service.state(&id).await, "anna"));
        let told = service.night.phones.fresh();
        assert!(told.iter().any(|rung| rung.to == BEN && rung.text.contains("Anna Berger")), "{told:?}");
        service.night.end().await;
    }

    async fn a_mailbox_swallows_nothing(store: Store) {
        let service = Service::on(&store).await;
        let (id, page) = service.ringing().await;
        service.call(&page, &[("CallSid", "CA1")]).await;
        let status = format!("{page}/status");
        for word in ["in-progress", "completed", "ringing", "completed"] {
            assert_eq!(service.carrier(&status, &[("CallStatus", word)]).await.status, 204);
        }
        let story = service.night.story(&id).await;
        assert_eq!(story.matches("it may have been a mailbox").count(), 1, "{story}");
        service.night.pass(240).await;
        assert_eq!(service.night.phones.news(), [format!("sms {BEN}")]);
        service.night.end().await;
    }

    async fn commands_by_sms_do_what_they_say(store: Store) {
        let service = Service::on(&store).await;
        let id = service.night.raise("Disk full").await;
        let code = service.code(&id).await;
        let help = service.text(ANNA, "what?", "SM901").await;
        assert!(help.contains(&code), "{help}");
        assert!(service.text(ANNA, "1 X9X9", "SM902").await.contains("X9X9"));
        assert_eq!(service.state(&id).await, AlertState::Triggered);
        assert_eq!(service.text("+4915119999999", &format!("1 {code}"), "SM903").await, "", "strangers get silence");
        assert_eq!(service.text("anonymous", &format!("1 {code}"), "SM904").await, "");
        assert_eq!(service.state(&id).await, AlertState::Triggered);
        let escalated = service.text(ANNA, &format!("2{}", code.to_lowercase()), "SM905").await;
        assert!(escalated.contains(&code), "{escalated}");
        service.text(ANNA, &format!("2{}", code.to_lowercase()), "SM905").await;
        assert_eq!(service.night.alert(&id).await.alert.level, Some(1), "a message that comes twice counts once");
        let thanks = service.text(BEN, " 1 ", "SM906").await;
        assert!(thanks.contains(&code), "only one alert can be meant: {thanks}");
        assert!(is_by(&service.state(&id).await, "ben"));
        assert!(service.text(ANNA, &format!("1 {code}"), "SM907").await.contains("Ben Ode"));
        assert_eq!(service.text(BEN, "1", "SM906").await, thanks);
        service.text(LEAD, &format!("9 {code}"), "SM908").await;
        assert!(matches!(service.state(&id).await, AlertState::Resolved { .. }));
        let late = service.text(ANNA, &format!("1 {code}"), "SM909").await;
        assert!(late.contains("Lea Dahl"), "{late}");
        service.night.end().await;
    }

    async fn one_sms_takes_a_whole_bundle_and_another_one_of_its_alerts(store: Store) {
        let service = Service::on(&store).await;
        let mut ids = Vec::new();
        for n in 1..=9 {
            ids.push(service.night.raise(&format!("Disk {n} full")).await);
        }
        service.night.pass(11).await;
        let news = service.night.phones.fresh();
        let page = news.iter().find(|rung| rung.text.contains("4 Alarme, zuerst: Disk 6 full")).unwrap();
        let code = page.text.lines().last().and_then(|keys| keys.split_whitespace().nth(1)).unwrap();
        let own = service.code(&ids[5]).await;
        assert!(service.text(ANNA, &format!("1 {own}"), "SM921").await.contains(&own));
        let states = async || {
            let mut taken = Vec::new();
            for id in &ids[5..] {
                taken.push(is_by(&service.state(id).await, "anna"));
            }
            taken
        };
        assert_eq!(states().await, [true, false, false, false], "one by one");
        assert!(service.text(ANNA, &format!("1 {code}"), "SM922").await.contains(code));
        assert_eq!(states().await, [true; 4], "or as one");
        assert_eq!(service.state(&ids[0]).await, AlertState::Triggered, "what was told by itself stays open");
        service.text(ANNA, &format!("9 {code}"), "SM923").await;
        for id in &ids[5..] {
            assert!(matches!(service.state(id).await, AlertState::Resolved { .. }));
        }
        service.night.end().await;
    }

    async fn an_automatic_reply_is_not_answered_for_ever(store: Store) {
        let service = Service::on(&store).await;
        let mut answers = Vec::new();
        for n in 0..8 {
            answers.push(service.text(ANNA, "I am on holiday.", &format!("SM{n}")).await);
        }
        assert_eq!(answers.iter().filter(|answer| !answer.is_empty()).count(), 5);
        service.night.end().await;
    }

    async fn whoever_writes_stop_is_not_answered_and_the_msp_hears_of_it(store: Store) {
        let service = Service::on(&store).await;
        assert_eq!(service.text(ANNA, "Stop", "SM1").await, "");
        let [own] = service.night.open().await.try_into().unwrap();
        assert_eq!((own.alert.title.as_str(), &own.alert.source), ("Anna Berger gets no SMS any more", &Source::Pikett));
        assert_eq!(service.text("+4915119999999", "STOP", "SM2").await, "");
        assert_eq!(service.text(ANNA, "START", "SM3").await, "");
        assert_eq!(service.night.open().await.len(), 0);
        service.night.end().await;
    }

    async fn a_message_that_was_not_delivered_brings_the_next_rule(store: Store) {
        let service = Service::on(&store).await;
        let id = service.night.raise("Disk full").await;
        let rung = service.night.phones.fresh().remove(0);
        let callback = rung.callback.strip_prefix(PUBLIC_URL).unwrap();
        let report = |word: &'static str| vec![("MessageSid", "SM0"), ("MessageStatus", word), ("ErrorCode", "30003")];
        for word in ["sent", "undelivered", "sent", "undelivered", "queued"] {
            let answered = service.carrier(callback, &report(word)).await;
            assert_eq!(answered.status, 204);
        }
        let text = service.attempt(&id, Channel::Sms).await;
        assert_eq!((text.state, text.code.as_deref()), (AttemptState::Failed, Some("30003")));
        assert_eq!(service.night.phones.news(), [format!("call {ANNA}")], "at once");
        assert_eq!(service.night.story(&id).await.matches("failed: The SMS").count(), 1);
        let nowhere = service.carrier("/carriers/twilio/sms/status", &report("delivered")).await;
        assert_eq!(nowhere.status, 204, "by the carrier's name for it");
        service.night.end().await;
    }

    async fn calls_that_nobody_takes_lead_to_the_next_level_only_when_nothing_else_arrived(store: Store) {
        let service = Service::on(&store).await;
        // Neither code marks a number: nobody else is told anything.
        service.night.phones.refuse(ANNA, 400, 13224);
        let id = service.night.raise("Disk full").await;
        assert_eq!(service.night.alert(&id).await.alert.level, Some(1));
        let sms = service.night.phones.fresh().remove(0);
        let callback = sms.callback.strip_prefix(PUBLIC_URL).unwrap();
        service.carrier(callback, &[("MessageStatus", "failed"), ("ErrorCode", "30008")]).await;
        let rung = service.night.phones.fresh().remove(0);
        let page = rung.text.strip_prefix(PUBLIC_URL).unwrap();
        service.carrier(&format!("{page}/status"), &[("CallSid", &rung.sid), ("CallStatus", "busy")]).await;
        assert_eq!(service.night.alert(&id).await.round, 1, "the next round begins");
        service.night.end().await;
    }

    async fn a_link_asks_first_and_its_button_acts_once(store: Store) {
        let service = Service::on(&store).await;
        let id = service.night.raise("<script>alert(1)</script>").await;
        let now = service.night.context.clock.now();
        let links = service.night.context.links.clone();
        let path = |who: &str, action| {
            let url = links.url(&id, &who.parse().unwrap(), action, now);
            url.strip_prefix(PUBLIC_URL).unwrap().to_owned()
        };
        let acknowledge = path("anna", Action::Acknowledge);
        for method in ["GET", "HEAD", "GET"] {
            let request = Request::builder().method(method).uri(&acknowledge).body(Body::empty()).unwrap();
            let shown = service.send(request).await;
            assert_eq!((shown.status, &shown.headers["cache-control"]), (StatusCode::OK, &"no-store".parse().unwrap()));
            assert!(shown.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
            assert!(method == "HEAD" || shown.text.contains("<dt>source</dt><dd>db1</dd>"), "{}", shown.text);
            assert!(!shown.text.contains("<script>") && (method == "HEAD" || shown.text.contains("lang=\"de\"")));
        }
        assert_eq!(service.state(&id).await, AlertState::Triggered, "opening changes nothing");
        let escalate = path("anna", Action::Escalate);
        for _ in 0..2 {
            let sent = service.send(Request::post(&escalate).body(Body::from("rev=1")).unwrap()).await;
            assert_eq!(sent.status, 200);
        }
        assert_eq!(service.night.alert(&id).await.alert.level, Some(1), "pressed twice, told once");
        service.send(Request::post(&acknowledge).body(Body::from("rev=2")).unwrap()).await;
        assert!(is_by(&service.state(&id).await, "anna"));
        let ben = service.send(Request::get(path("ben", Action::Resolve)).body(Body::empty()).unwrap()).await;
        assert!(ben.text.contains("Anna Berger") && ben.text.contains("value=\"take-over\""), "{}", ben.text);
        assert!(!ben.text.contains("value=\"resolve\""), "nothing else is left to do: {}", ben.text);
        let forged = service.send(Request::post(format!("{acknowledge}x")).body(Body::empty()).unwrap()).await;
        assert_eq!(forged.status, 403);
        service.night.context.clock.advance(chrono::TimeDelta::days(8));
        let old = service.send(Request::get(&acknowledge).body(Body::empty()).unwrap()).await;
        assert_eq!(old.status, 410);
        service.night.end().await;
    }

    async fn what_no_carrier_signed_changes_nothing(store: Store) {
        let service = Service::on(&store).await;
        let (id, page) = service.ringing().await;
        let key = format!("{page}/key?n=1");
        let code = service.code(&id).await;
        let body = format!("From=%2B4915110000001&Body=1+{code}&MessageSid=SM1&Digits=1");
        for path in [key.as_str(), page.as_str(), "/carriers/twilio/sms", "/carriers/nobody/sms", "/carriers/twilio/sms/status"] {
            for signature in [None, Some("bm9uc2Vuc2U=")] {
                let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
                if let Some(signature) = signature {
                    request = request.header(signature::HEADER, signature);
                }
                let answered = service.send(request.body(Body::from(body.clone())).unwrap()).await;
                assert_eq!(answered.status, 403, "{path}");
            }
        }
        assert_eq!(service.state(&id).await, AlertState::Triggered);
        service.night.end().await;
    }

    async fn without_a_database_every_webhook_still_has_an_answer(store: Store) {
        let service = Service::on(&store).await;
        let (id, page) = service.ringing().await;
        let code = service.code(&id).await;
        service.night.end().await;
        store.close().await;
        let bare = |path: String, form: Vec<(&'static str, String)>| {
            let signature = signature::sign(&format!("{PUBLIC_URL}{path}"), &form, &Secret::new(TOKEN));
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
            let request = Request::post(path)
                .header("content-type", "application/x-www-form-urlencoded")
                .header(signature::HEADER, signature);
            service.router.clone().oneshot(request.body(Body::from(body)).unwrap())
        };
        let answered = bare(page, vec![("CallSid", "CA1".to_owned())]).await.unwrap();
        assert_eq!(answered.status(), 200);
        let sms = vec![("From", ANNA.to_owned()), ("Body", format!("1 {code}")), ("MessageSid", "SM1".to_owned())];
        let answered = bare("/carriers/twilio/sms".to_owned(), sms).await.unwrap();
        assert_eq!(answered.status(), 200);
        let text = to_bytes(answered.into_body(), 10_000).await.unwrap();
        assert!(String::from_utf8_lossy(&text).contains("noch einmal"), "whoever wrote must know that it had no effect");
    }
}
