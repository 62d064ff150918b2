//! Flows that nobody wrote: all kinds of steps in any order, wired at random, with texts that would break a
//! document that did not escape them. Most of them pass the check, since exits lead forward unless a step waits
//! for the caller; some are wired wildly, so that the check has something to refuse.
//!
//! Start with `written`. `Debug` shows a flow as the file that it is.

use std::{collections::BTreeSet, fmt};

use proptest::{collection::vec, prelude::*, sample::Index, sample::select};

/// All but `hangup`, which stands at the ends.
const KINDS: [&str; 20] = [
    "say",
    "pause",
    "language",
    "hours",
    "caller",
    "pin",
    "menu",
    "collect",
    "intake",
    "when",
    "set",
    "lookup",
    "alert",
    "connect",
    "voicemail",
    "notice",
    "callback",
    "sms",
    "forward",
    "flow",
];
/// From these an exit may lead back: they wait for the caller.
const ASKING: [&str; 6] = ["language", "menu", "pin", "collect", "intake", "voicemail"];

const TEXTS: [&str; 22] = [
    "Hello.",
    "{{ caller | digits }} {{ now | time }}",
    "{{ customer.name }}: {{ contact.name or caller }}, {{ sla.response }}",
    "{{ topic }} {{ answer | digits }} {{ alert.number }} {{ queue.position }}",
    "{% if verified %}{{ contact.name }}{% endif %}!",
    "{{ topic / 2 }} is no number.",
    "{% for i in range(300) %}{{ topic }}, {% endfor %}",
    "</Say><Dial>+19005550100</Dial><Say>",
    "]]><Hangup/><![CDATA[",
    "<!-- & &amp; &#0; \" ' -->",
    "\u{0}\u{b}\u{1b}\u{7f}\u{fffe}\u{ffff}x",
    "\u{e000}17\u{e001} \u{e001}\u{e000}",
    "\u{202e}\u{200b}\u{feff}\u{301}",
    "🇩🇪👩‍👩‍👧‍👦€",
    "a\r\n\tb",
    "%s %00 ${HOME} `id` ../..",
    "ja nein yes no 1 2",
    "<break time='10s'/>",
    "long",
    "{{ hotline.number }} {{ org }} {{ contract }} {{ category or priority }}",
    "{{ answer }}",
    "{{ language }}",
];
const AUDIO: [&str; 5] = [
    "https://audio.example/a.mp3",
    "https://audio.example/{{ language }}.mp3?a=1&b=<>\\\"",
    "https://{{ topic }}.example/a.mp3",
    "https://{{ answer }}/a.mp3",
    "{{ topic }}",
];
const VOICES: [&str; 3] = ["Polly.Joanna-Neural", "a\"<&>'", "woman"];
const WORDS: [&str; 5] = ["outage", "a, b", " Ausfall ", "<&>x", "yes"];
const KEYS: [char; 12] = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0', '*', '#'];

/// A step as chance has it.
#[derive(Debug, Clone)]
struct Draft {
    kind: usize,
    to: [Index; 4],
    texts: [String; 2],
    flags: u16,
    number: u32,
}

#[derive(Debug, Clone)]
struct Plan {
    steps: Vec<Draft>,
    voice: Option<&'static str>,
    abandoned: Option<Index>,
}

/// A flow, and those that it may call.
#[derive(Clone)]
pub struct Written {
    languages: Vec<&'static str>,
    flows: Vec<Plan>,
    /// Exits lead anywhere.
    wild: bool,
}

fn text() -> impl Strategy<Value = String> {
    let text = (select(&TEXTS[..]), "\\PC{0,12}").prop_map(|(text, more)| match text {
        "long" => "ä €".repeat(1_500),
        text => format!("{text}{}", more.replace(['{', '}'], "(")),
    });
    prop_oneof![2 => select(&TEXTS[..6]).prop_map(str::to_owned), 3 => text]
}

fn draft() -> impl Strategy<Value = Draft> {
    (0..KINDS.len(), any::<[Index; 4]>(), [text(), text()], any::<u16>(), any::<u32>())
        .prop_map(|(kind, to, texts, flags, number)| Draft { kind, to, texts, flags, number })
}

fn plan(steps: std::ops::Range<usize>) -> impl Strategy<Value = Plan> {
    (vec(draft(), steps), prop::option::weighted(0.3, select(&VOICES[..])), any::<Option<Index>>())
        .prop_map(|(steps, voice, abandoned)| Plan { steps, voice, abandoned })
}

/// A main flow of up to a dozen steps, and two that can be called: all of them speak the same languages.
pub fn written() -> impl Strategy<Value = Written> {
    let languages = select(vec![vec!["en"], vec!["de"], vec!["de", "en"], vec!["fr", "de-CH", "en"], vec!["ro", "en"]]);
    (languages, plan(1..12), plan(1..5), plan(1..4), prop::bool::weighted(0.15)).prop_map(
        |(languages, main, first, second, wild)| Written { languages, flows: vec![main, first, second], wild },
    )
}

