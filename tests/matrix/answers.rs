//! What comes back to us over each channel: reports of carriers, and that Anna takes an alert, by SMS, key, button
//! or link. Said again it is word for word the same request.

use hmac::{Hmac, Mac};
use pikett::{
    carrier::signature,
    model::{code, person::Channel, secret::Secret},
};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    dialects::{ACCOUNT, SLACK_CHAT},
    msp::{HOTLINE, PUBLIC_URL, SLACK_SECRET, SLACK_USER, TELEGRAM_CHAT, TELEGRAM_SECRET, TOKEN, Who},
    night::Night,
    providers::Asked,
    seen::Seen,
};

impl Night {
    /// A carrier's report about a message or call that it has taken.
    pub async fn reports(&self, page: &Asked, status: &str, code: Option<&str>) {
        let field = |name: &str| form_urlencoded::parse(page.raw.as_bytes()).find(|(given, _)| given == name);
        let to = field("StatusCallback").unwrap().1.into_owned();
        let (sid, word) = match self.channel {
            Channel::Voice => ("CallSid", "CallStatus"),
            Channel::Sms => ("MessageSid", "MessageStatus"),
            other => panic!("{other} reports nothing"),
        };
        let mut form = vec![(sid, page.id.clone()), (word, status.to_owned())];
        form.extend(code.map(|code| ("ErrorCode", code.to_owned())));
        let (answered, text) = self.by_carrier(&to, form).await;
        assert!(answered < 300, "{answered} {text}");
        self.settle().await;
    }

    /// A request of the carrier, signed. Answers its status and the document.
    async fn by_carrier(&self, url: &str, mut form: Vec<(&str, String)>) -> (u16, String) {
        form.push(("AccountSid", ACCOUNT.to_owned()));
        let signed = signature::sign(url, &form, &Secret::new(TOKEN));
        let path = url.strip_prefix(PUBLIC_URL).unwrap();
        let request = self.http.post(self.url(path)).header(signature::HEADER, signed).form(&form);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Anna takes it over the channel by which she was paged. The same again when asked again. Answers the status.
    pub async fn anna_takes(&self, seen: &Seen) -> u16 {
        let page = seen.pages(Who::Anna).into_iter().find(|page| page.taken).unwrap();
        let status = match self.channel {
            Channel::Sms => self.by_sms(seen, page).await,
            Channel::Voice => self.by_key(page).await,
            Channel::Slack => self.by_slack(page).await,
            Channel::Telegram => self.by_telegram(page).await,
            Channel::Email | Channel::Push | Channel::Teams | Channel::Ntfy | Channel::Webhook => {
                self.by_link(page).await
            }
        };
        self.settle().await;
        status
    }

    async fn by_sms(&self, seen: &Seen, page: &Asked) -> u16 {
        let body = format!("1 {}", code::of(seen.row.alert.number));
        let form = vec![
            ("MessageSid", "SM0000000000000000000000000000anna".to_owned()),
            ("From", page.to.clone()),
            ("To", HOTLINE.to_owned()),
            ("Body", body),
        ];
        self.by_carrier(&format!("{PUBLIC_URL}/carriers/twilio/sms"), form).await.0
    }

    /// She picks up, hears what it is, and presses 1.
    async fn by_key(&self, page: &Asked) -> u16 {
        let call = || vec![("CallSid", page.id.clone()), ("CallStatus", "in-progress".to_owned())];
        let (status, document) = self.by_carrier(&page.text, call()).await;
        assert_eq!(status, 200, "{document}");
        let Some((_, action)) = document.split_once("action=\"") else { return status };
        let action = action.split_once('"').unwrap().0.replace("&amp;", "&");
        self.by_carrier(&action, [call(), vec![("Digits", "1".to_owned())]].concat()).await.0
    }

    async fn by_slack(&self, page: &Asked) -> u16 {
        let message: Value = serde_json::from_str(&page.raw).unwrap();
        let button = &message["blocks"][1]["elements"][0]["value"];
        let payload = json!({
            "type": "block_actions", "user": { "id": SLACK_USER },
            "container": { "channel_id": SLACK_CHAT, "message_ts": page.id },
            "actions": [{ "value": button, "action_ts": "1772332230.000001" }],
        });
        let body = serde_urlencoded::to_string([("payload", payload.to_string())]).unwrap();
        let at = self.clock.now().timestamp().to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(SLACK_SECRET.as_bytes()).unwrap();
        mac.update(format!("v0:{at}:{body}").as_bytes());
        let signed = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
        let request = self.http.post(self.url("/slack/interactions")).body(body);
        let request = request.header("x-slack-request-timestamp", at).header("x-slack-signature", signed);
        request.send().await.unwrap().status().as_u16()
    }

    async fn by_telegram(&self, page: &Asked) -> u16 {
        let message: Value = serde_json::from_str(&page.raw).unwrap();
        let button = &message["reply_markup"]["inline_keyboard"][0][0]["callback_data"];
        let id: i64 = page.id.parse().unwrap();
        let update = json!({ "update_id": 1, "callback_query": {
            "id": "pressed", "from": { "id": TELEGRAM_CHAT },
            "message": { "chat": { "id": TELEGRAM_CHAT }, "message_id": id }, "data": button,
        } });
        let request = self.http.post(self.url("/telegram/updates")).json(&update);
        request.header("x-telegram-bot-api-secret-token", TELEGRAM_SECRET).send().await.unwrap().status().as_u16()
    }

    /// The first link of a page acknowledges.
    async fn by_link(&self, page: &Asked) -> u16 {
        let links = format!("{PUBLIC_URL}/a/");
        let begin = page.raw.find(&links).unwrap_or_else(|| panic!("no link in {}", page.raw)) + PUBLIC_URL.len();
        let is_of_path = |sign: char| sign.is_ascii_alphanumeric() || "/-_.".contains(sign);
        let path: String = page.raw[begin..].chars().take_while(|sign| is_of_path(*sign)).collect();
        self.http.post(self.url(&path)).send().await.unwrap().status().as_u16()
    }
}
