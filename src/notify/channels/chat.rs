//! What chats share: buttons, and texts that fit and say nothing but what they say. Pure.

use serde::{Deserialize, Serialize};

use crate::{model::id::AlertId, notify::links::Action};

/// What a reader may press: in place where the provider tells us of it, else by its link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// As `Action` is written.
    pub action: String,
    pub label: String,
    pub url: String,
}

/// What stands in a button's place of an action when it only opens its link.
pub const OPEN: &str = "open";

/// An earlier message of the same alert that this one is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// As its provider named it: an attempt's `provider_id`.
    pub message: String,
    pub how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It is changed in place; nobody is disturbed.
    Change,
    /// It is changed, and its readers are told by an answer to it.
    ChangeAndReply,
    Reply,
}

impl How {
    pub fn changes(self) -> bool {
        match self {
            Self::Change | Self::ChangeAndReply => true,
            Self::Reply => false,
        }
    }

    pub fn replies(self) -> bool {
        match self {
            Self::ChangeAndReply | Self::Reply => true,
            Self::Change => false,
        }
    }
}

/// What a button carries: `acknowledge alr_01…`. 64 bytes are Telegram's limit; ours has 42.
pub fn pressed(action: &str, alert: &AlertId) -> String {
    format!("{action} {alert}")
}

/// What a pressed button asks for; `None`: it is none of ours.
pub fn read_pressed(value: &str) -> Option<(Action, AlertId)> {
    let (action, alert) = value.split_once(' ')?;
    Some((Action::named(action)?, alert.parse().ok()?))
}

/// `&`, `<` and `>` as entities, which is all that Slack's mrkdwn and Telegram's HTML ask for: neither a
/// mention nor a link begins without them. As long as fits into so many UTF-16 units.
pub fn escaped(text: &str, units_max: usize) -> String {
    let mut fitting = String::with_capacity(text.len());
    let mut units = 0;
    for sign in text.chars() {
        let start = fitting.len();
        match sign {
            '&' => fitting.push_str("&amp;"),
            '<' => fitting.push_str("&lt;"),
            '>' => fitting.push_str("&gt;"),
            sign => fitting.push(sign),
        }
        units += fitting[start..].encode_utf16().count();
        if units > units_max.saturating_sub(1) {
            fitting.truncate(start);
            fitting.push('…');
            break;
        }
    }
    fitting
}

/// As long as fits into so many bytes.
pub fn within(text: &str, bytes_max: usize) -> String {
    const DOTS: &str = "…";
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let mut end = bytes_max.saturating_sub(DOTS.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{DOTS}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_button_carries_is_read_back_and_nothing_else() {
        let alert: AlertId = crate::clock::Ids::seeded(1).id(crate::model::Instant::UNIX_EPOCH);
        for action in Action::ALL {
            let value = pressed(action.as_str(), &alert);
            assert!(value.len() <= 64, "{value}");
            assert_eq!(read_pressed(&value), Some((action, alert.clone())));
        }
        for forged in ["", "acknowledge", "acknowledge 7", "delete alr_01JNB2Q0000000000000000000"] {
            assert_eq!(read_pressed(forged), None, "{forged}");
        }
    }

    #[test]
    fn nothing_in_a_text_becomes_a_mention_or_a_tag() {
        assert_eq!(escaped("<!here> & <b>", 100), "&lt;!here&gt; &amp; &lt;b&gt;");
    }

    #[test]
    fn what_is_too_long_is_cut_whole_signs_only() {
        for text in ["<", "é", "😀", "x"] {
            let cut = escaped(&text.repeat(500), 100);
            assert!(cut.encode_utf16().count() <= 100 && cut.ends_with('…'), "{cut}");
            assert!(!cut.contains('&') || cut.trim_end_matches('…').ends_with(';'), "{cut}");
            let cut = within(&text.repeat(500), 100);
            assert!(cut.len() <= 100 && cut.ends_with('…'), "{cut}");
        }
        assert_eq!((escaped("short", 6).as_str(), within("short", 5).as_str()), ("short", "short"));
    }
}
