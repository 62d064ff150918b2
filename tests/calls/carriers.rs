//! Two carriers: what the preferred one does not carry goes through the other within seconds, once.

use pikett::{
    demo::stage::KEY,
    model::{alert::AlertState, callback::CallbackState, secret::Secret},
    sim::{Behaviour, Cut, Faults, Message, RestFaults, Sim, SmsReception},
};
use serde_json::json;

use super::{
    called_back::{customer, willing},
    database::Scratch,
    people::{ANNA, DORA, PETRA, chooses, message, phone},
    story::{SECOND, Story},
};

fn section(base_url: &str, account: &str, token: &str) -> String {
    format!(
        "[[carriers]]\nid = \"second\"\nkind = \"twilio\"\naccount_sid = \"{account}\"\nauth_token = \"{token}\"\n\
         from = \"{SECOND}\"\nbase_url = \"{base_url}\"\ncalls_per_second = 20\nmessages_per_second = 100\n"
    )
}

/// What SignalWire signs with.
const SIGNING_KEY: &str = "PSK_simulated";

fn signalwire(base_url: &str, account: &str, token: &str) -> String {
    let twilio = section(base_url, account, token);
    twilio.replace("kind = \"twilio\"", &format!("kind = \"signalwire\"\nsigning_key = \"{SIGNING_KEY}\""))
}

/// Makes two tests of one, as `stories!` does, with a second carrier.
macro_rules! between {
    ($section:ident: $(async fn $name:ident($story:ident: Story) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn told($story: &mut Story) $body

            #[tokio::test]
            async fn sqlite() {
                let mut story = Story::begin_over(Scratch::sqlite(), Some($section), |_| {}).await;
                told(&mut story).await;
                story.close().await;
            }

            #[tokio::test]
            async fn postgres() {
                let mut story = Story::begin_over(Scratch::postgres().await, Some($section), |_| {}).await;
                told(&mut story).await;
                story.close().await;
            }
        }
    )*};
}

fn rest(rest: RestFaults) -> Faults {
    Faults { rest, ..Faults::default() }
}

fn answers(status: u16) -> Faults {
    rest(RestFaults { status: Some(status), ..RestFaults::default() })
}

/// `1 K7`, as the page asks for.
fn answer_to(page: &Message) -> String {
    let words: Vec<&str> = page.body.split_whitespace().collect();
    let pair = words.windows(2).find(|pair| pair[0] == "1").expect("a page says what to answer");
    pair.join(" ")
}

fn to_anna(sim: &Sim) -> Vec<Message> {
    sim.messages().into_iter().filter(|message| message.to == ANNA && !message.inbound).collect()
}

impl Story {
    fn other(&self) -> &Sim {
        self.second.as_ref().unwrap()
    }

    /// A monitoring tool reports something.
    pub async fn event_comes(&mut self, key: &str) {
        let body = json!({
            "routing_key": KEY, "event_action": "trigger", "dedup_key": key,
            "payload": { "summary": key, "source": "db1", "severity": "critical" },
        });
        let http = pikett::carrier::http_client(&pikett::clock::Clock::system());
        let answer = http.post(format!("{}/v2/enqueue", self.stage.url())).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 202);
        self.settle().await;
    }

    pub async fn tale_of(&self, title: &str) -> Vec<String> {
        let alerts = self.alerts().await;
        let row = alerts.iter().find(|row| row.alert.title.contains(title)).unwrap();
        self.tale_of_alert(row).await
    }
}

