//! Refusals of a source or an order, as the parent is told of them.

use plan::{Code, Limits};
use protocol::EngineFailure;

/// Error of FFmpeg when it could not allocate memory.
pub const NO_MEMORY: ffmpeg_next::Error = ffmpeg_next::Error::Other {
    errno: nix::libc::ENOMEM,
};

/// Makes a refusal with a code and a sentence for people.
pub fn reject(code: Code, message: impl Into<String>) -> EngineFailure {
    EngineFailure {
        code,
        message: message.into(),
    }
}

/// Refuses pictures that are larger than the limits allow.
pub fn check_size(width: u32, height: u32, limits: &Limits) -> Result<(), EngineFailure> {
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > limits.side_px || pixels > limits.frame_px {
        let message =
            format!("Frames of {width}x{height} pixels are larger than this server decodes.");
        return Err(reject(Code::LimitDimensions, message));
    }
    Ok(())
}
