//! Trick play: a rendition with one frame for each segment, for viewers who wind or drag along the seek bar.

use crate::canonical::Canonical;
use crate::h264;
use crate::media_info::VideoTrack;
use crate::presentation::chunks;
use crate::presentation::generation::MEDIA_GENERATION;
use crate::presentation::hashes::hash_source;
use crate::presentation::model::Access;
use crate::presentation::video::{VideoRendition, hash_picture};
use crate::rendition::RenditionName;
use crate::timeline::TimeLine;
use crate::units::Frames;

/// Bit-rate cap in kilobits per second that no segment exceeds. The one frame of a one-second segment thus has at most
/// 16 kB (what rate control leaves of the cap), enough for 240p with much detail.
const CAP_KBIT: u32 = 200;
/// Constant rate factor of the frames, in x264's scale.
const CRF: u32 = 25;
/// x264 preset. Intra-coded frames cost little time, and there are few of them.
const PRESET: &str = "medium";

/// Makes the trick-play rendition: the first frame of each segment, in the size and with the scale path of the lowest
/// rung, so that the same decode serves it and all rungs.
pub(super) fn rendition(
    track: &VideoTrack,
    timeline: &TimeLine,
    access: Access,
    lowest: &VideoRendition,
) -> VideoRendition {
    let color = &lowest.color;
    let level_idc = h264::level_idc(lowest.size(), timeline.rate, CAP_KBIT);
    // A key interval of one would make x264 declare another profile.
    let x264 = format!(
        "crf={CRF}:ref=1:bframes=0:keyint=infinite:min-keyint=1000000:open-gop=0:threads=1:\
         sync-lookahead=0:rc-lookahead=0:mbtree=0:cpu-independent=1:stitchable=1:force-cfr=1:\
         range=tv:colormatrix={}:colorprim={}:transfer={}",
        color.matrix, color.primaries, color.transfer
    );
    let path = lowest.scale_path.iter();
    let mut hash = Canonical::new("trick-play/h264");
    hash_source(&mut hash, track.stream, timeline)
        .ints(
            path.flat_map(|s| [i64::from(s.width), i64::from(s.height)])
                .collect::<Vec<_>>()
                .into_iter(),
        )
        .text(PRESET)
        .text(&x264)
        .int(level_idc)
        .int(CAP_KBIT)
        .ints(
            chunks::starts(timeline)
                .iter()
                .map(|&start| i64::from(start)),
        );
    hash_picture(&mut hash, track, access);
    VideoRendition {
        id: hash.rendition(RenditionName::TrickPlay(lowest.rung)),
        cap_bits_per_second: u64::from(CAP_KBIT) * 1000,
        codec: h264::codec_string(level_idc),
        crf: CRF,
        first_factors: Vec::new(),
        generation: MEDIA_GENERATION,
        encoder_epoch: 0,
        level_idc,
        reorder_frames: 0,
        preset: PRESET.to_owned(),
        settings: x264,
        ..lowest.clone()
    }
}

impl VideoRendition {
    /// Whether this is a trick-play rendition.
    pub fn is_trick_play(&self) -> bool {
        matches!(self.id.name(), RenditionName::TrickPlay(_))
    }

    /// Number of frames that the rendition has in a segment of `frames` frames, counted from its first.
    pub fn pictures_of(&self, frames: Frames) -> Frames {
        match self.is_trick_play() {
            true => Frames(frames.0.min(1)),
            false => frames,
        }
    }
}
