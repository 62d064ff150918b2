//! Buttons in Slack and Telegram, from the page to the news that somebody has taken it: over HTTP on both
//! sides, on both databases, with the providers' own signatures.

use std::sync::Arc;

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    carrier::http_client,
    clock::Clock,
    model::person::{Address, ContactMethod, Rule},
    notify::channels::{
        slack::Slack,
        stand::{Came, Provider},
        telegram::Telegram,
    },
};

const SIGNING: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const WORD: &str = "a-long-random-word";
/// As the providers call Anna and Ben.
const SLACK: [&str; 2] = ["U00000ANNA", "U000000BEN"];
const TELEGRAM: [i64; 2] = [160_213_506, 160_213_507];

/// Anna and Ben are told by chat alone, and Ben with Anna.
struct Chats {
    service: Service,
    stand: Provider,
    telegram: Arc<Telegram>,
}

impl Chats {
    async fn on(store: &Store, channel: Channel) -> Self {
        let stand = Provider::start().await;
        let mut night = Night::quiet(store).await;
        let (http, clock) = (http_client(&Clock::system()), night.context.clock.clone());
        let slack = Slack::new(Secret::new("xoxb-1"), stand.url.clone(), http.clone(), clock.clone());
        let telegram = Arc::new(Telegram::new(Secret::new("1:token"), stand.url.clone(), http, clock));
        night.channels =
            night.channels.clone().with(Channel::Slack, Arc::new(slack)).with(Channel::Telegram, telegram.clone());
        night.declare(|directory| {
            for (n, id) in ["anna", "ben"].into_iter().enumerate() {
                let person = directory.people.get_mut(&id.parse().unwrap()).unwrap();
                let address = match channel {
                    Channel::Slack => Address::Slack(SLACK[n].to_owned()),
                    Channel::Telegram => Address::Telegram(TELEGRAM[n]),
                    other => panic!("{other} has no buttons"),
                };
                person.methods = vec![ContactMethod { id: "chat".parse().unwrap(), address }];
                person.rules_high = vec![Rule { via: "chat".parse().unwrap(), after: chrono::TimeDelta::zero() }];
            }
            let gold = directory.policies.get_mut(&"gold".parse().unwrap()).unwrap();
            gold.levels[0].notify.push("person:ben".parse().unwrap());
        });
        night.begin(Vec::new());
        let webhooks = Webhooks::new(night.carriers.clone(), PUBLIC_URL, night.context.clock.clone());
        let buttons = Buttons { slack: Some(Secret::new(SIGNING)), telegram: Some(Secret::new(WORD)) };
        let router = routes(State::new(night.context.clone(), webhooks, buttons));
        Self { service: Service { night, router }, stand, telegram }
    }

    /// The page to each, by whom it was sent to.
    async fn paged(&self) -> (AlertId, [Came; 2]) {
        let id = self.service.night.raise("Disk <full>").await;
        let mut came = self.stand.came();
        came.sort_by_key(|came| came.body["channel"].to_string() + &came.body["chat_id"].to_string());
        (id, came.try_into().unwrap())
    }

