//! Somebody outside hears that all is well, for as long as it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, routing::get};
use chrono::TimeDelta;
use pikett::clock::Clock;

use super::{database::Scratch, house::House};

#[tokio::test]
async fn a_service_that_is_well_tells_so_and_a_stopped_one_is_missed() {
    let came = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&came);
    let check =
        Router::new().route("/ping/secret", get(async move || counted.fetch_add(1, Ordering::SeqCst).to_string()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ping/secret", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, check).await.unwrap() });

    let house = House::on(Scratch::sqlite(), &format!("[heartbeat]\nurl = \"{url}\"\nevery = \"10s\"")).await;
    let first = async {
        while came.load(Ordering::SeqCst) == 0 {
            Clock::system().sleep(TimeDelta::milliseconds(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), first).await.unwrap();
    let figures = house.http.get(format!("{}/metrics", house.url)).send().await.unwrap().text().await.unwrap();
    assert!(figures.contains("pikett_heartbeats_total{outcome=\"sent\"}"), "{figures}");
    house.close().await;
    let last = came.load(Ordering::SeqCst);
    Clock::system().sleep(TimeDelta::seconds(1)).await;
    assert_eq!(came.load(Ordering::SeqCst), last);
    server.abort();
}
