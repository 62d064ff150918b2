//! Two phones: dialled parties, whispers, the queue and its races.

use super::*;

const WAIT: &str = "<Play>/music.mp3</Play><Pause length=\"10\"/>";

#[tokio::test]
async fn the_first_to_answer_is_bridged_and_the_others_stop_ringing() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok(&format!(
            "<Dial action=\"/dialled\" callerId=\"{HOTLINE}\" timeout=\"20\"><Number statusCallback=\"/anna\" statusCallbackEvent=\"initiated ringing answered completed\">{ANNA}</Number><Number>{BEN}</Number></Dial>"
        )),
        "/dialled" => ok("<Say>Vorbei.</Say>"),
        _ => nothing(),
    })
    .await;
    stage.sim.phone(phone(ANNA), Behaviour::answers(6.0, []));
    let caller = stage.ring_in();
    let ben = stage.leg_to(BEN).await;
    let What::Bridged { a, b } = stage.until(|what| matches!(what, What::Bridged { .. })).await else { unreachable!() };
    assert_eq!(a, caller);
    assert_eq!(stage.ended(&ben).await, "canceled");
    stage.sim.speak(&caller, "Hallo Anna", 0.9);
    stage.heard(&b, "Hallo Anna").await;
    stage.pass(30).await;
    stage.sim.hang_up(&b);
    stage.heard(&caller, "Vorbei").await;
    let dialled = &stage.all_asked("/dialled")[0];
    assert_eq!((dialled.get("DialCallStatus"), dialled.get("DialBridged")), ("completed", "true"));
    assert_eq!(dialled.get("DialCallSid"), b.as_str());
    assert!(dialled.get("DialCallDuration").parse::<u32>().unwrap() >= 30);
    let told: Vec<(String, String)> = stage
        .all_asked("/anna")
        .iter()
        .map(|asked| (asked.get("SequenceNumber").to_owned(), asked.get("CallStatus").to_owned()))
        .collect();
    let expected = [("0", "initiated"), ("1", "ringing"), ("2", "in-progress"), ("3", "completed")];
    assert_eq!(told, expected.map(|(number, status)| (number.to_owned(), status.to_owned())));
}

#[tokio::test]
async fn a_caller_who_ends_a_recorded_conversation_ends_the_other_leg_as_well() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok(&format!(
            "<Dial action=\"/dialled\" record=\"record-from-answer\" recordingStatusCallback=\"/recorded\">{ANNA}</Dial>"
        )),
        _ => nothing(),
    })
    .await;
    stage.sim.phone(phone(ANNA), Behaviour::answers(2.0, []));
    let caller = stage.ring_in();
    let anna = stage.leg_to(ANNA).await;
    stage.until(|what| matches!(what, What::Bridged { .. })).await;
    stage.pass(20).await;
    stage.sim.hang_up(&caller);
    assert_eq!(stage.ended(&anna).await, "completed");
    stage.pass(1).await;
    let dialled = &stage.all_asked("/dialled")[0];
    assert_eq!((dialled.get("CallStatus"), dialled.get("DialBridged")), ("completed", "true"));
    let recorded = &stage.all_asked("/recorded")[0];
    assert_eq!((recorded.get("RecordingSource"), recorded.get("RecordingDuration")), ("DialVerb", "20"));
}

#[tokio::test]
async fn a_called_leg_that_is_moved_leaves_the_caller_to_the_action() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok(&format!("<Dial action=\"/dialled\">{ANNA}</Dial>")),
        "/dialled" => ok("<Say>Einen Moment.</Say><Pause length=\"60\"/>"),
        "/elsewhere" => ok("<Say>Anderswo.</Say>"),
        _ => nothing(),
    })
    .await;
    stage.sim.phone(phone(ANNA), Behaviour::answers(2.0, []));
    let caller = stage.ring_in();
    let anna = stage.leg_to(ANNA).await;
    stage.until(|what| matches!(what, What::Bridged { .. })).await;
    let url = stage.url("/elsewhere");
    assert_eq!(stage.post(&format!("/Calls/{anna}.json"), &[("Url", &url)]).await.0, 200);
    stage.until(|what| matches!(what, What::Parted { .. })).await;
    let sides = stage.sim.watch_all();
    for (leg, words) in [(&caller, "Moment"), (&anna, "Anderswo")] {
        let heard =
            |what: &What| matches!(what, What::Heard { leg: at, text, .. } if at == leg && text.contains(words));
        assert!(sides.clone().seek(heard, TimeDelta::minutes(1)).await.is_some());
    }
}

