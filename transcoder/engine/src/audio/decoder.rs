//! A sound decoder that follows changes of coding inside a track. A container may announce with a packet that the
//! packets from there on are coded otherwise: a second sample entry in MP4, another header in FLV.

use anyhow::Result;
use ffmpeg_next::codec::packet::side_data;
use ffmpeg_next::codec::{self, Parameters, decoder};
use ffmpeg_next::{Error, Packet, Rational, Stream, frame};

use crate::ffi;

/// Decoder of the packets of one sound track.
pub struct SoundDecoder {
    parameters: Parameters,
    time_base: Rational,
    decoder: decoder::Audio,
    extradata: Vec<u8>,
    /// Decoder of the former coding, kept while it still holds some frames.
    before: Option<decoder::Audio>,
}

impl SoundDecoder {
    /// Opens a decoder of a stream. `extradata` replaces the stream's own codec settings where an earlier packet
    /// announced others.
    pub fn open(stream: &Stream, extradata: Option<&[u8]>) -> Result<Self, Error> {
        let own = stream.parameters();
        let parameters = match extradata {
            Some(extradata) => ffi::with_extradata(&own, extradata),
            None => own,
        };
        let time_base = stream.time_base();
        Ok(Self {
            decoder: open(&parameters, time_base)?,
            extradata: ffi::stored_extradata(&parameters),
            parameters,
            time_base,
            before: None,
        })
    }

    /// Codec settings with which the decoder reads packets at present.
    pub fn extradata(&self) -> &[u8] {
        &self.extradata
    }

    /// Gives the next packet to the decoder, and opens another decoder if the packet announces another coding.
    pub fn send(&mut self, packet: &Packet) -> Result<(), Error> {
        if let Some(extradata) = new_extradata(packet)
            && extradata != self.extradata
        {
            let parameters = ffi::with_extradata(&self.parameters, &extradata);
            let mut before =
                std::mem::replace(&mut self.decoder, open(&parameters, self.time_base)?);
            // The call fails only where the decoder has ended already.
            let _ = before.send_eof();
            self.before = Some(before);
            self.parameters = parameters;
            self.extradata = extradata;
        }
        self.decoder.send_packet(packet)
    }

    /// Tells the decoder that no more packets come.
    pub fn end(&mut self) {
        // The call fails only where the decoder has ended already.
        let _ = self.decoder.send_eof();
    }

    /// Receives the next decoded frame; frames of the former coding come first.
    pub fn receive(&mut self, frame: &mut frame::Audio) -> Result<(), Error> {
        if let Some(before) = &mut self.before {
            match before.receive_frame(frame) {
                Ok(()) => return Ok(()),
                Err(_) => self.before = None,
            }
        }
        self.decoder.receive_frame(frame)
    }
}

/// Whether a packet is a header of Vorbis, which holds no sound. A chained Ogg repeats the headers at the start of
/// each further link, and the decoder needs them to read on (Vorbis I §4.2.1).
pub fn is_header(packet: &Packet) -> bool {
    let data = packet.data().unwrap_or_default();
    matches!(data.first(), Some(1 | 3 | 5)) && data[1..].starts_with(b"vorbis")
}

/// Codec settings that a packet announces for itself and for the packets after it; none if the packet announces
/// nothing.
pub fn new_extradata(packet: &Packet) -> Option<Vec<u8>> {
    let mut side_data = packet.side_data();
    let new = side_data.find(|data| data.kind() == side_data::Type::NewExtraData)?;
    Some(new.data().to_vec())
}

fn open(parameters: &Parameters, time_base: Rational) -> Result<decoder::Audio, Error> {
    let mut decoder = codec::Context::from_parameters(parameters.clone())?.decoder();
    decoder.set_packet_time_base(time_base);
    decoder.audio()
}
