//! PINs: wrong ones, locks that outlast the call, and a hotline that two customers share.

use pikett::{
    model::{call::Outcome, priority::Priority},
    sim::{Press, Sid},
    store::calls::CallRow,
};

use super::{
    people::{ANNA, PRESS_1_DE, SHARED, STRANGER, chooses, message, takes},
    story::{Story, stories},
};

const RIGHT: &str = "730164#";
const WRONG: &str = "999999#";
const OTHERS: [&str; 4] = ["+4930999002", "+4930999003", "+4930999004", "+4930999005"];
const UNRECOGNISED: &str = "Wir konnten Sie nicht erkennen";

/// Keys in these PINs, one after the other.
fn keys(pins: &[&str]) -> Vec<Press> {
    let asked = |n: usize| if n == 0 { "PIN ein" } else { "nicht gestimmt" };
    pins.iter().enumerate().map(|(n, pin)| Press::on(asked(n), pin)).collect()
}

/// A call whose caller keys in these PINs and hangs up when asked for a message.
async fn fails(story: &mut Story, from: &str, pins: &[&str]) -> CallRow {
    let caller = story.phones(from, keys(pins));
    story.hears(&caller, UNRECOGNISED).await;
    story.sim().hang_up(&caller);
    let call = story.over(&caller).await;
    assert!(!call.verified && call.contact.is_none());
    call
}

/// A call whose caller is taken at their first PIN; hangs up in the menu.
async fn is_verified(story: &mut Story, from: &str) -> Sid {
    let caller = story.phones(from, keys(&[RIGHT]));
    story.hears(&caller, "Für einen Ausfall").await;
    assert!(story.call_row(&caller).await.verified);
    story.sim().hang_up(&caller);
    story.over(&caller).await;
    caller
}

stories! {
    async fn three_wrong_pins_lead_to_a_message_that_pages_people_as_unverified(story: Story) {
        let mut script = keys(&[WRONG, WRONG, WRONG]);
        script.push(message("Hier ist Petra Klein, unser Lager steht"));
        let caller = story.phones(STRANGER, script);
        story.hears(&caller, UNRECOGNISED).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, call.verified), (Some(Outcome::Voicemail), false));
        let alert = story.alert_of(&call).await;
        assert_eq!(alert.alert.priority, Priority::P2);
        assert!(alert.details.contains("\"unverified\":true"), "{}", alert.details);
        assert!(!story.paged(&alert).await.is_empty());
    }

    async fn whoever_keys_in_nothing_goes_the_same_way(story: Story) {
        let caller = story.phones(STRANGER, [message("Ich habe meine PIN vergessen")]);
        story.hears(&caller, UNRECOGNISED).await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
    }

    async fn a_number_that_tried_five_times_is_locked_also_for_the_right_pin(story: Story) {
        fails(story, STRANGER, &[WRONG, WRONG, WRONG]).await;
        // The fifth try locks; the sixth, right one, is not looked at.
        let call = fails(story, STRANGER, &[WRONG, WRONG, RIGHT]).await;
        assert!(story.tale(&call).await.iter().any(|entry| entry.contains("PINs are locked until")));
        fails(story, STRANGER, &[RIGHT]).await;
        story.pass(15 * 60).await;
        is_verified(story, STRANGER).await;
    }

    async fn each_lock_lasts_longer_than_the_one_before(story: Story) {
        fails(story, STRANGER, &[WRONG, WRONG, WRONG]).await;
        fails(story, STRANGER, &[WRONG, WRONG, RIGHT]).await;
        story.pass(16 * 60).await;
        fails(story, STRANGER, &[WRONG, WRONG, WRONG]).await;
        fails(story, STRANGER, &[WRONG, WRONG, RIGHT]).await;
        story.pass(16 * 60).await;
        fails(story, STRANGER, &[RIGHT]).await;
        story.pass(15 * 60).await;
        is_verified(story, STRANGER).await;
    }

    async fn tries_from_many_numbers_lock_the_contract_for_all_of_them(story: Story) {
        fails(story, OTHERS[0], &[WRONG, WRONG, WRONG]).await;
        fails(story, OTHERS[1], &[WRONG, WRONG, RIGHT]).await;
        fails(story, OTHERS[2], &[RIGHT]).await;
        story.pass(15 * 60).await;
        is_verified(story, OTHERS[3]).await;
    }

    async fn a_right_pin_begins_the_count_anew(story: Story) {
        for _ in 0..3 {
            let caller = story.phones(STRANGER, keys(&[WRONG, WRONG, RIGHT]));
            story.hears(&caller, "Für einen Ausfall").await;
            story.sim().hang_up(&caller);
            story.over(&caller).await;
        }
    }

    async fn on_a_shared_hotline_the_customer_number_chooses_whose_pin_it_is(story: Story) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        for (number, customer) in [("4711#", "delta"), ("4712#", "epsilon")] {
            let script = [Press::on("Kundennummer", number), Press::on("PIN ein", "604817#"), chooses("1")];
            let caller = story.phones_at(STRANGER, SHARED, script);
            story.talk(&caller).await;
            let call = story.over(&caller).await;
            assert_eq!((call.verified, call.customer.as_ref().map(|id| id.as_str())), (true, Some(customer)));
            assert_eq!(story.alert_of(&call).await.alert.customer.as_ref().map(|id| id.as_str()), Some(customer));
        }
    }

    async fn on_a_shared_hotline_an_unknown_customer_number_sounds_like_a_wrong_pin(story: Story) {
        let script = [
            Press::on("Kundennummer", "9999#"),
            Press::on("PIN ein", "604817#"),
            Press::on("Kundennummer", "4711#"),
            Press::on("PIN ein", "604817#"),
        ];
        let caller = story.phones_at(STRANGER, SHARED, script);
        story.hears(&caller, "nicht gestimmt").await;
        story.hears(&caller, "Für einen Ausfall").await;
        assert!(story.call_row(&caller).await.verified);
        story.sim().hang_up(&caller);
    }
}
