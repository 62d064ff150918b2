//! What callers key in or say on the way: the flow is the one that docs/flows.md shows.

use std::path::Path;

use pikett::{
    model::{call::Outcome, priority::Priority},
    sim::{Hooks, Press},
};

use super::{
    people::{ANNA, DORA, PRESS_1_DE, message, phone, takes},
    story::{Story, stories},
};

/// A hotline of Delta's own, for a flow of docs/flows.md.
pub const SHOWN: &str = "+4930901868";

/// The flow of that id, as docs/flows.md shows it.
pub fn shown(id: &str) -> String {
    let docs = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/flows.md")).unwrap();
    let flows = docs.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let head = format!("id = \"{id}\"\n");
    flows.into_iter().find(|flow| flow.starts_with(&head)).expect("the flow is shown").to_owned()
}

/// Declares the hotline and the flows that it needs; the first is the one that it runs.
pub fn declare(folder: &Path, flows: &[&str], vars: &str) {
    for id in flows {
        std::fs::write(folder.join(format!("{id}.toml")), shown(id)).unwrap();
    }
    let hotline = format!(
        "[[hotlines]]\nnumber = \"{SHOWN}\"\ncontract = \"delta-everyone\"\nflow = \"{}\"\nvars = {{ {vars} }}\n",
        flows[0]
    );
    std::fs::write(folder.join("shown.toml"), hotline).unwrap();
}

/// The carrier knows the number.
pub fn connect_number(story: &Story) {
    let hooks = Hooks::at(story.sim().account_sid(), &format!("{}/carriers/twilio", story.stage.url()));
    story.sim().number(phone(SHOWN), hooks);
}

stories! {
    async fn a_ticket_is_repeated_corrected_and_told_to_whoever_is_rung(
        story: Story, |folder| declare(folder, &["ticket"], "")
    ) {
        connect_number(story);
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let caller = story.phones_at(DORA, SHOWN, [
            Press::on("Ticketnummer", "4712#"),
            Press::on("Wir haben verstanden: 4712", "2"),
            Press::on("Ticketnummer", "4711#"),
            Press::on("Wir haben verstanden: 4711", "1"),
        ]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Connected));
        let alert = story.alert_of(&call).await.alert;
        assert_eq!((alert.title.as_str(), alert.priority), ("Call about ticket 4711", Priority::P2));
        let told = story.tale(&call).await;
        assert!(!told.iter().any(|text| text.contains("4712")), "what was keyed in stands in no timeline: {told:?}");
    }

    async fn a_ticket_is_spoken_and_confirmed_by_a_yes(story: Story, |folder| declare(folder, &["ticket"], "")) {
        connect_number(story);
        let caller = story.phones_at(DORA, SHOWN, [
            Press::saying("Ticketnummer", "vier sieben eins zwo"),
            Press::saying("Wir haben verstanden: 4712", "ja, genau"),
            message("Der Drucker brennt"),
        ]);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        assert_eq!(story.alert_of(&call).await.alert.title, "Call about ticket 4712");
    }
}
