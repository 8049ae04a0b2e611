//! The peak luminance of pictures, from their metadata.

use ffmpeg_next::codec::packet::side_data;
use ffmpeg_next::{Stream, frame, util::frame::side_data as of_frame};

/// Peak luminance of a decoded picture in nits: that of its content, or else of the display on which it was mastered.
pub fn of_picture(picture: &frame::Video) -> Option<u32> {
    let data = |kind| picture.side_data(kind);
    let content = data(of_frame::Type::ContentLightLevel).and_then(|d| content(d.data()));
    content.or_else(|| {
        data(of_frame::Type::MasteringDisplayMetadata).and_then(|d| mastering(d.data()))
    })
}

/// Peak luminance of a stream in nits, as the container declares it.
pub fn of_stream(stream: &Stream) -> Option<u32> {
    let data = |kind| stream.side_data().find(|data| data.kind() == kind);
    let content = data(side_data::Type::ContentLightLevel).and_then(|d| content(d.data()));
    content.or_else(|| {
        data(side_data::Type::MasteringDisplayMetadata).and_then(|d| mastering(d.data()))
    })
}

/// Dolby Vision profile that a stream's configuration names (`AVDOVIDecoderConfigurationRecord`: its third byte).
pub fn dolby_vision(stream: &Stream) -> Option<u8> {
    let mut all = stream.side_data();
    let found = all.find(|data| data.kind() == side_data::Type::DOVI_CONF)?;
    found.data().get(2).copied()
}

/// MaxCLL in nits, the first number of `AVContentLightMetadata`.
fn content(data: &[u8]) -> Option<u32> {
    let bytes = data.get(..4)?.try_into().ok()?;
    Some(u32::from_ne_bytes(bytes)).filter(|&nits| nits > 0)
}

/// Greatest luminance in nits, in `AVMasteringDisplayMetadata`. It is a fraction that follows six fractions of
/// primaries, two of the white point and the least luminance; the second of two flags at the end says whether it is
/// there.
fn mastering(data: &[u8]) -> Option<u32> {
    const FRACTION: usize = 8;
    let number = |at: usize| Some(i32::from_ne_bytes(data.get(at..at + 4)?.try_into().ok()?));
    let most = 9 * FRACTION;
    let (num, den) = (number(most)?, number(most + 4)?);
    let is_there = number(10 * FRACTION + 4)? != 0 && den > 0;
    let nits = u32::try_from(num.checked_div(den)?).ok()?;
    Some(nits).filter(|&nits| is_there && nits > 0)
}
