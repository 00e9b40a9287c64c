//! Chunked bodies (RFC 9112 section 7.1), read strictly and a piece at a time.
//!
//! Sizes are hexadecimal digits and nothing else; a line ends in CRLF and nothing else (CVE-2025-22871, CVE-2025-55315:
//! a bare LF in an extension); extensions are bounded and dropped, for the body is written anew.

use bytes::{Buf as _, Bytes, BytesMut};
use http::HeaderMap;

use super::fields;

/// The most digits of a size, and the largest one. What fits 64 bits only without a sign is negative to some.
const DIGITS: u8 = 16;
const LARGEST: u64 = i64::MAX as u64;
/// The most bytes of extensions in one body, all chunks together.
const EXTENSIONS: usize = 4 << 10;
/// The largest trailer section, in bytes and in fields.
const TRAILERS: usize = 8 << 10;
const TRAILER_FIELDS: usize = 64;
/// A piece is handed on when it has grown to this, however much more there is.
const PIECE: usize = 64 << 10;

/// What is wrong with the chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChunkFault(pub(super) &'static str);

/// What comes next out of the chunks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Data(Bytes),
    /// The end, with what fields stand behind it.
    End(HeaderMap),
    /// More bytes are wanted.
    More,
}

/// Reads chunks.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    state: State,
    extensions: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// In a size, of which so many digits have come.
    #[default]
    Begin,
    Size(u64, u8),
    /// Behind a size, in what extends it.
    Extension(u64),
    /// Behind the CR of a size's line.
    SizeEnd(u64),
    Data(u64),
    DataCr,
    DataLf,
    /// In the trailer section, which has been searched so far.
    Trailers(usize),
}

impl Chunks {
    /// Takes what there is. All chunks that are there come as one piece, and a fault behind them comes in their place:
    /// what is broken is not begun to be sent where that can be seen in time.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Result<Next, ChunkFault> {
        let mut data: Option<Data> = None;
        loop {
            if let State::Data(left) = self.state {
                let length = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                if length == 0 {
                    return Ok(more(data));
                }
                let piece = buffer.split_to(length);
                self.state = if left > length as u64 { State::Data(left - length as u64) } else { State::DataCr };
                data = Some(data.map_or_else(|| Data::One(piece.clone()), |data| data.and(&piece)));
                if data.as_ref().is_some_and(|data| data.len() >= PIECE) {
                    return Ok(more(data));
                }
                continue;
            }
            if let State::Trailers(searched) = self.state {
                let end = trailers_end(buffer, searched)?;
                if data.is_none() {
                    return self.trailers(buffer, end);
                }
                if let Some(end) = end {
                    // Only looked at: they come when the data has been taken.
                    trailers(&Bytes::copy_from_slice(buffer.get(..end).unwrap_or_default()))?;
                }
                return Ok(more(data));
            }
            let Some(byte) = buffer.first().copied() else {
                return Ok(more(data));
            };
            buffer.advance(1);
            self.state = self.step(byte)?;
        }
    }

    /// One byte of what stands between the data.
    fn step(&mut self, byte: u8) -> Result<State, ChunkFault> {
        Ok(match (self.state, byte) {
            (State::Begin, _) => State::Size(digit(byte)?, 1),
            (State::Size(size, _), b'\r') => State::SizeEnd(size),
            (State::Size(size, _), b';') => self.extension(size)?,
            (State::Size(_, DIGITS), _) => return Err(ChunkFault("a chunk's size has too many digits")),
            (State::Size(size, digits), _) => State::Size(longer(size, byte)?, digits + 1),
            (State::Extension(size), b'\r') => State::SizeEnd(size),
            (State::Extension(size), b'\t' | b' '..=b'~') => self.extension(size)?,
            (State::Extension(_), _) => return Err(ChunkFault("a chunk's extension has a control character")),
            (State::SizeEnd(0), b'\n') => State::Trailers(0),
            (State::SizeEnd(size), b'\n') => State::Data(size),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Begin,
            (State::SizeEnd(_) | State::DataCr | State::DataLf, _) => {
                return Err(ChunkFault("a chunk is not where it should end"));
            }
            // Handled by the caller, who sees whole pieces of these.
            (State::Data(_) | State::Trailers(_), _) => self.state,
        })
    }

    fn extension(&mut self, size: u64) -> Result<State, ChunkFault> {
        self.extensions += 1;
        if self.extensions > EXTENSIONS {
            return Err(ChunkFault("there is more of chunk extensions than of anything"));
        }
        Ok(State::Extension(size))
    }

    fn trailers(&mut self, buffer: &mut BytesMut, end: Option<usize>) -> Result<Next, ChunkFault> {
        let Some(end) = end else {
            self.state = State::Trailers(buffer.len());
            return Ok(Next::More);
        };
        self.state = State::Begin;
        trailers(&buffer.split_to(end).freeze()).map(Next::End)
    }
}

