//! Trick play (DASH-IF IOP part 5 §5.5: an adaptation set of its own).

use plan::{Plan, VideoRendition};

use super::{PICTURE, frames};
use crate::xml::Xml;

/// One picture of each segment.
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
            ("value", &PICTURE),
        ],
    );
    frames(xml, plan, rendition);
    let size = rendition.size();
    let lengths = plan.timeline.boundaries.windows(2);
    // So fast, a decoder sees as many pictures as it does of the others.
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
