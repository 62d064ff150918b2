//! What a caller hears who waits, and when: where they stand comes on time, whatever music plays between.

use pikett::sim::{Sid, What};

use super::{
    people::{DORA, EVERYONE},
    story::{Story, rewritten, stories},
};

impl Story {
    /// Each piece of music lasts as long as its name says.
    fn plays_music_in_full(&self) {
        for seconds in 1..=20_u8 {
            self.sim().lasts(&format!("/audio/hold/{seconds}.wav"), seconds.into());
        }
    }

    /// Somebody is away for long: Dora's call waits until the flow gives up. Answers when she began to wait.
    async fn waits_in_vain(&mut self) -> (Sid, pikett::model::Instant) {
        let caller = self.phones_at(DORA, EVERYONE, []);
        let begun =
            self.until("Dora waits", |what| matches!(what, What::Waiting { leg, .. } if *leg == caller)).await.at;
        self.hears(&caller, "nach dem Ton").await;
        (caller, begun)
    }

    /// The seconds since then at which the caller began to hear that.
    fn heard_at(&self, caller: &Sid, since: pikett::model::Instant, words: &str) -> Vec<i64> {
        let log = self.sim().log();
        let heard = log.iter().filter(
            |event| matches!(&event.what, What::Heard { leg, text, .. } if leg == caller && text.contains(words)),
        );
        heard.map(|event| (event.at - since).num_seconds()).collect()
    }
}

#[track_caller]
fn about(told: &[i64], expected: &[i64]) {
    let near = |(told, expected): (&i64, &i64)| (told - expected).abs() <= 3;
    assert!(told.len() == expected.len() && told.iter().zip(expected).all(near), "{told:?}, not about {expected:?}");
}

/// Phones ring for longer, so that there is something to wait for.
const WAITS: (&str, &str) = ("ring = \"20s\"", "ring = \"45s\"");
const EVERY: (&str, &str) = ("max_wait =", "announce_every = \"15s\"\nmax_wait =");
const MUSIC: (&str, &str) = ("max_wait =", "music = \"https://audio.msp.example/waiting.mp3\"\nmax_wait =");
const AGAIN: &str = "Wir versuchen weiter";

stories! {
    async fn that_somebody_is_looked_for_is_told_every_half_minute(story: Story, |folder| rewritten(folder, &[WAITS])) {
        story.plays_music_in_full();
        let (caller, begun) = story.waits_in_vain().await;
        about(&story.heard_at(&caller, begun, AGAIN), &[30, 60, 90]);
        assert!(story.heard(&caller).contains("/audio/hold/20.wav"));
    }

    async fn every_fifteen_seconds_are_fifteen_seconds(story: Story, |folder| rewritten(folder, &[WAITS, EVERY])) {
        story.plays_music_in_full();
        let (caller, begun) = story.waits_in_vain().await;
        about(&story.heard_at(&caller, begun, AGAIN), &[15, 30, 45, 60, 75, 90]);
    }

    async fn a_flows_own_music_plays_to_its_end_and_what_is_due_follows(story: Story, |folder| {
        rewritten(folder, &[WAITS, EVERY, MUSIC]);
    }) {
        story.sim().lasts("/waiting.mp3", 20.0);
        let (caller, begun) = story.waits_in_vain().await;
        let music = story.heard_at(&caller, begun, "https://audio.msp.example/waiting.mp3");
        let told = story.heard_at(&caller, begun, AGAIN);
        assert!(told.len() >= 2 && music.len() >= told.len(), "{music:?} {told:?}");
        for (music, told) in music.iter().zip(&told) {
            assert!((20..=22).contains(&(told - music)), "told at {told}, music at {music}");
        }
        assert!(!story.heard(&caller).contains("/audio/hold"));
    }
}