    async fn slack(&self, payload: &Value, timestamp: i64, secret: &str) -> Answered {
        let body =
            form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("v0:{timestamp}:{body}").as_bytes());
        let request = Request::post("/slack/interactions")
            .header("x-slack-request-timestamp", timestamp)
            .header("x-slack-signature", format!("v0={}", hex::encode(mac.finalize().into_bytes())))
            .body(Body::from(body));
        self.service.send(request.unwrap()).await
    }

    /// As Slack's own sample of a press, with our people in it.
    fn pressed(&self, user: &str, channel: &str, ts: &str, value: &str, action_ts: &str) -> Value {
        let sample = include_bytes!("../../../tests/data/slack/block_actions_ack.form");
        let (_, sample) = form_urlencoded::parse(sample.trim_ascii()).next().unwrap();
        let mut payload: Value = serde_json::from_str(&sample).unwrap();
        payload["user"]["id"] = json!(user);
        payload["container"]["channel_id"] = json!(channel);
        payload["container"]["message_ts"] = json!(ts);
        payload["actions"][0]["value"] = json!(value);
        payload["actions"][0]["action_ts"] = json!(action_ts);
        payload
    }

    async fn press(&self, user: &str, message: (&str, &str), value: &str, action_ts: &str) {
        let payload = self.pressed(user, message.0, message.1, value, action_ts);
        let now = self.service.night.context.clock.now().timestamp();
        let answered = self.slack(&payload, now, SIGNING).await;
        assert_eq!((answered.status, answered.text.as_str()), (StatusCode::OK, ""));
    }

    async fn telegram(&self, update: &Value, word: &str) -> Answered {
        let request = Request::post("/telegram/updates")
            .header("x-telegram-bot-api-secret-token", word)
            .body(Body::from(update.to_string()));
        self.service.send(request.unwrap()).await
    }

    /// As Telegram's own sample of a press.
    fn query(&self, update: i64, from: i64, message: i64, data: &str) -> Value {
        let mut sample: Value =
            serde_json::from_str(include_str!("../../../tests/data/telegram/callback_query_ack.json")).unwrap();
        sample["update_id"] = json!(update);
        let query = &mut sample["callback_query"];
        (query["id"], query["from"]["id"]) = (json!(format!("q{update}")), json!(from));
        (query["message"]["chat"]["id"], query["message"]["message_id"]) = (json!(from), json!(message));
        query["data"] = json!(data);
        sample
    }
}

fn methods(came: &[Came]) -> Vec<(String, String)> {
    let mut methods: Vec<_> = came
        .iter()
        .map(|came| (came.method.clone(), came.body.get("channel").unwrap_or(&came.body["chat_id"]).to_string()))
        .collect();
    methods.sort();
    methods
}

fn named(methods: &[(&str, &str)]) -> Vec<(String, String)> {
    methods.iter().map(|(method, chat)| ((*method).to_owned(), (*chat).to_owned())).collect()
}

