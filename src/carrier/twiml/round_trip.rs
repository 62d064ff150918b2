//! Properties: what is written reads back as the same value; hostile text never becomes markup.

use proptest::{collection::vec, option::of, prelude::*, sample::select};

use super::*;

/// Text with everything that matters to XML, without what XML cannot carry.
fn text() -> impl Strategy<Value = String> {
    "[ -~äöüß„“\u{1F600}\n\t\r<>&'\"]{1,40}"
        .prop_filter("something must be said", |text: &String| !text.trim().is_empty())
}

fn url() -> impl Strategy<Value = String> {
    select(vec!["/turn/cll_1/2", "turn?a=1&b='2'", "https://a.example/v?x=%20#rc=2&rp=ct,rt", "../<a>\"&amp;"])
        .prop_map(str::to_owned)
}

fn method() -> impl Strategy<Value = Method> {
    select(Method::ALL)
}

/// No two texts side by side: they would read back as one.
fn parts() -> impl Strategy<Value = Vec<SayPart>> {
    let leaf = prop_oneof![
        (of(select(BreakStrength::ALL)), of(Just("250ms".to_owned())))
            .prop_map(|(strength, time)| SayPart::Break(Break { strength, time })),
        (select(InterpretAs::ALL), text(), of(Just("dmy".to_owned())))
            .prop_map(|(interpret_as, text, format)| SayPart::SayAs(SayAs { text, interpret_as, format })),
        (text(), "[ -~]{1,10}", of(select(PhonemeAlphabet::ALL)))
            .prop_map(|(text, ph, alphabet)| SayPart::Phoneme(Phoneme { text, ph, alphabet })),
        (text(), text()).prop_map(|(text, alias)| SayPart::Sub(Sub { text, alias })),
        (text(), of(Just("amazon:VB".to_owned()))).prop_map(|(text, role)| SayPart::Word(Word { text, role })),
    ];
    let nested = leaf.prop_recursive(3, 12, 4, |inner| {
        let parts = (text(), vec(inner, 0..3)).prop_map(|(text, mut parts)| {
            parts.insert(0, SayPart::Text(text));
            parts
        });
        let parts = parts.boxed();
        prop_oneof![
            (parts.clone(), of(select(EmphasisLevel::ALL)))
                .prop_map(|(parts, level)| SayPart::Emphasis(Emphasis { parts, level })),
            (parts.clone(), of(Just("fr-FR".to_owned())))
                .prop_map(|(parts, language)| SayPart::Lang(Lang { parts, language })),
            parts.clone().prop_map(|parts| SayPart::Paragraph(Paragraph { parts })),
            parts.clone().prop_map(|parts| SayPart::Sentence(Sentence { parts })),
            (parts, of(Just("slow".to_owned()))).prop_map(|(parts, rate)| {
                SayPart::Prosody(Prosody { parts, rate, volume: None, pitch: Some("+5%".into()) })
            }),
        ]
    });
    (text(), vec(nested, 0..4)).prop_map(|(text, mut parts)| {
        parts.push(SayPart::Text(text));
        parts
    })
}

fn say() -> impl Strategy<Value = Say> {
    (parts(), of(select(vec!["man", "Polly.Vicki-Neural"])), of(Just("de-DE".to_owned())), of(0..=1_000u32))
        .prop_map(|(parts, voice, language, times)| Say { parts, voice: voice.map(str::to_owned), language, times })
}

fn play() -> impl Strategy<Value = Play> {
    (url(), of(0..=1_000u32)).prop_map(|(url, times)| Play { url, times })
}

fn pause() -> impl Strategy<Value = Pause> {
    of(1..100u32).prop_map(|length_s| Pause { length_s })
}