#[tokio::test]
async fn a_mailbox_that_answers_first_wins_nothing_when_it_must_press_a_key() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok(&format!(
            "<Dial action=\"/dialled\" callerId=\"{HOTLINE}\" timeout=\"60\"><Number url=\"/whisper\">{ANNA}</Number><Number url=\"/whisper\">{BEN}</Number></Dial>"
        )),
        "/whisper" => ok("<Gather numDigits=\"1\" action=\"/accept\" timeout=\"8\"><Say>Anruf von ACME, drücken Sie die 1.</Say></Gather><Hangup/>"),
        "/accept" if asked.get("Digits") == "1" => ok(""),
        "/accept" => ok("<Hangup/>"),
        _ => ok("<Hangup/>"),
    })
    .await;
    stage.sim.phone(phone(ANNA), Behaviour::mailbox(2.0));
    stage.sim.phone(phone(BEN), Behaviour::answers(5.0, [Press::on("drücken", "1")]).hanging_up_after(60.0));
    let caller = stage.ring_in();
    let mailbox = stage.leg_to(ANNA).await;
    let ben = stage.leg_to(BEN).await;
    let What::Bridged { a, b } = stage.until(|what| matches!(what, What::Bridged { .. })).await else { unreachable!() };
    assert_eq!((a, b), (caller, ben.clone()));
    let dialled = stage.asked("/dialled").await;
    assert_eq!((dialled.get("DialBridged"), dialled.get("DialCallSid")), ("true", ben.as_str()));
    let whisper = &stage.all_asked("/whisper")[0];
    assert_eq!((whisper.get("CallSid"), whisper.get("Direction")), (mailbox.as_str(), "outbound-dial"));
}

#[tokio::test]
async fn nobody_reached_is_told_by_the_best_outcome() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok(&format!(
            "<Dial action=\"/dialled\" sequential=\"true\" callerId=\"{HOTLINE}\" timeout=\"10\"><Number>{ANNA}</Number><Number>{BEN}</Number></Dial>"
        )),
        _ => ok("<Hangup/>"),
    })
    .await;
    stage.sim.phone(phone(ANNA), Behaviour::busy());
    stage.sim.phone(phone(BEN), Behaviour::never_answers());
    stage.ring_in();
    let dialled = stage.asked("/dialled").await;
    assert_eq!((dialled.get("DialCallStatus"), dialled.get("DialBridged")), ("busy", "false"));
}

#[tokio::test]
async fn a_withheld_caller_id_makes_the_leg_fail() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok(&format!("<Dial action=\"/dialled\">{ANNA}</Dial>")),
        _ => ok("<Hangup/>"),
    })
    .await;
    stage.sim.call(Caller::Withheld, phone(HOTLINE));
    assert_eq!(stage.asked("/dialled").await.get("DialCallStatus"), "failed");
    assert!(stage.transcript().contains("13214"));
}

#[tokio::test]
async fn a_caller_who_leaves_while_it_rings_takes_the_ringing_along() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok(&format!("<Dial action=\"/dialled\">{ANNA}</Dial>")),
        _ => ok("<Hangup/>"),
    })
    .await;
    let caller = stage.ring_in();
    let anna = stage.leg_to(ANNA).await;
    stage.until(|what| matches!(what, What::Ringing { leg } if *leg == anna)).await;
    stage.sim.hang_up(&caller);
    assert_eq!(stage.ended(&anna).await, "canceled");
    assert_eq!(stage.asked("/dialled").await.get("CallStatus"), "completed");
}

