//! The engine's sentences in German.

use chrono::{Datelike, NaiveDateTime, Timelike};

use super::Words;

pub const WORDS: Words = Words {
    tag: "de",
    sorry: "Es tut uns leid, bei uns ist etwas schiefgegangen. Bitte sprechen Sie nach dem Ton: wer Sie sind, \
            worum es geht und unter welcher Nummer wir Sie erreichen. Wir melden uns.",
    goodbye: "Auf Wiederhören.",
    thanks: "Vielen Dank. Wir haben Ihre Nachricht und melden uns. Auf Wiederhören.",
    sorry_goodbye: "Es tut uns leid, bei uns ist etwas schiefgegangen. Wir wissen von Ihrem Anruf und melden uns. \
                    Auf Wiederhören.",
    wrong_key: "Diese Auswahl gibt es nicht.",
    no_input: "Wir haben keine Eingabe erhalten.",
    wrong_pin: "Das hat leider nicht gestimmt. Bitte versuchen Sie es noch einmal.",
    wrong_customer_number: "Das war keine Kundennummer. Bitte versuchen Sie es noch einmal.",
    ask_customer_number: "Bitte geben Sie Ihre Kundennummer ein, dann die Raute-Taste.",
    ask_any_key: "Bitte drücken Sie eine beliebige Taste, damit wir Sie verbinden können.",
    ask_consent: "Dürfen wir das Gespräch aufzeichnen? Für ja drücken Sie die 1 oder sagen Sie ja, für nein drücken \
                  Sie die 2.",
    yes: &["ja", "jawohl", "einverstanden", "gerne", "okay"],
    no: &["nein", "nicht", "nee"],
    digits: [
        &["null"],
        &["eins", "ein"],
        &["zwei", "zwo"],
        &["drei"],
        &["vier"],
        &["fünf"],
        &["sechs"],
        &["sieben"],
        &["acht"],
        &["neun"],
    ],
    names: &["deutsch", "german"],
    confirm: "Wir haben verstanden: {heard}. Wenn das stimmt, drücken Sie die 1 oder sagen Sie ja. Wenn nicht, \
              drücken Sie die 2 oder sagen Sie nein.",
    not_understood: "Das haben wir nicht verstanden.",
    questions: [
        "Wer sind Sie, und unter welcher Nummer erreichen wir Sie? Bitte sprechen Sie nach dem Ton und drücken Sie \
         dann die Raute-Taste.",
        "Was ist geschehen? Bitte sprechen Sie nach dem Ton und drücken Sie dann die Raute-Taste.",
        "Wo ist es? Bitte nennen Sie nach dem Ton den Ort, das System oder die Maschine und drücken Sie dann die \
         Raute-Taste.",
        "Seit wann ist das so? Bitte sprechen Sie nach dem Ton und drücken Sie dann die Raute-Taste.",
        "Warum ist es wohl geschehen? Wurde vorher etwas geändert? Bitte sprechen Sie nach dem Ton und drücken Sie \
         dann die Raute-Taste.",
    ],
    hold: "Bitte bleiben Sie am Apparat. Wir verbinden Sie mit einer Technikerin oder einem Techniker.",
    still_holding: "Wir versuchen weiter, jemanden für Sie zu erreichen.",
    queue_position: "Sie sind an Position {position}.",
    may_leave: "Wenn Sie nicht warten möchten, drücken Sie die Stern-Taste.",
    notice: "Wir wissen von folgender Störung und arbeiten daran.",
    ask_follow: "Wenn wir Sie per SMS auf dem Laufenden halten sollen, drücken Sie die 1 oder sagen Sie ja. Wenn es \
                 ohne das weitergehen soll, drücken Sie die 2 oder sagen Sie nein.",
    followed: "In Ordnung. Sie erhalten eine SMS, sobald es etwas Neues gibt.",
    offer_callback: "Wir rufen Sie innerhalb von {within} zurück, unter der Nummer {number}. Wenn Sie das möchten, \
                     drücken Sie die 1 oder sagen Sie ja. Wenn nicht, drücken Sie die 2 oder sagen Sie nein.",
    offer_callback_or_other: "Wir rufen Sie innerhalb von {within} zurück, unter der Nummer {number}. Wenn Sie das \
                              möchten, drücken Sie die 1 oder sagen Sie ja. Für eine andere Nummer drücken Sie die \
                              2 oder sagen Sie andere Nummer. Wenn Sie keinen Rückruf möchten, drücken Sie die 3 \
                              oder sagen Sie nein.",
    another_number: &["andere", "anderen", "anderer"],
    ask_callback_number: "Bitte geben Sie die Nummer mit Vorwahl ein, unter der wir Sie zurückrufen, dann die \
                          Raute-Taste. Sie können sie auch sprechen.",
    callback_number_wrong: "Das war keine Telefonnummer.",
    callback_number_refused: "In dieses Land können wir nicht zurückrufen.",
    callback_promised: "Vielen Dank. Wir rufen Sie bis {time} unter der Nummer {number} zurück.",
    title_callback: "Rückruf bis {time}: {who}, {number}",
    title_call: "Anruf von {who}",
    title_voicemail: "Sprachnachricht von {who}",
    title_missed: "Verpasster Anruf von {who} (bis Schritt {step})",
    nobody_on_call: "Niemand hat Bereitschaft: {who} wartete an der Hotline {hotline} im Schritt {step}",
    nobody_reached: "Niemand war erreichbar: {who} wartete an der Hotline {hotline} im Schritt {step}",
    connect_failed: "Verbinden schlug fehl: {who} wartete an der Hotline {hotline} im Schritt {step}",
    refused_call: "Eine Weiterleitung war nicht erlaubt: Hotline {hotline}, Schritt {step}",
    refused_sms: "Eine SMS war nicht erlaubt: Hotline {hotline}, Schritt {step}",
    flow_failed: "Der Ablauf der Hotline {hotline} kam im Schritt {step} nicht weiter, bei einem Anruf von {who}",
    anonymous: "unbekannter Nummer",
    units: [("Sekunde", "Sekunden"), ("Minute", "Minuten"), ("Stunde", "Stunden"), ("Tag", "Tage")],
    and: "und",
    time,
};

const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

fn time(at: NaiveDateTime, with_date: bool) -> String {
    let clock = format!("{}:{:02} Uhr", at.hour(), at.minute());
    match with_date {
        true => format!("am {}. {} um {clock}", at.day(), MONTHS[at.month0() as usize]),
        false => clock,
    }
}
