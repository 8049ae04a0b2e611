//! The tables of an MPEG transport stream, which say how its streams are coded (ISO/IEC 13818-1 §2.4.4). FFmpeg reads
//! only the first of them, so a stream that changes to another codec under the same number keeps its first codec
//! there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, SeekFrom};

/// Bytes read at the start and at the end. Tables come ten times a second, and broadcasts have at most as many bytes
/// in that time.
const LOOKED_AT: u64 = 1 << 20;
/// Sizes of a packet in bytes: bare, with a time of four bytes before it, and with a checksum behind it.
const PACKETS: [usize; 3] = [188, 192, 204];
const SYNC: u8 = 0x47;
/// Number of packets in a row that confirms their size.
const IN_A_ROW: usize = 5;

/// Streams that end in another codec than they begin in, by the identifier of their packets, with the names of both
/// codecs.
pub fn changes(
    mut reader: impl Read + Seek,
    total: u64,
) -> BTreeMap<u16, (&'static str, &'static str)> {
    let mut read = |from: u64| {
        let mut bytes = Vec::new();
        // Bytes that were read before an error count.
        if reader.seek(SeekFrom::Start(from)).is_ok() {
            let _ = reader.by_ref().take(LOOKED_AT).read_to_end(&mut bytes);
        }
        bytes
    };
    let first = stream_types(&read(0), true);
    let last = stream_types(&read(total.saturating_sub(LOOKED_AT)), false);
    let other = |(identifier, before): (u16, u8)| {
        let after = *last.get(&identifier)?;
        (before != after).then_some((identifier, (name(before), name(after))))
    };
    first.into_iter().filter_map(other).collect()
}

/// Stream types by the first or by the last tables among some packets.
fn stream_types(bytes: &[u8], takes_first: bool) -> BTreeMap<u16, u8> {
    let mut tables = BTreeSet::new();
    let mut types = BTreeMap::new();
    for (identifier, section) in sections(bytes) {
        // Table 0 lists the programmes, table 2 maps the streams of one; both end in a checksum.
        let Some(body) = section.get(8..section.len().saturating_sub(4)) else {
            continue;
        };
        match section[0] {
            0 if identifier == 0 => {
                let entries = body.chunks_exact(4).filter(|entry| entry[..2] != [0, 0]);
                tables.extend(entries.map(|entry| identifier_in(&entry[2..])));
            }
            2 if tables.contains(&identifier) => {
                for (stream, kind) in mapped(body) {
                    let known = types.entry(stream).or_insert(kind);
                    if !takes_first {
                        *known = kind;
                    }
                }
            }
            _ => {}
        }
    }
    types
}

/// Streams in the body of a programme's map, with their types.
fn mapped(body: &[u8]) -> Vec<(u16, u8)> {
    let length = |bytes: &[u8]| usize::from(identifier_in(bytes) & 0xfff);
    let mut streams = Vec::new();
    let Some(descriptors) = body.get(2..4) else {
        return streams;
    };
    let mut rest = body.get(4 + length(descriptors)..).unwrap_or_default();
    while let [kind, identifier @ ..] = rest
        && identifier.len() >= 4
    {
        streams.push((identifier_in(identifier), *kind));
        rest = rest
            .get(5 + length(&identifier[2..4])..)
            .unwrap_or_default();
    }
    streams
}

/// Packet identifier in the low thirteen bits of two bytes.
fn identifier_in(bytes: &[u8]) -> u16 {
    u16::from_be_bytes([bytes[0], bytes[1]]) & 0x1fff
}

/// Sections that fit into one packet, as these tables do, with the identifiers of their packets.
fn sections(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let (start, size) = grid(bytes).unwrap_or((bytes.len(), PACKETS[0]));
    let packets = bytes[start..].chunks_exact(size);
    packets.filter_map(|packet| {
        let packet = &packet[..PACKETS[0]];
        let begins_section = packet[1] & 0x40 != 0;
        let (has_fields, has_payload) = (packet[3] & 0x20 != 0, packet[3] & 0x10 != 0);
        if packet[0] != SYNC || !begins_section || !has_payload {
            return None;
        }
        let fields = if has_fields {
            1 + usize::from(packet[4])
        } else {
            0
        };
        let payload = packet.get(4 + fields..)?;
        let section = payload.get(1 + usize::from(*payload.first()?)..)?;
        let length = 3 + usize::from(identifier_in(section.get(1..3)?) & 0xfff);
        Some((identifier_in(&packet[1..3]), section.get(..length)?))
    })
}

/// Byte at which the first packet begins, and the size of a packet in bytes; none where no packets follow one
/// another.
fn grid(bytes: &[u8]) -> Option<(usize, usize)> {
    let sizes = PACKETS.into_iter();
    sizes
        .flat_map(|size| (0..size).map(move |start| (start, size)))
        .find(|&(start, size)| (0..IN_A_ROW).all(|at| bytes.get(start + at * size) == Some(&SYNC)))
}

/// Name of a stream type (ISO/IEC 13818-1 table 2-34, ATSC A/53-3).
fn name(kind: u8) -> &'static str {
    match kind {
        0x01 => "MPEG-1",
        0x02 => "MPEG-2",
        0x03 | 0x04 => "MPEG audio",
        0x0f => "AAC in ADTS",
        0x10 => "MPEG-4",
        0x11 => "AAC in LATM",
        0x1b => "H.264",
        0x24 => "HEVC",
        0x33 => "VVC",
        0x81 => "AC-3",
        0x87 => "E-AC-3",
        _ => "another codec",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const GOES_OVER: &[u8] = include_bytes!("../../../../../fuzz/corpus/transport/goes_over");

    fn changes_of(bytes: &[u8]) -> Vec<(u16, (&'static str, &'static str))> {
        changes(Cursor::new(bytes), bytes.len() as u64)
            .into_iter()
            .collect()
    }

    #[test]
    fn streams_that_go_over_to_another_codec_are_found_whatever_the_packets_are_wrapped_in() {
        let both = [
            (0x100, ("MPEG-2", "MPEG-4")),
            (0x101, ("MPEG audio", "AC-3")),
        ];
        let packets = GOES_OVER.chunks_exact(PACKETS[0]);
        let behind_times: Vec<u8> = packets
            .clone()
            .flat_map(|packet| [&[0; 4], packet].concat())
            .collect();
        let with_sums: Vec<u8> = packets
            .flat_map(|packet| [packet, &[0; 16]].concat())
            .collect();
        for bytes in [GOES_OVER, &behind_times, &with_sums] {
            assert_eq!(changes_of(bytes), both);
            assert_eq!(changes_of(&bytes[..bytes.len() / 2]), []);
        }
    }
}
