//! The shipped languages say what is expected of them, a French file is read, and what is wrong in a file
//! is refused with its place and its mend.

use super::*;

const FRENCH: &str = include_str!("../../tests/data/languages/fr.toml");

fn with(text: &str) -> Result<Languages, Vec<Fault>> {
    Languages::with(&[File { name: "languages/fr.toml".to_owned(), text: text.to_owned() }])
}

fn refusal(files: &[(&str, String)]) -> String {
    let files: Vec<File> =
        files.iter().map(|(name, text)| File { name: (*name).to_owned(), text: text.clone() }).collect();
    let faults = Languages::with(&files).expect_err("it is refused");
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The French file with these changes.
fn french(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(FRENCH.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the file has `{from}`");
        text.replacen(from, to, 1)
    })
}

#[test]
fn german_and_english_are_built_in_and_a_region_speaks_its_language() {
    let languages = Languages::built_in();
    let tags: Vec<&str> = languages.all().map(|sentences| sentences.language.as_str()).collect();
    assert_eq!(tags, ["de", "en"]);
    assert_eq!(languages.find("de-CH").map(|found| found.callers.goodbye), Some("Auf Wiederhören."));
    assert!(languages.find("fr").is_none() && languages.find("").is_none());
    assert_eq!(languages.find_or_english("fr").callers.goodbye, "Goodbye.");
}

#[test]
fn durations_and_times_are_spoken() {
    let languages = with(FRENCH).unwrap();
    let callers = |tag: &str| &languages.find(tag).unwrap().callers;
    let (de, en, fr) = (callers("de"), callers("en"), callers("fr"));
    assert_eq!(en.duration(90), "1 minute and 30 seconds");
    assert_eq!(de.duration(900), "15 Minuten");
    assert_eq!(de.duration(2 * 86_400), "2 Tage");
    assert_eq!(en.duration(-5), "0 seconds");
    assert_eq!(fr.duration(90_000), "1 jour et 1 heure");
    let time = "2026-12-24T14:05:00".parse().unwrap();
    assert_eq!(
        (de.time(time, false), de.time(time, true)),
        ("14:05 Uhr".into(), "am 24. Dezember um 14:05 Uhr".into())
    );
    assert_eq!((en.time(time, false), en.time(time, true)), ("2:05 p.m.".into(), "on December 24 at 2:05 p.m.".into()));
    let time = "2026-08-01T00:07:00".parse().unwrap();
    assert_eq!((fr.time(time, false), fr.time(time, true)), ("0 h 07".into(), "le 1er août à 0 h 07".into()));
    assert_eq!((de.time(time, false), en.time(time, false)), ("0:07 Uhr".into(), "12:07 a.m.".into()));
    let written = |tag: &str| languages.find(tag).unwrap().messages.time.at(time.time());
    assert_eq!((written("de"), written("fr")), ("00:07".to_owned(), "0 h 07".to_owned()));
}

#[test]
fn a_value_with_braces_is_not_filled_again() {
    assert_eq!(fill("{who} at {step} {", &[("who", "{step}"), ("step", "pin")]), "{step} at pin {");
}

#[test]
fn a_file_adds_a_language_and_another_one_rewords_what_is_built_in() {
    let swiss = FRENCH.replace("language = \"fr\"", "language = \"fr-CH\"").replace("\"Au revoir.\"", "\"Adieu.\"");
    let own = ENGLISH.replace("\"Goodbye.\"", "\"Cheerio.\"");
    let file = |name: &str, text: &str| File { name: name.to_owned(), text: text.to_owned() };
    let languages = Languages::with(&[file("a", FRENCH), file("b", &swiss), file("c", &own)]).unwrap();
    let said = |tag: &str| languages.find_or_english(tag).callers.goodbye;
    assert_eq!((said("fr"), said("fr-BE"), said("fr-CH")), ("Au revoir.", "Au revoir.", "Adieu."));
    assert_eq!((said("en-GB"), said("it"), said("de")), ("Cheerio.", "Cheerio.", "Auf Wiederhören."));
    assert_eq!(languages.all().count(), 4);
}

#[test]
fn keys_are_looked_for_and_none_is_left_out() {
    let changes = [
        ("[\"français\", ", "[\"français\", 3, "),
        ("goodbye = \"Au revoir.\"", "godbye = \"Au revoir.\""),
        ("and = \"et\"\n", ""),
        ("unknown_key = \"Je ne connais pas cette touche.\"", "unknown_key = \"\""),
        ("[messages.confirm_done]", "[messages.confirm]"),
    ];
    insta::assert_snapshot!(refusal(&[("fr.toml", french(&changes))]));
}

#[test]
fn the_blanks_are_those_that_english_has() {
    let changes = [
        ("Vous êtes en position {position}.", "Vous êtes en position {postion}."),
        ("Appel : {who}", "Appel de quelqu'un"),
        ("Nous n'avons pas compris.", "Nous n'avons pas compris {heard}."),
        ("{name} a déjà pris l'appel. Merci.", "{} a déjà pris l'appel. Merci."),
        ("time = \"{hour} h {minute}\"\ntime_with", "time = \"{hour12} h {minute}\"\ntime_with"),
        ("Écouter", "Écouter {loop.index"),
    ];
    insta::assert_snapshot!(refusal(&[("fr.toml", french(&changes))]));
}

#[test]
fn lists_are_whole() {
    let changes = [
        ("    \"décembre\",\n", ""),
        ("[\"jour\", \"jours\"]", "\"jours\""),
        ("    \"Depuis quand ? Parlez", "    \"Depuis quand {vraiment} ? Parlez"),
    ];
    insta::assert_snapshot!(refusal(&[("fr.toml", french(&changes))]));
}

#[test]
fn nothing_that_is_heard_means_two_things_and_an_sms_tells_what_to_answer() {
    let changes = [
        ("yes = [\"oui\", ", "yes = [\"Non\", "),
        ("[\"deux\"]", "[\"deux fois\", \"un\"]"),
        ("9 {code} résolu", "8 {code} résolu, ou bien laisse sonner encore une fois : le niveau suivant sera prévenu"),
    ];
    insta::assert_snapshot!(refusal(&[("fr.toml", french(&changes))]));
}

#[test]
fn a_tag_is_a_language_and_stands_once() {
    let wrong = french(&[("language = \"fr\"", "language = \"French\"")]);
    let files =
        [("a.toml", FRENCH.to_owned()), ("b.toml", FRENCH.to_owned()), ("c.toml", wrong), ("d.toml", "[".to_owned())];
    insta::assert_snapshot!(refusal(&files));
}

/// Whoever copies the English file gets all that there is to translate.
#[test]
fn the_files_have_the_same_keys_in_the_same_order() {
    let keys = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with([' ', ']', '#']));
        lines.map(|line| line.split(" =").next().unwrap_or(line).to_owned()).filter(|key| !key.is_empty()).collect()
    };
    assert_eq!(keys(ENGLISH), keys(GERMAN));
    assert_eq!(keys(ENGLISH), keys(FRENCH));
}
