//! PINs: digit strings (leading zeros count) of 6 to 10 digits, never shown, kept only as argon2id hashes.

use std::fmt;

/// A PIN in the clear, on its way to a hash. It has no `Display`, and `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

/// An argon2id hash in PHC form.
#[derive(Clone, PartialEq, Eq)]
pub struct PinHash(String);

pub const DIGITS_MIN: usize = 6;
pub const DIGITS_MAX: usize = 10;

impl Pin {
    /// What a caller keyed in; `None` when it cannot be a PIN at all.
    pub fn keyed(digits: &str) -> Option<Self> {
        let fits = (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| Self(digits.to_owned()))
    }

    /// What an MSP declares: refuses also what thieves try first.
    pub fn declared(digits: &str) -> Result<Self, &'static str> {
        let pin = Self::keyed(digits).ok_or("a PIN is 6 to 10 digits, as a string")?;
        if is_popular(digits.as_bytes()) {
            return Err("this PIN is among the first that a thief tries (one digit, a run, a repeated pair or half)");
        }
        Ok(pin)
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// One digit repeated, a run up or down (with wrap-around), a repeated block (`121212`, `123123`), or mirrored
/// pairs as in `112233`.
fn is_popular(digits: &[u8]) -> bool {
    let step = |by: u8| digits.windows(2).all(|pair| (pair[0] - b'0' + by) % 10 == pair[1] - b'0');
    let block =
        |size: usize| digits.len().is_multiple_of(size) && digits.chunks(size).all(|chunk| chunk == &digits[..size]);
    let doubled = digits.len().is_multiple_of(2)
        && digits.chunks(2).all(|pair| pair[0] == pair[1])
        && digits.chunks(2).collect::<Vec<_>>().windows(2).all(|two| two[0][0].abs_diff(two[1][0]) <= 1);
    step(0) || step(1) || step(9) || block(1) || block(2) || block(3) || doubled
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

impl PinHash {
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PinHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn popular_pins_are_refused() {
        for bad in
            ["000000", "123456", "987654", "121212", "123123", "112233", "12345", "12345678901", "12a456", "789012"]
        {
            assert!(Pin::declared(bad).is_err(), "{bad}");
        }
        for good in ["048213", "739105", "0482139"] {
            assert!(Pin::declared(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_pin_never_shows() {
        assert_eq!(format!("{:?}", Pin::keyed("048213")), "Some(Pin(…))");
    }
}
