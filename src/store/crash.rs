//! What was answered survives `kill -9` an instant later.
//!
//! The test starts this same test program again as a child that writes and prints what was answered,
//! kills it in the middle, and looks for every printed row.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use super::{
    Store, alerts, raise,
    testing::{Scratch, an_alert, at, org},
};
use crate::clock::Ids;

const URL: &str = "PIKETT_TEST_CRASH_URL";
const NAME: &str = "store::crash::writes_until_it_is_killed";
const ANSWERS: usize = 300;

/// The child. In an ordinary run of the tests it has nothing to do.
#[tokio::test]
async fn writes_until_it_is_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    let store = Store::open(&url).await.unwrap();
    let ids = Ids::random();
    let writers = (0..8).map(|_| async {
        loop {
            let number = store.alert_number(&org()).await.unwrap();
            let alert = an_alert(&ids, number, None);
            let raised = store.write(async move |db| raise::raise(db, &org(), alert.clone()).await).await.unwrap();
            // Past the capture of the test harness, and at once.
            let mut out = std::io::stdout().lock();
            writeln!(out, "answered {}", raised.id).unwrap();
            out.flush().unwrap();
        }
    });
    futures::future::join_all(writers).await;
}

async fn loses_nothing(scratch: Scratch) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture", "--test-threads=1"])
        .env(URL, &scratch.url)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut answered = Vec::new();
    for line in lines {
        // The last line may be torn.
        let Ok(line) = line else { break };
        if let Some(id) = line.split("answered ").nth(1)
            && let Ok(id) = id.parse()
        {
            answered.push(id);
        }
        if answered.len() == ANSWERS {
            // SIGKILL. What it printed meanwhile is read to the end.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(answered.len() >= ANSWERS, "the child ended by itself after {}", answered.len());

    let store = Store::open(&scratch.url).await.unwrap();
    for id in &answered {
        let mut db = store.read().await.unwrap();
        let row = alerts::by_id(&mut db, &org(), id).await.unwrap();
        assert!(row.is_some(), "{id} was answered and is lost");
    }
    let timers = store.write(async |db| super::timers::count_due(db, at(0)).await).await.unwrap();
    assert!(usize::try_from(timers).unwrap() >= answered.len(), "an alert without its timer would tell nobody");
    store.close().await;
    scratch.remove().await;
}

#[tokio::test]
async fn kill_loses_nothing_that_was_answered_sqlite() {
    loses_nothing(Scratch::sqlite()).await;
}

#[tokio::test]
async fn kill_loses_nothing_that_was_answered_postgres() {
    loses_nothing(Scratch::postgres().await).await;
}
