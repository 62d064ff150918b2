//! The five questions, with the flow that comes along.

use pikett::{
    declare::directory::default_org,
    model::call::{Outcome, Question},
    sim::{Faults, Press, Sid, WebhookFaults},
    store::{
        calls::CallRow,
        voicemails::{self, VoicemailRow},
    },
};

use super::{
    collected::{SHOWN, connect_number},
    people::{ANNA, DORA, PRESS_1_DE, takes},
    recordings::with_a_transcriber,
    story::{Story, stories},
};

const QUESTIONS: [(&str, &str); 5] = [
    ("Wer sind Sie", "Dora Lenz, Delta"),
    ("Was ist geschehen", "Das Lager steht"),
    ("Wo ist es", "Halle drei"),
    ("Seit wann", "Seit zwei Uhr"),
    ("Warum ist es wohl", "Ein Update"),
];

fn declare(folder: &std::path::Path) {
    let flow = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr-flows/intake-five-w.toml");
    std::fs::copy(flow, folder.join("intake-five-w.toml")).unwrap();
    let hotline =
        format!("[[hotlines]]\nnumber = \"{SHOWN}\"\ncontract = \"delta-everyone\"\nflow = \"intake-five-w\"\n");
    std::fs::write(folder.join("shown.toml"), hotline).unwrap();
}

fn with_words(folder: &std::path::Path) {
    declare(folder);
    with_a_transcriber(folder);
}

/// Speaks after each of these beeps, and ends with the hash key.
fn answers(count: usize) -> Vec<Press> {
    QUESTIONS[..count]
        .iter()
        .flat_map(|(_, words)| {
            let speaks = Press { after_s: 1.0, ..Press::saying("beep", words) };
            [speaks, Press { after_s: 6.0, ..Press::after(6.0, "#") }]
        })
        .collect()
}

async fn kept(story: &Story, call: &CallRow) -> Vec<VoicemailRow> {
    voicemails::of_call(&mut story.store.read().await.unwrap(), &default_org(), &call.id).await.unwrap()
}

async fn gets_through(story: &mut Story, count: usize) -> Sid {
    connect_number(story);
    let caller = story.phones_at(DORA, SHOWN, answers(count));
    for (question, _) in &QUESTIONS[..count] {
        story.hears(&caller, question).await;
    }
    caller
}

stories! {
    async fn whoever_takes_the_call_has_the_five_answers(story: Story, declare) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let caller = gets_through(story, 5).await;
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Connected));
        let kept = kept(story, &call).await;
        let questions: Vec<_> = kept.iter().filter_map(|answer| answer.said.question()).collect();
        assert_eq!(questions, Question::ALL);
        assert!(kept.iter().all(|answer| answer.alert == call.alert && answer.seconds > 0));
        let alert = story.alert_of(&call).await;
        let tale = story.tale_of_alert(&alert).await;
        for question in Question::ALL {
            let told = format!("intake: The caller's answer to `{}`", question.as_str());
            assert_eq!(tale.iter().filter(|text| text.starts_with(&told)).count(), 1, "{told}: {tale:?}");
        }
        // And programs have them in a field of the alert, each with its recording.
        for path in [format!("/alerts/{}", alert.alert.number), "/alerts".to_owned()] {
            let shown = story.api(reqwest::Method::GET, &path, &serde_json::Value::Null).await;
            let shown = if path == "/alerts" { &shown["items"][0] } else { &shown };
            let answers = shown["intake"].as_array().unwrap();
            let asked: Vec<_> = answers.iter().map(|answer| answer["question"].as_str().unwrap()).collect();
            assert_eq!(asked, ["who", "what", "where", "when", "why"], "{shown}");
            let path = format!("/voicemails/{}", answers[1]["voicemail"].as_str().unwrap());
            let one = story.api(reqwest::Method::GET, &path, &serde_json::Value::Null).await;
            assert_eq!((one["kind"].as_str(), one["question"].as_str()), (Some("answer"), Some("what")), "{one}");
        }
    }

    async fn who_hangs_up_in_the_middle_is_missed_and_has_said_so_much(story: Story, declare) {
        let caller = gets_through(story, 2).await;
        story.hears(&caller, "Wo ist es").await;
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Missed));
        let alert = story.alert_of(&call).await;
        assert!(alert.alert.title.contains("Verpasster Anruf"), "{}", alert.alert.title);
        let tale = story.tale_of_alert(&alert).await;
        assert_eq!(tale.iter().filter(|text| text.starts_with("intake: ")).count(), 2, "{tale:?}");
        assert!(!story.paged(&alert).await.is_empty());
    }

    async fn who_hangs_up_while_speaking_has_said_that_too(story: Story, declare) {
        connect_number(story);
        let caller = story.phones_at(DORA, SHOWN, [Press { after_s: 1.0, ..Press::saying("beep", "Hier ist Dora Lenz von Delta") }]);
        story.hears(&caller, "beep").await;
        story.pass(4).await;
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Missed));
        let alert = story.alert_of(&call).await;
        let tale = story.tale_of_alert(&alert).await;
        assert!(tale.iter().any(|text| text.contains("answer to `who`")), "{tale:?}");
        assert_eq!(kept(story, &call).await.len(), 1);
    }

    async fn an_answer_that_only_a_late_report_tells_of_is_put_into_words_too(story: Story, with_words) {
        connect_number(story);
        let caller = story.phones_at(DORA, SHOWN, [Press { after_s: 1.0, ..Press::saying("beep", "Hier ist Dora Lenz von Delta") }]);
        story.hears(&caller, "beep").await;
        story.pass(4).await;
        // What the carrier asks next is refused: the call's end is told before the recording.
        story.warnings.push(11_200);
        story.sim().faults().set(Faults { webhooks: WebhookFaults { forged: true, ..WebhookFaults::default() }, ..Faults::default() });
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        story.sim().faults().clear();
        let row = story.message("there are words", |row| row.transcript.is_some()).await;
        assert_eq!((&row.call, row.said.question(), row.alert.as_ref()), (&call.id, Some(Question::Who), call.alert.as_ref()));
        assert_eq!(row.transcript.as_deref(), Some("RIFF auf de"));
    }

    async fn a_silent_caller_is_asked_everything_and_connected(story: Story, declare) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        connect_number(story);
        let caller = story.phones_at(DORA, SHOWN, []);
        story.hears(&caller, "Warum ist es wohl").await;
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Connected));
        assert!(kept(story, &call).await.is_empty());
    }
}