fn gather() -> impl Strategy<Value = Gather> {
    let prompt =
        prop_oneof![say().prop_map(Prompt::Say), play().prop_map(Prompt::Play), pause().prop_map(Prompt::Pause)];
    let inputs = select(vec![GatherInput::Dtmf, GatherInput::Speech, GatherInput::DtmfSpeech]);
    let timeouts = prop_oneof![Just(SpeechTimeout::Auto), (1..9u32).prop_map(SpeechTimeout::Seconds)];
    (
        vec(prompt, 0..3),
        (of(url()), of(method()), of(inputs), of(1..=600u32), of(timeouts)),
        (of(1..20u32), of("[0-9#*]?"), of(vec("[a-zäöü&<\"']{1,20}", 1..4)), of(any::<bool>())),
    )
        .prop_map(|(prompts, (action, method, input, timeout_s, speech_timeout), rest)| {
            let (num_digits, finish_on_key, hints, action_on_empty_result) = rest;
            Gather {
                prompts,
                action,
                method,
                input,
                timeout_s,
                speech_model: Some("phone_call".into()).filter(|_| speech_timeout == Some(SpeechTimeout::Auto)),
                speech_timeout,
                num_digits,
                finish_on_key,
                hints: hints.map(Hints),
                action_on_empty_result,
                language: Some("de-DE".into()),
                ..Gather::default()
            }
        })
}

fn target() -> impl Strategy<Value = DialTarget> {
    let number = (of(url()), of(Just(Digits("ww7#".into()))), of(vec(select(CallEvent::ALL), 1..4))).prop_map(
        |(url, send_digits, status_callback_events)| {
            Number { url, send_digits, status_callback_events, ..Number::new("+4930901820") }.into()
        },
    );
    let client = (text(), vec((text(), text()), 0..3)).prop_map(|(identity, parameters)| {
        let identity = identity.trim().replace(char::is_control, " ");
        DialParty::from(Client { parameters, ..Client::new(identity) })
    });
    let sip = of(url()).prop_map(|url| Sip { url, ..Sip::new("sip:a@b.example;transport=tls?X-A=1&X-B=<2>") }.into());
    let name = "[!-~ä]{1,64}";
    prop_oneof![
        Just(DialTarget::Plain("+49 30 901820".into())),
        vec(prop_oneof![number, client, sip], 1..=10).prop_map(DialTarget::Parties),
        (name, of(url())).prop_map(|(name, url)| DialTarget::Queue(DialQueue { url, ..DialQueue::named(name) })),
        (name, of(Just(String::new())), of(vec(select(ConferenceEvent::ALL), 1..4))).prop_map(
            |(name, wait_url, status_callback_events)| {
                let conference = Conference { wait_url, status_callback_events, ..Conference::named(name) };
                DialTarget::Conference(Box::new(conference))
            }
        ),
    ]
}

fn dial() -> impl Strategy<Value = Dial> {
    (target(), of(url()), of(5..=600u32), of(text()), of(select(DialRecord::ALL)), of(any::<bool>())).prop_map(
        |(to, action, timeout_s, caller_id, record, answer_on_bridge)| {
            let caller_id = caller_id.map(|text| text.replace(char::is_control, " "));
            Dial { to, action, timeout_s, caller_id, record, answer_on_bridge, ..Dial::default() }
        },
    )
}