fn hotline(asked: &Asked) -> (u16, String) {
    match asked.path.as_str() {
        "/voice" => ok("<Enqueue action=\"/left\" waitUrl=\"/wait\">acme</Enqueue>"),
        "/wait" => ok(WAIT),
        "/agent" => {
            ok("<Gather numDigits=\"1\" action=\"/accept\" timeout=\"20\"><Say>Drücken Sie die 1.</Say></Gather>")
        }
        "/accept" => ok("<Dial action=\"/talked\" timeout=\"10\"><Queue url=\"/whisper\">acme</Queue></Dial>"),
        "/whisper" => ok("<Say>Sie werden verbunden.</Say>"),
        "/left" => ok("<Say>Auf Wiederhören.</Say>"),
        "/talked" => ok("<Say>Gespräch beendet.</Say>"),
        _ => nothing(),
    }
}

async fn ring_out(stage: &Stage, to: &str) -> Sid {
    let form = [("To", to), ("From", HOTLINE), ("Url", &stage.url("/agent")), ("Timeout", "30")];
    let url = format!("{}/2010-04-01/Accounts/{}/Calls.json", stage.sim.base_url(), stage.sim.account_sid());
    let request = reqwest::Client::new().post(url).basic_auth(stage.sim.account_sid(), Some("simulated-token"));
    let answer: serde_json::Value = request.form(&form).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["status"], "queued");
    Sid::new(answer["sid"].as_str().unwrap())
}

#[tokio::test]
async fn a_waiting_caller_is_taken_out_of_the_queue_and_talks() {
    let mut stage = Stage::new(hotline).await;
    stage.sim.phone(phone(ANNA), Behaviour::answers(5.0, [Press::on("drücken", "1")]));
    let caller = stage.ring_in();
    stage.until(|what| matches!(what, What::Waiting { position: 1, .. })).await;
    let wait = stage.asked("/wait").await;
    assert_eq!((wait.get("QueuePosition"), wait.get("CurrentQueueSize")), ("1", "1"));
    let anna = ring_out(&stage, ANNA).await;
    stage.heard(&caller, "verbunden").await;
    let What::Bridged { a, b } = stage.until(|what| matches!(what, What::Bridged { .. })).await else { unreachable!() };
    assert_eq!((&a, &b), (&caller, &anna));
    assert_eq!(stage.all_asked("/whisper")[0].get("DequeingCallSid"), anna.as_str());
    stage.pass(40).await;
    stage.sim.hang_up(&caller);
    stage.heard(&anna, "beendet").await;
    let talked = &stage.all_asked("/talked")[0];
    assert_eq!((talked.get("DialBridged"), talked.get("DialCallStatus")), ("true", "completed"));
    let left = &stage.all_asked("/left")[0];
    assert_eq!((left.get("QueueResult"), left.get("CallStatus")), ("bridged", "completed"));
}

#[tokio::test]
async fn two_technicians_who_want_one_caller_get_one_bridge_and_one_silence() {
    let mut stage = Stage::new(hotline).await;
    for technician in [ANNA, BEN] {
        let accepts = Behaviour::answers(5.0, [Press::on("drücken", "1")]).hanging_up_after(120.0);
        stage.sim.phone(phone(technician), accepts);
    }
    let caller = stage.ring_in();
    stage.until(|what| matches!(what, What::Waiting { .. })).await;
    let (anna, ben) = (ring_out(&stage, ANNA).await, ring_out(&stage, BEN).await);
    stage.until(|what| matches!(what, What::Bridged { .. })).await;
    let nobody = stage.asked("/talked").await;
    assert_eq!((nobody.get("DialBridged"), nobody.get("DialCallStatus")), ("false", "no-answer"));
    assert!([anna.as_str(), ben.as_str()].contains(&nobody.get("CallSid")));
    stage.heard(&caller, "Auf Wiederhören").await;
    let bridges = stage.sim.log().iter().filter(|event| matches!(event.what, What::Bridged { .. })).count();
    assert_eq!(bridges, 1);
}

