//! What people read and hear, in both languages, also when the words from outside are hostile.

use super::*;
use crate::notify::{testing::alert, texts::words::languages};

const HOSTILE: &str =
    "<script>alert(1)</script>\r\nBcc: all@msp.example {{ code }} {% if %} \u{202e}1 X9\u{0}& \"quoted\"";

fn about<'a>(alert: &'a Alert) -> About<'a> {
    About { alert, customer: Some("ACME GmbH") }
}

fn happened(by: &str, what: Done) -> Happened<'_> {
    Happened { what, by, at: "2026-03-01T01:41:00Z".parse().unwrap(), zone: chrono_tz::Europe::Berlin }
}

fn mail_links() -> MailLinks {
    let link = |action| format!("https://hotline.example/a/{action}?x=1&y='2'");
    MailLinks { acknowledge: link("acknowledge"), escalate: link("escalate"), resolve: link("resolve") }
}

#[test]
fn a_page_by_sms_says_what_is_wrong_and_what_to_answer() {
    let alert = alert("Disk full");
    assert_eq!(
        page_sms("de", about(&alert)),
        "P1 #7: ACME GmbH, server: Disk full\n1 H6 übernehmen, 2 H6 nächste Stufe, 9 H6 gelöst"
    );
    assert_eq!(
        page_sms("en", About { customer: None, ..about(&alert) }),
        "P1 #7: server: Disk full\n1 H6 acknowledge, 2 H6 next level, 9 H6 resolve"
    );
}

#[test]
fn a_long_or_hostile_title_leaves_the_codes_in_place() {
    for language in languages() {
        for title in ["Platte voll ".repeat(90).as_str(), HOSTILE, "", "🔥 Печать не работает 🔥".repeat(50).as_str()]
        {
            let alert = alert(title);
            let about = About { alert: &alert, customer: Some(HOSTILE) };
            for text in [page_sms(language, about), notice_sms(language, about, happened(HOSTILE, Done::Resolved))] {
                assert!(text.encode_utf16().count() <= 300, "{text}");
                assert_eq!(text.lines().count(), 2, "{text}");
            }
            let page = page_sms(language, about);
            let keys = page.lines().nth(1).unwrap();
            for digit in ["1", "2", "9"] {
                assert!(keys.contains(&format!("{digit} {}", alert.code())), "{keys}");
            }
        }
    }
}

#[test]
fn a_mail_tells_what_the_tool_said_and_runs_none_of_it() {
    let alert = alert("Disk full");
    let fact = |name: &str, value: &str| Fact { name: name.to_owned(), value: value.to_owned() };
    let said = [fact("source", "db1"), fact("<b>note</b>", HOSTILE)];
    let mail = page_mail("en", about(&alert), &said, &mail_links());
    assert!(mail.text.contains("Category: server\nsource: db1\n<b>note</b>: <script>"), "{}", mail.text);
    assert!(mail.html.contains("<td>db1</td>") && mail.html.contains("&lt;script&gt;"), "{}", mail.html);
    assert!(!mail.html.contains("<script") && !mail.html.contains("<b>"), "{}", mail.html);
    assert_eq!(mail.text.lines().filter(|line| line.starts_with("Bcc:")).count(), 0);
}

#[test]
fn the_shipped_words_of_an_sms_are_cheap() {
    for language in languages() {
        let alert = alert("Disk full");
        assert!(plain::is_gsm(&page_sms(language, about(&alert))));
        assert!(plain::is_gsm(&notice_sms(language, about(&alert), happened("Ben", Done::Acknowledged))));
    }
}

#[test]
fn a_phone_says_it_in_a_sentence() {
    let alert = alert("Disk full.");
    let heard = page_voice("de", about(&alert));
    assert_eq!(heard, "Hier ist Pikett mit einem Alarm der Priorität 1 von ACME GmbH, Kategorie server: Disk full.");
    let bare = Alert { category: None, ..alert };
    let heard = page_voice("en", About { alert: &bare, customer: None });
    assert_eq!(heard, "This is Pikett with an alert of priority 1: Disk full.");
    let long = Alert { title: "x".repeat(1_000), ..bare };
    assert!(page_voice("en", about(&long)).chars().count() < 350);
    assert_eq!(already("de", Done::Acknowledged, "Ben"), "Ben hat das schon übernommen.");
    assert_eq!(already("en", Done::Resolved, "Ben"), "Ben has already resolved it.");
}

