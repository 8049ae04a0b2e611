//! Names in URLs: each thing has one spelling.

use std::fmt::Display;
use std::str::FromStr;

use plan::rendition::RenditionName;
use plan::{OwnerId, RenditionId, UploadId, VideoId};

use crate::delivery::{RenditionFile, number};

/// A part of a path.
pub fn run(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Some(name) = RenditionFile::parse(text) {
        let spelt = match name {
            RenditionFile::Playlist => "playlist.m3u8".to_owned(),
            RenditionFile::Init => "init.mp4".to_owned(),
            RenditionFile::AllText => "all.vtt".to_owned(),
            RenditionFile::Segment(index) => format!("{index}.m4s"),
            RenditionFile::Sheet(index) => format!("{index}.jpg"),
            RenditionFile::Text(index) => format!("{index}.vtt"),
        };
        assert_eq!(spelt, text);
    }
    if let Some(number) = number(text) {
        assert_eq!(number.to_string(), text);
    }
    one_spelling::<RenditionId>(text);
    one_spelling::<RenditionName>(text);
    one_spelling::<VideoId>(text);
    one_spelling::<UploadId>(text);
    one_spelling::<OwnerId>(text);
}

fn one_spelling<T: FromStr + Display>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string(), text);
    }
}
