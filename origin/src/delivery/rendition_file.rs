//! File names below a rendition. They are parsed here because axum cannot capture `{n}.m4s`.

/// File below a rendition, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RenditionFile {
    /// `playlist.m3u8`: the HLS media playlist.
    Playlist,
    /// `init.mp4`: the init segment.
    Init,
    /// `{n}.m4s`: a media segment.
    Segment(u32),
    /// `{n}.jpg`: a sheet of the storyboard.
    Sheet(u32),
    /// `{n}.vtt`: the subtitles of one segment.
    Text(u32),
    /// `all.vtt`: all subtitles.
    AllText,
}

impl RenditionFile {
    /// Parses a file name. Each file has exactly one name: a second spelling would be a second copy in every cache.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "playlist.m3u8" => Some(Self::Playlist),
            "init.mp4" => Some(Self::Init),
            "all.vtt" => Some(Self::AllText),
            _ => match name.split_once('.')? {
                (digits, "m4s") => number(digits).map(Self::Segment),
                (digits, "jpg") => number(digits).map(Self::Sheet),
                (digits, "vtt") => number(digits).map(Self::Text),
                _ => None,
            },
        }
    }
}

/// Parses a number without a sign and without leading zeros, of at most nine digits.
pub fn number(digits: &str) -> Option<u32> {
    let canonical = digits == "0" || !digits.starts_with('0');
    let plain = digits.len() <= 9 && digits.bytes().all(|b| b.is_ascii_digit());
    (canonical && plain).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_have_one_spelling() {
        assert_eq!(
            RenditionFile::parse("0.m4s"),
            Some(RenditionFile::Segment(0))
        );
        assert_eq!(
            RenditionFile::parse("412.m4s"),
            Some(RenditionFile::Segment(412))
        );
        assert_eq!(RenditionFile::parse("3.jpg"), Some(RenditionFile::Sheet(3)));
        assert_eq!(RenditionFile::parse("3.vtt"), Some(RenditionFile::Text(3)));
        let wrong = "00.m4s -1.m4s +1.m4s .m4s 1.mp4 1.m4s.m4s 9999999999.m4s init.MP4";
        for name in wrong.split(' ') {
            assert_eq!(RenditionFile::parse(name), None, "{name}");
        }
    }
}
