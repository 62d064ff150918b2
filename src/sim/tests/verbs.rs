//! One caller and the verbs: what is heard, what a key does, what a hang-up leaves behind.

use super::*;

#[tokio::test]
async fn a_caller_hears_a_menu_and_presses_a_key() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok("<Gather numDigits=\"1\" action=\"turn?a=1&amp;b=2\"><Say language=\"de-DE\">Drücken Sie die 1.</Say></Gather>"),
        "/turn" => ok("<Say>Danke.</Say>"),
        _ => nothing(),
    })
    .await;
    let leg = stage.ring_in();
    stage.listening(&leg).await;
    stage.heard(&leg, "Drücken").await;
    stage.sim.press(&leg, "1");
    stage.heard(&leg, "Danke").await;
    assert_eq!(stage.ended(&leg).await, "completed");
    let status = stage.asked("/voice/status").await;
    assert_eq!((status.get("CallStatus"), status.get("SequenceNumber")), ("completed", "0"));
    let first = &stage.all_asked("/voice")[0];
    assert_eq!((first.get("CallStatus"), first.get("Direction")), ("ringing", "inbound"));
    assert_eq!((first.get("From"), first.get("To")), (CUSTOMER, HOTLINE));
    let turn = &stage.all_asked("/turn")[0];
    assert_eq!((turn.get("Digits"), turn.get("CallStatus")), ("1", "in-progress"));
    for asked in stage.service.asked.lock().unwrap().iter() {
        assert!(asked.genuine, "{asked:?}");
    }
}

#[tokio::test]
async fn a_pin_ends_with_its_key_and_silence_leads_to_the_next_verb() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok("<Gather action=\"/pin\" finishOnKey=\"#\"><Say>PIN?</Say></Gather><Say>Nichts gehört.</Say>"),
        "/pin" => ok("<Say>Richtig.</Say>"),
        _ => nothing(),
    })
    .await;
    let leg = stage.ring_in();
    stage.heard(&leg, "PIN").await;
    stage.sim.press(&leg, "4711#");
    stage.heard(&leg, "Richtig").await;
    let pin = &stage.all_asked("/pin")[0];
    assert_eq!((pin.get("Digits"), pin.get("FinishedOnKey")), ("4711", "#"));
    let silent = stage.ring_in();
    stage.heard(&silent, "Nichts gehört").await;
    // One finishing key alone is no input.
    let empty = stage.ring_in();
    stage.heard(&empty, "PIN").await;
    stage.sim.press(&empty, "#");
    stage.heard(&empty, "Nichts gehört").await;
    assert_eq!(stage.all_asked("/pin").len(), 1);
}

#[tokio::test]
async fn empty_input_reaches_the_action_where_that_is_wanted_and_words_count_as_input() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => {
            ok("<Gather input=\"dtmf speech\" action=\"/turn\" actionOnEmptyResult=\"true\" language=\"de-DE\"/>")
        }
        _ => ok("<Hangup/>"),
    })
    .await;
    let leg = stage.ring_in();
    let empty = stage.asked("/turn").await;
    assert_eq!((empty.get("CallSid"), empty.get("Digits")), (leg.as_str(), ""));
    let leg = stage.ring_in();
    stage.listening(&leg).await;
    stage.sim.speak(&leg, "Server brennt", 0.83);
    let spoken = stage.asked("/turn").await;
    assert_eq!((spoken.get("SpeechResult"), spoken.get("Confidence")), ("Server brennt", "0.83"));
}