impl Written {
    /// Each flow's id and file; the first is the hotline's.
    pub fn files(&self, prefix: &str) -> Vec<(String, String)> {
        let id = |depth: usize| format!("{prefix}-{depth}");
        let file = |(depth, plan): (usize, &Plan)| {
            let next = (depth + 1..self.flows.len()).map(id).collect();
            let writer =
                Writer { plan, languages: &self.languages, called: next, is_called: depth > 0, wild: self.wild };
            (id(depth), writer.file(&id(depth)))
        };
        self.flows.iter().enumerate().map(file).collect()
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files("flow").iter().try_for_each(|(id, text)| write!(f, "\n--- {id}.toml\n{text}"))
    }
}

/// As TOML.
pub fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

struct Writer<'a> {
    plan: &'a Plan,
    languages: &'a [&'static str],
    /// What it may call.
    called: Vec<String>,
    is_called: bool,
    wild: bool,
}

/// The ends, each with what else it needs.
const ENDS: [(&str, &str, &[&str]); 5] = [
    ("bye", "do = \"hangup\"\nsay = \"Goodbye.\"\n", &[]),
    ("busy", "do = \"hangup\"\nreject = \"busy\"\n", &[]),
    ("silent", "do = \"hangup\"\n", &[]),
    ("mail", "do = \"voicemail\"\nprompt = \"Speak.\"\nmax = \"1s\"\nnext = \"bye\"\n", &["bye"]),
    ("talk", "do = \"connect\"\nconnected = \"bye\"\nnobody = \"mail\"\n", &["bye", "mail"]),
];

impl Writer<'_> {
    fn file(&self, id: &str) -> String {
        let languages: Vec<_> = self.languages.iter().map(|language| quoted(language)).collect();
        let mut file = format!("id = \"{id}\"\nlanguages = [{}]\nstart = \"s0\"\n", languages.join(", "));
        if let Some(after) = &self.plan.abandoned {
            let step = after.index(self.plan.steps.len());
            file += &format!("abandoned = {{ after = \"s{step}\", priority = \"P2\" }}\n");
        }
        if let Some(voice) = self.plan.voice {
            file += &format!("[voices]\n{} = {}\n", self.languages[0], quoted(voice));
        }
        file += "[vars]\ntopic = { default = \"mail & <web>\" }\nanswer = { default = \"\" }\n\
                 wait = { default = \"40s\", type = \"duration\" }\noffice = { default = \"+4930777001\", type = \"phone\" }\n";
        let mut ends = BTreeSet::new();
        for (index, draft) in self.plan.steps.iter().enumerate() {
            let step = StepWriter { flow: self, index, draft, lines: Vec::new(), ends: BTreeSet::new() };
            let (text, named) = step.written();
            file += &format!("[steps.s{index}]\n{text}");
            ends.extend(named);
        }
        for (name, _, needs) in ENDS.iter().rev() {
            if ends.contains(name) {
                ends.extend(*needs);
            }
        }
        for (name, text, _) in ENDS.iter().filter(|(name, ..)| ends.contains(name)) {
            file += &format!("[steps.{name}]\n{text}");
        }
        file
    }
}

struct StepWriter<'a> {
    flow: &'a Writer<'a>,
    index: usize,
    draft: &'a Draft,
    lines: Vec<String>,
    /// The ends that it leads to.
    ends: BTreeSet<&'static str>,
}

