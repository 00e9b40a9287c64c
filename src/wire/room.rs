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
pub(crate) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(LEAST)
    }
}

impl Room {
    /// In bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.0
    }

    /// A piece of so many bytes has come, so long after the one before it.
    pub(crate) fn filled(&mut self, read: usize, after: Duration) {
        if after > SOON {
            self.0 = LEAST;
        } else if read >= self.0 {
            self.0 = (2 * self.0).min(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Room;

    #[test]
    fn it_grows_for_who_keeps_up_and_shrinks_for_who_does_not() {
        let (mut room, soon, late) = (Room::default(), Duration::from_millis(1), Duration::from_millis(100));
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
    }
}
