//! The REST API as a client sees it.

use serde_json::Value;

use super::*;

impl Stage {
    fn rest(&self, path: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}{path}", self.sim.base_url(), self.sim.account_sid())
    }

    pub(super) async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let request = reqwest::Client::new().post(self.rest(path)).form(form);
        let answer = request.basic_auth(self.sim.account_sid(), Some("simulated-token")).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        let request = reqwest::Client::new().get(self.rest(path));
        let answer = request.basic_auth(self.sim.account_sid(), Some("simulated-token")).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

#[tokio::test]
async fn a_call_by_rest_rings_is_answered_and_runs_its_document() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/page" => ok("<Gather numDigits=\"1\" action=\"/turn\" timeout=\"20\"><Say>Alarm bei ACME.</Say></Gather>"),
        "/turn" => ok("<Say>Bestätigt.</Say>"),
        _ => nothing(),
    })
    .await;
    let (url, status) = (stage.url("/page"), stage.url("/status?attempt=7"));
    let form = [
        ("To", ANNA),
        ("From", HOTLINE),
        ("Url", url.as_str()),
        ("StatusCallback", status.as_str()),
        ("StatusCallbackEvent", "initiated"),
        ("StatusCallbackEvent", "ringing"),
        ("StatusCallbackEvent", "answered"),
        ("StatusCallbackEvent", "completed"),
    ];
    let (code, call) = stage.post("/Calls.json", &form).await;
    assert_eq!((code, &call["status"], &call["direction"]), (201, &"queued".into(), &"outbound-api".into()));
    let leg = Sid::new(call["sid"].as_str().unwrap());
    stage.until(|what| matches!(what, What::Ringing { .. })).await;
    assert!(stage.sim.answer(&leg));
    stage.heard(&leg, "Alarm").await;
    stage.sim.press(&leg, "1");
    stage.heard(&leg, "Bestätigt").await;
    stage.ended(&leg).await;
    stage.pass(2).await;
    let told: Vec<String> = stage.all_asked("/status").iter().map(|asked| asked.get("CallStatus").to_owned()).collect();
    assert_eq!(told, ["initiated", "ringing", "in-progress", "completed"]);
    let (_, shown) = stage.get(&format!("/Calls/{leg}.json")).await;
    assert_eq!(shown["status"], "completed");
    assert!(!stage.sim.press(&leg, "1"));
}

#[tokio::test]
async fn what_cannot_be_called_is_refused_as_the_carrier_does() {
    let stage = Stage::new(|_| nothing()).await;
    stage.sim.phone(phone(BEN), Behaviour::bad_number());
    let code = async |form: &[(&str, &str)]| stage.post("/Calls.json", form).await.1["code"].as_u64().unwrap();
    let url = ("Url", "http://127.0.0.1:9/x");
    assert_eq!(code(&[("From", HOTLINE), url]).await, 21201);
    assert_eq!(code(&[("To", ANNA), url]).await, 21213);
    assert_eq!(code(&[("To", "0151"), ("From", HOTLINE), url]).await, 21211);
    assert_eq!(code(&[("To", BEN), ("From", HOTLINE), url]).await, 21211);
    assert_eq!(code(&[("To", ANNA), ("From", BEN), url]).await, 21210);
    assert_eq!(code(&[("To", ANNA), ("From", HOTLINE)]).await, 21205);
    assert_eq!(code(&[("To", ANNA), ("From", HOTLINE), ("Url", "turn")]).await, 21205);
    let wrong =
        reqwest::Client::new().get(stage.rest("/Calls.json")).basic_auth("AC1", Some("x")).send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    assert_eq!(wrong.json::<Value>().await.unwrap()["code"], 20003);
    assert_eq!(stage.get("/Calls/CA0.json").await.1["code"], 20404);
    assert_eq!(stage.get(".json").await.1["status"], "active");
}

#[tokio::test]
async fn a_live_call_is_moved_and_ended_by_rest() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok("<Enqueue action=\"/left\" waitUrl=\"\">acme</Enqueue>"),
        "/elsewhere" => ok("<Say>Der Anrufbeantworter.</Say><Pause length=\"60\"/>"),
        _ => nothing(),
    })
    .await;
    let leg = stage.ring_in();
    stage.until(|what| matches!(what, What::Waiting { .. })).await;
    let path = format!("/Calls/{leg}.json");
    assert_eq!(stage.post(&path, &[("Url", &stage.url("/elsewhere"))]).await.0, 200);
    stage.heard(&leg, "Anrufbeantworter").await;
    assert_eq!(stage.all_asked("/left")[0].get("QueueResult"), "redirected");
    assert_eq!(stage.post(&path, &[("Status", "completed")]).await.0, 200);
    assert_eq!(stage.ended(&leg).await, "completed");
    let (status, error) = stage.post(&path, &[("Status", "completed")]).await;
    assert_eq!((status, &error["code"]), (400, &21220.into()));
}

