//! The scenes of the scripted night: what people do, and what must come of it.

use serde_json::json;

use super::{
    night::{ANNA, BEN, Broken, CEM, Night, PETRA, STRANGER, check, phone},
    service::Service,
    stage::{GOLD, KEY},
};
use crate::{
    carrier::http_client,
    clock::Clock,
    declare::directory::default_org,
    model::{alert::AlertState, call::Outcome, code, priority::Priority},
    sim::{Behaviour, Faults, Press, RestFaults, Sid, What},
    store::{
        alerts::{self, Which},
        attempts::{self, AttemptState},
    },
};

const TAKES_DE: &str = "drücken Sie die 1";
const TAKES_EN: &str = "press 1";

/// A technician who picks up, takes the caller, and talks for a while.
fn takes(ring_s: f64, words: &str) -> Behaviour {
    Behaviour::answers(ring_s, [Press::on(words, "1")]).hanging_up_after(60.0)
}

fn is_bridge(caller: &Sid) -> impl Fn(&What) -> bool {
    move |what| matches!(what, What::Bridged { a, b } if a == caller || b == caller)
}

fn acknowledged_by(state: &AlertState) -> Option<&str> {
    match state {
        AlertState::Acknowledged { by, .. } => Some(by.name()),
        AlertState::Triggered | AlertState::Resolved { .. } => None,
    }
}

/// The call ended with a human, this one, who has the alert as well.
async fn connected(night: &mut Night, caller: &Sid, by: &str, priority: Priority) -> Result<(), Broken> {
    night.expect("caller and technician talk", 300, is_bridge(caller)).await?;
    night.ended(caller).await?;
    let call = night.outcome(caller).await?;
    check(call.outcome == Some(Outcome::Connected), format!("the outcome is {:?}", call.outcome))?;
    let answered = call.answered_by.as_ref().map(|person| person.as_str());
    check(answered == Some(by), format!("it was answered by {answered:?}, not {by}"))?;
    let alert = night.alert_of(&call).await?;
    check(acknowledged_by(&alert.alert.state) == Some(by), format!("its alert is {:?}", alert.alert.state))?;
    check(alert.alert.priority == priority, format!("its alert is {}", alert.alert.priority))
}

pub async fn known_caller(night: &mut Night) -> Result<(), Broken> {
    night.behaves(ANNA, takes(6.0, TAKES_DE));
    let caller = night.call(PETRA);
    night.stage.sim.follow(&caller, [Press::on("Für einen Ausfall", "1")]);
    connected(night, &caller, "anna", Priority::P1).await
}

pub async fn wrong_pin_then_right(night: &mut Night) -> Result<(), Broken> {
    night.behaves(ANNA, takes(6.0, TAKES_DE));
    let caller = night.call(STRANGER);
    night.stage.sim.follow(
        &caller,
        [Press::on("PIN ein", "730165#"), Press::on("nicht gestimmt", "730164#"), Press::on("Für einen Ausfall", "2")],
    );
    connected(night, &caller, "anna", Priority::P2).await?;
    let call = night.outcome(&caller).await?;
    check(call.verified, "the right PIN did not verify the caller")?;
    check(call.contact.is_some(), "nobody knows who called")
}

pub async fn second_level(night: &mut Night) -> Result<(), Broken> {
    night.behaves(BEN, takes(5.0, TAKES_EN));
    let caller = night.call(PETRA);
    night.stage.sim.follow(&caller, [Press::on("Für einen Ausfall", "1")]);
    connected(night, &caller, "ben", Priority::P1).await
}

pub async fn mailbox(night: &mut Night) -> Result<(), Broken> {
    night.behaves(ANNA, Behaviour::mailbox(4.0));
    night.behaves(BEN, takes(5.0, TAKES_EN));
    let caller = night.call(PETRA);
    night.stage.sim.follow(&caller, [Press::on("Für einen Ausfall", "1")]);
    connected(night, &caller, "ben", Priority::P1).await
}

