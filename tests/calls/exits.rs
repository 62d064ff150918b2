//! Every exit of every kind of step is taken in a real call. Which exits there are the engine says; that one
//! was taken says the caller's phone: behind each exit of the flows in `msp/exits` stands a step with words
//! to which nothing else leads.

use std::{collections::BTreeSet, fs, net::TcpListener, path::Path};

use axum::{Json, Router, routing::get};
use pikett::{
    ivr::{Flow, Kind, Label, STEP_KINDS, StepId, Text, parse, schema},
    model::call::Outcome,
    sim::{Behaviour, Caller, Hooks, Press, Sid},
};
use reqwest::Method;
use serde_json::json;

use super::{
    people::{BEN, DORA, PRESS_1_EN, STRANGER, message, phone, takes},
    story::{Story, stories},
};

const UNASKED: &str = "+4930901841";
const ASKED: &str = "+4930901842";
const REACHED: &str = "+4930901843";
const CALLER: &str = "+4930901844";
const PIN: &str = "+4930901845";
const NOTICE_OF_DELTA: &str = "+4930901846";
const NOTICE_OF_EPSILON: &str = "+4930901847";
const LEFT_OUT: &str = "+4930901848";
const PIN_LEFT_OUT: &str = "+4930901849";
const HOTLINES: [&str; 9] =
    [UNASKED, ASKED, REACHED, CALLER, PIN, NOTICE_OF_DELTA, NOTICE_OF_EPSILON, LEFT_OUT, PIN_LEFT_OUT];

const BLOCKED: &str = "+4930999101";
const OTHER_OUTSIDE: &str = "+4930777002";
const RIGHT: &str = "604817#";
const WRONG: &str = "999999#";

const TAKEN: &str = "Taken: ";
const LEFT: &str = "Left out: ";

fn flow_files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calls/msp/exits");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named =
        files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()));
    named.collect()
}

/// The flows with an endpoint that knows a ticket's owner, and nothing else.
fn declare(folder: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().route("/tickets", get(async || Json(json!({ "owner": "Ada" }))));
    tokio::spawn(async move { axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await });
    for (name, text) in flow_files() {
        fs::write(folder.join(name), text.replace("http://crm.msp.example/", &endpoint)).unwrap();
    }
    let config = folder.join("pikett.toml");
    let text = fs::read_to_string(&config).unwrap() + "[lookup]\nallow_private = true\n";
    fs::write(config, text).unwrap();
}

/// What a step says that stands behind an exit.
fn words(kind: &Kind) -> Option<&str> {
    let speech = match kind {
        Kind::Say { speech, .. } => speech,
        Kind::Hangup { say, .. } => say.as_ref()?,
        _ => return None,
    };
    match speech.say.as_ref()? {
        Text::Same(text) => Some(text),
        Text::Each(_) => None,
    }
}

fn name_of(label: &Label) -> &'static str {
    match label {
        Label::Named(name) => name,
        Label::Key(..) => "options",
        Label::If(_) => "cases",
    }
}

/// An exit of a kind of step, and whether it was written or left out.
type Exit = (String, String, bool);

/// The exits that a flow shows, each with the words that prove it.
fn shown(file: &str, text: &str) -> Vec<(Exit, String)> {
    let flow = parse(file, text).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let document: toml_edit::DocumentMut = text.parse().unwrap();
    let kind_of = |step: StepId| document["steps"][flow.step(step).name.as_str()]["do"].as_str().unwrap();
    let mut shown = Vec::new();
    for (target, step) in flow.steps() {
        let Some(words) = words(&step.kind).filter(|words| words.starts_with(TAKEN) || words.starts_with(LEFT)) else {
            continue;
        };
        let (from, label) = only_entry(&flow, target);
        let (kind, is_written) = (kind_of(from), words.starts_with(TAKEN));
        let exit = match words.strip_prefix(LEFT) {
            None => label,
            // The exit that is taken instead is written; this one is not.
            Some(told) => {
                let left_out = told.trim_end_matches('.').rsplit(' ').next().unwrap();
                let written = flow.step(from).kind.exits().iter().any(|exit| name_of(&exit.label) == left_out);
                assert!(!written, "{file}: `{left_out}` is written at step `{}`", flow.step(from).name);
                left_out
            }
        };
        let sentence = format!("{}{kind} {exit}.", if is_written { TAKEN } else { LEFT });
        assert_eq!(words, sentence, "{file}: step `{}` stands behind another exit than it says", step.name);
        shown.push(((kind.to_owned(), exit.to_owned(), is_written), sentence));
    }
    shown
}

fn only_entry(flow: &Flow, target: StepId) -> (StepId, &'static str) {
    let entries = flow.steps().flat_map(|(from, step)| {
        step.kind.exits().into_iter().filter(|exit| exit.to == target).map(move |exit| (from, name_of(&exit.label)))
    });
    let entries: Vec<_> = entries.collect();
    assert_eq!(entries.len(), 1, "more than one exit leads to `{}`: {entries:?}", flow.step(target).name);
    entries[0]
}

