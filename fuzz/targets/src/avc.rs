//! Pictures of H.264 that are sent as they are stored.

use cmaf::avc::Record;

/// A byte that says how long the record is, the record, then a picture.
pub fn run(bytes: &[u8]) {
    let Some((&length, rest)) = bytes.split_first() else {
        return;
    };
    let (record, stored) = rest.split_at(rest.len().min(usize::from(length)));
    let Some(record) = Record::read(record) else {
        return;
    };
    assert!(rest.starts_with(record.bytes()));
    assert_eq!(record.avcc().length_size, 4);
    let Ok(sample) = record.sample(stored) else {
        return;
    };
    let (mut units, mut has_key) = (0, false);
    let mut data = &sample.data[..];
    while let Some((size, rest)) = data.split_first_chunk() {
        let (unit, rest) = rest.split_at(u32::from_be_bytes(*size) as usize);
        has_key |= unit[0] & 0x1f == 5;
        units += unit.len();
        data = rest;
    }
    assert!(data.is_empty(), "bytes after the last unit");
    assert!(units <= stored.len(), "{units} of {}", stored.len());
    assert_eq!(has_key, sample.is_idr);
}