#[tokio::test]
async fn a_voicemail_is_recorded_told_of_and_fetched_when_it_is_ready() {
    let times = Times { recording_s: (5.0, 5.0), ..Times::none() };
    let mut stage = Stage::with(times, |asked| match asked.path.as_str() {
        "/voice" => ok("<Say>Nach dem Ton.</Say><Record action=\"/kept\" recordingStatusCallback=\"/recorded\" transcribeCallback=\"/words\" maxLength=\"100\"/>"),
        "/kept" => ok("<Say>Auf Wiederhören.</Say>"),
        _ => nothing(),
    })
    .await;
    let leg = stage.ring_in();
    stage.until(|what| matches!(what, What::Recording { .. })).await;
    stage.sim.speak(&leg, "Hier ist Petra Klein, der Server steht.", 0.9);
    stage.sim.press(&leg, "#");
    let kept = stage.asked("/kept").await;
    assert_eq!((kept.get("Digits"), kept.get("RecordingDuration")), ("#", "2"));
    let client = reqwest::Client::new();
    let fetch = || {
        let url = format!("{}.wav", kept.get("RecordingUrl"));
        client.get(url).basic_auth(stage.sim.account_sid(), Some("simulated-token")).send()
    };
    assert_eq!(fetch().await.unwrap().status(), 404);
    let told = stage.asked("/recorded").await;
    assert_eq!((told.get("RecordingStatus"), told.get("RecordingSource")), ("completed", "RecordVerb"));
    assert_eq!(stage.asked("/words").await.get("TranscriptionText"), "Hier ist Petra Klein, der Server steht.");
    let file = {
        let url = format!("{}.wav", kept.get("RecordingUrl"));
        client.get(url).basic_auth(stage.sim.account_sid(), Some("simulated-token")).send().await.unwrap()
    };
    assert_eq!(file.bytes().await.unwrap().len(), 44 + 2 * 16_000);
}

#[tokio::test]
async fn a_caller_who_hangs_up_while_recording_leaves_a_recording() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok("<Record action=\"/kept\" timeout=\"0\"/>"),
        _ => ok("<Say>Das hört niemand.</Say>"),
    })
    .await;
    let leg = stage.ring_in();
    stage.until(|what| matches!(what, What::Recording { .. })).await;
    stage.pass(3).await;
    stage.sim.hang_up(&leg);
    let kept = stage.asked("/kept").await;
    assert_eq!((kept.get("Digits"), kept.get("CallStatus")), ("hangup", "completed"));
    assert_eq!(kept.get("RecordingDuration"), "3");
    stage.pass(2).await;
    assert!(!stage.transcript().contains("niemand"));
}

#[tokio::test]
async fn silence_alone_is_no_recording_and_leads_to_the_next_verb() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok("<Record action=\"/kept\" timeout=\"4\"/><Say>Sie haben nichts gesagt.</Say>"),
        _ => nothing(),
    })
    .await;
    let leg = stage.ring_in();
    stage.heard(&leg, "nichts gesagt").await;
    stage.ended(&leg).await;
    assert!(stage.all_asked("/kept").is_empty());
}

#[tokio::test]
async fn who_hangs_up_in_a_menu_is_gone_without_a_turn() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok("<Gather action=\"/turn\" timeout=\"60\"><Say>Bitte wählen.</Say></Gather>"),
        _ => nothing(),
    })
    .await;
    let leg = stage.ring_in();
    stage.listening(&leg).await;
    stage.sim.hang_up(&leg);
    assert_eq!(stage.ended(&leg).await, "completed");
    stage.asked("/voice/status").await;
    assert!(stage.all_asked("/turn").is_empty());
}

#[tokio::test]
async fn a_call_is_answered_by_the_first_verb_that_needs_it() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" if asked.get("From") == ANNA => ok("<Pause length=\"3\"/><Reject reason=\"busy\"/>"),
        "/voice" if asked.get("From") == BEN => ok("<Pause length=\"30\"/><Say>Hallo</Say>"),
        "/voice" => ok("<Reject/>"),
        _ => nothing(),
    })
    .await;
    let leg = stage.ring_in();
    assert_eq!(stage.ended(&leg).await, "no-answer");
    let leg = stage.sim.call(Caller::Number(phone(ANNA)), phone(HOTLINE));
    assert_eq!(stage.ended(&leg).await, "busy");
    // Gone before the answer.
    let leg = stage.sim.call(Caller::Number(phone(BEN)), phone(HOTLINE));
    stage.asked("/voice").await;
    stage.sim.hang_up(&leg);
    assert_eq!(stage.ended(&leg).await, "canceled");
    assert!(!stage.transcript().contains("Answered"));
}

#[tokio::test]
async fn a_withheld_number_is_a_word() {
    let mut stage = Stage::new(|_| ok("<Hangup/>")).await;
    stage.sim.call(Caller::Withheld, phone(HOTLINE));
    assert_eq!(stage.asked("/voice").await.get("From"), "anonymous");
}

