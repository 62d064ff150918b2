//! Durations as files write them: `30s`, `5m`, `4h`, `2d`; whole, from one second.

use chrono::TimeDelta;

/// The longest that a file may say: a year.
const MAX_DAYS: i64 = 366;

pub fn parse(given: &str) -> Result<TimeDelta, String> {
    let error = || {
        format!(
            "`{}` is no duration: write a whole number and s, m, h or d, from 1s to {MAX_DAYS}d, such as 30s or 5m",
            given.chars().take(20).collect::<String>()
        )
    };
    let unit = given.chars().last().ok_or_else(error)?;
    let count = given.strip_suffix(unit).unwrap_or_default();
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(error()),
    };
    let digits = !count.is_empty() && count.len() <= 9 && count.bytes().all(|b| b.is_ascii_digit());
    let total = digits.then(|| count.parse::<i64>().ok()).flatten().map(|count| count * seconds);
    match total {
        Some(total) if (1..=MAX_DAYS * 86_400).contains(&total) => Ok(TimeDelta::seconds(total)),
        _ => Err(error()),
    }
}

/// The shortest way to write it that loses nothing: 90 s are `90s`, 120 s are `2m`.
pub fn write(duration: TimeDelta) -> String {
    let seconds = duration.num_seconds();
    match seconds {
        s if s != 0 && s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s != 0 && s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s != 0 && s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_and_from_one_second() {
        for (text, seconds) in [("1s", 1), ("90s", 90), ("5m", 300), ("4h", 14_400), ("2d", 172_800)] {
            assert_eq!(parse(text), Ok(TimeDelta::seconds(seconds)), "{text}");
        }
        for bad in ["", "0s", "5", "m", "-1m", "1.5h", "1 m", "9999999999s", "1w", "367d", "٣s", "5µ"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for seconds in [1, 59, 60, 90, 3_600, 5_400, 86_400, 172_800] {
            let duration = TimeDelta::seconds(seconds);
            assert_eq!(parse(&write(duration)), Ok(duration));
        }
    }
}
