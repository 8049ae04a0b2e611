//! Framing of messages on the socket: two lengths, a header in postcard, and the payload as raw bytes.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest header in bytes. A plan of twelve hours with a scanned index takes about 1 MiB.
pub const MAX_HEADER: u32 = 16 << 20;
/// Longest payload in bytes. A segment of 10 s at 18 Mbit/s takes 23 MB, and a storyboard sheet far less.
pub const MAX_PAYLOAD: u32 = 64 << 20;
/// Number of bytes of the two lengths at the start of a frame.
const LENGTHS_BYTES: usize = 8;

/// Violation of the protocol by the other side.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A declared length exceeds its limit.
    #[error("a message of {header} + {payload} bytes exceeds the limit")]
    TooLong {
        /// Declared length of the header.
        header: u32,
        /// Declared length of the payload.
        payload: u32,
    },
    /// The header is not a message.
    #[error("a message cannot be decoded")]
    Malformed(#[from] postcard::Error),
}

/// Encodes a message and its payload: the two lengths, the header, and the payload.
///
/// # Errors
/// If the header or the payload exceeds its limit.
pub fn encode<M: Serialize>(message: &M, payload: &[u8]) -> Result<Bytes, FrameError> {
    let header = postcard::to_stdvec(message)?;
    let (header_length, payload_length) = (header.len(), payload.len());
    if header_length > MAX_HEADER as usize || payload_length > MAX_PAYLOAD as usize {
        return Err(FrameError::TooLong {
            header: header_length as u32,
            payload: payload_length as u32,
        });
    }
    let mut out = BytesMut::with_capacity(LENGTHS_BYTES + header_length + payload_length);
    out.put_u32_le(header_length as u32);
    out.put_u32_le(payload_length as u32);
    out.put_slice(&header);
    out.put_slice(payload);
    Ok(out.freeze())
}

/// Decoder that takes messages out of a stream of bytes.
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
    /// Lowers the limits in bytes for the headers and payloads that follow.
    pub fn limit(&mut self, header: u32, payload: u32) {
        self.most_header = header.min(MAX_HEADER);
        self.most_payload = payload.min(MAX_PAYLOAD);
    }

    /// Buffer to which newly read bytes are appended.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Returns the next complete message with its payload, or `None` if more bytes are needed.
    ///
    /// # Errors
    /// If the bytes do not follow the protocol. The stream cannot be used any further.
    pub fn take<M: DeserializeOwned>(&mut self) -> Result<Option<(M, Bytes)>, FrameError> {
        let Some(mut lengths) = self.buffer.get(..LENGTHS_BYTES) else {
            return Ok(None);
        };
        let (header, payload) = (lengths.get_u32_le(), lengths.get_u32_le());
        if header > self.most_header || payload > self.most_payload {
            return Err(FrameError::TooLong { header, payload });
        }
        let whole = LENGTHS_BYTES + header as usize + payload as usize;
        if self.buffer.len() < whole {
            self.buffer.reserve(whole - self.buffer.len());
            return Ok(None);
        }
        let mut frame = self.buffer.split_to(whole);
        frame.advance(LENGTHS_BYTES);
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
        fn the_decoder_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut decoder = Decoder::default();
            decoder.buffer().extend_from_slice(&bytes);
            while let Ok(Some(_)) = decoder.take::<ToEngine>() {}
        }
    }
}
