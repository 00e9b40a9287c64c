//! What the connections of one worker share.

use std::cell::{Cell, RefCell};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::wire::Scratch;

/// Shared by one worker's connections.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) scratch: Scratch,
    pub(super) date: Date,
}

/// The time as the field Date has it (RFC 9110 section 5.6.7), written anew once a second.
#[derive(Debug, Default)]
pub(super) struct Date {
    second: Cell<u64>,
    text: RefCell<String>,
}

impl Date {
    pub(super) fn with<R>(&self, use_it: impl FnOnce(&[u8]) -> R) -> R {
        let now = SystemTime::now();
        let second = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if self.second.replace(second) != second || self.text.borrow().is_empty() {
            *self.text.borrow_mut() = httpdate::fmt_http_date(now);
        }
        use_it(self.text.borrow().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn the_date_is_now() {
        let date = Date::default();
        let told = date.with(|text| String::from_utf8(text.to_vec()).unwrap());
        let told = httpdate::parse_http_date(&told).unwrap();
        assert!(told.elapsed().unwrap().as_secs() < 60);
    }
}
