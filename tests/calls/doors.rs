//! Who is let in, and how others are turned away: the lists of `caller`, what the network says of a number, the key
//! that a machine does not press, and a line that is rejected before it is answered.

use std::path::Path;

use pikett::{
    carrier::status::CallStatus,
    model::call::Outcome,
    sim::{Caller, Hooks, Leg, Press, Sid},
};

use super::{
    people::{DORA, STRANGER, phone},
    story::{Story, stories},
};

const DOOR: &str = "+4930901851";
const OTHER_STRANGER: &str = "+4930999101";
const TRUST: &str = "trust = \"any\"";
const BLOCKED: &str = "blocked = \"away\"";

/// The flow `door`, changed so.
fn door(folder: &Path, changes: &[(&str, &str)]) {
    let flow = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calls/msp/fields/door.toml");
    let mut flow = std::fs::read_to_string(flow).unwrap();
    for (before, after) in changes {
        assert!(flow.contains(before), "{before}");
        flow = flow.replacen(before, after, 1);
    }
    std::fs::write(folder.join("door.toml"), flow).unwrap();
    let hotline = format!("[[hotlines]]\nnumber = \"{DOOR}\"\ncontract = \"delta-everyone\"\nflow = \"door\"\n");
    std::fs::write(folder.join("door-hotline.toml"), hotline).unwrap();
}

const KEY: &str = "captcha = true\nattempts = 2\nprompt = \"Press any key.\"";
const ASKS_FOR_A_KEY: &[(&str, &str)] = &[(TRUST, KEY)];
const ASKS_FOR_A_KEY_AND_HAS_NO_EXIT: &[(&str, &str)] = &[(TRUST, KEY), (BLOCKED, "")];
const WANTS_ATTESTED: &[(&str, &str)] = &[(TRUST, "trust = \"attested\"")];
const LETS_SOME_IN: &[(&str, &str)] = &[(TRUST, "allow = [\"+4930555020\", \"+493099900*\"]")];
const BLOCKS_BUT_ONE: &[(&str, &str)] = &[(TRUST, "block = [\"+4930999*\"]\nallow = [\"+4930999001\"]")];
const BLOCKS: &[(&str, &str)] = &[(TRUST, "block = [\"+4930999*\"]"), ("reject = \"busy\"", "reject = \"rejected\"")];
const BLOCKS_AND_HAS_NO_EXIT: &[(&str, &str)] = &[(TRUST, "block = [\"+4930999*\"]"), (BLOCKED, "")];

impl Story {
    /// Somebody comes to the door; `None` withholds the number. What the network says of it stands beside it.
    fn comes(&self, from: Option<&str>, verstat: Option<&str>, script: impl IntoIterator<Item = Press>) -> Sid {
        let hooks = Hooks::at(self.sim().account_sid(), &format!("{}/carriers/twilio", self.stage.url()));
        self.sim().number(phone(DOOR), hooks);
        let from = from.map_or(Caller::Withheld, |from| Caller::Number(phone(from)));
        let leg = self.sim().call_attested(from, phone(DOOR), verstat);
        self.sim().follow(&leg, script);
        leg
    }

    /// Whoever comes so hears that, and the flow has ended the call.
    async fn is_told(&mut self, from: Option<&str>, verstat: Option<&str>, words: &str) {
        let caller = self.comes(from, verstat, []);
        let call = self.over(&caller).await;
        assert_eq!(
            (self.heard(&caller).as_str(), call.outcome),
            (words, Some(Outcome::Goodbye)),
            "{from:?} {verstat:?}"
        );
        assert!(call.alert.is_none());
    }

    /// Whoever comes so is not even answered.
    async fn is_rejected(&mut self, from: Option<&str>) -> Leg {
        let caller = self.comes(from, None, []);
        let call = self.over(&caller).await;
        assert_eq!((call.outcome, &call.alert), (Some(Outcome::Rejected), &None), "{from:?}");
        assert!(self.heard(&caller).is_empty(), "{}", self.heard(&caller));
        let leg = self.sim().legs().into_iter().find(|leg| leg.sid == caller).unwrap();
        assert!(leg.answered_at.is_none(), "{leg:?}");
        leg
    }
}