impl Story {
    fn connect_exits(&self) {
        let hooks = Hooks::at(self.sim().account_sid(), &format!("{}/carriers/twilio", self.stage.url()));
        for number in HOTLINES {
            self.sim().number(phone(number), hooks.clone());
        }
    }

    fn withholds(&self, to: &str, script: impl IntoIterator<Item = Press>) -> Sid {
        let leg = self.sim().call(Caller::Withheld, phone(to));
        self.sim().follow(&leg, script);
        leg
    }

    /// A call to a hotline that asks for a PIN.
    async fn keys_in(&mut self, from: &str, to: &str, pins: &[&str]) -> Sid {
        let asked = |n: usize| if n == 0 { "Your PIN" } else { "not right" };
        let script: Vec<_> = pins.iter().enumerate().map(|(n, pin)| Press::on(asked(n), pin)).collect();
        let caller = self.phones_at(from, to, script);
        self.over(&caller).await;
        caller
    }
}

/// At the same time, but for what needs another's end.
async fn everybody_phones(story: &mut Story) -> Vec<Sid> {
    story.behaves(BEN, takes(3.0, PRESS_1_EN));
    story.behaves(OTHER_OUTSIDE, Behaviour::answers(2.0, []).hanging_up_after(5.0));
    let incident = json!({ "title": "Mail", "customers": ["delta"], "text": { "en": "Mail is down." } });
    story.api(Method::POST, "/incidents", &incident).await;
    let says = message("Everything is down");
    let answers = [
        Press::on("For English", "1"),
        Press::on("For an outage", "1"),
        Press::on("Your ticket", "4711#"),
        says.clone(),
        Press::on("Taken: intake next", ""),
        says,
        Press::on("If you want that", "2"),
        Press::on("If you want that", "1"),
    ];
    let mut callers = vec![
        story.phones_at(DORA, UNASKED, []),
        story.phones_at("+4930999011", ASKED, answers),
        story.phones_at("+4930999012", REACHED, [Press::on("star key", "*")]),
        story.phones_at(DORA, CALLER, []),
        story.phones_at("+4930999013", CALLER, []),
        story.phones_at(BLOCKED, CALLER, []),
        story.withholds(CALLER, []),
        story.phones_at("+4930999014", NOTICE_OF_DELTA, []),
        story.phones_at("+4930999015", NOTICE_OF_EPSILON, []),
        story.withholds(LEFT_OUT, [Press::on("star key", "*")]),
    ];
    callers.push(story.keys_in(STRANGER, PIN, &[RIGHT]).await);
    callers.push(story.keys_in(STRANGER, PIN, &[WRONG, WRONG, WRONG]).await);
    // The fifth wrong one locks; the sixth, right one, is not looked at.
    callers.push(story.keys_in(STRANGER, PIN, &[WRONG, WRONG, RIGHT]).await);
    callers.push(story.keys_in(STRANGER, PIN_LEFT_OUT, &[RIGHT]).await);
    callers
}

stories! {
    async fn every_exit_of_every_step_is_taken(story: Story, declare) {
        story.connect_exits();
        let callers = everybody_phones(story).await;
        let mut taken: BTreeSet<Exit> = BTreeSet::new();
        let mut heard = Vec::new();
        for caller in &callers {
            let call = story.over(caller).await;
            assert!(!matches!(call.outcome, Some(Outcome::Rejected | Outcome::Failed)), "{:?} at {}", call.outcome, call.last_step);
            heard.push(story.heard(caller));
        }
        let refused = story.phones_at(BLOCKED, LEFT_OUT, []);
        let call = story.over(&refused).await;
        assert_eq!((call.outcome, call.last_step.as_str()), (Some(Outcome::Rejected), "caller"));
        taken.insert(("caller".to_owned(), "blocked".to_owned(), false));

        let files: Vec<_> = flow_files().into_iter().filter(|(name, _)| name != "declared.toml").collect();
        for (exit, sentence) in files.iter().flat_map(|(name, text)| shown(name, text)) {
            if heard.iter().any(|heard| heard.contains(&sentence)) {
                taken.insert(exit);
            }
        }
        let left_out = schema::exits().filter(|exit| !exit.required).map(|exit| (exit, false));
        let declared: BTreeSet<Exit> = schema::exits()
            .map(|exit| (exit, true))
            .chain(left_out)
            .map(|(exit, is_written)| (exit.kind.to_owned(), exit.name.to_owned(), is_written))
            .collect();
        let missing: Vec<_> = declared.difference(&taken).collect();
        assert!(missing.is_empty(), "never taken over HTTP: {missing:#?}; the callers heard {heard:#?}");
        assert_eq!(declared, taken);
        let without: Vec<_> = STEP_KINDS.iter().filter(|kind| !declared.iter().any(|(known, ..)| known == *kind)).collect();
        assert_eq!(without, [&"hangup"], "every other kind leads on");
        assert!(!heard.iter().any(|heard| heard.contains("the wrong way")), "{heard:#?}");
    }
}