pub async fn nobody(night: &mut Night) -> Result<(), Broken> {
    let caller = night.call(PETRA);
    // The prompt ends, and then the beep: who speaks earlier is not recorded.
    let words = "Hier ist Petra Klein, bei uns steht alles.";
    let message = Press { after_s: 12.0, ..Press::saying("sprechen Sie nach dem Ton", words) };
    night.stage.sim.follow(&caller, [Press::on("Für einen Ausfall", "1"), message]);
    let recorded = |what: &What| matches!(what, What::Recorded { leg, .. } if *leg == caller);
    night.expect("the caller leaves a message", 600, recorded).await?;
    night.stage.sim.hang_up(&caller);
    let call = night.outcome(&caller).await?;
    check(call.outcome == Some(Outcome::Voicemail), format!("the outcome is {:?}", call.outcome))?;
    let alert = night.alert_of(&call).await?;
    check(alert.alert.state == AlertState::Triggered, "nobody has acknowledged, yet it is not triggered")?;
    let code = code::of(alert.alert.number);
    let asks = |what: &What| matches!(what, What::Sms { to, body, status, .. } if to == CEM && status == "delivered" && body.contains(&format!("1 {code}")));
    night.expect("Cem is paged by SMS with the code", 900, asks).await?;
    night.stage.sim.text(phone(CEM), phone(GOLD), &format!("1 {code}"));
    let id = alert.alert.id.clone();
    let taken = night
        .until("the SMS acknowledges the alert", async |db| {
            let row = alerts::by_id(db, &default_org(), &id).await?;
            Ok(row.filter(|row| acknowledged_by(&row.alert.state).is_some()))
        })
        .await?;
    check(acknowledged_by(&taken.alert.state) == Some("cem"), "somebody else acknowledged")
}

pub async fn hangs_up(night: &mut Night) -> Result<(), Broken> {
    let caller = night.call(PETRA);
    let asked = |what: &What| matches!(what, What::Heard { leg, text, .. } if *leg == caller && text.contains("Für einen Ausfall"));
    night.expect("the caller hears the menu", 120, asked).await?;
    night.stage.sim.hang_up(&caller);
    let call = night.outcome(&caller).await?;
    check(call.outcome == Some(Outcome::Missed), format!("the outcome is {:?}", call.outcome))?;
    check(call.last_step == "category", format!("the step reached is {}", call.last_step))?;
    let alert = night.alert_of(&call).await?;
    check(alert.alert.priority == Priority::P3, format!("the missed call is {}", alert.alert.priority))
}

pub async fn carrier_down(night: &mut Night) -> Result<(), Broken> {
    night.behaves(ANNA, takes(4.0, TAKES_DE));
    let rest = RestFaults { status: Some(500), ..RestFaults::default() };
    night.stage.sim.faults().set(Faults { rest, ..Faults::default() });
    let caller = night.call(PETRA);
    night.stage.sim.follow(&caller, [Press::on("Für einen Ausfall", "1")]);
    let refused = |what: &What| matches!(what, What::Rest { status: Some(500), .. });
    night.expect("the carrier refuses a request", 120, refused).await?;
    night.clock.sleep(chrono::TimeDelta::seconds(12)).await;
    night.stage.sim.faults().set(Faults::default());
    connected(night, &caller, "anna", Priority::P1).await
}

/// Alerts of a monitoring tool that come together; the process dies while their pages go out.
pub async fn killed(night: &mut Night) -> Result<(), Broken> {
    const ALERTS: usize = 12;
    let http = http_client(&Clock::system());
    for n in 0..ALERTS {
        let event = json!({
            "routing_key": KEY, "event_action": "trigger", "dedup_key": format!("night-{n}"),
            "payload": { "summary": format!("Server {n} is down"), "source": "monitoring", "severity": "critical" },
        });
        let answer = http.post(format!("{}/v2/enqueue", night.stage.url())).json(&event).send().await;
        let status = answer.map_err(|error| error.to_string())?.status();
        check(status.as_u16() == 202, format!("an event was answered {status}"))?;
    }
    night.expect("the first page goes out", 60, |what| matches!(what, What::Sms { .. } | What::Push { .. })).await?;
    if let Some(service) = &mut night.service {
        service.kill();
    }
    println!("  (the service is killed with -9 and started again)");
    night.service = Some(Service::start(&night.stage, &night.clock).await.map_err(|error| error.to_string())?);
    let told = night
        .until("every alert has reached somebody's phone", async |db| {
            let open = alerts::list(db, &default_org(), Which::Open, None, 200).await?;
            let mut told = 0;
            for row in open.iter().filter(|row| row.alert.title.starts_with("Server ")) {
                let tried = attempts::of_alert(db, &default_org(), &row.alert.id).await?;
                let reached = |state: AttemptState| matches!(state, AttemptState::Sent | AttemptState::Delivered);
                told += usize::from(tried.iter().any(|attempt| reached(attempt.state)));
            }
            Ok((told == ALERTS).then_some(told))
        })
        .await?;
    check(told == ALERTS, format!("{told} of {ALERTS} alerts reached somebody"))
}
