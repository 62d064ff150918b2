//! Reads the steps that reach somebody: `alert`, `connect`, `voicemail`, `sms`, `forward`.

use crate::{
    ivr::{
        flow::{
            Accept, AlertFields, CallerId, ConnectStep, ConnectTo, ForwardStep, ForwardTo, Kind, VarKind, VoicemailStep,
        },
        parse::step::{StepReader, only_var},
        run::is_audio,
    },
    model::{
        fault::did_you_mean,
        phone::Phone,
        source::{At, Reader},
    },
};

const MINUTE: u32 = 60;

pub fn alert(step: &StepReader<'_, '_>) -> Option<Kind> {
    let alert = alert_fields(step, &step.reader);
    let ack_on_connect = step.reader.boolean("ack_on_connect").is_none_or(|given| given.value);
    let next = step.exit("next");
    Some(Kind::Alert { alert, ack_on_connect, next: next? })
}

fn alert_fields<'b>(step: &StepReader<'_, 'b>, reader: &Reader<'b>) -> AlertFields {
    AlertFields {
        title: step.text_of(reader, "title"),
        priority: reader.parsed("priority").map(|priority| priority.value),
        category: reader.string("category").map(|category| category.value),
        policy: reader.parsed("policy").map(|policy| policy.value),
        unverified: reader.boolean("unverified").is_some_and(|given| given.value),
    }
}

pub fn connect(step: &StepReader<'_, '_>) -> Option<Kind> {
    let reader = &step.reader;
    let flag = |key, default: bool| reader.boolean(key).map_or(default, |given| given.value);
    let to = reader.string("to").map_or(Some(ConnectTo::Policy), |given| connect_to(step, &given));
    let music = reader.string("music");
    if let Some(music) = music.as_ref().filter(|music| !is_audio(&music.value)) {
        let what = format!("`{}` is no address of audio", music.value);
        step.fault(music.span.clone(), what, "write https://… with an mp3 or wav file");
    }
    let ring = step.wait("ring", 25, 1, 10 * MINUTE);
    let at_once = flag("at_once", false);
    let max_wait = step.wait("max_wait", 5 * MINUTE, 1, 60 * MINUTE);
    let announce_every = step.wait("announce_every", 30, 1, 60 * MINUTE);
    let accept = step.word("accept", &[("key", Accept::Key), ("answer", Accept::Answer)]).unwrap_or(Accept::Key);
    let prefer_language = flag("prefer_language", true);
    let record = flag("record", false);
    let connected = step.exit("connected");
    let nobody = step.exit("nobody");
    let left = step.may_exit("left").or(nobody);
    Some(Kind::Connect(ConnectStep {
        to: to?,
        ring,
        at_once,
        max_wait,
        music: music.map(|music| music.value),
        announce_every,
        accept,
        prefer_language,
        record,
        connected: connected?,
        nobody: nobody?,
        left: left?,
    }))
}

fn connect_to(step: &StepReader<'_, '_>, given: &At<String>) -> Option<ConnectTo> {
    let (kind, id) = given.value.split_once(':').unwrap_or((&given.value, ""));
    let id = At { value: id.to_owned(), span: given.span.clone() };
    match kind {
        "policy" if given.value == "policy" => Some(ConnectTo::Policy),
        "schedule" => step.reader.parse_at(id, str::parse).map(|id| ConnectTo::Schedule(id.value)),
        "person" => step.reader.parse_at(id, str::parse).map(|id| ConnectTo::Person(id.value)),
        _ => {
            let mend = did_you_mean(kind, ["policy", "schedule", "person"])
                .unwrap_or_else(|| "write \"policy\", \"schedule:ID\" or \"person:ID\"".to_owned());
            step.fault(given.span.clone(), format!("`to` is `{}`", given.value), mend);
            None
        }
    }
}

pub fn voicemail(step: &StepReader<'_, '_>) -> Option<Kind> {
    let prompt = step.need_speech("prompt");
    let asking = step.recording(prompt);
    let max_s = step.seconds("max", 1, 60 * MINUTE).unwrap_or(3 * MINUTE);
    let transcribe = step.reader.boolean("transcribe").is_none_or(|given| given.value);
    let alert = step.reader.table("alert", format!("`alert` of step `{}`", step.name)).map(|table| {
        let fields = alert_fields(step, &table);
        table.finish();
        fields
    });
    let next = step.exit("next");
    let empty = step.may_exit("empty");
    Some(Kind::Voicemail(VoicemailStep {
        asking,
        max_s,
        transcribe,
        alert: alert.unwrap_or_default(),
        next: next?,
        empty,
    }))
}

pub fn sms(step: &StepReader<'_, '_>) -> Option<Kind> {
    let text = step.need_text("text");
    let next = step.exit("next");
    let failed = step.may_exit("failed").or(next);
    Some(Kind::Sms { text: text?, next: next?, failed: failed? })
}

pub fn forward(step: &StepReader<'_, '_>) -> Option<Kind> {
    let number = step.reader.need_string("number").and_then(|given| forward_to(step, given));
    let ring = step.wait("ring", 25, 1, 10 * MINUTE);
    let send = step.reader.string("send");
    let is_sendable = |keys: &str| {
        (1..=100).contains(&keys.len())
            && keys.chars().all(|key| key.is_ascii_digit() || matches!(key, '*' | '#' | 'w' | 'W'))
    };
    if let Some(send) = send.as_ref().filter(|send| !is_sendable(&send.value)) {
        let what = format!("`send` is `{}`", send.value);
        step.fault(send.span.clone(), what, "use 0-9, *, # and w (half a second)");
    }
    let words = [("hotline", CallerId::Hotline), ("caller", CallerId::Caller)];
    let caller_id = step.word("caller_id", &words).unwrap_or(CallerId::Hotline);
    let connected = step.exit("connected");
    let nobody = step.exit("nobody");
    Some(Kind::Forward(ForwardStep {
        number: number?,
        ring,
        send: send.map(|send| send.value),
        caller_id,
        connected: connected?,
        nobody: nobody?,
    }))
}

fn forward_to(step: &StepReader<'_, '_>, given: At<String>) -> Option<ForwardTo> {
    let Some(name) = only_var(&given.value) else {
        return step.reader.parse_at(given, str::parse::<Phone>).map(|number| ForwardTo::Number(number.value));
    };
    let name = At { value: name.to_owned(), span: given.span.clone() };
    step.var(&name, VarKind::Phone, "phone")?;
    step.book.dialled.borrow_mut().push(name.clone());
    Some(ForwardTo::Var(name.value))
}
