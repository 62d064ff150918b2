//! Text from outside is data: it may hold anything, and ends on phones, in mails and in terminals.

/// One line of at most `max` characters: control characters (and what turns the direction of writing)
/// become spaces, runs of white space one. Cut text ends with `…`.
pub fn line(given: &str, max: usize) -> String {
    let mut line = String::with_capacity(given.len().min(max));
    let words = given.split(|c: char| c.is_whitespace() || c.is_control() || is_invisible(c));
    for word in words.filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.chars().count() > max {
        line = line.chars().take(max.saturating_sub(1)).collect();
        line.truncate(line.trim_end().len());
        line.push('…');
    }
    line
}

/// The same text without control characters, for keys that are compared. PostgreSQL keeps no NUL.
pub fn key(given: &str) -> String {
    given.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Overrides of the direction of writing, isolates, and the byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(line("  Disk\tfull\r\non \u{1b}[31mdb1\0 ", 50), "Disk full on [31mdb1");
        assert_eq!(line("evil\u{202e}txt", 50), "evil txt");
        assert_eq!(line("größer als erlaubt", 8), "größer…");
        assert_eq!(line("\u{0}\n ", 5), "");
        assert_eq!(key("srv01/\0mysql"), "srv01/\u{fffd}mysql");
    }
}
