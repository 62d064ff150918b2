//! What an SMS asks for: `1 K7` acknowledges, `2 K7` tells the next level, `9 K7` resolves. Lenient
//! about case, blanks and what people write around it. Pure.

use crate::{model::code, notify::links::Action};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `number` is the alert's; `None`: the code names none.
    Act {
        action: Action,
        code: String,
        number: Option<i64>,
    },
    /// What needs more words than a code: what stands behind it, as it was written.
    More {
        asked: More,
        code: String,
        number: Option<i64>,
        rest: String,
    },
    /// The digit alone.
    Bare(Action),
    /// The carrier's own words: it has answered, and blocks or unblocks the number.
    OptOut,
    OptIn,
    /// The carrier has answered it, too.
    CarriersHelp,
    Other,
}

/// `4 K7 1h`, `6 K7 ben`, `7 K7 the disk is on its way`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    Snooze,
    PassOn,
    Note,
}

const OPT_OUT: [&str; 6] = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"];
const OPT_IN: [&str; 3] = ["START", "YES", "UNSTOP"];
/// The carrier answers these by itself, too; they change nothing.
const CARRIERS_HELP: [&str; 2] = ["HELP", "INFO"];

/// `opt_out_type` is the carrier's own verdict, where it gives one.
pub fn parse(body: &str, opt_out_type: Option<&str>) -> Command {
    let text = body.trim().to_ascii_uppercase();
    let word = opt_out_type.map_or(text.as_str(), str::trim).to_ascii_uppercase();
    if OPT_OUT.contains(&word.as_str()) {
        return Command::OptOut;
    }
    if OPT_IN.contains(&word.as_str()) {
        return Command::OptIn;
    }
    if opt_out_type.is_some() && CARRIERS_HELP.contains(&word.as_str()) {
        return Command::CarriersHelp;
    }
    if let Some(command) = more(body) {
        return command;
    }
    let text = text.trim_matches(|sign: char| !sign.is_ascii_alphanumeric());
    let mut signs = text.chars();
    let Some(action) = signs.next().and_then(Action::of_digit) else { return Command::Other };
    let words: Vec<&str> = signs.as_str().split(|sign: char| !sign.is_ascii_alphanumeric()).collect();
    let mut words = words.into_iter().filter(|word| !word.is_empty()).peekable();
    let Some(first) = words.peek().copied() else { return Command::Bare(action) };
    // `1 K 7` is what some keyboards make of it.
    let joined: String = words.collect();
    let (code, number) = match (code::number(first), code::number(&joined)) {
        (Some(number), _) => (first.to_owned(), Some(number)),
        (None, Some(number)) => (joined, Some(number)),
        (None, None) => (first.to_owned(), None),
    };
    Command::Act { action, code, number }
}

/// `None`: it is none of these.
fn more(body: &str) -> Option<Command> {
    let mut signs = body.trim_start_matches(|sign: char| !sign.is_ascii_alphanumeric()).chars();
    let asked = match signs.next()? {
        '4' => More::Snooze,
        '6' => More::PassOn,
        '7' => More::Note,
        _ => return None,
    };
    let rest = signs.as_str().trim_start_matches(|sign: char| !sign.is_ascii_alphanumeric());
    let end = rest.find(|sign: char| !sign.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let (code, rest) = rest.split_at(end);
    // `4` alone may mean the only alert there is.
    if code.is_empty() {
        return (asked != More::Snooze).then_some(Command::Other);
    }
    let number = code::number(code);
    let rest = rest.trim_matches(|sign: char| sign.is_whitespace() || sign == ':' || sign == ',').to_owned();
    Some(Command::More { asked, code: code.to_ascii_uppercase(), number, rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_understood_as_people_write_them() {
        let k7 = code::number("K7").unwrap();
        let cases = [
            ("1 K7", Action::Acknowledge),
            ("1K7", Action::Acknowledge),
            ("  1   k7 \n", Action::Acknowledge),
            ("2 K7", Action::Escalate),
            ("9 k7.", Action::Resolve),
            ("9: K7, danke!", Action::Resolve),
            ("1-K7", Action::Acknowledge),
            ("\"1 K7\"", Action::Acknowledge),
            ("1 K 7", Action::Acknowledge),
        ];
        for (body, action) in cases {
            assert_eq!(parse(body, None), Command::Act { action, code: "K7".to_owned(), number: Some(k7) }, "{body}");
        }
    }

    #[test]
    fn what_stands_behind_the_code_stays_as_it_was_written() {
        let k7 = code::number("K7");
        let cases = [
            ("4 k7 1h", More::Snooze, "1h"),
            ("4K7", More::Snooze, ""),
            ("6 K7 Ben Ode", More::PassOn, "Ben Ode"),
            ("7 k7: Die Platte ist da, ich fahre los.", More::Note, "Die Platte ist da, ich fahre los."),
        ];
        for (body, asked, rest) in cases {
            let expect = Command::More { asked, code: "K7".to_owned(), number: k7, rest: rest.to_owned() };
            assert_eq!(parse(body, None), expect, "{body}");
        }
        assert_eq!(parse("4", None), Command::Bare(Action::Snooze));
        assert_eq!(parse("5 K7", None), Command::Act { action: Action::TakeOver, code: "K7".to_owned(), number: k7 });
        assert_eq!((parse("6", None), parse("7 ", None)), (Command::Other, Command::Other));
    }

    #[test]
    fn what_is_no_command_does_nothing() {
        for body in ["", "K7", "hello", "3 K7", "0", "K7 1", "ok", "１ K7", "STOP PLEASE", "\u{0}"] {
            assert_eq!(parse(body, None), Command::Other, "{body}");
        }
        assert_eq!(parse("1", None), Command::Bare(Action::Acknowledge));
        assert_eq!(parse("9!", None), Command::Bare(Action::Resolve));
        let unknown = parse("1 thanks", None);
        assert_eq!(unknown, Command::Act { action: Action::Acknowledge, code: "THANKS".to_owned(), number: None });
    }

    #[test]
    fn the_carriers_words_are_the_carriers() {
        for (body, kind, command) in [
            ("STOP", None, Command::OptOut),
            ("stop ", None, Command::OptOut),
            ("start", None, Command::OptIn),
            ("arrêt", Some("STOP"), Command::OptOut),
            ("x", Some("HELP"), Command::CarriersHelp),
        ] {
            assert_eq!(parse(body, kind), command, "{body}");
        }
    }
}
