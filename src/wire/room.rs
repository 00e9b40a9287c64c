//! How much of a body is read at once.

use std::time::Duration;

/// As much as a body is read by at first: some records of TLS, and few system calls.
pub(crate) const LEAST: usize = 64 << 10;
/// As much as it is ever read by. More saves no time that can be measured.
pub(crate) const MOST: usize = 256 << 10;
/// Who has not passed on what was read after this time does not keep up, and what is read then lies in memory meanwhile.
const SOON: Duration = Duration::from_millis(25);

/// The room for the next piece of a body: it grows as long as the sender fills it and the receiver keeps up.
#[derive(Debug)]
pub(crate) struct Room {
    bytes: usize,
    most: usize,
}

impl Room {
    /// For the only body that its receiver reads.
    pub(crate) fn growing() -> Self {
        Self { bytes: LEAST, most: MOST }
    }

    /// For one of several bodies side by side, of which all may be left unread after a good beginning.
    pub(crate) fn fixed() -> Self {
        Self { bytes: LEAST, most: LEAST }
    }

    /// In bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A piece of so many bytes has come, so long after the one before it.
    pub(crate) fn filled(&mut self, read: usize, after: Duration) {
        if after > SOON {
            self.bytes = LEAST;
        } else if read >= self.bytes {
            self.bytes = (2 * self.bytes).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Room;

    #[test]
    fn it_grows_for_who_keeps_up_and_shrinks_for_who_does_not() {
        let (mut room, soon, late) = (Room::growing(), Duration::from_millis(1), Duration::from_millis(100));
        let mut after = |read, time| {
            room.filled(read, time);
            room.bytes() >> 10
        };
        assert_eq!(after(10 << 10, soon), 64, "there was not as much");
        assert_eq!(after(64 << 10, soon), 128);
        assert_eq!(after(64 << 10, soon), 128);
        assert_eq!(after(128 << 10, soon), 256);
        assert_eq!(after(256 << 10, soon), 256, "and no more");
        assert_eq!(after(256 << 10, late), 64);
        assert_eq!(after(64 << 10, late), 64);
        let mut beside_others = Room::fixed();
        beside_others.filled(64 << 10, soon);
        assert_eq!(beside_others.bytes() >> 10, 64);
    }
}
