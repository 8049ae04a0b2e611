//! A sound decoder that follows what changes on the way: a container may say, packet by packet, that what follows is
//! coded otherwise (a second sample entry in MP4, another header in FLV).

use anyhow::Result;
use ffmpeg_next::codec::packet::side_data;
use ffmpeg_next::codec::{self, Parameters, decoder};
use ffmpeg_next::{Error, Packet, Rational, Stream, frame};

use crate::ffi;

/// Decodes packets of one track.
pub struct SoundDecoder {
    parameters: Parameters,
    time_base: Rational,
    decoder: decoder::Audio,
    extradata: Vec<u8>,
    /// The one before, which still has some frames.
    before: Option<decoder::Audio>,
}

impl SoundDecoder {
    /// A decoder of a stream, whose packets are coded as it says, or as a packet before them said.
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

    /// How it takes packets to be coded.
    pub fn extradata(&self) -> &[u8] {
        &self.extradata
    }

    /// Takes a packet.
    pub fn send(&mut self, packet: &Packet) -> Result<(), Error> {
        if let Some(extradata) = new_extradata(packet)
            && extradata != self.extradata
        {
            let parameters = ffi::with_extradata(&self.parameters, &extradata);
            let mut before =
                std::mem::replace(&mut self.decoder, open(&parameters, self.time_base)?);
            // It has ended already where this fails.
            let _ = before.send_eof();
            self.before = Some(before);
            self.parameters = parameters;
            self.extradata = extradata;
        }
        self.decoder.send_packet(packet)
    }

    /// No more packets come.
    pub fn end(&mut self) {
        // It has ended already where this fails.
        let _ = self.decoder.send_eof();
    }

    /// The next frame.
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

/// Whether a packet is a header of Vorbis, without sound: a chained Ogg has those of a further link in its midst, and
/// the decoder reads on by them (Vorbis I §4.2.1).
pub fn is_header(packet: &Packet) -> bool {
    let data = packet.data().unwrap_or_default();
    matches!(data.first(), Some(1 | 3 | 5)) && data[1..].starts_with(b"vorbis")
}

/// What a packet says of how it and those after it are coded.
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
