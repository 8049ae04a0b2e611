//! File names below a rendition. axum has no `{n}.m4s` captures, so that names are parsed here.

/// What a file name below a rendition asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileName {
    /// `playlist.m3u8`
    Playlist,
    /// `init.mp4`
    Init,
    /// `{n}.m4s`
    Segment(u32),
    /// `{n}.jpg`
    Sheet(u32),
    /// `{n}.vtt`
    Text(u32),
    /// `all.vtt`
    AllText,
}

impl FileName {
    /// Each file has one name: a second spelling would be a second object in every cache.
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

/// A number as it is printed: no sign, no leading nought.
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
        assert_eq!(FileName::parse("0.m4s"), Some(FileName::Segment(0)));
        assert_eq!(FileName::parse("412.m4s"), Some(FileName::Segment(412)));
        assert_eq!(FileName::parse("3.jpg"), Some(FileName::Sheet(3)));
        assert_eq!(FileName::parse("3.vtt"), Some(FileName::Text(3)));
        let wrong = "00.m4s -1.m4s +1.m4s .m4s 1.mp4 1.m4s.m4s 9999999999.m4s init.MP4";
        for name in wrong.split(' ') {
            assert_eq!(FileName::parse(name), None, "{name}");
        }
    }
}
