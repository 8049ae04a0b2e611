//! The clean aperture of stored pictures.

use ffmpeg_next::{Error, frame};
use plan::Aperture;
use plan::media_info::VideoTrack;

use crate::ffi;

/// What is shown of pictures of the source's own size, where that is not all of them.
pub struct Crop {
    stored: (u32, u32),
    part: Aperture,
}

impl Crop {
    /// Of a picture track.
    pub fn of(track: &VideoTrack) -> Option<Self> {
        let stored = (track.coded_width, track.coded_height);
        track.aperture.map(|part| Self { stored, part })
    }

    /// Leaves out what is not shown; pictures of other sizes are shown whole.
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
