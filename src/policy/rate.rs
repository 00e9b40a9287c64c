//! How many requests are allowed in a unit of time: `600/minute`.
//!
//! Read by `source::document` and by the settings; kept to by `gate`. It knows no clock.

use std::fmt;
use std::num::NonZeroU32;

/// More than anything here could serve, and few enough that one request still takes a nanosecond or more.
const MOST: u32 = 1_000_000;

/// A number of requests in a unit of time. All of them may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: NonZeroU32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
}

impl Unit {
    const ALL: [Self; 3] = [Self::Second, Self::Minute, Self::Hour];

    const fn word(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
        }
    }

    const fn nanoseconds(self) -> u64 {
        match self {
            Self::Second => 1_000_000_000,
            Self::Minute => 60_000_000_000,
            Self::Hour => 3_600_000_000_000,
        }
    }
}

/// Why a text is not a rate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateError {
    /// Not a number, a slash and a unit of time.
    Form,
    /// Nothing, or more than can be served.
    Count,
    /// A unit that there is not, and the rate that was probably meant.
    Unit(Box<str>, Option<Rate>),
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("a rate is a number and a unit of time, such as \"600/minute\""),
            Self::Count => write!(f, "the number of a rate is from 1 to {MOST}"),
            Self::Unit(unit, _) => write!(f, "{unit:?} is no unit of time: there are second, minute, hour"),
        }
    }
}

impl std::error::Error for RateError {}

impl Rate {
    /// Reads a rate.
    ///
    /// # Errors
    /// [`RateError`], with the rate that was probably meant where the unit is misspelt.
    pub fn parse(text: &str) -> Result<Self, RateError> {
        let (digits, unit) = text.split_once('/').ok_or(RateError::Form)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(RateError::Form);
        }
        let count = digits.parse().ok().filter(|count| *count <= MOST).and_then(NonZeroU32::new);
        let count = count.ok_or(RateError::Count)?;
        match Unit::ALL.into_iter().find(|known| known.word() == unit) {
            Some(unit) => Ok(Self { count, unit }),
            None => Err(RateError::Unit(unit.into(), meant(unit).map(|unit| Self { count, unit }))),
        }
    }

    /// How many requests may come at once.
    #[must_use]
    pub fn burst(self) -> u64 {
        self.count.get().into()
    }

    /// After how many nanoseconds one more is allowed.
    #[must_use]
    pub fn interval(self) -> u64 {
        self.unit.nanoseconds() / self.burst()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.unit.word())
    }
}

/// The unit that begins with the same letter: `min`, `M` and `minutes` are all minutes.
fn meant(unit: &str) -> Option<Unit> {
    let first = |word: &str| word.bytes().next().map(|byte| byte.to_ascii_lowercase());
    Unit::ALL.into_iter().find(|known| first(known.word()) == first(unit))
}

#[cfg(test)]
mod tests {
    use super::{Rate, RateError};

    #[test]
    fn a_rate_is_written_as_it_is_read() {
        for (text, burst, interval) in [
            ("1/second", 1, 1_000_000_000),
            ("600/minute", 600, 100_000_000),
            ("7/second", 7, 142_857_142),
            ("1/hour", 1, 3_600_000_000_000),
            ("1000000/second", 1_000_000, 1000),
        ] {
            let rate = Rate::parse(text).unwrap();
            assert_eq!((rate.burst(), rate.interval(), rate.to_string().as_str()), (burst, interval, text));
        }
    }

    #[test]
    fn what_is_no_rate_says_why() {
        for form in ["", "600", "/minute", "600 /minute", "-1/second", "+1/second", "1.5/second", "x/second", "١/hour"]
        {
            assert_eq!(Rate::parse(form), Err(RateError::Form), "{form}");
        }
        for count in ["0/second", "1000001/hour", "99999999999999999999/second"] {
            assert_eq!(Rate::parse(count), Err(RateError::Count), "{count}");
        }
        for (text, meant) in [
            ("600/min", Some("600/minute")),
            ("600/Minute", Some("600/minute")),
            ("5/s", Some("5/second")),
            ("5/hours", Some("5/hour")),
            ("5/day", None),
            ("5/ minute", None),
            ("5/", None),
        ] {
            let Err(RateError::Unit(_, found)) = Rate::parse(text) else { panic!("{text}") };
            assert_eq!(found.map(|rate| rate.to_string()).as_deref(), meant, "{text}");
        }
    }
}