#[tokio::test]
async fn a_broken_document_leads_to_the_fallback_and_without_one_to_an_apology() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => (200, "<Response><Say>".to_owned()),
        "/voice/fallback" => ok("<Say>Wir sind gestört.</Say>"),
        _ => nothing(),
    })
    .await;
    let leg = stage.ring_in();
    stage.heard(&leg, "gestört").await;
    let fallback = &stage.all_asked("/voice/fallback")[0];
    assert_eq!((fallback.get("ErrorCode"), fallback.get("ErrorUrl")), ("12100", stage.url("/voice").as_str()));
    assert_eq!(fallback.get("CallSid"), leg.as_str());
    let hooks = Hooks { voice_fallback: None, ..Hooks::at(stage.sim.account_sid(), &stage.url("")) };
    stage.sim.number(phone(HOTLINE), hooks);
    let leg = stage.ring_in();
    stage.heard(&leg, "application error").await;
    assert_eq!(stage.ended(&leg).await, "completed");
}

#[tokio::test]
async fn a_circle_of_redirects_comes_to_an_end() {
    let mut stage = Stage::new(|_| ok("<Redirect>/voice</Redirect>")).await;
    let leg = stage.ring_in();
    stage.ended(&leg).await;
    assert!(stage.transcript().contains("circle"));
}

#[tokio::test]
async fn a_document_asked_for_by_get_has_its_parameters_in_the_signed_url() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok("<Redirect method=\"GET\">next?flow=1&amp;step=a%20b</Redirect>"),
        _ => ok("<Hangup/>"),
    })
    .await;
    let leg = stage.ring_in();
    let next = stage.asked("/next").await;
    assert!(next.genuine);
    assert_eq!((next.get("flow"), next.get("step"), next.get("CallSid")), ("1", "a b", leg.as_str()));
}

#[tokio::test]
async fn speaking_takes_its_time_and_a_script_answers_to_what_it_hears() {
    let times = Times { speech_chars_per_s: 10.0, ..Times::none() };
    let mut stage = Stage::with(times, |asked| match asked.path.as_str() {
        "/voice" => ok(
            "<Say loop=\"2\">zehn Zeich</Say><Gather action=\"/turn\" numDigits=\"1\"><Say>Wählen Sie.</Say></Gather>",
        ),
        "/turn" => ok("<Gather action=\"/said\" input=\"speech\"><Say>Was ist los?</Say></Gather>"),
        _ => ok("<Hangup/>"),
    })
    .await;
    let leg = stage.ring_in();
    stage.sim.follow(&leg, [Press::on("wählen", "3"), Press::saying("was ist", "Der Server steht.")]);
    assert_eq!(stage.asked("/said").await.get("SpeechResult"), "Der Server steht.");
    assert_eq!(stage.all_asked("/turn")[0].get("Digits"), "3");
    let at = |wanted: &str| {
        let is = |what: &What| matches!(what, What::Heard { text, .. } if text == wanted);
        stage.sim.log().iter().find(|event| is(&event.what)).unwrap().at
    };
    assert_eq!((at("Wählen Sie.") - at("zehn Zeich")).num_seconds(), 2);
}

#[tokio::test]
async fn audio_that_cannot_be_fetched_ends_its_document_and_leads_to_the_fallback() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok("<Say>Guten Tag.</Say><Play>https://audio.example/a.mp3</Play><Say>Das hört niemand.</Say>"),
        "/voice/fallback" => ok("<Say>Stattdessen.</Say>"),
        _ => nothing(),
    })
    .await;
    stage.sim.is_missing("/a.mp3");
    let leg = stage.ring_in();
    stage.heard(&leg, "Stattdessen").await;
    let fallback = &stage.all_asked("/voice/fallback")[0];
    assert_eq!((fallback.get("ErrorCode"), fallback.get("ErrorUrl")), ("11200", "https://audio.example/a.mp3"));
    assert!(!stage.transcript().contains("Das hört niemand"));
}

#[tokio::test]
async fn what_the_network_says_of_a_number_stands_in_every_request_about_the_call() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok("<Redirect>/turn</Redirect>"),
        _ => nothing(),
    })
    .await;
    let from = || Caller::Number(phone(CUSTOMER));
    stage.sim.call_attested(from(), phone(HOTLINE), Some("TN-Validation-Passed-B"));
    stage.asked("/turn").await;
    for path in ["/voice", "/turn"] {
        assert_eq!(stage.all_asked(path)[0].get("StirVerstat"), "TN-Validation-Passed-B", "{path}");
    }
    stage.sim.call(from(), phone(HOTLINE));
    stage.asked("/turn").await;
    let plain = stage.all_asked("/voice").pop().unwrap();
    assert!(plain.pairs.iter().all(|(name, _)| name != "StirVerstat"), "{plain:?}");
}
