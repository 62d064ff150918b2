//! Which carrier is asked first, which after it, and why one that is preferred is passed over.
//!
//! Pure. Preference is the order of the configuration, among those that serve the country and the channel. A
//! carrier that is out is asked last, never left out: when all are out, one of them may work after all. Start
//! with `order`.

use super::health::Standing;
use crate::model::{id::CarrierId, person::Channel, phone::Phone};

/// What a carrier is used for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Serves {
    /// Country codes without `+`; empty: all.
    pub countries: Vec<String>,
    /// Empty: all.
    pub channels: Vec<Channel>,
}

impl Serves {
    pub fn carries(&self, channel: Channel) -> bool {
        self.channels.is_empty() || self.channels.contains(&channel)
    }

    pub fn covers(&self, channel: Channel, to: &Phone) -> bool {
        self.carries(channel)
            && (self.countries.is_empty() || self.countries.iter().any(|code| code == to.country_code()))
    }
}

/// What is known of a number: what came of the last try to reach it through a carrier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered(pub Vec<(CarrierId, bool)>);

impl Remembered {
    /// `None`: never tried.
    fn delivers(&self, carrier: &CarrierId) -> Option<bool> {
        self.0.iter().find(|(known, _)| known == carrier).map(|(_, delivered)| *delivered)
    }

    fn through_another(&self, carrier: &CarrierId) -> bool {
        self.0.iter().any(|(known, delivered)| *delivered && known != carrier)
    }
}

/// One that serves the country and the channel.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub carrier: CarrierId,
    pub standing: Standing,
    /// The try before this one went there, and nobody knows of an end.
    pub was_tried: bool,
}

/// A carrier to be asked, and why it was not first, if it is preferred to the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub carrier: CarrierId,
    /// Ends the sentence "since CARRIER …".
    pub passed: Option<String>,
}

/// `candidates` in order of preference; the answer in the order in which they are asked.
pub fn order(candidates: &[Candidate], remembered: &Remembered) -> Vec<Choice> {
    let mut places: Vec<(usize, &Candidate)> = candidates.iter().enumerate().collect();
    places.sort_by_key(|(at, candidate)| (rank(candidate), memory(candidate, remembered), *at));
    let first = places.first().map_or(0, |(at, _)| *at);
    let choice = |(at, candidate): (usize, &Candidate)| Choice {
        carrier: candidate.carrier.clone(),
        passed: (at < first).then(|| why(candidate)),
    };
    places.into_iter().map(choice).collect()
}

fn rank(candidate: &Candidate) -> u8 {
    match candidate.standing {
        // A page that one carrier has failed already is not what tries another one out.
        Standing::Well | Standing::Probe if !candidate.was_tried => 0,
        Standing::Hanging if !candidate.was_tried => 1,
        Standing::Well | Standing::Probe | Standing::Hanging => 2,
        Standing::Out { .. } => 3,
    }
}

fn memory(candidate: &Candidate, remembered: &Remembered) -> u8 {
    match remembered.delivers(&candidate.carrier) {
        Some(true) => 0,
        // Whatever goes next tries whether it is back, or numbers that were reached elsewhere meanwhile never come back.
        None if candidate.standing == Standing::Probe => 0,
        None if !remembered.through_another(&candidate.carrier) => 0,
        None => 1,
        Some(false) => 2,
    }
}

fn why(candidate: &Candidate) -> String {
    match &candidate.standing {
        Standing::Out { why } => format!("is out: {why}"),
        Standing::Well | Standing::Probe | Standing::Hanging if candidate.was_tried => {
            "did not say what became of the try before".to_owned()
        }
        Standing::Hanging => "has not answered for a while".to_owned(),
        Standing::Well | Standing::Probe => "is not known to reach this number, and another is".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> CarrierId {
        name.parse().unwrap()
    }

    fn candidate(name: &str, standing: Standing) -> Candidate {
        Candidate { carrier: id(name), standing, was_tried: false }
    }

    fn out() -> Standing {
        Standing::Out { why: "it failed 3 times in a row".to_owned() }
    }

    fn ordered(candidates: &[Candidate], remembered: &[(&str, bool)]) -> Vec<String> {
        let known = remembered.iter().map(|(name, delivered)| (id(name), *delivered)).collect();
        order(candidates, &Remembered(known)).into_iter().map(|choice| choice.carrier.to_string()).collect()
    }

    #[test]
    fn the_preferred_one_that_works_is_asked_first_and_nobody_is_left_out() {
        for (a, b, c, expect) in [
            (Standing::Well, Standing::Well, Standing::Well, ["a", "b", "c"]),
            (out(), Standing::Well, Standing::Well, ["b", "c", "a"]),
            (out(), Standing::Hanging, Standing::Well, ["c", "b", "a"]),
            (out(), out(), out(), ["a", "b", "c"]),
            (Standing::Probe, Standing::Well, out(), ["a", "b", "c"]),
        ] {
            let candidates = [candidate("a", a), candidate("b", b), candidate("c", c)];
            assert_eq!(ordered(&candidates, &[]), expect, "{candidates:?}");
        }
    }

    #[test]
    fn where_the_try_before_went_comes_after_the_others_that_work() {
        let mut candidates = [candidate("a", Standing::Well), candidate("b", Standing::Well), candidate("c", out())];
        candidates[0].was_tried = true;
        assert_eq!(ordered(&candidates, &[]), ["b", "a", "c"]);
    }

    #[test]
    fn a_number_that_delivers_through_one_goes_that_way() {
        let candidates = [candidate("a", Standing::Well), candidate("b", Standing::Well)];
        for (remembered, expect) in [
            (&[("b", true)][..], ["b", "a"]),
            (&[("a", false)], ["b", "a"]),
            (&[("a", true), ("b", true)], ["a", "b"]),
            (&[("a", false), ("b", false)], ["a", "b"]),
            (&[("b", false)], ["a", "b"]),
        ] {
            assert_eq!(ordered(&candidates, remembered), expect, "{remembered:?}");
        }
        let down = [candidate("a", Standing::Well), candidate("b", out())];
        assert_eq!(ordered(&down, &[("b", true)]), ["a", "b"], "unless it is out");
        let back = [candidate("a", Standing::Probe), candidate("b", Standing::Well)];
        assert_eq!(ordered(&back, &[("b", true)]), ["a", "b"], "or another one may be back");
        assert_eq!(ordered(&back, &[("a", false), ("b", true)]), ["b", "a"]);
    }

    #[test]
    fn it_is_said_why_a_preferred_one_is_passed_over() {
        let candidates = [candidate("a", out()), candidate("b", Standing::Well), candidate("c", Standing::Well)];
        let passed: Vec<_> = order(&candidates, &Remembered::default()).into_iter().map(|one| one.passed).collect();
        assert_eq!(passed, [None, None, Some("is out: it failed 3 times in a row".to_owned())]);
    }

    #[test]
    fn countries_and_channels_say_who_serves() {
        let (german, british) = ("+4915110000001".parse().unwrap(), "+447700900002".parse().unwrap());
        let all = Serves::default();
        assert!(all.covers(Channel::Sms, &german) && all.covers(Channel::Voice, &british));
        let some = Serves { countries: vec!["49".to_owned()], channels: vec![Channel::Sms] };
        assert!(some.covers(Channel::Sms, &german));
        assert!(!some.covers(Channel::Voice, &german) && !some.covers(Channel::Sms, &british));
    }
}
