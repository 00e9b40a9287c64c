//! Reading a body by its framing.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use super::chunks::{Chunks, Next};
use super::framing::Framing;

/// Reads one body out of what a connection brings.
#[derive(Debug)]
pub(crate) struct BodyDecoder(State);

#[derive(Debug)]
enum State {
    /// So many bytes are to come.
    Sized(u64),
    Chunked(Chunks),
    UntilClose,
    Done,
}

/// The next piece of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Data(Bytes),
    /// What stands behind the data. The end is next.
    Trailers(HeaderMap),
    End,
    /// More bytes are wanted.
    More,
}

/// Why a body breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// The connection ended before the body did.
    Incomplete,
    /// Says what is wrong with the chunks.
    Malformed(&'static str),
}

impl BodyDecoder {
    pub(crate) fn new(framing: Framing) -> Self {
        Self(match framing {
            Framing::Nothing | Framing::Sized(0) => State::Done,
            Framing::Sized(length) => State::Sized(length),
            Framing::Chunked => State::Chunked(Chunks::default()),
            Framing::UntilClose => State::UntilClose,
        })
    }

    /// Whether the body has been read to its end.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.0, State::Done)
    }

    /// Takes what there is of the body, at once where there is all of it.
    ///
    /// # Errors
    /// [`BodyFault::Malformed`]; nothing that follows on the connection can be trusted then.
    pub(crate) fn take(&mut self, buffer: &mut BytesMut) -> Result<Piece, BodyFault> {
        match &mut self.0 {
            State::Done => Ok(Piece::End),
            State::Sized(_) | State::UntilClose if buffer.is_empty() => Ok(Piece::More),
            State::UntilClose => Ok(Piece::Data(buffer.split().freeze())),
            State::Sized(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
                *left = left.saturating_sub(length as u64);
                if *left == 0 {
                    self.0 = State::Done;
                }
                Ok(Piece::Data(buffer.split_to(length).freeze()))
            }
            State::Chunked(chunks) => match chunks.next(buffer) {
                Err(fault) => Err(BodyFault::Malformed(fault.0)),
                Ok(Next::More) => Ok(Piece::More),
                Ok(Next::Data(data)) => Ok(Piece::Data(data)),
                Ok(Next::End(trailers)) => {
                    self.0 = State::Done;
                    Ok(if trailers.is_empty() { Piece::End } else { Piece::Trailers(trailers) })
                }
            },
        }
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// [`BodyFault::Incomplete`] unless that is the body's end.
    pub(crate) fn ended(&mut self) -> Result<(), BodyFault> {
        match self.0 {
            State::Done => Ok(()),
            State::UntilClose => {
                self.0 = State::Done;
                Ok(())
            }
            State::Sized(_) | State::Chunked(_) => Err(BodyFault::Incomplete),
        }
    }

    /// How long the whole body is, where nothing of it has been read yet and that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        match self.0 {
            State::Done => Some(0),
            State::Sized(length) => Some(length),
            State::Chunked(_) | State::UntilClose => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::{BodyDecoder, BodyFault, Framing, Piece};

    #[test]
    fn a_body_ends_where_its_framing_says() {
        let mut buffer = BytesMut::from("abcdefg");
        let mut sized = BodyDecoder::new(Framing::Sized(5));
        assert_eq!((sized.length(), sized.is_done()), (Some(5), false));
        assert_eq!(sized.take(&mut buffer), Ok(Piece::Data("abcde".into())));
        assert_eq!((sized.take(&mut buffer), sized.ended()), (Ok(Piece::End), Ok(())));
        assert_eq!(&buffer[..], b"fg");
        let mut until = BodyDecoder::new(Framing::UntilClose);
        assert_eq!(until.take(&mut buffer), Ok(Piece::Data("fg".into())));
        assert_eq!((until.take(&mut buffer), until.ended(), until.is_done()), (Ok(Piece::More), Ok(()), true));
        for framing in [Framing::Nothing, Framing::Sized(0)] {
            assert!(BodyDecoder::new(framing).is_done());
        }
    }

    #[test]
    fn an_end_too_early_is_a_fault() {
        for framing in [Framing::Sized(5), Framing::Chunked] {
            let mut decoder = BodyDecoder::new(framing);
            assert_eq!(decoder.take(&mut BytesMut::new()), Ok(Piece::More));
            assert_eq!(decoder.ended(), Err(BodyFault::Incomplete));
        }
        let mut chunked = BodyDecoder::new(Framing::Chunked);
        assert!(matches!(chunked.take(&mut BytesMut::from("x")), Err(BodyFault::Malformed(_))));
    }
}
