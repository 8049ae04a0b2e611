//! The reason why FFmpeg cannot open a source, told from the source's first bytes.

use ffmpeg_next::Error;
use plan::Code;
use protocol::EngineFailure;

use crate::input::boxes::{self, Boxes};
use crate::input::source::Source;
use crate::refusal::{NO_MEMORY, reject};

/// Message for a source whose samples are encrypted.
pub const ENCRYPTED: &str = "The file is encrypted; reelmill has no key to it.";

/// Refusal of a source that FFmpeg cannot open.
pub fn refusal(source: &Source, error: Error) -> EngineFailure {
    if source.size() == 0 {
        return reject(Code::NotMedia, "The file is empty.");
    }
    if error == Error::Exit {
        return reject(Code::Internal, "The probe was ended.");
    }
    if error == NO_MEMORY {
        let message = "The file declares content that needs more memory than a probe may use.";
        return reject(Code::LimitSize, message);
    }
    if boxes::is_encrypted(source.reader(), source.size()) {
        return reject(Code::Encrypted, ENCRYPTED);
    }
    match Boxes::walk(source.reader(), source.size()) {
        Some(Boxes { broken: true, .. }) => {
            reject(Code::Corrupt, "The file's structure is damaged.")
        }
        Some(Boxes {
            content: 0,
            cut: false,
            ..
        }) => reject(
            Code::NotMedia,
            "The file begins like a video but contains nothing.",
        ),
        Some(
            Boxes { cut: true, .. }
            | Boxes {
                index: false,
                fragment: false,
                ..
            },
        ) => reject(
            Code::Truncated,
            "The file ends before its index: the recording or the upload was cut off.",
        ),
        Some(_) => reject(Code::Corrupt, "The file's structure is damaged."),
        None => reject(Code::NotMedia, "The file is not a video or sound file."),
    }
}

/// Refusal of a source that FFmpeg opened but that holds no packet: a cut file of a known structure, or another kind
/// of file that a demuxer took for its own.
pub fn without_packets(source: &Source) -> EngineFailure {
    match Boxes::walk(source.reader(), source.size()) {
        Some(_) => reject(
            Code::Truncated,
            "The file ends before its first picture or sound.",
        ),
        None => reject(Code::NotMedia, "The file is not a video or sound file."),
    }
}
