//! What callers and technicians do in a script: keys, words, silence, phones that are answered or not.

use chrono::TimeDelta;

use super::{
    play::{Otherwise, Player, Standing, recorded},
    script::{Act, Answer, Ring, Who},
};
use crate::{
    escalation::connect::LegResult,
    ivr::{Accept, ConnectEnd, Input},
    model::{call::LegState, id::PersonId, phone::Phone},
};

/// What a technician takes to press a key, and the carrier to bring both together.
const KEY: TimeDelta = TimeDelta::seconds(2);

impl Player<'_> {
    pub fn act(&mut self, act: &Act) -> Result<(), Otherwise> {
        match act {
            Act::Press(keys) => self.press(keys),
            Act::Say(words) => self.say(words),
            Act::Silence => self.silence(),
            Act::Wait(time) => self.patiently(|player| player.run_to(player.now + *time)),
            Act::HangUp => {
                self.still_there("to hang up")?;
                self.hang_up();
                Ok(())
            }
            Act::Record { seconds, hang_up } => self.record(*seconds, *hang_up),
            Act::Ring(ring) => match &ring.who {
                Who::Person(person) => self.ring(ring, person),
                Who::Outside(number) => self.ring_outside(ring, number),
            },
            Act::Nobody => self.nobody(),
            Act::Fails => {
                self.still_there("the carrier to fail")?;
                self.note("the carrier cannot run the document");
                self.turn(Input::Failed);
                Ok(())
            }
        }
    }

    /// Whoever rings in vain meanwhile is meant to.
    fn patiently(&mut self, work: impl FnOnce(&mut Self) -> Result<(), Otherwise>) -> Result<(), Otherwise> {
        self.patient = true;
        let outcome = work(self);
        self.patient = false;
        outcome
    }

    fn still_there(&self, expected: &str) -> Result<(), Otherwise> {
        match self.standing {
            Standing::Over => Err((expected.to_owned(), "the call is over".to_owned())),
            _ => Ok(()),
        }
    }

    fn press(&mut self, keys: &str) -> Result<(), Otherwise> {
        let expected = || format!("somebody to take the keys {keys}");
        match &self.standing {
            Standing::Asked { gather, .. } => {
                let typed: String = keys.chars().take_while(|key| Some(*key) != gather.finish).collect();
                let taken = gather.max_digits.map_or(usize::MAX, |max| max as usize);
                if typed.chars().count() > taken {
                    return Err((expected(), format!("step `{}` takes {taken} at most", self.state.step)));
                }
                let input = if typed.is_empty() { Input::Nothing } else { Input::Digits(typed) };
                let shown = if self.is_pin(&input) { "•".repeat(keys.chars().count()) } else { keys.to_owned() };
                self.note(&format!("presses {shown}"));
                self.transcript.pass();
                self.turn(input);
                Ok(())
            }
            Standing::Waiting(_) if keys == "*" => {
                self.note("presses * to leave the queue");
                self.transcript.pass();
                self.turn(Input::Connect(ConnectEnd::Left));
                Ok(())
            }
            Standing::Waiting(_) => Err((expected(), "the caller waits, and only * does something".to_owned())),
            Standing::Recording { .. } => Err((expected(), "a message is recorded: say `record`".to_owned())),
            Standing::Talking(_) | Standing::Dialing { .. } | Standing::Outside => {
                Err((expected(), "nobody listens for keys here".to_owned()))
            }
            Standing::Over => Err((expected(), "the call is over".to_owned())),
        }
    }

    fn say(&mut self, words: &str) -> Result<(), Otherwise> {
        let listens = matches!(&self.standing, Standing::Asked { gather, .. } if gather.speech.is_some());
        if !listens {
            let got = format!("step `{}` does not listen for words here", self.state.step);
            return Err((format!("somebody to hear \"{words}\""), got));
        }
        self.note(&format!("says: {words}"));
        self.transcript.pass();
        self.turn(Input::Speech { text: words.to_owned(), confidence: Some(0.9) });
        Ok(())
    }

    fn silence(&mut self) -> Result<(), Otherwise> {
        match &self.standing {
            Standing::Asked { until, .. } => {
                self.now = *until;
                self.note("no key and no word");
                self.transcript.pass();
                self.turn(Input::Nothing);
                Ok(())
            }
            Standing::Recording { record, .. } => {
                self.now += TimeDelta::seconds(record.silence_s.into());
                self.note("says nothing after the tone");
                self.transcript.pass();
                self.turn(Input::RecordedNothing);
                Ok(())
            }
            Standing::Waiting(_)
            | Standing::Talking(_)
            | Standing::Dialing { .. }
            | Standing::Outside
            | Standing::Over => Err(("a question that is met with silence".to_owned(), self.whereabouts())),
        }
    }

    fn record(&mut self, seconds: u32, hang_up: bool) -> Result<(), Otherwise> {
        let Standing::Recording { record, .. } = &self.standing else {
            return Err(("a message to be recorded".to_owned(), self.whereabouts()));
        };
        let seconds = seconds.min(record.max_s);
        self.now += TimeDelta::seconds(seconds.into());
        self.note(&format!("speaks for {seconds} s{}", if hang_up { " and hangs up" } else { "" }));
        self.transcript.pass();
        self.turn(recorded(seconds, hang_up));
        Ok(())
    }

    fn nobody(&mut self) -> Result<(), Otherwise> {
        if !matches!(self.standing, Standing::Waiting(_) | Standing::Dialing { .. }) {
            return Err(("somebody to be rung".to_owned(), self.whereabouts()));
        }
        self.transcript.pass();
        self.patiently(|player| player.run_until(|_| false).map(drop))
    }

    fn whereabouts(&self) -> String {
        match &self.standing {
            Standing::Asked { .. } => format!("step `{}` asks the caller", self.state.step),
            Standing::Recording { .. } => format!("step `{}` records a message", self.state.step),
            Standing::Waiting(phones) => match phones.unnamed().as_slice() {
                [] => "the caller waits, and no other phone rings".to_owned(),
                people => format!("{} is rung", people.iter().map(PersonId::as_str).collect::<Vec<_>>().join(" and ")),
            },
            Standing::Talking(person) => format!("the caller talks with {person}"),
            Standing::Dialing { dial, .. } => format!("{} is rung", dial.number),
            Standing::Outside => "the caller talks at an outside number".to_owned(),
            Standing::Over => "the call is over".to_owned(),
        }
    }

    pub fn expect_talk(&mut self, person: &PersonId) -> Result<(), Otherwise> {
        match &self.standing {
            Standing::Talking(with) if with == person => Ok(()),
            _ => Err((format!("the caller to talk with {person}"), self.whereabouts())),
        }
    }

    fn ring(&mut self, ring: &Ring, person: &PersonId) -> Result<(), Otherwise> {
        // Whoever rings first must be spoken of first.
        let mut named = false;
        self.run_until(|player| match &mut player.standing {
            Standing::Waiting(phones) => {
                named = phones.name(person);
                named || !phones.unnamed().is_empty()
            }
            _ => false,
        })?;
        if !named {
            return Err((format!("the phone of {person} to ring"), self.whereabouts()));
        }
        let answer = ring.answer;
        match answer {
            Answer::No => {
                self.note(&format!("{person} {}", answer.in_words()));
                Ok(())
            }
            Answer::Ends(result) => {
                self.moment()?;
                self.note(&format!("{person} {}", answer.in_words()));
                self.leg(person, LegState::Ended, Some(result))
            }
            Answer::Yes => {
                self.run_to(self.now + ring.after)?;
                if !self.rings(person) {
                    return Err((format!("{person} to answer in time"), "the phone rang no longer".to_owned()));
                }
                self.note(&format!("{person} answers"));
                self.leg(person, LegState::Answered, None)?;
                self.keys(ring, person)
            }
        }
    }

    /// What a technician presses, and whether that takes the call.
    fn keys(&mut self, ring: &Ring, person: &PersonId) -> Result<(), Otherwise> {
        let by_answer = matches!(&self.standing, Standing::Waiting(phones) if phones.accept == Accept::Answer);
        if by_answer {
            return self.accept(person);
        }
        for key in ring.press.chars() {
            self.run_to(self.now + KEY)?;
            if !self.rings(person) {
                return Err((format!("{person} to press {key} in time"), "the call was over for them".to_owned()));
            }
            self.note(&format!("{person} presses {key}"));
            match key {
                '1' => return self.accept(person),
                '2' => return self.leg(person, LegState::Ended, Some(LegResult::Declined)),
                _ => {}
            }
        }
        Ok(())
    }

    fn accept(&mut self, person: &PersonId) -> Result<(), Otherwise> {
        self.leg(person, LegState::Accepted, None)?;
        self.leg(person, LegState::Bridged, None)?;
        let Standing::Waiting(phones) = &self.standing else { return Ok(()) };
        if phones.acknowledge {
            self.left.acknowledge(person);
        }
        self.note(&format!("{person} talks with the caller"));
        self.transcript.pass();
        self.standing = Standing::Talking(person.clone());
        Ok(())
    }

    fn rings(&self, person: &PersonId) -> bool {
        matches!(&self.standing, Standing::Waiting(phones) if phones.is_live(person))
    }

    /// Moves a phone on, and asks at once what that means for the others.
    fn leg(&mut self, person: &PersonId, state: LegState, result: Option<LegResult>) -> Result<(), Otherwise> {
        let now = self.now;
        if let Standing::Waiting(phones) = &mut self.standing {
            phones.go(person, state, result, now);
        }
        // Others that ring at the same time are ended: no script need speak of them.
        let won = matches!(state, LegState::Accepted | LegState::Bridged);
        if won { self.patiently(Self::decide) } else { self.decide() }
    }

    fn ring_outside(&mut self, ring: &Ring, number: &Phone) -> Result<(), Otherwise> {
        let got = self.whereabouts();
        let Standing::Dialing { dial, until, named } = &mut self.standing else {
            return Err((format!("{number} to be rung"), got));
        };
        if dial.number != *number {
            return Err((format!("{number} to be rung"), got));
        }
        *named = true;
        let until = *until;
        match ring.answer {
            Answer::Yes if self.now + ring.after < until => {
                self.now += ring.after;
                self.note(&format!("{number} answers"));
                self.transcript.pass();
                self.standing = Standing::Outside;
                Ok(())
            }
            Answer::Yes => Err((format!("{number} to answer in time"), "the phone rang no longer".to_owned())),
            Answer::No => self.patiently(|player| player.run_to(until)),
            Answer::Ends(_) => {
                self.note(&format!("{number} {}", ring.answer.in_words()));
                self.turn(Input::Dialed { bridged: false });
                Ok(())
            }
        }
    }
}