on_both! {
    async fn a_page_in_slack_is_taken_by_its_button_and_everybody_learns_it(store: Store) {
        let chats = Chats::on(&store, Channel::Slack).await;
        let (id, [bens, annas]) = chats.paged().await;
        assert_eq!((&bens.body["channel"], &annas.body["channel"]), (&json!(SLACK[1]), &json!(SLACK[0])));
        let value = annas.body["blocks"][1]["elements"][0]["value"].as_str().unwrap().to_owned();
        let message = |who: &str| {
            let attempts = chats.service.night.attempts(&id);
            let who = who.to_owned();
            async move {
                let attempts = attempts.await;
                let own = attempts.into_iter().find(|a| a.person.as_ref().is_some_and(|p| p.as_str() == who)).unwrap();
                let id = own.provider_id.unwrap();
                let (channel, ts) = id.split_once(':').unwrap();
                (channel.to_owned(), ts.to_owned())
            }
        };
        let (anna, ben) = (message("anna").await, message("ben").await);
        chats.press(SLACK[0], (&anna.0, &anna.1), &value, "1.1").await;
        assert!(is_by(&chats.service.state(&id).await, "anna"));
        let came = chats.stand.came();
        let expect = [
            ("chat.postMessage", "\"D000000BEN\""),
            ("chat.update", "\"D000000BEN\""),
            ("chat.update", "\"D00000ANNA\""),
        ];
        assert_eq!(methods(&came), named(&expect), "Ben is told, and no page keeps its buttons");
        let annas = came.iter().find(|came| came.body["channel"] == "D00000ANNA").unwrap();
        assert_eq!(annas.body["blocks"][1]["elements"].as_array().unwrap().len(), 2, "it is hers: what is left to do");
        for came in came.iter().filter(|came| came.body["channel"] == "D000000BEN") {
            assert!(came.body["text"].as_str().unwrap().contains("Anna Berger"));
            let offered = came.body["blocks"][1]["elements"][0]["action_id"].as_str();
            assert_eq!(offered, Some("take-over"), "it can be taken over, and nothing else");
        }
        // The same report once more changes nothing.
        chats.press(SLACK[0], (&anna.0, &anna.1), &value, "1.1").await;
        assert_eq!(chats.stand.came().len(), 0);
        // Ben had not looked at it yet.
        chats.press(SLACK[1], (&ben.0, &ben.1), &value, "2.2").await;
        assert!(is_by(&chats.service.state(&id).await, "anna"), "nothing is taken from whoever was first");
        let late = chats.stand.came();
        assert_eq!(methods(&late), named(&[("chat.postMessage", "\"D000000BEN\""), ("chat.update", "\"D000000BEN\"")]));
        assert!(late.iter().all(|came| came.body["text"].as_str().unwrap().contains("Anna Berger already took")));
        let resolve = format!("resolve {id}");
        chats.press(SLACK[0], (&anna.0, &anna.1), &resolve, "3.3").await;
        assert!(matches!(chats.service.state(&id).await, AlertState::Resolved { .. }));
        let story = chats.service.night.story(&id).await;
        assert!(story.contains("Anna Berger acknowledged it by Slack button."), "{story}");
        chats.service.night.end().await;
    }

    async fn the_next_level_is_asked_for_once_however_often_the_button_is_pressed(store: Store) {
        let chats = Chats::on(&store, Channel::Slack).await;
        let (id, _) = chats.paged().await;
        for n in 0..3 {
            chats.press(SLACK[0], ("D00000ANNA", "17.1"), &format!("escalate {id}"), &format!("{n}.0")).await;
        }
        assert_eq!(chats.service.night.alert(&id).await.alert.level, Some(1));
        assert_eq!(chats.service.night.alert(&id).await.round, 0);
        let answers: Vec<Came> = chats.stand.came();
        let below = answers.iter().filter(|came| came.body["thread_ts"] == "17.1").count();
        assert_eq!(below, 1, "whoever pressed it is told once: {answers:#?}");
        chats.service.night.end().await;
    }

    async fn what_slack_did_not_sign_or_is_old_or_comes_from_strangers_changes_nothing(store: Store) {
        let chats = Chats::on(&store, Channel::Slack).await;
        let (id, _) = chats.paged().await;
        let value = format!("acknowledge {id}");
        let payload = chats.pressed(SLACK[0], "D00000ANNA", "17.1", &value, "1.1");
        let now = chats.service.night.context.clock.now().timestamp();
        for (at, secret) in [(now, "other"), (now - 301, SIGNING), (now + 301, SIGNING)] {
            assert_eq!(chats.slack(&payload, at, secret).await.status, 403, "{at} {secret}");
        }
        let bare = Request::post("/slack/interactions").body(Body::from("payload={}")).unwrap();
        assert_eq!(chats.service.send(bare).await.status, 403);
        for nonsense in [json!({}), json!({ "type": "view_closed" }), json!([1])] {
            assert_eq!(chats.slack(&nonsense, now, SIGNING).await.status, 200, "it is signed, and none of our business");
        }
        assert_eq!(chats.stand.came().len(), 0);
        for n in 0..3 {
            chats.press("U0STRANGER", ("C024BE91L", "17.1"), &value, &format!("{n}.5")).await;
        }
        assert_eq!(chats.service.state(&id).await, AlertState::Triggered);
        let told = chats.stand.one();
        assert!(told.body["text"].as_str().unwrap().contains("U0STRANGER") && told.body["thread_ts"] == "17.1");
        chats.service.night.end().await;
    }

    async fn a_page_in_telegram_is_taken_by_its_button_and_everybody_learns_it(store: Store) {
        let chats = Chats::on(&store, Channel::Telegram).await;
        let (id, [annas, _]) = chats.paged().await;
        let data = annas.body["reply_markup"]["inline_keyboard"][0][0]["callback_data"].as_str().unwrap().to_owned();
        let attempts = chats.service.night.attempts(&id).await;
        let message = |chat: i64| -> i64 {
            let prefix = format!("{chat}:");
            let mut ids = attempts.iter().filter_map(|attempt| attempt.provider_id.as_deref()?.strip_prefix(&prefix));
            ids.next().unwrap().parse().unwrap()
        };
        let press = chats.query(1, TELEGRAM[0], message(TELEGRAM[0]), &data);
        assert_eq!(chats.telegram(&press, "wrong").await.status, 403);
        assert_eq!(chats.service.state(&id).await, AlertState::Triggered);
        let answered = chats.telegram(&press, WORD).await;
        let toast: Value = serde_json::from_str(&answered.text).unwrap();
        assert_eq!((&toast["method"], &toast["callback_query_id"]), (&json!("answerCallbackQuery"), &json!("q1")));
        assert!(is_by(&chats.service.state(&id).await, "anna"));
        let (anna, ben) = (TELEGRAM[0].to_string(), TELEGRAM[1].to_string());
        let expect =
            [("editMessageText", anna.as_str()), ("editMessageText", ben.as_str()), ("sendMessage", ben.as_str())];
        assert_eq!(methods(&chats.stand.came()), named(&expect));
        assert_eq!(chats.telegram(&press, WORD).await.text, answered.text, "the same update gets the same answer");
        assert_eq!(chats.stand.came().len(), 0);
        let late = chats.telegram(&chats.query(2, TELEGRAM[1], message(TELEGRAM[1]), &data), WORD).await;
        assert!(late.text.contains("Anna Berger already took"), "{}", late.text);
        assert!(is_by(&chats.service.state(&id).await, "anna"));
        chats.stand.came();
        let stranger = chats.telegram(&chats.query(3, 42, 7, &data), WORD).await;
        assert!(stranger.text.contains("42") && stranger.text.contains("answerCallbackQuery"), "{}", stranger.text);
        for nonsense in [json!({}), json!({ "update_id": 4, "message": { "text": "/start" } })] {
            assert_eq!(chats.telegram(&nonsense, WORD).await.status, 200);
        }
        assert_eq!(chats.stand.came().len(), 0);
        chats.service.night.end().await;
    }

    async fn behind_nat_telegram_is_asked_for_what_was_pressed(store: Store) {
        let chats = Chats::on(&store, Channel::Telegram).await;
        let (id, _) = chats.paged().await;
        let press = chats.query(913_527_394, TELEGRAM[0], 1, &format!("acknowledge {id}"));
        chats.stand.tell(200, &[], json!({ "ok": true, "result": true }));
        chats.stand.tell(200, &[], json!({ "ok": true, "result": [press] }));
        let stop = CancellationToken::new();
        let context = chats.service.night.context.clone();
        let asking = tokio::spawn(ask_for_updates(context, Arc::clone(&chats.telegram), stop.clone()));
        let mut came = Vec::new();
        for _ in 0..500 {
            came.extend(chats.stand.came());
            if is_by(&chats.service.state(&id).await, "anna")
                && came.iter().any(|came| came.method == "getUpdates" && came.body["offset"] == 913_527_395)
            {
                break;
            }
            Clock::system().sleep(chrono::TimeDelta::milliseconds(10)).await;
        }
        stop.cancel();
        asking.await.unwrap();
        assert!(is_by(&chats.service.state(&id).await, "anna"));
        assert_eq!(came[0].method, "deleteWebhook", "whoever is delivered to may not ask");
        assert!(came.iter().any(|came| came.method == "answerCallbackQuery"));
        chats.service.night.settle().await;
        chats.service.night.end().await;
    }

    async fn a_link_that_is_posted_without_its_page_acts_once_and_says_when_it_is_too_late(store: Store) {
        let service = Service::on(&store).await;
        let id = service.night.raise("Disk full").await;
        let now = service.night.context.clock.now();
        let links = service.night.context.links.clone();
        let post = |who: &str, action| {
            let url = links.url(&id, &who.parse().unwrap(), action, now);
            service.send(Request::post(url.strip_prefix(PUBLIC_URL).unwrap()).body(Body::empty()).unwrap())
        };
        for _ in 0..2 {
            assert_eq!(post("anna", Action::Escalate).await.status, 200);
        }
        assert_eq!(service.night.alert(&id).await.alert.level, Some(1), "pressed twice, told once");
        assert_eq!(post("anna", Action::Acknowledge).await.status, 200);
        assert!(is_by(&service.state(&id).await, "anna"));
        let late = post("ben", Action::Acknowledge).await;
        assert!(late.status == 409 && late.text.contains("Anna Berger"), "{}", late.text);
        service.night.end().await;
    }
}
