//! A carrier that is slow, answers nonsense, breaks off, tells things twice, late or not at all.

use super::*;

fn faults(callbacks: CallbackFaults) -> Faults {
    Faults { callbacks, ..Faults::default() }
}

async fn page(stage: &mut Stage) -> Vec<(String, String)> {
    let (url, status) = (stage.url("/page"), stage.url("/status"));
    let mut form = vec![("To", ANNA), ("From", HOTLINE), ("Url", url.as_str()), ("StatusCallback", status.as_str())];
    form.extend(["initiated", "ringing", "answered", "completed"].map(|event| ("StatusCallbackEvent", event)));
    let (_, call) = stage.post("/Calls.json", &form).await;
    stage.ended(&Sid::new(call["sid"].as_str().unwrap())).await;
    stage.pass(90).await;
    stage.all_asked("/status").iter().map(|a| (a.get("SequenceNumber").to_owned(), a.token.clone())).collect()
}

async fn paged(callbacks: CallbackFaults) -> Vec<(String, String)> {
    let mut stage = Stage::new(|asked| if asked.path == "/page" { ok("<Say>Alarm.</Say>") } else { nothing() }).await;
    stage.sim.phone(phone(ANNA), Behaviour::answers(3.0, []));
    stage.sim.faults().set_for(phone(ANNA), faults(callbacks));
    page(&mut stage).await
}

fn order(told: &[(String, String)]) -> String {
    told.iter().map(|(number, _)| number.as_str()).collect()
}

#[tokio::test]
async fn callbacks_come_in_order_unless_a_fault_strikes() {
    let none = CallbackFaults::default();
    assert_eq!(order(&paged(none.clone()).await), "0123");
    assert_eq!(order(&paged(CallbackFaults { drop: 1.0, ..none.clone() }).await), "");
    assert_eq!(order(&paged(CallbackFaults { reorder: 1.0, ..none.clone() }).await), "1032");
    let late = paged(CallbackFaults { late: 1.0, late_by_s: 60.0, ..none.clone() }).await;
    assert_eq!(late.len(), 4);
    let twice = paged(CallbackFaults { duplicate: 1.0, ..none }).await;
    assert_eq!(order(&twice), "00112233");
    assert_ne!(twice[0].1, twice[1].1, "a duplicate inside the carrier has a token of its own");
}

#[tokio::test]
async fn the_api_answers_nonsense_for_a_while() {
    let stage = Stage::new(|_| nothing()).await;
    let url = stage.url("/page");
    let form = [("To", ANNA), ("From", HOTLINE), ("Url", url.as_str())];
    for (status, code) in [(429, 20429), (500, 20500), (503, 20503)] {
        let rest = RestFaults { status: Some(status), retry_after_s: Some(7), ..RestFaults::default() };
        stage.sim.faults().set(Faults { rest, ..Faults::default() });
        let (answered, error) = stage.post("/Calls.json", &form).await;
        assert_eq!((answered, error["code"].as_u64()), (status, Some(code)));
    }
    assert!(stage.sim.legs().is_empty());
    stage.sim.faults().clear();
    assert_eq!(stage.post("/Calls.json", &form).await.0, 201);
}

#[tokio::test]
async fn a_cut_connection_tells_nothing_of_what_was_done() {
    let stage = Stage::new(|_| nothing()).await;
    let url = stage.url("/page");
    let send = async || {
        let form = [("To", ANNA), ("From", HOTLINE), ("Url", url.as_str())];
        let path = format!("{}/2010-04-01/Accounts/{}/Calls.json", stage.sim.base_url(), stage.sim.account_sid());
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        client.post(path).basic_auth(stage.sim.account_sid(), Some("simulated-token")).form(&form).send().await
    };
    for (cut, legs) in [(Cut::Before, 0), (Cut::After, 1)] {
        let rest = RestFaults { cut: Some(cut), ..RestFaults::default() };
        stage.sim.faults().set_for(phone(ANNA), Faults { rest, ..Faults::default() });
        assert!(send().await.is_err());
        assert_eq!(stage.sim.legs().len(), legs);
    }
    let (_, found) = stage.get("/Calls.json?To=%2B4915110000001").await;
    assert_eq!(found["calls"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_retry_asked_for_in_the_url_carries_the_same_token() {
    let tries = std::sync::atomic::AtomicU32::new(0);
    let mut stage = Stage::new(move |asked| match asked.path.as_str() {
        "/voice" if tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 => (503, String::new()),
        "/voice" => ok("<Say>Endlich.</Say>"),
        _ => nothing(),
    })
    .await;
    let mut hooks = Hooks::at(stage.sim.account_sid(), &stage.url(""));
    hooks.voice_url = Some(stage.url("/voice#rc=2&rp=ct,5xx"));
    stage.sim.number(phone(HOTLINE), hooks);
    let leg = stage.ring_in();
    stage.heard(&leg, "Endlich").await;
    let asked = stage.all_asked("/voice");
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|again| again.genuine && again.token == asked[0].token));
}

#[tokio::test]
async fn without_overrides_an_error_is_not_retried() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => (500, String::new()),
        "/voice/fallback" => ok("<Say>Gestört.</Say>"),
        _ => nothing(),
    })
    .await;
    let leg = stage.ring_in();
    stage.heard(&leg, "Gestört").await;
    assert_eq!(stage.all_asked("/voice").len(), 1);
    assert_eq!(stage.all_asked("/voice/fallback")[0].get("ErrorCode"), "11200");
}

