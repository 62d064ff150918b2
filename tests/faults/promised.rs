//! A callback is promised, and the process dies before anybody has called back: once as soon as the caller has
//! heard the promise, and once more when a technician has taken it. Whoever starts it again keeps the promise.

use std::fs;

use chrono::TimeDelta;
use pikett::{
    clock::Clock,
    demo::{
        night::{ANNA, PETRA},
        stage::Stage,
    },
    model::phone::Phone,
    sim::{Behaviour, Caller, Hooks, Press, Sid, Watch, What},
    store::Store,
};
use sqlx::Row;

use super::{BEGIN, SPEED, complaints, database::Scratch, service::Victim, stage};

const HOTLINE: &str = "+4930901861";
const FLOW: &str = r#"
id = "call-me"
languages = ["en"]
start = "urgent"
[steps]
urgent = { do = "set", priority = "P1", next = "offer" }
offer = { do = "callback", within = "2h", accepted = "bye", declined = "bye" }
bye = { do = "hangup", say = "Goodbye." }
"#;
const DECLARED: &str = r#"
[[hotlines]]
number = "+4930901861"
contract = "acme-gold"
flow = "call-me"
"#;
/// Anna's phone rings a minute after she was texted, and again after a death.
const PATIENCE: TimeDelta = TimeDelta::minutes(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promised_callback_survives_two_kills_on_sqlite() {
    survives(Scratch::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promised_callback_survives_two_kills_on_postgresql() {
    survives(Scratch::postgres().await).await;
}

fn phone(number: &str) -> Phone {
    number.parse().unwrap()
}

fn set_scene(stage: &Stage) {
    fs::write(stage.folder.join("call-me.toml"), FLOW).unwrap();
    fs::write(stage.folder.join("call-me-hotline.toml"), DECLARED).unwrap();
    let hooks = Hooks::at(stage.sim.account_sid(), &format!("{}/carriers/twilio", stage.url()));
    stage.sim.number(phone(HOTLINE), hooks);
    // By phone, what pages and what calls back alike.
    let takes = [Press::on("rücke", "1"), Press::on("rücke", "1")];
    stage.sim.phone(phone(ANNA), Behaviour::answers(3.0, takes).hanging_up_after(90.0));
    stage.sim.phone(phone(PETRA), Behaviour::answers(3.0, []).hanging_up_after(30.0));
}

async fn until(watch: &mut Watch, what: &str, matches: impl Fn(&What) -> bool) {
    assert!(watch.next(matches, PATIENCE).await.is_some(), "it did not happen within {PATIENCE}: {what}");
}

async fn survives(scratch: Scratch) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::faster(BEGIN.parse().unwrap(), SPEED);
    let stage = stage(folder.path(), &clock, 1, &scratch.url).await;
    set_scene(&stage);
    stage.apply().await.unwrap();
    let mut victim = Victim::new(&stage, &clock);
    victim.start();
    victim.ready().await;

    let mut watch = stage.sim.watch();
    let caller = stage.sim.call(Caller::Number(phone(PETRA)), phone(HOTLINE));
    stage.sim.follow(&caller, [Press::on("If you want that", "1")]);
    let promised = |what: &What| matches!(what, What::Heard { leg, text, .. } if *leg == caller && text.contains("We will call you back by"));
    until(&mut watch, "the caller hears the promise", promised).await;
    victim.kill();
    victim.start();
    victim.ready().await;

    let legs = || stage.sim.legs().into_iter();
    let is_to = |sid: &Sid, number: &str| legs().any(|leg| leg.sid == *sid && leg.to == number);
    let taken = |what: &What| matches!(what, What::Keys { leg, keys } if keys == "1" && is_to(leg, ANNA));
    until(&mut watch, "Anna takes it", taken).await;
    victim.kill();
    victim.start();
    victim.ready().await;

    let talk = |what: &What| matches!(what, What::Bridged { a, b } if is_to(a, PETRA) || is_to(b, PETRA));
    until(&mut watch, "Anna talks with the customer", talk).await;
    let customers: Vec<_> = legs().filter(|leg| leg.to == PETRA).map(|leg| leg.from).collect();
    assert_eq!(customers, [HOTLINE], "the customer's phone rings once, and shows the hotline");
    let store = Store::open(stage.config.database.url.expose()).await.unwrap();
    assert_eq!(settled(&store, &clock).await, "kept");
    assert_eq!(complaints(&fs::read_to_string(&victim.log).unwrap()), Vec::<String>::new());
    drop(victim);
    store.close().await;
    stage.sim.stop().await;
    scratch.remove().await;
}

/// How the one promise stands once their talk is over.
async fn settled(store: &Store, clock: &Clock) -> String {
    let last = clock.now() + PATIENCE;
    loop {
        let state = {
            let mut db = store.read().await.unwrap();
            let rows = sqlx::query("SELECT state FROM callbacks").fetch_all(&mut *db).await.unwrap();
            assert_eq!(rows.len(), 1, "one promise was made");
            rows[0].get::<String, _>(0)
        };
        if state != "promised" || clock.now() > last {
            return state;
        }
        clock.sleep(TimeDelta::seconds(5)).await;
    }
}
