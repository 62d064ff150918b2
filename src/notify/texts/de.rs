//! German.

use super::words::{Each, Ways, Words};

pub const WORDS: Words = Words {
    language: "de",
    priority: "Priorität",
    customer: "Kunde",
    category: "Kategorie",
    sms_keys: "1 {{ code }} übernehmen, 2 {{ code }} nächste Stufe, 9 {{ code }} gelöst",

    bundle: "{{ count }} Alarme, zuerst: {{ first }}",

    voice_page: "Hier ist Pikett mit einem Alarm der Priorität {{ priority }}{% if customer %} von {{ customer }}{% endif %}\
                 {% if category %}, Kategorie {{ category }}{% endif %}: {{ title }}.",
    voice_keys: "Drücke 1 zum Übernehmen, 2 für die nächste Stufe, 3 zum Wiederholen, 9 wenn es gelöst ist.",
    voice_done: Each {
        acknowledge: "Danke, du hast übernommen. Auf Wiederhören.",
        escalate: "Die nächste Stufe wird verständigt. Auf Wiederhören.",
        resolve: "Danke, es ist gelöst. Auf Wiederhören.",
    },
    voice_callback: "Danke, du hast übernommen. Leg jetzt auf: gleich klingelt dein Telefon und verbindet dich mit dem \
                     Kunden.",
    voice_unknown_key: "Diese Taste hat hier keine Bedeutung.",
    voice_no_key: "Es wurde keine Taste gedrückt, der Alarm bleibt offen. Auf Wiederhören.",
    voice_gone: "Dieser Alarm ist nicht mehr offen. Auf Wiederhören.",

    already_acknowledged: "{{ by }} hat das schon übernommen.",
    already_resolved: "{{ by }} hat das schon gelöst.",

    answer_done: Each {
        acknowledge: "Danke, {{ code }} ist übernommen.",
        escalate: "{{ code }} geht jetzt an die nächste Stufe.",
        resolve: "Danke, {{ code }} ist gelöst.",
    },
    answer_acknowledged: "{{ by }} hat {{ code }} schon um {{ at }} übernommen.",
    answer_resolved: "{{ by }} hat {{ code }} schon um {{ at }} gelöst.",
    answer_yours_acknowledged: "Du hast {{ code }} schon um {{ at }} übernommen.",
    answer_yours_resolved: "Du hast {{ code }} schon um {{ at }} gelöst.",
    answer_unknown: "Einen Alarm {{ code }} kenne ich nicht. Bitte sieh den Code in der Nachricht noch einmal an und \
                     schreib ihn hinter 1, 2 oder 9.",
    answer_help: "Das habe ich leider nicht verstanden. Schreib 1 {{ code }} zum Übernehmen, 2 {{ code }} für die nächste \
                  Stufe, 9 {{ code }} wenn es gelöst ist. Der Code steht in der Nachricht.",
    answer_failed: "Das hat gerade nicht geklappt, es wurde nichts geändert. Bitte noch einmal versuchen.",

    notice_acknowledged: "{{ by }} hat um {{ at }} übernommen.",
    notice_resolved: "{{ by }} hat es um {{ at }} gelöst.",

    transcript: "Der Anrufer sagt:",
    listen: "Anhören",
    caller: "Du sprichst mit {{ caller }}.",

    lost: "Pikett erreicht dich {{ way }} unter {{ address }} nicht mehr und versucht es nicht, bis das behoben ist. Bitte \
           sag denen Bescheid, die Pikett betreuen.",
    ways: Ways { sms: "per SMS", voice: "telefonisch", email: "per E-Mail", push: "per Push" },

    email_intro: "Das braucht jetzt jemanden. Was möchtest du tun?",
    action: Each { acknowledge: "Übernehmen", escalate: "Nächste Stufe verständigen", resolve: "Gelöst" },
    email_footer: "Jeder Link öffnet eine Seite, die noch einmal fragt: Öffnen allein ändert nichts. Sie gelten nur für dich.",

    confirm_question: Each {
        acknowledge: "Übernimmst du diesen Alarm?",
        escalate: "Soll die nächste Stufe verständigt werden?",
        resolve: "Ist es gelöst?",
    },
    confirm_done: Each {
        acknowledge: "Danke, du hast übernommen.",
        escalate: "Die nächste Stufe wird verständigt.",
        resolve: "Danke, es ist gelöst.",
    },
    link_expired: "Dieser Link ist zu alt. Bitte nimm eine neuere Nachricht oder die Konsole.",
    link_forged: "Dieser Link ist unvollständig. Bitte öffne ihn noch einmal aus der Nachricht selbst.",
};