#[test]
fn an_email_is_plain_and_html_with_its_links() {
    let alert = alert("Disk full");
    let mail = page_mail("en", about(&alert), &[], &mail_links());
    assert_eq!(mail.subject, "[P1 #7] ACME GmbH: server: Disk full");
    insta::assert_snapshot!("email_text_en", mail.text);
    insta::assert_snapshot!("email_html_en", mail.html);
    let mail = page_mail("de", about(&alert), &[], &mail_links());
    insta::assert_snapshot!("email_text_de", mail.text);
    let notice = notice_mail("de", about(&alert), happened("Ben Arslan", Done::Acknowledged));
    assert_eq!(
        notice.text,
        "Ben Arslan hat um 02:41 übernommen.\n\nDisk full\n\nPriorität: P1 (#7)\nKunde: ACME GmbH\nKategorie: server\n"
    );
    assert!(!notice.html.contains("href"));
    assert_eq!(
        notice.subject,
        page_mail("de", about(&alert), &[], &mail_links()).subject,
        "mail programs thread by it"
    );
}

#[test]
fn words_from_outside_stay_words_in_an_email() {
    let alert = alert(HOSTILE);
    let about = About { alert: &alert, customer: Some("<b>ACME</b>") };
    let mail = page_mail("de", about, &[], &mail_links());
    assert!(mail.html.contains("&lt;script&gt;alert(1)&lt;"), "{}", mail.html);
    assert!(!mail.html.contains("<script") && !mail.html.contains("<b>"));
    assert!(mail.html.contains("{{ code }} {% if %}"), "a template in a title is text: {}", mail.html);
    assert!(!mail.subject.contains(['\r', '\n', '\0', '\u{202e}']));
}

#[test]
fn a_push_is_small_and_can_be_clicked() {
    let alert = alert(&"äöü\"".repeat(1_000));
    let push = page_push(about(&alert), "https://hotline.example/a/x");
    assert!(push.payload.len() < 3_000, "{}", push.payload.len());
    let payload: serde_json::Value = serde_json::from_str(&push.payload).unwrap();
    assert_eq!(payload["title"], "P1 #7: ACME GmbH, server");
    assert_eq!(payload["url"], "https://hotline.example/a/x");
    assert_eq!((&payload["alert"], &payload["number"]), (&payload["tag"], &serde_json::json!(7)));
    let notice = notice_push("en", about(&alert), happened("Ben", Done::Resolved), "https://hotline.example");
    assert!(notice.body.starts_with("Ben resolved it at 02:41.\näöü"));
}

#[test]
fn an_sms_is_answered_in_a_friendly_sentence() {
    let taken = happened("Ben", Done::Acknowledged);
    let code = "A7";
    let cases = [
        (Answer::Done { action: Action::Acknowledge, code }, "Danke, A7 ist übernommen."),
        (Answer::Done { action: Action::Escalate, code }, "A7 geht jetzt an die nächste Stufe."),
        (Answer::Done { action: Action::Resolve, code }, "Danke, A7 ist gelöst."),
        (Answer::Already { code, happened: taken }, "Ben hat A7 schon um 02:41 übernommen."),
        (Answer::Already { code, happened: happened("Ben", Done::Resolved) }, "Ben hat A7 schon um 02:41 gelöst."),
        (Answer::AlreadyYours { code, happened: taken }, "Du hast A7 schon um 02:41 übernommen."),
        (
            Answer::Help { code: Some(code) },
            "Das habe ich leider nicht verstanden. Schreib 1 A7 zum Übernehmen, 2 A7 für die nächste Stufe, \
             9 A7 wenn es gelöst ist. Auch 4 A7 1h zum Erinnern, 5 A7 um ihn anderen abzunehmen, \
             6 A7 NAME zum Weitergeben, 7 A7 und eine Notiz. Der Code steht in der Nachricht.",
        ),
        (Answer::Failed, "Das hat gerade nicht geklappt, es wurde nichts geändert. Bitte noch einmal versuchen."),
    ];
    for (given, expect) in cases {
        assert_eq!(answer("de", given), expect);
    }
    let unknown = answer("en", Answer::Unknown { code: &"{{ x }}".repeat(100) });
    assert!(unknown.starts_with("I know no alert {{ x }}{{ x }}"), "{unknown}");
}

