//! An engine's end of the socket for fake engines, and a source for them.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitStatus;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use plan::Limits;
use protocol::{Decoder, ToEngine, ToParent};
use transcoder::{Budget, Engine, Session, SourceError, SourceReader};

/// Bytes of the source.
pub const SIZE: u64 = 1 << 20;

/// First byte of the source that cannot be read.
pub const UNREADABLE_FROM: u64 = SIZE / 2;

/// Source whose byte at `n` is `n` modulo 251.
pub struct Counting;

#[async_trait]
impl SourceReader for Counting {
    async fn read(&self, offset: u64, length: u32) -> Result<Bytes, SourceError> {
        if offset >= UNREADABLE_FROM {
            return Err(SourceError("that disk is broken".into()));
        }
        let byte = |n: u64| (n % 251) as u8;
        Ok((offset..offset + u64::from(length)).map(byte).collect())
    }
}

pub fn open(engine: &Engine) -> Session {
    let budget = Budget {
        encode_threads: 1,
        decode_threads: 1,
        memory_bytes: 1 << 30,
    };
    Session::open(engine, Arc::new(Counting), SIZE, budget, Limits::default()).unwrap()
}

/// Engine's end of the socket, for fake engines.
pub struct Wire {
    pub stream: UnixStream,
    decoder: Decoder,
}

impl Wire {
    pub fn new(stream: UnixStream) -> Self {
        let decoder = Decoder::default();
        Self { stream, decoder }
    }

    pub fn hear(&mut self) -> Option<(ToEngine, Bytes)> {
        loop {
            if let Some(message) = self.decoder.take().unwrap() {
                return Some(message);
            }
            let mut piece = [0; 4096];
            match self.stream.read(&mut piece) {
                Ok(n) if n > 0 => self.decoder.buffer().extend_from_slice(&piece[..n]),
                _ => return None,
            }
        }
    }

    pub fn hear_order(&mut self) -> Option<u32> {
        loop {
            if let (ToEngine::Order { order, .. }, _) = self.hear()? {
                return Some(order);
            }
        }
    }

    /// Sends bytes as they are, without a frame.
    pub fn shout(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub fn say(&mut self, message: &ToParent, payload: &[u8]) -> bool {
        let frame = protocol::encode(message, payload).unwrap();
        self.stream.write_all(&frame).is_ok()
    }
}

pub fn fake(part: impl Fn(&mut Wire) -> ExitStatus + Send + Sync + 'static) -> Engine {
    Engine::in_process(move |stream| part(&mut Wire::new(stream)))
}
