//! Who plays in the stories: their numbers, and what people do at their phones.

use pikett::{
    model::phone::Phone,
    sim::{Behaviour, Press},
};

pub const PETRA: &str = "+4930555010";
pub const OLAF: &str = "+4930555011";
pub const DORA: &str = "+4930555020";
pub const ZOE: &str = "+4930555030";
pub const STRANGER: &str = "+4930999001";
pub const ANNA: &str = "+4915110000001";
pub const BEN: &str = "+447700900002";
pub const CEM: &str = "+4915110000003";
pub const FANNY: &str = "+4915110000007";
/// Rings Anna and Cem at once, then Ben.
pub const EVERYONE: &str = "+4930901821";
/// Another number of the same hotline.
pub const EVERYONE_TOO: &str = "+4940901821";
/// Hands over to `OUTSIDE`.
pub const HAND_OVER: &str = "+4930901822";
pub const OUTSIDE: &str = "+4930777001";
/// Belongs to Delta (4711) and Epsilon (4712).
pub const SHARED: &str = "+4930901823";
/// By its policy nobody is on call.
pub const HOLES: &str = "+4930901824";
/// Tells of incidents, and calls back.
pub const OUTAGE: &str = "+4930901825";
/// Speaks French, and nothing else.
pub const FRENCH: &str = "+4930901826";
/// Bought, and applied nowhere.
pub const NOBODYS: &str = "+4930901829";

pub const PRESS_1_DE: &str = "drücken Sie die 1";
pub const PRESS_1_EN: &str = "press 1";

pub fn phone(number: &str) -> Phone {
    number.parse().unwrap()
}

/// A technician who picks up, takes the caller, and talks for a while.
pub fn takes(ring_s: f64, words: &str) -> Behaviour {
    Behaviour::answers(ring_s, [Press::on(words, "1")]).hanging_up_after(60.0)
}

/// A caller who chooses that in the gold hotline's menu.
pub fn chooses(key: &str) -> Press {
    Press::on("Für einen Ausfall", key)
}

/// Speaks after the beep, and lets silence end it.
pub fn message(words: &str) -> Press {
    Press { after_s: 1.0, ..Press::saying("beep", words) }
}
