//! Phone numbers in E.164 (ITU-T E.164: `+`, country code, at most 15 digits).

use std::{fmt, str::FromStr};

use thiserror::Error;

/// A plausible E.164 number. `Debug` shortens it, so that it can stand in a log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(String);

#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{given}` is no phone number: write `+`, country code and number, 8 to 15 digits, such as +4930901820")]
pub struct PhoneError {
    given: String,
}

/// Words that networks spell on the keypad when a number is withheld (ANONYMOUS, RESTRICTED,
/// BLOCKED, UNKNOWN, UNAVAILABLE); they look like numbers and must never match anybody.
const WITHHELD: [&str; 5] = ["+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"];

impl Phone {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a carrier sent as `From`: `None` when it is withheld, a word, a client or SIP address.
    pub fn from_caller(given: &str) -> Option<Self> {
        let given = given.trim();
        if WITHHELD.contains(&given) { None } else { given.parse().ok() }
    }

    /// For logs: country code and last two digits, `+49…20`.
    pub fn masked(&self) -> String {
        let country = country_code_length(&self.0);
        format!("{}…{}", &self.0[..1 + country], &self.0[self.0.len() - 2..])
    }

    /// A text, such as a provider's message, with every number in it shortened for a log.
    pub fn masked_in(text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('+') {
            let digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
            out.push_str(&rest[..at]);
            match rest[at..=at + digits].parse::<Self>() {
                Ok(phone) => out.push_str(&phone.masked()),
                Err(_) => out.push_str(&rest[at..=at + digits]),
            }
            rest = &rest[at + 1 + digits..];
        }
        out.push_str(rest);
        out
    }

    /// What somebody keys in who phones in this country: the whole number behind `00` (`011` in America), or
    /// the one of the country with or without the `0` before it.
    pub fn dialled(keys: &str, country: &str) -> Option<Self> {
        if keys.is_empty() || !keys.bytes().all(|key| key.is_ascii_digit()) {
            return None;
        }
        let prefix = if country == "1" { "011" } else { "00" };
        if let Some(whole) = keys.strip_prefix(prefix) {
            return format!("+{whole}").parse().ok();
        }
        // Italy and its neighbours keep the 0; where America dials a 1, it is the country's own.
        let national = match country {
            "39" | "378" => keys,
            "1" => keys.strip_prefix('1').filter(|rest| rest.len() == 10).unwrap_or(keys),
            _ => keys.strip_prefix('0').unwrap_or(keys),
        };
        format!("+{country}{national}").parse().ok()
    }

    pub fn country_code(&self) -> &str {
        &self.0[1..1 + country_code_length(&self.0)]
    }
}

/// Country codes are prefix-free: 1 and 7 stand alone, the two-digit ones are listed, the rest has three.
fn country_code_length(number: &str) -> usize {
    const TWO: [&str; 43] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
        "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84",
        "86", "90", "91", "92", "93", "94", "95",
    ];
    match &number[1..3] {
        code if code.starts_with('1') || code.starts_with('7') => 1,
        code if TWO.contains(&code) || code == "98" => 2,
        _ => 3,
    }
}

impl FromStr for Phone {
    type Err = PhoneError;

    fn from_str(given: &str) -> Result<Self, PhoneError> {
        let error = || PhoneError { given: given.chars().take(20).collect() };
        let digits = given.strip_prefix('+').ok_or_else(error)?;
        let plausible =
            (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        if plausible { Ok(Self(given.to_owned())) } else { Err(error()) }
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dialled_in_a_country_is_a_whole_number() {
        let dialled = |keys: &str, country: &str| Phone::dialled(keys, country).map(|phone| phone.to_string());
        assert_eq!(dialled("030555010", "49").as_deref(), Some("+4930555010"));
        assert_eq!(dialled("30555010", "49").as_deref(), Some("+4930555010"));
        assert_eq!(dialled("00442079460123", "49").as_deref(), Some("+442079460123"));
        assert_eq!(dialled("0612345678", "39").as_deref(), Some("+390612345678"));
        assert_eq!(dialled("12025550123", "1").as_deref(), Some("+12025550123"));
        assert_eq!(dialled("01149305550101", "1").as_deref(), Some("+49305550101"));
        for bad in ["", "112", "0", "000", "030*555", "0012345678901234567"] {
            assert_eq!(dialled(bad, "49"), None, "{bad}");
        }
    }

    #[test]
    fn a_withheld_number_is_no_number() {
        for given in ["anonymous", "", "+266696687", "sip:a@b", "+7378742833", "client:jo", "+12"] {
            assert_eq!(Phone::from_caller(given), None, "{given}");
        }
        assert!(Phone::from_caller("+4930555010").is_some());
    }

    #[test]
    fn logs_keep_the_country_and_two_digits() {
        let masked = |number: &str| number.parse::<Phone>().unwrap().masked();
        assert_eq!(masked("+4930901820"), "+49…20");
        assert_eq!(masked("+14158675310"), "+1…10");
        assert_eq!(masked("+35312345678"), "+353…78");
        assert_eq!(format!("{:?}", "+4930901820".parse::<Phone>().unwrap()), "+49…20");
        assert_eq!(Phone::masked_in("from +4930901820 to +1: no, +äö"), "from +49…20 to +1: no, +äö");
    }
}
