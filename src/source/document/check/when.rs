//! Points in time, as RFC 3339 writes them.

use std::time::SystemTime;

use jiff::Timestamp;

use super::super::fields::Text;
use super::super::report::{Report, quote};

/// Reads `2026-12-31T23:59:59Z`, or `2026-12-31` for the first moment of that day in UTC.
pub(super) fn moment(text: Text<'_>, report: &mut Report<'_>) -> Option<SystemTime> {
    let read = parse(text.value);
    if read.is_none() {
        let message = format!("{} is no point in time", quote(text.value));
        // Without an offset, a time is another moment in every time zone.
        let help = if parse(&format!("{}Z", text.value)).is_some() {
            format!("say in which time zone: {}", quote(&format!("{}Z", text.value)))
        } else {
            "write a date such as 2026-12-31, or a date and time such as 2026-12-31T18:00:00Z".to_owned()
        };
        report.helped(text.span, message, || Some(help));
    }
    read
}

fn parse(text: &str) -> Option<SystemTime> {
    // The parser knows more forms than RFC 3339 has; these are its own characters.
    if !text.chars().all(|c| c.is_ascii_digit() || "-+:.TtZz ".contains(c)) {
        return None;
    }
    let moment: Timestamp =
        if text.len() == "2026-12-31".len() { format!("{text}T00:00:00Z").parse().ok()? } else { text.parse().ok()? };
    SystemTime::try_from(moment).ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::parse;

    #[test]
    fn moments_are_rfc_3339() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("1970-01-02", 86_400),
            ("1970-01-01T00:01:00Z", 60),
            ("1970-01-01 00:01:00z", 60),
            ("1970-01-01T02:00:00+01:00", 3600),
            ("1970-01-01T00:00:01.0Z", 1),
        ] {
            assert_eq!(parse(text), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), "{text}");
        }
        for bad in [
            "",
            "soon",
            "1970",
            "1970-13-01",
            "1970-02-30",
            "1970-01-01T00:00:00",
            "12:00",
            "1970-01-01T00:00:00Z[UTC]",
            "19700101",
            "1970-1-1",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
