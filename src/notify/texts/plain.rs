//! Makes text from outside fit where it goes: one line, without signs that deceive, as long as an SMS
//! or a sentence may be. Pure.

/// Three parts of an SMS that holds other signs than GSM's (3GPP TS 23.038: 67 UTF-16 units each).
const WIDE_MAX: usize = 201;
/// Two parts of an ordinary one (153 each).
const PLAIN_MAX: usize = 300;

const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
                   ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// These take two places.
const GSM_EXTENDED: &str = "^{}\\[~]|€";

/// One line: control and formatting signs (also those that turn the direction of writing or have no
/// width) become spaces, and spaces do not follow one another.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for sign in text.chars().map(|sign| if is_invisible(sign) { ' ' } else { sign }) {
        if sign != ' ' || !(line.is_empty() || line.ends_with(' ')) {
            line.push(sign);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// At most so many characters, the last three of a longer text being dots.
pub fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars_max.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// `before`, `title` and `after` as one SMS: the title is cut first.
pub fn sms(before: &str, title: &str, after: &str) -> String {
    let (before, title, after) = (typed(before), typed(title), typed(after));
    let whole = format!("{before}{title}{after}");
    let max = if is_gsm(&whole) { PLAIN_MAX } else { WIDE_MAX };
    let mut length = title.chars().count();
    let mut text = whole;
    while places(&text) > max && length > 3 {
        // What is too much is at most so many characters; extended ones take two places.
        length = length.saturating_sub(places(&text).saturating_sub(max).div_ceil(2).max(1)).max(3);
        text = format!("{before}{}{after}", cut(&title, length));
    }
    text
}

/// Signs that one types instead of those that would make an SMS dear.
fn typed(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '‘' | '’' | '‚' | '‹' | '›' | '´' | '`' => plain.push('\''),
            '“' | '”' | '„' | '«' | '»' => plain.push('"'),
            '–' | '—' | '‐' | '‑' | '−' => plain.push('-'),
            '…' => plain.push_str("..."),
            '•' | '·' => plain.push('*'),
            '→' => plain.push_str("->"),
            '\u{a0}' | '\u{202f}' => plain.push(' '),
            sign => plain.push(sign),
        }
    }
    plain
}

pub fn is_gsm(text: &str) -> bool {
    text.chars().all(|sign| GSM.contains(sign) || GSM_EXTENDED.contains(sign))
}

fn places(text: &str) -> usize {
    if is_gsm(text) {
        text.chars().map(|sign| if GSM_EXTENDED.contains(sign) { 2 } else { 1 }).sum()
    } else {
        text.encode_utf16().count()
    }
}

fn is_invisible(sign: char) -> bool {
    sign.is_control()
        || sign.is_whitespace()
        || matches!(sign, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(sign, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_neither_breaks_nor_signs_that_deceive() {
        let cases = [
            ("  two\r\nlines\u{0}\t end ", "two lines end"),
            ("abc\u{202e}txt.exe", "abc txt.exe"),
            ("a\u{200b}b", "a b"),
            ("Größe 5 – ok", "Größe 5 – ok"),
            ("", ""),
        ];
        for (given, expect) in cases {
            assert_eq!(one_line(given), expect);
        }
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("a bcdef", 5), "a...");
        assert_eq!(cut("abcdef", 5), "ab...");
    }

    #[test]
    fn an_sms_stays_short_and_keeps_its_end() {
        for title in ["x", "[", "ä", "ж", "😀", "ж😀[", " "] {
            let text = sms("P1 #7: ", &title.repeat(1_000), "\n1 K7 übernehmen");
            assert!(places(&text) <= PLAIN_MAX, "{title}: {}", places(&text));
            assert!(is_gsm(&text) || places(&text) <= WIDE_MAX, "{title}");
            assert!(text.starts_with("P1 #7: ") && text.ends_with("\n1 K7 übernehmen"), "{title}");
        }
        assert_eq!(sms("P1 ", "„Platte“ voll – 95 %…", "."), "P1 \"Platte\" voll - 95 %....");
    }
}