/// Where the trailer section ends, if it has come as a whole.
fn trailers_end(buffer: &[u8], searched: usize) -> Result<Option<usize>, ChunkFault> {
    let end = fields::end(buffer, searched).map_err(|_| MALFORMED_TRAILERS)?;
    if end.unwrap_or(buffer.len()) > TRAILERS {
        return Err(ChunkFault("the trailers are too large"));
    }
    Ok(end)
}

fn trailers(section: &Bytes) -> Result<HeaderMap, ChunkFault> {
    fields::read(section, TRAILER_FIELDS).map_err(|_| MALFORMED_TRAILERS)
}

const MALFORMED_TRAILERS: ChunkFault = ChunkFault("the trailers are malformed");

/// A size with one more digit.
fn longer(size: u64, byte: u8) -> Result<u64, ChunkFault> {
    let size = size << 4 | digit(byte)?;
    if size > LARGEST { Err(ChunkFault("a chunk's size is too large")) } else { Ok(size) }
}

fn digit(byte: u8) -> Result<u64, ChunkFault> {
    char::from(byte).to_digit(16).map(u64::from).ok_or(ChunkFault("a chunk's size is no hexadecimal number"))
}

fn more(data: Option<Data>) -> Next {
    match data {
        None => Next::More,
        Some(Data::One(piece)) | Some(Data::Several(piece)) => Next::Data(piece.freeze()),
    }
}

/// The data of the chunks so far. That of the usual one chunk is not copied.
enum Data {
    One(BytesMut),
    Several(BytesMut),
}

impl Data {
    fn and(self, piece: &[u8]) -> Self {
        let mut all = match self {
            Self::Several(all) => all,
            Self::One(first) => {
                let mut all = BytesMut::with_capacity(PIECE.min(first.len() + 8 * piece.len()));
                all.extend_from_slice(&first);
                all
            }
        };
        all.extend_from_slice(piece);
        Self::Several(all)
    }

