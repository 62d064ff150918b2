//! SMS in both directions.

use super::*;

async fn send(stage: &Stage, to: &str, body: &str) -> (u16, serde_json::Value) {
    let status = stage.url("/sms/status");
    stage.post("/Messages.json", &[("To", to), ("From", HOTLINE), ("Body", body), ("StatusCallback", &status)]).await
}

async fn reported(stage: &mut Stage) -> Vec<String> {
    stage.pass(3).await;
    stage
        .all_asked("/sms/status")
        .iter()
        .map(|asked| format!("{} {}", asked.get("MessageStatus"), asked.get("ErrorCode")).trim().to_owned())
        .collect()
}

#[tokio::test]
async fn a_message_is_sent_and_delivered_or_not() {
    for (reception, expected) in [
        (SmsReception::Delivered, vec!["sent", "delivered"]),
        (SmsReception::Undelivered { code: 30003 }, vec!["sent", "undelivered 30003"]),
        (SmsReception::Failed { code: 30007 }, vec!["failed 30007"]),
        (SmsReception::Silent, vec!["sent"]),
    ] {
        let mut stage = Stage::new(|_| nothing()).await;
        stage.sim.phone(phone(ANNA), Behaviour::default().sms(reception));
        let (status, message) = send(&stage, ANNA, "P1 ACME: Server steht. 1 K7").await;
        assert_eq!((status, &message["status"]), (201, &"queued".into()));
        assert_eq!(reported(&mut stage).await, expected, "{reception:?}");
        let (_, found) = stage.get("/Messages.json?To=%2B4915110000001&DateSent%3E=2026-03-01").await;
        assert_eq!(found["messages"][0]["sid"], message["sid"]);
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_at_once() {
    let stage = Stage::new(|_| nothing()).await;
    stage.sim.phone(phone(ANNA), Behaviour::default().sms(SmsReception::Refused { code: 21614 }));
    assert_eq!(send(&stage, ANNA, "x").await.1["code"], 21614);
    assert_eq!(send(&stage, "110", "x").await.1["code"], 21211);
    assert_eq!(send(&stage, BEN, "").await.1["code"], 21602);
    assert_eq!(send(&stage, BEN, &"x".repeat(1_601)).await.1["code"], 21617);
    let stranger = [("To", ANNA), ("From", BEN), ("Body", "x")];
    assert_eq!(stage.post("/Messages.json", &stranger).await.1["code"], 21606);
}

#[tokio::test]
async fn a_reply_reaches_the_service_and_its_answer_the_phone() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/sms" => ok("<Message>Danke, übernommen.</Message>"),
        _ => nothing(),
    })
    .await;
    stage.sim.text(phone(ANNA), phone(HOTLINE), "1 K7");
    stage
        .until(|what| matches!(what, What::Sms { to, body, status, .. } if to == ANNA && body == "Danke, übernommen." && status == "delivered"))
        .await;
    let asked = &stage.all_asked("/sms")[0];
    assert!(asked.genuine);
    assert_eq!((asked.get("Body"), asked.get("From"), asked.get("NumMedia")), ("1 K7", ANNA, "0"));
}

#[tokio::test]
async fn stop_blocks_the_pair_until_start() {
    let mut stage = Stage::new(|_| ok("")).await;
    stage.sim.text(phone(ANNA), phone(HOTLINE), " stop ");
    stage.asked("/sms").await;
    assert_eq!(send(&stage, ANNA, "x").await.1["code"], 21610);
    assert_eq!(send(&stage, BEN, "x").await.0, 201);
    stage.sim.text(phone(ANNA), phone(HOTLINE), "START");
    assert_eq!(send(&stage, ANNA, "x").await.0, 201);
}
