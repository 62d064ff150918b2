//! The fields of every kind of step: what each means, its words and its default, as an editor shows them.

/// A field of a step.
pub struct Field {
    pub name: &'static str,
    pub form: Form,
    pub required: bool,
    pub says: &'static str,
    pub default: Option<&'static str>,
}

/// What a field takes. A default is written as JSON.
#[derive(Clone, Copy)]
pub enum Form {
    /// One string, or one for each language.
    Text,
    /// The name of a step.
    Exit,
    Word(&'static [&'static str]),
    Line,
    Flag,
    /// `30s`, `5m`.
    Duration,
    /// A duration, or a var of that type.
    Wait,
    Count(u32, u32),
    Priority,
    Numbers,
    MenuOptions,
    LanguageOptions,
    Cases,
    Vars,
    /// Some of the five questions, also with texts of one's own.
    Questions,
    /// Names of facts, or names and texts.
    Send,
    /// One var or several, also with where each stands in the answer.
    Into,
    Alert,
}

const fn field(name: &'static str, form: Form, says: &'static str) -> Field {
    Field { name, form, required: false, says, default: None }
}

const fn need(name: &'static str, form: Form, says: &'static str) -> Field {
    Field { name, form, required: true, says, default: None }
}

const fn or(name: &'static str, form: Form, says: &'static str, default: &'static str) -> Field {
    Field { name, form, required: false, says, default: Some(default) }
}

pub const QUESTIONS: [&str; 5] = ["who", "what", "where", "when", "why"];

const ASKING: &[Field] = &[
    field("play", Form::Text, "Audio instead of the prompt; the text stays as the spare."),
    or("attempts", Form::Count(1, 10), "How often it is asked.", "3"),
    or("timeout", Form::Duration, "For the first key or word, 1s to 60s.", "\"6s\""),
    or("finish", Form::Line, "The key that ends the input; empty: none does.", "\"#\""),
    field("no_input", Form::Text, "Said before asking again."),
    or("barge_in", Form::Flag, "A key interrupts the prompt.", "true"),
];

const SPEECH: Field = field("play", Form::Text, "Addresses of audio; `say` is spoken where it cannot be fetched.");
const NEXT: Field = need("next", Form::Exit, "The step that comes next.");

/// Where the caller is recorded.
const RECORDING: &[Field] = &[
    field("play", Form::Text, "Audio instead of the prompt; the text stays as the spare."),
    or("attempts", Form::Count(1, 10), "How often it is asked, while nothing is said.", "3"),
    or("timeout", Form::Duration, "So much silence ends what is said, 1s to 60s.", "\"6s\""),
    or("finish", Form::Line, "The key that ends what is said.", "\"#\""),
    field("no_input", Form::Text, "Said before asking again."),
    or("barge_in", Form::Flag, "Changes nothing here: a carrier begins to record behind the prompt.", "true"),
];

/// Whether a kind waits for the caller as others do.
#[derive(Clone, Copy)]
pub enum Waits {
    Not,
    /// For keys and words.
    Asking,
    /// For what is recorded.
    Recording,
}

impl Waits {
    /// The fields that such kinds share.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Not => &[],
            Self::Asking => ASKING,
            Self::Recording => RECORDING,
        }
    }
}

