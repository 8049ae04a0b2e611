//! Trick play in the MPD, as an adaptation set of its own (DASH-IF IOP part 5 §5.5).

use plan::{Plan, VideoRendition};

use super::{VIDEO_SET_ID, frames};
use crate::xml::Xml;

/// Writes the adaptation set of the trick-play rendition, which has one frame for each segment.
pub(super) fn pictures(xml: &mut Xml, plan: &Plan, rendition: &VideoRendition, id: usize) {
    xml.open(
        "AdaptationSet",
        &[
            ("id", &id),
            ("contentType", &"video"),
            ("mimeType", &"video/mp4"),
            ("segmentAlignment", &"true"),
            ("startWithSAP", &"1"),
        ],
    );
    xml.empty(
        "EssentialProperty",
        &[
            ("schemeIdUri", &"http://dashif.org/guidelines/trickmode"),
            ("value", &VIDEO_SET_ID),
        ],
    );
    frames(xml, plan, rendition);
    let size = rendition.size();
    let lengths = plan.timeline.boundaries.windows(2);
    // At this playback rate a decoder gets as many frames per second as from the main video.
    let fastest = lengths.map(|pair| (pair[1] - pair[0]).0).max().unwrap_or(1);
    xml.empty(
        "Representation",
        &[
            ("id", &rendition.id),
            ("bandwidth", &rendition.cap_bits_per_second),
            ("codecs", &rendition.codec),
            ("width", &size.width),
            ("height", &size.height),
            ("sar", &"1:1"),
            ("maxPlayoutRate", &fastest),
            ("codingDependency", &"false"),
        ],
    );
    xml.close();
}
