//! Durations and sizes with their units: `"250ms"`, `"10s"`, `"64KiB"`.
//!
//! Called by the checks of the settings. Which values make sense where is not known here.

use std::time::Duration;

use super::value::{RawDuration, RawSize, Scalar};

/// Milliseconds in each unit of time.
const TIME: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Bytes in each unit of size.
const SIZE: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UnitError {
    /// It is no whole number with a unit behind it.
    Form,
    /// A number without a unit.
    NoUnit(u64),
    /// A unit that there is not, with the nearest that there is.
    Unknown(Box<str>, Option<&'static str>),
    /// More than 64 bits hold.
    TooMuch,
}

/// An amount in units: what `raw` holds as written, and `limits` as a value.
pub(super) trait Amount {
    /// What it comes to.
    type Value: PartialOrd + Copy;
    /// An example, for those who wrote something else.
    const EXAMPLE: &'static str;
    /// The units, smallest first.
    const UNITS: &'static [(&'static str, u64)];

    /// What was written.
    fn scalar(&self) -> &Scalar;

    /// What it comes to.
    ///
    /// # Errors
    /// [`UnitError`].
    fn value(&self) -> Result<Self::Value, UnitError>;

    /// How a value is written.
    fn write(value: Self::Value) -> String;
}

impl Amount for RawDuration {
    type Value = Duration;
    const EXAMPLE: &'static str = "10s";
    const UNITS: &'static [(&'static str, u64)] = &TIME;

    fn scalar(&self) -> &Scalar {
        &self.0
    }

    fn value(&self) -> Result<Duration, UnitError> {
        let milliseconds = match split(&self.0)? {
            (number, "") => Err(UnitError::NoUnit(number)),
            (number, unit) => scale(number, unit, &TIME),
        };
        milliseconds.map(Duration::from_millis)
    }

    fn write(value: Duration) -> String {
        write(u64::try_from(value.as_millis()).unwrap_or(u64::MAX), &TIME)
    }
}

impl Amount for RawSize {
    type Value = u64;
    const EXAMPLE: &'static str = "64KiB";
    const UNITS: &'static [(&'static str, u64)] = &SIZE;

    fn scalar(&self) -> &Scalar {
        &self.0
    }

    fn value(&self) -> Result<u64, UnitError> {
        match split(&self.0)? {
            (number, "") => Ok(number),
            (number, unit) => scale(number, unit, &SIZE),
        }
    }

    fn write(value: u64) -> String {
        write(value, &SIZE)
    }
}

/// The number and the unit behind it.
fn split(scalar: &Scalar) -> Result<(u64, &str), UnitError> {
    let text = match scalar {
        Scalar::Number(number) => return u64::try_from(*number).map(|n| (n, "")).map_err(|_| UnitError::Form),
        Scalar::Text(text) => text,
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or(UnitError::Form)?;
    if number.is_empty() || !unit.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(UnitError::Form);
    }
    Ok((number.parse().map_err(|_| UnitError::TooMuch)?, unit))
}

fn scale(number: u64, unit: &str, units: &[(&'static str, u64)]) -> Result<u64, UnitError> {
    match units.iter().find(|(name, _)| *name == unit) {
        Some((_, scale)) => number.checked_mul(*scale).ok_or(UnitError::TooMuch),
        None => Err(UnitError::Unknown(unit.into(), meant(unit, units))),
    }
}

/// The unit that was probably meant: the same first letter, in upper or lower case.
fn meant(unit: &str, units: &[(&'static str, u64)]) -> Option<&'static str> {
    let first = |name: &str| name.chars().next().map(|c| c.to_ascii_lowercase());
    let same = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
    // "m" begins both "ms" and "m": whoever writes "minutes" or "min" means the latter.
    let begun = || units.iter().filter(|(name, _)| first(name) == first(unit)).min_by_key(|(name, _)| name.len());
    same.or_else(begun).map(|(name, _)| *name)
}

/// In the largest unit that leaves no remainder.
fn write(value: u64, units: &[(&'static str, u64)]) -> String {
    let whole = units.iter().rev().find(|(_, scale)| value > 0 && value.is_multiple_of(*scale));
    match whole.or_else(|| units.first()) {
        Some((unit, scale)) => format!("{}{unit}", value / scale),
        None => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Amount, RawDuration, RawSize, Scalar, UnitError};

    fn duration(text: &str) -> Result<Duration, UnitError> {
        RawDuration(Scalar::Text(text.into())).value()
    }

    fn size(text: &str) -> Result<u64, UnitError> {
        RawSize(Scalar::Text(text.into())).value()
    }

    #[test]
    fn durations_have_units() {
        for (text, milliseconds) in [
            ("250ms", 250),
            ("0s", 0),
            ("10s", 10_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("1d", 86_400_000),
            ("090s", 90_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        assert_eq!(RawDuration(Scalar::Number(5)).value(), Err(UnitError::NoUnit(5)));
    }

    #[test]
    fn sizes_are_binary_or_plain() {
        for (text, bytes) in
            [("0", 0), ("512", 512), ("512B", 512), ("64KiB", 65536), ("10MiB", 10 << 20), ("1GiB", 1 << 30)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        assert_eq!(RawSize(Scalar::Number(4096)).value(), Ok(4096));
    }

    #[test]
    fn what_is_no_amount_says_why() {
        let unknown = |unit: &str, meant| Err(UnitError::Unknown(unit.into(), meant));
        for (text, error) in [
            ("", Err(UnitError::Form)),
            ("s", Err(UnitError::Form)),
            ("-1s", Err(UnitError::Form)),
            ("+1s", Err(UnitError::Form)),
            ("1.5s", Err(UnitError::Form)),
            ("1 s", Err(UnitError::Form)),
            ("1s ", Err(UnitError::Form)),
            ("1m30s", Err(UnitError::Form)),
            ("١s", Err(UnitError::Form)),
            ("15", Err(UnitError::NoUnit(15))),
            ("15sec", unknown("sec", Some("s"))),
            ("15S", unknown("S", Some("s"))),
            ("15min", unknown("min", Some("m"))),
            ("15w", unknown("w", None)),
            ("99999999999999999999s", Err(UnitError::TooMuch)),
            ("9999999999999999h", Err(UnitError::TooMuch)),
        ] {
            assert_eq!(duration(text), error, "{text}");
        }
        for (text, meant) in
            [("1KB", "KiB"), ("1k", "KiB"), ("1kib", "KiB"), ("1MB", "MiB"), ("1G", "GiB"), ("1b", "B")]
        {
            assert_eq!(size(text), Err(UnitError::Unknown(text[1..].into(), Some(meant))), "{text}");
        }
        assert_eq!(RawSize(Scalar::Number(-1)).value(), Err(UnitError::Form));
    }

    #[test]
    fn a_value_is_written_as_it_is_read() {
        for text in ["0ms", "250ms", "10s", "90s", "5m", "23h", "180d"] {
            assert_eq!(RawDuration::write(duration(text).unwrap()), text);
        }
        for text in ["0B", "1000B", "8KiB", "1MiB", "3GiB"] {
            assert_eq!(RawSize::write(size(text).unwrap()), text);
        }
    }
}
