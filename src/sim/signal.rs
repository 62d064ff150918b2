//! What can happen to a leg while its document runs.

use super::{Sid, world::Target};

#[derive(Debug)]
pub(super) enum Signal {
    Key(char),
    Speech {
        text: String,
        confidence: f64,
    },
    /// The phone is picked up or refused while it rings.
    Answer,
    Decline,
    /// The person hangs up.
    HangUp,
    /// The carrier ends the leg: by REST, or because another leg won.
    End,
    /// REST wants the leg to go on elsewhere.
    Move(Origin),
    /// A technician's leg has taken this caller out of the queue.
    Dequeued(Taken),
    /// The other side is on the line.
    Joined {
        partner: Sid,
    },
    /// The other side is off the line.
    Parted {
        partner: Sid,
    },
    /// Whoever ends a conference for all has left it.
    Closed {
        conference: String,
    },
}

/// Where a document comes from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    Url { target: Target, extra: Vec<(String, String)> },
    Inline(String),
}

impl Origin {
    pub fn url(target: Target) -> Self {
        Self::Url { target, extra: Vec::new() }
    }
}

#[derive(Debug)]
pub(super) struct Taken {
    pub by: Sid,
    pub whisper: Option<Target>,
}