fn beside() -> impl Strategy<Value = Verb> {
    let parameters = vec((text(), text()), 0..3);
    let stream = (parameters, of(select(StreamTrack::ALL)), of(url()), of(Just("ear".to_owned()))).prop_map(
        |(parameters, track, status_callback, name)| Stream {
            parameters,
            track,
            status_callback,
            name,
            ..Stream::to("wss://a.example/ear")
        },
    );
    let stream = stream.boxed();
    let recording = (of(select(RecordingChannels::ALL)), of(select(RecordingTrack::ALL)), of(url())).prop_map(
        |(channels, track, recording_status_callback)| LiveRecording {
            channels,
            track,
            recording_status_callback,
            ..LiveRecording::default()
        },
    );
    let what = prop_oneof![stream.clone().prop_map(Beside::Stream), recording.prop_map(Beside::Recording)].boxed();
    let language =
        (of(Just("Polly.Vicki".to_owned())), of(Just("nova-3".to_owned()))).prop_map(|(voice, speech_model)| {
            RelayLanguage { code: Some("de-DE".into()), voice, speech_model, ..RelayLanguage::default() }
        });
    let relay = (of("[ -~]{1,20}"), of(select(Interruptible::ALL)), of(any::<bool>()), vec(language, 0..3)).prop_map(
        |(welcome_greeting, interruptible, dtmf_detection, languages)| {
            let to = ConversationRelay::to("wss://a.example/talk");
            Partner::Relay(Box::new(ConversationRelay {
                welcome_greeting,
                interruptible,
                dtmf_detection,
                languages,
                ..to
            }))
        },
    );
    prop_oneof![
        what.clone().prop_map(|what| Start::what(what).into()),
        what.prop_map(|what| Stop::what(what).into()),
        (prop_oneof![stream.prop_map(Partner::Stream), relay], of(url())).prop_map(|(partner, action)| Connect {
            action,
            ..Connect::to(partner)
        }
        .into()),
    ]
}

fn verb() -> impl Strategy<Value = Verb> {
    prop_oneof![
        beside(),
        say().prop_map(Verb::from),
        play().prop_map(Verb::from),
        pause().prop_map(Verb::from),
        gather().prop_map(Verb::from),
        dial().prop_map(Verb::from),
        "[0-9A-D#*wW]{1,10}".prop_map(|digits| Verb::PlayDigits(Digits(digits))),
        (of(url()), of(1..=120u32), of(any::<bool>()), of(vec(select(RecordingEvent::ALL), 1..3))).prop_map(
            |(action, max_length_s, transcribe, recording_status_callback_events)| {
                Record { action, max_length_s, transcribe, recording_status_callback_events, ..Record::default() }
                    .into()
            }
        ),
        ("[!-~ä]{1,64}", of(url()), of(prop_oneof![url(), Just(String::new())]))
            .prop_map(|(name, action, wait_url)| Enqueue { action, wait_url, ..Enqueue::named(name) }.into()),
        Just(Verb::Leave),
        Just(Verb::Hangup),
        (url(), of(method())).prop_map(|(url, method)| Redirect { url, method }.into()),
        of(select(RejectReason::ALL)).prop_map(|reason| Reject { reason }.into()),
        of(url()).prop_map(|action| Refer { action, method: None, to: Sip::new("sip:a@b.example") }.into()),
        text().prop_map(|body| Sms { body, ..Sms::default() }.into()),
        (text(), vec(url(), 0..2)).prop_map(|(body, media)| Message { media, ..Message::text(body) }.into()),
    ]
}

proptest! {
    #[test]
    fn what_is_written_reads_back_as_the_same_value(verbs in vec(verb(), 0..6)) {
        let response = Response { verbs };
        let document = write(&response).unwrap();
        prop_assert_eq!(read(&document), Ok(Read { response, warnings: Vec::new() }), "{}", document);
    }

    #[test]
    fn hostile_text_never_becomes_markup(given in any::<String>(), injected in select(vec![
        "", "</Say><Dial>+19005550100</Dial><Say>", "]]><Hangup/>", "<![CDATA[", "&lt;", "<!--", "\u{0}\u{b}\u{fffe}",
    ])) {
        let text = format!("x{given}{injected}{given}");
        let document = write(&Response::new().with(Say::text(text.clone()))).unwrap();
        let expected = Say::text(xml::legal(&text));
        prop_assert_eq!(read(&document).unwrap(), Read { response: Response::new().with(expected), warnings: Vec::new() });
    }

    #[test]
    fn reading_never_panics(document in "(<[A-Za-z/!?]{0,8}( [a-z]{1,4}=\"[^\"]{0,4}\")?>|[ -~]{0,6}|\\PC{0,3}){0,12}") {
        let _ = read(&document);
        let _ = read(&format!("<Response>{document}</Response>"));
    }
}
