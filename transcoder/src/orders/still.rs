//! Checks that the bytes of a still are a whole picture of its kind. The content is not checked, since browsers do
//! not trust it either.

/// Whether bytes are a JPEG file from its first marker to its last (ITU-T T.81 §B.1).
pub(super) fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8, 0xff]) && bytes.ends_with(&[0xff, 0xd9])
}

/// Whether bytes are a WebP file (RFC 9649 §2.4).
pub(super) fn is_webp(bytes: &[u8]) -> bool {
    let Some((header, rest)) = bytes.split_first_chunk::<12>() else {
        return false;
    };
    let size = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
    header.starts_with(b"RIFF") && header.ends_with(b"WEBP") && size as usize == rest.len() + 4
}
