//! The code by which an SMS names an alert (`1 K7` acknowledges it).
//!
//! A code is the alert's number written with letters and digits in turn, so two alerts never share
//! one, nothing has to be stored, and it always has at least one of each. Letters and digits that
//! are mistaken for one another (0 O, 1 I L, 5 S, 8 B, 2 Z) are left out.

const LETTERS: &[u8; 19] = b"ACDEFGHJKMNPRTUVWXY";
const DIGITS: &[u8; 5] = b"34679";
const PAIRS: u64 = (LETTERS.len() * DIGITS.len()) as u64;
/// Neighbouring numbers get codes that differ in both places; coprime to 95.
const SPREAD: u64 = 37;
/// Six pairs hold 7·10¹¹ alerts.
const MAX_PAIRS: u32 = 6;

/// The code of an alert number (from 1): two signs up to 95, four up to 9,120, …
pub fn of(number: i64) -> String {
    let mut rest = u64::try_from(number).unwrap_or(0).max(1) - 1;
    let mut pairs = 1;
    while pairs < MAX_PAIRS && rest >= PAIRS.pow(pairs) {
        rest -= PAIRS.pow(pairs);
        pairs += 1;
    }
    let mut code = String::new();
    for _ in 0..pairs {
        let pair = usize::try_from(rest % PAIRS * SPREAD % PAIRS).unwrap_or(0);
        code.push(char::from(LETTERS[pair / DIGITS.len()]));
        code.push(char::from(DIGITS[pair % DIGITS.len()]));
        rest /= PAIRS;
    }
    code
}

/// The alert number that a code names; case does not matter.
pub fn number(code: &str) -> Option<i64> {
    let code = code.to_ascii_uppercase().into_bytes();
    let pairs = u32::try_from(code.len() / 2).ok()?;
    if !code.len().is_multiple_of(2) || !(1..=MAX_PAIRS).contains(&pairs) {
        return None;
    }
    let mut rest = 0;
    for pair in code.chunks(2).rev() {
        let letter = LETTERS.iter().position(|sign| *sign == pair[0])?;
        let digit = DIGITS.iter().position(|sign| *sign == pair[1])?;
        let spread = u64::try_from(letter * DIGITS.len() + digit).ok()?;
        let place = (0..PAIRS).find(|place| place * SPREAD % PAIRS == spread)?;
        rest = rest * PAIRS + place;
    }
    for shorter in 1..pairs {
        rest += PAIRS.pow(shorter);
    }
    i64::try_from(rest + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back_and_are_unlike() {
        let mut seen = std::collections::BTreeSet::new();
        for given in (1..20_000).chain([1_000_000, 80_000_000]) {
            let code = of(given);
            assert_eq!(number(&code), Some(given), "{code}");
            assert_eq!(number(&code.to_lowercase()), Some(given));
            assert!(code.bytes().any(|b| b.is_ascii_digit()) && code.bytes().any(|b| b.is_ascii_alphabetic()));
            assert!(seen.insert(code));
        }
        assert_eq!(of(1).len(), 2);
        assert_eq!(of(95).len(), 2);
        assert_eq!(of(96).len(), 4);
    }

    #[test]
    fn what_is_no_code_names_nothing() {
        for bad in ["", "K", "77", "KK", "7K", "O0", "K7K", "K7K7K7K7K7K7K7"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
