//! What the parent says to an engine.

use protocol::{Decoder, ToEngine};

/// A stream of messages, which comes in pieces as long as its first byte says.
pub fn run(bytes: &[u8]) {
    let Some((&length, stream)) = bytes.split_first() else {
        return;
    };
    let mut decoder = Decoder::default();
    for piece in stream.chunks(usize::from(length).max(1)) {
        decoder.buffer().extend_from_slice(piece);
        loop {
            match decoder.take::<ToEngine>() {
                Ok(Some((message, payload))) => {
                    let again = protocol::encode(&message, &payload).unwrap();
                    let mut decoder = Decoder::default();
                    decoder.buffer().extend_from_slice(&again);
                    // Floats in it need not equal themselves.
                    assert!(decoder.take::<ToEngine>().unwrap().is_some());
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}
