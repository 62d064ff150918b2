//! English.

use super::words::{Each, Ways, Words};

pub const WORDS: Words = Words {
    language: "en",
    priority: "Priority",
    customer: "Customer",
    category: "Category",
    sms_keys: "1 {{ code }} acknowledge, 2 {{ code }} next level, 9 {{ code }} resolve",

    bundle: "{{ count }} alerts, first: {{ first }}",

    voice_page: "This is Pikett with an alert of priority {{ priority }}{% if customer %} from {{ customer }}{% endif %}\
                 {% if category %}, category {{ category }}{% endif %}: {{ title }}.",
    voice_keys: "Press 1 to acknowledge, 2 for the next level, 3 to hear it again, 9 if it is resolved.",
    voice_done: Each {
        acknowledge: "Thank you, it is yours. Goodbye.",
        escalate: "The next level is being told. Goodbye.",
        resolve: "Thank you, it is resolved. Goodbye.",
    },
    voice_callback: "Thank you, you have taken it. Hang up now: your phone will ring in a moment and connect you with \
                     the customer.",
    voice_unknown_key: "This key has no meaning here.",
    voice_no_key: "No key was pressed, so the alert stays open. Goodbye.",
    voice_gone: "This alert is not open any more. Goodbye.",

    already_acknowledged: "{{ by }} has already taken it.",
    already_resolved: "{{ by }} has already resolved it.",

    answer_done: Each {
        acknowledge: "Thank you, {{ code }} is yours.",
        escalate: "{{ code }} goes to the next level now.",
        resolve: "Thank you, {{ code }} is resolved.",
    },
    answer_acknowledged: "{{ by }} already took {{ code }} at {{ at }}.",
    answer_resolved: "{{ by }} already resolved {{ code }} at {{ at }}.",
    answer_yours_acknowledged: "You already took {{ code }} at {{ at }}.",
    answer_yours_resolved: "You already resolved {{ code }} at {{ at }}.",
    answer_unknown: "I know no alert {{ code }}. Please look at the code in the message again and write it after 1, 2 or 9.",
    answer_help: "Sorry, I did not understand that. Write 1 {{ code }} to acknowledge, 2 {{ code }} for the next level, \
                  9 {{ code }} if it is resolved. The code stands in the message.",
    answer_failed: "That did not work just now, and nothing was changed. Please try again.",

    notice_acknowledged: "{{ by }} took it at {{ at }}.",
    notice_resolved: "{{ by }} resolved it at {{ at }}.",

    transcript: "The caller says:",
    listen: "Listen",
    caller: "You are talking with {{ caller }}.",

    lost: "Pikett cannot reach you {{ way }} at {{ address }} any more, and does not try until this is mended. Please tell \
           whoever looks after Pikett.",
    ways: Ways { sms: "by SMS", voice: "by phone", email: "by email", push: "by push" },

    email_intro: "This needs somebody now. What would you like to do?",
    action: Each { acknowledge: "Acknowledge", escalate: "Tell the next level", resolve: "Resolve" },
    email_footer: "Each link opens a page that asks once more: opening it changes nothing. They are made for you alone.",

    confirm_question: Each {
        acknowledge: "Do you take this alert?",
        escalate: "Shall the next level be told?",
        resolve: "Is it resolved?",
    },
    confirm_done: Each {
        acknowledge: "Thank you, it is yours.",
        escalate: "The next level is being told.",
        resolve: "Thank you, it is resolved.",
    },
    link_expired: "This link is too old. Please use a newer message, or the console.",
    link_forged: "This link is incomplete. Please open it once more from the message itself.",
};
