//! What an endpoint of the MSP knows of a ticket: the flow that docs/flows.md shows, against a real server.

use std::{fs, io::Write, net::TcpListener, path::Path};

use axum::{Json, Router, extract, routing::post};
use pikett::{model::call::Outcome, sim::Press};
use serde_json::{Value, json};

use super::{
    collected::{SHOWN, connect_number, declare},
    people::{DORA, message},
    story::{Story, stories},
};

/// Starts the endpoint and points the flow at it. Who may be asked inside, the configuration says.
fn endpoint(folder: &Path, allow_private: bool) {
    declare(folder, &["ticket-status"], "");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let tickets = async |extract::Path(ticket): extract::Path<String>, Json(asked): Json<Value>| {
        assert_eq!(asked, json!({ "caller": DORA, "customer": { "number": "4711" } }));
        Json(json!({ "ticket": { "status": "in Arbeit", "owner": { "name": format!("Ada ({ticket})") } } }))
    };
    let router = Router::new().route("/tickets/{ticket}", post(tickets));
    tokio::spawn(async move { axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await });
    let flow = folder.join("ticket-status.toml");
    let text = fs::read_to_string(&flow).unwrap().replace("https://crm.msp.example", &format!("http://{address}"));
    fs::write(flow, text).unwrap();
    let mut config = fs::OpenOptions::new().append(true).open(folder.join("pikett.toml")).unwrap();
    writeln!(config, "[lookup]\nallow_private = {allow_private}").unwrap();
}

stories! {
    async fn a_caller_hears_how_their_ticket_stands(story: Story, |folder| endpoint(folder, true)) {
        connect_number(story);
        let script = [Press::on("Ticketnummer", "4711#"), message("Bitte beeilen Sie sich")];
        let caller = story.phones_at(DORA, SHOWN, script);
        story.hears(&caller, "ist in Arbeit").await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        assert_eq!(story.alert_of(&call).await.alert.title, "Ticket 4711, owner Ada (4711)");
    }

    async fn an_endpoint_inside_is_not_asked_and_the_caller_goes_on(story: Story, |folder| endpoint(folder, false)) {
        connect_number(story);
        let script = [Press::on("Ticketnummer", "4711#"), message("Bitte beeilen Sie sich")];
        let caller = story.phones_at(DORA, SHOWN, script);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        assert_eq!(story.alert_of(&call).await.alert.title, "Ticket 4711, owner (unknown)");
        let tale = story.tale(&call).await;
        assert!(tale.iter().any(|text| text.contains("the address is not a public one")), "{tale:?}");
    }
}