stories! {
    async fn strangers_press_a_key_and_a_known_number_need_not(story: Story, |folder| door(folder, ASKS_FOR_A_KEY)) {
        let human = story.comes(Some(STRANGER), None, [Press::on("Press any key", "7")]);
        story.over(&human).await;
        assert_eq!(story.heard(&human), "Press any key. | You are not known.");
        let withheld = story.comes(None, None, [Press::on("Press any key", ""), Press::on("Press any key", "*")]);
        story.over(&withheld).await;
        let heard = story.heard(&withheld);
        assert!(heard.matches("Press any key.").count() == 2 && heard.contains("You show no number."), "{heard}");
        story.is_told(Some(DORA), None, "You are known.").await;
        // A number that somebody else shows must not get its owner's way in.
        let spoofed = story.comes(Some(DORA), Some("TN-Validation-Failed-C"), [Press::on("Press any key", "1")]);
        story.over(&spoofed).await;
        assert_eq!(story.heard(&spoofed), "Press any key. | You are not known.");
        assert!(story.alerts().await.is_empty());
    }

    async fn a_machine_that_presses_nothing_is_sent_away_and_counts_as_missed(
        story: Story, |folder| door(folder, ASKS_FOR_A_KEY_AND_HAS_NO_EXIT)
    ) {
        // It speaks all the time.
        let machine = story.comes(Some(STRANGER), None, [Press::saying("Press any key", "This is your bank")]);
        let call = story.over(&machine).await;
        let heard = story.heard(&machine);
        assert!(heard.matches("Press any key.").count() == 2 && heard.ends_with("Goodbye."), "{heard}");
        assert_eq!(call.outcome, Some(Outcome::Missed));
        let alert = story.alert_of(&call).await;
        assert!(!story.paged(&alert).await.is_empty());
    }

    async fn a_machine_goes_where_the_flow_says(story: Story, |folder| door(folder, ASKS_FOR_A_KEY)) {
        story.is_told(Some(STRANGER), None, "Press any key. | We did not receive an answer. | Press any key. | Please come another time.").await;
    }

    async fn a_number_that_the_network_marks_as_spoofed_is_nobodys(story: Story, |folder| door(folder, &[])) {
        for verstat in ["TN-Validation-Failed", "TN-Validation-Failed-A", "TN-Validation-Failed-C-Diverted"] {
            story.is_told(Some(DORA), Some(verstat), "You are not known.").await;
        }
        for verstat in [None, Some("TN-Validation-Passed-A"), Some("TN-Validation-Passed-C"), Some("No-TN-Validation")] {
            story.is_told(Some(DORA), verstat, "You are known.").await;
        }
    }

    async fn where_the_flow_wants_it_a_number_is_attested_or_nothing_is_said_of_it(
        story: Story, |folder| door(folder, WANTS_ATTESTED)
    ) {
        for verstat in ["TN-Validation-Passed-B", "TN-Validation-Passed-C-Passthrough", "TN-Validation-Failed-A"] {
            story.is_told(Some(DORA), Some(verstat), "You are not known.").await;
        }
        for verstat in [None, Some("No-TN-Validation"), Some("TN-Validation-Passed-A"), Some("TN-Validation-Passed-A-Diverted")] {
            story.is_told(Some(DORA), verstat, "You are known.").await;
        }
        story.is_told(Some(STRANGER), Some("TN-Validation-Passed-A"), "You are not known.").await;
    }

    async fn where_some_are_let_in_everybody_else_is_turned_away_unanswered(
        story: Story, |folder| door(folder, LETS_SOME_IN)
    ) {
        story.is_told(Some(DORA), None, "You are known.").await;
        story.is_told(Some(STRANGER), None, "You are not known.").await;
        // The list goes by the number as it is shown; whose it is, is another matter.
        story.is_told(Some(DORA), Some("TN-Validation-Failed"), "You are not known.").await;
        for from in [Some(OTHER_STRANGER), None] {
            assert_eq!(story.is_rejected(from).await.status, CallStatus::Busy, "{from:?}");
        }
    }

    async fn the_exceptions_to_a_block_are_let_in(story: Story, |folder| door(folder, BLOCKS_BUT_ONE)) {
        story.is_told(Some(STRANGER), None, "You are not known.").await;
        story.is_told(Some(DORA), None, "You are known.").await;
        assert_eq!(story.is_rejected(Some(OTHER_STRANGER)).await.status, CallStatus::Busy);
        // Nobody has blocked them; what they have heard cannot be taken back, so they hear a goodbye.
        story.is_told(None, None, "You show no number. | Please come another time.").await;
    }

    async fn a_line_is_rejected_as_the_flow_says_or_as_not_in_service(story: Story, |folder| door(folder, BLOCKS)) {
        assert_eq!(story.is_rejected(Some(STRANGER)).await.status, CallStatus::NoAnswer);
    }

    async fn without_an_exit_for_them_the_blocked_are_rejected(
        story: Story, |folder| door(folder, BLOCKS_AND_HAS_NO_EXIT)
    ) {
        assert_eq!(story.is_rejected(Some(STRANGER)).await.status, CallStatus::NoAnswer);
        story.is_told(Some(DORA), None, "You are known.").await;
    }
}
