//! Times as audit lines have them.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// Writes times down: RFC 3339 in UTC, with all six digits of the microseconds, so that lines sort as text.
///
/// Nearly every line belongs to the same second as the one before, so a second's text is kept for the next.
#[derive(Debug, Default)]
pub struct Stamps {
    /// In seconds since 1970; `None` where no text is kept.
    second: Option<u64>,
    /// Up to the point: `2026-07-01T00:00:00`.
    text: String,
}

impl Stamps {
    /// Appends a time, or nothing where the calendar does not reach that far; says whether it did.
    pub(super) fn write(&mut self, time: SystemTime, out: &mut Vec<u8>) -> bool {
        let Ok(since) = time.duration_since(UNIX_EPOCH) else {
            return earlier(time, out);
        };
        let second = since.as_secs();
        if self.second != Some(second) {
            let Ok(whole) = i64::try_from(second).map_err(drop).and_then(stamp) else {
                return false;
            };
            (self.second, self.text) = (Some(second), whole);
        }
        out.extend_from_slice(self.text.as_bytes());
        // The microseconds with a one before them, so that all six digits are there; the point takes the one's place.
        let place = out.len();
        out.extend_from_slice(itoa::Buffer::new().format(1_000_000 + since.subsec_micros()).as_bytes());
        if let Some(one) = out.get_mut(place) {
            *one = b'.';
        }
        out.push(b'Z');
        true
    }
}

/// The text of a whole second, without its `Z`.
fn stamp(second: i64) -> Result<String, ()> {
    let text = jiff::Timestamp::from_second(second).map_err(drop)?.to_string();
    Ok(text.trim_end_matches('Z').to_owned())
}

/// A time before 1970: no clock that is right shows one.
fn earlier(time: SystemTime, out: &mut Vec<u8>) -> bool {
    let Ok(time) = jiff::Timestamp::try_from(time) else { return false };
    // Writing to memory cannot fail.
    let _ = write!(out, "{time:.6}");
    true
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::Stamps;

    #[test]
    fn times_keep_their_form_in_any_order() {
        let mut stamps = Stamps::default();
        let second = Duration::from_secs(951_827_696);
        for (time, text) in [
            (UNIX_EPOCH, "1970-01-01T00:00:00.000000Z"),
            (UNIX_EPOCH + Duration::from_micros(999_999), "1970-01-01T00:00:00.999999Z"),
            (UNIX_EPOCH - Duration::from_millis(1), "1969-12-31T23:59:59.999000Z"),
            (UNIX_EPOCH + second, "2000-02-29T12:34:56.000000Z"),
            (UNIX_EPOCH + second + Duration::from_nanos(42_999), "2000-02-29T12:34:56.000042Z"),
            (UNIX_EPOCH + Duration::from_secs(253_402_207_199), "9999-12-30T21:59:59.000000Z"),
            (UNIX_EPOCH, "1970-01-01T00:00:00.000000Z"),
        ] {
            let mut out = b"at ".to_vec();
            assert!(stamps.write(time, &mut out), "{time:?}");
            assert_eq!(String::from_utf8(out).unwrap(), format!("at {text}"));
        }
    }

    #[test]
    fn what_no_calendar_has_is_left_out() {
        let (mut stamps, mut out) = (Stamps::default(), Vec::new());
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 60);
        assert!(!stamps.write(far, &mut out) && out.is_empty());
        assert!(stamps.write(UNIX_EPOCH, &mut out));
    }
}
