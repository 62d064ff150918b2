//! Inbound calls and the legs by which technicians are rung for them.

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Talked to a human of the MSP.
    Connected,
    Voicemail,
    /// A chosen end of the flow.
    Goodbye,
    /// Talked at an outside number.
    Forwarded,
    Callback,
    /// Gone before any of these.
    Missed,
    Rejected,
    /// The carrier or Pikett could not carry on.
    Failed,
}

impl Outcome {
    pub const ALL: [Self; 8] = [
        Self::Connected,
        Self::Voicemail,
        Self::Goodbye,
        Self::Forwarded,
        Self::Callback,
        Self::Missed,
        Self::Rejected,
        Self::Failed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Voicemail => "voicemail",
            Self::Goodbye => "goodbye",
            Self::Forwarded => "forwarded",
            Self::Callback => "callback",
            Self::Missed => "missed",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }

    /// A human outranks a message, a message a missed call, and that a goodbye.
    pub fn outranks(self, other: Self) -> bool {
        self.rank() > other.rank()
    }

    fn rank(self) -> u8 {
        match self {
            Self::Connected => 5,
            Self::Forwarded => 4,
            Self::Voicemail | Self::Callback => 3,
            Self::Failed => 2,
            Self::Missed => 1,
            Self::Goodbye | Self::Rejected => 0,
        }
    }
}

/// What an intake asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    Who,
    What,
    Where,
    When,
    Why,
}

impl Question {
    pub const ALL: [Self; 5] = [Self::Who, Self::What, Self::Where, Self::When, Self::Why];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Who => "who",
            Self::What => "what",
            Self::Where => "where",
            Self::When => "when",
            Self::Why => "why",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|question| question.as_str() == name)
    }
}

/// A technician's leg. Only `Bridged` counts as talked: a mailbox answers too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegState {
    /// To be placed at the carrier.
    Queued,
    Ringing,
    Answered,
    /// Pressed 1 and won the caller.
    Accepted,
    Bridged,
    Ended,
}

impl LegState {
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Ringing, Self::Answered, Self::Accepted, Self::Bridged, Self::Ended];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Accepted => "accepted",
            Self::Bridged => "bridged",
            Self::Ended => "ended",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}