#[tokio::test]
async fn forged_unsigned_and_doubled_requests_can_be_made() {
    let mut stage = Stage::new(|asked| if asked.genuine { ok("<Say>Echt.</Say>") } else { (403, String::new()) }).await;
    let set = |webhooks| Faults { webhooks, ..Faults::default() };
    for webhooks in [
        WebhookFaults { forged: true, ..WebhookFaults::default() },
        WebhookFaults { unsigned: true, ..WebhookFaults::default() },
    ] {
        stage.sim.faults().set(set(webhooks));
        let leg = stage.ring_in();
        stage.heard(&leg, "application error").await;
    }
    stage.sim.faults().set(set(WebhookFaults { duplicate: 1.0, ..WebhookFaults::default() }));
    let leg = stage.ring_in();
    stage.heard(&leg, "Echt").await;
    let asked = stage.all_asked("/voice");
    let doubled: Vec<&str> =
        asked.iter().filter(|asked| asked.get("CallSid") == leg.as_str()).map(|asked| asked.token.as_str()).collect();
    assert_eq!(doubled.len(), 2);
    assert_eq!(doubled[0], doubled[1]);
}

#[tokio::test]
async fn a_read_may_show_what_was_true_some_time_ago() {
    let mut stage =
        Stage::new(|asked| if asked.path == "/page" { ok("<Pause length=\"5\"/>") } else { nothing() }).await;
    stage.sim.phone(phone(ANNA), Behaviour::answers(10.0, []));
    stage.sim.faults().set(Faults { rest: RestFaults { stale_s: 8.0, ..RestFaults::default() }, ..Faults::default() });
    let url = stage.url("/page");
    let (_, call) = stage.post("/Calls.json", &[("To", ANNA), ("From", HOTLINE), ("Url", &url)]).await;
    let leg = Sid::new(call["sid"].as_str().unwrap());
    stage.ended(&leg).await;
    let path = format!("/Calls/{leg}.json");
    assert_eq!(stage.get(&path).await.1["status"], "ringing");
    stage.pass(9).await;
    assert_eq!(stage.get(&path).await.1["status"], "completed");
}

#[tokio::test]
async fn a_service_that_is_away_or_silent_is_given_up_in_time() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice/fallback" => ok("<Say>Gestört.</Say>"),
        _ => nothing(),
    })
    .await;
    // Connections queue up here, and nobody ever answers.
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let silent = format!("http://{}/voice#rt=200", socket.local_addr().unwrap());
    for (url, code, tries) in [(silent, "11200", 1), ("http://127.0.0.1:1/voice".to_owned(), "11205", 2)] {
        let hooks = Hooks { voice_url: Some(url.clone()), ..Hooks::at(stage.sim.account_sid(), &stage.url("")) };
        stage.sim.number(phone(HOTLINE), hooks);
        let leg = stage.ring_in();
        stage.heard(&leg, "Gestört").await;
        let fallback = stage.all_asked("/voice/fallback").pop().unwrap();
        assert_eq!((fallback.get("ErrorCode"), fallback.get("ErrorUrl")), (code, url.as_str()));
        let tried = stage
            .sim
            .log()
            .into_iter()
            .filter(|event| matches!(&event.what, What::Webhook { url: at, .. } if *at == url));
        assert_eq!(tried.count(), tries);
    }
}