impl StepWriter<'_> {
    fn kind(&self) -> &'static str {
        match KINDS[self.draft.kind] {
            "flow" if self.flow.called.is_empty() => "say",
            kind => kind,
        }
    }

    fn flag(&self, bit: u16) -> bool {
        self.draft.flags >> bit & 1 == 1
    }

    fn put(&mut self, key: &str, value: impl fmt::Display) {
        self.lines.push(format!("{key} = {value}\n"));
    }

    fn put_if(&mut self, bit: u16, key: &str, value: impl fmt::Display) {
        if self.flag(bit) {
            self.put(key, value);
        }
    }

    /// The first exit leads to the step behind, so that each is reached.
    fn exit(&mut self, slot: usize) -> String {
        let steps = self.flow.plan.steps.len();
        if slot == 0 && self.index + 1 < steps {
            return quoted(&format!("s{}", self.index + 1));
        }
        let may_go_back = self.flow.wild || ASKING.contains(&self.kind());
        let first = if may_go_back && slot > 0 { 0 } else { self.index + 1 };
        let mut names: Vec<String> = (first..steps).map(|index| format!("s{index}")).collect();
        names.extend(ENDS.iter().map(|(name, ..)| (*name).to_owned()));
        if self.flow.is_called {
            names.push("return".to_owned());
        }
        let name = &names[self.draft.to[slot].index(names.len())];
        self.ends.extend(ENDS.iter().map(|(end, ..)| *end).filter(|end| end == name));
        quoted(name)
    }

    fn exits(&mut self, names: &[&str]) {
        for (slot, name) in names.iter().enumerate() {
            let exit = self.exit(slot);
            self.put(name, exit);
        }
    }

    /// One text for all languages, or one for each.
    fn text(&self, which: usize) -> String {
        let languages = self.flow.languages;
        if self.flag(15) {
            return quoted(&self.draft.texts[which]);
        }
        let each = languages
            .iter()
            .enumerate()
            .map(|(place, language)| format!("{language} = {}", quoted(&self.draft.texts[(which + place) % 2])));
        format!("{{ {} }}", each.collect::<Vec<_>>().join(", "))
    }

    fn speech(&mut self, key: &str) {
        let audio = quoted(AUDIO[self.draft.number as usize % AUDIO.len()]);
        self.put(key, self.text(0));
        self.put_if(14, "play", audio);
    }

    fn asking(&mut self) {
        self.put_if(0, "attempts", self.draft.number % 10 + 1);
        self.put_if(1, "timeout", format!("\"{}s\"", self.draft.number % 60 + 1));
        self.put_if(2, "finish", if self.flag(3) { "\"\"" } else { "\"*\"" });
        self.put_if(4, "no_input", self.text(1));
        self.put_if(5, "barge_in", "false");
    }

    fn written(mut self) -> (String, BTreeSet<&'static str>) {
        let kind = self.kind();
        self.put("do", quoted(kind));
        match kind {
            "say" | "pause" | "set" | "alert" | "flow" | "sms" | "lookup" | "hours" | "when" => self.unasked(kind),
            "connect" | "forward" | "voicemail" => self.reaching(kind),
            _ => self.asked(kind),
        }
        (self.lines.concat(), self.ends)
    }

    fn unasked(&mut self, kind: &str) {
        let number = self.draft.number;
        match kind {
            "say" => self.speech("say"),
            "pause" => self.put("for", format!("\"{}s\"", number % 300 + 1)),
            "set" => {
                let topic = format!("{{ topic = {}, answer = {number} }}", quoted(&self.draft.texts[0]));
                self.put("vars", topic);
                self.put_if(0, "priority", format!("\"P{}\"", number % 4 + 1));
                self.put_if(1, "category", quoted("<outage> & \"more\""));
            }
            "alert" => {
                self.put_if(0, "title", self.text(0));
                self.put_if(1, "priority", format!("\"P{}\"", number % 4 + 1));
                self.put_if(2, "unverified", "true");
                self.put_if(3, "ack_on_connect", "false");
            }
            "flow" => {
                self.put("flow", quoted(&self.flow.called[number as usize % self.flow.called.len()]));
                let vars = format!("{{ topic = {}, office = \"{{{{ office }}}}\" }}", quoted(&self.draft.texts[0]));
                self.put_if(0, "vars", vars);
            }
            "sms" => self.put("text", self.text(0)),
            "lookup" => {
                self.put("url", quoted("https://crm.msp.example/{{ caller }}?t={{ topic }}"));
                let send = format!("{{ topic = {}, \"customer.number\" = 1 }}", quoted(&self.draft.texts[0]));
                self.put_if(0, "send", send);
                self.put("into", if self.flag(1) { "[\"answer\"]" } else { "{ answer = \"a.0.b\", topic = \"t\" }" });
            }
            "hours" => {
                self.put_if(0, "calendar", "\"office\"");
                let names = if self.flag(1) { &["open", "closed", "holiday"][..] } else { &["open", "closed"] };
                return self.exits(names);
            }
            _ => {
                let conditions = ["priority == 'P1'", "topic == answer", "verified and category", "answer | int > 1"];
                let (first, second) = (self.exit(1), self.exit(2));
                let case = |n: usize, to: &str| format!("{{ if = {}, to = {to} }}", quoted(conditions[n % 4]));
                let cases = [case(number as usize, &first), case(number as usize / 4, &second)];
                self.put("cases", format!("[{}]", cases.join(", ")));
                return self.exits(&["else"]);
            }
        }
        self.exits(if kind == "lookup" || kind == "sms" && self.flag(2) { &["next", "failed"] } else { &["next"] });
    }

    fn reaching(&mut self, kind: &str) {
        let seconds = quoted(&format!("{}s", self.draft.number % 500 + 5));
        match kind {
            "connect" => {
                self.put_if(0, "ring", &seconds);
                self.put_if(1, "max_wait", "\"{{ wait }}\"");
                self.put_if(2, "at_once", "true");
                self.put_if(3, "record", "true");
                self.put_if(4, "accept", "\"answer\"");
                self.put_if(5, "music", quoted(AUDIO[0]));
                self.exits(if self.flag(6) { &["connected", "nobody", "left"] } else { &["connected", "nobody"] });
            }
            "forward" => {
                self.put("number", quoted(if self.flag(0) { "{{ office }}" } else { "+4930777001" }));
                self.put_if(1, "ring", &seconds);
                self.put_if(2, "send", quoted(["w", "wwww700", "1*#W"][self.draft.number as usize % 3]));
                self.put_if(3, "caller_id", "\"caller\"");
                self.exits(&["connected", "nobody"]);
            }
            _ => {
                self.speech("prompt");
                self.put_if(0, "max", &seconds);
                self.put_if(1, "transcribe", "false");
                self.put_if(2, "alert", format!("{{ title = {}, priority = \"P2\" }}", quoted(&self.draft.texts[1])));
                self.exits(if self.flag(3) { &["next", "empty"] } else { &["next"] });
            }
        }
    }

    fn asked(&mut self, kind: &str) {
        if kind == "intake" {
            self.put_if(0, "prompt", self.text(0));
            let own = format!("{{ why = {}, who = {} }}", self.text(0), self.text(1));
            self.put_if(1, "questions", if self.flag(2) { "[\"what\"]".to_owned() } else { own });
            return self.exits(&["next"]);
        }
        match kind {
            "language" | "menu" | "pin" | "collect" => self.speech("prompt"),
            _ => self.put_if(6, "prompt", self.text(0)),
        }
        self.asking();
        match kind {
            "language" => {
                let key = |place: usize| KEYS[(self.draft.number as usize + place) % KEYS.len()];
                let options = self.flow.languages.iter().enumerate();
                let options = options.map(|(place, language)| format!("\"{}\" = \"{language}\"", key(place)));
                let options = format!("{{ {} }}", options.collect::<Vec<_>>().join(", "));
                self.put("options", options);
                self.put_if(7, "remember", "false");
                self.exits(&["next"]);
            }
            "menu" => self.menu(),
            "pin" => {
                self.put_if(7, "customer_number", self.text(1));
                self.put_if(8, "digits", "\"6\"");
                self.exits(if self.flag(9) { &["verified", "failed", "locked"] } else { &["verified", "failed"] });
            }
            "collect" => {
                self.put("into", if self.flag(7) { "\"answer\"" } else { "\"topic\"" });
                self.put("input", quoted(["digits", "speech", "both"][self.draft.number as usize % 3]));
                if self.draft.number % 3 != 1 {
                    self.put_if(8, "digits", "\"2-5\"");
                }
                self.put_if(9, "confirm", "true");
                self.exits(&["next", "failed"]);
            }
            "caller" => {
                self.put_if(7, "block", "[\"+4930*\"]");
                self.put_if(8, "allow", "[\"+4930555010\"]");
                self.put_if(9, "captcha", "true");
                self.put_if(10, "trust", "\"attested\"");
                let all = ["known", "unknown", "anonymous", "blocked"];
                self.exits(if self.flag(11) { &all } else { &all[..2] });
            }
            "notice" => {
                self.put_if(7, "offer_sms", "false");
                self.exits(&["announced", "none"]);
            }
            _ => {
                self.put("number", if self.flag(7) { "\"ask\"" } else { "\"caller\"" });
                self.put_if(8, "within", "\"{{ wait }}\"");
                self.exits(&["accepted", "declined"]);
            }
        }
    }

    fn menu(&mut self) {
        let count = self.draft.number as usize % 4 + 1;
        let mut options = Vec::new();
        for place in 0..count {
            let key = KEYS[(self.draft.number as usize / 4 + place) % KEYS.len()];
            let word = quoted(WORDS[(self.draft.number as usize / 8 + place) % WORDS.len()]);
            let long = quoted(&"word ".repeat(60));
            let to = self.exit(place.min(3));
            let speech = if self.flag(8) { format!(", speech = [{word}, {long}]") } else { String::new() };
            let priority = if self.flag(9) { ", priority = \"P1\", category = \"<b>\"" } else { "" };
            options.push(format!("\"{key}\" = {{ label = {word}, to = {to}{speech}{priority} }}"));
        }
        if self.flag(10) {
            options.push(format!(
                "\"{}\" = {{ repeat = true }}",
                KEYS[(self.draft.number as usize / 4 + count) % KEYS.len()]
            ));
        }
        self.put("options", format!("{{ {} }}", options.join(", ")));
        let invalid = self.exit(1);
        self.put("invalid", invalid);
    }
}
