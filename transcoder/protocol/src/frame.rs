//! Framing: two lengths, a header in postcard, then the payload as it is.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest header: a plan of twelve hours with a scanned index is about 1 MiB.
pub const MAX_HEADER: u32 = 16 << 20;
/// Longest payload: a 10-s segment at 18 Mbit/s is 23 MB; a storyboard sheet far less.
pub const MAX_PAYLOAD: u32 = 64 << 20;
const LENGTHS: usize = 8;

/// The other side does not keep to the protocol.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A declared length is over its limit.
    #[error("a message of {header} + {payload} bytes is over the limit")]
    TooLong {
        /// Declared length of the header.
        header: u32,
        /// Declared length of the payload.
        payload: u32,
    },
    /// The header is no message.
    #[error("a message cannot be read")]
    Malformed(#[from] postcard::Error),
}

/// A message and its payload as bytes to write: lengths and header in one piece, then the
/// payload, which is not copied.
///
/// # Errors
/// Where either part is over its limit.
pub fn encode<M: Serialize>(message: &M, payload: &[u8]) -> Result<Bytes, FrameError> {
    let header = postcard::to_stdvec(message)?;
    let (header_length, payload_length) = (header.len(), payload.len());
    if header_length > MAX_HEADER as usize || payload_length > MAX_PAYLOAD as usize {
        return Err(FrameError::TooLong {
            header: header_length as u32,
            payload: payload_length as u32,
        });
    }
    let mut out = BytesMut::with_capacity(LENGTHS + header_length + payload_length);
    out.put_u32_le(header_length as u32);
    out.put_u32_le(payload_length as u32);
    out.put_slice(&header);
    out.put_slice(payload);
    Ok(out.freeze())
}

/// Takes messages out of a stream of bytes.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    most_header: u32,
    most_payload: u32,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            buffer: BytesMut::new(),
            most_header: MAX_HEADER,
            most_payload: MAX_PAYLOAD,
        }
    }
}

impl Decoder {
    /// Takes no longer header and no longer payload from now on, in bytes.
    pub fn limit(&mut self, header: u32, payload: u32) {
        self.most_header = header.min(MAX_HEADER);
        self.most_payload = payload.min(MAX_PAYLOAD);
    }

    /// Where newly read bytes are appended.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next whole message with its payload, or nothing yet.
    ///
    /// # Errors
    /// Where the bytes do not follow the protocol; the stream is of no use then.
    pub fn take<M: DeserializeOwned>(&mut self) -> Result<Option<(M, Bytes)>, FrameError> {
        let Some(mut lengths) = self.buffer.get(..LENGTHS) else {
            return Ok(None);
        };
        let (header, payload) = (lengths.get_u32_le(), lengths.get_u32_le());
        if header > self.most_header || payload > self.most_payload {
            return Err(FrameError::TooLong { header, payload });
        }
        let whole = LENGTHS + header as usize + payload as usize;
        if self.buffer.len() < whole {
            self.buffer.reserve(whole - self.buffer.len());
            return Ok(None);
        }
        let mut frame = self.buffer.split_to(whole);
        frame.advance(LENGTHS);
        let message = postcard::from_bytes(&frame.split_to(header as usize))?;
        Ok(Some((message, frame.freeze())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ToEngine;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn messages_survive_any_cut(payload in proptest::collection::vec(any::<u8>(), 0..300), cut in 1usize..40) {
            let frame = encode(&ToEngine::Hold, &payload).unwrap();
            let mut decoder = Decoder::default();
            let mut got = Vec::new();
            for piece in frame.chunks(cut) {
                decoder.buffer().extend_from_slice(piece);
                got.extend(decoder.take::<ToEngine>().unwrap());
            }
            prop_assert_eq!(got, vec![(ToEngine::Hold, Bytes::from(payload))]);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut decoder = Decoder::default();
            decoder.buffer().extend_from_slice(&bytes);
            while let Ok(Some(_)) = decoder.take::<ToEngine>() {}
        }
    }
}