/// Kind, what it does, its fields, and whether it waits for the caller.
pub const KINDS: &[(&str, &str, &[Field], Waits)] = &[
    ("say", "Speaks or plays.", &[field("say", Form::Text, "What is spoken."), SPEECH, NEXT], Waits::Not),
    ("pause", "Waits.", &[need("for", Form::Duration, "How long, 1s to 5m."), NEXT], Waits::Not),
    (
        "language",
        "Lets the caller choose the language; asked in every language of the flow.",
        &[
            field("prompt", Form::Text, "The question, in each language its own."),
            need("options", Form::LanguageOptions, "Key → language."),
            or("remember", Form::Flag, "By the caller's number, for later calls.", "true"),
            NEXT,
        ],
        Waits::Asking,
    ),
    (
        "hours",
        "Branches by where the clock stands in the contract's coverage, or in a calendar.",
        &[
            field("calendar", Form::Line, "The id of a calendar; without it the contract's coverage."),
            need("open", Form::Exit, "Within the hours."),
            need("closed", Form::Exit, "Outside of the hours."),
            field("holiday", Form::Exit, "On a holiday; without it `closed`."),
        ],
        Waits::Not,
    ),
    (
        "caller",
        "Looks who calls.",
        &[
            field("prompt", Form::Text, "What unknown callers hear with `captcha`."),
            field(
                "allow",
                Form::Numbers,
                "Numbers, or beginnings such as +49170*, that are let in. Alone it turns everybody else away, also \
                 who shows no number; beside `block` it names the exceptions.",
            ),
            field(
                "block",
                Form::Numbers,
                "Numbers, or beginnings such as +49170*, that are turned away, unless `allow` names them.",
            ),
            or(
                "trust",
                Form::Word(&["any", "attested"]),
                "Which numbers count as known: all that are not marked as spoofed, or only attested ones.",
                "\"any\"",
            ),
            or("captcha", Form::Flag, "Unknown callers press any key first.", "false"),
            need("known", Form::Exit, "The number belongs to a contact of the contract."),
            need("unknown", Form::Exit, "It does not."),
            field("anonymous", Form::Exit, "No number is shown; without it `unknown`."),
            field(
                "blocked",
                Form::Exit,
                "Blocked callers; without it they are rejected, or hear a goodbye in a call that is answered.",
            ),
        ],
        Waits::Asking,
    ),
    (
        "pin",
        "A contact proves who they are.",
        &[
            field("prompt", Form::Text, "Asks for the PIN."),
            field("customer_number", Form::Text, "Asks for the customer number, on hotlines of several contracts."),
            or("digits", Form::Line, "How many digits a PIN has, within 6-10.", "\"6-10\""),
            need("verified", Form::Exit, "It was right."),
            need("failed", Form::Exit, "It was wrong too often."),
            field("locked", Form::Exit, "Too many wrong ones before; without it `failed`."),
        ],
        Waits::Asking,
    ),
    (
        "menu",
        "Lets the caller choose by key or word.",
        &[
            field("prompt", Form::Text, "The choices, as they are spoken."),
            need("options", Form::MenuOptions, "Key → choice."),
            need("invalid", Form::Exit, "After the last empty or wrong input."),
        ],
        Waits::Asking,
    ),
    (
        "collect",
        "Takes digits or words into a var.",
        &[
            field("prompt", Form::Text, "Asks for them."),
            need("into", Form::Line, "The var that gets the answer."),
            or("input", Form::Word(&["digits", "speech", "both"]), "How an answer may be given.", "\"digits\""),
            field("digits", Form::Line, "How many digits there may be, such as 4 or 6-10."),
            or("confirm", Form::Flag, "Repeats what was heard and asks whether that is right.", "false"),
            NEXT,
            need("failed", Form::Exit, "After the last empty or wrong input."),
        ],
        Waits::Asking,
    ),
    (
        "notice",
        "Tells of the open incidents that touch this customer, and offers updates by SMS.",
        &[
            field("prompt", Form::Text, "The offer in your own words."),
            or("offer_sms", Form::Flag, "Offers updates by SMS.", "true"),
            need("announced", Form::Exit, "Something was told."),
            need("none", Form::Exit, "There was nothing to tell."),
        ],
        Waits::Asking,
    ),
    (
        "callback",
        "Offers to call back.",
        &[
            field("prompt", Form::Text, "Said before the offer."),
            or(
                "number",
                Form::Word(&["caller", "ask", "caller's"]),
                "The caller's number alone, or another one as well.",
                "\"caller\"",
            ),
            or("within", Form::Wait, "By when, 1s to 7d.", "\"30m\""),
            need("accepted", Form::Exit, "A call was promised."),
            need("declined", Form::Exit, "It was not."),
        ],
        Waits::Asking,
    ),
    (
        "intake",
        "Asks who, what, where, when and why, and records each answer.",
        &[
            field("prompt", Form::Text, "Said before the first question."),
            field("questions", Form::Questions, "Which, in which order; without it all five."),
            NEXT,
        ],
        Waits::Recording,
    ),
    (
        "lookup",
        "Asks an endpoint of yours; its answer becomes vars.",
        &[
            need("url", Form::Line, "https://, the host written out, and facts only behind it."),
            field("send", Form::Send, "What is posted as JSON; without it nothing is sent."),
            need("into", Form::Into, "Which vars the answer becomes."),
            NEXT,
            need("failed", Form::Exit, "No answer, or none that could be read."),
        ],
        Waits::Not,
    ),
    (
        "flow",
        "Continues in another flow, and comes back.",
        &[
            need("flow", Form::Line, "The id of the other flow."),
            field("vars", Form::Vars, "Its vars, which may be texts with {{ … }}."),
            NEXT,
        ],
        Waits::Not,
    ),
    (
        "when",
        "Branches; the first true case wins.",
        &[need("cases", Form::Cases, "Conditions with where they lead."), need("else", Form::Exit, "No case is true.")],
        Waits::Not,
    ),
    (
        "set",
        "Sets vars, category and priority.",
        &[
            field("vars", Form::Vars, "Var → value, which may be a text with {{ … }}."),
            field("category", Form::Line, "The category of the call."),
            field("priority", Form::Priority, "The priority of the call."),
            NEXT,
        ],
        Waits::Not,
    ),
    (
        "alert",
        "Raises the alert of this call, or adds to it.",
        &[
            field("title", Form::Text, "What technicians read and hear."),
            field("priority", Form::Priority, "Without it the call's."),
            field("category", Form::Line, "Without it the call's."),
            field("policy", Form::Line, "The id of a policy instead of the contract's."),
            or("unverified", Form::Flag, "Who it is was not proven.", "false"),
            or("ack_on_connect", Form::Flag, "Whoever takes the call acknowledges the alert.", "true"),
            NEXT,
        ],
        Waits::Not,
    ),
    (
        "connect",
        "Gets a human on the phone: the caller waits, people are rung and press 1.",
        &[
            or("to", Form::Line, "policy, schedule:ID or person:ID.", "\"policy\""),
            or("ring", Form::Wait, "How long each phone rings.", "\"25s\""),
            or("at_once", Form::Flag, "Everybody of a level at the same time.", "false"),
            or("max_wait", Form::Wait, "How long the caller waits at most.", "\"5m\""),
            field("music", Form::Line, "The address of audio for those who wait."),
            or("announce_every", Form::Wait, "How often the caller hears where they stand.", "\"30s\""),
            or("accept", Form::Word(&["key", "answer"]), "How a technician takes the call.", "\"key\""),
            or("prefer_language", Form::Flag, "Those who speak the caller's language first.", "true"),
            or("record", Form::Flag, "Records the talk, once the caller has agreed.", "false"),
            need("connected", Form::Exit, "After the talk."),
            need("nobody", Form::Exit, "Nobody could be reached."),
            field("left", Form::Exit, "The caller pressed *; without it `nobody`."),
        ],
        Waits::Not,
    ),
    (
        "voicemail",
        "Records a message, which goes to the call's alert or raises one.",
        &[
            field("prompt", Form::Text, "What is said before the tone."),
            or("max", Form::Duration, "The longest message.", "\"3m\""),
            or("transcribe", Form::Flag, "Where the carrier can.", "true"),
            field("alert", Form::Alert, "The alert that is raised when the call has none."),
            NEXT,
            field("empty", Form::Exit, "Nothing was said; without it `next`, as a missed call."),
        ],
        Waits::Recording,
    ),
    (
        "sms",
        "Sends the caller an SMS.",
        &[
            need("text", Form::Text, "What it says."),
            NEXT,
            field("failed", Form::Exit, "It cannot be sent; without it `next`."),
        ],
        Waits::Not,
    ),
    (
        "forward",
        "Hands the caller over to an outside number.",
        &[
            need("number", Form::Line, "The number, or {{ a_var }} of type phone."),
            or("ring", Form::Wait, "How long it rings.", "\"25s\""),
            or("caller_id", Form::Word(&["hotline", "caller"]), "Whose number is shown.", "\"hotline\""),
            field("send", Form::Line, "Keys for a menu at the other end; w waits half a second."),
            need("connected", Form::Exit, "After the talk."),
            need("nobody", Form::Exit, "Nobody answered."),
        ],
        Waits::Not,
    ),
    (
        "hangup",
        "Ends the call.",
        &[
            field("say", Form::Text, "The goodbye."),
            SPEECH,
            field("reject", Form::Word(&["busy", "rejected"]), "Instead of answering, when nothing was said yet."),
        ],
        Waits::Not,
    ),
];
