//! Captions inside pictures, and in tracks of their own: whole pairs, no more than were there.

#[path = "../../../transcoder/engine/src/text/captions.rs"]
mod parser;

/// A byte that chooses the coding and the length of lengths, then a picture.
pub fn run(bytes: &[u8]) {
    let Some((&choice, picture)) = bytes.split_first() else {
        return;
    };
    let codec = ["h264", "hevc", "mpeg2video"][usize::from(choice) % 3];
    let captions = parser::Captions::of(codec, usize::from(choice >> 4) % 5);
    for pairs in [captions.unwrap().pairs(picture), parser::of_sample(picture)] {
        assert_eq!(pairs.len() % 3, 0);
        assert!(
            pairs.len() <= picture.len() * 2,
            "{} of {}",
            pairs.len(),
            picture.len()
        );
    }
}
