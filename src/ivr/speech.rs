//! From a rendered text to what is heard: plain parts and digits, cut so that no carrier refuses one
//! for its length. Escaping is the document writer's.

use super::turn::{Prompt, Say, SpeechPart};
use crate::model::language::Language;

/// Private-use characters around what is spoken one by one. `clean` takes them out of every value
/// from outside, so only the filter can have written them.
pub const DIGITS_FROM: char = '\u{e000}';
pub const DIGITS_TO: char = '\u{e001}';

/// More is not spoken one by one: no number is as long, and it must fit into one `Say`.
const DIGITS_MAX: usize = 100;
/// Twilio: 3,000 characters for the better voices, 4,500 once URL-encoded; some room is left.
const SAY_CHARS_MAX: usize = 2_900;
const SAY_ENCODED_MAX: usize = 4_300;

/// Nothing that a person writes: private use, and what XML cannot carry.
pub fn is_mark(sign: char) -> bool {
    matches!(sign, '\u{e000}'..='\u{f8ff}' | '\u{fffe}' | '\u{ffff}')
}

/// As text for titles and messages.
pub fn plain(rendered: &str) -> String {
    let text: String = rendered.chars().filter(|sign| !is_mark(*sign)).collect();
    text.trim().to_owned()
}

/// As speech; nothing to say is no prompt, since carriers refuse an empty one.
pub fn says(rendered: &str, language: &Language, voice: Option<&String>) -> Vec<Prompt> {
    let mut says = vec![Vec::new()];
    let mut room = Room::default();
    for part in parts(rendered) {
        let SpeechPart::Text(text) = part else {
            let (chars, encoded) = (part.heard().chars().count(), encoded_length(part.heard()));
            if !room.takes(chars, encoded) {
                says.push(Vec::new());
                room = Room { chars, encoded };
            }
            push(&mut says, part);
            continue;
        };
        for (number, piece) in pieces(&text, &mut room).into_iter().enumerate() {
            if number > 0 {
                says.push(Vec::new());
            }
            if !piece.is_empty() {
                push(&mut says, SpeechPart::Text(piece));
            }
        }
    }
    let heard = |parts: &[SpeechPart]| parts.iter().any(|part| !part.heard().trim().is_empty());
    says.into_iter()
        .filter(|parts| heard(parts))
        .map(|parts| Prompt::Say(Say { parts, language: language.clone(), voice: voice.cloned() }))
        .collect()
}

fn push(says: &mut [Vec<SpeechPart>], part: SpeechPart) {
    if let Some(last) = says.last_mut() {
        last.push(part);
    }
}

/// Splits at the marks. Whatever is out of order is text.
fn parts(rendered: &str) -> Vec<SpeechPart> {
    let mut parts = Vec::new();
    let mut rest = rendered;
    let text = |text: &str| {
        let text = without_marks(text);
        (!text.is_empty()).then_some(SpeechPart::Text(text))
    };
    while let Some((before, after)) = rest.split_once(DIGITS_FROM) {
        let Some((digits, behind)) = after.split_once(DIGITS_TO) else { break };
        parts.extend(text(before));
        parts.extend(text(digits).map(|part| match part {
            SpeechPart::Text(text) if text.chars().count() <= DIGITS_MAX => SpeechPart::Digits(text),
            part => part,
        }));
        rest = behind;
    }
    parts.extend(text(rest));
    parts
}

fn without_marks(text: &str) -> String {
    // Every turn comes by here, and most texts are plain: no byte begins a control sign or a mark.
    if !text.bytes().any(|byte| matches!(byte, 0..b' ' | 0x7f | 0xc2 | 0xee | 0xef)) {
        return text.to_owned();
    }
    let signs = text.chars().filter(|sign| !is_mark(*sign));
    signs.map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

/// What the current `Say` already holds.
#[derive(Default)]
struct Room {
    chars: usize,
    encoded: usize,
}

impl Room {
    fn takes(&mut self, chars: usize, encoded: usize) -> bool {
        let fits = self.chars + chars <= SAY_CHARS_MAX && self.encoded + encoded <= SAY_ENCODED_MAX;
        if fits {
            self.chars += chars;
            self.encoded += encoded;
        }
        fits
    }
}

/// The first piece belongs to the current `Say`, each other one to a new one. Cut between words,
/// inside a word only when it is longer than a whole `Say`.
fn pieces(text: &str, room: &mut Room) -> Vec<String> {
    // As a whole, which is how most texts fit.
    if room.takes(text.chars().count(), encoded_length(text)) {
        return vec![text.to_owned()];
    }
    let mut pieces = vec![String::new()];
    for word in text.split_inclusive(' ') {
        if room.takes(word.chars().count(), encoded_length(word)) {
            append(&mut pieces, word);
            continue;
        }
        pieces.push(String::new());
        *room = Room::default();
        for sign in word.chars() {
            let mut bytes = [0; 4];
            let sign = &*sign.encode_utf8(&mut bytes);
            if !room.takes(1, encoded_length(sign)) {
                pieces.push(String::new());
                *room = Room { chars: 1, encoded: encoded_length(sign) };
            }
            append(&mut pieces, sign);
        }
    }
    pieces
}

fn append(pieces: &mut [String], text: &str) {
    if let Some(last) = pieces.last_mut() {
        last.push_str(text);
    }
}

fn encoded_length(text: &str) -> usize {
    let of_byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b' ' | b'*' | b'-' | b'.' | b'_' => 1,
        _ => 3,
    };
    text.bytes().map(of_byte).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(rendered: &str) -> Vec<Say> {
        says(rendered, &Language::english(), None)
            .into_iter()
            .map(|prompt| match prompt {
                Prompt::Say(say) => say,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn digits_are_a_part_of_their_own() {
        let say = said("Number \u{e000}17\u{e001}, thanks");
        let (text, digits) = (|text: &str| SpeechPart::Text(text.into()), |text: &str| SpeechPart::Digits(text.into()));
        assert_eq!(say[0].parts, [text("Number "), digits("17"), text(", thanks")]);
    }

    #[test]
    fn marks_out_of_order_are_no_digits() {
        assert_eq!(said("a\u{e001}b\u{e000}c")[0].parts, [SpeechPart::Text("abc".into())]);
        assert_eq!(plain(" a\u{e000}1\u{e001} "), "a1");
    }

    #[test]
    fn nothing_is_not_said() {
        assert!(said("").is_empty());
        assert!(said(" \n\u{e000} \u{e001}").is_empty());
    }

    #[test]
    fn a_long_text_is_cut_between_words() {
        let text = "Störung gemeldet. ".repeat(400);
        let says = said(&text);
        assert!(says.len() > 1);
        assert!(says[..says.len() - 1].iter().all(|say| say.heard().ends_with(' ')), "cut within a word");
        assert_eq!(says.iter().map(Say::heard).collect::<String>(), text);
    }

    proptest! {
        #[test]
        fn no_say_is_longer_than_a_carrier_takes(text in "(\\PC|[ üß]|\u{e000}|\u{e001}|1){0,9000}") {
            let says = said(&text);
            for say in &says {
                let heard = say.heard();
                prop_assert!(heard.chars().count() <= 3_000);
                prop_assert!(encoded_length(&heard) <= 4_500);
            }
        }
    }
}
