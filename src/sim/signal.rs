//! What can happen to a leg while its document runs, and the way on which the leg hears of it.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{
    Sid,
    under_way::{UnderWay, Undone},
    world::Target,
};

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

/// Tells a leg; what it has not heard yet is under way.
pub(super) struct Teller {
    sender: UnboundedSender<(Signal, Undone)>,
    under_way: UnderWay,
}

pub(super) struct Ear(UnboundedReceiver<(Signal, Undone)>);

pub(super) fn line_to_a_leg(under_way: UnderWay) -> (Teller, Ear) {
    let (sender, receiver) = unbounded_channel();
    (Teller { sender, under_way }, Ear(receiver))
}

impl Teller {
    /// False when the leg hears nothing any more.
    pub fn tell(&self, signal: Signal) -> bool {
        self.sender.send((signal, self.under_way.one_more())).is_ok()
    }
}

impl Ear {
    /// `None` when nobody can tell the leg anything any more.
    pub async fn hear(&mut self) -> Option<Signal> {
        self.0.recv().await.map(|(signal, _)| signal)
    }

    /// What was told and not heard yet.
    pub fn rest(&mut self) -> impl Iterator<Item = Signal> {
        std::iter::from_fn(|| self.0.try_recv().ok()).map(|(signal, _)| signal)
    }
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