#[tokio::test]
async fn who_leaves_the_queue_is_told_to_the_action_in_every_way() {
    let leaves = std::sync::atomic::AtomicBool::new(false);
    let mut stage = Stage::new(move |asked| match asked.path.as_str() {
        "/voice" if asked.get("From") == BEN => ok("<Enqueue action=\"/left\" maxQueueSize=\"1\">acme</Enqueue>"),
        "/wait" if leaves.swap(true, std::sync::atomic::Ordering::SeqCst) => ok("<Leave/>"),
        _ => hotline(asked),
    })
    .await;
    let caller = stage.ring_in();
    stage.until(|what| matches!(what, What::Waiting { .. })).await;
    stage.sim.call(Caller::Number(phone(BEN)), phone(HOTLINE));
    assert_eq!(stage.asked("/left").await.get("QueueResult"), "queue-full");
    assert_eq!(stage.asked("/left").await.get("QueueResult"), "leave");
    stage.heard(&caller, "Auf Wiederhören").await;
    let other = stage.sim.call(Caller::Number(phone(BEN)), phone(HOTLINE));
    stage.until(|what| matches!(what, What::Waiting { .. })).await;
    stage.sim.hang_up(&other);
    assert_eq!(stage.ended(&other).await, "completed");
    let left = stage.asked("/left").await;
    assert_eq!((left.get("QueueResult"), left.get("CallStatus")), ("hangup", "completed"));
}

#[tokio::test]
async fn a_star_ends_the_technicians_bridge_and_the_caller_is_asked_what_next() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok("<Enqueue action=\"/queue\" waitUrl=\"/wait\">C1</Enqueue>"),
        "/wait" => ok(WAIT),
        "/queue" => ok("<Say>Einen Moment.</Say><Pause length=\"60\"/>"),
        "/agent" => ok("<Dial hangupOnStar=\"true\" action=\"/talked\"><Queue>C1</Queue></Dial>"),
        "/talked" => ok("<Say>Sie wünschen?</Say><Pause length=\"60\"/>"),
        _ => nothing(),
    })
    .await;
    stage.sim.phone(phone(ANNA), Behaviour::answers(2.0, []));
    let caller = stage.ring_in();
    stage.until(|what| matches!(what, What::Waiting { .. })).await;
    ring_out(&stage, ANNA).await;
    let What::Bridged { b: anna, .. } = stage.until(|what| matches!(what, What::Bridged { .. })).await else {
        unreachable!()
    };
    stage.sim.press(&caller, "*");
    stage.pass(5).await;
    assert!(stage.all_asked("/queue").is_empty(), "the caller's star means nothing");
    stage.sim.press(&anna, "*");
    stage.heard(&anna, "Sie wünschen").await;
    stage.heard(&caller, "Einen Moment").await;
    let (queue, talked) = (&stage.all_asked("/queue")[0], &stage.all_asked("/talked")[0]);
    assert_eq!((queue.get("QueueResult"), queue.get("CallStatus")), ("bridged", "in-progress"));
    assert_eq!((talked.get("DialBridged"), talked.get("CallStatus")), ("true", "in-progress"));
}

#[tokio::test]
async fn all_in_a_conference_hear_each_other_until_whoever_ends_it_leaves() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok("<Dial action=\"/over\"><Conference endConferenceOnExit=\"true\">R1</Conference></Dial>"),
        "/agent" => ok("<Dial action=\"/over\"><Conference>R1</Conference></Dial>"),
        "/over" => ok("<Say>Vorbei.</Say>"),
        _ => nothing(),
    })
    .await;
    for number in [ANNA, BEN] {
        stage.sim.phone(phone(number), Behaviour::answers(2.0, []));
    }
    let caller = stage.ring_in();
    let anna = ring_out(&stage, ANNA).await;
    stage.until(|what| matches!(what, What::Joined { others: 1, .. })).await;
    let ben = ring_out(&stage, BEN).await;
    stage.until(|what| matches!(what, What::Joined { others: 2, .. })).await;
    stage.sim.speak(&ben, "Hallo zusammen", 0.9);
    stage.heard(&caller, "Hallo zusammen").await;
    stage.sim.hang_up(&anna);
    assert_eq!(stage.ended(&anna).await, "completed");
    stage.pass(5).await;
    assert_eq!(stage.sim.live_legs().len(), 2, "two go on");
    stage.sim.hang_up(&caller);
    stage.heard(&ben, "Vorbei").await;
    let over = stage.all_asked("/over");
    assert!(over.iter().all(|asked| asked.get("DialCallStatus") == "answered" && asked.get("DialCallSid").is_empty()));
    assert_eq!(over.len(), 3);
}
