//! Flows that call flows: those that docs/flows.md shows.

use pikett::{
    app::Service,
    clock::Ids,
    model::{call::Outcome, priority::Priority},
    sim::Press,
};

use super::{
    collected::{SHOWN, connect_number, declare, shown},
    people::{ANNA, DORA, PRESS_1_DE, STRANGER, takes},
    story::{Story, stories},
};

const FLOWS: &[&str] = &["front-desk", "topic"];

stories! {
    async fn a_caller_is_asked_in_one_flow_and_connected_by_the_one_that_called_it(
        story: Story, |folder| declare(folder, FLOWS, "")
    ) {
        connect_number(story);
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let script = [Press::saying("Nordlicht IT. Für einen Ausfall", "Ein Ausfall!"), Press::on("Welche Maschine", "42#")];
        let caller = story.phones_at(DORA, SHOWN, script);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, call.category.as_deref()), (Some(Outcome::Connected), Some("outage")));
        let alert = story.alert_of(&call).await.alert;
        assert_eq!((alert.title.as_str(), alert.priority), ("outage 42", Priority::P1));
    }

    async fn a_call_stays_on_the_versions_that_it_began_with(story: Story, |folder| declare(folder, FLOWS, "")) {
        connect_number(story);
        let early = story.phones_at(DORA, SHOWN, []);
        story.hears(&early, "Für einen Ausfall").await;
        let folder = story.stage.folder.clone();
        let write = |id: &str, from: &str, to: &str| {
            std::fs::write(folder.join(format!("{id}.toml")), shown(id).replace(from, to)).unwrap();
        };
        write("topic", "Welche Maschine?", "Welche Anlage?");
        write("front-desk", "{{ category or 'Call' }}", "New:");
        story.stage.apply().await.unwrap();
        // The next program has the new versions in mind, and finds the old ones in the database.
        story.service.take().unwrap().stop().await;
        let again = Service::start(&story.stage.config, story.clock.clone(), Ids::seeded(3)).await.unwrap();
        story.service = Some(again);
        let late = story.phones_at(STRANGER, SHOWN, [Press::on("Für einen Ausfall", "1"), Press::on("Welche Anlage", "7#")]);
        story.hears(&late, "Welche Anlage").await;
        story.sim().press(&early, "1");
        story.hears(&early, "Welche Maschine").await;
        for key in ["4", "2", "#"] {
            story.sim().press(&early, key);
        }
        let titles = [(&early, "outage 42"), (&late, "New: 7")];
        for (caller, title) in titles {
            let call = story.over(caller).await;
            assert_eq!(story.alert_of(&call).await.alert.title, title);
        }
    }

    async fn who_hangs_up_in_a_called_flow_has_reached_its_step(story: Story, |folder| declare(folder, FLOWS, "")) {
        connect_number(story);
        let caller = story.phones_at(DORA, SHOWN, [Press::on("Für einen Ausfall", "1")]);
        story.hears(&caller, "Welche Maschine").await;
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, call.last_step.as_str()), (Some(Outcome::Missed), "topic/machine"));
        let alert = story.alert_of(&call).await;
        assert!(alert.alert.title.contains("topic/machine"), "{}", alert.alert.title);
    }
}