between! {
    section:
    async fn a_caller_whose_carrier_rings_nobody_leaves_a_message_and_people_are_told_through_the_other(story: Story) {
        story.sim().faults().set(answers(500));
        let caller = story.phones(PETRA, [chooses("1"), message("Hier steht alles")]);
        let call = story.over(&caller).await;
        assert!(story.sim().legs().iter().all(|leg| leg.to != ANNA), "its REST API is down");
        let alert = story.alert_of(&call).await;
        let first = to_anna(story.other()).into_iter().next().expect("she was texted");
        let waited = (first.created_at - alert.alert.opened_at).num_seconds();
        assert!(waited <= 10, "{waited} s");
        story.sim().faults().clear();
    }

    async fn what_it_sent_without_answering_is_sent_once(story: Story) {
        let cut = RestFaults { cut: Some(Cut::After), reads: false, ..RestFaults::default() };
        story.sim().faults().set(rest(cut));
        story.event_comes("disk").await;
        story.pass(15).await;
        assert_eq!((to_anna(story.sim()).len(), to_anna(story.other()).len()), (1, 0));
        story.sim().faults().clear();
    }

    async fn a_number_that_it_refuses_is_reached_through_the_other_and_that_is_remembered(story: Story) {
        let refused = SmsReception::Refused { code: 21_614 };
        story.behaves(ANNA, Behaviour::never_answers().sms(refused));
        story.event_comes("disk").await;
        story.pass(20).await;
        assert_eq!(to_anna(story.other()).len(), 1);
        let tale = story.tale_of("disk").await;
        assert!(tale.iter().any(|entry| entry.contains("since twilio refused it")), "{tale:#?}");
        story.event_comes("fan").await;
        story.pass(5).await;
        assert_eq!(to_anna(story.other()).len(), 2);
        let tale = story.tale_of("fan").await;
        let remembered = "since twilio is not known to reach this number, and another is";
        assert!(tale.iter().any(|entry| entry.contains(remembered)), "{tale:#?}");
    }

    async fn one_that_is_out_is_told_of_once_and_used_again_when_it_is_back(story: Story) {
        story.sim().faults().set(answers(503));
        for key in ["disk", "fan", "link", "backup"] {
            story.event_comes(key).await;
            story.pass(1).await;
        }
        assert_eq!(to_anna(story.other()).len(), 4);
        let is_out = |title: &String| title.contains("twilio is out for sms");
        assert_eq!(story.told_to_msp().await.iter().filter(|title| is_out(title)).count(), 1);
        story.sim().faults().clear();
        story.pass(15).await;
        story.event_comes("psu").await;
        assert!(to_anna(story.sim()).iter().any(|message| message.body.contains("psu")));
        // It is told beside the page that brought the news.
        let is_told = |tale: &[String]| tale.iter().any(|entry| entry.contains("as the carrier works again"));
        let mut tale = story.tale_of("twilio is out for sms").await;
        for _ in 0..500 {
            if is_told(&tale) {
                break;
            }
            story.settle().await;
            tale = story.tale_of("twilio is out for sms").await;
        }
        assert!(is_told(&tale), "{tale:#?}");
    }

    async fn a_promised_callback_is_made_through_the_other(story: Story) {
        story.accepts().await;
        story.sim().faults().set(answers(503));
        story.other().phone(phone(ANNA), willing());
        story.other().phone(phone(DORA), customer());
        let kept = story.is_settled().await;
        assert!(matches!(&kept.state, CallbackState::Kept { by, .. } if by.name() == "anna"), "{:?}", kept.state);
        let dialled = story.other().legs().into_iter().find(|leg| leg.to == DORA).expect("she was called");
        assert_eq!(dialled.from, SECOND, "another carrier shows a number of its own");
        story.sim().faults().clear();
    }
}

between! {
    signalwire:
    async fn signalwire_pages_by_configuration_alone_and_is_believed_by_its_own_signature(story: Story) {
        story.other().signs("X-SignalWire-Signature", Secret::new(SIGNING_KEY));
        story.sim().faults().set(answers(503));
        story.event_comes("disk").await;
        let page = to_anna(story.other()).into_iter().next().expect("she was texted");
        assert_eq!(page.from, SECOND);
        story.pass(30).await;
        let tale = story.tale_of("disk").await;
        assert!(tale.iter().any(|entry| entry.contains("arrived")), "its report is taken: {tale:#?}");
        story.other().text(phone(ANNA), phone(SECOND), &answer_to(&page));
        story.settle().await;
        let state = story.alerts().await.into_iter().find(|row| row.alert.title.contains("disk")).unwrap().alert.state;
        assert!(matches!(&state, AlertState::Acknowledged { .. }), "{state:?}");
        story.sim().faults().clear();
    }
}
