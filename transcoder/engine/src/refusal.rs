//! Why the engine refuses a source or an order, as the parent is told.

use plan::{Code, Limits};
use protocol::EngineFailure;

/// FFmpeg could not allocate.
pub const NO_MEMORY: ffmpeg_next::Error = ffmpeg_next::Error::Other {
    errno: nix::libc::ENOMEM,
};

/// A rejection as the engine reports it.
pub fn reject(code: Code, message: impl Into<String>) -> EngineFailure {
    EngineFailure {
        code,
        message: message.into(),
    }
}

/// Refuses pictures that are larger than is decoded here.
pub fn check_size(width: u32, height: u32, limits: &Limits) -> Result<(), EngineFailure> {
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > limits.side_px || pixels > limits.frame_px {
        let message = format!("Pictures of {width}x{height} are larger than can be decoded here.");
        return Err(reject(Code::LimitDimensions, message));
    }
    Ok(())
}
