//! Typed ids. What Pikett makes itself has an `Id` (a prefix that names its kind and a ULID, so
//! ids sort by time); what an MSP declares has a `Key`, the word chosen in its file.

use std::{cmp::Ordering, fmt, hash, marker::PhantomData, str::FromStr};

use thiserror::Error;

/// A kind of thing that has ids. `PREFIX` begins every generated id of the kind.
pub trait Kind {
    const PREFIX: &'static str;
    const WORD: &'static str;
}

macro_rules! kinds {
    ($($name:ident $prefix:literal $word:literal;)*) => {$(
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {}
        impl Kind for $name {
            const PREFIX: &'static str = $prefix;
            const WORD: &'static str = $word;
        }
    )*};
}

kinds! {
    Alert "alr" "alert";
    Call "cll" "call";
    Leg "leg" "leg";
    Notification "ntf" "notification";
    Attempt "att" "attempt";
    Timer "tmr" "timer";
    Entry "ent" "timeline entry";
    Voicemail "vml" "voicemail";
    Incident "inc" "incident";
    Callback "cbk" "callback";
    Token "tok" "token";
    Org "org" "org";
    Person "per" "person";
    Method "mth" "contact method";
    Schedule "sch" "schedule";
    Policy "pol" "policy";
    Customer "cus" "customer";
    Contact "con" "contact";
    Contract "ctr" "contract";
    Calendar "cal" "calendar";
    Integration "int" "integration";
    Flow "flw" "flow";
    Carrier "car" "carrier";
}

pub type AlertId = Id<Alert>;
pub type CallId = Id<Call>;
pub type LegId = Id<Leg>;
pub type NotificationId = Id<Notification>;
pub type AttemptId = Id<Attempt>;
pub type TimerId = Id<Timer>;
pub type EntryId = Id<Entry>;
pub type VoicemailId = Id<Voicemail>;
pub type IncidentId = Id<Incident>;
pub type CallbackId = Id<Callback>;
pub type TokenId = Id<Token>;

pub type OrgId = Key<Org>;
pub type PersonId = Key<Person>;
pub type MethodId = Key<Method>;
pub type ScheduleId = Key<Schedule>;
pub type PolicyId = Key<Policy>;
pub type CustomerId = Key<Customer>;
pub type ContactId = Key<Contact>;
pub type ContractId = Key<Contract>;
pub type CalendarId = Key<Calendar>;
pub type IntegrationId = Key<Integration>;
pub type FlowId = Key<Flow>;
pub type CarrierId = Key<Carrier>;

#[derive(Debug, Error, PartialEq, Eq)]
pub enum IdError {
    #[error("`{given}` is no {word} id: those begin with `{prefix}_`")]
    Kind { given: String, word: &'static str, prefix: &'static str },
    #[error("`{given}` is no {word} id: after `{prefix}_` come 26 letters and digits")]
    Shape { given: String, word: &'static str, prefix: &'static str },
    #[error("`{given}` is no name for a {word}: use 1 to 64 of a-z, 0-9, `-`, `_` and `.`")]
    Key { given: String, word: &'static str },
}

macro_rules! text_newtype {
    ($name:ident) => {
        impl<K: Kind> $name<K> {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl<K> Clone for $name<K> {
            fn clone(&self) -> Self {
                Self(self.0.clone(), PhantomData)
            }
        }
        impl<K> PartialEq for $name<K> {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }
        impl<K> Eq for $name<K> {}
        impl<K> PartialOrd for $name<K> {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl<K> Ord for $name<K> {
            fn cmp(&self, other: &Self) -> Ordering {
                self.0.cmp(&other.0)
            }
        }
        impl<K> hash::Hash for $name<K> {
            fn hash<H: hash::Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }
        impl<K> fmt::Display for $name<K> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl<K> fmt::Debug for $name<K> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// The id of something that Pikett made: `alr_01JB…`.
pub struct Id<K>(String, PhantomData<fn() -> K>);
text_newtype!(Id);

impl<K: Kind> Id<K> {
    /// The ULID comes from the shell's `Ids`, the one source of chance.
    pub fn from_ulid(ulid: ulid::Ulid) -> Self {
        Self(format!("{}_{ulid}", K::PREFIX), PhantomData)
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(given: &str) -> Result<Self, IdError> {
        let (word, prefix) = (K::WORD, K::PREFIX);
        let ulid = given.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).ok_or_else(|| IdError::Kind {
            given: shortened(given),
            word,
            prefix,
        })?;
        let parsed =
            ulid::Ulid::from_string(ulid).map_err(|_| IdError::Shape { given: shortened(given), word, prefix })?;
        Ok(Self::from_ulid(parsed))
    }
}

/// The id that an MSP chose in a declaration: `acme-gold`.
pub struct Key<K>(String, PhantomData<fn() -> K>);
text_newtype!(Key);

impl<K: Kind> FromStr for Key<K> {
    type Err = IdError;

    fn from_str(given: &str) -> Result<Self, IdError> {
        let fits = (1..=64).contains(&given.len())
            && given.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b));
        if !fits {
            return Err(IdError::Key { given: shortened(given), word: K::WORD });
        }
        Ok(Self(given.to_owned(), PhantomData))
    }
}

/// What a stranger sent is shown in errors, but never at full length.
fn shortened(given: &str) -> String {
    given.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_kind_is_refused_in_words() {
        let alert = AlertId::from_ulid(ulid::Ulid::nil());
        assert_eq!(alert.as_str(), "alr_00000000000000000000000000");
        assert_eq!(alert.as_str().parse::<AlertId>(), Ok(alert.clone()));
        let error = alert.as_str().parse::<CallId>().unwrap_err();
        assert_eq!(error.to_string(), "`alr_00000000000000000000000000` is no call id: those begin with `cll_`");
    }

    #[test]
    fn a_key_is_a_plain_word() {
        assert!("acme-gold".parse::<ContractId>().is_ok());
        for bad in ["", "ACME", "a b", "ä", &"x".repeat(65)] {
            assert!(bad.parse::<ContractId>().is_err(), "{bad}");
        }
    }
}
