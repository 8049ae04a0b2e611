//! The generation of renditions: the number of the rules by which sources become bytes.

/// Number of the rules by which sources become bytes. It is raised by hand when our own processing changes the bytes
/// of any rendition.
pub const MEDIA_GENERATION: u32 = 12;

/// Generation of renditions whose stored plans do not have the field: the last one before the field was introduced.
pub(crate) const fn generation_of_old() -> u32 {
    7
}