    fn len(&self) -> usize {
        match self {
            Self::One(data) | Self::Several(data) => data.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use http::HeaderMap;

    use super::{ChunkFault, Chunks, Next};

    /// The data, the trailers, and what is left.
    type Whole = (Vec<u8>, Option<HeaderMap>, Vec<u8>);

    /// Reads a body that comes in pieces of this size.
    fn read(body: &[u8], step: usize) -> Result<Whole, ChunkFault> {
        let (mut chunks, mut buffer, mut data) = (Chunks::default(), BytesMut::new(), Vec::new());
        let mut pieces = body.chunks(step);
        loop {
            match chunks.next(&mut buffer)? {
                Next::Data(piece) => data.extend_from_slice(&piece),
                Next::End(trailers) => {
                    let rest = pieces.flatten().copied();
                    return Ok((data, Some(trailers), buffer.iter().copied().chain(rest).collect()));
                }
                Next::More => match pieces.next() {
                    Some(piece) => buffer.extend_from_slice(piece),
                    None => return Ok((data, None, buffer.to_vec())),
                },
            }
        }
    }

    #[test]
    fn chunks_are_joined_however_they_come() {
        let body = b"1\r\na\r\n3;x=\"y;z\"\r\nbcd\r\n0A\r\n0123456789\r\n000;e\r\nX-Sum: 7\r\n\r\nGET";
        for step in 1..=body.len() {
            let (data, trailers, rest) = read(body, step).unwrap();
            assert_eq!((&data[..], &rest[..]), (&b"abcd0123456789"[..], &b"GET"[..]), "{step}");
            assert_eq!(trailers.unwrap().get("x-sum").unwrap(), "7");
        }
        assert_eq!(read(b"0\r\n\r\n", 1).unwrap().1, Some(HeaderMap::new()));
        assert_eq!(read(b"5\r\nab", 1).unwrap(), (b"ab".to_vec(), None, Vec::new()));
    }

    #[test]
    fn what_stands_between_the_data_has_one_reading() {
        for body in [
            &b"0x1\r\na\r\n0\r\n\r\n"[..],
            b"+1\r\na\r\n0\r\n\r\n",
            b"-1\r\na\r\n0\r\n\r\n",
            b" 1\r\na\r\n0\r\n\r\n",
            b"1 \r\na\r\n0\r\n\r\n",
            b"1_\r\na\r\n0\r\n\r\n",
            b"\r\na\r\n0\r\n\r\n",
            b"g\r\na\r\n0\r\n\r\n",
            b";x\r\na\r\n0\r\n\r\n",
            b"1\na\r\n0\r\n\r\n",
            b"1\r\na\n0\r\n\r\n",
            b"1\r\nab\r\n0\r\n\r\n",
            b"1\r\na0\r\n\r\n",
            b"1\rxa\r\n0\r\n\r\n",
            b"1\r\na\rx0\r\n\r\n",
            b"1;x\na\r\n0\r\n\r\n",
            b"1;x\r\r\na\r\n0\r\n\r\n",
            b"1;\0\r\na\r\n0\r\n\r\n",
            b"1;\xff\r\na\r\n0\r\n\r\n",
            b"00000000000000001\r\na",
            b"8000000000000000\r\na",
            b"ffffffffffffffff\r\na",
            b"0\r\nX: a\n\r\n",
            b"0\r\n X: a\r\n\r\n",
            b"0\r\nX : a\r\n\r\n",
            b"0\r\nX\r\n\r\n",
            b"0\n\r\n",
        ] {
            for step in [1, body.len()] {
                assert!(read(body, step).is_err(), "{:?}", String::from_utf8_lossy(body));
            }
        }
    }

    #[test]
    fn a_fault_is_seen_before_the_data_in_front_of_it() {
        let mut chunks = Chunks::default();
        assert!(chunks.next(&mut BytesMut::from(&b"1\r\na\r\n1\r\nb\r\nx"[..])).is_err());
        for trailers in [&b"X: a\nb\r\n\r\n"[..], b"X : a\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\n"] {
            let body = [b"1\r\na\r\n0\r\n", trailers].concat();
            assert!(Chunks::default().next(&mut BytesMut::from(&body[..])).is_err(), "{trailers:?}");
        }
    }

    #[test]
    fn nothing_grows_without_bound() {
        assert!(read(&[b"1;".to_vec(), vec![b'x'; 5000], b"\r\na\r\n".to_vec()].concat(), 100).is_err());
        assert!(read(&b"1;xxxxxxxxxx\r\na\r\n".repeat(500), 100).is_err(), "in all chunks together");
        assert!(read(&[&b"0\r\nX: "[..], &[b'x'; 9000]].concat(), 100).is_err());
        assert!(read(&[&b"0\r\n"[..], &b"X: y\r\n".repeat(65), b"\r\n"].concat(), 100).is_err());
    }
}
