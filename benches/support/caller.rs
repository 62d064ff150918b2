//! A customer on the phone, as the carrier tells of them: one signed form per turn, each to where the
//! document before said. After the last key the next call begins. Start with `Caller::turn`.

use std::sync::atomic::{AtomicU64, Ordering};

use pikett::{carrier::signature, model::secret::Secret};

use crate::{
    client::Client,
    house::{SID, TOKEN},
};

const VOICE: &str = "/carriers/twilio/voice";
static CALLS: AtomicU64 = AtomicU64::new(0);

pub struct Caller {
    client: Client,
    /// What signatures are computed on.
    public_url: String,
    /// Pressed one after the other.
    keys: &'static [&'static str],
    call: String,
    pressed: usize,
    next: String,
}

impl Caller {
    pub fn new(client: Client, public_url: &str, keys: &'static [&'static str]) -> Self {
        let public_url = public_url.to_owned();
        Self { client, public_url, keys, call: new_call(), pressed: 0, next: VOICE.to_owned() }
    }

    /// Answers the document.
    pub async fn turn(&mut self) -> String {
        let key = self.pressed.checked_sub(1).map(|at| self.keys[at]);
        let form = self.form(key);
        let signature = signature::sign(&format!("{}{}", self.public_url, self.next), &form, &Secret::new(TOKEN));
        let headers = format!("Content-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: {signature}\r\n");
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let answer = self.client.post(&self.next, &headers, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(!answer.body.contains("/voice/message"), "the spare document: {}", answer.body);
        if self.pressed == self.keys.len() {
            (self.call, self.pressed, self.next) = (new_call(), 0, VOICE.to_owned());
        } else {
            self.pressed += 1;
            self.next = action(&answer.body);
        }
        answer.body
    }

    /// What Twilio sends.
    fn form(&self, key: Option<&'static str>) -> Vec<(&'static str, &str)> {
        let mut form = vec![
            ("AccountSid", SID),
            ("ApiVersion", "2010-04-01"),
            ("CallSid", self.call.as_str()),
            ("CallStatus", if key.is_some() { "in-progress" } else { "ringing" }),
            ("Called", "+4930901820"),
            ("CalledCountry", "DE"),
            ("Caller", "+4930555010"),
            ("CallerCountry", "DE"),
            ("Direction", "inbound"),
            ("From", "+4930555010"),
            ("FromCity", ""),
            ("FromCountry", "DE"),
            ("FromState", "Berlin"),
            ("FromZip", ""),
            ("To", "+4930901820"),
            ("ToCity", ""),
            ("ToCountry", "DE"),
            ("ToState", "Berlin"),
            ("ToZip", ""),
        ];
        if let Some(key) = key {
            form.extend([("Digits", key), ("FinishedOnKey", ""), ("msg", "Gather End")]);
        }
        form
    }
}

fn new_call() -> String {
    format!("CA{:032x}", CALLS.fetch_add(1, Ordering::Relaxed))
}

/// The path that the document's first verb leads to.
fn action(document: &str) -> String {
    let url = document.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()).expect(document);
    let path = url.find("/carriers/").map(|at| &url[at..]).expect("our paths are known");
    path.replace("&amp;", "&")
}
