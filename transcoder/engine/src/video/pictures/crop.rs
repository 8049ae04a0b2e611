//! The clean aperture of stored pictures.

use ffmpeg_next::{Error, frame};
use plan::Aperture;
use plan::media_info::VideoTrack;

use crate::ffi;

/// Part that is shown of pictures of the source's own size.
pub struct Crop {
    stored: (u32, u32),
    part: Aperture,
}

impl Crop {
    /// Crop of a picture track; none where the whole picture is shown.
    pub fn of(track: &VideoTrack) -> Option<Self> {
        let stored = (track.coded_width, track.coded_height);
        track.aperture.map(|part| Self { stored, part })
    }

    /// Crops a picture to the part that is shown; pictures of other sizes are shown whole.
    pub fn crop(&self, frame: &mut frame::Video) -> Result<(), Error> {
        if (frame.width(), frame.height()) != self.stored {
            return Ok(());
        }
        let Aperture {
            left,
            top,
            width,
            height,
        } = self.part;
        ffi::crop(frame, (left, top), (width, height))
    }
}
