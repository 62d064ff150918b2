//! The carrier's status words and what each means for us.
//!
//! Reports come in any order, twice, late or never (Twilio: "arrival order is not guaranteed"), so
//! every word has a rank and a thing never goes back: ask `goes_to` before believing a report.

/// A word per variant, its rank and one sentence; words that are unknown become `Other`.
macro_rules! statuses {
    ($(#[$meta:meta])* pub enum $name:ident { $($variant:ident = $word:literal, $rank:literal, $meaning:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = $meaning] $variant,)+
            /// A word that the carrier did not have when this was written; it changes nothing.
            Other(String),
        }

        impl $name {
            pub fn parse(word: &str) -> Self {
                match word.trim().to_ascii_lowercase().as_str() {
                    $($word => Self::$variant,)+
                    // A stranger's word is kept short: it goes into timelines.
                    other => Self::Other(other.chars().take(40).collect()),
                }
            }

            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }

            /// How far along the thing is; unknown words are nowhere.
            pub fn rank(&self) -> i16 {
                match self {
                    $(Self::$variant => $rank,)+
                    Self::Other(_) => -1,
                }
            }

            /// What it means for us, in one sentence.
            pub fn meaning(&self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                    Self::Other(_) => "the carrier said something that we do not know",
                }
            }

            /// Whether a report of `next` is news to a thing in this state.
            pub fn goes_to(&self, next: &Self) -> bool {
                next.rank() > self.rank()
            }
        }
    };
}

statuses! {
    /// Where a call stands (Twilio: Call resource, `CallStatus`).
    pub enum CallStatus {
        Queued = "queued", 0, "the carrier has taken the call and will dial when a slot is free";
        Initiated = "initiated", 1, "the carrier has begun to dial";
        Ringing = "ringing", 2, "the phone rings";
        InProgress = "in-progress", 3, "somebody or something has picked up, which is no acknowledgement";
        Completed = "completed", 4, "it was picked up and has ended, which is no acknowledgement";
        Busy = "busy", 4, "the phone was busy or the call was declined";
        NoAnswer = "no-answer", 4, "it rang until the time was over";
        Failed = "failed", 4, "the number could not be reached at all";
        Canceled = "canceled", 4, "we took the call back before anybody answered";
    }
}

impl CallStatus {
    /// Final states never change.
    pub fn is_final(&self) -> bool {
        self.rank() == 4
    }

    /// Final, and nobody ever picked up.
    pub fn is_unreached(&self) -> bool {
        matches!(self, Self::Busy | Self::NoAnswer | Self::Failed | Self::Canceled)
    }
}

statuses! {
    /// Where a message stands (Twilio: Message resource, `MessageStatus`).
    pub enum MessageStatus {
        Accepted = "accepted", 0, "a messaging service has taken it and will choose a sender";
        Scheduled = "scheduled", 0, "it waits for the time that was asked for";
        Queued = "queued", 1, "the carrier has taken it and will send it";
        Sending = "sending", 2, "it is on its way to the network";
        Sent = "sent", 3, "the network has taken it, which is no proof of delivery";
        Delivered = "delivered", 4, "the network says that it reached the phone";
        PartiallyDelivered = "partially_delivered", 4, "some parts of it reached the phone";
        Undelivered = "undelivered", 4, "the network could not deliver it";
        Failed = "failed", 4, "the carrier did not send it";
        Canceled = "canceled", 4, "we took it back before it was sent";
        Read = "read", 5, "somebody has opened it";
        Receiving = "receiving", 0, "a message to us is coming in";
        Received = "received", 4, "a message to us has come in";
    }
}

impl MessageStatus {
    pub fn is_final(&self) -> bool {
        self.rank() >= 4
    }

    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Undelivered | Self::Failed | Self::Canceled)
    }
}

statuses! {
    /// How a Dial ended (Twilio: Dial, `DialCallStatus`). Whether anybody talked says `DialBridged`.
    pub enum DialStatus {
        Completed = "completed", 1, "it was picked up and has ended, perhaps by a mailbox or in the whisper";
        Answered = "answered", 1, "the conference was joined";
        Busy = "busy", 1, "the phone was busy or the call was declined";
        NoAnswer = "no-answer", 1, "it rang until the time was over";
        Failed = "failed", 1, "the number could not be reached at all";
        Canceled = "canceled", 1, "we took the call back before anybody answered";
    }
}

statuses! {
    /// How the waiting in a queue ended (Twilio: Enqueue, `QueueResult`).
    pub enum QueueResult {
        Bridged = "bridged", 1, "the caller talked with a technician, and that line has ended";
        BridgingInProcess = "bridging-in-process", 1, "the caller is being connected";
        Error = "error", 1, "the carrier had no such queue";
        Hangup = "hangup", 1, "the caller hung up while waiting";
        Leave = "leave", 1, "our wait document took the caller out";
        Redirected = "redirected", 1, "we took the caller out while waiting";
        RedirectedFromBridged = "redirected-from-bridged", 1, "we took the caller out of a conversation";
        QueueFull = "queue-full", 1, "the queue was full";
        SystemError = "system-error", 1, "the carrier failed";
    }
}

statuses! {
    /// What became of a recording (Twilio: Recordings resource, `RecordingStatus`).
    pub enum RecordingStatus {
        InProgress = "in-progress", 0, "it is being recorded";
        Processing = "processing", 1, "it is recorded and not yet ready";
        Completed = "completed", 2, "the file can be fetched";
        Absent = "absent", 2, "too short, silent or failed: there is no file";
        Failed = "failed", 2, "there is no file";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_report_never_takes_a_message_back() {
        let delivered = MessageStatus::parse("delivered");
        for late in ["queued", "sending", "sent", "delivered", "undelivered", "accepted", "teleported"] {
            assert!(!delivered.goes_to(&MessageStatus::parse(late)), "{late}");
        }
        assert!(delivered.goes_to(&MessageStatus::Read));
        assert!(MessageStatus::Queued.goes_to(&MessageStatus::Delivered));
    }

    #[test]
    fn a_final_call_stays_as_it_ended() {
        for last in ["completed", "busy", "no-answer", "failed", "canceled"] {
            let last = CallStatus::parse(last);
            assert!(last.is_final());
            assert!(!last.goes_to(&CallStatus::InProgress) && !last.goes_to(&CallStatus::Completed));
        }
        assert!(CallStatus::Initiated.goes_to(&CallStatus::Busy));
    }

    #[test]
    fn an_unknown_word_is_kept_and_changes_nothing() {
        let word = CallStatus::parse("Levitating");
        assert_eq!(word, CallStatus::Other("levitating".into()));
        assert!(!CallStatus::Queued.goes_to(&word) && word.goes_to(&CallStatus::Queued));
    }

    #[test]
    fn words_read_back() {
        for word in ["partially_delivered", "read", "accepted"] {
            assert_eq!(MessageStatus::parse(word).as_str(), word);
        }
    }
}