#[test]
fn every_sentence_is_filled_in_every_language() {
    let alert = alert("Disk full");
    let about = about(&alert);
    for language in languages() {
        let mut said = vec![page_sms(language, about), page_voice(language, about)];
        for what in [Done::Acknowledged, Done::Resolved] {
            let happened = happened("Ben", what);
            said.push(already(language, what, "Ben"));
            said.push(notice_sms(language, about, happened));
            said.push(notice_mail(language, about, happened).html);
            said.push(answer(language, Answer::Already { code: "A7", happened }));
            said.push(answer(language, Answer::AlreadyYours { code: "A7", happened }));
        }
        for action in Action::ALL {
            said.push(answer(language, Answer::Done { action, code: "A7" }));
        }
        said.push(answer(language, Answer::Unknown { code: "A7" }));
        said.push(answer(language, Answer::Help { code: None }));
        let until = "2026-03-01T01:41:00Z".parse().unwrap();
        for given in [
            Answer::Snoozed { code: "A7", until, zone: chrono_tz::Europe::Berlin },
            Answer::Duration { code: "A7" },
            Answer::PassedOn { code: "A7", to: "Ben" },
            Answer::Nobody { code: "A7", name: "{{ x }}" },
            Answer::Noted { code: "A7" },
        ] {
            said.push(answer(language, given));
        }
        said.extend([
            code(language, "012345"),
            code_spoken(language, "012345"),
            code_mail(language, "https://x.example").html,
        ]);
        said.extend([test(language).to_owned(), test_spoken(language), test_mail(language).text]);
        said.push(page_mail(language, about, &[], &mail_links()).html);
        said.push(transcript_sms(language, about, "It burns"));
        said.push(transcript_mail(language, about, "It burns", Some("https://x.example/r/1")).html);
        said.push(transcript_push(language, about, "It burns", "https://x.example").payload);
        said.push(caller_sms(language, about, "+4930555010"));
        said.push(caller_mail(language, about, "+4930555010").text);
        said.push(caller_push(language, about, "+4930555010", "https://x.example").payload);
        for text in said {
            let unfilled = text.split('{').skip(1).any(|rest| rest.starts_with(|sign: char| sign.is_ascii_lowercase()));
            assert!(!text.is_empty() && !unfilled, "{language}: {text}");
        }
    }
}

#[test]
fn an_unknown_language_is_english_and_a_region_makes_no_difference() {
    assert_eq!((language_of("xx"), language_of("de-CH"), language_of("")), ("en", "de", "en"));
}

#[test]
fn what_a_caller_said_stays_words_and_an_sms_stays_short() {
    let alert = alert("Disk full");
    let about = about(&alert);
    let said = "{{ x }} <b>Hilfe</b> ".repeat(300);
    let sms = transcript_sms("de", about, &said);
    assert!(sms.contains("Der Anrufer sagt: {{ x }} <b>Hilfe</b>") && sms.chars().count() <= 300, "{sms}");
    let mail = transcript_mail("de", about, &said, Some("https://x.example/r/1?a=1&b=2"));
    assert!(mail.html.contains("&lt;b&gt;Hilfe") && !mail.html.contains("<b>Hilfe"));
    assert!(mail.html.contains("href=\"https://x.example/r/1?a=1&amp;b=2\""), "{}", mail.html);
    assert!(mail.text.contains("Anhören:\nhttps://x.example/r/1?a=1&b=2"), "{}", mail.text);
    assert!(transcript_push("de", about, &said, "https://x.example").body.chars().count() <= 250);
}