#[tokio::test]
async fn a_ringing_call_is_cancelled_and_a_queued_one_without_a_word() {
    let times = Times { calls_per_second: 0.1, ..Times::none() };
    let mut stage = Stage::with(times, |_| nothing()).await;
    let (url, status) = (stage.url("/page"), stage.url("/status"));
    let form = [("To", ANNA), ("From", HOTLINE), ("Url", url.as_str()), ("StatusCallback", status.as_str())];
    let (_, first) = stage.post("/Calls.json", &form).await;
    let (_, second) = stage.post("/Calls.json", &form).await;
    stage.until(|what| matches!(what, What::Ringing { .. })).await;
    for call in [&second, &first] {
        let path = format!("/Calls/{}.json", call["sid"].as_str().unwrap());
        assert_eq!(stage.post(&path, &[("Status", "completed")]).await.0, 200);
        assert_eq!(stage.ended(&Sid::new(call["sid"].as_str().unwrap())).await, "canceled");
    }
    stage.pass(20).await;
    let told = stage.all_asked("/status");
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].get("CallSid"), told[0].get("CallStatus")), (first["sid"].as_str().unwrap(), "canceled"));
    let (_, shown) = stage.get(&format!("/Calls/{}.json", second["sid"].as_str().unwrap())).await;
    assert_eq!(shown["queue_time"], "10000");
}

#[tokio::test]
async fn calls_are_found_by_number_and_time_and_come_in_pages() {
    let stage = Stage::new(|_| nothing()).await;
    let url = stage.url("/page");
    for to in [ANNA, BEN, ANNA, ANNA] {
        stage.post("/Calls.json", &[("To", to), ("From", HOTLINE), ("Url", &url)]).await;
        stage.sim.clock().advance(TimeDelta::minutes(1));
    }
    let to = "To=%2B4915110000001";
    let (_, found) = stage.get(&format!("/Calls.json?{to}&PageSize=2")).await;
    assert_eq!(found["calls"].as_array().unwrap().len(), 2);
    let next = found["next_page_uri"].as_str().unwrap();
    let next = next.strip_prefix(&format!("/2010-04-01/Accounts/{}", stage.sim.account_sid())).unwrap();
    let (_, rest) = stage.get(next).await;
    assert_eq!(rest["calls"].as_array().unwrap().len(), 1);
    assert!(rest["next_page_uri"].is_null());
    let (_, late) = stage.get(&format!("/Calls.json?{to}&StartTime%3E=2026-03-01T02:31:30Z")).await;
    assert_eq!(late["calls"].as_array().unwrap().len(), 2);
    let (_, none) = stage.get("/Calls.json?StartTime%3E=2026-03-02").await;
    assert_eq!(none["calls"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_browser_drives_phones_by_the_control_api() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/voice" => ok("<Gather numDigits=\"1\" action=\"/turn\" timeout=\"60\"/>"),
        _ => ok("<Say>Danke.</Say>"),
    })
    .await;
    let control = format!("{}/sim", stage.sim.base_url());
    let client = reqwest::Client::new();
    let call = serde_json::json!({ "from": CUSTOMER, "to": HOTLINE });
    let call: Value = client.post(format!("{control}/calls")).json(&call).send().await.unwrap().json().await.unwrap();
    let leg = Sid::new(call["leg"].as_str().unwrap());
    stage.listening(&leg).await;
    let keys = serde_json::json!({ "keys": "1" });
    let pressed = client.post(format!("{control}/legs/{leg}/press")).json(&keys).send().await.unwrap();
    assert_eq!(pressed.json::<Value>().await.unwrap()["done"], true);
    stage.heard(&leg, "Danke").await;
    let behaviour = serde_json::json!({
        "voice": { "is": "scripted", "ring_s": 6, "then": { "do": "answer", "keys": [{ "heard": "1", "keys": "1" }] } },
        "sms": { "is": "undelivered", "code": 30003 },
    });
    let set = client.post(format!("{control}/phones/%2B4915110000001")).json(&behaviour).send().await.unwrap();
    assert_eq!(set.status(), 204);
    let state: Value = client.get(format!("{control}/state")).send().await.unwrap().json().await.unwrap();
    assert_eq!(state["phones"][ANNA]["sms"]["code"], 30003);
    assert_eq!(state["calls"][0]["sid"], leg.as_str());
    let mut stream = client.get(format!("{control}/events")).header("Last-Event-ID", "1").send().await.unwrap();
    let first = String::from_utf8(stream.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(first.starts_with("id: 2\n"), "{first}");
}

#[tokio::test]
async fn a_machine_is_told_from_a_person_when_that_was_asked_for() {
    let times = Times { machine_detection_s: (4.0, 4.0), ..Times::none() };
    let mut stage = Stage::with(times, |_| ok("<Hangup/>")).await;
    stage.sim.phone(phone(ANNA), Behaviour::mailbox(3.0));
    let url = stage.url("/page");
    let form = [("To", ANNA), ("From", HOTLINE), ("Url", url.as_str()), ("MachineDetection", "Enable")];
    stage.post("/Calls.json", &form).await;
    assert_eq!(stage.asked("/page").await.get("AnsweredBy"), "machine_start");
}

#[tokio::test]
async fn an_ended_call_and_a_recording_can_be_removed() {
    let mut stage = Stage::new(|_| ok("<Pause length=\"2\"/>")).await;
    let leg = stage.ring_in();
    let delete = async |path: String| {
        let request = reqwest::Client::new().delete(stage.rest(&path));
        request.basic_auth(stage.sim.account_sid(), Some("simulated-token")).send().await.unwrap().status().as_u16()
    };
    let path = format!("/Calls/{leg}.json");
    assert_eq!(delete(path.clone()).await, 400);
    stage.sim.hang_up(&leg);
    assert!(stage.sim.wait_for(|what| matches!(what, What::Ended { .. }), TimeDelta::seconds(5)).await.is_some());
    assert_eq!(delete(path.clone()).await, 204);
    assert_eq!(stage.get(&path).await.0, 404);
    assert_eq!(delete("/Recordings/RE0.json".to_owned()).await, 404);
    stage.pass(1).await;
}
